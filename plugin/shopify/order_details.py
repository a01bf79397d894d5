"""Reads what only some programmes ask of an order: the products behind its lines, and how it was paid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from plugin.domain.earning.worth import CREDIT_GATEWAYS
from plugin.domain.facts import LineProduct, OrderSeen, Payments
from plugin.domain.values import minor
from plugin.shopify.admin import AdminClient
from plugin.shopify.order_facts import legacy_id, utc

# Priced as a query of 1000 points at most (tests/contract/test_documents.py).
PAGE: dict[str, Any] = {"lines": 15, "collections": 50, "payments": 50}
MORE_COLLECTIONS = 250
# Guards against a cursor that never ends; far above what the platform allows.
MAX_PAGES = 100

Node = dict[str, Any]


def with_details(client: AdminClient, seen: OrderSeen) -> OrderSeen:
    """The order with its products and payments; as it was when the order vanished meanwhile.

    A product that was deleted has no type, tags or collections.
    """
    gid = f"gid://shopify/Order/{seen.order_id}"
    products: list[LineProduct] = []
    payments: Payments | None = None
    after: str | None = None
    for _ in range(MAX_PAGES):
        order = client.run("order_details", {"id": gid, **PAGE, "after": after})["order"]
        if order is None:
            return seen
        payments = payments or _payments(order)
        products += [_product(client, line) for line in order["lineItems"]["nodes"]]
        if not order["lineItems"]["pageInfo"]["hasNextPage"]:
            break
        after = order["lineItems"]["pageInfo"]["endCursor"]
    return replace(seen, products=tuple(sorted(products, key=lambda one: one.line_id)), payments=payments)


def _product(client: AdminClient, line: Node) -> LineProduct:
    line_id, product = legacy_id(line["id"]), line["product"]
    if product is None:
        return LineProduct(line_id)
    collections, page = list(product["collections"]["nodes"]), product["collections"]["pageInfo"]
    for _ in range(MAX_PAGES):
        if not page["hasNextPage"]:
            break
        variables = {"id": product["id"], "first": MORE_COLLECTIONS, "after": page["endCursor"]}
        more = client.run("product_collections", variables)["product"]
        if more is None:
            break
        collections += more["collections"]["nodes"]
        page = more["collections"]["pageInfo"]
    return LineProduct(
        line_id,
        product["productType"],
        tuple(sorted(product["tags"])),
        tuple(sorted(legacy_id(one["id"]) for one in collections)),
    )


def _payments(order: Node) -> Payments:
    """What was paid: sales and captures that went through, in shop money. Refunds do not change how it was paid."""
    paid = credit = 0
    for one in order["transactions"]:
        if one["kind"] in ("SALE", "CAPTURE") and one["status"] == "SUCCESS":
            amount = minor(one["amountSet"]["shopMoney"]["amount"], order["currencyCode"])
            paid += amount
            credit += amount if one["gateway"] in CREDIT_GATEWAYS else 0
    return Payments(utc(order["updatedAt"]), paid, credit)
