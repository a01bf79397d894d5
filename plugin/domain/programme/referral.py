"""The chapter on referrals: what a friend and whoever sent them get, when, how often, and what looks like abuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from plugin.domain.programme.check import MAX_POINTS, Problem, checking
from plugin.domain.programme.rewards import Reward

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme

CapPeriod = Literal["month", "year", "ever"]
MAX_SCORE = 1000


@dataclass(frozen=True, slots=True)
class Checks:
    """What each sign of abuse adds to the score of a referral; 0 switches a check off.

    `network` and `device` count once `network_limit` or `device_limit` of the others around the same referrer were
    seen there; `cancelled` once `cancelled_limit` of the referrer's orders were cancelled or sent back.
    """

    same_customer: int = 100
    same_email: int = 100
    same_phone: int = 60
    same_address: int = 50
    device: int = 60
    network: int = 30
    prior_purchase: int = 100
    cancelled: int = 40
    device_limit: int = 1
    network_limit: int = 3
    cancelled_limit: int = 3


@dataclass(frozen=True, slots=True)
class Referral:
    """Who sends a friend gets `points` or `reward` once the friend's order has stood for `delay_days` after arriving.

    `delay_days` None: as long as the return window. `friend`: what the code in the link takes off the friend's order.
    `minimum_minor`: the least that the order must be worth. `cap`: at most so many per referrer and period.
    A score of `review_score` waits for a person, one of `reject_score` is refused until a person says otherwise.
    """

    enabled: bool = False
    friend: Reward = Reward("friend", "amount_off", "", 0, value_minor=None)
    points: int = 0
    reward: str | None = None
    minimum_minor: int = 0
    delay_days: int | None = None
    cap: int | None = 20
    cap_period: CapPeriod = "year"
    review_score: int = 50
    reject_score: int = 100
    checks: Checks = Checks()


def problems_of_referral(programme: Programme) -> list[Problem]:
    """What is wrong with referrals; nothing while they are off."""
    found, check = checking()
    rule = programme.referral
    if not rule.enabled:
        return found
    friend = rule.friend
    check(
        friend.kind in ("amount_off", "percent_off", "free_shipping"),
        "referral.friend.kind",
        "Give the friend an amount off, a percentage off or free shipping.",
    )
    check(
        friend.kind != "amount_off" or (friend.value_minor or 0) > 0,
        "referral.friend.value_minor",
        "Say how much the friend's code takes off.",
    )
    check(
        friend.kind != "percent_off" or (1 <= friend.percent <= 100 and not friend.value_minor),
        "referral.friend.percent",
        "Choose 1 to 100 percent, and leave the amount empty.",
    )
    check(
        (friend.value_minor or 0) >= 0 and (friend.minimum_minor or 0) >= 0,
        "referral.friend.minimum_minor",
        "An amount must not be below zero.",
    )
    check(0 <= rule.points <= MAX_POINTS, "referral.points", "Points must be 0 or more.")
    keys = [reward.key for reward in programme.rewards]
    check(
        not (rule.points and rule.reward),
        "referral.points",
        "Give points or a reward: one of the two, not both.",
    )
    check(
        rule.reward is None or rule.reward in keys,
        "referral.reward",
        f"There is no such reward. This programme has: {', '.join(keys) or 'none'}.",
    )
    check(
        0 <= rule.minimum_minor <= 10**12,
        "referral.minimum_minor",
        "The least order must be worth 0 or more.",
    )
    check(
        rule.delay_days is None or 0 <= rule.delay_days <= 365, "referral.delay_days", "Choose 0 to 365 days."
    )
    check(rule.cap is None or 1 <= rule.cap <= 10_000, "referral.cap", "Choose 1 to 10000 referrals.")
    check(1 <= rule.review_score <= MAX_SCORE, "referral.review_score", f"Choose 1 to {MAX_SCORE}.")
    check(
        rule.review_score <= rule.reject_score <= MAX_SCORE,
        "referral.reject_score",
        f"Choose from the score that asks for a look up to {MAX_SCORE}.",
    )
    for name in (
        "same_customer", "same_email", "same_phone", "same_address", "device", "network", "prior_purchase",
        "cancelled",
    ):  # fmt: skip
        score = getattr(rule.checks, name)
        check(0 <= score <= MAX_SCORE, f"referral.checks.{name}", f"Choose 0 to {MAX_SCORE}; 0 is off.")
    for name in ("device_limit", "network_limit", "cancelled_limit"):
        limit = getattr(rule.checks, name)
        check(1 <= limit <= 1000, f"referral.checks.{name}", "Choose 1 to 1000.")
    return found
