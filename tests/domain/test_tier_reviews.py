"""Reviews of tiers: every window, grace, notice and fall; neither a second look nor the order of events matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.programme import Ladder, PaidMembership, Programme, Reward, TagTier, Tier, problems
from plugin.domain.tiers import (
    Earned,
    Review,
    falls_to,
    next_above,
    price,
    review,
    unit,
    window_start,
    year_start,
)
from tests.facts import DAY, T0, programme

ZURICH = ZoneInfo("Europe/Zurich")
SYDNEY = ZoneInfo("Australia/Sydney")
STEPS = (Tier("bronze", "Bronze", 0), Tier("silver", "Silver", 500), Tier("gold", "Gold", 1500))


def ladder(*steps: Tier, tier_months: int = 12, **rules: Any) -> Programme:
    return programme(tiers=steps or STEPS, tier_months=tier_months, ladder=Ladder(**rules))


def at(text: str, zone: ZoneInfo = ZURICH) -> datetime:
    """A moment as a clock of that zone shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def over_time(
    rules: Programme, credits: list[tuple[datetime, int]], moments: list[datetime], zone: ZoneInfo = ZURICH
) -> list[Review]:
    """Reviews one after the other, each knowing what has come by then."""
    earned, found = Earned(), []
    for moment in moments:
        found.append(review(rules, earned, [one for one in credits if one[0] <= moment], moment, zone))
        earned = found[-1].earned
    return found


def held(found: list[Review]) -> list[str | None]:
    return [one.earned.tier for one in found]


def test_a_rolling_tier_ends_when_its_last_order_leaves_the_window_and_its_period_is_over() -> None:
    credits = [(T0, 300), (T0 + 100 * DAY, 400)]
    first, second = over_time(ladder(), credits, [T0, T0 + 100 * DAY])
    assert (first.earned.tier, first.review_at) == ("bronze", None)
    assert second.earned.since == T0 + 100 * DAY
    # Held for a year from its entry, and its first order leaves the window before that.
    end = datetime(2027, 6, 9, 12, tzinfo=UTC)
    assert second.earned.until == second.review_at
    assert second.earned.until is not None
    assert end <= second.earned.until <= end + timedelta(milliseconds=1)
    falls = review(ladder(), second.earned, credits, second.earned.until)
    assert (falls.earned.tier, falls.progress) == ("bronze", 400)


def test_the_end_of_a_month_does_not_end_a_tier_before_its_credits_leave() -> None:
    rules, begun = ladder(tier_months=1), datetime(2026, 1, 31, 10, tzinfo=UTC)
    [first] = over_time(rules, [(begun, 500)], [begun])
    assert first.earned.until is not None
    for hours in range(24 * 6):
        moment = begun + 26 * DAY + timedelta(hours=hours)
        found = review(rules, first.earned, [(begun, 500)], moment)
        counts = begun >= window_start(rules, moment)
        assert found.earned.tier == ("silver" if counts or moment < begun + 28 * DAY else "bronze")


@pytest.mark.parametrize(("zone", "utc"), [(ZURICH, "2026-12-31T23:00"), (SYDNEY, "2026-12-31T13:00")])
def test_a_calendar_year_begins_at_the_shops_midnight(zone: ZoneInfo, utc: str) -> None:
    rules = ladder(window="year")
    new_year = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert year_start(T0, zone, 1) == new_year
    assert window_start(rules, new_year, zone) == new_year
    last = new_year - timedelta(milliseconds=1)
    found = over_time(rules, [(last, 500)], [last, new_year], zone)
    assert held(found) == ["silver", "bronze"]
    assert found[0].earned.until == new_year
    assert [one.progress for one in found] == [500, 0]


