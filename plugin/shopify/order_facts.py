"""Turns an order as the Admin API states it into facts: the twin of `webhooks/payloads.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from plugin.domain.facts import (
    Buyer,
    CustomerFact,
    Fulfilment,
    Line,
    OrderHead,
    OrderSeen,
    Refund,
    RefundLine,
    Traces,
    removed_by_edit,
)
from plugin.domain.referrals import carried
from plugin.domain.values import minor

Node = dict[str, Any]


def from_graphql(node: Node) -> OrderSeen:
    """One complete order node (see `documents/order.graphql`) as facts. Pure; unknown enum values survive.

    Enums become the webhook's lower-case words, times lose their fractions, money becomes minor units.
    Raises KeyError or ValueError when the node lacks what the document asks for.
    """
    currency = node["currencyCode"]
    refunds = sorted(
        (_refund(refund, currency, node["taxesIncluded"]) for refund in node["refunds"]),
        key=lambda refund: refund.refund_id,
    )
    refunded: dict[int, int] = {}
    for refund in refunds:
        for line in refund.lines:
            refunded[line.line_id] = refunded.get(line.line_id, 0) + line.quantity
    parcels = sorted(node["fulfillments"], key=lambda parcel: legacy_id(parcel["id"]))
    deliveries = ((legacy_id(parcel["id"]), min(_events(parcel), default=None)) for parcel in parcels)
    return OrderSeen(
        order_id=legacy_id(node["id"]),
        head=_head(node, currency, refunded),
        refunds=tuple(refunds),
        fulfilments=tuple(_fulfilment(parcel) for parcel in parcels),
        deliveries=tuple((parcel_id, at) for parcel_id, at in deliveries if at is not None),
        customer=_customer(node["customer"], node.get("customerLocale")),
        buyer=_buyer(node),
        traces=_traces(node),
    )


def legacy_id(gid: str) -> int:
    """The number of a gid: `gid://shopify/Order/81` is 81."""
    return int(gid.rsplit("/", 1)[1].split("?", 1)[0])


def utc(text: str) -> datetime:
    """An ISO 8601 time as aware UTC, in whole seconds: webhooks know no fractions."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)


def _head(node: Node, currency: str, refunded: dict[int, int]) -> OrderHead:
    lines = sorted(
        (_line(line, currency, refunded) for line in node["lineItems"]["nodes"]),
        key=lambda line: line.line_id,
    )
    shipping = node["shippingLines"]["nodes"]
    return OrderHead(
        updated_at=utc(node["updatedAt"]),
        origin="read",
        name=node["name"],
        customer_id=legacy_id(node["customer"]["id"]) if node["customer"] else None,
        currency=currency,
        processed_at=utc(node["processedAt"]),
        taxes_included=node["taxesIncluded"],
        financial_status=_word(node["displayFinancialStatus"]),
        source_name=node["sourceName"],
        test=node["test"],
        cancelled_at=_maybe_utc(node["cancelledAt"]),
        lines=tuple(lines),
        shipping_minor=sum(_money(line["discountedPriceSet"], currency) for line in shipping),
        shipping_tax_minor=sum(_taxes(line, currency) for line in shipping),
        tip_minor=_money(node["totalTipReceivedSet"], currency),
        duties_minor=_money(node["currentTotalDutiesSet"], currency),
        gateways=tuple(name for name in node["paymentGatewayNames"] if name),
        discount_codes=tuple(sorted({code.upper() for code in node["discountCodes"] if code})),
        country=(node["shippingAddress"] or {}).get("countryCodeV2"),
        referral=carried((one["key"], one["value"]) for one in node.get("customAttributes") or ()),
        shipping_names=tuple(line["title"] for line in shipping if line.get("title")),
    )


def _traces(node: Node) -> Traces | None:
    where = node["shippingAddress"] or {}
    ip, phone = node.get("clientIp"), node.get("phone")
    if not where and ip is None and phone is None:
        return None
    return Traces(
        phone=phone or where.get("phone"),
        street=where.get("address1"),
        zip=where.get("zip"),
        country=where.get("countryCodeV2"),
        ip=ip,
    )


def _line(line: Node, currency: str, refunded: dict[int, int]) -> Line:
    line_id, quantity = legacy_id(line["id"]), line["quantity"]
    taken_off = sum(_money(part["allocatedAmountSet"], currency) for part in line["discountAllocations"])
    return Line(
        line_id=line_id,
        quantity=quantity,
        removed=removed_by_edit(quantity, line["currentQuantity"], refunded.get(line_id, 0)),
        net_minor=max(0, _money(line["originalUnitPriceSet"], currency) * quantity - taken_off),
        tax_minor=_taxes(line, currency),
        gift_card=line["isGiftCard"],
        requires_shipping=line["requiresShipping"],
        product_id=_maybe_id(line["product"]),
        variant_id=_maybe_id(line["variant"]),
        title=line["title"],
        vendor=line["vendor"],
    )


