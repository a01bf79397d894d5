"""Bodies of returns/*: what happened to a return is asked of the order itself."""

from __future__ import annotations

from msgspec import Struct

from plugin.domain.facts import OrderChanged
from webhooks.payloads.reading import Id, PayloadError, decode, decoder_of, numeric_id


class OrderBody(Struct, gc=False):
    """The order inside some of the bodies."""

    id: Id | None = None
    admin_graphql_api_id: str | None = None


class ReturnBody(Struct, gc=False):
    """A return. The published samples name its order in two ways: `order_id`, or `order` with its id."""

    order_id: Id | None = None
    order: OrderBody | None = None


_RETURN = decoder_of(ReturnBody)


def order_returned(body: bytes) -> OrderChanged:
    """returns/*: the order has to be read. Raises PayloadError when the body names no order."""
    parsed = decode(_RETURN, body)
    order_id = parsed.order_id
    if order_id is None and parsed.order is not None:
        order_id = parsed.order.id
        if order_id is None:
            order_id = numeric_id(parsed.order.admin_graphql_api_id, "order.admin_graphql_api_id")
    if order_id is None:
        raise PayloadError("`order_id` is missing")
    return OrderChanged(order_id, "returned")
