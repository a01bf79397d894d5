"""The chapter on expiry: when unspent points run out, and how long before a member hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from plugin.domain.programme.check import Problem, checking

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a whole balance runs out, beside what each lot says of itself (`Programme.expiry_months`).

    inactivity: `months` after the last `activity`. dates: at the end of these days of every year ("12-31"), in the
    shop's time zone, for points that could be spent for at least `least_months`. `first_days`, `last_days`: how long
    before points run out a reminder is due.
    """

    balance: Literal["never", "inactivity", "dates"] = "never"
    months: int = 12
    activity: Literal["earning", "any"] = "any"
    dates: tuple[str, ...] = ("12-31",)
    least_months: int = 0
    first_days: int | None = None
    last_days: int | None = None


def problems_of_expiry(programme: Programme) -> list[Problem]:
    """What is wrong with when points run out."""
    found, check = checking()
    expiry = programme.expiry
    check(
        programme.expiry_months is None or 1 <= programme.expiry_months <= 120,
        "expiry_months",
        "Choose 1 to 120 months, or no expiry.",
    )
    check(1 <= expiry.months <= 120, "expiry.months", "Choose 1 to 120 months.")
    check(
        all(map(_of_every_year, expiry.dates)),
        "expiry.dates",
        "Write each day as month-day, such as 12-31. 29 February is not in every year.",
    )
    check(
        expiry.balance != "dates" or 1 <= len(set(expiry.dates)) == len(expiry.dates) <= 12,
        "expiry.dates",
        "Give 1 to 12 different days of the year.",
    )
    check(0 <= expiry.least_months <= 60, "expiry.least_months", "Choose 0 to 60 months.")
    for name, days in (("first_days", expiry.first_days), ("last_days", expiry.last_days)):
        check(days is None or 1 <= days <= 180, f"expiry.{name}", "Choose 1 to 180 days, or no reminder.")
    check(
        expiry.first_days is None or expiry.last_days is None or expiry.last_days < expiry.first_days,
        "expiry.last_days",
        "The last reminder comes after the first: choose fewer days.",
    )
    return found


def _of_every_year(text: str) -> bool:
    try:
        return date.fromisoformat(f"2001-{text}").strftime("%m-%d") == text  # no leap year
    except ValueError:
        return False
