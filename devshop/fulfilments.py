"""Parcels: sending lines, carrier events, delivery, and fulfilments called off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from devshop.bodies_fulfilments import event_body, fulfilment_body
from devshop.bodies_orders import order_body
from devshop.desk import Desk
from devshop.errors import DevshopError
from devshop.order_records import Fulfilment, FulfilmentEvent, FulfilmentLine, Line, Order
from devshop.totals import fulfillable, fulfilment_status

STATUSES = (
    "attempted_delivery",
    "carrier_picked_up",
    "confirmed",
    "delayed",
    "delivered",
    "failure",
    "in_transit",
    "label_printed",
    "label_purchased",
    "out_for_delivery",
    "ready_for_pickup",
)


def fulfil(
    desk: Desk,
    order: Order,
    lines: Sequence[tuple[Line, int]] | None,
    carrier: str | None,
) -> Fulfilment:
    """Sends lines (all that is left by default).

    Announces fulfillments/create, orders/fulfilled or orders/partially_fulfilled, and orders/updated.
    """
    if order.cancelled_at is not None:
        raise DevshopError(
            "order_cancelled", f"Order {order.name} is cancelled; place a new one to send something."
        )
    chosen = (
        lines
        if lines is not None
        else [(line, fulfillable(line)) for line in order.lines if fulfillable(line)]
    )
    if not chosen:
        raise DevshopError("nothing_to_fulfil", f"Order {order.name} has nothing left to send.")
    for line, count in chosen:
        if not 0 < count <= fulfillable(line):
            raise DevshopError(
                "too_many_units", f"Only {fulfillable(line)} units of that line are left to send."
            )
    number = len(order.fulfilments) + 1
    kept = Fulfilment(
        id=desk.ids.number("Fulfillment"),
        order_id=order.id,
        name=f"{order.name}.{number}",
        created_at=desk.now(),
        updated_at=desk.now(),
        carrier=carrier,
        tracking_number=f"DEV{order.number}{number:02d}" if carrier is not None else None,
        lines=[
            FulfilmentLine(desk.ids.number("FulfillmentLineItem"), line.id, count) for line, count in chosen
        ],
    )
    for line, count in chosen:
        line.fulfilled += count
    order.fulfilments.append(kept)
    order.updated_at = desk.now()
    body = order_body(desk, order)
    whole = fulfilment_status(order) == "fulfilled"
    desk.announce(
        ("fulfillments/create", fulfilment_body(desk, order, kept)),
        ("orders/fulfilled" if whole else "orders/partially_fulfilled", body),
        ("orders/updated", body),
    )
    return kept


def shipment_event(
    desk: Desk,
    order: Order,
    fulfilment: Fulfilment,
    status: str,
    message: str,
    happened_at: datetime | None,
) -> FulfilmentEvent:
    """What the carrier reports; announces fulfillment_events/create, fulfillments/update and orders/updated."""
    if status not in STATUSES:
        raise DevshopError(
            "status_unknown", f"{status} is no shipment status; use one of {', '.join(STATUSES)}."
        )
    now = desk.now()
    event = FulfilmentEvent(
        id=desk.ids.number("FulfillmentEvent"),
        status=status,
        message=message or f"The parcel is {status}.",
        happened_at=(happened_at or now).replace(microsecond=0),
        created_at=now,
    )
    fulfilment.events.append(event)
    fulfilment.shipment_status = status
    if status == "delivered":
        fulfilment.delivered_at = event.happened_at
    if status == "in_transit":
        fulfilment.in_transit_at = event.happened_at
    fulfilment.updated_at = order.updated_at = now
    desk.announce(
        ("fulfillment_events/create", event_body(desk, order, fulfilment, event)),
        ("fulfillments/update", fulfilment_body(desk, order, fulfilment)),
        ("orders/updated", order_body(desk, order)),
    )
    return event


def cancel(desk: Desk, order: Order, fulfilment: Fulfilment) -> Fulfilment:
    """Calls a fulfilment off; its lines can be sent again. Announces fulfillments/update and orders/updated."""
    if fulfilment.status != "success":
        raise DevshopError("fulfilment_cancelled", f"Fulfilment {fulfilment.name} is cancelled already.")
    for part in fulfilment.lines:
        for line in order.lines:
            if line.id == part.line_id:
                line.fulfilled -= part.quantity
    fulfilment.status = "cancelled"
    fulfilment.updated_at = order.updated_at = desk.now()
    desk.announce(
        ("fulfillments/update", fulfilment_body(desk, order, fulfilment)),
        ("orders/updated", order_body(desk, order)),
    )
    return fulfilment
