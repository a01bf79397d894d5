"""Birthdays flow: set once a year and never backdated, awarded by the clock in the shop's zone, leap days too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugin.domain.facts import CustomersMerged
from plugin.domain.programme import ActionRule
from plugin.flows import birthdays as flow
from plugin.flows import clock, stops
from plugin.flows.birthdays import CannotSet
from plugin.store import actions, birthdays
from plugin.store import members as member_store
from plugin.store.birthdays import Birthday
from plugin.store.db import Database
from tests.books import Books
from tests.facts import DAY, T0, programme

CAKE = ActionRule("cake", "birthday", "Happy birthday", 25, period="year")
YEARS = ActionRule("years", "anniversary", "Another year with us", 40, period="year")


@pytest.fixture
def earning(books: Books) -> Books:
    """Alice's shop in Zurich rewards birthdays and anniversaries; customer 7 joined on 1 March 2026."""
    books.publish(programme(signup_points=0, actions=(CAKE, YEARS)), at=T0 - DAY + timedelta(seconds=1))
    books.join(7)
    return books


def set_to(books: Books, month: int, day: int, member: int = 7, actor: str = "member") -> Birthday:
    with books.db.write(books.shop_id) as tx:
        return flow.set_birthday(tx, books.shop, member, month, day, books.now, actor=actor)


def awarded(books: Books, member: int = 7) -> list[tuple[str, str]]:
    """(rule, day in UTC) of every award that stands, oldest first."""
    with books.db.read() as tx:
        found = actions.of_member(tx, books.shop_id, member, 100)
    return [
        (one.rule, one.occurred_at.isoformat()[:16]) for one in reversed(found) if one.outcome == "earned"
    ]


def until(books: Books, end: datetime, step: timedelta = DAY) -> None:
    """The clock, step by step, as the worker ticks."""
    while books.now < end:
        books.now = min(books.now + step, end)
        books.tick()


def test_a_birthday_is_awarded_when_the_day_begins_in_the_shop(earning: Books) -> None:
    made = set_to(earning, 6, 10)
    assert made.due_at == datetime(2026, 6, 9, 22, tzinfo=UTC)  # midnight of summer in Zurich
    earning.now = made.due_at - timedelta(milliseconds=1)
    earning.tick()
    assert awarded(earning) == []
    earning.now = made.due_at
    for _ in range(3):
        earning.tick()
    assert awarded(earning) == [("cake", "2026-06-09T22:00")]
    assert earning.entries(7) == [("action", 25)]
    assert earning.points(7) == (25, 0, 0)
    assert earning.audit() == []


def test_29_february_is_the_28th_where_there_is_none(earning: Books) -> None:
    set_to(earning, 2, 29)
    until(earning, datetime(2029, 3, 5, tzinfo=UTC))
    assert [day for rule, day in awarded(earning) if rule == "cake"] == [
        "2027-02-27T23:00", "2028-02-28T23:00", "2029-02-27T23:00",
    ]  # fmt: skip


def test_one_that_has_passed_or_is_near_waits_for_the_next_year(earning: Books) -> None:
    earning.join(8)
    assert set_to(earning, 2, 28).due_at.year == 2027
    assert set_to(earning, 3, 20, member=8).due_at == datetime(2027, 3, 19, 23, tzinfo=UTC)


def test_a_shopper_changes_it_once_a_year_and_staff_any_time(earning: Books) -> None:
    first = set_to(earning, 6, 10)
    earning.now += DAY
    assert set_to(earning, 6, 10) == first
    with pytest.raises(CannotSet) as refused:
        set_to(earning, 6, 11)
    assert refused.value.code == "set_this_year"
    assert "from 2027-03-01 on" in refused.value.message
    assert set_to(earning, 6, 12, actor="staff:1").day == 12
    earning.now += 366 * DAY
    assert set_to(earning, 9, 1).month == 9


