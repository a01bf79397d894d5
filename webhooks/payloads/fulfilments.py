"""Bodies of fulfillments/* and fulfillment_events/create, and the fulfilments inside an order."""

from __future__ import annotations

from msgspec import Struct

from plugin.domain.facts import IN_HAND, Fulfilment, FulfilmentSeen, ParcelEvent
from webhooks.payloads.reading import Count, Id, Moment, PayloadError, decode, decoder_of, utc


class FulfilmentLineBody(Struct, gc=False):
    """`id` is the order line's, `quantity` what is in this parcel."""

    id: Id
    quantity: Count


class FulfilmentBody(Struct, gc=False):
    """A parcel; the same object stands in the `fulfillments` of an order."""

    id: Id
    order_id: Id | None = None
    status: str | None = None
    shipment_status: str | None = None
    tracking_company: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    line_items: list[FulfilmentLineBody] | None = None


class EventBody(Struct, gc=False):
    """One scan of a carrier."""

    fulfillment_id: Id
    order_id: Id
    status: str
    happened_at: Moment | None = None
    created_at: Moment | None = None


_FULFILMENT = decoder_of(FulfilmentBody)
_EVENT = decoder_of(EventBody)


def fulfilment(body: FulfilmentBody) -> Fulfilment:
    """One parcel. One whose `shipment_status` is "delivered" or "picked_up" arrived when it was last updated.

    A fulfilment without `status` is called "unknown"; an unknown status counts as nothing special.
    """
    updated = body.updated_at or body.created_at
    created = body.created_at or body.updated_at
    if updated is None or created is None:
        raise PayloadError("`fulfillment.created_at` is missing")
    updated_at = utc(updated, "fulfillment.updated_at")
    shipment = body.shipment_status
    return Fulfilment(
        fulfilment_id=body.id,
        updated_at=updated_at,
        created_at=utc(created, "fulfillment.created_at"),
        status=body.status.lower() if body.status else "unknown",
        lines=tuple(sorted((line.id, line.quantity) for line in body.line_items or ())),
        delivered_at=updated_at if shipment is not None and shipment.lower() in IN_HAND else None,
        carrier=body.tracking_company,
    )


def fulfilment_seen(body: bytes) -> FulfilmentSeen:
    """fulfillments/create and fulfillments/update."""
    parsed = decode(_FULFILMENT, body)
    if parsed.order_id is None:
        raise PayloadError("`order_id` is missing")
    return FulfilmentSeen(parsed.order_id, fulfilment(parsed))


def parcel_event(body: bytes) -> ParcelEvent:
    """fulfillment_events/create; the status comes in lower case from webhooks, in capitals from elsewhere."""
    parsed = decode(_EVENT, body)
    happened = parsed.happened_at or parsed.created_at
    if happened is None:
        raise PayloadError("`happened_at` is missing")
    return ParcelEvent(
        order_id=parsed.order_id,
        fulfilment_id=parsed.fulfillment_id,
        status=parsed.status.lower(),
        happened_at=utc(happened, "happened_at"),
    )
