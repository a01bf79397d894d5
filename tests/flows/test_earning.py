"""Earning rules in the books: across orders, for whom and which channel, and what waits for a read."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.domain.facts import Buyer, CustomersMerged, LineProduct, OrderFact, OrderSeen, Payments
from plugin.domain.programme import LineRule, OrderBonus, OrderRules, Programme
from plugin.domain.values import Ratio
from plugin.flows import orders as order_flow
from plugin.store.db import Database
from tests.books import Books
from tests.facts import DAY, T0, back, line, programme, refund, refunded, seen

FIRST = OrderBonus("first", "First order", 1, 100)
ONCE = {"opens": "paid", "paid_days": 14}  # opens without a parcel, so that a test can let it open by the day


def rules(**changes: Any) -> Programme:
    return programme(signup_points=0, tiers=(), orders=OrderRules(**changes))


def bought(order_id: int, days: int = 0, net: int = 10_000, **changes: Any) -> OrderSeen:
    at = T0 + days * DAY
    return seen(order_id, line(order_id, net), at=at, **{"processed_at": at, **changes})


def read_of(fact: OrderSeen, **told: Any) -> OrderSeen:
    return replace(fact, head=replace(fact.head, origin="read"), **{"buyer": Buyer(False), **told})


def gone(order_id: int, net: int = 10_000) -> OrderFact:
    return refunded(order_id, refund(order_id, back(order_id, 1, net), paid=net))


def stands(books: Books) -> dict[int, int]:
    return dict(books.rows("SELECT order_id, points FROM orders WHERE shop_id = :s ORDER BY order_id"))


def why_of(books: Books, rule: str) -> dict[str, Any]:
    found = [msgspec.json.decode(row[0]) for row in books.rows("SELECT why FROM entries WHERE shop_id = :s")]
    return next(why for why in found if why["rule"] == rule)


def test_a_cap_of_a_month_is_dealt_anew_when_an_earlier_order_is_refunded(books: Books) -> None:
    books.publish(rules(max_per_period=150))
    books.join(7)
    books.tell(bought(3, 2), bought(1), bought(2, 1))
    assert stands(books) == {1: 100, 2: 50, 3: 0}
    assert why_of(books, "purchase")["basis_minor"] == 10_000
    books.tell(gone(1))
    assert stands(books) == {1: 0, 2: 100, 3: 50}
    books.tell(gone(1), bought(2, 1))  # told again, nothing moves
    assert stands(books) == {1: 0, 2: 100, 3: 50}
    assert books.points(7) == (0, 150, 0)
    assert books.audit() == []


def test_what_a_cap_cut_is_said(books: Books) -> None:
    books.publish(rules(max_per_period=60))
    books.tell(bought(1))
    assert (why_of(books, "purchase")["target"], why_of(books, "purchase")["uncapped"]) == (60, 100)


def test_a_released_order_is_left_alone_by_the_others(books: Books) -> None:
    books.publish(rules(max_per_period=150, **ONCE))
    books.join(7)
    first, second = bought(1), bought(2, 1)
    books.tell(read_of(first), read_of(second), confirmed=[1, 2])
    books.now = T0 + 20 * DAY
    assert books.points(7) == (150, 0, 0)
    third = bought(3, 20)
    books.tell(gone(1), third)
    assert stands(books) == {1: 0, 2: 50, 3: 100}
    books.tell(read_of(replace(second, head=replace(second.head, updated_at=T0 + 21 * DAY))))
    assert stands(books) == {1: 0, 2: 50, 3: 100}
    assert books.audit() == []


def test_the_bonus_of_a_refunded_first_order_moves_to_the_next_that_is_not_released(books: Books) -> None:
    books.publish(rules(bonuses=(FIRST,), **ONCE))
    books.join(7)
    books.tell(bought(2, 1), bought(1))
    assert stands(books) == {1: 200, 2: 100}
    assert why_of(books, "bonus_first")["name"] == "First order"
    books.tell(gone(1))
    assert stands(books) == {1: 0, 2: 200}
    books.tell(read_of(bought(2, 1)), confirmed=[2])
    books.now = T0 + 30 * DAY
    books.tell(bought(3, 30))
    assert stands(books) == {1: 0, 2: 200, 3: 100}
    books.tell(gone(2))
    assert stands(books) == {1: 0, 2: 0, 3: 200}
    assert books.audit() == []


def test_every_third_order_and_who_ordered_before_there_was_a_bonus(books: Books) -> None:
    books.publish(rules(), at=T0)
    books.tell(bought(1))
    every = OrderBonus("third", "Every third", 3, 30, every=True)
    books.publish(rules(bonuses=(FIRST, every)), at=T0 + timedelta(hours=1))
    books.tell(*(bought(n, n) for n in range(2, 7)))
    assert stands(books) == {1: 100, 2: 100, 3: 130, 4: 100, 5: 100, 6: 130}


def test_merged_members_have_one_first_order(books: Books) -> None:
    books.publish(rules(bonuses=(FIRST,), **ONCE))
    for order_id, who in ((1, 7), (2, 8)):
        books.join(who)
        books.tell(read_of(bought(order_id, order_id, customer_id=who)), confirmed=[order_id])
    assert stands(books) == {1: 200, 2: 200}
    books.now = T0 + 30 * DAY
    books.people(CustomersMerged(7, 8, "success"))
    assert stands(books) == {1: 200, 2: 100}
    assert books.points(7) == (300, 0, 0)
    books.people(CustomersMerged(7, 8, "success"))
    assert stands(books) == {1: 200, 2: 100}
    assert books.audit() == []


def test_an_order_that_changes_hands_leaves_one_row_and_joins_the_other(books: Books) -> None:
    books.publish(rules(bonuses=(FIRST,)))
    books.tell(bought(1), bought(2, 1), bought(3, 2, customer_id=8))
    assert stands(books) == {1: 200, 2: 100, 3: 200}
    books.tell(moved(bought(1), 8))
    assert stands(books) == {1: 200, 2: 200, 3: 100}
    assert books.audit() == []


def moved(fact: OrderSeen, customer_id: int) -> OrderSeen:
    head = replace(fact.head, customer_id=customer_id, updated_at=fact.head.updated_at + DAY)
    customer = fact.customer and replace(fact.customer, customer_id=customer_id)
    return replace(fact, head=head, customer=customer)


DOUBLE_NEW = LineRule("new", "New things", "tag", ("new",), multiplier=Ratio(2))


def test_lines_wait_for_the_read_that_tells_of_their_products(books: Books) -> None:
    books.publish(rules(lines=(DOUBLE_NEW,)))
    books.tell(bought(1))
    assert stands(books) == {1: 0}
    assert books.effects("order.read") == ["order:1:read"]
    with books.db.read() as tx:
        assert order_flow.wants_details(tx, books.shop, read_of(bought(1)))
    products = (LineProduct(1, "Tea", ("new",)),)
    books.tell(read_of(bought(1), products=products), confirmed=[1])
    assert stands(books) == {1: 200}
    why = why_of(books, "purchase")
    assert (why["basis_minor"], why["weighed_minor"], why["rate_of_weighed"]) == (10_000, 20_000, [1, 100])
    with books.db.read() as tx:
        assert not order_flow.wants_details(tx, books.shop, read_of(bought(1)))


def test_a_programme_without_such_rules_asks_for_nothing(books: Books) -> None:
    with books.db.read() as tx:
        assert not order_flow.wants_details(tx, books.shop, read_of(bought(1)))
    books.tell(read_of(bought(1), buyer=Buyer(False, ("vip",))), confirmed=[1])
    [projection] = books.rows("SELECT projection FROM orders WHERE shop_id = :s")
    assert msgspec.json.decode(projection[0])["buyer"]["tags"] == [], "tags that nobody asks for are not kept"


def test_part_paid_by_gift_card(books: Books) -> None:
    books.publish(rules(credit=False))
    paid = bought(1, gateways=("bogus", "gift_card"))
    books.tell(paid, bought(2, 1))
    assert stands(books) == {1: 0, 2: 100}
    books.tell(read_of(paid, payments=Payments(T0, 10_000, 2_500)), confirmed=[1])
    assert stands(books) == {1: 75, 2: 100}


def test_companies_and_excluded_customers_are_found_by_the_read(books: Books) -> None:
    books.publish(rules(companies=False, excluded_tags=("Staff",)))
    for order_id, buyer in (
        (1, Buyer(True)),
        (2, Buyer(False, ("staff", "vip"))),
        (3, Buyer(False, ("vip",))),
    ):
        books.tell(bought(order_id, order_id))
        books.tell(read_of(bought(order_id, order_id), buyer=buyer), confirmed=[order_id])
    assert stands(books) == {1: 0, 2: 0, 3: 100}
    assert books.entries(7) == [("earn", 100)], "nobody saw points that were never theirs"


def test_a_change_of_timing_is_for_new_orders_only(books: Books) -> None:
    books.publish(rules(opens="at_once"))
    books.join(7)
    books.tell(read_of(bought(1)), confirmed=[1])
    assert books.points(7) == (100, 0, 0)
    books.publish(rules(opens="paid", paid_days=30), at=T0 + DAY)
    books.now = T0 + 2 * DAY
    books.tell(read_of(bought(1)), read_of(bought(2, 2)), confirmed=[1, 2])
    assert books.points(7) == (100, 100, 0)
    books.now = T0 + 32 * DAY
    assert books.points(7) == (200, 0, 0)


def test_a_guests_order_is_kept_and_claimed_on_sign_in(books: Books) -> None:
    books.publish(rules(bonuses=(FIRST,)))
    books.tell(bought(1, customer_id=None))
    assert books.rows("SELECT member_id, points FROM orders WHERE shop_id = :s") == [(None, 0)]
    books.tell(moved(bought(1), 7))
    assert (books.member(7).status, stands(books)) == ("unclaimed", {1: 200})
    books.join(7)
    assert (books.member(7).status, books.points(7)) == ("active", (0, 200, 0))


@pytest.fixture
def db(books: Books) -> Database:
    return books.db


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30_000), st.booleans()), min_size=1, max_size=5),
    st.integers(1, 300),
    st.integers(0, 2**32),
)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_delivery_ends_alike_and_no_cap_is_exceeded(
    db: Database, orders: list[tuple[int, int, bool]], cap: int, luck: int
) -> None:
    by = rules(max_per_period=cap, period="month", bonuses=(FIRST,))
    facts: list[OrderFact] = []
    for n, (days, net, back_again) in enumerate(orders, 1):
        facts.append(bought(n, days, net))
        facts += [gone(n, net)] if back_again else []
    ends = []
    for shuffle in range(2):
        books = Books(db, by)
        books.now = T0 + 60 * DAY
        told = facts * 2
        random.Random(luck + shuffle).shuffle(told)
        for fact in told:
            books.tell(fact)
        ends.append(stands(books))
        assert books.audit() == []
    assert ends[0] == ends[1]
    for month in (3, 4):
        mine = [n for n, (days, _, _) in enumerate(orders, 1) if (T0 + days * DAY).month == month]
        assert sum(ends[0][n] for n in mine) <= cap + 100
