"""Expiring flow: inactivity and closing days, reminders that come once, extensions that never shorten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugin.domain.facts import CustomersMerged
from plugin.domain.programme import Expiry
from plugin.flows import clock, expiring, merchants, outgoing
from plugin.flows.expiring import CannotExtend
from plugin.store import events, expiries, lots
from plugin.store.db import Database
from tests.books import Books
from tests.facts import DAY, T0, line, programme, seen

IDLE = Expiry("inactivity", months=6)
HALF = datetime(2026, 9, 1, 12, tzinfo=UTC)  # six months after T0


def shop(db: Database, expiry: Expiry, **rules: Any) -> Books:
    made = Books(db, programme(expiry=expiry, expiry_months=rules.pop("expiry_months", None), **rules))
    made.join(7)
    made.tick()
    return made


def ends(books: Books, member_id: int = 7) -> set[datetime | None]:
    return {lot.expires_at for lot in books.account(member_id).lots.values()}


def buy(books: Books, order_id: int, at: datetime) -> None:
    books.tell(seen(order_id, line(requires_shipping=False), at=at, processed_at=at))


def test_a_balance_runs_out_after_so_many_months_without_activity(shared: Database) -> None:
    books = shop(shared, IDLE)
    assert ends(books) == {HALF}
    books.now = T0 + 60 * DAY
    buy(books, 1, books.now)
    assert ends(books) == {None, books.now.replace(month=10, day=30)}, "what has no date yet has no end yet"
    books.read(1)
    [opens] = {lot.available_at for lot in books.account(7).lots.values() if lot.order_id}
    assert opens == books.now + 14 * DAY
    assert ends(books) == {opens.replace(month=opens.month + 6)}, "one end for the whole balance"
    books.now = opens.replace(month=opens.month + 6)
    assert books.points(7) == (0, 0, 0), "the clock may be late"
    books.tick()
    assert books.entries(7)[-2:] == [("expire", -50), ("expire", -100)], (
        "a debit for each lot, and none of all"
    )
    rows = books.rows("SELECT why FROM entries WHERE shop_id = :s AND kind = 'expire'")
    assert all('"because":"inactive"' in row[0] and '"months":6' in row[0] for row in rows)
    assert books.audit() == []


@pytest.mark.parametrize(("activity", "longer"), [("any", True), ("earning", False)])
def test_spending_is_activity_where_the_programme_says_so(
    shared: Database, activity: Any, longer: bool
) -> None:
    books = shop(shared, Expiry("inactivity", months=6, activity=activity), signup_points=150)
    books.now = T0 + 92 * DAY  # 1 June
    books.redeem(7)
    assert ends(books) == {datetime(2026, 12, 1, 12, tzinfo=UTC) if longer else HALF}


def test_what_the_shop_gives_comes_alive_and_what_ran_out_stays_out(shared: Database) -> None:
    books = shop(shared, IDLE)
    books.now = HALF + 30 * DAY
    books.give(7, 20, opens=books.now)
    assert books.points(7) == (20, 0, 0), "the old points ran out, though the clock has not emptied them"
    books.tick()
    assert books.entries(7)[-1] == ("expire", -50)
    assert ends(books) == {datetime(2027, 4, 1, 12, tzinfo=UTC)}
    assert books.audit() == []


def test_points_given_back_stay_thirty_days_whatever_the_rule(shared: Database) -> None:
    books = shop(shared, Expiry("inactivity", months=6, activity="earning"), signup_points=100)
    books.now = HALF - DAY
    code = books.redeem(7)
    books.refused(code)
    assert ends(books) == {books.now + 30 * DAY}


def test_points_close_at_the_end_of_the_day_in_the_shops_time_zone(shared: Database) -> None:
    books = shop(shared, Expiry("dates", dates=("12-31",)))
    assert ends(books) == {datetime(2027, 12, 31, 22, 59, 59, tzinfo=UTC)}, "a year after the first version"
    books.now = datetime(2027, 12, 31, 22, 59, 59, tzinfo=UTC)
    books.tick()
    [row] = books.rows("SELECT why FROM entries WHERE shop_id = :s AND kind = 'expire'")
    assert '"because":"closing_day"' in row[0]
    assert books.stands(7).next_at is None


def test_a_lots_own_end_is_pinned_and_the_sooner_counts(shared: Database) -> None:
    books = shop(shared, IDLE, expiry_months=3)
    assert ends(books) == {datetime(2026, 6, 1, 12, tzinfo=UTC)}
    books.publish(programme(expiry_months=24))
    books.tick()
    assert ends(books) == {datetime(2026, 6, 1, 12, tzinfo=UTC)}
    books.now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    books.tick()
    [row] = books.rows("SELECT why FROM entries WHERE shop_id = :s AND kind = 'expire'")
    assert row[0] == '{"rule":"expiry"}'


def test_switching_a_rule_on_gives_everybody_a_full_period(shared: Database) -> None:
    books = shop(shared, Expiry())
    assert ends(books) == {None}
    books.now = T0.replace(year=2030)
    books.publish(programme(expiry=IDLE, expiry_months=None))
    books.tick()
    assert ends(books) == {datetime(2030, 9, 1, 12, tzinfo=UTC)}
    assert books.effects("member.mirror") == ["member:7:mirror"]
    assert books.stands(7).next_at == datetime(2030, 9, 1, 12, tzinfo=UTC), (
        "the panel tells the truth at once"
    )
    books.now = datetime(2030, 8, 1, tzinfo=UTC)
    books.publish(programme(expiry=Expiry("inactivity", months=3), expiry_months=None))
    books.tick()
    assert ends(books) == {datetime(2030, 11, 1, tzinfo=UTC)}, "stricter, so counted from its publication"
    books.publish(programme(expiry=Expiry("inactivity", months=9), expiry_months=None))
    books.tick()
    assert ends(books) == {datetime(2031, 5, 1, tzinfo=UTC)}
    books.publish(programme(expiry=Expiry(), expiry_months=None))
    books.tick()
    assert ends(books) == {None}
    assert books.audit() == []


def test_what_a_milder_version_saves_is_not_emptied_before_it_is_reached(shared: Database) -> None:
    books = shop(shared, IDLE)
    for customer in (8, 9):
        books.join(customer)
    books.now = HALF - timedelta(minutes=1)
    books.publish(programme(expiry=Expiry(), expiry_months=None))
    books.now = HALF + DAY
    before, clock.SLICE = clock.SLICE, 1
    try:
        books.tick()
    finally:
        clock.SLICE = before
    assert [books.points(customer) for customer in (7, 8, 9)] == [(50, 0, 0)] * 3


def test_a_version_for_later_dates_nothing_before_its_day(shared: Database) -> None:
    books = shop(shared, Expiry())
    with books.db.write(books.shop_id) as tx:
        strict = programme(expiry=IDLE, expiry_months=None)
        merchants.publish(tx, books.shop, strict, "merchant", books.now, T0 + 30 * DAY)
    books.give(7, 5, opens=books.now)
    books.tick()
    assert ends(books) == {None}
    books.now = T0 + 31 * DAY
    books.tick()
    assert ends(books) == {datetime(2026, 9, 30, 12, tzinfo=UTC)}, "six months from its day on"


def test_what_a_milder_version_for_later_saves_lives_on_though_the_clock_comes_late(shared: Database) -> None:
    books = shop(shared, IDLE)
    with books.db.write(books.shop_id) as tx:
        mild = programme(expiry=Expiry(), expiry_months=None)
        merchants.publish(tx, books.shop, mild, "merchant", books.now, HALF - DAY)
    books.now = HALF + DAY
    books.tick()
    assert books.points(7) == (50, 0, 0)
    assert ends(books) == {None}


def test_a_merge_keeps_own_ends_and_counts_the_activity_of_both(shared: Database) -> None:
    books = shop(shared, IDLE)
    books.now = T0 + 30 * DAY  # 31 March
    books.join(9)
    books.people(CustomersMerged(7, 9, "success"))
    assert books.points(7)[0] == 50, "a second sign-up bonus does not stand"
    assert ends(books) == {datetime(2026, 9, 30, 12, tzinfo=UTC)}
    books.publish(programme(expiry=Expiry(), expiry_months=None))
    books.tick()
    assert ends(books) == {None}
    assert books.audit() == []


def test_dating_as_points_move_ends_as_dating_everything_anew(shared: Database) -> None:
    books = shop(shared, IDLE)
    for n in range(1, 6):
        books.now = T0 + n * 40 * DAY
        buy(books, n, books.now)
        books.read(n)
        books.tick()
    with books.db.write(books.shop_id) as tx:
        assert expiries.redate(tx, books.shop_id, expiries.rule(tx, books.shop_id), [7], books.now) == []


def reminders(books: Books) -> list[tuple[Any, ...]]:
    with books.db.read() as tx:
        trail = [one for one in events.latest(tx, books.shop_id) if one.kind == "points_expiring"]
    return [(one.subject, one.detail["reminder"], one.detail["points"]) for one in reversed(trail)]


def test_reminders_fall_due_before_points_run_out_and_only_once(shared: Database) -> None:
    books = shop(shared, Expiry(first_days=30, last_days=3))
    end = T0 + 100 * DAY
    for points in (10, 15):
        books.give(7, points, ends=end)
    books.give(8, 99, ends=end)  # never joined: nobody to remind
    for day in (69, 70, 70, 96, 97, 98, 100):
        books.now = T0 + day * DAY
        books.tick()
    assert reminders(books) == [("member:7", "first", 25), ("member:7", "last", 25)]
    assert outgoing.OF_TRAIL["points_expiring"] == "points.expiring", "other programs hear of it"
    assert len(books.rows("SELECT 1 FROM expiry_notices WHERE shop_id = :s")) == 2


def test_points_that_move_away_are_reminded_of_again_in_their_time(shared: Database) -> None:
    books = shop(shared, Expiry("inactivity", months=6, first_days=30))
    books.now = HALF - 20 * DAY
    books.tick()
    books.give(7, 5, opens=books.now)
    books.tick()
    assert reminders(books) == [("member:7", "first", 50)]
    books.now = datetime(2027, 1, 20, tzinfo=UTC)
    books.tick()
    assert reminders(books)[1:] == [("member:7", "first", 55)]


def test_reminders_come_in_slices_though_all_end_at_once(shared: Database) -> None:
    books = shop(shared, Expiry(first_days=30))
    for customer in range(8, 13):
        books.join(customer)
    for customer in range(7, 13):
        books.give(customer, customer, ends=T0 + 20 * DAY)
    before, clock.SLICE = clock.SLICE, 2
    try:
        books.tick()
        books.tick()
    finally:
        clock.SLICE = before
    assert reminders(books) == [(f"member:{customer}", "first", customer) for customer in range(7, 13)]


def extend(books: Books, until: datetime, member_id: int = 7) -> int:
    with books.db.write(books.shop_id) as tx:
        return expiring.extend(tx, books.shop, member_id, until, "staff:1", books.now)


def test_one_members_points_last_longer_and_never_shorter(shared: Database) -> None:
    books = shop(shared, IDLE)
    books.give(7, 10, ends=T0 + DAY)
    books.now = T0 + 2 * DAY  # the ten have run out
    assert extend(books, HALF + 10 * DAY) == 50
    assert extend(books, HALF + 5 * DAY) == 0
    books.tick()
    assert books.entries(7)[-1] == ("expire", -10)
    assert ends(books) == {HALF + 10 * DAY}
    books.now = HALF + 9 * DAY
    books.tick()
    assert books.points(7) == (50, 0, 0)
    with books.db.read() as tx:
        trail = [one for one in events.latest(tx, books.shop_id) if one.kind == "points_extended"]
    assert [(one.actor, one.subject, one.detail["points"]) for one in trail] == [
        ("staff:1", "member:7", 0), ("staff:1", "member:7", 50),
    ]  # fmt: skip


def test_everybodys_points_or_those_of_a_tier_last_longer(shared: Database) -> None:
    books = shop(shared, Expiry(), expiry_months=1)
    books.join(8)
    books.tick()
    with books.db.write(books.shop_id) as tx:
        tx.run("UPDATE members SET tier = 'silver' WHERE shop_id = :s AND member_id = 8", s=books.shop_id)
    until = T0 + 200 * DAY
    with books.db.write(books.shop_id) as tx:
        expiring.extend_all(tx, books.shop, "silver", until, "staff:1", books.now)
    books.tick()
    assert (ends(books, 7), ends(books, 8)) == ({T0.replace(month=4)}, {until})
    with books.db.write(books.shop_id) as tx:
        expiring.extend_all(tx, books.shop, None, until + DAY, "staff:1", books.now)
    before, clock.SLICE = clock.SLICE, 1
    try:
        books.tick()
    finally:
        clock.SLICE = before
    assert (ends(books, 7), ends(books, 8)) == ({until + DAY}, {until + DAY})
    with books.db.read() as tx:
        kinds = [one.kind for one in events.latest(tx, books.shop_id) if one.kind.startswith("extension")]
        runs = expiries.newest(tx, books.shop_id, "extend", 5)
    assert kinds == ["extension_done", "extension_begun"] * 2
    assert [(run.lots, run.points) for run in runs] == [(2, 100), (1, 50)]
    assert books.audit() == []


@pytest.mark.parametrize(
    ("days", "member_id", "code"), [(0, 7, "not_future"), (3654, 7, "too_far"), (1, 99, "no_such_member")]
)
def test_what_cannot_be_extended(shared: Database, days: int, member_id: int, code: str) -> None:
    books = shop(shared, IDLE)
    with pytest.raises(CannotExtend) as refused:
        extend(books, T0 + days * DAY, member_id)
    assert refused.value.code == code
    with books.db.write(books.shop_id) as tx, pytest.raises(CannotExtend) as refused:
        expiring.extend_all(tx, books.shop, "unicorn", T0 + DAY, "staff:1", books.now)
    assert refused.value.code == "no_such_tier"
    with books.db.read() as tx:
        assert all(one.kept_until is None for one in lots.of_members(tx, books.shop_id, [7]))
