"""Lots: credits that are not used up, when they may be spent, when they end, and which goes first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lot:
    """A credit that is not used up. `available_at` None: pending, and nobody can say until when.

    `expires_at` is when it runs out. `own_expires_at` is what it was promised when it was posted, before a rule on
    whole balances has its say; `kept_until` is how long it stays whatever the rule says.
    """

    lot_id: int
    member_id: int
    points: int
    remaining: int
    available_at: datetime | None
    expires_at: datetime | None
    order_id: int | None = None
    own_expires_at: datetime | None = None
    kept_until: datetime | None = None


def is_available(lot: Lot, now: datetime) -> bool:
    """Whether the lot's points can be spent at `now`: a late clock changes nothing."""
    return (
        lot.remaining > 0
        and lot.available_at is not None
        and lot.available_at <= now
        and (lot.expires_at is None or lot.expires_at > now)
    )


def is_pending(lot: Lot, now: datetime) -> bool:
    """Whether the lot's points are earned but not to be spent yet."""
    return lot.remaining > 0 and (lot.available_at is None or lot.available_at > now)


def kept(ends: datetime | None, until: datetime | None) -> datetime | None:
    """An end that is no sooner than a moment; what never ends stays so."""
    return ends if ends is None or until is None else max(ends, until)


def spend_order(lot: Lot) -> tuple[bool, datetime, bool, datetime, int]:
    """What is spent first sorts first."""
    # Soonest to expire first; lots without an expiry, then lots without a date, last.
    expires, available = lot.expires_at, lot.available_at
    return (expires is None, expires or _NEVER, available is None, available or _NEVER, lot.lot_id)
