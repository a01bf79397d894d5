"""Orders that are edited upward, renamed by a merge, read in the second of a change, or refunded after expiry."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from plugin.domain.facts import CustomersMerged, OrderChanged, OrderFact, OrderSeen
from plugin.store import ladder, orders
from plugin.store.db import Database
from tests.books import Books
from tests.facts import DAY, T0, back, line, programme, refund, refunded, seen

DIGITAL = line(requires_shipping=False)


def read_of(fact: OrderSeen) -> OrderSeen:
    """The same order, as the platform itself states it."""
    return replace(fact, head=replace(fact.head, origin="read"))


# Edited upward


def test_an_unpaid_edit_takes_nothing_back_and_counts_once_it_is_paid(books: Books) -> None:
    books.join(7)
    books.tell(seen(1, DIGITAL), confirmed=[1])
    books.now = T0 + 20 * DAY
    books.redeem(7)
    assert books.points(7) == (50, 0, 0)
    more = (DIGITAL, line(2, 5_000))
    books.tell(seen(1, *more, at=books.now, financial_status="partially_paid"), OrderChanged(1, "edited"))
    books.tell(read_of(seen(1, *more, at=books.now, financial_status="partially_paid")), confirmed=[1])
    assert books.points(7) == (50, 0, 0)
    books.tell(seen(1, *more, at=books.now + DAY))
    assert books.points(7) == (50, 50, 0)
    assert books.entries(7) == [("signup", 50), ("earn", 100), ("redeem", -100), ("earn", 50)]
    assert books.audit() == []


def test_a_payment_told_late_counts_as_if_it_had_been_told_in_time(shared: Database) -> None:
    facts: list[OrderFact] = [
        seen(1, line(1, 10_000, 2)),
        seen(1, line(1, 10_000, 2), line(2, 5_000), at=T0 + DAY, financial_status="partially_paid"),
        refunded(1, refund(1, back(1, 1, 5_000), paid=5_000)),
    ]
    for told in permutations(facts):
        books = Books(shared)
        for fact in told:
            books.tell(fact)
        assert books.points(7) == (0, 50, 0)
        assert books.audit() == []


# The same second


def quiet(books: Books) -> None:
    """Every effect so far was performed."""
    with books.db.write(books.shop_id) as tx:
        tx.run("UPDATE outbox SET state = 1 WHERE shop_id = :s", s=books.shop_id)


def wants_read(books: Books) -> str | None:
    with books.db.read() as tx:
        found = orders.by_id(tx, books.shop_id, 1)
    assert found is not None
    return found.order.wants_read


@pytest.mark.parametrize("webhook_first", [False, True])
def test_a_payment_in_the_second_of_a_read_is_read_again(books: Books, webhook_first: bool) -> None:
    paid = seen(1)
    early = read_of(seen(1, financial_status="partially_paid"))
    if webhook_first:
        books.tell(paid)
        quiet(books)
        books.tell(early, confirmed=[1])
    else:
        books.tell(early, confirmed=[1])
        quiet(books)
        books.tell(paid)
    assert (wants_read(books), books.effects("order.read")) == ("equal_updated_at", ["order:1:read"])
    quiet(books)
    for _ in range(2):
        books.tell(read_of(paid), confirmed=[1])
    assert wants_read(books) is None
    assert books.points(7) == (0, 100, 0)
    quiet(books)
    books.tell(paid)
    assert (wants_read(books), books.effects("order.read")) == (None, [])


# Renamed by a merge


@pytest.mark.parametrize("gone_was", ["silver", "bronze"])
def test_a_renamed_order_keeps_the_tier_it_was_placed_with_whichever_is_told_first(
    shared: Database, gone_was: str
) -> None:
    """Customer 8 placed the order and was merged into 7; the platform then renames the order's customer."""
    placed = seen(1, customer_id=8)
    renamed = seen(1, customer_id=7, at=T0 + 2 * DAY)
    merge = CustomersMerged(kept_id=7, gone_id=8, status="success")

    def told(*steps: OrderSeen | CustomersMerged) -> tuple[int, ...]:
        books = Books(shared)
        books.join(7)
        books.join(8)
        with books.db.write(books.shop_id) as tx:
            for who, tier in ((8, gone_was), (7, "bronze" if gone_was == "silver" else "silver")):
                ladder.history_from(tx, books.shop_id, [(who, tier, "progress")], T0 - DAY)
        books.now = T0 + 3 * DAY
        for step in steps:
            if isinstance(step, OrderSeen):
                books.tell(step)
            else:
                books.people(step)
        assert books.audit() == []
        return books.points(7)

    right = (50, 125 if gone_was == "silver" else 100, 0)
    steps: list[OrderSeen | CustomersMerged] = [placed, renamed, merge]
    assert {told(*some) for some in permutations(steps)} == {right}


