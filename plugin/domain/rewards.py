"""Rewards: what a member can redeem, what comes back when an order with the code is refunded."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.domain.ledger import Lot
from plugin.domain.programme import Reward

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that can be misread or mistyped
RETURN_MINIMUM_DAYS = 30


def shortfall(reward: Reward, available: int) -> int:
    """How many points are missing for the reward; 0 when it can be had now."""
    return max(0, reward.points - available)


def return_target(points: int, refunded: int, ordered: int) -> int:
    """Points that should have come back for a used code: floor(points × refunded share) (design 10.17)."""
    return 0 if ordered <= 0 else points * min(refunded, ordered) // ordered


def return_expiry(taken_from: list[Lot], now: datetime) -> datetime | None:
    """The expiry of returned points: the latest of the lots they came from, but at least 30 days from now."""
    expiries = [lot.expires_at for lot in taken_from]
    if not expiries or any(moment is None for moment in expiries):
        return None
    latest = max(moment for moment in expiries if moment is not None)
    return max(latest, now + timedelta(days=RETURN_MINIMUM_DAYS))
