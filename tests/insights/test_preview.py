"""The preview: its numbers against ones worked out by hand, and that it is a bounded reading of what is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from plugin.domain.facts import Line, OrderHead, Refund
from plugin.domain.orders import Order
from plugin.domain.programme import (
    Basis,
    EarningRule,
    OrderBonus,
    OrderRules,
    Programme,
    first_programme,
)
from plugin.domain.values import Rate, Ratio
from plugin.insights import preview
from plugin.store.samples import Sampled
from tests.pages.admin_pages import placed
from tests.pages.scene import ALICE, ANNA, BEN, MALLORY, START, Scene


def sampled(order_id: int, member_id: int, minor: int, *, tier: str | None = None, shipping: int = 0,
            refunded: int = 0, days: int = 0, test: bool = False) -> Sampled:  # fmt: skip
    """A paid order of one line."""
    at = START - timedelta(days=days)
    head = OrderHead(
        updated_at=at, origin="webhook", name=None, customer_id=member_id, currency="CHF", processed_at=at,
        taxes_included=True, financial_status="paid", source_name="web", test=test, cancelled_at=None,
        lines=(Line(1, 1, 0, minor, 0, False, True),), shipping_minor=shipping,
    )  # fmt: skip
    refunds = (Refund(1, at, (), refunded, 0),) if refunded else ()
    return Sampled(Order(order_id, head, refunds, paid_at=at), member_id, tier, at)


def draft(**changes: object) -> Programme:
    """The first programme, changed."""
    return replace(first_programme("CHF", 100), **changes)  # type: ignore[arg-type]


ORDERS = (
    sampled(1, 1, 10_050, days=30),  # CHF 100.50: 100 points
    sampled(2, 1, 1_999, tier="silver", days=20),  # CHF 19.99 × 1.25: 24.99, so 24
    sampled(3, 2, 3_000, shipping=700, days=10),  # CHF 30.00: 30
    sampled(4, 3, 5_000, refunded=1_000, days=5),  # CHF 40.00: 40
)


def test_a_doubled_rate_by_hand() -> None:
    # 2 for every CHF 1: 201, 49 (49.975 down), 60, 80
    found = preview.compared(ORDERS, draft(earning=(EarningRule(Rate(2, 100)),)), draft(), complete=True)
    assert (found.points_before, found.points) == (100 + 24 + 30 + 40, 201 + 49 + 60 + 80)
    assert (found.orders, found.members, found.gained, found.lost) == (4, 3, 3, 0)
    assert (found.first_at, found.last_at) == (START - timedelta(days=30), START - timedelta(days=5))


def test_winners_and_losers_by_hand() -> None:
    """Shipping earns and silver loses its multiplier: the second gains 7, the first loses 5, the third neither."""
    bronze, silver, gold = draft().tiers
    found = preview.compared(
        ORDERS, draft(basis=Basis(shipping=True), tiers=(bronze, replace(silver, multiplier=Ratio()), gold)), draft(),
        complete=True,
    )  # fmt: skip
    assert (found.points_before, found.points) == (194, 100 + 19 + 37 + 40)
    assert (found.gained, found.lost) == (1, 1)


def test_a_member_is_counted_by_the_sum_of_their_orders() -> None:
    """Rounding up gives 101 + 25 to the first, 30 and 40 stay: one member gains, however many orders moved."""
    found = preview.compared(ORDERS, draft(rounding="ceil"), draft(), complete=True)
    assert (found.points, found.gained, found.lost) == (101 + 25 + 30 + 40, 1, 0)


def test_caps_of_a_period_run_over_the_sample_and_bonuses_over_all_orders() -> None:
    """In one month the first member had 100 and 24 points: a cap of 110 leaves them 110, the others what they had."""
    capped = draft(orders=OrderRules(max_per_period=110, period="year"))
    assert preview.compared(ORDERS, capped, draft(), complete=True).points == 110 + 30 + 40
    greeted = draft(orders=OrderRules(bonuses=(OrderBonus("first", "First", 1, 7),)))
    assert preview.compared(ORDERS, greeted, draft(), complete=True).points == 194 + 3 * 7
    assert preview.compared(ORDERS, greeted, draft(), complete=False).points == 194


def test_a_removed_tier_and_another_currency() -> None:
    assert preview.compared(ORDERS, draft(tiers=()), draft(), complete=True).points == 100 + 19 + 30 + 40
    assert preview.compared(ORDERS, draft(currency="EUR"), draft(), complete=True).points == 0


def test_no_orders_and_the_same_programme() -> None:
    nothing = preview.compared((), draft(), draft(), complete=True)
    assert (nothing.orders, nothing.first_at, nothing.points, nothing.gained) == (0, None, 0, 0)
    same = preview.compared(ORDERS, draft(), draft(), complete=True)
    assert (same.points, same.points_before, same.gained, same.lost) == (194, 194, 0, 0)


def test_the_sample_is_bounded_and_says_so(scene: Scene) -> None:
    """Of the stored orders: those of members, that count, of this shop only; the newest come first."""
    for n in range(5):
        placed(scene, 81 + n, ANNA, 1000 * (n + 1), at=START + timedelta(minutes=n))
    placed(scene, 90, BEN, 9900)  # has not joined
    placed(scene, 91, ANNA, 100_000, shop=MALLORY)
    scene.member(ALICE, ANNA)
    scene.member(MALLORY, ANNA)
    shop = scene.shop(ALICE)
    double = draft(earning=(EarningRule(Rate(2, 100)),))
    with scene.db.read() as tx:
        whole = preview.of_draft(tx, shop, double, draft(), START)
        part = preview.of_draft(tx, shop, double, draft(), START, sample=2)
        exact = preview.of_draft(tx, shop, double, draft(), START, sample=5)
    assert (whole.orders, whole.points_before, whole.points, whole.complete) == (5, 150, 300, True)
    assert (part.orders, part.points_before, part.complete) == (2, 90, False)
    assert exact.complete
    assert whole.first_at == START