def test_a_years_tier_may_be_kept_to_the_end_of_the_next_whenever_we_hear_of_its_orders() -> None:
    rules = ladder(window="year", keep_next_year=True)
    order = (at("2026-12-31T20:00"), 600)
    [now] = over_time(rules, [order], [at("2026-12-31T21:00")])
    [late] = over_time(rules, [order], [at("2027-02-01T09:00")])
    assert (now.earned.tier, late.earned.tier) == ("silver", "silver")
    assert now.earned.until == late.earned.until == at("2028-01-01T00:00")
    assert (now.progress, late.progress) == (600, 0)
    again = review(rules, now.earned, [order, (at("2027-11-01T10:00"), 500)], at("2027-11-01T10:00"), ZURICH)
    assert again.earned.until == at("2029-01-01T00:00")
    assert review(rules, again.earned, [order], at("2028-01-01T00:00"), ZURICH).earned.tier == "bronze"


def test_grace_of_a_year_ends_at_the_shops_midnight_in_summer_time_too() -> None:
    rules = ladder(window="year", grace_months=3)
    order = (at("2026-05-05T10:00"), 500)
    [first] = over_time(rules, [order], [order[0]])
    assert first.earned.until == at("2027-04-01T00:00")
    credits = [order, (at("2027-03-30T10:00"), 499)]
    stays = review(rules, first.earned, credits, at("2027-03-31T23:59"), ZURICH)
    assert stays.earned.tier == "silver"
    assert review(rules, stays.earned, credits, at("2027-04-01T00:00"), ZURICH).earned.tier == "bronze"
    saved = review(
        rules, stays.earned, [*credits, (at("2027-03-31T10:00"), 1)], at("2027-04-01T00:00"), ZURICH
    )
    assert (saved.earned.tier, saved.earned.until) == ("silver", at("2028-04-01T00:00"))


def test_a_tier_for_life_falls_only_after_a_refund_and_then_with_grace() -> None:
    rules = ladder(window="lifetime", grace_months=1)
    [first] = over_time(rules, [(T0, 600)], [T0])
    assert (first.earned.until, first.review_at) == (None, None)
    assert review(rules, first.earned, [(T0, 600)], T0 + 9000 * DAY).earned.tier == "silver"
    refunded = review(rules, first.earned, [(T0, 100)], T0 + DAY)
    assert refunded.earned.until == datetime(2026, 4, 2, 12, tzinfo=UTC)
    seen_again = review(rules, refunded.earned, [(T0, 100)], T0 + 20 * DAY)
    assert seen_again.earned == refunded.earned
    assert review(rules, seen_again.earned, [(T0, 100)], T0 + 32 * DAY).earned.tier == "bronze"
    assert review(rules, seen_again.earned, [(T0, 500)], T0 + 32 * DAY).earned.until is None


def test_keeping_and_coming_back_have_their_own_thresholds() -> None:
    steps = (
        STEPS[0],
        Tier("silver", "Silver", 500, retain=300, reenter=800),
        Tier("gold", "Gold", 1500, retain=1000),
    )
    rules = ladder(*steps)
    since = Earned("gold", T0 - 400 * DAY)
    assert review(rules, since, [(T0, 1000)], T0).earned.tier == "gold"
    assert review(rules, since, [(T0, 999)], T0).earned.tier == "silver"
    assert review(rules, since, [(T0, 300)], T0).earned.tier == "silver"  # what keeps silver is enough
    assert review(rules, since, [(T0, 299)], T0).earned.tier == "bronze"
    known = frozenset({"silver"})
    assert review(rules, Earned("bronze", T0), [(T0, 799)], T0, before=known).earned.tier == "bronze"
    assert review(rules, Earned("bronze", T0), [(T0, 800)], T0, before=known).earned.tier == "silver"
    assert review(rules, Earned("bronze", T0), [(T0, 500)], T0).earned.tier == "silver"
    above = next_above(rules, 600, "bronze", known)
    assert above is not None
    assert (above[0].key, above[1]) == ("silver", 800)


