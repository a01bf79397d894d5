"""Earning: what an order should have earned by now, a file for each step from its money to its points."""

from __future__ import annotations

from plugin.domain.earning.basis import amount_without_lines, basis_minor, refunded_share
from plugin.domain.earning.target import Target, target, why_nothing_counts
from plugin.domain.earning.timing import over_at
from plugin.domain.earning.worth import wants_details

__all__ = [
    "Target",
    "amount_without_lines",
    "basis_minor",
    "over_at",
    "refunded_share",
    "target",
    "wants_details",
    "why_nothing_counts",
]
