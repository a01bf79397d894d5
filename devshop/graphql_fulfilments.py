"""Fulfilments and their events in the Admin API, and the mutation that reports an event."""

from __future__ import annotations

from devshop import fulfilments
from devshop.bodies_fulfilments import tracking_url
from devshop.desk import line_of
from devshop.errors import DevshopError
from devshop.graphql_call import Call, Resolver, View, moment, utc
from devshop.graphql_paging import connection
from devshop.graphql_parts import line_view
from devshop.ids import gid, number_of
from devshop.order_records import Fulfilment, FulfilmentEvent, FulfilmentLine, Order


def fulfilment_view(call: Call, order: Order, one: Fulfilment) -> View:
    def whole(_info: object) -> View:
        from devshop.graphql_orders import order_view

        return order_view(call, order)

    return {
        "__typename": "Fulfillment",
        "id": gid("Fulfillment", one.id),
        "legacyResourceId": str(one.id),
        "name": one.name,
        "status": one.status.upper(),
        "displayStatus": display_status(one),
        "createdAt": utc(one.created_at),
        "updatedAt": utc(one.updated_at),
        "deliveredAt": utc(one.delivered_at),
        "inTransitAt": utc(one.in_transit_at),
        "estimatedDeliveryAt": None,
        "totalQuantity": sum(part.quantity for part in one.lines),
        "requiresShipping": any(line_of(order, part.line_id).requires_shipping for part in one.lines),
        "order": whole,
        "trackingInfo": _tracking(one),
        "fulfillmentLineItems": connection(lambda: one.lines, lambda part: _line(call, order, part)),
        "events": connection(lambda: one.events, event_view),
    }


def display_status(one: Fulfilment) -> str:
    """FulfillmentDisplayStatus: the last carrier event, else what the merchant did."""
    if one.status == "cancelled":
        return "CANCELED"
    return one.shipment_status.upper() if one.shipment_status else "FULFILLED"


def _tracking(one: Fulfilment) -> Resolver:
    def resolve(_info: object, first: int | None = None) -> list[View]:
        if one.carrier is None or first == 0:
            return []
        return [{"company": one.carrier, "number": one.tracking_number, "url": tracking_url(one)}]

    return resolve


def _line(call: Call, order: Order, part: FulfilmentLine) -> View:
    return {
        "__typename": "FulfillmentLineItem",
        "id": gid("FulfillmentLineItem", part.id),
        "quantity": part.quantity,
        "lineItem": line_view(call, order, line_of(order, part.line_id)),
    }


def event_view(event: FulfilmentEvent) -> View:
    return {
        "__typename": "FulfillmentEvent",
        "id": gid("FulfillmentEvent", event.id),
        "status": event.status.upper(),
        "message": event.message,
        "happenedAt": utc(event.happened_at),
        "createdAt": utc(event.created_at),
        "estimatedDeliveryAt": None,
        "country": None,
    }


def fulfillment_event_create(call: Call, given: dict[str, object]) -> View:
    """fulfillmentEventCreate: what a carrier would report."""
    call.need("write_fulfillments", "fulfillmentEventCreate")
    number = number_of(str(given["fulfillmentId"]), "Fulfillment")
    try:
        order, found = call.desk.fulfilment(number or 0)
    except DevshopError:
        field = ["fulfillmentEvent", "fulfillmentId"]
        return {
            "fulfillmentEvent": None,
            "userErrors": [{"field": field, "message": "Fulfillment does not exist."}],
        }
    event = fulfilments.shipment_event(
        call.desk,
        order,
        found,
        str(given["status"]).lower(),
        str(given.get("message") or ""),
        moment(given.get("happenedAt")),
    )
    return {"fulfillmentEvent": event_view(event), "userErrors": []}
