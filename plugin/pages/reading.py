"""Reading a form's fields: whole numbers, amounts, choices, each with a sentence beside it when it cannot be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from plugin.domain.values import Ratio, decimal_text, exponent

WHOLE = "Write a whole number, such as 50."
SWITCHES = {"no": False, "yes": True}


@dataclass(slots=True)
class Reading:
    """What was read so far: the fields as they came, and a sentence for each that cannot be."""

    given: Mapping[str, str]
    currency: str
    zone: str = "UTC"
    errors: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The field without spaces around it."""
        return self.given.get(name, "").strip()

    def whole(self, name: str, default: int = 0) -> int:
        """A whole number; thousands may be set off by commas, apostrophes or spaces."""
        text = re.sub(r"(?<=\d)[,'’ ](?=\d{3})", "", self.text(name))
        if re.fullmatch(r"[0-9]{1,10}", text):
            return int(text)
        self.errors.setdefault(name, WHOLE)
        return default

    def decimal(self, name: str) -> Decimal | None:
        """A number that is not negative, with a point or a comma before its decimals."""
        text = self.text(name).replace(",", ".")
        try:
            value = Decimal(text) if re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,6})?", text) else None
        except InvalidOperation:
            value = None
        if value is None:
            self.errors.setdefault(name, "Write a number, such as 1.5.")
        return value

    def money(self, name: str) -> int:
        """Minor units of an amount in the draft's currency."""
        value = self.decimal(name)
        if value is None:
            self.errors[name] = (
                f"Write an amount, such as {decimal_text(10 ** exponent(self.currency), self.currency)}."
            )
            return 0
        scaled = value.scaleb(exponent(self.currency))
        if scaled != int(scaled):
            self.errors[name] = f"{self.currency} has {exponent(self.currency)} decimals at most."
        return int(scaled)

    def choice(self, name: str, allowed: tuple[Any, ...]) -> Any:
        """One of a list."""
        value = self.text(name)
        if value not in allowed:
            self.errors.setdefault(name, "Choose one of the list.")
            return allowed[0]
        return value

    def switch(self, name: str) -> bool:
        """Yes or no."""
        return SWITCHES[self.choice(name, ("no", "yes"))]


def key_of(name: str, kind: str, taken: set[str]) -> str:
    """A key for a new row, made from its name and unlike those taken."""
    stem = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:30] or kind
    stem = f"{kind}_{stem}" if stem[0].isdigit() else stem
    return next(key for n in range(1, 100) if (key := stem if n == 1 else f"{stem}_{n}") not in taken)


def ratio_text(ratio: Ratio) -> str:
    """A multiplier as people write it: 1.25, or 1.333333 where it does not end."""
    value = Decimal(ratio.numerator) / Decimal(ratio.denominator)
    return f"{value:.6f}".rstrip("0").rstrip(".")


def word(on: bool) -> str:
    """A switch as the form says it."""
    return "yes" if on else "no"


def amount(minor: int | None, currency: str) -> str:
    """An amount as people write it; empty for none."""
    return "" if minor is None else decimal_text(minor, currency)
