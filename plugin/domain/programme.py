"""The programme: an immutable, versioned document of every rule a merchant sets, and its validation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from plugin.domain.values import Rate, Ratio, Rounding

# What becomes of points that are taken back after they were spent: owed; owed and shown as a balance below zero; or
# forgiven. The ledger does the same for the first two.
Clawback = Literal["deficit", "negative", "floor"]


@dataclass(frozen=True, slots=True)
class Basis:
    """What of an order earns. `tax`: as the shop prices (included or not), always with, always without.

    Gift-card lines never earn; that is a law and not a switch.
    """

    tax: Literal["as_priced", "with", "without"] = "as_priced"
    shipping: bool = False
    tips: bool = False
    duties: bool = False


@dataclass(frozen=True, slots=True)
class EarningRule:
    """Points per amount of money, as a whole-number fraction. `key` names the rule in source keys."""

    rate: Rate
    key: str = "purchase"


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of the ladder: entered at `threshold` points earned from orders of the last `months` months."""

    key: str
    name: str
    threshold: int
    multiplier: Ratio = Ratio()


@dataclass(frozen=True, slots=True)
class Reward:
    """Something points buy. amount_off takes `value_minor` off the order; free_shipping covers up to it, if set.

    `name`: the merchant's own words; empty, each reader says it from kind and value in their language.
    """

    key: str
    kind: Literal["amount_off", "free_shipping"]
    name: str
    points: int
    value_minor: int | None = None
    minimum_minor: int | None = None
    valid_days: int = 90


@dataclass(frozen=True, slots=True)
class Survey:
    """When the NPS question falls due after the last parcel, and until when it may be answered."""

    enabled: bool = True
    delay_days: int = 2
    valid_days: int = 30


@dataclass(frozen=True, slots=True)
class Programme:
    """One published version. Days and months are calendar units in UTC; money is in `currency`'s minor units."""

    version: int
    currency: str
    earning: tuple[EarningRule, ...]
    membership: Literal["all", "joined", "tag"] = "joined"
    membership_tag: str | None = None
    signup_points: int = 0
    basis: Basis = Basis()
    rounding: Rounding = "floor"
    return_window_days: int = 14
    no_delivery_days: int = 21
    expiry_months: int | None = 24
    tier_months: int = 12
    tiers: tuple[Tier, ...] = ()
    rewards: tuple[Reward, ...] = ()
    clawback: Clawback = "deficit"
    return_spent_points: bool = True
    code_prefix: str = "REG"
    survey: Survey = Survey()
    holdout_percent: int = 0
    texts: dict[str, dict[str, str]] = field(default_factory=dict)

    def tier(self, key: str | None) -> Tier | None:
        """The tier of that key, or None."""
        return next((tier for tier in self.tiers if tier.key == key), None)

    def reward(self, key: str) -> Reward | None:
        """The reward of that key, or None."""
        return next((reward for reward in self.rewards if reward.key == key), None)


def shown_balance(programme: Programme | None, available: int, owed: int) -> int:
    """What a shopper reads as their balance: below zero only where the programme shows what is owed (design 10.13)."""
    return available - owed if programme is not None and programme.clawback == "negative" else available


MAX_POINTS = 1_000_000_000


def problems(programme: Programme) -> list[tuple[str, str]]:
    """Everything wrong with a programme as (field, sentence that says what to do); empty when it may be published."""
    found: list[tuple[str, str]] = []

    def check(ok: bool, where: str, sentence: str) -> None:
        if not ok:
            found.append((where, sentence))

    check(len(programme.currency) == 3, "currency", "Give the shop's currency as three letters, such as CHF.")
    keys = [rule.key for rule in programme.earning]
    check(len(keys) == len(set(keys)), "earning", "Give every earning rule a key of its own.")
    for i, rule in enumerate(programme.earning):
        check(rule.key.isidentifier(), f"earning.{i}.key", "Use letters, digits and _ for the key.")
        check(0 <= rule.rate.points <= MAX_POINTS, f"earning.{i}.rate", "Points must be 0 or more.")
        check(0 < rule.rate.per_minor <= MAX_POINTS, f"earning.{i}.rate", "The amount must be more than 0.")
    check(0 <= programme.signup_points <= MAX_POINTS, "signup_points", "Points must be 0 or more.")
    check(0 <= programme.return_window_days <= 365, "return_window_days", "Choose 0 to 365 days.")
    check(0 <= programme.no_delivery_days <= 365, "no_delivery_days", "Choose 0 to 365 days.")
    check(
        programme.expiry_months is None or 1 <= programme.expiry_months <= 120,
        "expiry_months",
        "Choose 1 to 120 months, or no expiry.",
    )
    check(1 <= programme.tier_months <= 120, "tier_months", "Choose 1 to 120 months.")
    check(
        programme.membership != "tag" or bool(programme.membership_tag),
        "membership_tag",
        "Name the customer tag that makes a member.",
    )
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
    reward_keys = [reward.key for reward in programme.rewards]
    check(len(reward_keys) == len(set(reward_keys)), "rewards", "Give every reward a key of its own.")
    for i, reward in enumerate(programme.rewards):
        check(0 < reward.points <= MAX_POINTS, f"rewards.{i}.points", "A reward must cost at least 1 point.")
        check(
            reward.kind != "amount_off" or (reward.value_minor or 0) > 0,
            f"rewards.{i}.value_minor",
            "Say how much the reward takes off.",
        )
        check(1 <= reward.valid_days <= 3650, f"rewards.{i}.valid_days", "Choose 1 to 3650 days.")
    check(
        programme.code_prefix.isascii()
        and programme.code_prefix.isalnum()
        and 2 <= len(programme.code_prefix) <= 12,
        "code_prefix",
        "Use 2 to 12 letters or digits.",
    )
    check(0 <= programme.holdout_percent <= 50, "holdout_percent", "Choose 0 to 50 percent.")
    check(0 <= programme.survey.delay_days <= 365, "survey.delay_days", "Choose 0 to 365 days.")
    check(1 <= programme.survey.valid_days <= 365, "survey.valid_days", "Choose 1 to 365 days.")
    return found


def first_programme(currency: str, minor_per_unit: int) -> Programme:
    """What a new shop starts with: 1 point per unit of money, 50 for joining, three tiers, four rewards.

    Every reward that takes money off gives back about 5 %, and the points for joining buy the cheapest at once. Where
    money has no decimals, a unit is a hundred: nobody counts a yen.
    """
    unit = max(minor_per_unit, 100)
    return Programme(
        version=1,
        currency=currency,
        earning=(EarningRule(Rate(1, unit)),),
        signup_points=50,
        tiers=(
            Tier("bronze", "Bronze", 0),
            Tier("silver", "Silver", 500, Ratio(5, 4)),
            Tier("gold", "Gold", 1500, Ratio(3, 2)),
        ),
        rewards=(
            # Joining costs the merchant at most this, and only with an order of four times as much.
            Reward("welcome_off", "amount_off", "", 50, value_minor=5 * unit // 2, minimum_minor=10 * unit),
            Reward("five_off", "amount_off", "", 100, value_minor=5 * unit),
            Reward("free_shipping", "free_shipping", "", 150),
            Reward("twenty_off", "amount_off", "", 350, value_minor=20 * unit, minimum_minor=40 * unit),
        ),
    )
