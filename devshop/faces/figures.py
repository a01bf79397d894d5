"""Money and times as people read them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from devshop.money import exponent, in_webhooks, rounded

if TYPE_CHECKING:
    from devshop.desk import Desk

_SIGNS = {"CHF": "CHF {}", "EUR": "€{}", "USD": "${}", "GBP": "£{}"}
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
_FORMS = {
    "date": "%-d %b %Y",
    "time": "%a %-d %b %Y, %H:%M",
    "short": "%a %-d %b %H:%M",
    "clock": "%-d %b %H:%M:%S",
    "iso": "%Y-%m-%dT%H:%M:%SZ",
}


def money(minor: int, currency: str) -> str:
    """2450 CHF -> "CHF 24.50", as the shop's own money format has it."""
    sign = "−" if minor < 0 else ""
    return sign + _SIGNS.get(currency, "{} " + currency).format(amount(abs(minor), currency))


def money_in(minor: int, currency: str, language: str, country: str) -> str:
    """2597 EUR -> "25,97 €" for who reads German outside Switzerland (Unicode CLDR: de, and de-CH for the other)."""
    if language != "de" or country == "CH":
        return money(minor, currency)
    grouped = amount(minor, currency).translate(str.maketrans(",.", ".,")).replace("-", "−")
    return f"{grouped}\u00a0{_SYMBOLS.get(currency, currency)}"


def amount(minor: int, currency: str) -> str:
    """1234550 CHF -> "12,345.50": no sign of the currency."""
    whole, _, part = in_webhooks(minor, currency).partition(".")
    grouped = f"{int(whole):,}"
    return f"{grouped}.{part}" if exponent(currency) else grouped


def presented(minor: int, rate: str) -> int:
    """Shop money in presentment money, rounded half up as the checkout does."""
    return rounded(minor * Decimal(rate))


def moment(desk: Desk, value: datetime | None, form: str = "date") -> str:
    """A time in the shop's own zone; `form` is date, time, short, clock or iso (UTC)."""
    if value is None:
        return "–"
    if form == "iso":
        return value.strftime(_FORMS["iso"])
    return value.astimezone(ZoneInfo(desk.shop.timezone)).strftime(_FORMS[form])
