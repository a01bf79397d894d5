"""Raw webhook bodies of the random worlds, in the platform's REST shape, small enough to make thousands."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
PRESENTMENT = {"CHF": ("EUR", 107), "JPY": ("USD", 1), "EUR": ("GBP", 86)}  # percent of the shop amount


def iso(moment: datetime) -> str:
    """The platform's form of a time: seconds and an offset."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def text(minor: int, currency: str) -> str:
    """Money as the platform writes it."""
    if currency == "JPY":
        return str(minor)
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def money_set(minor: int, currency: str, foreign: bool) -> Json:
    """Shop money, and presentment money that differs when the shopper paid in another currency."""
    other, percent = PRESENTMENT[currency] if foreign else (currency, 100)
    shown = text(minor * percent // 100, currency) if other != "USD" else f"{minor * percent / 100:.2f}"
    return {
        "shop_money": {"amount": text(minor, currency), "currency_code": currency},
        "presentment_money": {"amount": shown, "currency_code": other},
    }


def priced(name: str, minor: int, currency: str, foreign: bool) -> Json:
    """A plain money field and its set."""
    return {name: text(minor, currency), f"{name}_set": money_set(minor, currency, foreign)}


def line(rng: random.Random, number: int, currency: str, *, included: bool, foreign: bool) -> Json:
    """One order line: prices that do not divide, several discounts, sometimes a gift card or nothing to ship."""
    quantity = rng.choice((1, 1, 2, 3))
    price = rng.choice((rng.randint(1, 900), rng.randint(900, 15_000), 999, 3333))
    cuts = [rng.randint(0, price * quantity // 4) for _ in range(rng.choice((0, 0, 1, 2)))]
    gift = rng.random() < 0.08
    net = price * quantity - sum(cuts)
    tax = 0 if gift else net * 81 // (1081 if included else 1000)
    rate = {"rate": 0.081, "title": "VAT"}
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{number}",
        "product_id": None if gift else 7_000_000 + number % 40,
        "variant_id": None if gift else 8_000_000 + number % 40,
        "title": "A thing",
        "vendor": (None, "Potter", "Weaver")[number % 3],
        "quantity": quantity,
        "current_quantity": quantity,
        "fulfillable_quantity": quantity,
        **priced("price", price, currency, foreign),
        "total_discount": "0.00",
        "discount_allocations": [
            {**priced("amount", cut, currency, foreign), "discount_application_index": index}
            for index, cut in enumerate(cuts)
        ],
        "tax_lines": [{**rate, **priced("price", tax, currency, foreign)}] if tax else [],
        "duties": [],
        "gift_card": gift,
        "taxable": not gift,
        "requires_shipping": not gift and rng.random() < 0.85,
    }


def net_of(item: Json) -> int:
    """A line's price times quantity less its discounts, in minor units as the generator made them."""
    cuts = sum(_minor(cut["amount"]) for cut in item["discount_allocations"])
    return _minor(item["price"]) * int(item["quantity"]) - cuts


def tax_of(item: Json) -> int:
    """A line's tax in minor units."""
    return sum(_minor(tax["price"]) for tax in item["tax_lines"])


def _minor(amount: str) -> int:
    return int(amount.replace(".", ""))


def order(
    rng: random.Random, number: int, customer: int | None, placed: datetime, currency: str, lines: list[Json],
    *, paid: bool, included: bool, foreign: bool, code: str | None,
) -> Json:  # fmt: skip
    """A whole order as it stands when it is placed."""
    till = rng.random() < 0.08
    shipping = [] if till or rng.random() < 0.3 else [_shipping(rng, number, currency, included, foreign)]
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Order/{number}",
        "name": f"#{number % 100_000}",
        "created_at": iso(placed),
        "processed_at": iso(placed),
        "updated_at": iso(placed),
        "cancelled_at": None,
        "closed_at": None,
        "confirmed": True,
        "test": rng.random() < 0.02,
        "currency": currency,
        "presentment_currency": PRESENTMENT[currency][0] if foreign else currency,
        "taxes_included": included,
        "financial_status": "paid" if paid else rng.choice(("pending", "authorized", "partially_paid")),
        "fulfillment_status": None,
        "source_name": "pos" if till else rng.choice(("web", "web", "shopify_draft_order", "1234567")),
        "payment_gateway_names": ["bogus"],
        "discount_codes": [] if code is None else [{"code": code, "amount": "5.00", "type": "fixed_amount"}],
        "total_tip_received": text(rng.choice((0, 0, 0, 250)), currency),
        "current_total_duties_set": None,
        "total_price_set": money_set(10_000, currency, foreign),
        "shipping_lines": shipping,
        "line_items": lines,
        "refunds": [],
        "fulfillments": [],
        "returns": [],
        "customer_locale": "de-CH",
        "email": None,
        "customer": None if customer is None else customer_body(customer, placed),
    }


def _shipping(rng: random.Random, number: int, currency: str, included: bool, foreign: bool) -> Json:
    price = rng.choice((0, 500, 790))
    tax = price * 81 // (1081 if included else 1000)
    return {
        "id": number * 10 + 9,
        "title": "Post",
        **priced("price", price, currency, foreign),
        **priced("discounted_price", price, currency, foreign),
        "discount_allocations": [],
        "tax_lines": [{"rate": 0.081, "title": "VAT", **priced("price", tax, currency, foreign)}],
    }


def customer_body(number: int, at: datetime) -> Json:
    """A customer inside an order, with the protected fields null as without approval."""
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Customer/{number}",
        "created_at": iso(at),
        "updated_at": iso(at),
        "email": None,
        "first_name": None,
        "last_name": None,
        "state": "enabled",
    }


