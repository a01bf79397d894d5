"""Rewards: what a member can redeem, what comes back when an order with the code is refunded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.domain.ledger import Lot
from plugin.domain.programme import Reward, market_prices

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that can be misread or mistyped
RETURN_MINIMUM_DAYS = 30


def shortfall(reward: Reward, available: int) -> int:
    """How many points are missing for the reward; 0 when it can be had now."""
    return max(0, reward.points - available)


@dataclass(frozen=True, slots=True)
class Reach:
    """What decides whether a member can have a reward now, besides the reward itself."""

    available: int
    tier: str | None = None
    given_out: int = 0
    had: int = 0


def out_of_reach(reward: Reward, reach: Reach) -> str | None:
    """Why the reward cannot be had now: not_for_sale, wrong_tier, out_of_stock, limit_reached, not_enough_points."""
    if not reward.for_sale:
        return "not_for_sale"
    if reward.tiers and reach.tier not in reward.tiers:
        return "wrong_tier"
    if sold_out(reward, reach.given_out):
        return "out_of_stock"
    if reward.member_limit is not None and reach.had >= reward.member_limit:
        return "limit_reached"
    return "not_enough_points" if shortfall(reward, reach.available) else None


def sold_out(reward: Reward, given_out: int) -> bool:
    """Whether the last one is gone."""
    return reward.stock is not None and given_out >= reward.stock


def counts(rewards: Iterable[Reward]) -> bool:
    """Whether anything of these has to be counted to know who can have it."""
    return any(reward.stock is not None or reward.member_limit is not None for reward in rewards)


def chosen(
    reward: Reward, points: int | None, currency: str | None, basket_minor: int | None
) -> Reward | str:
    """The reward as this wish makes it, with one price and one value; or why it cannot be so.

    `points`: how many to spend on one of any amount. `currency`: another than the shop's, where the merchant states it.
    `basket_minor`: what the shopper has in the basket, for a percentage with a most. Reasons: points_not_offered,
    currency_not_offered.
    """
    reward = _in_steps(reward) if points is None else _for_points(reward, points)
    if points is not None and reward.points != points:
        return "points_not_offered"
    if currency and currency != reward.currency:
        prices = market_prices(reward)
        if currency not in prices:
            return "currency_not_offered"
        reward = replace(reward, currency=currency, value_minor=prices[currency])
    return replace(capped(reward, basket_minor), prices=())


def _in_steps(reward: Reward) -> Reward:
    return _for_points(reward, reward.points) if reward.step_points else reward


def _for_points(reward: Reward, points: int) -> Reward:
    fits = reward.step_points > 0 and points % reward.step_points == 0
    if not fits or not reward.points <= points <= reward.max_points:
        return reward
    return replace(
        reward, points=points, value_minor=points // reward.step_points * reward.step_minor, step_points=0
    )


def capped(reward: Reward, basket_minor: int | None = None) -> Reward:
    """A percentage with a most, as the one amount and minimum that Shopify can keep: it knows no cap of its own.

    For a known basket its percentage, from that basket upwards; otherwise the most, from where the percentage reaches
    it. So no order ever gets more than the percentage, nor more than the most.
    """
    if reward.kind != "percent_off" or not reward.value_minor:
        return reward
    exact, least = reward.value_minor, -(-reward.value_minor * 100 // reward.percent)
    if basket_minor is not None and 0 < basket_minor < least and basket_minor * reward.percent >= 100:
        exact, least = basket_minor * reward.percent // 100, basket_minor
    return replace(reward, exact_minor=exact, minimum_minor=max(least, reward.minimum_minor or 0))


def rungs(reward: Reward, balance: int | None) -> list[Reward]:
    """What a list shows of a reward: itself; of any amount the least and the most in reach; one for each currency.

    A rung's key is a wish: `any:300` spends 300 points, `card@EUR` asks for euros.
    """
    shown = [capped(_in_steps(reward))]
    if reward.step_points and balance is not None:
        most = min(balance, reward.max_points) // reward.step_points * reward.step_points
        if most > reward.points:
            shown.append(replace(_for_points(reward, most), key=f"{reward.key}:{most}"))
    for currency, value in market_prices(reward).items():
        shown.append(replace(shown[0], key=f"{reward.key}@{currency}", currency=currency, value_minor=value))
    return shown


def wish(text: str) -> tuple[str, int | None, str | None]:
    """Key, points and currency of a wish such as five_off, any:300 or card@EUR."""
    key, _, currency = text.partition("@")
    key, _, points = key.partition(":")
    return (
        key,
        int(points) if points.isascii() and points.isdigit() and len(points) < 11 else None,
        currency or None,
    )


def return_target(points: int, refunded: int, ordered: int) -> int:
    """Points that should have come back for a used code: floor(points × refunded share) (design 10.17)."""
    return 0 if ordered <= 0 else points * min(refunded, ordered) // ordered


def return_dates(taken_from: list[Lot], now: datetime) -> tuple[datetime, datetime | None, datetime]:
    """(opened, own expiry, kept until) of returned points: the latest of the lots they came from, and open by now.

    They are kept at least 30 days. An old opening tells a rule on inactivity that nothing new was earned.
    """
    opened = min(now, max((lot.available_at for lot in taken_from if lot.available_at), default=now))
    kept = max(
        [now + timedelta(days=RETURN_MINIMUM_DAYS), *(lot.kept_until for lot in taken_from if lot.kept_until)]
    )
    expiries = [lot.own_expires_at for lot in taken_from]
    if not expiries or any(moment is None for moment in expiries):
        return opened, None, kept
    return opened, max(moment for moment in expiries if moment is not None), kept


def unspent_points(points: int, returned: int, unspent_minor: int, value_minor: int) -> int:
    """Points that come back for a gift card: the unspent share of them, rounded down (design 10.17)."""
    return max(0, points * min(unspent_minor, value_minor) // max(1, value_minor) - returned)
