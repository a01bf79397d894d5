"""Bodies of refunds/create and returns/*, and both inside an order."""

from __future__ import annotations

from devshop.bodies_parts import Json, line_item, money, money_set, tax_lines
from devshop.desk import Desk, line_of
from devshop.ids import gid
from devshop.money import NOTHING
from devshop.order_records import Adjustment, Order, Refund, RefundLine, Return, Transaction


def refund_body(desk: Desk, order: Order, refund: Refund) -> Json:
    """refunds/create; the same object stands in the `refunds` of an order."""
    return {
        "id": refund.id,
        "admin_graphql_api_id": gid("Refund", refund.id),
        "order_id": order.id,
        "created_at": desk.local(refund.created_at),
        "processed_at": desk.local(refund.created_at),
        "note": refund.note,
        "user_id": desk.shop.owner_id,
        "duties": [],
        "total_duties_set": money_set(order, NOTHING),
        "return": None
        if refund.return_id is None
        else {
            "id": refund.return_id,
            "admin_graphql_api_id": gid("Return", refund.return_id),
        },
        "restock": refund.restock,
        "refund_shipping_lines": [
            {
                "id": one.id,
                "shipping_line": _shipping_line(order, one.shipping_line_id),
                "subtotal_amount_set": money_set(order, one.subtotal),
                "tax_amount_set": money_set(order, one.tax),
            }
            for one in refund.shipping
        ],
        "order_adjustments": [_adjustment(order, refund, one) for one in refund.adjustments],
        "refund_line_items": [_refund_line(desk, order, one) for one in refund.lines],
        "transactions": [
            transaction_body(desk, order, one) for one in order.transactions if one.id in refund.transactions
        ],
    }


def _shipping_line(order: Order, line_id: int) -> Json | None:
    for line in order.shipping:
        if line.id == line_id:
            return {
                "id": line.id,
                "title": line.title,
                "price": money(order, line.price),
                "price_set": money_set(order, line.price),
                "tax_lines": tax_lines(order, line.taxes),
            }
    return None


def _adjustment(order: Order, refund: Refund, one: Adjustment) -> Json:
    return {
        "id": one.id,
        "order_id": order.id,
        "refund_id": refund.id,
        "kind": one.kind,
        "reason": one.reason,
        "amount": money(order, one.amount),
        "amount_set": money_set(order, one.amount),
        "tax_amount": money(order, one.tax),
        "tax_amount_set": money_set(order, one.tax),
    }


def _refund_line(desk: Desk, order: Order, one: RefundLine) -> Json:
    return {
        "id": one.id,
        "quantity": one.quantity,
        "line_item_id": one.line_id,
        "location_id": desk.shop.location_id if one.restock_type != "no_restock" else None,
        "restock_type": one.restock_type,
        # the one place where Shopify writes money as a number
        "subtotal": float(money(order, one.subtotal)),
        "total_tax": float(money(order, one.tax)),
        "subtotal_set": money_set(order, one.subtotal),
        "total_tax_set": money_set(order, one.tax),
        "line_item": line_item(order, line_of(order, one.line_id)),
    }


def transaction_body(desk: Desk, order: Order, one: Transaction) -> Json:
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("OrderTransaction", one.id),
        "order_id": order.id,
        "amount": money(order, one.amount),
        "amount_rounding": None,
        "authorization": None,
        "created_at": desk.local(one.created_at),
        "processed_at": desk.local(one.created_at),
        "currency": order.currency,
        "device_id": None,
        "error_code": None,
        "gateway": one.gateway,
        "kind": one.kind,
        "location_id": None,
        "manual_payment_gateway": one.gateway == "manual",
        "message": None,
        "parent_id": one.parent_id,
        "payment_id": f"{order.name}.{one.id}",
        "receipt": {},
        "source_name": order.source_name,
        "status": one.status,
        "test": order.test,
        # the one money set that says `currency` instead of `currency_code`
        "total_unsettled_set": {
            "presentment_money": {"amount": "0.0", "currency": order.presentment_currency},
            "shop_money": {"amount": "0.0", "currency": order.currency},
        },
        "user_id": None,
    }


def return_in_order(one: Return) -> Json:
    return {
        "id": one.id,
        "admin_graphql_api_id": gid("Return", one.id),
        "status": one.status,
        "name": one.name,
    }


def return_body(order: Order, one: Return, topic: str) -> Json:
    """returns/*: the published samples differ by topic, so the shapes do too."""
    identity: Json = {"id": one.id, "admin_graphql_api_id": gid("Return", one.id), "status": one.status}
    if topic in ("returns/close", "returns/cancel", "returns/reopen", "returns/process"):
        return {**identity, "order_id": order.id}
    named: Json = {**identity, "order": {"id": order.id, "admin_graphql_api_id": gid("Order", order.id)}}
    if topic == "returns/decline":
        return {**named, "decline": {"reason": "other", "note": "Declined in the development shop."}}
    return {
        **named,
        "name": one.name,
        "return_line_items": [
            {
                "id": part.id,
                "admin_graphql_api_id": gid("ReturnLineItem", part.id),
                "quantity": part.quantity,
                "line_item": {"id": part.line_id, "admin_graphql_api_id": gid("LineItem", part.line_id)},
            }
            for part in one.lines
        ],
        "return_shipping_fees": [],
        "exchange_line_items": [],
        "total_return_line_items": len(one.lines),
        "total_exchange_line_items": 0,
    }
