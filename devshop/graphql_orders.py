"""Orders as the Admin API shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from devshop.graphql_call import Call, Resolver, View, bag, protected, utc
from devshop.graphql_fulfilments import fulfilment_view
from devshop.graphql_metafields import metafield_fields
from devshop.graphql_paging import connection
from devshop.graphql_parts import application_view, line_view, shipping_view, tax_view, transaction_view
from devshop.graphql_refunds import refund_view, return_view
from devshop.ids import gid
from devshop.money import NOTHING, total
from devshop.order_records import Address, Order
from devshop.totals import current_quantity, figures, financial_status, fulfilment_status, taxes_of

T = TypeVar("T")


def order_view(call: Call, order: Order) -> View:
    sums = figures(order)
    return {
        "__typename": "Order",
        **_plain(call, order),
        "displayFinancialStatus": financial_status(order, sums).upper(),
        "fullyPaid": sums.outstanding.shop <= 0,
        "unpaid": sums.received.shop == 0 and sums.total.shop > 0,
        "totalPriceSet": bag(order, sums.total),
        "originalTotalPriceSet": bag(order, sums.total),
        "subtotalPriceSet": bag(order, sums.subtotal),
        "totalDiscountsSet": bag(order, sums.discounts),
        "totalShippingPriceSet": bag(order, sums.shipping),
        "totalTaxSet": bag(order, sums.tax),
        "totalTipReceivedSet": bag(order, order.tip),
        "totalReceivedSet": bag(order, sums.received),
        "totalRefundedSet": bag(order, sums.refunded),
        "totalRefundedShippingSet": bag(order, sums.refunded_shipping),
        "totalOutstandingSet": bag(order, sums.outstanding),
        "netPaymentSet": bag(order, sums.received - sums.refunded),
        "originalTotalDutiesSet": None if order.duties is None else bag(order, order.duties),
        "currentTotalDutiesSet": None if order.duties is None else bag(order, order.duties),
        "currentSubtotalPriceSet": bag(order, sums.current_subtotal),
        "currentShippingPriceSet": bag(order, sums.current_shipping),
        "currentTotalPriceSet": bag(order, sums.current_total),
        "currentTotalTaxSet": bag(order, sums.current_tax),
        "currentTotalDiscountsSet": bag(order, sums.current_discounts),
        "currentCartDiscountAmountSet": bag(order, sums.current_discounts),
        **_people(call, order),
        **_parts(call, order),
        **metafield_fields(call, gid("Order", order.id)),
    }


def _plain(call: Call, order: Order) -> View:
    codes = [one.code for one in order.applications]
    shown = {"partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED", None: "UNFULFILLED"}
    return {
        "id": gid("Order", order.id),
        "legacyResourceId": str(order.id),
        "name": order.name,
        "number": order.number,
        "note": order.note,
        "tags": sorted(order.tags),
        "test": order.test,
        "sourceName": order.source_name,
        "confirmed": True,
        "confirmationNumber": hashlib.sha256(order.token.encode()).hexdigest()[:9].upper(),
        "createdAt": utc(order.created_at),
        "processedAt": utc(order.processed_at),
        "updatedAt": utc(order.updated_at),
        "cancelledAt": utc(order.cancelled_at),
        "cancelReason": order.cancel_reason.upper() if order.cancel_reason else None,
        "closed": order.closed_at is not None,
        "closedAt": utc(order.closed_at),
        "edited": order.edited,
        "currencyCode": order.currency,
        "presentmentCurrencyCode": order.presentment_currency,
        "taxesIncluded": order.taxes_included,
        "taxExempt": False,
        "dutiesIncluded": False,
        "customerLocale": call.desk.shop.locale,
        "displayFulfillmentStatus": shown[fulfilment_status(order)],
        "returnStatus": _return_status(order),
        "requiresShipping": any(line.requires_shipping for line in order.lines),
        "paymentGatewayNames": list(order.gateways),
        "discountCodes": codes,
        "discountCode": codes[0] if codes else None,
        "subtotalLineItemsQuantity": sum(line.quantity for line in order.lines),
        "currentSubtotalLineItemsQuantity": sum(current_quantity(line) for line in order.lines),
    }


def _people(call: Call, order: Order) -> View:
    def customer(_info: object) -> View | None:
        call.need("read_customers", "customer")
        record = call.desk.shop.customers.get(order.customer_id) if order.customer_id is not None else None
        if record is None:
            return None
        from devshop.graphql_customers import customer_view

        return customer_view(call, record)

    def entity(info: object) -> View | None:
        if order.company is None:
            return customer(info)
        company = {"__typename": "Company", "id": gid("Company", order.id), "name": order.company}
        return {"__typename": "PurchasingCompany", "company": company}

    return {
        "customer": customer,
        "purchasingEntity": entity,
        "clientIp": order.client_ip,
        "customAttributes": [{"key": name, "value": value} for name, value in order.attributes.items()],
        "email": protected(call, "email", "email", order.email or None),
        "shippingAddress": _address(call, order.address),
        "billingAddress": _address(call, order.address),
        "phone": protected(call, "phone", "phone", None),
    }


def _address(call: Call, record: Address | None) -> View | None:
    if record is None:
        return None
    shown: View = {
        "id": gid("MailingAddress", record.id),
        "province": record.province,
        "provinceCode": record.province_code,
        "country": record.country,
        "countryCodeV2": record.country_code,
        "phone": protected(call, "phone", "phone", record.phone),
    }
    names = {
        "firstName": record.first_name,
        "lastName": record.last_name,
        "name": f"{record.first_name} {record.last_name}",
    }
    for name, value in names.items():
        shown[name] = protected(call, "name", name, value)
    for name in ("company", "address1", "address2", "city", "zip"):
        shown[name] = protected(call, "address", name, getattr(record, name) or None)
    return shown


def _parts(call: Call, order: Order) -> View:
    taxes = taxes_of(order)
    shipping = [shipping_view(order, line) for line in order.shipping]
    return {
        "lineItems": connection(lambda: order.lines, lambda line: line_view(call, order, line)),
        "shippingLine": shipping[0] if shipping else None,
        "shippingLines": connection(lambda: order.shipping, lambda line: shipping_view(order, line)),
        "discountApplications": connection(
            lambda: list(range(len(order.applications))), lambda index: application_view(order, index)
        ),
        "taxLines": [tax_view(order, tax) for tax in taxes],
        "currentTaxLines": [tax_view(order, tax) for tax in taxes if tax.amount != NOTHING],
        "refunds": _first(order.refunds, lambda one: refund_view(call, order, one)),
        "transactions": _first(order.transactions, lambda one: transaction_view(order, one)),
        "fulfillments": _first(order.fulfilments, lambda one: fulfilment_view(call, order, one)),
        "returns": _returns(call, order),
    }


def _first(several: Sequence[T], view: Callable[[T], View]) -> Resolver:
    """A plain list with an optional `first`, as refunds, transactions and fulfillments are."""

    def resolve(_info: object, first: int | None = None) -> list[View]:
        return [view(one) for one in (several if first is None else several[:first])]

    return resolve


def _returns(call: Call, order: Order) -> Resolver:
    def resolve(info: object, **arguments: object) -> object:
        call.need("read_returns", "returns")
        return connection(lambda: order.returns, lambda one: return_view(call, order, one))(info, **arguments)

    return resolve


def _return_status(order: Order) -> str:
    statuses = {one.status for one in order.returns}
    if "open" in statuses:
        return "IN_PROGRESS"
    if "requested" in statuses:
        return "RETURN_REQUESTED"
    return "RETURNED" if "closed" in statuses else "NO_RETURN"


def spent(orders: Sequence[Order]) -> int:
    """What a customer paid in all, net of refunds, in shop money."""
    return total(figures(order).received - figures(order).refunded for order in orders if not order.test).shop
