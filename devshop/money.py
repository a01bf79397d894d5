"""Money of the development shop: whole minor units, two currencies at once, and fair splitting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

import msgspec

_EXPONENTS = {
    "BIF": 0,
    "CLP": 0,
    "DJF": 0,
    "GNF": 0,
    "ISK": 0,
    "JPY": 0,
    "KMF": 0,
    "KRW": 0,
    "PYG": 0,
    "RWF": 0,
    "UGX": 0,
    "VND": 0,
    "VUV": 0,
    "XAF": 0,
    "XOF": 0,
    "XPF": 0,
    "BHD": 3,
    "IQD": 3,
    "JOD": 3,
    "KWD": 3,
    "LYD": 3,
    "OMR": 3,
    "TND": 3,
}


class Bag(msgspec.Struct, frozen=True):
    """One amount in shop money and in presentment money, both in minor units."""

    shop: int = 0
    presentment: int = 0

    def __add__(self, other: Bag) -> Bag:
        return Bag(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: Bag) -> Bag:
        return Bag(self.shop - other.shop, self.presentment - other.presentment)

    def __neg__(self) -> Bag:
        return Bag(-self.shop, -self.presentment)

    def times(self, count: int) -> Bag:
        return Bag(self.shop * count, self.presentment * count)


NOTHING = Bag()


def total(bags: Iterable[Bag]) -> Bag:
    """The sum; nothing for no bags."""
    result = NOTHING
    for bag in bags:
        result = result + bag
    return result


def exponent(currency: str) -> int:
    """Digits after the point of a currency (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def in_webhooks(minor: int, currency: str) -> str:
    """2500 CHF -> "25.00", as webhook bodies write money."""
    digits = exponent(currency)
    return str(Decimal(minor).scaleb(-digits).quantize(Decimal(1).scaleb(-digits)))


def in_graphql(minor: int, currency: str) -> str:
    """2500 CHF -> "25.0", as the Admin API writes money: no more zeros than one."""
    text = in_webhooks(minor, currency)
    if "." not in text:
        return text + ".0"
    text = text.rstrip("0")
    return text + "0" if text.endswith(".") else text


def to_minor(amount: object, currency: str) -> int:
    """ "25.005" -> 2501: half up, to the currency's own exponent. Raises ValueError for what is no number."""
    try:
        value = Decimal(str(amount))
    except ArithmeticError as error:
        raise ValueError(f"not an amount of money: {amount!r}") from error
    return int(value.scaleb(exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def rounded(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Shares of `amount` proportional to `weights`, adding up exactly: largest remainder, first wins a tie."""
    whole = sum(weights)
    if whole <= 0:
        return [0 for _ in weights]
    shares = [amount * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
    for index in order[: amount - sum(shares)]:
        shares[index] += 1
    return shares


def units(amount: Bag, count: int, first: int, last: int) -> Bag:
    """What units first+1..last of `count` units share of `amount`; all units together give all of it."""

    def upto(value: int, n: int) -> int:
        return value * n // count

    if count <= 0:
        return NOTHING
    return Bag(
        upto(amount.shop, last) - upto(amount.shop, first),
        upto(amount.presentment, last) - upto(amount.presentment, first),
    )
