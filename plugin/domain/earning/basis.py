"""The basis: which of an order's money earns, and which share of it was given back."""

from __future__ import annotations

from dataclasses import dataclass

from plugin.domain.facts import Line, OrderHead
from plugin.domain.orders import Order, kept_units, line_value, paid_share
from plugin.domain.programme import Basis


@dataclass(frozen=True, slots=True)
class Money:
    """The shop money of an order that earns: each line's kept units, less refunds without lines, plus the extras."""

    lines: tuple[tuple[Line, int], ...]  # (line, minor units); gift cards are none of them
    goods_minor: int
    extras_minor: int


def money_of(order: Order, basis: Basis) -> Money:
    """Lines the shopper keeps, after every discount, without gift cards; less what was refunded without lines
    (design 10.9: net of the shipping and tax parts), never below zero; shipping, tips and duties as the switches say.
    """
    head = order.head
    if head is None:
        return Money((), 0, 0)
    kept = kept_units(order)
    lines, value, ordered_value, ordered_gross, edited_out = [], 0, 0, 0, 0
    for line in head.lines:
        if line.gift_card:
            continue
        money = line.net_minor
        gross = money if head.taxes_included else money + line.tax_minor
        if basis.tax == "with":
            money = gross
        elif basis.tax == "without" and head.taxes_included:
            money -= line.tax_minor
        worth = line_value(line, money, kept[line.line_id])
        lines.append((line, worth))
        value += worth
        ordered_value += money
        ordered_gross += gross
        edited_out += gross - line_value(line, gross, line.quantity - line.removed)
    refunded_shipping = sum(refund.shipping_minor for refund in order.refunds)
    without_lines = sum(
        amount_without_lines(order, refund_index) for refund_index in range(len(order.refunds))
    )
    without_lines = max(0, without_lines - edited_out)  # what was edited out is paid back without its lines
    if ordered_gross > 0:
        value -= without_lines * ordered_value // ordered_gross
    extras = 0
    if basis.shipping:
        extras += _shipping_minor(head, basis, refunded_shipping)
    if basis.tips:
        extras += head.tip_minor
    if basis.duties:
        extras += head.duties_minor
    return Money(tuple(lines), max(0, value), extras)


def basis_minor(order: Order, basis: Basis) -> int:
    """The shop money of an order that the switches count, in minor units, never below zero."""
    money = money_of(order, basis)
    return money.goods_minor + money.extras_minor


def _shipping_minor(head: OrderHead, basis: Basis, refunded_minor: int) -> int:
    """Shipping that earns, less what was refunded of it: a refund names it with its tax, and the tax leaves with it."""
    shipping = head.shipping_minor
    charged = shipping + (0 if head.taxes_included else head.shipping_tax_minor)
    if basis.tax == "with":
        shipping = charged
    elif basis.tax == "without" and head.taxes_included:
        shipping -= head.shipping_tax_minor
    if charged > 0:
        shipping -= refunded_minor * shipping // charged
    return max(0, shipping)


def amount_without_lines(order: Order, refund_index: int) -> int:
    """Money of one refund, tax included, that neither its lines nor its shipping explain; never negative."""
    head = order.head
    assert head is not None
    refund = order.refunds[refund_index]
    explained = refund.shipping_minor
    for line in refund.lines:
        explained += line.subtotal_minor + (0 if head.taxes_included else line.tax_minor)
    return max(0, refund.paid_minor - explained)


def refunded_share(order: Order, basis: Basis) -> tuple[int, int]:
    """How much of the order's money was given back, as (refunded, ordered) of the same basis without switches."""
    if order.head is None:
        return (0, 1)
    if order.deleted or order.head.cancelled_at is not None:
        return (1, 1)
    goods = Basis(tax=basis.tax)
    order = paid_share(order) or order
    ordered = basis_minor(Order(order.order_id, head=order.head), goods)
    if ordered <= 0:
        return (0, 1)
    return (max(0, ordered - basis_minor(order, goods)), ordered)
