"""What an order should have earned by now: one basis, one rounding, one date from which it may be spent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.domain.facts import OrderHead
from plugin.domain.orders import PAID, Order, arrival, kept_units, line_value, paid_share
from plugin.domain.programme import Basis, Programme
from plugin.domain.values import Ratio, months_later, rounded


@dataclass(frozen=True, slots=True)
class Target:
    """What should stand in the ledger for one order. `why_not` names the reason when nothing may stand."""

    points: tuple[tuple[str, int], ...]  # (rule key, points)
    basis_minor: int
    counted: bool
    why_not: str | None
    delivered_at: datetime | None
    available_at: datetime | None
    expires_at: datetime | None


def basis_minor(order: Order, basis: Basis) -> int:
    """The shop money of an order that earns, in minor units, never below zero.

    Lines the shopper keeps, after every discount, without gift cards; less what was refunded without lines
    (design 10.9: net of the shipping and tax parts); plus shipping, tips and duties as the switches say.
    """
    head = order.head
    if head is None:
        return 0
    kept = kept_units(order)
    value, ordered_value, ordered_gross = 0, 0, 0
    for line in head.lines:
        if line.gift_card:
            continue
        money = line.net_minor
        gross = money if head.taxes_included else money + line.tax_minor
        if basis.tax == "with":
            money = gross
        elif basis.tax == "without" and head.taxes_included:
            money -= line.tax_minor
        value += line_value(line, money, kept[line.line_id])
        ordered_value += money
        ordered_gross += gross
    refunded_shipping = sum(refund.shipping_minor for refund in order.refunds)
    without_lines = sum(
        amount_without_lines(order, refund_index) for refund_index in range(len(order.refunds))
    )
    if ordered_gross > 0:
        value -= without_lines * ordered_value // ordered_gross
    value = max(0, value)
    if basis.shipping:
        value += _shipping_minor(head, basis, refunded_shipping)
    if basis.tips:
        value += head.tip_minor
    if basis.duties:
        value += head.duties_minor
    return value


def _shipping_minor(head: OrderHead, basis: Basis, refunded_minor: int) -> int:
    """Shipping that earns, less what was refunded of it: a refund names it with its tax, and the tax leaves with it."""
    shipping = head.shipping_minor
    charged = shipping + (0 if head.taxes_included else head.shipping_tax_minor)
    if basis.tax == "with":
        shipping = charged
    elif basis.tax == "without" and head.taxes_included:
        shipping -= head.shipping_tax_minor
    if charged > 0:
        shipping -= refunded_minor * shipping // charged
    return max(0, shipping)


def amount_without_lines(order: Order, refund_index: int) -> int:
    """Money of one refund, tax included, that neither its lines nor its shipping explain; never negative."""
    head = order.head
    assert head is not None
    refund = order.refunds[refund_index]
    explained = refund.shipping_minor
    for line in refund.lines:
        explained += line.subtotal_minor + (0 if head.taxes_included else line.tax_minor)
    return max(0, refund.paid_minor - explained)


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
    if head.financial_status not in PAID and paid_share(order) is None:
        return "not_paid"
    return None


def target(
    order: Order,
    programme: Programme | None,
    multiplier: Ratio = Ratio(),
    *,
    confirmed: bool,
    count_test_orders: bool = False,
) -> Target:
    """What should stand for this order, at the programme and tier pinned to it. Pure: same input, same answer.

    `confirmed`: the order was read with the shop's own token; before that nothing gets a date to be spent from.
    Points are floor or half-up of basis × rate × multiplier, rounded once on the whole order (design 10.7).
    """
    why_not = why_nothing_counts(order, count_test_orders=count_test_orders)
    head = order.head
    if why_not is None and programme is None:
        why_not = "before_programme"
    if why_not is None and head is not None and programme is not None and head.currency != programme.currency:
        why_not = "other_currency"
    if why_not is not None or programme is None or head is None:
        return Target((), 0, False, why_not, None, None, None)
    earns = basis_minor(order, programme.basis)
    paid = paid_share(order)
    if paid is not None:
        earns = min(earns, basis_minor(paid, programme.basis))
    points = tuple(
        (
            rule.key,
            rounded(
                earns * rule.rate.points * multiplier.numerator,
                rule.rate.per_minor * multiplier.denominator,
                programme.rounding,
            ),
        )
        for rule in programme.earning
    )
    came = arrival(order, no_delivery_days=programme.no_delivery_days)
    available_at = expires_at = None
    if came is not None and confirmed:
        paid_at = order.paid_at or head.processed_at
        available_at = max(came.at, paid_at) + timedelta(days=programme.return_window_days)
        if programme.expiry_months is not None:
            expires_at = months_later(available_at, programme.expiry_months)
    delivered_at = came.at if came is not None and came.basis == "delivered" else None
    return Target(points, earns, True, None, delivered_at, available_at, expires_at)


def refunded_share(order: Order, basis: Basis) -> tuple[int, int]:
    """How much of the order's money was given back, as (refunded, ordered) of the same basis without switches."""
    if order.head is None:
        return (0, 1)
    if order.deleted or order.head.cancelled_at is not None:
        return (1, 1)
    goods = Basis(tax=basis.tax)
    order = paid_share(order) or order
    ordered = basis_minor(Order(order.order_id, head=order.head), goods)
    if ordered <= 0:
        return (0, 1)
    return (max(0, ordered - basis_minor(order, goods)), ordered)
