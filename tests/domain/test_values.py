"""Money, rates, rounding, calendar months and shares: exact, whole, rounded once."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.values import Rounding, decimal_text, exponent, minor, months_later, rounded, shares


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("25.00", "CHF", 2500),
        ("0.05", "CHF", 5),
        ("25", "CHF", 2500),
        ("25.5", "CHF", 2550),
        ("-3.20", "CHF", -320),
        ("25", "JPY", 25),
        ("25.00", "JPY", 25),
        ("1.234", "KWD", 1234),
        ("1", "KWD", 1000),
        ("10.005", "CHF", 1001),  # half up
        ("10.0049", "CHF", 1000),
        ("-10.005", "CHF", -1001),  # away from zero, as the platform's own rounding
        ("24.5", "JPY", 25),
        (3, "CHF", 300),
        (Decimal("2.50"), "EUR", 250),
        ("1e2", "EUR", 10_000),
    ],
)
def test_an_amount_becomes_whole_minor_units(amount: Decimal | str | int, currency: str, units: int) -> None:
    assert minor(amount, currency) == units


@pytest.mark.parametrize("text", ["", "five", "NaN", "Infinity", "1,00", "--1", "١٢.٣٤x", ".."])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount of money"):
        minor(text, "CHF")


@given(st.integers(-(10**15), 10**15), st.sampled_from(["CHF", "JPY", "KWD", "ISK", "USD"]))
def test_text_and_minor_units_say_the_same(units: int, currency: str) -> None:
    text = decimal_text(units, currency)
    assert minor(text, currency) == units
    assert Decimal(text) == Decimal(units).scaleb(-exponent(currency))


@given(st.integers(0, 10**12), st.integers(1, 10**6))
def test_rounding_is_exact(numerator: int, denominator: int) -> None:
    exact = Fraction(numerator, denominator)
    down, nearest, up = (rounded(numerator, denominator, mode) for mode in modes())
    assert down <= exact < down + 1
    assert up - 1 < exact <= up
    assert nearest - Fraction(1, 2) <= exact < nearest + Fraction(1, 2)


def modes() -> tuple[Rounding, Rounding, Rounding]:
    return ("floor", "half_up", "ceil")


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-01-10", -1, "2025-12-10"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2026-05-05", 24, "2028-05-05"),
        ("2026-05-05", -25, "2024-04-05"),
    ],
)
def test_months_are_calendar_months(start: str, months: int, end: str) -> None:
    def day(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(hour=13, tzinfo=UTC)

    assert months_later(day(start), months) == day(end)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), max_size=12).map(tuple))
def test_shares_add_up_and_are_fair(total: int, weights: tuple[int, ...]) -> None:
    parts = shares(total, weights)
    whole = sum(weights)
    assert len(parts) == len(weights)
    assert sum(parts) == (total if whole else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, whole or 1)) < 1
        assert weight or not part


def test_the_largest_remainder_gets_the_odd_point() -> None:
    assert shares(10, (1, 1, 1)) == (4, 3, 3)  # equal remainders: the first line
    assert shares(7, (5, 3, 2)) == (4, 2, 1)  # 3.5, 2.1, 1.4: the one point left goes to .5
