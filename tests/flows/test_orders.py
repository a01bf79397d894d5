"""Orders flow: facts in any order end in the same balance, each movement says why, and nothing counts twice."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.domain.facts import OrderChanged, OrderDeleted, OrderFact, OrderSeen
from plugin.domain.programme import EarningRule
from plugin.domain.values import Rate
from plugin.store import orders as order_store
from plugin.store.db import Database
from tests.books import Books
from tests.facts import (
    DAY,
    T0,
    arrived,
    back,
    line,
    parcel,
    programme,
    refund,
    refunded,
    seen,
    sent,
)


def read_of(fact: OrderSeen) -> OrderSeen:
    """The same order, as the platform itself states it."""
    return replace(fact, head=replace(fact.head, origin="read"))


def test_a_paid_order_makes_points_that_wait(books: Books) -> None:
    books.join(7)
    assert books.tell(seen(1)) == {7}
    assert books.points(7) == (50, 100, 0)
    assert books.effects("order.read") == ["order:1:read"]
    assert "member:7:mirror" in books.effects()
    [why] = books.rows("SELECT why FROM entries WHERE shop_id = :s AND kind = 'earn'")
    assert msgspec.json.decode(why[0]) == {
        "rule": "purchase", "basis_minor": 10_000, "target": 100, "before": 0, "currency": "CHF", "programme": 2,
        "rate": [1, 100],
    }  # fmt: skip
    assert books.audit() == []


def test_nothing_becomes_available_before_the_shop_confirmed_the_order(books: Books) -> None:
    books.join(7)
    books.tell(seen(1), sent(1, parcel()), arrived(1, at=T0 + 3 * DAY))
    books.now = T0 + 300 * DAY
    assert books.points(7) == (50, 100, 0)
    books.now = T0 + 4 * DAY
    books.read(1)
    assert books.stands(7).next_at == T0 + 17 * DAY
    books.now = T0 + 17 * DAY
    assert books.points(7) == (150, 0, 0)
    assert books.audit() == []


def test_an_order_the_shop_does_not_know_loses_its_points(books: Books) -> None:
    books.tell(seen(1))
    books.tell(refuted=[1])
    assert books.entries(7) == [("earn", 100), ("clawback", -100)]
    books.tell(seen(1, at=T0 + DAY))  # the same forger again
    assert books.points(7) == (0, 0, 0)
    books.tell(read_of(seen(1, at=T0 + DAY)), confirmed=[1])  # … unless the shop does know it after all
    assert books.points(7) == (0, 100, 0)
    books.tell(refuted=[1])  # what was confirmed once is not refuted by a miss
    assert books.points(7) == (0, 100, 0)
    assert books.audit() == []


@pytest.mark.parametrize(
    ("later", "expected", "posted"),
    [
        pytest.param([refunded(1, refund(1, back(1, 1, 5_000), paid=5_000))], 50, -50, id="a unit refunded"),
        pytest.param([refunded(1, refund(1, paid=1_050))], 89, -11, id="an amount refunded: floor(8950 / 100)"),
        pytest.param([seen(1, line(1, 10_000, 2, removed=1), at=T0 + DAY)], 50, -50, id="a unit edited out"),
        pytest.param([seen(1, line(1, 10_000, 2), line(2, 2_500), at=T0 + DAY)], 125, 25, id="a line edited in"),
        pytest.param([seen(1, line(1, 10_000, 2), at=T0 + DAY, cancelled_at=T0 + DAY)], 0, -100, id="cancelled"),
        pytest.param([OrderDeleted(1)], 0, -100, id="deleted"),
        pytest.param([seen(1, line(1, 10_000, 2), at=T0 + DAY, financial_status="voided")], 0, -100, id="voided"),
        pytest.param([seen(1, line(1, 10_000, 2), at=T0 + DAY, name="#1002")], 100, None, id="another name"),
        pytest.param([seen(1, line(1, 1, 2), at=T0 - DAY)], 100, None, id="an older body"),
    ],
)  # fmt: skip
def test_what_changes_later_is_posted_as_the_difference(
    books: Books, later: list[OrderFact], expected: int, posted: int | None
) -> None:
    books.tell(seen(1, line(1, 10_000, 2)))
    books.tell(*later)
    movements = [points for _, points in books.entries(7)]
    assert movements == [100] + ([] if posted is None else [posted])
    assert books.points(7) == (0, expected, 0)
    books.tell(*later)
    books.tell(seen(1, line(1, 10_000, 2)))
    assert [points for _, points in books.entries(7)] == movements
    keys = [
        row[0] for row in books.rows("SELECT source_key FROM entries WHERE shop_id = :s ORDER BY entry_id")
    ]
    assert keys == [f"order:1:purchase:{n + 1}" for n in range(len(movements))]
    assert books.audit() == []


def test_paid_voided_and_paid_again_ends_where_it_began(books: Books) -> None:
    for days, status in enumerate(["pending", "paid", "voided", "paid"]):
        books.now = T0 + days * DAY
        books.tell(seen(1, at=books.now, financial_status=status))
    assert books.entries(7) == [("earn", 100), ("clawback", -100), ("earn", 100)]
    assert books.points(7) == (0, 100, 0)


@pytest.mark.parametrize("extra", [{"test": True}, {"currency": "EUR"}, {"processed_at": T0 - 40 * DAY}])
def test_what_never_earns(books: Books, extra: dict[str, Any]) -> None:
    books.tell(seen(1, **extra))
    assert books.entries(7) == []


def test_an_order_keeps_the_programme_it_was_placed_under(books: Books) -> None:
    richer = programme(earning=(EarningRule(Rate(3, 100)),))
    books.publish(richer, at=T0 + DAY)
    books.now = T0 + 2 * DAY
    books.tell(seen(1), seen(2, at=T0 + 2 * DAY, processed_at=T0 + 2 * DAY))
    assert [points for _, points in books.entries(7)] == [100, 300]
    books.publish(programme(earning=(EarningRule(Rate(9, 100)),)), at=T0 + 3 * DAY)
    books.now = T0 + 4 * DAY
    books.tell(refunded(1, refund(1, paid=5_000)), refunded(2, refund(2, paid=5_000)))
    assert [points for _, points in books.entries(7)] == [100, 300, -50, -150]


def test_a_line_edited_in_waits_for_its_own_delivery(books: Books) -> None:
    books.tell(seen(1), sent(1, parcel()), arrived(1, at=T0 + 2 * DAY))
    books.read(1)
    books.now = T0 + 20 * DAY
    assert books.points(7) == (100, 0, 0)
    books.tell(seen(1, line(), line(2, 2_000), at=books.now))
    assert books.points(7) == (100, 20, 0)  # what was available stays so
    assert sorted(lot.available_at is None for lot in books.account(7).lots.values()) == [False, True]
    books.tell(sent(1, parcel(2, ((2, 1),), at=books.now)), arrived(1, 2, at=books.now))
    books.now += 14 * DAY
    assert books.points(7) == (120, 0, 0)
    assert books.audit() == []


def test_a_guest_order_is_attached_when_a_customer_comes(books: Books) -> None:
    books.tell(seen(1, customer_id=None), sent(1, parcel()), arrived(1))
    assert books.rows("SELECT 1 FROM entries WHERE shop_id = :s") == []
    books.tell(seen(1, at=T0 + DAY, customer_id=9))
    assert books.points(9) == (0, 100, 0)
    invited = books.invitation(1)
    assert invited is not None
    assert (invited.member_id, invited.due_at) == (9, T0 + 5 * DAY)
    assert books.audit() == []


def test_an_order_that_changes_hands_takes_its_points_along(books: Books) -> None:
    books.tell(seen(1), sent(1, parcel()), arrived(1))
    books.tell(seen(1, at=T0 + DAY, customer_id=9))
    assert books.points(7) == (0, 0, 0)
    assert books.points(9) == (0, 100, 0)
    assert books.entries(7) == [("earn", 100), ("clawback", -100)]
    invited = books.invitation(1)
    assert invited is not None
    assert invited.member_id == 9
    books.tell(seen(1, at=T0 + 2 * DAY, customer_id=None))
    assert books.points(9) == (0, 0, 0)
    gone = books.invitation(1)
    assert gone is not None
    assert gone.state == "withdrawn"
    assert books.audit() == []


def test_a_clawback_beyond_what_is_left_is_owed_and_absorbed(books: Books) -> None:
    books.tell(seen(1, line(requires_shipping=False)))
    books.join(7)
    books.read(1)
    books.now = T0 + 14 * DAY
    books.redeem(7)
    assert books.points(7) == (50, 0, 0)
    books.tell(seen(1, line(requires_shipping=False), at=T0 + DAY, cancelled_at=T0 + DAY))
    assert books.points(7) == (0, 0, 50)
    books.tell(seen(2, line(1, 8_000), processed_at=books.now, at=books.now))
    assert books.points(7) == (0, 30, 0)
    assert books.audit() == []


def test_the_policy_floor_forgives_what_cannot_be_taken(shared: Database) -> None:
    books = Books(shared, programme(clawback="floor"))
    books.join(7)
    books.tell(seen(1, line(requires_shipping=False)))
    books.read(1)
    books.now = T0 + 14 * DAY
    books.redeem(7)
    books.tell(OrderDeleted(1))
    assert books.points(7) == (0, 0, 0)
    assert books.entries(7)[-2:] == [("clawback", -100), ("forgiven", 50)]
    books.tell(seen(2, line(1, 8_000), processed_at=books.now, at=books.now))
    assert books.points(7) == (0, 80, 0)
    assert books.audit() == []


def test_an_edit_or_a_return_asks_for_a_read_each_time(books: Books) -> None:
    books.tell(seen(1))
    books.read(1)
    with books.db.write(books.shop_id) as tx:
        tx.run("UPDATE outbox SET state = 1 WHERE shop_id = :s", s=books.shop_id)
    books.tell(OrderChanged(1, "edited"))
    assert books.effects("order.read") == ["order:1:read"]
    [before] = books.rows("SELECT revision FROM outbox WHERE shop_id = :s AND effect_key = 'order:1:read'")
    books.tell(OrderChanged(1, "edited"))
    [after] = books.rows("SELECT revision FROM outbox WHERE shop_id = :s AND effect_key = 'order:1:read'")
    assert after[0] == before[0] + 1


def test_two_bodies_of_one_second_that_disagree_are_settled_by_a_read(books: Books) -> None:
    books.tell(seen(1))
    books.read(1)
    with books.db.write(books.shop_id) as tx:
        tx.run("UPDATE outbox SET state = 1 WHERE shop_id = :s", s=books.shop_id)
    books.tell(seen(1, line(1, 4_000)))
    assert books.effects("order.read") == ["order:1:read"]
    books.tell(read_of(seen(1, line(1, 4_000))), confirmed=[1])
    assert sum(points for _, points in books.entries(7)) == 40


def test_an_order_in_pieces_before_its_snapshot(books: Books) -> None:
    made = refund(1, back(1, 1, 5_000), paid=5_000)
    books.tell(arrived(1), sent(1, parcel(lines=((1, 2),))), refunded(1, made))
    assert books.entries(7) == []
    books.tell(seen(1, line(1, 10_000, 2)))
    assert books.points(7) == (0, 50, 0)
    assert books.audit() == []


HISTORY: list[OrderFact] = [
    seen(1, line(1, 10_000, 2), financial_status="pending"),
    seen(1, line(1, 10_000, 2), at=T0 + DAY),
    sent(1, parcel(1, ((1, 2),))),
    arrived(1, 1, T0 + 3 * DAY),
    refunded(1, refund(1, back(1, 1, 5_000), paid=5_200)),
    refunded(1, refund(2, paid=300)),
    seen(2, line(5, 7_777), customer_id=8),
    seen(2, line(5, 7_777), customer_id=7, at=T0 + 2 * DAY),
    seen(3, line(6, 4_000), cancelled_at=T0 + 4 * DAY, at=T0 + 4 * DAY),
    OrderDeleted(4),
    seen(4, line(8, 9_900)),
]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(st.sampled_from(HISTORY), max_size=12), chance=st.randoms(use_true_random=False))
def test_shuffled_doubled_and_split_deliveries_converge(
    told: list[OrderFact], chance: random.Random, shared: Database
) -> None:
    books = Books(shared)
    mixed = HISTORY + told
    chance.shuffle(mixed)
    while mixed:
        size = chance.randint(1, 5)
        books.tell(*mixed[:size])
        mixed = mixed[size:]
    # order 1: 10000 - 5000 (a unit) - 200 - 300 = 4500 -> 45; order 2: 77; 3 and 4: nothing
    assert books.points(7) == (0, 122, 0)
    assert books.points(8) == (0, 0, 0)
    assert books.audit() == []


def test_a_batch_of_many_orders_writes_each_once(books: Books) -> None:
    facts = [seen(n, line(n, 100 * n), customer_id=n % 7 + 1) for n in range(1, 301)]
    books.tell(*facts)
    [total] = books.rows("SELECT SUM(points), COUNT(*) FROM entries WHERE shop_id = :s")
    assert total == (sum(range(1, 301)), 300)
    with books.db.read() as tx:
        stored = order_store.by_id(tx, books.shop_id, 300)
    assert stored is not None
    assert (stored.points, stored.standing, stored.confirmed) == (300, {"purchase": (300, 1)}, "no")
    assert books.audit() == []
