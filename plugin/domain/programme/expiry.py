"""The chapter on expiry: when unspent points run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.domain.programme.check import Problem, checking

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme


def problems_of_expiry(programme: Programme) -> list[Problem]:
    """What is wrong with when points run out."""
    found, check = checking()
    check(
        programme.expiry_months is None or 1 <= programme.expiry_months <= 120,
        "expiry_months",
        "Choose 1 to 120 months, or no expiry.",
    )
    return found
