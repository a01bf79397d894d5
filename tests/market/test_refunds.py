"""What others get wrong about refunds: today's rule for yesterday's order, deleted rules, credit, freight, silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.domain.facts import OrderSeen
from plugin.domain.programme import EarningRule, LineRule, OrderRules
from plugin.domain.values import Rate, Ratio
from plugin.pages import explain
from plugin.store import history
from tests.books import Books
from tests.facts import DAY, T0, back, line, programme, refund, refunded, seen

DOUBLE = LineRule("double", "Double points on shoes", "vendor", ("Shoes",), "multiply", Ratio(2, 1))


def at_rate(points: int, per_minor: int, **changes: Any) -> Any:
    return programme(earning=(EarningRule(Rate(points, per_minor)),), signup_points=0, tiers=(), **changes)


def open_for(books: Books, fact: OrderSeen) -> None:
    """Points of an order of something without a parcel, open to be spent."""
    books.join(7)
    books.tell(fact, confirmed=[fact.order_id])
    books.now = T0 + 20 * DAY


def test_refund_clawback_of_a_rule_that_was_edited_since(books: Books) -> None:
    """The rule the order was placed under takes back what it gave, whatever it says today."""
    books.publish(at_rate(1, 100))
    books.tell(seen(1))
    books.publish(at_rate(5, 100), at=T0 + DAY)
    books.now = T0 + 2 * DAY
    books.tell(refunded(1, refund(1, paid=5_000)))
    assert books.entries(7) == [("earn", 100), ("clawback", -50)]
    books.tell(refunded(1, refund(2, paid=5_000)))
    assert books.points(7) == (0, 0, 0)


def test_refund_clawback_of_a_rule_that_was_deleted_since(books: Books) -> None:
    """A rule that is gone today still takes back what it gave."""
    books.publish(at_rate(1, 100, orders=OrderRules(lines=(DOUBLE,))))
    shoes = replace(line(1, 8_000), vendor="Shoes")
    books.tell(seen(1, shoes, line(2, 2_000)))
    books.publish(programme(earning=(), signup_points=0, tiers=()), at=T0 + DAY)
    books.now = T0 + 2 * DAY
    books.tell(refunded(1, refund(1, back(1, 1, 8_000), paid=8_000)))
    assert books.entries(7) == [("earn", 180), ("clawback", -160)]
    assert books.audit() == []


def test_refund_clawback_of_a_return_paid_as_store_credit(books: Books) -> None:
    """Store credit is money given back: the goods are gone, and so are their points."""
    books.publish(at_rate(1, 100))
    books.tell(seen(1, line(1, 10_000, 2)))
    books.tell(refunded(1, refund(1, back(1, 1, 5_000), paid=5_000)))
    assert books.points(7) == (0, 50, 0)
    books.tell(refunded(1, refund(2, paid=2_500)))  # credit without a line
    assert books.points(7) == (0, 25, 0)


def test_refund_clawback_by_the_returned_line_and_not_by_the_share_of_the_order(books: Books) -> None:
    """The dear line with double points comes back: its points go, not a third of everybody's."""
    books.publish(at_rate(1, 100, orders=OrderRules(lines=(DOUBLE,))))
    books.tell(seen(1, replace(line(1, 3_000), vendor="Shoes"), line(2, 6_000)))
    assert books.points(7) == (0, 120, 0)
    books.tell(refunded(1, refund(1, back(1, 1, 3_000), paid=3_000)))
    assert books.points(7) == (0, 60, 0)


def test_refund_clawback_is_told_in_words(books: Books) -> None:
    """Nobody has to ask why a balance fell: the entry says so."""
    books.publish(at_rate(1, 100))
    books.tell(seen(1))
    books.tell(refunded(1, refund(1, paid=5_000)))
    with books.db.read() as tx:
        lines = history.page(tx, books.shop_id, 7, before=None, limit=10)
    assert [explain.entry(one) for one in lines] == [
        "CHF 50.00 at 1 point for every CHF 1.00: 50 now, 100 before.",
        "CHF 100.00 at 1 point for every CHF 1.00.",
    ]


def test_refund_clawback_comes_once_however_often_it_is_told(books: Books) -> None:
    """A refund told three times, and by the order itself too, takes once."""
    books.publish(at_rate(1, 100))
    books.tell(seen(1))
    made = refund(1, back(1, 1, 10_000), paid=10_000)
    for fact in (refunded(1, made), refunded(1, made), seen(1, at=T0 + DAY, refunds=(made,))):
        books.tell(fact)
    assert books.entries(7) == [("earn", 100), ("clawback", -100)]


@pytest.mark.parametrize(
    ("made", "returned"),
    [
        pytest.param(refund(1, back(1, 1, 10_000), paid=10_000), 100, id="all goods, freight kept"),
        pytest.param(refund(1, back(1, 1, 10_000), paid=11_000, shipping=1_000), 100, id="all"),
        pytest.param(refund(1, paid=1_000, shipping=1_000), 0, id="freight alone"),
        pytest.param(refund(1, paid=2_500), 25, id="an amount"),
    ],
)
def test_refund_of_points_spent(books: Books, made: Any, returned: int) -> None:
    """All goods come back but not the freight: that is whole, and freight alone is nothing."""
    books.join(7)
    books.give(7, 100)
    code = books.redeem(7)
    books.made(code)
    books.tell(seen(5, shipping_minor=1_000, discount_codes=(code.code,)), confirmed=[5])
    before = books.points(7)[0]
    for _ in range(2):
        books.tell(refunded(5, made))
    assert books.points(7)[0] - before == returned
    assert books.audit() == []


@pytest.mark.parametrize(("policy", "owed", "after"), [("deficit", 50, 30), ("floor", 0, 80)])
def test_negative_balance(books: Books, policy: str, owed: int, after: int) -> None:
    """Spent points whose order comes back are owed and absorbed by the next, or forgiven: as the merchant chose."""
    books.publish(programme(clawback=policy), at=T0 - DAY / 2)
    digital = line(requires_shipping=False)
    open_for(books, seen(1, digital))
    books.redeem(7)
    books.tell(seen(1, digital, at=T0 + DAY, cancelled_at=T0 + DAY))
    assert books.points(7) == (0, 0, owed)
    books.tell(seen(2, line(1, 8_000), at=books.now, processed_at=books.now))
    assert books.points(7) == (0, after, 0)
    assert books.audit() == []