# Refunded after the points ran out


@pytest.mark.parametrize("swept", [True, False], ids=["swept", "the clock is late"])
def test_points_that_expired_are_not_lost_a_second_time(books: Books, swept: bool) -> None:
    books.join(7)
    books.tell(seen(1, DIGITAL), confirmed=[1])
    books.now = T0 + 800 * DAY
    if swept:
        books.tick()
    books.give(7, 300)
    books.tell(refunded(1, refund(1, paid=4_000)))
    books.tell(refunded(1, refund(2, paid=6_000)))
    books.tick()
    assert books.points(7) == (300, 0, 0)
    assert [one for one in books.entries(7) if one[0] in ("clawback", "forgiven")] == [
        ("clawback", -40), ("forgiven", 40), ("clawback", -60), ("forgiven", 60),
    ]  # fmt: skip
    [said] = {
        row[0] for row in books.rows("SELECT why FROM entries WHERE shop_id = :s AND kind = 'forgiven'")
    }
    assert said == '{"rule":"lapsed"}'
    assert books.audit() == []


def test_only_what_ran_out_is_forgiven(books: Books) -> None:
    """Of 100 points 60 were spent and 40 expired: a full refund takes the 60 that the shopper had the use of."""
    books.publish(programme(signup_points=0, rewards=(replace(programme().rewards[0], points=60),)))
    books.tell(seen(1, DIGITAL, at=T0 + DAY, processed_at=T0 + DAY), confirmed=[1])
    books.now = T0 + 20 * DAY
    books.join(7)
    books.redeem(7)
    books.now = T0 + 800 * DAY
    books.tick()
    books.tell(seen(1, DIGITAL, at=books.now, cancelled_at=books.now))
    assert books.points(7) == (0, 0, 60)
    assert books.entries(7)[-2:] == [("clawback", -100), ("forgiven", 40)]
    assert books.audit() == []


def test_an_increase_that_is_still_there_is_taken_before_what_ran_out_is_forgiven(books: Books) -> None:
    books.tell(seen(1, DIGITAL), confirmed=[1])
    books.now = T0 + 800 * DAY
    books.join(7)
    books.tick()
    both = (DIGITAL, line(2, 5_000))
    books.tell(seen(1, *both, at=books.now))
    assert books.points(7) == (50, 50, 0)
    books.tell(refunded(1, refund(1, back(2, 1, 5_000), paid=5_000)))
    assert books.points(7) == (50, 0, 0)
    assert books.entries(7)[-1] == ("clawback", -50)
    books.tell(refunded(1, refund(2, back(1, 1, 10_000), paid=10_000)))
    assert books.points(7) == (50, 0, 0)
    assert books.audit() == []


def test_points_of_a_stranger_that_were_void_leave_no_debt(books: Books) -> None:
    books.tell(seen(1))
    books.now = T0 + 400 * DAY
    books.tick()
    assert books.entries(7) == [("earn", 100), ("void", -100)]
    books.tell(seen(1, at=books.now, cancelled_at=books.now))
    books.join(7)
    assert books.points(7) == (50, 0, 0)
    assert books.audit() == []


@pytest.mark.parametrize("late", [False, True], ids=["swept", "the clock is late"])
def test_an_order_that_changes_hands_after_its_points_ran_out(books: Books, late: bool) -> None:
    books.join(7)
    books.join(8)
    books.tell(seen(1, DIGITAL), confirmed=[1])
    books.now = T0 + 800 * DAY
    if not late:
        books.tick()
    books.tell(seen(1, DIGITAL, at=books.now, customer_id=8))
    books.tell(seen(1, DIGITAL, at=books.now + DAY, customer_id=8, cancelled_at=books.now))
    books.tick()
    assert [books.points(who) for who in (7, 8)] == [(0, 0, 0), (0, 0, 0)]
    assert books.audit() == []
