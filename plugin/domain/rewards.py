"""Rewards: what a member can redeem, what comes back when an order with the code is refunded."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.domain.ledger import Lot
from plugin.domain.programme import Reward
from plugin.domain.values import decimal_text

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that can be misread or mistyped
RETURN_MINIMUM_DAYS = 30


def shortfall(reward: Reward, available: int) -> int:
    """How many points are missing for the reward; 0 when it can be had now."""
    return max(0, reward.points - available)


def title(reward: Reward, currency: str) -> str:
    """The reward's name for the merchant: their own, or one made from kind and value, such as "CHF 5 off"."""
    if reward.name:
        return reward.name
    if reward.kind == "free_shipping":
        return "Free shipping"
    amount = decimal_text(reward.value_minor or 0, currency)
    whole, _, cents = amount.partition(".")
    return f"{currency} {amount if cents.strip('0') else whole} off"


def told(reward: Reward, currency: str) -> dict[str, object]:
    """What an entry keeps about a reward, so that the history can name it when the programme no longer has it."""
    if reward.name:
        return {"reward": reward.key, "name": reward.name}
    return {
        "reward": reward.key,
        "name": None,
        "kind": reward.kind,
        "value_minor": reward.value_minor,
        "currency": currency,
    }


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
