"""Bulk operations: runs one query over everything at the platform, and streams its result line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from plugin.domain.facts import CustomerFact, Fulfilment, Line, OrderHead, OrderSeen, Refund
from plugin.domain.values import minor
from plugin.shopify.admin import AdminClient
from plugin.shopify.documents import document
from plugin.shopify.errors import Unavailable
from plugin.shopify.order_facts import legacy_id, utc

Node = dict[str, Any]
MAX_LINE_BYTES = 2_000_000
_ENDED = {"FAILED", "CANCELED", "EXPIRED"}


@dataclass(frozen=True, slots=True)
class Operation:
    """How far a bulk operation is. `state`: running, done, or failed with its `error`; the result lies at `url`."""

    state: str
    objects: int = 0
    orders: int = 0
    url: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """One order of the result, and the byte after its last line: reading may begin anew there."""

    order: OrderSeen | None
    end: int


def run_orders(client: AdminClient, since: datetime | None, until: datetime) -> str:
    """Asks for every order placed in [since, until); returns the operation's gid. Raises as `AdminClient.run`."""
    search = f"processed_at:<'{_stamp(until)}'"
    if since is not None:
        search = f"processed_at:>='{_stamp(since)}' AND {search}"
    query = document("bulk_orders").text.replace("query BulkOrders ", "").replace("FILTER", search)
    answer = client.run("bulk_run", {"query": query})["bulkOperationRunQuery"]
    return str(answer["bulkOperation"]["id"])


def status(client: AdminClient, gid: str) -> Operation:
    """Where a bulk operation stands."""
    found = client.run("bulk_status", {"id": gid})["bulkOperation"]
    if found is None:
        return Operation("failed", error="NOT_FOUND")
    counts = int(found["objectCount"] or 0), int(found["rootObjectCount"] or 0)
    if found["status"] == "COMPLETED":
        return Operation("done", *counts, url=found["url"])
    if found["status"] in _ENDED:
        return Operation("failed", *counts, error=str(found["errorCode"] or found["status"]))
    return Operation("running", *counts)


def orders_at(client: AdminClient, url: str, start: int) -> Iterator[Read]:
    """The orders of a result from byte `start` on, each with its lines, in flat memory.

    An order that cannot be read comes as None. Raises Unavailable when the file breaks off or is not there.
    """
    order: Node | None = None
    at = start
    for line, end in _lines(client, url, start):
        try:
            node = json.loads(line)
        except ValueError:
            node = {}
        if not isinstance(node, dict) or "__parentId" not in node:
            if at > start:
                yield Read(_order(order), at)
            order = node if isinstance(node, dict) and node.get("id") else None
            if order is not None:
                order["lines"] = []
        elif order is not None and node["__parentId"] == order["id"]:
            order["lines"].append(node)
        at = end
    if at > start:
        yield Read(_order(order), at)


def _lines(client: AdminClient, url: str, start: int) -> Iterator[tuple[bytes, int]]:
    """(line, byte after it). Our token stays at home: the address carries its own signature."""
    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        with client.http_client.stream("GET", url, headers=headers, timeout=client.timeout_s) as answer:
            if answer.status_code == 416:  # all of it was read before
                return
            if answer.status_code not in (200, 206):
                raise Unavailable(
                    "The result of the reading is not there any more.", outcome_unknown=False,
                    code=f"http_{answer.status_code}",
                )  # fmt: skip
            # Who does not know ranges sends everything once more.
            skip, at, rest = (start if answer.status_code == 200 else 0), start, b""
            for chunk in answer.iter_bytes(65_536):
                if skip:
                    dropped = min(skip, len(chunk))
                    skip -= dropped
                    chunk = chunk[dropped:]
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    at += len(line) + 1
                    yield line, at
                if len(rest) > MAX_LINE_BYTES:
                    raise Unavailable(
                        "The result of the reading is no list of orders.", outcome_unknown=False
                    )
            if rest:
                yield rest, at + len(rest)
    except (httpx.HTTPError, httpx.StreamError):
        raise Unavailable(
            "The result of the reading broke off. It goes on where it stood.",
            outcome_unknown=False,
            code="timeout",
        ) from None


