"""The body of the orders/* topics: one REST order with everything that hangs on it."""

from __future__ import annotations

import hashlib

from devshop.bodies_fulfilments import fulfilment_in_order
from devshop.bodies_parts import (
    Json,
    address,
    allocations,
    customer,
    money,
    money_set,
    order_line_item,
    tax_lines,
)
from devshop.bodies_refunds import refund_body, return_in_order
from devshop.desk import Desk
from devshop.ids import gid
from devshop.money import NOTHING, Bag
from devshop.order_records import Order, ShippingLine, TaxLine
from devshop.totals import (
    Figures,
    figures,
    financial_status,
    fulfilment_status,
    shipping_net,
    taxes_of,
)


def order_body(desk: Desk, order: Order) -> Json:
    """orders/create, paid, updated, fulfilled, partially_fulfilled and cancelled all carry this."""
    sums = figures(order)
    return {
        **_identity(desk, order),
        **_people(desk, order),
        **_sums(order, sums),
        **_parts(desk, order, sums),
    }


def _identity(desk: Desk, order: Order) -> Json:
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": None,
        "cancel_reason": order.cancel_reason,
        "cancelled_at": desk.local(order.cancelled_at),
        "cart_token": None,
        "checkout_token": None,
        "closed_at": desk.local(order.closed_at),
        "confirmation_number": hashlib.sha256(order.token.encode()).hexdigest()[:9].upper(),
        "confirmed": True,
        "created_at": desk.local(order.created_at),
        "currency": order.currency,
        "device_id": None,
        "duties_included": False,
        "estimated_taxes": False,
        "landing_site": None,
        "landing_site_ref": None,
        "location_id": desk.shop.location_id if order.source_name == "pos" else None,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": None,
        "name": order.name,
        "note": order.note,
        "note_attributes": [{"name": name, "value": value} for name, value in order.attributes.items()],
        "number": order.number - 1000,
        "order_number": order.number,
        "order_status_url": f"https://{desk.shop.domain}/{desk.shop.id}/orders/{order.token}/authenticate?key=dev",
        "payment_terms": None,
        "po_number": None,
        "presentment_currency": order.presentment_currency,
        "processed_at": desk.local(order.processed_at),
        "reference": None,
        "referring_site": None,
        "source_identifier": None,
        "source_name": order.source_name,
        "source_url": None,
        "tags": ", ".join(order.tags),
        "tax_exempt": False,
        "taxes_included": order.taxes_included,
        "test": order.test,
        "token": order.token,
        "updated_at": desk.local(order.updated_at),
        "user_id": None,
    }


def _people(desk: Desk, order: Order) -> Json:
    email = (order.email or None) if desk.approved("email") else None
    record = desk.shop.customers.get(order.customer_id) if order.customer_id is not None else None
    where = address(desk, order.address)
    return {
        "billing_address": where,
        "browser_ip": order.client_ip,
        "buyer_accepts_marketing": bool(record and record.accepts_marketing),
        "client_details": _browser(order),
        "contact_email": email,
        "customer": None if record is None else customer(desk, record),
        "customer_locale": desk.shop.locale,
        "email": email,
        "phone": None,
        "shipping_address": where,
    }


def _browser(order: Order) -> Json | None:
    if order.client_ip is None and order.user_agent is None:
        return None
    return {
        "accept_language": "en",
        "browser_height": None,
        "browser_ip": order.client_ip,
        "browser_width": None,
        "session_hash": None,
        "user_agent": order.user_agent,
    }


