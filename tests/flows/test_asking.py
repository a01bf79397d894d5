"""Asking flow: arrivals that are estimated and then known, who is asked and when, over a simulated year."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from plugin.domain.facts import ConsentSeen, CustomersMerged, OrderFact
from plugin.domain.programme import Assumed, Survey, TierSample
from plugin.flows import asking, memberships
from plugin.store import asking as asking_store
from plugin.store.surveys import Invitation
from tests.books import Books
from tests.facts import DAY, T0, arrived, back, line, parcel, programme, refund, refunded, seen, sent

ZURICH = ZoneInfo("Europe/Zurich")
HOUR = timedelta(hours=1)
ESTIMATE = Survey(
    unreported="estimate", home=("CH",), assumed=(Assumed("ch", "Home", ("CH",), 4),), pos_days=0
)


def follow(books: Books, survey: Survey) -> None:
    books.publish(programme(survey=survey), at=T0 - DAY / 2)


def invitation(books: Books, order_id: int) -> Invitation:
    found = books.invitation(order_id)
    assert found is not None
    return found


def told(books: Books, order_id: int) -> tuple[str, str | None]:
    found = invitation(books, order_id)
    return found.state, found.reason


def shipped(
    books: Books, order_id: int, customer_id: int = 7, *, carrier: str = "Post", days: int | None = None
) -> None:
    """A confirmed order to Switzerland, sent a day after it was placed and delivered so many days later."""
    placed = books.now
    books.tell(
        seen(order_id, at=placed, processed_at=placed, customer_id=customer_id, country="CH"),
        confirmed=[order_id],
    )
    books.tell(sent(order_id, replace(parcel(order_id, at=placed + DAY), carrier=carrier)))
    if days is not None:
        books.tell(arrived(order_id, order_id, at=placed + (1 + days) * DAY))


def test_an_arrival_is_reckoned_until_it_is_reported(books: Books) -> None:
    follow(books, ESTIMATE)
    shipped(books, 1)
    found = invitation(books, 1)
    assert (found.basis, found.way, found.carrier, found.country) == ("default", "domestic", "Post", "CH")
    assert (found.fulfilled_at, found.delivered_at, found.due_at) == (T0 + DAY, T0 + 5 * DAY, T0 + 7 * DAY)
    books.tell(arrived(1, 1, at=T0 + 9 * DAY))
    found = invitation(books, 1)
    assert (found.basis, found.due_at, found.planned_at) == ("delivered", T0 + 11 * DAY, T0 + 11 * DAY)
    books.now = T0 + 11 * DAY
    books.tick()
    books.tell(arrived(1, 1, at=T0 + 8 * DAY))
    assert (told(books, 1)[0], invitation(books, 1).delivered_at) == ("asked", T0 + 9 * DAY)


def test_an_unreported_arrival_is_looked_up_once_before_anybody_is_asked(books: Books) -> None:
    follow(books, ESTIMATE)
    shipped(books, 1)
    books.read(1)
    books.now = T0 + 7 * DAY
    books.tick()
    assert told(books, 1) == ("waiting", "looking_up")
    assert "order:1:read" in books.effects("order.read")
    books.now += HOUR
    books.tick()
    assert told(books, 1) == ("asked", None)


def test_what_the_platform_tells_then_moves_the_question(books: Books) -> None:
    follow(books, ESTIMATE)
    shipped(books, 1)
    books.now = T0 + 7 * DAY
    books.tick()
    late = parcel(1, at=T0 + DAY, delivered_at=T0 + 6 * DAY + HOUR)
    books.tell(sent(1, replace(late, updated_at=T0 + 7 * DAY)))
    found = invitation(books, 1)
    assert (found.basis, found.due_at, found.reason) == ("platform", T0 + 8 * DAY + HOUR, None)


def test_transit_times_are_learned_once_whatever_comes_twice_late_or_otherwise(
    books: Books, mallory: Books
) -> None:
    follow(books, ESTIMATE)
    for order_id in range(1, 21):
        shipped(books, order_id, order_id, days=2)
        books.tell(arrived(order_id, order_id, at=T0 + 3 * DAY))
    books.tell(arrived(1, 1, at=T0 + 2 * DAY))  # a day earlier after all
    books.tell(arrived(99, 99))  # of an order that nobody confirmed
    rows = "SELECT country, carrier, days, parcels FROM transit_times WHERE shop_id = :s AND parcels > 0 ORDER BY days"
    assert books.rows(rows) == [("CH", "Post", 1, 1), ("CH", "Post", 2, 19)]
    assert mallory.rows(rows) == []
    shipped(books, 30, 30)
    found = invitation(books, 30)
    assert (found.basis, found.delivered_at) == ("estimated", T0 + 3 * DAY)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ((seen(1, at=T0 + 4 * DAY, cancelled_at=T0 + 4 * DAY),), "cancelled"),
        ((seen(1), refunded(1, refund(1, back(1, 1, 10_000), paid=10_000))), "returned"),
        ((seen(1), refunded(1, refund(1, paid=10_000))), "refunded"),
        ((seen(1, test=True),), "test"),
    ],
)
@pytest.mark.parametrize("planned", [True, False])
def test_an_order_that_is_not_asked_about_says_why(
    books: Books, facts: tuple[OrderFact, ...], reason: str, planned: bool
) -> None:
    way = (sent(1, parcel()), arrived(1))
    if planned and reason != "test":
        books.tell(seen(1), *way)
    books.tell(*facts, *way, confirmed=[1])
    assert told(books, 1) == ("withdrawn", reason)
    books.now = T0 + 9 * DAY
    books.tick()
    assert told(books, 1) == ("withdrawn", reason)


def test_who_wants_no_questions_gets_none_under_any_name(books: Books) -> None:
    for customer_id in (7, 8):
        books.join(customer_id)
        shipped(books, customer_id, customer_id, days=1)
    with books.db.write(books.shop_id) as tx:
        assert memberships.change(tx, books.shop, 8, "ask_no_more", "", "staff:1", books.now)
        assert not memberships.change(tx, books.shop, 8, "ask_no_more", "", "staff:1", books.now)
    books.people(CustomersMerged(7, 8, "completed"))
    books.now = T0 + 5 * DAY
    books.tick()
    assert told(books, 7) == told(books, 8) == ("withdrawn", "opted_out")
    with books.db.write(books.shop_id) as tx:
        assert memberships.change(tx, books.shop, 7, "ask_again", "", "staff:1", books.now)
    shipped(books, 9, 7, days=1)
    books.now += 5 * DAY
    books.tick()
    assert told(books, 9) == ("asked", None)


def test_a_second_question_waits_for_the_quiet_period_and_is_not_lost(books: Books) -> None:
    follow(books, Survey(quiet_days=14))
    shipped(books, 1, days=1)
    shipped(books, 2, days=2)
    shipped(books, 3, 8, days=2)
    books.now = T0 + 5 * DAY
    books.tick()
    assert [told(books, n) for n in (1, 2, 3)] == [
        ("asked", None),
        ("waiting", "quiet_period"),
        ("asked", None),
    ]
    assert invitation(books, 2).due_at == books.now + 14 * DAY
    books.now += 14 * DAY
    books.tick()
    assert told(books, 2) == ("asked", None)


def test_a_large_shop_asks_so_many_a_day_of_its_own(books: Books) -> None:
    follow(books, Survey(per_day=2, from_hour=8, to_hour=20))
    for n in range(1, 6):
        shipped(books, n, n, days=1)
    states = []
    for hours in (0, 5, 24, 48):
        books.now = T0 + 4 * DAY + hours * HOUR
        books.tick()
        states.append(sum(told(books, n)[0] == "asked" for n in range(1, 6)))
    assert states == [2, 2, 4, 5]


def test_turns_and_tiers_choose_the_orders(books: Books) -> None:
    follow(books, Survey(orders="first", tier_samples=(TierSample("silver", "Silver", "silver", 0),)))
    shipped(books, 2, days=1)
    books.now += HOUR
    shipped(books, 3, days=1)
    books.now -= 2 * HOUR
    shipped(books, 1, days=1)  # heard of last, and placed first
    with books.db.write(books.shop_id) as tx:
        tx.run("UPDATE members SET tier = 'silver' WHERE shop_id = :s AND member_id = 8", s=books.shop_id)
    shipped(books, 4, 8, days=1)
    with books.db.write(books.shop_id) as tx:
        tx.run(
            "UPDATE members SET tier = 'silver', review_at = NULL WHERE shop_id = :s AND member_id = 8",
            s=books.shop_id,
        )
        books.now = T0 + 5 * DAY
        asking.ask(tx, books.shop, books.now, 100)
    assert [told(books, n) for n in (1, 2, 3, 4)] == [
        ("asked", None), ("withdrawn", "not_this_order"), ("withdrawn", "not_this_order"), ("withdrawn", "not_sampled"),
    ]  # fmt: skip


def test_in_some_markets_only_subscribers_may_be_mailed(books: Books) -> None:
    follow(books, Survey(consent_countries=("CH",)))
    shipped(books, 1, days=1)

    def may() -> bool:
        question = invitation(books, 1)
        with books.db.read() as tx:
            return asking.may_mail(tx, books.shop, question)

    assert not may()
    books.people(ConsentSeen(7, True, T0 + 2 * DAY))
    books.people(ConsentSeen(7, False, T0 + DAY))  # told late, and older
    assert may()
    books.people(ConsentSeen(7, False, T0 + 3 * DAY))
    assert not may()
    again = seen(1, at=T0 + 4 * DAY, country="CH")
    assert again.customer is not None
    books.tell(
        replace(again, customer=replace(again.customer, subscribed=True))
    )  # as a read of the order tells
    assert may()


@dataclass
class Bought:
    """What the year did to one order: by plain words, for the checks after it."""

    order_id: int
    customer_id: int
    arrived_at: datetime | None = None
    spoiled: str | None = None


YEAR = Survey(
    delay_days=3, valid_days=30, quiet_days=45, unreported="estimate", home=("CH",), default_days=10, from_hour=9,
    to_hour=20, closed_days=("12-25", "12-26", "01-01", "2026-04-03"),
)  # fmt: skip


def a_year(books: Books) -> list[Bought]:
    """Orders of five customers over a year: one parcel or two, some silent, some sent back, some cancelled."""
    chance, bought = random.Random(11), []
    events: list[tuple[datetime, int, OrderFact]] = []
    for n in range(1, 56):
        placed = T0 + timedelta(hours=chance.randrange(24 * 365))
        one = Bought(n, chance.randrange(1, 6))
        split, silent = chance.random() < 0.4, chance.random() < 0.2
        lines = (line(1, 6_000), line(2, 4_000)) if split else (line(1),)
        events.append(
            (
                placed,
                n,
                seen(n, *lines, at=placed, processed_at=placed, customer_id=one.customer_id, country="CH"),
            )
        )
        last = placed
        for number in range(1, 3 if split else 2):
            left = placed + timedelta(hours=chance.randrange(6, 96))
            came = left + timedelta(hours=chance.randrange(20, 150))
            events.append((left, n, sent(n, parcel(10 * n + number, ((number, 1),), at=left))))
            if not silent:
                events.append(
                    (came + timedelta(hours=chance.randrange(0, 30)), n, arrived(n, 10 * n + number, at=came))
                )
            last = max(last, came)
        one.arrived_at = None if silent else last
        fate = chance.random()
        if fate < 0.1:
            one.spoiled = "returned"
            all_back = refund(
                n, *(back(one.line_id, 1, one.net_minor) for one in lines), paid=10_000, at=last
            )
            events.append((last + timedelta(hours=1), n, refunded(n, all_back)))
        elif fate < 0.2:
            one.spoiled = "cancelled"
            gone = placed + timedelta(hours=2)
            events.append(
                (gone, n, seen(n, *lines, at=gone, processed_at=placed, customer_id=one.customer_id, country="CH",
                               cancelled_at=gone))
            )  # fmt: skip
        bought.append(one)
    for at, n, fact in sorted(events, key=lambda event: event[:2]):
        run_until(books, at)
        books.tell(fact, confirmed=[n])
    run_until(books, T0 + 500 * DAY)
    return bought


def run_until(books: Books, moment: datetime) -> None:
    """The clock comes by at each moment that something waits for, as it does every few seconds in life."""
    while True:
        row = books.rows("SELECT MIN(due_at) FROM invitations WHERE shop_id = :s AND state = 'waiting'")[0][0]
        if row is None or (due := datetime.fromtimestamp(row / 1000, UTC)) > moment:
            books.now = moment
            return
        books.now = max(books.now, due)
        with books.db.write(books.shop_id) as tx:
            asking.ask(tx, books.shop, books.now, 100)


def test_a_year_with_daylight_saving_holidays_split_shipments_and_returns(books: Books) -> None:
    follow(books, YEAR)
    bought = a_year(books)
    asked: dict[int, list[datetime]] = defaultdict(list)
    reasons: dict[str | None, int] = defaultdict(int)
    bases: set[str] = set()
    for one in bought:
        found = invitation(books, one.order_id)
        reasons[found.reason] += 1
        assert found.state != "waiting"
        if found.asked_at is None:
            assert found.state == "withdrawn"
            assert found.reason in ("asked_recently", one.spoiled), (
                "nobody is dropped without a reason of their own"
            )
            continue
        local = found.asked_at.astimezone(ZURICH)
        assert 9 <= local.hour < 20
        assert f"{local:%m-%d}" not in YEAR.closed_days
        assert f"{local:%Y-%m-%d}" not in YEAR.closed_days
        assert one.spoiled != "cancelled"
        if one.arrived_at is not None:
            assert found.basis == "delivered"
            assert one.arrived_at + 3 * DAY <= found.asked_at <= one.arrived_at + 33 * DAY
        else:
            assert found.basis in (
                "default",
                "estimated",
            )  # the shop's own times are known from the summer on
        bases.add(found.basis)
        asked[one.customer_id].append(found.asked_at)
    for moments in asked.values():
        moments.sort()
        assert all(b - a >= 45 * DAY for a, b in pairwise(moments))
    for one in bought:
        found = invitation(books, one.order_id)
        if found.reason == "asked_recently":
            assert found.planned_at is not None
            assert any(
                found.planned_at - 45 * DAY < at <= found.planned_at + 30 * DAY
                for at in asked[one.customer_id]
            )
    # The year has something of everything; in winter nine o'clock is another hour of the world's than in summer.
    assert reasons[None] >= 15
    assert reasons["asked_recently"] > 3
    assert reasons["returned"] > 1
    assert reasons["cancelled"] > 1
    hours = {at.hour - at.astimezone(ZURICH).hour for moments in asked.values() for at in moments}
    assert hours == {-1, -2}
    assert bases == {"default", "estimated", "delivered"}


def test_the_list_shows_questions_of_one_state_page_by_page(books: Books) -> None:
    follow(books, Survey(quiet_days=9))
    for n in range(1, 5):
        shipped(books, n, 7 if n < 3 else n, days=1)
    books.now = T0 + 4 * DAY
    books.tick()
    with books.db.read() as tx:
        first = asking_store.page(tx, books.shop_id, "all", None, 3)
        last = first[-1].invitation
        before = (round(last.due_at.timestamp() * 1000), last.order_id)
        rest = asking_store.page(tx, books.shop_id, "all", before, 3)
        waiting = asking_store.page(tx, books.shop_id, "waiting", None, 9)
        theirs = asking_store.page(tx, books.shop_id, "all", None, 9, member_id=7)
    assert [one.invitation.order_id for one in (*first, *rest)] == [2, 4, 3, 1]
    assert [(one.invitation.order_id, one.invitation.reason) for one in waiting] == [(2, "quiet_period")]
    assert {one.invitation.order_id for one in theirs} == {1, 2}