def test_moving_the_day_forward_never_earns_twice_in_a_year(earning: Books) -> None:
    set_to(earning, 4, 10)
    until(earning, datetime(2026, 4, 20, tzinfo=UTC))
    set_to(earning, 6, 10, actor="staff:1")
    until(earning, datetime(2027, 12, 1, tzinfo=UTC))
    assert [day for rule, day in awarded(earning) if rule == "cake"] == [
        "2026-04-09T22:00",
        "2027-06-09T22:00",
    ]


@pytest.mark.parametrize(("month", "day"), [(2, 30), (13, 1), (0, 1), (4, 31), (1, 0)])
def test_no_such_day(earning: Books, month: int, day: int) -> None:
    with pytest.raises(CannotSet) as refused:
        set_to(earning, month, day)
    assert refused.value.code == "no_such_day"


@pytest.mark.parametrize("make_good", [False, True])
def test_a_birthday_in_a_stop_counts_when_the_stop_is_made_good(earning: Books, make_good: bool) -> None:
    due = set_to(earning, 6, 10).due_at
    with earning.db.write(earning.shop_id) as tx:
        earning.shop = stops.stop(tx, earning.shop, "earning", "staff:1", due - timedelta(hours=1))
    earning.now = due + timedelta(hours=1)
    earning.tick()
    assert earning.rows("SELECT * FROM actions WHERE shop_id = :s") == []
    earning.now = due + timedelta(hours=2)
    with earning.db.write(earning.shop_id) as tx:
        earning.shop = stops.go_on(tx, earning.shop, "earning", "staff:1", earning.now, make_good=make_good)
    earning.tick()
    assert awarded(earning) == ([("cake", "2026-06-09T22:00")] if make_good else [])


def test_strangers_and_waiting_customers(earning: Books) -> None:
    earning.give_order(9)
    for member in (9, 4711):
        with pytest.raises(CannotSet) as refused:
            set_to(earning, 6, 10, member=member)
        assert refused.value.code == "not_a_member"
    set_to(earning, 6, 10, member=9, actor="import")
    until(earning, datetime(2026, 6, 11, tzinfo=UTC), 10 * DAY)
    assert awarded(earning, 9) == []
    assert earning.rows("SELECT reason FROM actions WHERE shop_id = :s") == [("not_a_member",)]


def test_switched_off_for_years_then_on_gives_nothing_for_the_time_between(earning: Books) -> None:
    set_to(earning, 6, 10)
    earning.publish(programme(signup_points=0))
    earning.now = datetime(2029, 1, 1, tzinfo=UTC)
    earning.tick()
    assert birthday(earning).due_at.year == 2026  # not even looked at
    earning.publish(programme(signup_points=0, actions=(CAKE,)))
    earning.tick()
    assert birthday(earning).due_at == datetime(2029, 6, 9, 22, tzinfo=UTC)
    assert awarded(earning) == []
    assert earning.rows("SELECT * FROM actions WHERE shop_id = :s") == []


def birthday(books: Books, member: int = 7) -> Birthday:
    with books.db.read() as tx:
        found = birthdays.of_member(tx, books.shop_id, member)
    assert found is not None
    return found


def test_a_shop_that_moved_waits_for_its_own_midnight(earning: Books) -> None:
    set_to(earning, 6, 10)
    with earning.db.write() as tx:
        tx.run("UPDATE shops SET timezone = 'America/New_York' WHERE shop_id = :s", s=earning.shop_id)
    earning.reload()
    earning.now = datetime(2026, 6, 9, 23, tzinfo=UTC)
    earning.tick()
    assert awarded(earning) == []
    earning.now = datetime(2026, 6, 10, 4, tzinfo=UTC)
    earning.tick()
    assert awarded(earning) == [("cake", "2026-06-10T04:00")]


