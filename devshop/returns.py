"""Returns: asked for, approved, declined, closed, called off, opened again."""

from __future__ import annotations

from collections.abc import Sequence

from devshop.bodies_orders import order_body
from devshop.bodies_refunds import return_body
from devshop.desk import Desk
from devshop.errors import DevshopError
from devshop.order_records import Line, Order, Return, ReturnLine

# step -> (from these, to this); returnProcess leaves an open return open
STEPS = {
    "approve": (("requested",), "open"),
    "decline": (("requested",), "declined"),
    "process": (("open",), "open"),
    "close": (("open",), "closed"),
    "cancel": (("open", "requested"), "canceled"),
    "reopen": (("closed",), "open"),
}


def start(desk: Desk, order: Order, lines: Sequence[tuple[Line, int]], requested: bool) -> Return:
    """A return by the merchant (open at once, returns/approve) or asked for by the customer (returns/request).

    Only fulfilled units can come back. Money moves by refund(), which may name the return.
    """
    for line, count in lines:
        if not 0 < count <= line.fulfilled:
            raise DevshopError(
                "not_fulfilled", f"Only {line.fulfilled} units of that line were sent and can come back."
            )
    now = desk.now()
    kept = Return(
        id=desk.ids.number("Return"),
        order_id=order.id,
        name=f"{order.name}-R{len(order.returns) + 1}",
        created_at=now,
        lines=[ReturnLine(desk.ids.number("ReturnLineItem"), line.id, count) for line, count in lines],
        status="requested" if requested else "open",
        approved_at=None if requested else now,
    )
    order.returns.append(kept)
    _announce(desk, order, kept, "returns/request" if requested else "returns/approve")
    return kept


def step(desk: Desk, order: Order, kept: Return, name: str) -> Return:
    """approve, decline, process, close, cancel or reopen; announces the topic of that name and orders/updated."""
    allowed, after = STEPS[name]
    if kept.status not in allowed:
        raise DevshopError("return_status", f"A return that is {kept.status} cannot be told to {name}.")
    kept.status = after
    if name == "approve":
        kept.approved_at = desk.now()
    kept.closed_at = desk.now() if after == "closed" else None
    _announce(desk, order, kept, f"returns/{name}")
    return kept


def _announce(desk: Desk, order: Order, kept: Return, topic: str) -> None:
    order.updated_at = desk.now()
    desk.announce((topic, return_body(order, kept, topic)), ("orders/updated", order_body(desk, order)))
