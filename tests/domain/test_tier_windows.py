"""Tiers at their edges: which credits a review needs, where a fall leads, which change of the ladder moves anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.programme import Ladder, PaidMembership, Programme, TagTier, Tier
from plugin.domain.tiers import (
    EPOCH,
    Earned,
    discounted,
    falls_to,
    ladder_changed,
    needed_since,
    next_above,
    review,
    step_of,
    window_start,
)
from tests.facts import DAY, T0, programme

ZURICH = ZoneInfo("Europe/Zurich")
STEPS = (Tier("bronze", "Bronze", 0), Tier("silver", "Silver", 500), Tier("gold", "Gold", 1500))
MS = timedelta(milliseconds=1)


def ladder(*steps: Tier, tier_months: int = 12, currency: str = "CHF", **rules: Any) -> Programme:
    return programme(tiers=steps or STEPS, tier_months=tier_months, currency=currency, ladder=Ladder(**rules))


@pytest.mark.parametrize(
    ("rules", "since"),
    [
        (ladder(window="lifetime"), EPOCH),
        (ladder(window="lifetime", grace_months=3), EPOCH),
        (ladder(window="year"), datetime(2024, 12, 31, 23, tzinfo=UTC)),
        (ladder(window="year", keep_next_year=True), datetime(2024, 12, 31, 23, tzinfo=UTC)),
        (ladder(window="year", grace_months=1), datetime(2023, 12, 31, 23, tzinfo=UTC)),
        (ladder(window="year", grace_months=3), datetime(2023, 12, 31, 23, tzinfo=UTC)),
        (ladder(window="rolling"), datetime(2025, 3, 1, 12, tzinfo=UTC)),
        (ladder(window="rolling", tier_months=6), datetime(2025, 9, 1, 12, tzinfo=UTC)),
        (ladder(window="rolling", grace_months=2), datetime(2024, 12, 1, 12, tzinfo=UTC)),
    ],
)
def test_from_when_on_a_review_needs_the_credits(rules: Programme, since: datetime) -> None:
    assert needed_since(rules, T0, ZURICH) == since


windows = st.sampled_from(
    [
        {"window": "rolling"}, {"window": "rolling", "grace_months": 2}, {"window": "year"},
        {"window": "year", "keep_next_year": True}, {"window": "year", "grace_months": 3}, {"window": "lifetime"},
    ]
)  # fmt: skip
bought = st.lists(st.tuples(st.integers(0, 1200), st.integers(1, 900)), max_size=8)


@given(windows, bought, st.integers(1, 1200))
def test_what_is_older_than_a_review_needs_changes_nothing(
    window: dict[str, Any], drawn: list[tuple[int, int]], day: int
) -> None:
    rules, now = ladder(**window), T0 + day * DAY
    credits = [(T0 + days * DAY, amount) for days, amount in drawn]
    since = needed_since(rules, now, ZURICH)
    recent = [one for one in credits if one[0] >= since]
    held = Earned("silver", now - 20 * DAY)
    assert review(rules, held, credits, now, ZURICH) == review(rules, held, recent, now, ZURICH)


@pytest.mark.parametrize(
    ("rules", "held", "progress", "lands"),
    [
        (ladder(), "gold", 0, "bronze"),
        (ladder(), "gold", 499, "bronze"),
        (ladder(), "gold", 500, "silver"),
        (ladder(), "gold", 9_999, "silver"),
        (ladder(), "silver", 9_999, "bronze"),
        (ladder(fall="one"), "gold", 0, "silver"),
        (ladder(fall="one"), "silver", 0, "bronze"),
        (ladder(), "bronze", 0, None),
        (ladder(), None, 9_999, None),
        (ladder(), "unknown", 9_999, None),
        (ladder(basis="money"), "gold", 499, "bronze"),
        (ladder(basis="money"), "gold", 500, "silver"),
        (ladder(STEPS[1], STEPS[2]), "gold", 499, None),
        (ladder(STEPS[1], STEPS[2]), "gold", 500, "silver"),
        (ladder(STEPS[0], replace(STEPS[1], retain=200), STEPS[2]), "gold", 200, "silver"),
    ],
)
def test_where_a_fall_leads(rules: Programme, held: str | None, progress: int, lands: str | None) -> None:
    found = falls_to(rules, held, progress)
    assert (found.key if found else None) == lands


BASE = ladder()


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        (BASE, False),
        (replace(BASE, currency="EUR"), False),  # points are points
        (replace(BASE, signup_points=1), False),
        (replace(BASE, ladder=Ladder(grace_months=1)), True),
        (replace(BASE, ladder=Ladder(basis="money")), True),
        (replace(BASE, tier_months=11), True),
        (replace(BASE, memberships=(PaidMembership("club", "Club", "gold", 12, ("1",)),)), True),
        (replace(BASE, tag_tiers=(TagTier("vip", "VIP", "gold"),)), True),
        *(
            (replace(BASE, tiers=(STEPS[0], replace(STEPS[1], **change), STEPS[2])), moves)
            for change, moves in (
                ({"threshold": 501}, True), ({"retain": 100}, True), ({"reenter": 600}, True), ({"key": "s"}, True),
                ({"shipping_months": 1}, True), ({"name": "Silber"}, False), ({"gift_points": 5}, False),
            )
        ),
    ],
)  # fmt: skip
def test_which_change_of_the_ladder_may_move_anybody(after: Programme, changed: bool) -> None:
    assert ladder_changed(BASE, after) is changed


def test_money_of_another_currency_is_another_ladder() -> None:
    assert ladder_changed(ladder(basis="money"), ladder(basis="money", currency="EUR"))
    assert not ladder_changed(ladder(basis="money"), ladder(basis="money"))


@pytest.mark.parametrize(
    ("progress", "held", "before", "then"),
    [
        (0, None, (), ("silver", 500)),
        (499, "bronze", (), ("silver", 500)),
        (500, "bronze", (), ("gold", 1500)),
        (0, "silver", (), ("gold", 1500)),
        (1_500, "silver", (), None),
        (0, "gold", (), None),
        (500, "bronze", ("silver",), ("silver", 700)),
        (699, "bronze", ("silver", "gold"), ("silver", 700)),
        (700, "bronze", ("silver", "gold"), ("gold", 1500)),
    ],
)
def test_what_comes_next_and_what_it_takes(
    progress: int, held: str | None, before: tuple[str, ...], then: tuple[str, int] | None
) -> None:
    rules = ladder(STEPS[0], replace(STEPS[1], reenter=700), STEPS[2])
    found = next_above(rules, progress, held, frozenset(before))
    assert (None if found is None else (found[0].key, found[1])) == then


def test_places_on_the_ladder() -> None:
    assert [step_of(BASE, key) for key in ("bronze", "silver", "gold", "platinum", None)] == [0, 1, 2, -1, -1]


def test_who_owes_more_than_they_earned_stands_on_no_step() -> None:
    none = review(BASE, Earned(), [(T0, -1)], T0)
    assert none.earned == Earned()
    assert (none.progress, none.warned, none.review_at) == (-1, False, None)
    assert review(BASE, Earned(), [(T0, -1), (T0, 1)], T0).earned == Earned("bronze", T0)
    gone = Earned("platinum", T0 - 900 * DAY, T0 - DAY)  # a step of an older ladder
    assert review(BASE, gone, [(T0, -1)], T0).earned == Earned(None, T0)
    assert review(BASE, gone, [(T0, 500)], T0).earned == Earned("silver", T0, T0.replace(year=2027) + MS)


def test_the_lowest_step_needs_nothing_and_never_ends() -> None:
    held = Earned(
        "bronze", T0 - 900 * DAY, T0 + DAY, T0 - DAY
    )  # an end from an older ladder, and a notice of it
    found = review(ladder(notice_days=30), held, [], T0)
    assert found.earned == Earned("bronze", T0 - 900 * DAY)
    assert (found.warned, found.review_at) == (False, None)


def test_who_has_what_it_takes_stays_since_when_they_have_it() -> None:
    held = Earned("silver", T0 - 10 * DAY)
    found = review(ladder(), held, [(T0 - 10 * DAY, 500)], T0)
    assert (found.earned.tier, found.earned.since) == ("silver", T0 - 10 * DAY)
    again = review(ladder(), found.earned, [(T0 - 10 * DAY, 500)], T0, before=frozenset({"silver"}))
    assert again == found


def test_a_held_tier_asks_for_no_coming_back() -> None:
    rules = ladder(STEPS[0], replace(STEPS[1], retain=100, reenter=900), STEPS[2])
    held = Earned("silver", T0 - 400 * DAY)
    kept = review(rules, held, [(T0 - DAY, 600)], T0, before=frozenset({"silver"}))
    assert kept.earned.tier == "silver"
    fallen = review(rules, Earned("bronze", T0 - DAY), [(T0 - DAY, 600)], T0, before=frozenset({"silver"}))
    assert fallen.earned.tier == "bronze"


def test_a_moment_counts_from_the_first_millisecond_of_its_window() -> None:
    rules = ladder(window="year")
    start = window_start(rules, T0, ZURICH)
    assert review(rules, Earned(), [(start, 500)], T0, ZURICH).earned.tier == "silver"
    assert review(rules, Earned(), [(start - MS, 500)], T0, ZURICH).earned.tier == "bronze"
    keeps = ladder(window="year", keep_next_year=True)
    last = datetime(2024, 12, 31, 23, tzinfo=UTC)
    for at, tier in ((last, "silver"), (last - MS, "bronze"), (start - MS, "silver")):
        assert review(keeps, Earned(), [(at, 500)], T0, ZURICH).earned.tier == tier
    half = [(start - MS, 300), (start, 300)]
    assert review(keeps, Earned(), half, T0, ZURICH).earned.tier == "bronze", "two years are never added up"


def test_a_lifetime_falls_only_by_a_refund_and_after_its_grace() -> None:
    rules = ladder(window="lifetime", grace_months=1)
    held = Earned("silver", T0 - 900 * DAY)
    assert review(rules, held, [(T0 - 900 * DAY, 500)], T0).earned == held
    short = review(rules, held, [(T0 - 900 * DAY, 500), (T0 - DAY, -1)], T0)
    until = T0.replace(month=4)
    assert short.earned == replace(held, until=until)
    assert short.review_at == until
    later = review(rules, short.earned, [(T0 - 900 * DAY, 499)], until - MS)
    assert later.earned.until == until, "the grace does not begin anew"
    assert review(rules, short.earned, [(T0 - 900 * DAY, 499)], until).earned == Earned("bronze", until)


def test_a_review_that_is_due_in_the_past_comes_at_the_next_instant() -> None:
    rules = ladder(notice_days=30)
    held = Earned("silver", T0 - 360 * DAY)
    found = review(rules, held, [(T0 - 360 * DAY, 500)], T0)
    assert found.warned
    assert found.earned.warned_at == T0
    assert found.earned.until == T0 + 30 * DAY
    assert found.review_at == T0 + 30 * DAY


def test_a_rolling_tier_goes_with_the_last_point_it_needs() -> None:
    rules = ladder(tier_months=1)
    credits = [(T0, 499), (T0 + 5 * DAY, 1), (T0 + 10 * DAY, 499)]
    found = review(rules, Earned("silver", T0 + 5 * DAY), credits, T0 + 11 * DAY)
    # On 1 April 499 of the first leave: 500 are left, which is enough until the 6th, when one more leaves.
    assert found.earned.until == datetime(2026, 4, 6, 12, tzinfo=UTC) + MS


def test_points_less_a_discount_round_up() -> None:
    rules = ladder(STEPS[0], replace(STEPS[1], reward_discount_percent=15))
    assert [discounted(rules, points, "silver") for points in (100, 1, 7, 0)] == [85, 1, 6, 0]
    assert [discounted(rules, 10_000, key) for key in ("bronze", None, "unknown")] == [10_000] * 3


@pytest.mark.parametrize(("retain", "ends"), [(0, None), (1, T0)])
def test_what_keeps_a_tier_may_be_nothing_at_all(retain: int, ends: datetime | None) -> None:
    rules = ladder(STEPS[0], replace(STEPS[1], retain=retain))
    found = review(rules, Earned("silver", T0 - 800 * DAY), [], T0)
    assert found.earned.tier == ("silver" if ends is None else "bronze")


def test_a_year_is_kept_to_its_end_whatever_is_refunded() -> None:
    rules = ladder(window="year")
    held = Earned("silver", T0)
    found = review(rules, held, [(T0, 500), (T0 + DAY, -100)], T0 + 2 * DAY, ZURICH)
    assert found.earned.until == datetime(2026, 12, 31, 23, tzinfo=UTC)
    long_ago = Earned("silver", T0 - 700 * DAY)
    assert review(rules, long_ago, [], T0, ZURICH).earned.tier == "bronze"


def test_what_was_never_enough_starts_no_grace() -> None:
    rules = ladder(grace_months=2)
    found = review(rules, Earned("silver", T0 - 800 * DAY), [(T0 - DAY, 100)], T0)
    assert found.earned == Earned("bronze", T0)
