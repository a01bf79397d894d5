"""What a discount code is made of: one order of ours as the input of the mutation that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from plugin.domain.values import decimal_text

CodeKind = Literal["amount_off", "percent_off", "free_shipping", "product"]


@dataclass(frozen=True, slots=True)
class CodeOrder:
    """One code to make. `tag` should name the redemption, because it tells our code from anybody else's.

    `customer_id`: who may use it, once; None: everybody, once each.
    `value_minor`: the amount taken off; for free shipping the dearest shipping it pays, None for any.
    `percent`: of the price, for percent_off and product. `products` or `collections`: what it is taken off, empty for
    all; for `product` what is given, one unit, when `buys_minor` of `buys_products` or `buys_collections` are bought.
    """

    code: str
    kind: CodeKind
    value_minor: int | None
    currency: str
    minimum_minor: int | None
    customer_id: int | None
    title: str
    starts_at: datetime
    ends_at: datetime | None
    tag: str
    percent: int = 0
    products: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    buys_products: tuple[str, ...] = ()
    buys_collections: tuple[str, ...] = ()
    buys_minor: int | None = None
    combines: frozenset[str] = frozenset({"product", "shipping"})
    purchases: Literal["one_time", "subscription", "both"] = "one_time"


def discount_input(order: CodeOrder) -> dict[str, Any]:
    """The `input` of the mutation for the order's kind."""
    said: dict[str, Any] = {
        "title": order.title,
        "code": order.code,
        "startsAt": stamp(order.starts_at),
        "endsAt": None if order.ends_at is None else stamp(order.ends_at),
        "context": (
            {"all": "ALL"}
            if order.customer_id is None
            else {"customers": {"add": [customer_gid(order.customer_id)]}}
        ),
        "usageLimit": None if order.customer_id is None else 1,
        "appliesOncePerCustomer": True,
        "tags": [order.tag],
        "combinesWith": combinations(order.kind, order.combines),
    }
    once, repeated = order.purchases != "subscription", order.purchases != "one_time"
    on = {"appliesOnOneTimePurchase": once, "appliesOnSubscription": repeated}
    if order.minimum_minor:
        least = decimal_text(order.minimum_minor, order.currency)
        said["minimumRequirement"] = {"subtotal": {"greaterThanOrEqualToSubtotal": least}}
    if order.kind == "free_shipping":
        said |= {"destination": {"all": True}, **on}
        if order.value_minor is not None:
            said["maximumShippingPrice"] = decimal_text(order.value_minor, order.currency)
        return said
    items = _items(order.products, order.collections)
    if order.kind == "product":
        given = {"quantity": "1", "effect": {"percentage": order.percent / 100}}
        said["customerGets"] = {"value": {"discountOnQuantity": given}, "items": items, **on}
        floor = {"quantity": "1"}
        if order.buys_minor:
            floor = {"amount": decimal_text(order.buys_minor, order.currency)}
        bought = _items(order.buys_products, order.buys_collections)
        said["customerBuys"] = {
            "value": floor, "items": bought, "isOneTimePurchase": once, "isSubscription": repeated,
        }  # fmt: skip
        said["usesPerOrderLimit"] = 1
        return said
    value: dict[str, Any] = {"percentage": order.percent / 100}
    if order.kind == "amount_off":
        amount = decimal_text(order.value_minor or 0, order.currency)
        value = {"discountAmount": {"amount": amount, "appliesOnEachItem": False}}
    said["customerGets"] = {"value": value, "items": items, **on}
    return said


def combinations(kind: CodeKind, classes: frozenset[str]) -> dict[str, bool]:
    """The classes of discounts beside which a code may be used, as the platform takes them."""
    said = {f"{name}Discounts": name in classes for name in ("order", "product", "shipping")}
    if kind == "free_shipping":
        del said["shippingDiscounts"]  # two shipping discounts never combine, so the input does not offer it
    return said


def _items(products: tuple[str, ...], collections: tuple[str, ...]) -> dict[str, Any]:
    if products:
        return {"products": {"productsToAdd": [f"gid://shopify/Product/{one}" for one in products]}}
    if collections:
        return {"collections": {"add": [f"gid://shopify/Collection/{one}" for one in collections]}}
    return {"all": True}


def customer_gid(customer_id: int) -> str:
    """A customer as the platform names them."""
    return f"gid://shopify/Customer/{customer_id}"


def stamp(moment: datetime) -> str:
    """A time as the platform takes it, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