def _sums(order: Order, sums: Figures) -> Json:
    body: Json = {}
    pairs: list[tuple[str, Bag]] = [
        ("current_subtotal_price", sums.current_subtotal),
        ("current_total_discounts", sums.current_discounts),
        ("current_total_price", sums.current_total),
        ("current_total_tax", sums.current_tax),
        ("subtotal_price", sums.subtotal),
        ("total_discounts", sums.discounts),
        ("total_line_items_price", sums.line_items),
        ("total_price", sums.total),
        ("total_tax", sums.tax),
    ]
    for name, bag in pairs:
        body[name] = money(order, bag)
        body[name + "_set"] = money_set(order, bag)
    duties = None if order.duties is None else money_set(order, order.duties)
    return {
        **body,
        "current_shipping_price_set": money_set(order, sums.current_shipping),
        "current_total_additional_fees_set": None,
        "current_total_duties_set": duties,
        "original_total_additional_fees_set": None,
        "original_total_duties_set": duties,
        "total_cash_rounding_payment_adjustment_set": money_set(order, NOTHING),
        "total_cash_rounding_refund_adjustment_set": money_set(order, NOTHING),
        "total_outstanding": money(order, sums.outstanding),
        "total_shipping_price_set": money_set(order, sums.shipping),
        "total_tip_received": money(order, order.tip),
        "total_weight": sum(line.grams * line.quantity for line in order.lines),
    }


def _parts(desk: Desk, order: Order, sums: Figures) -> Json:
    return {
        "discount_applications": [
            {
                "target_type": one.target_type,
                "type": "discount_code",
                "value": one.value,
                "value_type": one.value_type,
                "allocation_method": "each" if one.target_type == "shipping_line" else "across",
                "target_selection": "all",
                "code": one.code,
            }
            for one in order.applications
        ],
        "discount_codes": [
            {"code": one.code, "amount": money(order, one.amount), "type": one.kind}
            for one in order.applications
        ],
        "financial_status": financial_status(order, sums),
        "fulfillment_status": fulfilment_status(order),
        "fulfillments": [fulfilment_in_order(desk, order, one) for one in order.fulfilments],
        "line_item_groups": [],
        "line_items": [order_line_item(order, line) for line in order.lines],
        "payment_gateway_names": list(order.gateways),
        "refunds": [refund_body(desk, order, refund) for refund in order.refunds],
        "returns": [return_in_order(one) for one in order.returns],
        "shipping_lines": [_shipping_line(order, line) for line in order.shipping],
        "tax_lines": tax_lines(order, _taxes_by_title(order)),
    }


def _shipping_line(order: Order, line: ShippingLine) -> Json:
    net = shipping_net(line)
    return {
        "id": line.id,
        "carrier_identifier": None,
        "code": line.code,
        "current_discounted_price_set": money_set(order, net - line.refunded),
        "discounted_price": money(order, net),
        "discounted_price_set": money_set(order, net),
        "is_removed": False,
        "phone": None,
        "price": money(order, line.price),
        "price_set": money_set(order, line.price),
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": line.title,
        "tax_lines": tax_lines(order, line.taxes),
        "discount_allocations": allocations(order, line.allocations),
    }


def _taxes_by_title(order: Order) -> list[TaxLine]:
    merged: dict[tuple[str, str], TaxLine] = {}
    for tax in taxes_of(order):
        found = merged.setdefault((tax.title, tax.rate), TaxLine(tax.title, tax.rate, NOTHING))
        found.amount = found.amount + tax.amount
    return list(merged.values())


def edit_body(desk: Desk, order: Order, added: dict[int, int], removed: dict[int, int]) -> Json:
    """orders/edited: which lines changed by how many units, and no money at all."""
    at = desk.local(order.updated_at)
    return {
        "order_edit": {
            "id": desk.ids.number("OrderEdit"),
            "app_id": None,
            "created_at": at,
            "committed_at": at,
            "notify_customer": False,
            "order_id": order.id,
            "staff_note": "",
            "user_id": None,
            "line_items": {
                "additions": [{"id": line, "delta": count} for line, count in added.items()],
                "removals": [{"id": line, "delta": count} for line, count in removed.items()],
            },
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "shipping_lines": {"additions": [], "removals": []},
        }
    }