def _order(node: Node | None) -> OrderSeen | None:
    if node is None:
        return None
    try:
        return _facts(node)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _facts(node: Node) -> OrderSeen:
    """The order as it stands now. Which lines a refund took is not told in bulk.

    Units that are gone count as removed, and what was refunded beyond them as an amount of the last refund.
    """
    currency = node["currencyCode"]
    lines = tuple(sorted((_line(line, currency) for line in node["lines"]), key=lambda line: line.line_id))
    customer = node["customer"]
    head = OrderHead(
        updated_at=utc(node["updatedAt"]),
        origin="read",
        name=node["name"],
        customer_id=legacy_id(customer["id"]) if customer else None,
        currency=currency,
        processed_at=utc(node["processedAt"]),
        taxes_included=node["taxesIncluded"],
        financial_status=(node["displayFinancialStatus"] or "").lower() or None,
        source_name=node["sourceName"],
        test=node["test"],
        cancelled_at=utc(node["cancelledAt"]) if node["cancelledAt"] else None,
        lines=lines,
        shipping_minor=_money(node["currentShippingPriceSet"], currency),
        tip_minor=_money(node["totalTipReceivedSet"], currency),
        duties_minor=_money(node["currentTotalDutiesSet"], currency),
        gateways=tuple(name for name in node["paymentGatewayNames"] if name),
    )
    parcels = tuple(_parcels(node, lines))
    return OrderSeen(
        order_id=legacy_id(node["id"]),
        head=head,
        refunds=tuple(_refunded(node, lines, currency)),
        fulfilments=parcels,
        deliveries=tuple(
            (one.fulfilment_id, one.delivered_at) for one in parcels if one.delivered_at is not None
        ),
        customer=_customer(customer, node["customerLocale"]),
    )


def _line(line: Node, currency: str) -> Line:
    quantity = line["quantity"]
    off = sum(_money(part["allocatedAmountSet"], currency) for part in line["discountAllocations"])
    return Line(
        line_id=legacy_id(line["id"]),
        quantity=quantity,
        removed=max(0, quantity - line["currentQuantity"]),
        net_minor=max(0, _money(line["originalUnitPriceSet"], currency) * quantity - off),
        tax_minor=sum(_money(tax["priceSet"], currency) for tax in line["taxLines"]),
        gift_card=line["isGiftCard"],
        requires_shipping=line["requiresShipping"],
        product_id=legacy_id(line["product"]["id"]) if line["product"] else None,
        variant_id=legacy_id(line["variant"]["id"]) if line["variant"] else None,
        title=line["title"],
        vendor=line["vendor"],
    )


def _refunded(node: Node, lines: tuple[Line, ...], currency: str) -> Iterator[Refund]:
    gone = sum(line.net_minor * line.removed // line.quantity for line in lines if line.quantity)
    beyond = _money(node["totalRefundedSet"], currency) - gone
    if node["refunds"] and beyond > 0:
        last = max(node["refunds"], key=lambda one: legacy_id(one["id"]))
        at = utc(last["createdAt"] or last["processedAt"])
        yield Refund(legacy_id(last["id"]), at, (), beyond, 0)


def _parcels(node: Node, lines: tuple[Line, ...]) -> Iterator[Fulfilment]:
    """Which units lie in which parcel is not told in bulk: of a shipped order, the last parcel holds them all."""
    good = sorted(
        (one for one in node["fulfillments"] if one["status"] == "SUCCESS"),
        key=lambda one: legacy_id(one["id"]),
    )
    if not good or node["displayFulfillmentStatus"] != "FULFILLED":
        return
    last = good[-1]
    units = tuple(
        (line.line_id, line.quantity - line.removed) for line in lines if line.quantity > line.removed
    )
    yield Fulfilment(
        fulfilment_id=legacy_id(last["id"]),
        updated_at=utc(last["updatedAt"]),
        created_at=utc(last["createdAt"]),
        status="success",
        lines=units,
        delivered_at=utc(last["deliveredAt"]) if last["deliveredAt"] else None,
        carrier=None,
    )


def _customer(customer: Node | None, locale: str | None) -> CustomerFact | None:
    if customer is None:
        return None
    email = customer["defaultEmailAddress"]
    return CustomerFact(
        customer_id=legacy_id(customer["id"]),
        updated_at=utc(customer["updatedAt"]) if customer["updatedAt"] else None,
        email=(email["emailAddress"] or None) if email else None,
        first_name=customer["firstName"] or None,
        last_name=customer["lastName"] or None,
        locale=locale or None,
    )


def _money(bag: Node | None, currency: str) -> int:
    return minor(bag["shopMoney"]["amount"], currency) if bag else 0


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
