"""Reads orders from the platform as facts equal to what a webhook of the same order would state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from plugin.domain.facts import OrderSeen
from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import Unavailable
from plugin.shopify.order_facts import from_graphql, legacy_id, utc

# Page sizes. Connections are priced by these numbers, and one query may cost 1000 points at most
# (tests/contract/test_documents.py). Most refunds and parcels are small, so the dear pages of MORE_ are asked
# for only when these were not enough; an order that fits into FIRST_READ costs one call.
FIRST_REFUND = {"refundLines": 8, "refundPayments": 4}
FIRST_PARCEL = {"parcelLines": 12, "parcelEvents": 8}
FIRST_READ: dict[str, Any] = {"lines": 25, "refunds": 3, "parcels": 5, **FIRST_REFUND, **FIRST_PARCEL}
MORE_LINES = 80
MORE_REFUND = {"refundLines": 100, "refundPayments": 50}
MORE_PARCEL = {"parcelLines": 200, "parcelEvents": 100}
CHANGED_PER_PAGE = 100
# Guards against a cursor that never ends; far above what the platform allows in one order.
MAX_PAGES = 100
TRIES = 3

Node = dict[str, Any]


def order_seen(client: AdminClient, order_id: str | int) -> OrderSeen | None:
    """The whole order as it is now, or None when this shop has no such order.

    `order_id` is a number or a gid. An order that changes while it is read page by page is read again.
    Raises what `AdminClient.run` raises; Unavailable when it kept changing.
    """
    gid = order_id if isinstance(order_id, str) else f"gid://shopify/Order/{order_id}"
    for _ in range(TRIES):
        node = client.run("order", {"id": gid, **FIRST_READ})["order"]
        if node is None:
            return None
        if _whole(client, node):
            return from_graphql(node)
    raise Unavailable(
        "The order kept changing while it was read. Try again in a moment.", outcome_unknown=False
    )


def orders_changed(
    client: AdminClient, since: datetime, until: datetime | None = None
) -> Iterator[tuple[int, datetime]]:
    """(order id, updated at) of orders updated in [since, until], oldest change first.

    The platform's search lags behind by moments: let `since` overlap the last watermark by minutes.
    """
    query = f"updated_at:>='{_stamp(since)}'" + (f" AND updated_at:<='{_stamp(until)}'" if until else "")
    after: str | None = None
    while True:
        variables = {"query": query, "first": CHANGED_PER_PAGE, "after": after}
        page = client.run("orders_updated", variables)["orders"]
        for node in page["nodes"]:
            yield legacy_id(node["id"]), utc(node["updatedAt"])
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def orders_updated_since(
    client: AdminClient, since: datetime, until: datetime | None = None
) -> Iterator[OrderSeen]:
    """Every order updated in [since, until], whole, oldest change first; a vanished one is left out."""
    for order_id, _ in orders_changed(client, since, until):
        seen = order_seen(client, order_id)
        if seen is not None:
            yield seen


def _whole(client: AdminClient, node: Node) -> bool:
    """Completes the lists that the first read cut off; False when the order changed meanwhile."""
    lines = node["lineItems"]
    for _ in range(MAX_PAGES):
        if not lines["pageInfo"]["hasNextPage"]:
            break
        variables = {"id": node["id"], "lines": MORE_LINES, "after": lines["pageInfo"]["endCursor"]}
        page = client.run("order_lines", variables)["order"]
        if page is None or page["updatedAt"] != node["updatedAt"]:
            return False
        lines["nodes"] += page["lineItems"]["nodes"]
        lines["pageInfo"] = page["lineItems"]["pageInfo"]
    if len(node["refunds"]) >= FIRST_READ["refunds"] or len(node["fulfillments"]) >= FIRST_READ["parcels"]:
        parts = client.run("order_parts", {"id": node["id"]})["order"]
        if parts is None or parts["updatedAt"] != node["updatedAt"]:
            return False
        node["refunds"] = _completed(node["refunds"], parts["refunds"])
        node["fulfillments"] = _completed(node["fulfillments"], parts["fulfillments"])
    node["refunds"] = [_whole_refund(client, refund) for refund in node["refunds"]]
    node["fulfillments"] = [_whole_parcel(client, parcel) for parcel in node["fulfillments"]]
    return None not in node["refunds"] and None not in node["fulfillments"]


def _completed(read: list[Node], every: list[Node]) -> list[Node]:
    """What the order has, in full where it was read and as a bare id where it was not."""
    known = {node["id"]: node for node in read}
    return [known.get(node["id"], node) for node in every]


def _whole_refund(client: AdminClient, refund: Node) -> Node | None:
    """The refund with all its lines and payments; None when it vanished."""
    node: Node | None = refund
    if "refundLineItems" not in refund:
        node = client.run("refund", {"id": refund["id"], **FIRST_REFUND})["refund"]
    if node is None or not (_cut(node["refundLineItems"]) or _cut(node["transactions"])):
        return node
    return _paged(client, "refund", "refund", node["id"], MORE_REFUND, "refundLineItems", "refundLinesAfter")


def _whole_parcel(client: AdminClient, parcel: Node) -> Node | None:
    """The fulfilment with all its lines and events; None when it vanished."""
    node: Node | None = parcel
    if "fulfillmentLineItems" not in parcel:
        node = client.run("fulfilment", {"id": parcel["id"], **FIRST_PARCEL})["fulfillment"]
    if node is None or not (_cut(node["fulfillmentLineItems"]) or _cut(node["events"])):
        return node
    lines, cursor = "fulfillmentLineItems", "parcelLinesAfter"
    return _paged(client, "fulfilment", "fulfillment", node["id"], MORE_PARCEL, lines, cursor)


def _paged(
    client: AdminClient, name: str, root: str, gid: str, sizes: dict[str, int], items: str, cursor: str
) -> Node | None:
    whole: Node | None = None
    after: str | None = None
    for _ in range(MAX_PAGES):
        page: Node | None = client.run(name, {"id": gid, **sizes, cursor: after})[root]
        if page is None:
            return None
        if whole is None:
            whole = page
        else:
            whole[items]["nodes"] += page[items]["nodes"]
        if not _cut(page[items]):
            return whole
        after = page[items]["pageInfo"]["endCursor"]
    return whole


def _cut(connection: Node) -> bool:
    return bool(connection["pageInfo"]["hasNextPage"])


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