def test_one_step_at_a_time() -> None:
    rules, gold = ladder(fall="one"), Earned("gold", T0 - 400 * DAY)
    first = review(rules, gold, [], T0)
    assert (first.earned.tier, first.earned.since) == ("silver", T0)
    assert review(rules, first.earned, [], T0 + 364 * DAY).earned.tier == "silver"
    assert review(rules, first.earned, [], T0 + 365 * DAY).earned.tier == "bronze"
    landing = falls_to(rules, "gold", 0)
    assert landing is not None
    assert landing.key == "silver"


def test_nobody_falls_sooner_than_the_notice_says() -> None:
    rules = ladder(notice_days=14)
    credits = [(T0, 600)]
    [first] = over_time(rules, credits, [T0])
    assert first.earned.until is not None
    assert (first.warned, first.review_at) == (False, first.earned.until - 14 * DAY)
    early = review(rules, first.earned, credits, first.earned.until - 14 * DAY)
    assert (early.warned, early.earned.tier, early.earned.until) == (True, "silver", first.earned.until)
    assert not review(rules, early.earned, credits, first.earned.until - DAY).warned
    assert review(rules, early.earned, credits, first.earned.until).earned == Earned(
        "bronze", first.earned.until
    )
    # A late clock, and a refund long after the period: the notice comes first, and then its time.
    for late in (first.earned.until + 3 * DAY, first.earned.until + 300 * DAY):
        told = review(rules, first.earned, [], late)
        assert (told.warned, told.earned.tier, told.earned.until) == (True, "silver", late + 14 * DAY)
    # Who earns enough meanwhile is told nothing more.
    rescued = review(
        rules, early.earned, [*credits, (first.earned.until - DAY, 500)], first.earned.until - DAY
    )
    assert (rescued.earned.warned_at, rescued.earned.tier) == (None, "silver")


def test_money_counts_in_whole_units_and_thresholds_are_units() -> None:
    rules = ladder(basis="money")
    assert (unit(rules), unit(programme(currency="JPY", ladder=Ladder(basis="money")))) == (100, 1)
    below = review(rules, Earned(), [(T0, 49_999)], T0)
    assert (below.earned.tier, below.progress) == ("bronze", 499)
    assert review(rules, Earned(), [(T0, 49_999), (T0, 1)], T0).earned.tier == "silver"


RULES = st.builds(
    lambda window, keep, grace, fall, notice, months: ladder(
        STEPS[0],
        Tier("silver", "Silver", 500, retain=400),
        Tier("gold", "Gold", 1500, retain=900),
        tier_months=months,
        window=window,
        keep_next_year=keep and window == "year",
        grace_months=grace,
        fall="reached" if window == "lifetime" else fall,
        notice_days=notice,
    ),
    st.sampled_from(("rolling", "year", "lifetime")),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from(("reached", "one")),
    st.sampled_from((0, 0, 14)),
    st.integers(1, 14),
)
CREDITS = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 900)), max_size=8).map(
    lambda rows: [(T0 + days * DAY, amount) for days, amount in rows]
)


@given(
    RULES, CREDITS, st.lists(st.integers(0, 1500), min_size=1, max_size=10), st.sampled_from((ZURICH, SYDNEY))
)
def test_a_second_look_changes_nothing_and_the_order_of_credits_neither(
    rules: Programme, credits: list[tuple[datetime, int]], days: list[int], zone: ZoneInfo
) -> None:
    earned = Earned()
    for day in sorted(days):
        now = T0 + day * DAY
        known = [one for one in credits if one[0] <= now]
        found = review(rules, earned, known, now, zone)
        again = review(rules, found.earned, known, now, zone)
        assert (again.earned, again.review_at, again.warned) == (found.earned, found.review_at, False)
        assert review(rules, earned, known[::-1], now, zone) == found
        assert found.review_at is None or found.review_at > now
        earned = found.earned


