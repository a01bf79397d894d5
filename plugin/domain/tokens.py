"""The access token of a shop as it is kept: when it is fresh, when it must be renewed, when nothing helps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal["offline_expiring", "offline"]

# Renewed this long before it ends, so that a call which waits for its turn still carries a living token.
RENEW_BEFORE = timedelta(minutes=2)
# Used this close to its end only when renewing did not work.
LAST_USE = timedelta(seconds=15)
# The platform forgets an app that did not renew for 90 days; an idle shop is renewed weekly.
IDLE_RENEWAL = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SealedToken:
    """One shop's token as stored: both secrets encrypted, the times plain.

    `refreshed_at` is also its version: every new token has a later one, so that an old answer never
    overwrites a newer one.
    """

    kind: Kind
    access: bytes = field(repr=False)
    refresh: bytes | None = field(repr=False)
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    scopes: str
    refreshed_at: datetime


def fresh(token: SealedToken, now: datetime) -> bool:
    """True when the access token serves without renewal."""
    return token.expires_at is None or token.expires_at - now > RENEW_BEFORE


def usable(token: SealedToken, now: datetime) -> bool:
    """True while the access token may still be used when renewing fails."""
    return token.expires_at is None or token.expires_at - now > LAST_USE


def renewable(token: SealedToken, now: datetime) -> bool:
    """True when a refresh token is there and has not run out."""
    return token.refresh is not None and (token.refresh_expires_at is None or token.refresh_expires_at > now)
