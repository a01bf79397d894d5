"""Bodies of orders/*. The hot path of the drain: only the fields declared here are ever decoded.

How a body becomes an OrderSeen, and an Admin API read must become the same (tests/contract compares both):

- All money is shop money: `*_set.shop_money`, else the plain field. `currency` is the shop's at that time.
- A line's net is unit price x ordered quantity less its discount allocations, never below zero; it holds
  tax exactly when `taxes_included`. Its tax is the sum of its tax lines. Refunds and edits change neither.
- `removed` is what `current_quantity` lacks beyond the refunds of this same snapshot.
- Shipping is the sum of discounted shipping lines that an edit has not removed, before any refund.
- Refunds: see webhooks/payloads/refunds.py. One that the order itself cannot convert makes the whole body
  an OrderChanged: a read settles it.
- Traces pass by and are never kept; a read knows all of them but the browser.
- Shipping names are the titles of the shipping lines that an edit has not removed.
- Statuses are lower case, discount codes upper case and sorted; lines, refunds, fulfilments sorted by id.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from plugin.domain.facts import (
    Line,
    OrderChanged,
    OrderDeleted,
    OrderHead,
    OrderSeen,
    Refund,
    Traces,
    removed_by_edit,
)
from plugin.domain.referrals import carried
from webhooks.payloads.customers import CustomerBody, customer_fact
from webhooks.payloads.fulfilments import FulfilmentBody, fulfilment
from webhooks.payloads.reading import (
    Bag,
    Count,
    Id,
    Moment,
    NeedsRead,
    ShopBag,
    currency_code,
    decode,
    decoder_of,
    money,
    shop_money,
    utc,
    within,
)
from webhooks.payloads.refunds import Ratio, RefundBody, refund


class TaxBody(Struct, gc=False):
    """One tax of one line."""

    price: Any = None
    price_set: ShopBag | None = None


class AllocationBody(Struct, gc=False):
    """The share of one discount that fell on one line."""

    amount: Any = None
    amount_set: ShopBag | None = None


class LineBody(Struct, gc=False):
    """One order line. `current_quantity` is what is left after edits and refunds; old bodies lack it."""

    id: Id
    quantity: Count
    current_quantity: Count | None = None
    price: Any = None
    price_set: ShopBag | None = None
    gift_card: bool | None = None
    requires_shipping: bool | None = None
    product_id: int | None = None
    variant_id: int | None = None
    title: str | None = None
    vendor: str | None = None
    tax_lines: list[TaxBody] | None = None
    discount_allocations: list[AllocationBody] | None = None


class ShippingLineBody(Struct, gc=False):
    """One shipping charge. `title` is what the shopper chose."""

    title: str | None = None
    price: Any = None
    price_set: ShopBag | None = None
    discounted_price: Any = None
    discounted_price_set: ShopBag | None = None
    is_removed: bool | None = None
    tax_lines: list[TaxBody] | None = None


class CodeBody(Struct, gc=False):
    """One discount code of the order."""

    code: str | None = None


class AddressBody(Struct, gc=False):
    """Of the address only the country is kept; the rest passes by as traces."""

    country_code: str | None = None
    address1: str | None = None
    zip: str | None = None
    phone: str | None = None


class AttributeBody(Struct, gc=False):
    """What a cart carried into the order beside its lines."""

    name: Any = None
    value: Any = None


class BrowserBody(Struct, gc=False):
    """The browser that the order was placed with."""

    user_agent: str | None = None


class OrderBody(Struct, gc=False):
    """One order as orders/create, paid, updated, fulfilled and cancelled all carry it."""

    id: Id
    updated_at: Moment
    currency: str | None = None
    created_at: Moment | None = None
    processed_at: Moment | None = None
    cancelled_at: Moment | None = None
    name: str | None = None
    taxes_included: bool | None = None
    financial_status: str | None = None
    source_name: str | None = None
    test: bool | None = None
    customer: CustomerBody | None = None
    customer_locale: str | None = None
    phone: str | None = None
    browser_ip: str | None = None
    client_details: BrowserBody | None = None
    note_attributes: list[AttributeBody] | None = None
    shipping_address: AddressBody | None = None
    line_items: list[LineBody] | None = None
    shipping_lines: list[ShippingLineBody] | None = None
    discount_codes: list[CodeBody] | None = None
    payment_gateway_names: list[str | None] | None = None
    total_tip_received: Any = None
    total_price_set: Bag | None = None
    current_total_duties_set: ShopBag | None = None
    refunds: list[RefundBody] | None = None
    fulfillments: list[FulfilmentBody] | None = None


class DeletedBody(Struct, gc=False):
    """orders/delete."""

    id: Id


class EditBody(Struct, gc=False):
    """The edit itself; it holds no money."""

    order_id: Id


class EditedBody(Struct, gc=False):
    """orders/edited."""

    order_edit: EditBody


_ORDER = decoder_of(OrderBody)
_DELETED = decoder_of(DeletedBody)
_EDITED = decoder_of(EditedBody)


def order_seen(body: bytes) -> OrderSeen | OrderChanged:
    """orders/create, paid, updated, fulfilled, cancelled: the whole order, in shop money."""
    order = decode(_ORDER, body)
    currency = currency_code(order.currency, "currency")
    try:
        refunds = _refunds(order, currency) if order.refunds else ()
    except NeedsRead as need:
        return OrderChanged(order.id, need.cause)
    customer = customer_fact(order.customer, order.customer_locale, utc(order.updated_at, "updated_at"))
    fulfilments = [fulfilment(one) for one in order.fulfillments or ()]
    fulfilments.sort(key=lambda one: one.fulfilment_id)
    return OrderSeen(
        order_id=order.id,
        head=_head(order, currency, refunds, None if customer is None else customer.customer_id),
        refunds=refunds,
        fulfilments=tuple(fulfilments),
        customer=customer,
        traces=_traces(order),
    )


def _traces(order: OrderBody) -> Traces | None:
    where, browser = order.shipping_address, order.client_details
    if where is None and order.browser_ip is None and order.phone is None:
        return None
    return Traces(
        phone=order.phone or (where.phone if where is not None else None),
        street=where.address1 if where is not None else None,
        zip=where.zip if where is not None else None,
        country=where.country_code if where is not None else None,
        ip=order.browser_ip,
        device=browser.user_agent if browser is not None else None,
    )


def _head(order: OrderBody, currency: str, refunds: tuple[Refund, ...], customer_id: int | None) -> OrderHead:
    updated_at = utc(order.updated_at, "updated_at")
    processed = order.processed_at or order.created_at
    shipping, shipping_tax = _shipping(order.shipping_lines, currency) if order.shipping_lines else (0, 0)
    duties = order.current_total_duties_set
    return OrderHead(
        updated_at=updated_at,
        origin="webhook",
        name=order.name,
        customer_id=customer_id,
        currency=currency,
        processed_at=updated_at if processed is None else utc(processed, "processed_at"),
        taxes_included=order.taxes_included is True,
        financial_status=order.financial_status.lower() if order.financial_status else None,
        source_name=order.source_name,
        test=order.test is True,
        cancelled_at=None if order.cancelled_at is None else utc(order.cancelled_at, "cancelled_at"),
        lines=_lines(order, currency, refunds),
        shipping_minor=shipping,
        shipping_tax_minor=shipping_tax,
        tip_minor=(
            0
            if order.total_tip_received is None
            else money(order.total_tip_received, currency, "total_tip_received")
        ),
        duties_minor=0 if duties is None else shop_money(duties, None, currency, "current_total_duties_set"),
        gateways=tuple(name for name in order.payment_gateway_names or () if name),
        discount_codes=(
            tuple(sorted({one.code.upper() for one in order.discount_codes if one.code}))
            if order.discount_codes
            else ()
        ),
        country=order.shipping_address.country_code if order.shipping_address is not None else None,
        referral=(
            carried((one.name, one.value) for one in order.note_attributes) if order.note_attributes else None
        ),
        shipping_names=tuple(
            line.title for line in order.shipping_lines or () if line.title and line.is_removed is not True
        ),
    )


def _lines(order: OrderBody, currency: str, refunds: tuple[Refund, ...]) -> tuple[Line, ...]:
    refunded: dict[int, int] = {}
    for one in refunds:
        for back in one.lines:
            refunded[back.line_id] = refunded.get(back.line_id, 0) + back.quantity
    lines, goods = [], 0
    for body in order.line_items or ():
        net = shop_money(body.price_set, body.price, currency, "line_items[].price_set") * body.quantity
        for cut in body.discount_allocations or ():
            net -= shop_money(cut.amount_set, cut.amount, currency, "discount_allocations[].amount_set")
        net = max(0, net)
        tax = _tax(body.tax_lines, currency) if body.tax_lines else 0
        goods += net + tax
        lines.append(
            Line(
                line_id=body.id,
                quantity=body.quantity,
                removed=removed_by_edit(body.quantity, body.current_quantity, refunded.get(body.id, 0)),
                net_minor=net,
                tax_minor=tax,
                gift_card=body.gift_card is True,
                requires_shipping=body.requires_shipping is not False,
                product_id=body.product_id,
                variant_id=body.variant_id,
                title=body.title,
                vendor=body.vendor,
            )
        )
    within(goods, "line_items[].price_set")
    lines.sort(key=lambda line: line.line_id)
    return tuple(lines)


def _tax(taxes: list[TaxBody], currency: str) -> int:
    tax = 0
    for one in taxes:
        tax += shop_money(one.price_set, one.price, currency, "tax_lines[].price_set")
    return tax


def _shipping(lines: list[ShippingLineBody], currency: str) -> tuple[int, int]:
    price, tax = 0, 0
    for line in lines:
        if line.is_removed:
            continue
        if line.discounted_price_set is not None or line.discounted_price is not None:
            bag, plain = line.discounted_price_set, line.discounted_price
        else:
            bag, plain = line.price_set, line.price
        price += shop_money(bag, plain, currency, "shipping_lines[].discounted_price_set")
        tax += _tax(line.tax_lines, currency) if line.tax_lines else 0
    return within(price, "shipping_lines[].price_set"), within(tax, "shipping_lines[].tax_lines")


def _refunds(order: OrderBody, currency: str) -> tuple[Refund, ...]:
    ratio, included = _ratio(order, currency), order.taxes_included is True
    refunds = [refund(one, currency, included, ratio) for one in order.refunds or ()]
    refunds.sort(key=lambda one: one.refund_id)
    return tuple(refunds)


def _ratio(order: OrderBody, currency: str) -> Ratio | None:
    """The order's total in both currencies, or None when it was paid in the shop's own or came to nothing."""
    bag = order.total_price_set
    shop = None if bag is None else bag.shop_money
    shopper = None if bag is None else bag.presentment_money
    if shop is None or shopper is None or shopper.currency_code in (None, currency):
        return None
    code = currency_code(shopper.currency_code, "total_price_set.presentment_money.currency_code")
    whole = money(shopper.amount, code, "total_price_set.presentment_money")
    return (money(shop.amount, currency, "total_price_set.shop_money"), whole, code) if whole else None


def order_deleted(body: bytes) -> OrderDeleted:
    """orders/delete."""
    return OrderDeleted(decode(_DELETED, body).id)


def order_edited(body: bytes) -> OrderChanged:
    """orders/edited says which lines changed and nothing of money: the order has to be read."""
    return OrderChanged(decode(_EDITED, body).order_edit.order_id, "edited")