def refund(
    number: int, body: Json, at: datetime, parts: list[tuple[Json, int, int, int]], *, paid: int, shipping: int,
    gateway: str,
) -> Json:  # fmt: skip
    """A refund: parts are (line, units, subtotal, tax); `shipping` in `paid` contains its tax."""
    currency, foreign = body["currency"], body["currency"] != body["presentment_currency"]
    tax_inside = shipping * 81 // 1081
    net = shipping if body["taxes_included"] else shipping - tax_inside
    other = body["presentment_currency"]
    # The platform states a payment in the shopper's currency.
    shown = text(paid * PRESENTMENT[currency][1] // 100, currency) if foreign else text(paid, currency)
    payment = {"order_id": body["id"], "kind": "refund", "gateway": gateway, "amount": shown, "currency": other,
               "created_at": iso(at)}  # fmt: skip
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Refund/{number}",
        "order_id": body["id"],
        "created_at": iso(at),
        "processed_at": iso(at),
        "note": None,
        "restock": True,
        "duties": [],
        "total_duties_set": money_set(0, currency, foreign),
        "refund_shipping_lines": [
            {
                "id": number * 10 + 7,
                "subtotal_amount_set": money_set(net, currency, foreign),
                "tax_amount_set": money_set(tax_inside, currency, foreign),
            }
        ]
        * bool(shipping),
        "order_adjustments": [],
        "refund_line_items": [
            {
                "id": number * 10 + index,
                "line_item_id": item["id"],
                "quantity": units,
                "restock_type": "return",
                "subtotal": float(text(subtotal, currency)),
                "total_tax": float(text(tax, currency)),
                "subtotal_set": money_set(subtotal, currency, foreign),
                "total_tax_set": money_set(tax, currency, foreign),
                "line_item": {"id": item["id"], "quantity": item["quantity"], "gift_card": item["gift_card"]},
            }
            for index, (item, units, subtotal, tax) in enumerate(parts)
        ],
        "transactions": [
            {"id": number * 10 + 8, "status": "success", **payment},
            # A first attempt that the bank refused is no refund.
            {"id": number * 10 + 6, "status": "failure", **payment},
        ],
    }


def parcel(number: int, order_id: int, at: datetime, lines: list[tuple[int, int]]) -> Json:
    """A fulfilment as fulfillments/create sends it."""
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Fulfillment/{number}",
        "order_id": order_id,
        "status": "success",
        "created_at": iso(at),
        "updated_at": iso(at),
        "shipment_status": None,
        "tracking_company": "Post",
        "line_items": [{"id": line_id, "quantity": units} for line_id, units in lines],
    }


def parcel_event(number: int, parcel_id: int, order_id: int, status: str, at: datetime) -> Json:
    """fulfillment_events/create."""
    return {
        "id": number,
        "fulfillment_id": parcel_id,
        "order_id": order_id,
        "shop_id": 1,
        "status": status,
        "message": None,
        "happened_at": iso(at),
        "created_at": iso(at),
        "updated_at": iso(at),
    }


def merge(kept: int, gone: int, status: str) -> Json:
    """customers/merge."""
    return {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{gone}",
        "admin_graphql_api_job_id": None,
        "status": status,
        "errors": [],
    }


def edit(number: int, order_id: int, at: datetime) -> Json:
    """orders/edited: says that something changed, not what it costs."""
    return {
        "order_edit": {
            "id": number, "order_id": order_id, "created_at": iso(at), "committed_at": iso(at), "app_id": None,
            "notify_customer": False, "staff_note": "", "user_id": None,
            "line_items": {"additions": [], "removals": []},
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "shipping_lines": {"additions": [], "removals": []},
        }
    }  # fmt: skip
