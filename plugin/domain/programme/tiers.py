"""The chapter on tiers: the steps of the ladder, how they are reached, kept and lost, and what each is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from plugin.domain.programme.check import MAX_POINTS, Problem, checking
from plugin.domain.values import Ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.domain.programme.document import Programme


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of the ladder: entered at `threshold` of what the ladder counts.

    `retain`: what keeps it when its period is over; `reenter`: what coming back takes. None: as `threshold`.
    `gift_points`, `gift_reward`: given once, on entry. `shipping_months`: a free-shipping code every so many months.
    """

    key: str
    name: str
    threshold: int
    multiplier: Ratio = Ratio()
    retain: int | None = None
    reenter: int | None = None
    reward_discount_percent: int = 0
    gift_points: int = 0
    gift_reward: str = ""
    shipping_months: int = 0


@dataclass(frozen=True, slots=True)
class Ladder:
    """What counts towards a tier, over which time, and how a tier is lost. Money counts in whole units of currency.

    year: the calendar year of the shop's time zone. `fall`: to the tier that is reached, or by one step.
    """

    basis: Literal["points", "money", "orders", "referrals"] = "points"
    window: Literal["rolling", "year", "lifetime"] = "rolling"
    keep_next_year: bool = False
    grace_months: int = 0
    fall: Literal["reached", "one"] = "reached"
    notice_days: int = 0


@dataclass(frozen=True, slots=True)
class PaidMembership:
    """A product or variant that grants a tier for a while: `products` holds ids. Another order prolongs it."""

    key: str
    name: str
    tier: str
    months: int
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagTier:
    """A customer tag that grants a tier for as long as the customer has it."""

    key: str
    tag: str
    tier: str


def problems_of_tiers(programme: Programme) -> list[Problem]:
    """What is wrong with the ladder."""
    found, check = checking()
    _ladder(programme, check)
    check(1 <= programme.tier_months <= 120, "tier_months", "Choose 1 to 120 months.")
    thresholds = [tier.threshold for tier in programme.tiers]
    points = " points" if programme.ladder.basis == "points" else ""
    check(
        thresholds == sorted(set(thresholds)),
        "tiers",
        f"Each tier must need more{points} than the one below.",
    )
    check(not thresholds or thresholds[0] == 0, "tiers", f"The first tier must begin at 0{points}.")
    tier_keys = [tier.key for tier in programme.tiers]
    check(len(tier_keys) == len(set(tier_keys)), "tiers", "Give every tier a key of its own.")
    rewards = {reward.key for reward in programme.rewards}
    kept = -1
    for i, tier in enumerate(programme.tiers):
        ratio = tier.multiplier
        check(
            ratio.denominator > 0 and 0 <= ratio.numerator <= 100 * ratio.denominator,
            f"tiers.{i}.multiplier",
            "Choose a multiplier from 0 to 100.",
        )
        check(0 <= tier.threshold <= MAX_POINTS, f"tiers.{i}.threshold", "Choose 0 to 1,000,000,000.")
        retain = tier.threshold if tier.retain is None else tier.retain
        reenter = tier.threshold if tier.reenter is None else tier.reenter
        check(
            0 <= retain <= tier.threshold,
            f"tiers.{i}.retain",
            "Keeping a tier may not need more than reaching it. Leave it empty for the same.",
        )
        check(
            retain > kept or retain == tier.threshold,
            f"tiers.{i}.retain",
            "Keeping a tier must need more than keeping the one below.",
        )
        check(
            min(retain, tier.threshold) <= reenter <= MAX_POINTS,
            f"tiers.{i}.reenter",
            "Coming back must need at least what keeps the tier, or members would fall and rise at once.",
        )
        kept = retain
        check(
            0 <= tier.reward_discount_percent <= 99,
            f"tiers.{i}.reward_discount_percent",
            "Choose 0 to 99 percent.",
        )
        check(0 <= tier.gift_points <= MAX_POINTS, f"tiers.{i}.gift_points", "Points must be 0 or more.")
        check(
            not tier.gift_reward or tier.gift_reward in rewards,
            f"tiers.{i}.gift_reward",
            "Give the key of a reward of this programme, or leave it empty.",
        )
        check(0 <= tier.shipping_months <= 120, f"tiers.{i}.shipping_months", "Choose 0 to 120 months.")
    _granted(programme, set(tier_keys), check)
    return found


def _ladder(programme: Programme, check: Callable[[bool, str, str], None]) -> None:
    ladder = programme.ladder
    check(0 <= ladder.grace_months <= 12, "ladder.grace_months", "Choose 0 to 12 months.")
    check(0 <= ladder.notice_days <= 365, "ladder.notice_days", "Choose 0 to 365 days.")
    check(
        not ladder.keep_next_year or ladder.window == "year",
        "ladder.keep_next_year",
        "Only a tier of the calendar year can be kept to the end of the next. Choose the calendar year, or No.",
    )
    check(
        ladder.fall == "reached" or ladder.window != "lifetime",
        "ladder.fall",
        "A tier for life has no period, so nobody can fall one step each. Choose the tier that is reached.",
    )


def _granted(programme: Programme, keys: set[str], check: Callable[[bool, str, str], None]) -> None:
    tierless = "Name one of the tiers above by its key: {}.".format(
        ", ".join(sorted(keys)) or "there is none yet"
    )
    names = [one.key for one in programme.memberships]
    check(len(names) == len(set(names)), "memberships", "Give every membership a key of its own.")
    for i, one in enumerate(programme.memberships):
        check(one.tier in keys, f"memberships.{i}.tier", tierless)
        check(1 <= one.months <= 120, f"memberships.{i}.months", "Choose 1 to 120 months.")
        numbers = all(text.isascii() and text.isdigit() for text in one.products)
        check(
            bool(one.products) and numbers,
            f"memberships.{i}.products",
            "Give the numbers of products or variants, as in their addresses in Shopify, with commas between.",
        )
    tags = [one.tag.casefold() for one in programme.tag_tiers]
    check(len(tags) == len(set(tags)), "tag_tiers", "Name each tag once.")
    for i, tagged in enumerate(programme.tag_tiers):
        check(tagged.tier in keys, f"tag_tiers.{i}.tier", tierless)
        check(
            not tagged.tag.casefold().startswith("regulars:"),
            f"tag_tiers.{i}.tag",
            "Tags that begin with regulars: are written by this app. Choose another tag.",
        )