@given(RULES, CREDITS, st.sampled_from((ZURICH, SYDNEY)))
def test_nothing_changes_between_two_reviews_that_were_asked_for(
    rules: Programme, credits: list[tuple[datetime, int]], zone: ZoneInfo
) -> None:
    """The scheduled moment is the earliest at which the tier can change: a look just before it finds the same."""
    now = T0 + 901 * DAY
    found = review(rules, Earned(), credits, now, zone)
    for _ in range(6):
        if found.review_at is None:
            return
        just_before = found.review_at - timedelta(milliseconds=1)
        if just_before > now:
            unchanged = review(rules, found.earned, credits, just_before, zone)
            assert (unchanged.earned.tier, unchanged.earned.until) == (found.earned.tier, found.earned.until)
            assert not unchanged.warned
        now = found.review_at
        found = review(rules, found.earned, credits, now, zone)


def test_prices_by_tier() -> None:
    steps = (STEPS[0], Tier("silver", "Silver", 500, reward_discount_percent=15))
    vip = Reward("vip", "amount_off", "", 99, value_minor=500, tiers=("silver",))
    rules = programme(tiers=steps, rewards=(Reward("any", "amount_off", "", 99, value_minor=500), vip))
    assert [price(rules, rules.rewards[0], tier) for tier in (None, "bronze", "silver", "gone")] == [
        99,
        99,
        85,
        99,
    ]
    assert [price(rules, vip, tier) for tier in (None, "bronze", "silver")] == [None, None, 85]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"ladder": Ladder(keep_next_year=True)}, "ladder.keep_next_year"),
        ({"ladder": Ladder(window="lifetime", fall="one")}, "ladder.fall"),
        ({"ladder": Ladder(grace_months=13)}, "ladder.grace_months"),
        ({"ladder": Ladder(notice_days=-1)}, "ladder.notice_days"),
        ({"tiers": (STEPS[0], Tier("s", "S", 500, retain=501))}, "tiers.1.retain"),
        ({"tiers": (*STEPS[:2], Tier("g", "G", 900, retain=400))}, "tiers.2.retain"),
        ({"tiers": (STEPS[0], Tier("s", "S", 500, reenter=499))}, "tiers.1.reenter"),
        (
            {"tiers": (STEPS[0], Tier("s", "S", 500, reward_discount_percent=100))},
            "tiers.1.reward_discount_percent",
        ),
        ({"tiers": (STEPS[0], Tier("s", "S", 500, gift_points=-1))}, "tiers.1.gift_points"),
        ({"tiers": (STEPS[0], Tier("s", "S", 500, gift_reward="none"))}, "tiers.1.gift_reward"),
        ({"tiers": (STEPS[0], Tier("s", "S", 500, shipping_months=121))}, "tiers.1.shipping_months"),
        ({"memberships": (PaidMembership("m", "M", "none", 12, ("1",)),)}, "memberships.0.tier"),
        ({"memberships": (PaidMembership("m", "M", "silver", 0, ("1",)),)}, "memberships.0.months"),
        ({"memberships": (PaidMembership("m", "M", "silver", 12, ("x",)),)}, "memberships.0.products"),
        ({"memberships": (PaidMembership("m", "M", "silver", 12),)}, "memberships.0.products"),
        ({"tag_tiers": (TagTier("v", "VIP", "none"),)}, "tag_tiers.0.tier"),
        ({"tag_tiers": (TagTier("v", "VIP", "silver"), TagTier("w", "vip", "gold"))}, "tag_tiers"),
        ({"tag_tiers": (TagTier("v", "Regulars:gold", "silver"),)}, "tag_tiers.0.tag"),
    ],
)
def test_every_fault_names_its_field(changes: dict[str, Any], where: str) -> None:
    found = problems(programme(**{"tiers": STEPS, **changes}))
    assert [field for field, _ in found] == [where]
    assert problems(programme(tiers=STEPS)) == []
