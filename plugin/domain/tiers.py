"""Tiers: which step of the ladder a member stands on, reviewed by the clock and never backdated."""

from __future__ import annotations

from datetime import datetime

from plugin.domain.programme import Programme, Tier
from plugin.domain.values import months_later


def window_start(programme: Programme, now: datetime) -> datetime:
    """From when on earned points count towards a tier."""
    return months_later(now, -programme.tier_months)


def tier_for(programme: Programme, progress_points: int) -> Tier | None:
    """The highest tier whose threshold the progress reaches; None when the programme has no tiers."""
    reached = [tier for tier in programme.tiers if progress_points >= tier.threshold]
    return reached[-1] if reached else None


def next_tier(programme: Programme, progress_points: int) -> Tier | None:
    """The next tier up, or None at the top."""
    return next((tier for tier in programme.tiers if tier.threshold > progress_points), None)


def higher(programme: Programme | None, a: str | None, b: str | None) -> str | None:
    """The higher of two tier keys; an unknown key counts as none. At a merge the higher stands until review."""
    keys = [tier.key for tier in programme.tiers] if programme else []
    ranked = [key for key in (a, b) if key in keys]
    return max(ranked, key=keys.index) if ranked else None


def ladder_changed(before: Programme | None, after: Programme) -> bool:
    """Whether a new version may put members on another step; a new name or multiplier alone does not."""
    if before is None:
        return bool(after.tiers)
    steps = [[(tier.key, tier.threshold) for tier in one.tiers] for one in (before, after)]
    return steps[0] != steps[1] or before.tier_months != after.tier_months
