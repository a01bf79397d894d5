"""The chapter on rewards: what points buy, for whom, how often, and what its code may be used for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from plugin.domain.programme.check import MAX_POINTS, Problem, checking
from plugin.domain.values import minor

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.domain.programme.document import Programme

RewardKind = Literal[
    "amount_off", "percent_off", "free_shipping", "product", "gift_card", "store_credit", "manual"
]
# A code of these takes money off at the checkout; the others are money itself, or a thing the merchant hands over.
CODES = ("amount_off", "percent_off", "free_shipping", "product")
MONEY = ("amount_off", "gift_card", "store_credit")
CLASSES = ("order", "product", "shipping")
MAX_ITEMS = 100


@dataclass(frozen=True, slots=True)
class Reward:
    """Something points buy. `name`: the merchant's words; empty, each reader says it from kind and value.

    `value_minor`: what amount_off, gift_card and store_credit are worth; the most that free_shipping and percent_off
    cover. `products`, `collections`: what a code takes money off, empty for all; for `product` what is given.
    `step_points` above 0 makes an amount of any size: `points` is the least, `max_points` the most.
    `prices`: amounts of other currencies, such as "EUR 9.50", given as they stand and never converted.
    `combines` None: as usual for the kind. `stock` and `member_limit` count what was bought and not given back.
    """

    key: str
    kind: RewardKind
    name: str
    points: int
    value_minor: int | None = None
    minimum_minor: int | None = None
    valid_days: int = 90
    percent: int = 0
    products: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    buys_products: tuple[str, ...] = ()
    buys_collections: tuple[str, ...] = ()
    buys_minor: int | None = None
    step_points: int = 0
    step_minor: int = 0
    max_points: int = 0
    prices: tuple[str, ...] = ()
    stock: int | None = None
    member_limit: int | None = None
    limit_days: int | None = None
    purchases: Literal["one_time", "subscription", "both"] = "one_time"
    combines: tuple[str, ...] | None = None
    tiers: tuple[str, ...] = ()
    for_sale: bool = True
    # Of a redemption, never of a programme: the currency that was chosen, and what a capped percentage came to.
    currency: str = ""
    exact_minor: int | None = None


def combines_with(reward: Reward) -> frozenset[str]:
    """The classes of discounts beside which the reward's code may be used."""
    if reward.combines is not None:
        return frozenset(reward.combines) & frozenset(CLASSES)
    # Beside a sale price or free shipping, but never two amounts off one order; two shipping discounts never combine.
    return frozenset({"order", "product"} if reward.kind == "free_shipping" else {"product", "shipping"})


def market_prices(reward: Reward) -> dict[str, int]:
    """Minor units by currency. Raises ValueError for what is no currency with an amount."""
    found = {}
    for said in reward.prices:
        match = re.fullmatch(r"([A-Z]{3}) ([0-9]{1,9}(?:\.[0-9]{1,3})?)", said)
        if match is None:
            raise ValueError(said)
        found[match[1]] = minor(match[2], match[1])
    return found


def problems_of_rewards(programme: Programme) -> list[Problem]:
    """What is wrong with the rewards and their codes."""
    found, check = checking()
    reward_keys = [reward.key for reward in programme.rewards]
    check(len(reward_keys) == len(set(reward_keys)), "rewards", "Give every reward a key of its own.")
    for i, reward in enumerate(programme.rewards):
        _value(reward, f"rewards.{i}", check)
        _things(reward, f"rewards.{i}", check)
        _reach(reward, f"rewards.{i}", programme, check)
    prefix = programme.code_prefix
    check(
        prefix.isascii() and prefix.isalnum() and 2 <= len(prefix) <= 12,
        "code_prefix",
        "Use 2 to 12 letters or digits.",
    )
    check(0 <= programme.code_reminder_days <= 365, "code_reminder_days", "Choose 0 to 365 days; 0 for none.")
    return found


