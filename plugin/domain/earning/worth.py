"""Worth: what one order is worth by itself, exactly, before the one rounding and the rules across orders.

In this order: excluded lines leave, line rules weigh the rest, the part paid by credit leaves, bands; then, in
target.py, the tier's multiplier, campaigns, the one rounding and the cap per order; then caps.py, across orders.
Fixed points are as stated: nothing multiplies them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from plugin.domain.earning.basis import Money, money_of
from plugin.domain.earning.lines import ORDINARY, Weight, by_line, weight_of
from plugin.domain.facts import Line, LineProduct
from plugin.domain.orders import Order, kept_units, paid_share
from plugin.domain.programme import Band, Programme

# How the platform names the gateways of gift cards and store credit.
CREDIT_GATEWAYS = frozenset({"gift_card", "shopify_store_credit"})


@dataclass(frozen=True, slots=True)
class Part:
    """One line of an order that earns: its money, what it weighs, its product where a read told, and units kept."""

    line: Line
    product: LineProduct | None
    minor: int
    weight: Weight
    units: int


@dataclass(frozen=True, slots=True)
class Worth:
    """`basis`: the money that earns; `weighed`: the same after line rules and bands; `fixed`: points by the unit."""

    basis: int | Fraction
    weighed: int | Fraction
    fixed: int = 0


def worth_of(order: Order, programme: Programme) -> Worth:
    """What the order is worth now; while an edit is owing, the smaller of that and what was paid for (design 10.10)."""
    now, paid = _worth(order, programme), paid_share(order)
    if paid is None:
        return now
    then = _worth(paid, programme)
    return Worth(min(now.basis, then.basis), min(now.weighed, then.weighed), min(now.fixed, then.fixed))


def wants_details(order: Order, programme: Programme | None) -> bool:
    """Whether a rule needs of this order what only a read of its products or payments tells, and no read told yet."""
    if programme is None or order.head is None:
        return False
    placed = order.head.processed_at
    asks_products = programme.orders.asks_products or any(
        one.asks_products and one.runs(placed) for one in programme.campaigns
    )
    if asks_products and not {line.line_id for line in order.head.lines} <= by_line(order.products).keys():
        return True
    stale = order.payments is None or order.payments.updated_at < order.head.updated_at
    return not programme.orders.credit and stale and paid_by_credit(order)


def paid_by_credit(order: Order) -> bool:
    """Whether a part of the order was paid by gift card or store credit."""
    return order.head is not None and not CREDIT_GATEWAYS.isdisjoint(order.head.gateways)


def _worth(order: Order, programme: Programme) -> Worth:
    money, rules = money_of(order, programme.basis), programme.orders
    whole = money.goods_minor + money.extras_minor
    if not rules.weighs_lines:
        return Worth(whole, whole)
    basis: int | Fraction = whole
    weighed: int | Fraction = whole
    fixed = 0
    if rules.lines:
        basis, weighed, fixed = _lines(order, programme, money)
    if not rules.credit and paid_by_credit(order):
        share = paid_otherwise(order)
        basis, weighed = basis * share, weighed * share
    if rules.bands:
        weighed = banded(weighed, rules.bands)
    return Worth(basis, weighed, fixed if basis > 0 else 0)


def parts_of(order: Order, programme: Programme, money: Money) -> list[Part]:
    """The lines that are known to earn, each with what it weighs."""
    rules, products, kept = programme.orders, by_line(order.products), kept_units(order)
    found = []
    for line, minor in money.lines:
        product = products.get(line.line_id)
        if product is None and rules.asks_products:
            continue  # nobody can say yet: the read that makes points available tells
        weight = weight_of(line, rules.lines, product)
        if weight.in_basis:
            found.append(Part(line, product, minor, weight, kept[line.line_id]))
    return found


def _lines(order: Order, programme: Programme, money: Money) -> tuple[int | Fraction, int | Fraction, int]:
    """(basis, weighed, points by the unit). A refund without lines is borne by all lines in proportion."""
    whole = sum(minor for _, minor in money.lines)
    if not whole:
        return money.extras_minor, money.extras_minor, 0
    in_basis, fixed = 0, 0
    weighed = Fraction(0)
    for part in parts_of(order, programme, money):
        in_basis += part.minor
        weighed += part.minor if part.weight is ORDINARY else part.minor * part.weight.times
        fixed += part.weight.points * part.units
    left = Fraction(money.goods_minor, whole)
    return in_basis * left + money.extras_minor, weighed * left + money.extras_minor, fixed


def paid_otherwise(order: Order) -> Fraction:
    """The share of what was paid that was neither gift card nor store credit; nothing while no read told."""
    paid = order.payments
    if paid is None or paid.paid_minor <= 0:
        return Fraction(0)
    return Fraction(max(0, paid.paid_minor - paid.credit_minor), paid.paid_minor)


def banded(weighed: int | Fraction, bands: tuple[Band, ...]) -> Fraction:
    """The money with each part counted as its band says; the part below the first band counts once.

    Bands hold for what the line rules made of the money, not for the plain basis: so giving back goods that count
    little never lifts the rest into a better band.
    """
    total = Fraction(min(weighed, bands[0].from_minor))
    for at, band in enumerate(bands):
        top = bands[at + 1].from_minor if at + 1 < len(bands) else weighed
        part = max(Fraction(0), Fraction(min(weighed, top)) - band.from_minor)
        total += part * Fraction(band.multiplier.numerator, band.multiplier.denominator)
    return total
