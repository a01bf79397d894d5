"""Small values everyone uses: rational rates, rounding, money in minor units, calendar months."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

Rounding = Literal["floor", "half_up", "ceil"]

# ISO 4217 minor unit exponents that differ from 2 (https://www.six-group.com/en/products-services/
# financial-information/data-standards.html); everything else has two decimals.
_EXPONENTS = dict.fromkeys(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
) | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)


@dataclass(frozen=True, slots=True)
class Rate:
    """`points` for every `per_minor` minor units of shop money; both whole and positive (0 points is allowed)."""

    points: int
    per_minor: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """A multiplier as a fraction of whole numbers, such as 3/2."""

    numerator: int = 1
    denominator: int = 1


def exponent(currency: str) -> int:
    """How many decimals the currency has: 2 for CHF, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def minor(amount: Decimal | str | int, currency: str) -> int:
    """Exact minor units of a decimal amount: "25.00" CHF is 2500, "25" JPY is 25.

    Digits beyond the currency's own are rounded half up, once, here. Raises ValueError when it is no number.
    """
    digits = exponent(currency)
    if type(amount) is str and digits == 2 and amount[-3:-2] == "." and amount.isascii():
        whole, cents = amount[:-3], amount[-2:]
        if whole.isdigit() and cents.isdigit():
            return int(whole) * 100 + int(cents)
    try:
        value = Decimal(amount)
        if not value.is_finite():
            raise ValueError(f"not an amount of money: {amount!r}")
        scaled = value.scaleb(digits)
        whole_units = int(scaled)
        rest = scaled - whole_units
        if rest:
            return whole_units + (1 if rest >= Decimal("0.5") else -1 if rest <= Decimal("-0.5") else 0)
        return whole_units
    except InvalidOperation as error:
        raise ValueError(f"not an amount of money: {amount!r}") from error


def decimal_text(amount_minor: int, currency: str) -> str:
    """The decimal form the platform's API wants: 2500 CHF is "25.00", 25 JPY is "25"."""
    digits = exponent(currency)
    sign = "-" if amount_minor < 0 else ""
    text = str(abs(amount_minor)).rjust(digits + 1, "0")
    return sign + (f"{text[:-digits]}.{text[-digits:]}" if digits else text)


def rounded(numerator: int, denominator: int, mode: Rounding) -> int:
    """A non-negative fraction as a whole number, by the programme's rounding mode."""
    if mode == "floor":
        return numerator // denominator
    if mode == "ceil":
        return -(-numerator // denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def months_later(moment: datetime, months: int) -> datetime:
    """The same day `months` later, or the last day of a shorter month."""
    month = moment.month - 1 + months
    year, month = moment.year + month // 12, month % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


def shares(total: int, weights: tuple[int, ...]) -> tuple[int, ...]:
    """Splits a non-negative total by weights with the largest-remainder method; the parts add up exactly."""
    whole = sum(weights)
    if whole <= 0:
        return tuple(0 for _ in weights)
    parts = [total * weight // whole for weight in weights]
    rests = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in rests[: total - sum(parts)]:
        parts[i] += 1
    return tuple(parts)
