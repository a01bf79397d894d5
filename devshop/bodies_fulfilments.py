"""Bodies of fulfillments/* and fulfillment_events/create, and the fulfilments inside an order."""

from __future__ import annotations

from devshop.bodies_parts import Json, address, line_item
from devshop.desk import Desk, line_of
from devshop.ids import gid
from devshop.order_records import Fulfilment, FulfilmentEvent, Order


def tracking_url(fulfilment: Fulfilment) -> str | None:
    if fulfilment.tracking_number is None:
        return None
    return f"https://tracking.example.com/{fulfilment.tracking_number}"


def _shared(desk: Desk, order: Order, fulfilment: Fulfilment) -> Json:
    number, url = fulfilment.tracking_number, tracking_url(fulfilment)
    return {
        "id": fulfilment.id,
        "admin_graphql_api_id": gid("Fulfillment", fulfilment.id),
        "created_at": desk.local(fulfilment.created_at),
        "updated_at": desk.local(fulfilment.updated_at),
        "location_id": desk.shop.location_id,
        "name": fulfilment.name,
        "order_id": order.id,
        "origin_address": {},
        "receipt": {},
        "service": "manual",
        "shipment_status": fulfilment.shipment_status,
        "status": fulfilment.status,
        "tracking_company": fulfilment.carrier,
        "tracking_number": number,
        "tracking_numbers": [number] if number else [],
        "tracking_url": url,
        "tracking_urls": [url] if url else [],
        "line_items": [
            line_item(order, line_of(order, part.line_id), part.quantity) for part in fulfilment.lines
        ],
    }


def fulfilment_in_order(desk: Desk, order: Order, fulfilment: Fulfilment) -> Json:
    return _shared(desk, order, fulfilment)


def fulfilment_body(desk: Desk, order: Order, fulfilment: Fulfilment) -> Json:
    """fulfillments/create and fulfillments/update."""
    return {
        **_shared(desk, order, fulfilment),
        "email": (order.email or None) if desk.approved("email") else None,
        "destination": address(desk, order.address),
    }


def event_body(desk: Desk, order: Order, fulfilment: Fulfilment, event: FulfilmentEvent) -> Json:
    """fulfillment_events/create; the status is in lower case."""
    return {
        "id": event.id,
        "admin_graphql_api_id": gid("FulfillmentEvent", event.id),
        "fulfillment_id": fulfilment.id,
        "order_id": order.id,
        "shop_id": desk.shop.id,
        "status": event.status,
        "message": event.message,
        "happened_at": desk.local(event.happened_at),
        "created_at": desk.local(event.created_at),
        "updated_at": desk.local(event.created_at),
        "estimated_delivery_at": None,
        "address1": None,
        "city": None,
        "province": None,
        "zip": None,
        "country": desk.shop.country_code,
        "latitude": None,
        "longitude": None,
    }
