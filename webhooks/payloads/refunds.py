"""Bodies of refunds/create, and the refunds inside an order: what came back, in the shop's own money."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from plugin.domain.facts import OrderChanged, Refund, RefundLine, RefundMade
from webhooks.payloads.reading import (
    Amount,
    Bag,
    Count,
    Id,
    Moment,
    NeedsRead,
    PayloadError,
    currency_code,
    decode,
    decoder_of,
    money,
    shop_money,
    signed_money,
    utc,
    within,
)


class LineItemBody(Struct, gc=False):
    """The order line inside a refund line."""

    id: Id | None = None


class RefundLineBody(Struct, gc=False):
    """Units of one line that came back."""

    quantity: Count
    line_item_id: Id | None = None
    line_item: LineItemBody | None = None
    subtotal: Any = None
    total_tax: Any = None
    subtotal_set: Bag | None = None
    total_tax_set: Bag | None = None


class ShippingBody(Struct, gc=False):
    """Shipping given back (since 2024-10)."""

    subtotal_amount_set: Bag | None = None
    tax_amount_set: Bag | None = None


class AdjustmentBody(Struct, gc=False):
    """Before 2024-10 shipping came back as an adjustment below zero; other kinds explain nothing."""

    kind: str | None = None
    amount: Any = None
    tax_amount: Any = None
    amount_set: Bag | None = None
    tax_amount_set: Bag | None = None


class TransactionBody(Struct, gc=False):
    """A payment. `amount` is in `currency`, the shopper's; null means the shop's."""

    kind: str | None = None
    status: str | None = None
    amount: Any = None
    currency: str | None = None


class RefundBody(Struct, gc=False):
    """A refund; the same object stands in the `refunds` of an order."""

    id: Id
    order_id: Id | None = None
    created_at: Moment | None = None
    processed_at: Moment | None = None
    refund_line_items: list[RefundLineBody] | None = None
    refund_shipping_lines: list[ShippingBody] | None = None
    order_adjustments: list[AdjustmentBody] | None = None
    transactions: list[TransactionBody] | None = None
    total_duties_set: Bag | None = None


_REFUND = decoder_of(RefundBody)

# An order's total in its two currencies: (shop money, presentment money, presentment currency).
Ratio = tuple[int, int, str]


def refund_made(body: bytes) -> RefundMade | OrderChanged:
    """refunds/create. It names the shop's currency only in its sets, knows no rate, and does not say whether
    prices hold tax. So a refund paid in another currency, without any set, or with tax on its shipping
    becomes OrderChanged: the orders/updated beside it, or a read, settles it exactly.
    """
    parsed = decode(_REFUND, body)
    if parsed.order_id is None:
        raise PayloadError("`order_id` is missing")
    try:
        currency = _currency_of_sets(parsed)
        return RefundMade(parsed.order_id, refund(parsed, currency, None, None))
    except NeedsRead as need:
        return OrderChanged(parsed.order_id, need.cause)


def refund(body: RefundBody, currency: str, taxes_included: bool | None, ratio: Ratio | None) -> Refund:
    """One refund in shop money. Raises NeedsRead when only the order (`taxes_included`, `ratio`) could tell.

    paid: all successful transactions of kind "refund", store credit and gift cards included, less duties.
    shipping: subtotals of its shipping lines, with tax added unless the order's prices hold it already;
    of bodies before 2024-10 the shipping_refund adjustments, amount plus tax, sign turned.
    """
    created = body.created_at or body.processed_at
    if created is None:
        raise PayloadError("`refund.created_at` is missing")
    lines = tuple(
        sorted(
            (_line(line, currency) for line in body.refund_line_items or ()),
            key=lambda line: (line.line_id, line.quantity, line.subtotal_minor, line.tax_minor),
        )
    )
    shipping = _shipping(body, currency, taxes_included, presentment=False)
    # Duties are not goods: giving them back must not look like money refunded for the lines.
    duties = _signed(_half(body.total_duties_set, presentment=False), None, currency, "total_duties_set")
    explained = (
        shipping
        + duties
        + sum(line.subtotal_minor + (0 if taxes_included else line.tax_minor) for line in lines)
    )
    return Refund(
        refund_id=body.id,
        created_at=utc(created, "refund.created_at"),
        lines=lines,
        paid_minor=max(0, _paid(body, currency, taxes_included, ratio, explained) - duties),
        shipping_minor=max(0, within(shipping, "refund.refund_shipping_lines")),
    )


def _line(body: RefundLineBody, currency: str) -> RefundLine:
    line_id = body.line_item_id
    if line_id is None and body.line_item is not None:
        line_id = body.line_item.id
    if line_id is None:
        raise PayloadError("`refund_line_items[].line_item_id` is missing")
    return RefundLine(
        line_id=line_id,
        quantity=body.quantity,
        subtotal_minor=shop_money(
            body.subtotal_set, body.subtotal, currency, "refund_line_items[].subtotal_set"
        ),
        tax_minor=(
            0
            if body.total_tax_set is None and body.total_tax is None
            else shop_money(body.total_tax_set, body.total_tax, currency, "refund_line_items[].total_tax_set")
        ),
    )


def _half(bag: Bag | None, presentment: bool) -> Amount | None:
    if bag is None:
        return None
    return bag.presentment_money if presentment else bag.shop_money


def _signed(half: Amount | None, plain: object, currency: str, field: str) -> int:
    if half is not None:
        return signed_money(half.amount, currency, field)
    return 0 if plain is None else signed_money(plain, currency, field)


def _shipping(body: RefundBody, currency: str, taxes_included: bool | None, *, presentment: bool) -> int:
    if body.refund_shipping_lines:
        subtotal, tax = 0, 0
        for line in body.refund_shipping_lines:
            subtotal += _signed(
                _half(line.subtotal_amount_set, presentment), None, currency, "refund_shipping_lines[]"
            )
            tax += _signed(_half(line.tax_amount_set, presentment), None, currency, "refund_shipping_lines[]")
        if tax and taxes_included is None:
            raise NeedsRead("refund_of_taxed_shipping")
        return subtotal if taxes_included else subtotal + tax
    return -sum(
        _signed(_half(bag, presentment), None if presentment else plain, currency, "order_adjustments[]")
        for one in body.order_adjustments or ()
        if one.kind == "shipping_refund"
        for bag, plain in ((one.amount_set, one.amount), (one.tax_amount_set, one.tax_amount))
    )


def _paid(
    body: RefundBody, currency: str, taxes_included: bool | None, ratio: Ratio | None, explained: int
) -> int:
    """Shop money paid back. What lines and shipping explain of a payment in the shopper's currency is their
    own shop money; only the rest is converted by the order's total, rounded half up once.
    """
    paid, foreign = 0, 0
    for one in body.transactions or ():
        if (one.kind or "").lower() != "refund" or (one.status or "").lower() != "success":
            continue
        if one.currency is None or one.currency == currency:
            paid += money(one.amount, currency, "transactions[].amount")
        elif ratio is None or one.currency != ratio[2]:
            raise NeedsRead("refund_in_other_currency")
        else:
            foreign += money(one.amount, one.currency, "transactions[].amount")
    if foreign and ratio is not None:
        rest = foreign
        if paid == 0:
            rest -= _explained_presentment(body, ratio[2], taxes_included)
            paid += explained
        paid += (2 * rest * ratio[0] + ratio[1]) // (2 * ratio[1])
    return max(0, within(paid, "transactions[].amount"))


def _explained_presentment(body: RefundBody, currency: str, taxes_included: bool | None) -> int:
    """What lines and shipping explain of a refund, in the shopper's currency."""
    total = _shipping(body, currency, taxes_included, presentment=True)
    total += _signed(_half(body.total_duties_set, presentment=True), None, currency, "total_duties_set")
    for line in body.refund_line_items or ():
        subtotal, tax = _half(line.subtotal_set, True), _half(line.total_tax_set, True)
        if subtotal is None:
            raise NeedsRead("refund_in_other_currency")
        total += _signed(subtotal, None, currency, "refund_line_items[].subtotal_set")
        if not taxes_included:
            total += _signed(tax, None, currency, "refund_line_items[].total_tax_set")
    return total


def _currency_of_sets(body: RefundBody) -> str:
    """The shop's currency, from any set of the refund. Raises NeedsRead when there is none."""
    bags = [body.total_duties_set]
    bags += [line.subtotal_set for line in body.refund_line_items or ()]
    bags += [line.subtotal_amount_set for line in body.refund_shipping_lines or ()]
    bags += [one.amount_set for one in body.order_adjustments or ()]
    for bag in bags:
        if bag is not None and bag.shop_money is not None and bag.shop_money.currency_code is not None:
            return currency_code(bag.shop_money.currency_code, "shop_money.currency_code")
    raise NeedsRead("refund_without_currency")
