"""The chapter on rewards: what points buy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from plugin.domain.programme.check import MAX_POINTS, Problem, checking

if TYPE_CHECKING:
    from plugin.domain.programme.document import Programme


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
    tiers: tuple[str, ...] = ()  # only for members of these tiers; empty for all


def problems_of_rewards(programme: Programme) -> list[Problem]:
    """What is wrong with the rewards and their codes."""
    found, check = checking()
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
    return found
