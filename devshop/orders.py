"""What happens to an order after it was placed: payment, edits, cancellation, a customer, deletion."""

from __future__ import annotations

from collections.abc import Sequence

from devshop import checkout
from devshop.bodies_orders import edit_body, order_body
from devshop.bodies_refunds import refund_body
from devshop.desk import Body, Desk
from devshop.errors import DevshopError
from devshop.money import Bag, units
from devshop.order_records import Customer, Line, Order, Transaction
from devshop.refunds import book_refund, refundable
from devshop.totals import current_quantity, figures, financial_status, fulfillable


def touched(desk: Desk, order: Order) -> Body:
    """Sets updated_at and returns the order's new body."""
    order.updated_at = desk.now()
    return order_body(desk, order)


def pay(desk: Desk, order: Order, amount: int | None, gateway: str | None) -> Transaction:
    """Receives a payment (all that is due by default); announces orders/paid once the order is paid in full."""
    due = figures(order).outstanding
    if due.shop <= 0 or order.cancelled_at is not None:
        raise DevshopError(
            "nothing_due", f"Nothing is due for order {order.name}; edit it first or pay another one."
        )
    part = (
        due
        if amount is None or amount >= due.shop
        else Bag(amount, units(due, due.shop, 0, amount).presentment)
    )
    name = gateway or (order.gateways[-1] if order.gateways else "bogus")
    if name not in order.gateways:
        order.gateways.append(name)
    authorized = next((t for t in order.transactions if t.kind == "authorization"), None)
    payment = Transaction(
        id=desk.ids.number("OrderTransaction"),
        kind="capture" if authorized else "sale",
        gateway=name,
        amount=part,
        created_at=desk.now(),
        parent_id=authorized.id if authorized else None,
    )
    order.transactions.append(payment)
    body = touched(desk, order)
    settled = financial_status(order) == "paid"
    desk.announce(*([("orders/paid", body)] if settled else []), ("orders/updated", body))
    return payment


def authorize(desk: Desk, order: Order, gateway: str) -> Transaction:
    """Reserves the whole sum without taking it; pay() captures it later."""
    if financial_status(order) != "pending":
        raise DevshopError(
            "not_pending", f"Order {order.name} is not waiting for payment; place one with paid=False."
        )
    hold = Transaction(
        id=desk.ids.number("OrderTransaction"),
        kind="authorization",
        gateway=gateway,
        amount=figures(order).total,
        created_at=desk.now(),
    )
    order.transactions.append(hold)
    order.gateways = [gateway]
    desk.announce(("orders/updated", touched(desk, order)))
    return hold


def edit(
    desk: Desk,
    order: Order,
    add: checkout.Basket,
    increase: Sequence[tuple[Line, int]],
    remove: Sequence[tuple[Line, int]],
) -> Order:
    """Adds lines, raises or lowers quantities; announces orders/edited and orders/updated.

    A line with a discount is raised by a new line without one, any other in place. Money moves only by pay()
    and refund(). Only units that were not fulfilled can be removed.
    """
    if order.cancelled_at is not None:
        raise DevshopError(
            "order_cancelled", f"Order {order.name} is cancelled and cannot be edited; place a new one."
        )
    for line, count in remove:
        if not 0 < count <= fulfillable(line):
            raise DevshopError(
                "too_many_units", f"Only {fulfillable(line)} units of that line can be removed."
            )
    added: dict[int, int] = {}
    removed: dict[int, int] = {}
    for line, count in remove:
        line.removed += count
        removed[line.id] = removed.get(line.id, 0) + count
    for given, count in increase:
        line = _raise(desk, order, given, count)
        added[line.id] = added.get(line.id, 0) + count
    for item in checkout.items(add) if add else []:
        line = checkout.line(desk, item, order.rate)
        line.original_quantity = 0
        _append(desk, order, line)
        added[line.id] = line.quantity
    order.edited = True
    body = touched(desk, order)
    desk.announce(("orders/edited", edit_body(desk, order, added, removed)), ("orders/updated", body))
    return order


def _append(desk: Desk, order: Order, line: Line) -> None:
    line.taxes = checkout.tax_on(desk, line.price.times(line.quantity)) if line.taxable else []
    order.lines.append(line)


def _raise(desk: Desk, order: Order, line: Line, count: int) -> Line:
    if count < 1:
        raise DevshopError("too_few_units", "Raise a line by at least one unit.")
    if not line.allocations and not line.removed and not line.refunded:
        line.quantity += count
        line.taxes = checkout.tax_on(desk, line.price.times(line.quantity)) if line.taxable else []
        return line
    twin = Line(
        id=desk.ids.number("LineItem"),
        title=line.title,
        quantity=count,
        price=line.price,
        product_id=line.product_id,
        variant_id=line.variant_id,
        variant_title=line.variant_title,
        vendor=line.vendor,
        sku=line.sku,
        grams=line.grams,
        gift_card=line.gift_card,
        requires_shipping=line.requires_shipping,
        taxable=line.taxable,
    )
    _append(desk, order, twin)
    return twin


def cancel(desk: Desk, order: Order, reason: str, refund: bool) -> Order:
    """Cancels: takes every line back, gives the money back if asked to.

    Announces refunds/create, orders/cancelled and orders/updated.
    """
    if order.cancelled_at is not None:
        raise DevshopError("order_cancelled", f"Order {order.name} is cancelled already.")
    if any(one.status == "success" for one in order.fulfilments):
        raise DevshopError(
            "order_fulfilled", f"Order {order.name} has left the house; cancel the fulfilments or refund it."
        )
    order.cancelled_at, order.cancel_reason, order.closed_at = desk.now(), reason, desk.now()
    lines = [(line, current_quantity(line)) for line in order.lines if current_quantity(line)]
    paid = refundable(order)
    kept = book_refund(
        desk,
        order,
        lines=lines,
        shipping=None,
        amount=paid.shop if refund else 0,
        restock_type="cancel",
        gateway=None,
        note="",
        return_id=None,
    )
    if not paid.shop:  # nothing was paid, so nothing differs from what was calculated
        kept.adjustments.clear()
    order.updated_at = desk.now()
    body = order_body(desk, order)
    desk.announce(
        ("refunds/create", refund_body(desk, order, kept)),
        ("orders/cancelled", body),
        ("orders/updated", body),
    )
    return order


def delete(desk: Desk, order: Order) -> None:
    """Deletes an order; announces orders/delete with nothing but its id."""
    del desk.shop.orders[order.id]
    desk.announce(("orders/delete", {"id": order.id}))


def attach_customer(desk: Desk, order: Order, customer: Customer | None) -> Order:
    """Gives a guest's order its customer (or takes it away); announces orders/updated."""
    order.customer_id = None if customer is None else customer.id
    order.email = customer.email if customer else order.email
    desk.announce(("orders/updated", touched(desk, order)))
    return order


def tag(desk: Desk, order: Order, tags: Sequence[str]) -> Order:
    order.tags = list(dict.fromkeys([*order.tags, *tags]))
    desk.announce(("orders/updated", touched(desk, order)))
    return order
