"""The target: what should stand in the ledger for one order by itself, and why nothing may where nothing may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from plugin.domain.earning import campaigns
from plugin.domain.earning.timing import ends_at, opens_at
from plugin.domain.earning.worth import worth_of
from plugin.domain.orders import PAID, Order, arrival, charged_back, paid_share
from plugin.domain.programme import OrderRules, Programme
from plugin.domain.values import Ratio, rounded

# Rules besides those of money, as they stand in source keys; nothing multiplies their fixed points.
PRODUCTS = "products"
ORDER = "order"


@dataclass(frozen=True, slots=True)
class Target:
    """What should stand in the ledger for one order. `why_not` names the reason when nothing may stand.

    `earns`: whether it is one of the orders that bonuses count. `weighed_minor`: the basis after line rules and bands.
    """

    points: tuple[tuple[str, int], ...]  # (rule key, points)
    basis_minor: int
    counted: bool
    why_not: str | None
    delivered_at: datetime | None
    available_at: datetime | None
    expires_at: datetime | None
    earns: bool = False
    weighed_minor: int = 0


def why_nothing_counts(order: Order, *, count_test_orders: bool) -> str | None:
    """Why an order earns nothing as a whole, or None when it counts."""
    head = order.head
    if head is None:
        return "not_seen"
    if order.deleted:
        return "deleted"
    if head.test and not count_test_orders:
        return "test"
    if head.cancelled_at is not None:
        return "cancelled"
    if charged_back(order):
        return "disputed"
    if head.financial_status not in PAID and paid_share(order) is None:
        return "not_paid"
    return None


def why_excluded(order: Order, rules: OrderRules) -> str | None:
    """Why an order that counts earns nothing by the programme's choice of channels and customers, or None.

    Where the customer's tags decide, an order waits for its first read.
    """
    source = order.head.source_name if order.head is not None else None
    if source is not None and any(campaigns.named(source, one) for one in rules.sources):
        return "excluded_source"
    buyer = order.buyer
    if buyer is None:
        return "not_read" if rules.excluded_tags else None
    if buyer.company and not rules.companies:
        return "company"
    excluded = {tag.casefold() for tag in rules.excluded_tags}
    if any(tag.casefold() in excluded for tag in buyer.tags):
        return "excluded_customer"
    return None


def target(
    order: Order,
    programme: Programme | None,
    multiplier: Ratio = Ratio(),
    *,
    confirmed: bool,
    tier: str | None = None,
    count_test_orders: bool = False,
) -> Target:
    """What should stand for this order, at the programme and tier pinned to it. Pure: same input, same answer.

    `confirmed`: the order was read with the shop's own token; before that nothing gets a date to be spent from.
    Points of money are rounded once on the whole order (design 10.7). Rules across orders are not in here: caps.py.
    """
    why_not = why_nothing_counts(order, count_test_orders=count_test_orders)
    head = order.head
    if why_not is None and programme is None:
        why_not = "before_programme"
    if why_not is None and head is not None and programme is not None and head.currency != programme.currency:
        why_not = "other_currency"
    if why_not is not None or programme is None or head is None:
        return Target((), 0, False, why_not, None, None, None)
    came = arrival(order, no_delivery_days=programme.no_delivery_days)
    opens = opens_at(order, programme, came) if confirmed else None
    delivered_at = came.at if came is not None and came.basis in ("delivered", "platform") else None
    dates = (delivered_at, opens, ends_at(opens, programme))
    why_not = why_excluded(order, programme.orders)
    worth = worth_of(order, programme)
    basis, weighed = int(worth.basis), int(worth.weighed)
    if why_not is None and worth.basis < programme.orders.minimum_minor:
        why_not = "below_minimum"
    if why_not is not None:
        return Target((), basis, True, why_not, *dates)
    points = _points(programme, worth.weighed, worth.fixed, multiplier, earns=worth.basis > 0)
    if programme.campaigns and worth.basis > 0:
        points += campaigns.of_order(order, programme, tier, multiplier)
    if programme.orders.max_per_order is not None:
        points = at_most(points, programme.orders.max_per_order)
    return Target(points, basis, True, None, *dates, earns=worth.basis > 0, weighed_minor=weighed)


def _points(
    programme: Programme, weighed: int | Fraction, fixed: int, multiplier: Ratio, *, earns: bool
) -> tuple[tuple[str, int], ...]:
    """Points by rule: of money, each rule rounded once; by the unit of special lines; for the order as such."""
    points = [
        (
            rule.key,
            rounded(
                weighed.numerator * rule.rate.points * multiplier.numerator,
                weighed.denominator * rule.rate.per_minor * multiplier.denominator,
                programme.rounding,
            ),
        )
        for rule in programme.earning
    ]
    if fixed:
        points.append((PRODUCTS, fixed))
    if earns and programme.orders.per_order:
        points.append((ORDER, programme.orders.per_order))
    return tuple(points)


def at_most(points: tuple[tuple[str, int], ...], most: int) -> tuple[tuple[str, int], ...]:
    """The same points cut down to `most` in all; what comes last goes first."""
    kept = []
    for rule, count in points:
        part = min(count, max(0, most))
        most -= part
        kept.append((rule, part))
    return tuple(kept)