def test_a_merged_member_keeps_one_birthday_and_one_award_a_year(earning: Books) -> None:
    earning.join(9)
    set_to(earning, 5, 1, member=9)
    until(earning, datetime(2026, 5, 2, tzinfo=UTC), 10 * DAY)
    earning.people(CustomersMerged(7, 9, "success"))
    assert (birthday(earning).month, birthday(earning).day) == (5, 1)
    assert earning.rows("SELECT COUNT(*) FROM birthdays WHERE shop_id = :s") == [(1,)]
    set_to(earning, 8, 1, actor="staff:1")
    until(earning, datetime(2027, 1, 1, tzinfo=UTC), 10 * DAY)
    assert awarded(earning) == [("cake", "2026-04-30T22:00")]


# --- anniversaries -----------------------------------------------------------------------------------------


def joined(books: Books, member: int, at: datetime) -> None:
    """A member as old as that."""
    with books.db.write(books.shop_id) as tx:
        member_store.activate(tx, books.shop_id, member, False, None, at)


def test_an_anniversary_comes_every_year_on_the_day_of_joining(earning: Books) -> None:
    until(earning, datetime(2028, 4, 1, tzinfo=UTC))
    assert awarded(earning) == [("years", "2027-02-28T23:00"), ("years", "2028-02-29T23:00")]
    assert earning.points(7)[0] == 80


def test_days_that_the_worker_missed_are_made_up(earning: Books) -> None:
    for member, day in ((8, 2), (9, 3), (10, 4)):
        joined(earning, member, datetime(2026, 3, day, 12, tzinfo=UTC))
    until(earning, datetime(2027, 3, 1, 12, tzinfo=UTC), 30 * DAY)
    earning.now = datetime(2027, 3, 3, 12, tzinfo=UTC)
    earning.tick()
    assert [len(awarded(earning, member)) for member in (7, 8, 9, 10)] == [1, 1, 1, 0]


def test_leap_day_joiners_celebrate_on_the_28th(earning: Books) -> None:
    joined(earning, 8, datetime(2024, 2, 29, 12, tzinfo=UTC))
    until(earning, datetime(2028, 3, 1, tzinfo=UTC))
    assert awarded(earning, 8) == [("years", "2027-02-27T23:00"), ("years", "2028-02-28T23:00")]


def test_many_more_than_one_slice_and_each_once(earning: Books) -> None:
    for member in range(20, 27):
        joined(earning, member, datetime(2026, 6, 10, 9, tzinfo=UTC))
        set_to(earning, 6, 10, member=member)
    earning.now = datetime(2027, 6, 8, 12, tzinfo=UTC)
    earning.tick()
    before, clock.SLICE = clock.SLICE, 3
    try:
        earning.now = datetime(2027, 6, 10, 12, tzinfo=UTC)
        earning.tick()
        earning.tick()
    finally:
        clock.SLICE = before
    for member in range(20, 27):
        # The birthday of 2026 began before they had joined.
        assert sorted(awarded(earning, member)) == [
            ("cake", "2027-06-09T22:00"),
            ("years", "2027-06-09T22:00"),
        ]
    assert earning.audit() == []


class Spy:
    """Stands where a transaction stands and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def all(self, sql: str, **parameters: Any) -> list[Any]:
        self.asked.append((sql, parameters))
        return []

    def one(self, sql: str, **parameters: Any) -> tuple[int]:
        self.asked.append((sql, parameters))
        return (0,)


def test_the_clock_finds_its_members_by_an_index(sqlite_url: str) -> None:
    """A million members must not be read to find the few of a day."""
    spy: Any = Spy()
    birthdays.due(spy, 1, T0, 200)
    actions.first_joined(spy, 1)
    actions.joined_between(spy, 1, T0, T0 + DAY, "years", "2027", 200)
    actions.earned(spy, 1, 7, "review", "review", T0, T0 + DAY)
    plans = []
    database = Database.open(sqlite_url)
    with database.read() as tx:
        for sql, parameters in spy.asked:
            plans.append(" ".join(str(row[3]) for row in tx.all(f"EXPLAIN QUERY PLAN {sql}", **parameters)))
    database.close()
    for plan, index in zip(
        plans,
        ("ix_birthdays_due", "ix_members_joined", "ix_members_joined", "ix_actions_member"),
        strict=True,
    ):
        assert index in plan
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan
