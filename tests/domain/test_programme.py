"""A programme's validation: every problem can happen, and what a new shop starts with has none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.domain import reward_names
from plugin.domain.programme import (
    EarningRule,
    Programme,
    Reward,
    Survey,
    Tier,
    first_programme,
    problems,
    shown_balance,
)
from plugin.domain.rewards import shortfall
from plugin.domain.values import Rate, Ratio
from tests.facts import programme

TOO_MUCH = 10**9 + 1
BRONZE = Tier("bronze", "Bronze", 0)
GOOD = Reward("five_off", "amount_off", "5 off", 100, value_minor=500)
RULE = EarningRule(Rate(1, 100))

EVERY: list[tuple[dict[str, Any], str]] = [
    ({"currency": "FRANC"}, "currency"),
    ({"earning": (RULE, RULE)}, "earning"),
    ({"earning": (replace(RULE, key="per order"),)}, "earning.0.key"),
    ({"earning": (replace(RULE, rate=Rate(-1, 100)),)}, "earning.0.rate"),
    ({"earning": (replace(RULE, rate=Rate(TOO_MUCH, 100)),)}, "earning.0.rate"),
    ({"earning": (replace(RULE, rate=Rate(1, 0)),)}, "earning.0.rate"),
    ({"earning": (RULE, replace(RULE, key="b", rate=Rate(1, -5)))}, "earning.1.rate"),
    ({"signup_points": -1}, "signup_points"),
    ({"signup_points": TOO_MUCH}, "signup_points"),
    ({"return_window_days": -1}, "return_window_days"),
    ({"return_window_days": 366}, "return_window_days"),
    ({"no_delivery_days": 366}, "no_delivery_days"),
    ({"expiry_months": 0}, "expiry_months"),
    ({"expiry_months": 121}, "expiry_months"),
    ({"tier_months": 0}, "tier_months"),
    ({"membership": "tag"}, "membership_tag"),
    ({"tiers": (BRONZE, Tier("a", "A", 500), Tier("b", "B", 500))}, "tiers"),
    ({"tiers": (BRONZE, Tier("a", "A", 900), Tier("b", "B", 500))}, "tiers"),
    ({"tiers": (Tier("a", "A", 100),)}, "tiers"),
    ({"tiers": (BRONZE, Tier("bronze", "Again", 100))}, "tiers"),
    ({"tiers": (replace(BRONZE, multiplier=Ratio(1, 0)),)}, "tiers.0.multiplier"),
    ({"tiers": (replace(BRONZE, multiplier=Ratio(-1, 2)),)}, "tiers.0.multiplier"),
    ({"tiers": (replace(BRONZE, multiplier=Ratio(101, 1)),)}, "tiers.0.multiplier"),
    ({"rewards": (GOOD, GOOD)}, "rewards"),
    ({"rewards": (replace(GOOD, points=0),)}, "rewards.0.points"),
    ({"rewards": (replace(GOOD, value_minor=None),)}, "rewards.0.value_minor"),
    ({"rewards": (replace(GOOD, value_minor=0),)}, "rewards.0.value_minor"),
    ({"rewards": (replace(GOOD, valid_days=0),)}, "rewards.0.valid_days"),
    ({"code_prefix": "R"}, "code_prefix"),
    ({"code_prefix": "RÉG"}, "code_prefix"),
    ({"code_prefix": "RE-G"}, "code_prefix"),
    ({"code_prefix": "X" * 13}, "code_prefix"),
    ({"holdout_percent": 51}, "holdout_percent"),
    ({"survey": Survey(delay_days=-1)}, "survey.delay_days"),
    ({"survey": Survey(valid_days=0)}, "survey.valid_days"),
]


@pytest.mark.parametrize(("wrong", "where"), EVERY)
def test_every_problem_is_found_and_says_what_to_do(wrong: dict[str, Any], where: str) -> None:
    found = problems(programme(**wrong))
    assert [field for field, _ in found] == [where]
    assert all(text[0].isupper() and text.endswith(".") for _, text in found)


def test_all_problems_are_told_at_once() -> None:
    found = problems(programme(currency="", tier_months=0, code_prefix=""))
    assert [field for field, _ in found] == ["currency", "tier_months", "code_prefix"]


@pytest.mark.parametrize(
    "fine",
    [
        {},
        {"tiers": ()},
        {"rewards": ()},
        {"expiry_months": None},
        {"membership": "tag", "membership_tag": "vip"},
        {"membership": "all"},
        {"rewards": (Reward("ship", "free_shipping", "Free shipping", 1),)},
        {"earning": (replace(RULE, rate=Rate(0, 1)),)},
        {"return_window_days": 0, "no_delivery_days": 0},
    ],
)
def test_what_may_be_published(fine: dict[str, Any]) -> None:
    assert problems(programme(**fine)) == []


@pytest.mark.parametrize(
    ("currency", "per_unit", "cheapest"), [("CHF", 100, 250), ("JPY", 1, 250), ("KWD", 1000, 2500)]
)
def test_a_new_shop_starts_well(currency: str, per_unit: int, cheapest: int) -> None:
    first = first_programme(currency, per_unit)
    assert problems(first) == []
    assert first.earning[0].rate == Rate(1, max(per_unit, 100))
    assert (first.signup_points, first.return_window_days, len(first.tiers)) == (50, 14, 3)
    # 5 % back, at most a quarter of the order for having joined; whole minor units in every currency.
    assert [(one.points, one.value_minor, one.minimum_minor) for one in first.rewards if one.value_minor] == [
        (50, cheapest, 4 * cheapest), (100, 2 * cheapest, None), (350, 8 * cheapest, 16 * cheapest),
    ]  # fmt: skip
    assert {reward.kind for reward in first.rewards} == {"amount_off", "free_shipping"}


@pytest.mark.parametrize(("currency", "per_unit"), [("CHF", 100), ("JPY", 1), ("KWD", 1000)])
def test_sign_up_points_buy_the_cheapest_reward(currency: str, per_unit: int) -> None:
    first = first_programme(currency, per_unit)
    assert shortfall(min(first.rewards, key=lambda one: one.points), first.signup_points) == 0


@pytest.mark.parametrize(
    ("reward", "currency", "title"),
    [
        (replace(GOOD, name="Tea for two"), "CHF", "Tea for two"),
        (replace(GOOD, name=""), "CHF", "CHF 5 off"),
        (replace(GOOD, name="", value_minor=250), "CHF", "CHF 2.50 off"),
        (replace(GOOD, name="", value_minor=250), "JPY", "JPY 250 off"),
        (replace(GOOD, name="", value_minor=2500), "KWD", "KWD 2.500 off"),
        (Reward("ship", "free_shipping", "", 150), "CHF", "Free shipping"),
    ],
)
def test_a_reward_without_a_name_is_named_by_what_it_gives(reward: Reward, currency: str, title: str) -> None:
    assert reward_names.name_of(reward, currency) == title


@pytest.mark.parametrize(
    ("rules", "balance"),
    [
        (None, 20),
        (programme(), 20),
        (programme(clawback="floor"), 20),
        (programme(clawback="negative"), -10),
    ],
)
def test_only_one_policy_shows_what_is_owed_below_zero(rules: Programme | None, balance: int) -> None:
    assert shown_balance(rules, 20, 30) == balance
