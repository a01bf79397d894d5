"""The figures of an order, computed from its lines, refunds and transactions whenever somebody asks."""

from __future__ import annotations

from dataclasses import dataclass

from devshop.money import NOTHING, Bag, total, units
from devshop.order_records import Line, Order, ShippingLine, TaxLine


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums in shop and presentment money. Without prefix: as placed. `current_`: after edits and refunds."""

    line_items: Bag
    discounts: Bag
    subtotal: Bag
    shipping: Bag
    tax: Bag
    total: Bag
    current_discounts: Bag
    current_subtotal: Bag
    current_shipping: Bag
    current_tax: Bag
    current_total: Bag
    received: Bag
    refunded: Bag
    refunded_shipping: Bag
    outstanding: Bag


def current_quantity(line: Line) -> int:
    """Units neither removed by an edit nor refunded (LineItem.currentQuantity)."""
    return line.quantity - line.removed - line.refunded


def fulfillable(line: Line) -> int:
    return max(0, line.quantity - line.removed - line.refunded - line.fulfilled)


def line_discount(line: Line) -> Bag:
    return total(allocation.amount for allocation in line.allocations)


def line_net(line: Line) -> Bag:
    """What all units of a line cost after every discount, tax as the order says."""
    return line.price.times(line.quantity) - line_discount(line)


def line_tax(line: Line) -> Bag:
    return total(tax.amount for tax in line.taxes)


def taxes_of(order: Order) -> list[TaxLine]:
    return [tax for line in order.lines for tax in line.taxes] + [
        t for line in order.shipping for t in line.taxes
    ]


def gone(line: Line) -> int:
    return line.removed + line.refunded


def _left(line: Line, amount: Bag) -> Bag:
    """The share of a line's amount that its remaining units carry; removed units were the first ones."""
    return units(amount, line.quantity, gone(line), line.quantity)


def shipping_net(line: ShippingLine) -> Bag:
    return line.price - total(allocation.amount for allocation in line.allocations)


def figures(order: Order) -> Figures:
    """Every sum of an order. With taxes included, subtotal and shipping hold their tax and total adds none."""
    shipping = total(line.price for line in order.shipping)
    shipping_after = total(shipping_net(line) for line in order.shipping)
    shipping_tax = total(tax.amount for line in order.shipping for tax in line.taxes)
    refunded_shipping = total(line.refunded for line in order.shipping)
    extras = order.tip + (order.duties or NOTHING)

    placed = [(line, line.original_quantity) for line in order.lines if line.original_quantity]
    line_items = total(line.price.times(count) for line, count in placed)
    line_discounts = total(line_discount(line) for line, _ in placed)
    subtotal = line_items - line_discounts
    tax = shipping_tax + total(units(line_tax(line), line.quantity, 0, count) for line, count in placed)

    current_subtotal = total(_left(line, line_net(line)) for line in order.lines)
    current_shipping = shipping_after - refunded_shipping
    current_tax = (
        total(_left(line, line_tax(line)) for line in order.lines)
        + shipping_tax
        - total(line.refunded_tax for line in order.shipping)
    )
    current_total = current_subtotal + current_shipping + extras
    placed_total = subtotal + shipping_after + extras
    if not order.taxes_included:
        current_total, placed_total = current_total + current_tax, placed_total + tax

    received = total(
        t.amount for t in order.transactions if t.kind in ("sale", "capture") and t.status == "success"
    )
    refunded = total(t.amount for t in order.transactions if t.kind == "refund" and t.status == "success")
    adjusted = total(a.amount for refund in order.refunds for a in refund.adjustments)
    return Figures(
        line_items=line_items,
        discounts=line_discounts + shipping - shipping_after,
        subtotal=subtotal,
        shipping=shipping,
        tax=tax,
        total=placed_total,
        current_discounts=total(_left(line, line_discount(line)) for line in order.lines)
        + shipping
        - shipping_after,
        current_subtotal=current_subtotal,
        current_shipping=current_shipping,
        current_tax=current_tax,
        current_total=current_total,
        received=received,
        refunded=refunded,
        refunded_shipping=refunded_shipping,
        outstanding=current_total + adjusted - (received - refunded),
    )


def financial_status(order: Order, sums: Figures | None = None) -> str:
    """pending, authorized, partially_paid, paid, partially_refunded, refunded or voided (order.financial_status)."""
    sums = sums or figures(order)
    if sums.refunded.shop:
        return "refunded" if sums.refunded.shop >= sums.received.shop else "partially_refunded"
    if not sums.received.shop:
        if order.cancelled_at:
            return "voided"
        if any(t.kind == "authorization" for t in order.transactions):
            return "authorized"
        return "paid" if not sums.total.shop and not sums.outstanding.shop else "pending"
    return "partially_paid" if sums.outstanding.shop > 0 else "paid"


def fulfilment_status(order: Order) -> str | None:
    """None, partial or fulfilled, as webhook bodies say it."""
    if not any(line.fulfilled for line in order.lines):
        return None
    return "partial" if any(fulfillable(line) for line in order.lines) else "fulfilled"


def line_fulfilment_status(line: Line) -> str | None:
    if not line.fulfilled:
        return None
    return "partial" if fulfillable(line) else "fulfilled"