def _refund(refund: Node, currency: str, taxes_included: bool) -> Refund:
    lines = (
        RefundLine(
            line_id=legacy_id(line["lineItem"]["id"]),
            quantity=line["quantity"],
            subtotal_minor=_money(line["subtotalSet"], currency),
            tax_minor=_money(line["totalTaxSet"], currency),
        )
        for line in refund["refundLineItems"]["nodes"]
    )
    shipping = 0
    for part in refund["refundShippingLines"]["nodes"]:
        shipping += _money(part["subtotalAmountSet"], currency)
        # Like every price, the subtotal holds tax exactly when the order's prices do.
        shipping += 0 if taxes_included else _money(part["taxAmountSet"], currency)
    paid = sum(
        _money(payment["amountSet"], currency)
        for payment in refund["transactions"]["nodes"]
        if payment["kind"] == "REFUND" and payment["status"] == "SUCCESS"
    )
    # Duties are not goods: giving them back must not look like money refunded for the lines.
    duties = sum(_money(duty["amountSet"], currency) for duty in refund["duties"] or ())
    return Refund(
        refund_id=legacy_id(refund["id"]),
        created_at=utc(refund["createdAt"] or refund["processedAt"]),
        lines=tuple(
            sorted(lines, key=lambda line: (line.line_id, line.quantity, line.subtotal_minor, line.tax_minor))
        ),
        paid_minor=max(0, paid - duties),
        shipping_minor=max(0, shipping),
    )


def _fulfilment(parcel: Node) -> Fulfilment:
    lines = (
        (legacy_id(line["lineItem"]["id"]), line["quantity"])
        for line in parcel["fulfillmentLineItems"]["nodes"]
    )
    tracking = parcel["trackingInfo"]
    return Fulfilment(
        fulfilment_id=legacy_id(parcel["id"]),
        updated_at=utc(parcel["updatedAt"]),
        created_at=utc(parcel["createdAt"]),
        status=str(_word(parcel["status"])),
        lines=tuple(sorted(lines)),
        delivered_at=_by_its_word(parcel),
        carrier=tracking[0]["company"] if tracking else None,
    )


def _by_its_word(parcel: Node) -> datetime | None:
    """When the platform says that it arrived: its own date where no event has one, else as a webhook would say it."""
    if parcel["deliveredAt"] is not None and not _events(parcel):
        return utc(parcel["deliveredAt"])
    return utc(parcel["updatedAt"]) if _arrived(parcel) else None


def _arrived(parcel: Node) -> bool:
    """True when a webhook's shipment_status would be one of IN_HAND; calling a parcel off hides that here."""
    shown = parcel["displayStatus"]
    return shown in ("DELIVERED", "PICKED_UP") or (shown == "CANCELED" and parcel["deliveredAt"] is not None)


def _events(parcel: Node) -> list[datetime]:
    """When it was delivered, as often as the carrier said so."""
    return [utc(event["happenedAt"]) for event in parcel["events"]["nodes"] if event["status"] == "DELIVERED"]


def _customer(customer: Node | None, locale: str | None) -> CustomerFact | None:
    if customer is None:
        return None
    email = customer["defaultEmailAddress"]
    return CustomerFact(
        customer_id=legacy_id(customer["id"]),
        updated_at=_maybe_utc(customer["updatedAt"]),
        email=(email["emailAddress"] or None) if email else None,
        first_name=customer["firstName"] or None,
        last_name=customer["lastName"] or None,
        locale=locale or None,
        subscribed=takes_mail(email),
    )


def takes_mail(email: Node | None) -> bool | None:
    """Whether the customer takes the newsletter; None where we may not know."""
    state = email.get("marketingState") if email else None
    return None if state is None else state == "SUBSCRIBED"


def _buyer(node: Node) -> Buyer:
    entity, customer = node["purchasingEntity"], node["customer"]
    company = entity is not None and entity["__typename"] == "PurchasingCompany"
    return Buyer(company, tuple(sorted(customer["tags"])) if customer else ())


def _money(bag: Node | None, currency: str) -> int:
    return minor(bag["shopMoney"]["amount"], currency) if bag else 0


def _taxes(node: Node, currency: str) -> int:
    return sum(_money(tax["priceSet"], currency) for tax in node["taxLines"])


def _word(enum: str | None) -> str | None:
    return None if enum is None else enum.lower()


def _maybe_utc(text: str | None) -> datetime | None:
    return None if text is None else utc(text)


def _maybe_id(node: Node | None) -> int | None:
    return legacy_id(node["id"]) if node else None
