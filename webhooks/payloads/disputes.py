"""Bodies of disputes/*: which order's payment the shopper's bank questions, and how it went."""

from __future__ import annotations

from msgspec import Struct

from plugin.domain.facts import Dispute, OrderDisputed
from webhooks.payloads.reading import Id, Moment, PayloadError, decode, decoder_of, utc


class DisputeBody(Struct, gc=False):
    """A dispute of Shopify Payments. Its amount may be in the shopper's currency and is not used."""

    id: Id | None = None
    order_id: Id | None = None
    type: str | None = None
    status: str | None = None
    finalized_on: Moment | None = None


_DISPUTE = decoder_of(DisputeBody)


def order_disputed(body: bytes) -> OrderDisputed:
    """disputes/create and update. Raises PayloadError when the body names no dispute or no order."""
    parsed = decode(_DISPUTE, body)
    if parsed.id is None:
        raise PayloadError("`id` is missing")
    if parsed.order_id is None:
        raise PayloadError("`order_id` is missing")
    decided = None if parsed.finalized_on is None else utc(parsed.finalized_on, "finalized_on")
    kind, status = (parsed.type or "chargeback").lower(), (parsed.status or "").lower()
    return OrderDisputed(parsed.order_id, Dispute(parsed.id, kind, status, decided))
