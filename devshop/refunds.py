"""Refunds by line, by amount, of shipping, to the card or in store credit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from devshop.bodies_orders import order_body
from devshop.bodies_refunds import refund_body
from devshop.desk import Desk
from devshop.errors import DevshopError
from devshop.money import NOTHING, Bag, rounded, total, units
from devshop.order_records import Adjustment, Line, Order, Refund, RefundLine, RefundShipping, Transaction
from devshop.totals import current_quantity, figures, gone, line_net, line_tax, shipping_net

STORE_CREDIT = "shopify_store_credit"


def refundable(order: Order) -> Bag:
    """What was received and not given back yet."""
    sums = figures(order)
    return sums.received - sums.refunded


def refund(
    desk: Desk,
    order: Order,
    *,
    lines: Sequence[tuple[Line, int]],
    amount: int | None,
    shipping: int | None,
    to_store_credit: bool,
    restock_type: str,
    note: str,
    return_id: int | None,
) -> Refund:
    """Gives money back; announces refunds/create and orders/updated.

    `amount` is shop money in minor units; by default it is what the lines and the shipping cost. What differs
    from that becomes an order adjustment, so a refund by amount alone leaves all current_ figures as they are.
    Raises DevshopError for more units or more money than there is.
    """
    if not lines and amount is None and not shipping:
        raise DevshopError("refund_empty", "Say which lines, how much shipping, or what amount to refund.")
    kept = book_refund(
        desk,
        order,
        lines=lines,
        shipping=shipping,
        amount=amount,
        restock_type=restock_type,
        gateway=STORE_CREDIT if to_store_credit else None,
        note=note,
        return_id=return_id,
    )
    order.updated_at = desk.now()
    desk.announce(
        ("refunds/create", refund_body(desk, order, kept)),
        ("orders/updated", order_body(desk, order)),
    )
    return kept


def book_refund(
    desk: Desk,
    order: Order,
    *,
    lines: Sequence[tuple[Line, int]],
    shipping: int | None,
    amount: int | None,
    restock_type: str,
    gateway: str | None,
    note: str,
    return_id: int | None,
) -> Refund:
    """Writes a refund into the order without announcing it; the caller does."""
    available = refundable(order)
    parts = [_line(desk, line, count, restock_type) for line, count in lines]
    carried = _shipping(desk, order, shipping) if shipping else []
    calculated = total(part.subtotal for part in parts) + total(part.subtotal for part in carried)
    if not order.taxes_included:
        calculated = calculated + total(part.tax for part in parts) + total(part.tax for part in carried)
    paid = _amount(order, calculated, amount, available)
    if paid.shop < 0 or paid.shop > available.shop:
        raise DevshopError(
            "refund_too_high",
            f"Order {order.name} has {available.shop} minor units left to refund; refund less.",
        )
    for line, count in lines:
        line.refunded += count
    for ship in carried:
        for found in order.shipping:
            if found.id == ship.shipping_line_id:
                found.refunded, found.refunded_tax = (
                    found.refunded + ship.subtotal,
                    found.refunded_tax + ship.tax,
                )
    kept = Refund(
        id=desk.ids.number("Refund"),
        created_at=desk.now(),
        note=note,
        restock=restock_type != "no_restock",
        lines=parts,
        shipping=carried,
        return_id=return_id,
    )
    _book_money(desk, order, kept, paid, calculated, gateway)
    order.refunds.append(kept)
    return kept


def _line(desk: Desk, line: Line, count: int, restock_type: str) -> RefundLine:
    if not 0 < count <= current_quantity(line):
        raise DevshopError(
            "too_many_units", f"Only {current_quantity(line)} units of that line can be refunded."
        )
    first = gone(line)
    return RefundLine(
        id=desk.ids.number("RefundLineItem"),
        line_id=line.id,
        quantity=count,
        restock_type=restock_type,
        subtotal=units(line_net(line), line.quantity, first, first + count),
        tax=units(line_tax(line), line.quantity, first, first + count),
    )


def _shipping(desk: Desk, order: Order, wanted: int) -> list[RefundShipping]:
    """Spreads a shipping refund over the shipping lines, in order."""
    found: list[RefundShipping] = []
    for line in order.shipping:
        net = shipping_net(line)
        left = net.shop - line.refunded.shop
        part = min(left, wanted)
        if part <= 0:
            continue
        wanted -= part
        everything = part == net.shop
        presentment = net.presentment if everything else net.presentment * part // net.shop
        taxes = total(tax.amount for tax in line.taxes)
        found.append(
            RefundShipping(
                id=desk.ids.number("RefundShippingLine"),
                shipping_line_id=line.id,
                subtotal=Bag(part, presentment),
                tax=units(taxes, net.shop, line.refunded.shop, line.refunded.shop + part),
            )
        )
    if wanted > 0:
        raise DevshopError(
            "refund_too_high", "That is more than the shipping that is left to refund; refund less."
        )
    return found


def _amount(order: Order, calculated: Bag, amount: int | None, available: Bag) -> Bag:
    if amount is None:
        return calculated if calculated.shop <= available.shop else available
    if amount == calculated.shop:
        return calculated
    if amount == available.shop:
        return available
    if not available.shop:
        return Bag(amount, amount)
    return Bag(amount, rounded_share(available, amount))


def rounded_share(whole: Bag, part: int) -> int:
    return rounded(Decimal(whole.presentment) * part / whole.shop)


def _book_money(
    desk: Desk,
    order: Order,
    kept: Refund,
    paid: Bag,
    calculated: Bag,
    gateway: str | None,
) -> None:
    difference = calculated - paid
    if difference != NOTHING:
        kept.adjustments.append(Adjustment(desk.ids.number("OrderAdjustment"), difference, NOTHING))
    if not paid.shop:
        return
    parent = next((t for t in order.transactions if t.kind in ("sale", "capture")), None)
    transaction = Transaction(
        id=desk.ids.number("OrderTransaction"),
        kind="refund",
        amount=paid,
        created_at=desk.now(),
        gateway=gateway or (parent.gateway if parent else "manual"),
        parent_id=parent.id if parent and gateway is None else None,
    )
    order.transactions.append(transaction)
    kept.transactions.append(transaction.id)
