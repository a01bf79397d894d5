"""Pauses: stretches of time in which a shop's earning, redeeming or messages stand still, so that late news agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

What = Literal["earning", "redeeming", "messages"]


@dataclass(frozen=True, slots=True)
class Pause:
    """One stretch, from `since` up to but without `until`; `until` None: it goes on. `by` is who stopped."""

    what: What
    since: datetime
    until: datetime | None
    by: str


def paused(pauses: Iterable[Pause], what: What, at: datetime) -> bool:
    """Whether `what` stands still at that moment."""
    return any(
        pause.what == what and pause.since <= at and (pause.until is None or at < pause.until)
        for pause in pauses
    )


def begun(pauses: tuple[Pause, ...], what: What, now: datetime, by: str) -> tuple[Pause, ...]:
    """The pauses with one more that begins now; unchanged where it stands still already."""
    return pauses if paused(pauses, what, now) else (*pauses, Pause(what, now, None, by))


def ended(pauses: tuple[Pause, ...], what: What, now: datetime) -> tuple[Pause, ...]:
    """The pauses with that one ended now."""
    return tuple(
        Pause(pause.what, pause.since, now, pause.by) if pause.what == what and pause.until is None else pause
        for pause in pauses
    )