def _value(reward: Reward, at: str, check: Callable[[bool, str, str], None]) -> None:
    """What it costs and what it is worth."""
    check(0 < reward.points <= MAX_POINTS, f"{at}.points", "A reward must cost at least 1 point.")
    if reward.kind in MONEY and not reward.step_points:
        said = (
            "Say how much the reward takes off." if reward.kind == "amount_off" else "Say what it is worth."
        )
        check((reward.value_minor or 0) > 0, f"{at}.value_minor", said)
    elif reward.value_minor is not None:
        check(reward.value_minor > 0, f"{at}.value_minor", "Choose more than 0.")
    if reward.kind in ("percent_off", "product"):
        check(1 <= reward.percent <= 100, f"{at}.percent", "Choose 1 to 100 percent.")
    check(reward.step_points >= 0, f"{at}.step_points", "Choose 0 or more points.")
    if reward.step_points > 0:
        check(
            reward.kind in MONEY,
            f"{at}.step_points",
            "Only an amount off, a gift card and store credit can be of any amount.",
        )
        check(reward.step_minor > 0, f"{at}.step_minor", "Say what each step is worth.")
        check(
            reward.points % reward.step_points == 0, f"{at}.points", "Make the least a whole number of steps."
        )
        check(
            reward.points <= reward.max_points <= MAX_POINTS and reward.max_points % reward.step_points == 0,
            f"{at}.max_points",
            "Make the most a whole number of steps, and no less than what it costs at least.",
        )
    try:
        prices = market_prices(reward)
    except ValueError:
        prices = {}
        check(False, f"{at}.prices", "Write a currency and an amount, such as EUR 9.50, with commas between.")
    check(all(value > 0 for value in prices.values()), f"{at}.prices", "Every amount must be more than 0.")
    check(len(prices) == len(reward.prices), f"{at}.prices", "Name every currency once.")
    check(
        not reward.prices or (reward.kind in ("gift_card", "store_credit") and not reward.step_points),
        f"{at}.prices",
        "Shopify converts the amount of a code by itself; only a fixed gift card or store credit can be in another.",
    )
    check(1 <= reward.valid_days <= 3650, f"{at}.valid_days", "Choose 1 to 3650 days.")


def _things(reward: Reward, at: str, check: Callable[[bool, str, str], None]) -> None:
    """Which products and collections its code is about."""
    for name in ("products", "collections", "buys_products", "buys_collections"):
        ids = getattr(reward, name)
        fits = len(ids) <= MAX_ITEMS and all(re.fullmatch(r"[1-9][0-9]{0,18}", one) for one in ids)
        check(fits, f"{at}.{name}", f"Give the numbers as in Shopify's addresses, {MAX_ITEMS} at most.")
    check(
        not (reward.products and reward.collections),
        f"{at}.collections",
        "Choose products or collections: Shopify does not take both in one code.",
    )
    check(
        not (reward.buys_products and reward.buys_collections),
        f"{at}.buys_collections",
        "Choose products or collections: Shopify does not take both in one code.",
    )
    if reward.kind == "product":
        check(bool(reward.products or reward.collections), f"{at}.products", "Say which product is given.")
        check(
            bool(reward.buys_products or reward.buys_collections),
            f"{at}.buys_products",
            "Say what has to be bought for it. To give a product with any order, choose an amount off of its price.",
        )
        check(
            reward.minimum_minor is None,
            f"{at}.minimum_minor",
            "Say under “Bought for at least” how much must be bought.",
        )
    scoped = reward.products or reward.collections
    check(
        not scoped or reward.kind in ("amount_off", "percent_off", "product"),
        f"{at}.products",
        "Only an amount, a percentage and a product can be of some products.",
    )


def _reach(reward: Reward, at: str, programme: Programme, check: Callable[[bool, str, str], None]) -> None:
    """Who can have it, how often, and beside what."""
    check(reward.stock is None or reward.stock >= 0, f"{at}.stock", "Choose 0 or more, or leave it empty.")
    check(
        reward.member_limit is None or 1 <= reward.member_limit <= 1000,
        f"{at}.member_limit",
        "Choose 1 to 1000, or leave it empty.",
    )
    check(
        reward.limit_days is None or 1 <= reward.limit_days <= 3650,
        f"{at}.limit_days",
        "Choose 1 to 3650 days, or leave it empty for ever.",
    )
    tiers = {tier.key for tier in programme.tiers}
    check(set(reward.tiers) <= tiers, f"{at}.tiers", "Name tiers of this programme by their keys.")
    wanted = set(reward.combines or ())
    check(
        wanted <= {*CLASSES, "none"},
        f"{at}.combines",
        "Write order, product, shipping or none, with commas between; empty for what is usual.",
    )
    check(
        not (reward.kind == "free_shipping" and "shipping" in wanted),
        f"{at}.combines",
        "Two shipping discounts never combine; leave shipping out.",
    )
    check(not reward.currency, f"{at}.prices", "State amounts of other currencies as prices.")
    check(reward.exact_minor is None, f"{at}.value_minor", "Leave the exact amount to the redemption.")
