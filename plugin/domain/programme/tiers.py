"""The chapter on tiers: the steps of the ladder and what each is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugin.domain.programme.check import Problem, checking
from plugin.domain.values import Ratio

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of the ladder: entered at `threshold` points earned from orders of the last `months` months."""

    key: str
    name: str
    threshold: int
    multiplier: Ratio = Ratio()


def problems_of_tiers(programme: Programme) -> list[Problem]:
    """What is wrong with the ladder."""
    found, check = checking()
    check(1 <= programme.tier_months <= 120, "tier_months", "Choose 1 to 120 months.")
    thresholds = [tier.threshold for tier in programme.tiers]
    check(
        thresholds == sorted(set(thresholds)), "tiers", "Each tier must need more points than the one below."
    )
    check(not thresholds or thresholds[0] == 0, "tiers", "The first tier must begin at 0 points.")
    tier_keys = [tier.key for tier in programme.tiers]
    check(len(tier_keys) == len(set(tier_keys)), "tiers", "Give every tier a key of its own.")
    for i, tier in enumerate(programme.tiers):
        ratio = tier.multiplier
        check(
            ratio.denominator > 0 and 0 <= ratio.numerator <= 100 * ratio.denominator,
            f"tiers.{i}.multiplier",
            "Choose a multiplier from 0 to 100.",
        )
    return found
