"""Tiers and rewards: which step is reached, what is missing, what comes back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from plugin.domain.ledger import Lot
from plugin.domain.programme import Programme, Tier
from plugin.domain.rewards import CODE_ALPHABET, return_dates, return_target, shortfall
from plugin.domain.tiers import higher, ladder_changed, next_tier, tier_for, window_start
from plugin.domain.values import Ratio
from tests.facts import DAY, T0, programme

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
    ("points", "refunded", "ordered", "back"),
    [
        (100, 0, 10_000, 0),
        (100, 3_333, 10_000, 33),  # floor(33.33)
        (100, 9_999, 10_000, 99),
        (100, 10_000, 10_000, 100),
        (100, 20_000, 10_000, 100),
        (100, 1, 1, 100),
        (100, 500, 0, 0),
    ],
)
def test_points_of_a_used_code_come_back_in_proportion(
    points: int, refunded: int, ordered: int, back: int
) -> None:
    assert return_target(points, refunded, ordered) == back


def test_returned_points_keep_the_latest_expiry_and_are_kept_at_least_thirty_days() -> None:
    def lot(ends: datetime | None, kept: datetime | None = None) -> Lot:
        return Lot(1, 7, 10, 0, T0, ends, None, ends, kept)

    assert return_dates([lot(T0 + 90 * DAY), lot(T0 + 40 * DAY)], T0) == (T0, T0 + 90 * DAY, T0 + 30 * DAY)
    assert return_dates([lot(T0 + DAY), lot(T0 - DAY)], T0) == (T0, T0 + DAY, T0 + 30 * DAY)
    assert return_dates([lot(T0 + DAY), lot(None)], T0) == (T0, None, T0 + 30 * DAY)
    assert return_dates([lot(T0 + DAY, T0 + 50 * DAY)], T0) == (T0, T0 + DAY, T0 + 50 * DAY)
    assert return_dates([], T0) == (T0, None, T0 + 30 * DAY)


def test_what_is_missing_for_a_reward() -> None:
    reward = LADDER.reward("five_off")
    assert reward is not None
    assert [shortfall(reward, have) for have in (0, 99, 100, 500)] == [100, 1, 0, 0]
    assert LADDER.reward("nothing") is None


def test_codes_hold_nothing_that_can_be_misread() -> None:
    assert not set("01ILO") & set(CODE_ALPHABET)
    assert len(set(CODE_ALPHABET)) == len(CODE_ALPHABET)


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
