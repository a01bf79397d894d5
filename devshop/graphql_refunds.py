"""Refunds and returns in the Admin API."""

from __future__ import annotations

from devshop.desk import line_of
from devshop.graphql_call import Call, View, bag, utc
from devshop.graphql_paging import connection
from devshop.graphql_parts import line_view, shipping_view, transaction_view
from devshop.ids import gid
from devshop.money import total
from devshop.order_records import Adjustment, Order, Refund, RefundLine, RefundShipping, Return


def refund_view(call: Call, order: Order, refund: Refund) -> View:
    money = [t for t in order.transactions if t.id in refund.transactions]
    kept = next((one for one in order.returns if one.id == refund.return_id), None)

    def whole(_info: object) -> View:
        from devshop.graphql_orders import order_view

        return order_view(call, order)

    return {
        "__typename": "Refund",
        "id": gid("Refund", refund.id),
        "legacyResourceId": str(refund.id),
        "createdAt": utc(refund.created_at),
        "updatedAt": utc(refund.created_at),
        "processedAt": utc(refund.created_at),
        "note": refund.note or None,
        "order": whole,
        "return": None if kept is None else return_view(call, order, kept),
        "totalRefundedSet": bag(order, total(t.amount for t in money)),
        "refundLineItems": connection(lambda: refund.lines, lambda one: _line(call, order, one)),
        "refundShippingLines": connection(lambda: refund.shipping, lambda one: _shipping(order, one)),
        "duties": [],
        "orderAdjustments": connection(lambda: refund.adjustments, lambda one: _adjustment(order, one)),
        "transactions": connection(lambda: money, lambda one: transaction_view(order, one)),
    }


def _line(call: Call, order: Order, one: RefundLine) -> View:
    line = line_of(order, one.line_id)
    return {
        "id": gid("RefundLineItem", one.id),
        "lineItem": line_view(call, order, line),
        "quantity": one.quantity,
        "restockType": one.restock_type.upper(),
        "restocked": one.restock_type != "no_restock",
        "priceSet": bag(order, line.price),
        "subtotalSet": bag(order, one.subtotal),
        "totalTaxSet": bag(order, one.tax),
    }


def _shipping(order: Order, one: RefundShipping) -> View:
    line = next(line for line in order.shipping if line.id == one.shipping_line_id)
    return {
        "__typename": "RefundShippingLine",
        "id": gid("RefundShippingLine", one.id),
        "shippingLine": shipping_view(order, line),
        "subtotalAmountSet": bag(order, one.subtotal),
        "taxAmountSet": bag(order, one.tax),
    }


def _adjustment(order: Order, one: Adjustment) -> View:
    return {
        "__typename": "OrderAdjustment",
        "id": gid("OrderAdjustment", one.id),
        "amountSet": bag(order, one.amount),
        "taxAmountSet": bag(order, one.tax),
        "reason": one.kind.upper(),
    }


def return_view(call: Call, order: Order, kept: Return) -> View:
    def whole(_info: object) -> View:
        from devshop.graphql_orders import order_view

        return order_view(call, order)

    return {
        "__typename": "Return",
        "id": gid("Return", kept.id),
        "name": kept.name,
        "status": kept.status.upper(),
        "createdAt": utc(kept.created_at),
        "closedAt": utc(kept.closed_at),
        "requestApprovedAt": utc(kept.approved_at),
        "totalQuantity": sum(part.quantity for part in kept.lines),
        "order": whole,
        "refunds": connection(
            lambda: [one for one in order.refunds if one.return_id == kept.id],
            lambda one: refund_view(call, order, one),
        ),
    }
