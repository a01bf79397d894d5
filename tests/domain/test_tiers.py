"""Tiers: which step is reached, which comes next, which version of the ladder moves anybody."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from plugin.domain.programme import Programme, Tier
from plugin.domain.tiers import higher, ladder_changed, next_tier, tier_for, window_start
from plugin.domain.values import Ratio
from tests.facts import programme

LADDER = programme(
    tiers=(Tier("bronze", "Bronze", 0), Tier("silver", "Silver", 500), Tier("gold", "Gold", 1500))
)


@pytest.mark.parametrize(
    ("progress", "tier", "following"),
    [
        (-10, None, "bronze"),  # more was taken back than earned
        (0, "bronze", "silver"),
        (499, "bronze", "silver"),
        (500, "silver", "gold"),
        (1499, "silver", "gold"),
        (1500, "gold", None),
        (10**9, "gold", None),
    ],
)
def test_the_step_and_the_next_one(progress: int, tier: str | None, following: str | None) -> None:
    reached, beyond = tier_for(LADDER, progress), next_tier(LADDER, progress)
    assert (reached.key if reached else None, beyond.key if beyond else None) == (tier, following)


def test_a_programme_without_tiers_has_none() -> None:
    bare = programme(tiers=())
    assert (tier_for(bare, 900), next_tier(bare, 900), bare.tier("silver")) == (None, None, None)


@pytest.mark.parametrize(
    ("a", "b", "kept"),
    [
        ("silver", "gold", "gold"),
        ("gold", "silver", "gold"),
        (None, "bronze", "bronze"),
        ("silver", None, "silver"),
        ("platinum", "bronze", "bronze"),  # a step that today's ladder does not know counts as none
        ("platinum", None, None),
        (None, None, None),
    ],
)
def test_the_higher_of_two_stands(a: str | None, b: str | None, kept: str | None) -> None:
    assert higher(LADDER, a, b) == kept
    assert higher(None, a, b) is None


def test_the_window_is_calendar_months() -> None:
    assert window_start(LADDER, datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2027, 2, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (None, LADDER, True),
        (None, programme(tiers=()), False),
        (LADDER, LADDER, False),
        (LADDER, programme(tiers=()), True),
        (LADDER, programme(tiers=LADDER.tiers, tier_months=6), True),
        (LADDER, programme(tiers=LADDER.tiers[:2]), True),
        (LADDER, programme(tiers=(*LADDER.tiers[:2], Tier("gold", "Gold", 1400))), True),
        (LADDER, programme(tiers=(*LADDER.tiers[:2], Tier("gold", "Or", 1500, Ratio(2, 1)))), False),
    ],
)
def test_which_versions_may_move_members(before: Programme | None, after: Programme, changed: bool) -> None:
    assert ladder_changed(before, after) is changed
