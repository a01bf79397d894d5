"""Pieces that several webhook bodies share: money, addresses, lines, taxes, customers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from devshop.desk import Desk
from devshop.ids import gid
from devshop.money import Bag, in_webhooks
from devshop.order_records import Address, Allocation, Customer, Line, Order, TaxLine
from devshop.totals import current_quantity, fulfillable, line_fulfilment_status

Json = dict[str, object]


def money(order: Order, bag: Bag) -> str:
    """A bare amount: shop money, "25.00"."""
    return in_webhooks(bag.shop, order.currency)


def money_set(order: Order, bag: Bag) -> Json:
    return {
        "shop_money": {"amount": in_webhooks(bag.shop, order.currency), "currency_code": order.currency},
        "presentment_money": {
            "amount": in_webhooks(bag.presentment, order.presentment_currency),
            "currency_code": order.presentment_currency,
        },
    }


def tax_lines(order: Order, taxes: Iterable[TaxLine]) -> list[Json]:
    return [
        {
            "channel_liable": False,
            "price": money(order, tax.amount),
            "price_set": money_set(order, tax.amount),
            "rate": float(tax.rate),
            "title": tax.title,
        }
        for tax in taxes
    ]


def allocations(order: Order, several: Sequence[Allocation]) -> list[Json]:
    return [
        {
            "amount": money(order, one.amount),
            "amount_set": money_set(order, one.amount),
            "discount_application_index": one.application,
        }
        for one in several
    ]


def line_item(order: Order, line: Line, quantity: int | None = None) -> Json:
    """A line as fulfilments and refunds carry it; `quantity` replaces the ordered one."""
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "fulfillable_quantity": fulfillable(line),
        "fulfillment_service": "gift_card" if line.gift_card else "manual",
        "fulfillment_status": line_fulfilment_status(line),
        "gift_card": line.gift_card,
        "grams": line.grams,
        "name": f"{line.title} - {line.variant_title}" if line.variant_title else line.title,
        "price": money(order, line.price),
        "price_set": money_set(order, line.price),
        "product_exists": line.product_id is not None,
        "product_id": line.product_id,
        "properties": [],
        "quantity": line.quantity if quantity is None else quantity,
        "requires_shipping": line.requires_shipping,
        "sku": line.sku,
        "taxable": line.taxable,
        "title": line.title,
        "total_discount": money(order, Bag()),
        "total_discount_set": money_set(order, Bag()),
        "variant_id": line.variant_id,
        "variant_inventory_management": None,
        "variant_title": line.variant_title,
        "vendor": line.vendor,
        "tax_lines": tax_lines(order, line.taxes),
        "duties": [],
        "discount_allocations": allocations(order, line.allocations),
    }


def order_line_item(order: Order, line: Line) -> Json:
    """A line as an order body carries it."""
    return {
        **line_item(order, line),
        "attributed_staffs": [],
        "current_quantity": current_quantity(line),
        "sales_line_item_group_id": None,
    }


def address(desk: Desk, record: Address | None) -> Json | None:
    """A shipping or billing address without what the app may not see."""
    if record is None:
        return None
    shown = desk.approved("address")
    named = desk.approved("name")
    return {
        "first_name": record.first_name if named else None,
        "last_name": record.last_name if named else None,
        "name": f"{record.first_name} {record.last_name}" if named else None,
        "company": record.company if shown else None,
        "address1": record.address1 if shown else None,
        "address2": record.address2 if shown else None,
        "city": record.city if shown else None,
        "zip": record.zip if shown else None,
        "province": record.province,
        "province_code": record.province_code,
        "country": record.country,
        "country_code": record.country_code,
        "phone": record.phone if desk.approved("phone") else None,
        "latitude": None,
        "longitude": None,
    }


def customer_address(desk: Desk, customer: Customer, record: Address, default: bool) -> Json:
    body = address(desk, record) or {}
    del body["latitude"], body["longitude"]
    return {
        "id": record.id,
        "customer_id": customer.id,
        **body,
        "country_name": record.country,
        "default": default,
    }


def customer(desk: Desk, record: Customer) -> Json:
    """The 16 fields of a customer inside an order; customers/create and update add `addresses`."""
    named = desk.approved("name")
    return {
        "id": record.id,
        "admin_graphql_api_id": gid("Customer", record.id),
        "created_at": desk.local(record.created_at),
        "updated_at": desk.local(record.updated_at),
        "first_name": record.first_name if named else None,
        "last_name": record.last_name if named else None,
        "state": record.state,
        "note": record.note,
        "verified_email": record.verified_email,
        "multipass_identifier": None,
        "tax_exempt": record.tax_exempt,
        "tax_exemptions": [],
        "email": record.email if desk.approved("email") else None,
        "phone": record.phone if desk.approved("phone") else None,
        "currency": desk.shop.currency,
        "default_address": (
            customer_address(desk, record, record.addresses[0], True) if record.addresses else None
        ),
    }
