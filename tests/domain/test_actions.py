"""Actions: limits by calendar period in the shop's zone, birthdays and leap days, and what a programme may say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain import actions
from plugin.domain.actions import decide, first_birthday, joined_for, over_limit, window
from plugin.domain.programme import ActionRule, Period, problems
from tests.facts import DAY, T0, programme

ZURICH, AUCKLAND, NIUE = ZoneInfo("Europe/Zurich"), ZoneInfo("Pacific/Auckland"), ZoneInfo("Pacific/Niue")
REVIEW = ActionRule("review", "review", "A review", 20, limit=2, period="month")
PERIODS: list[Period] = ["day", "month", "year", "ever"]
zones = st.sampled_from([UTC, ZURICH, AUCKLAND, NIUE, ZoneInfo("America/Santiago")])
moments = st.integers(0, 71_000_000).map(lambda s: datetime(2025, 12, 1, tzinfo=UTC) + timedelta(seconds=s))


def decided(rule: ActionRule = REVIEW, **changes: object) -> actions.Decision:
    told: dict[str, object] = {
        "active": True, "joined_at": T0 - 10 * DAY, "earned": 0, "occurred_at": T0, "now": T0,
    }  # fmt: skip
    return decide(rule, **{**told, **changes})  # type: ignore[arg-type]


def test_an_action_earns_its_points_after_its_delay() -> None:
    assert decided() == actions.Decision(20, available_at=T0)
    assert decided(replace(REVIEW, delay_days=3)).available_at == T0 + 3 * DAY


def test_told_late_it_opens_now_and_lives_in_full() -> None:
    late = decided(replace(REVIEW, delay_days=3), now=T0 + 30 * DAY)
    assert late.available_at == T0 + 30 * DAY


def test_a_reward_stands_in_place_of_points() -> None:
    assert decided(replace(REVIEW, points=0, reward="five_off")) == actions.Decision(reward="five_off")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"active": False}, "not_a_member"),
        ({"joined_at": None}, "not_a_member"),
        ({"joined_at": T0 + timedelta(seconds=1)}, "before_joining"),
        ({"rule": replace(REVIEW, enabled=False)}, "off"),
        ({"earned": 2}, "limit_month"),
        ({"earned": 7, "rule": replace(REVIEW, period="ever")}, "limit_ever"),
    ],
)
def test_why_not_has_a_sentence_for_both_sides(changes: dict[str, object], why: str) -> None:
    assert decided(**changes) == actions.Decision(why_not=why)  # type: ignore[arg-type]
    assert all(text.endswith(".") for text in actions.WHY_NOT[why])


def test_periods_begin_in_the_shops_time_zone() -> None:
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # already the next year in Zurich
    assert window("year", new_year, ZURICH) == (
        datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2027, 12, 31, 23, tzinfo=UTC),
    )  # fmt: skip
    assert window("month", new_year, NIUE)[0] == datetime(2026, 12, 1, 11, tzinfo=UTC)
    spring = datetime(2026, 3, 29, 10, tzinfo=UTC)  # a day of 23 hours
    since, until = window("day", spring, ZURICH)
    assert since is not None
    assert until is not None
    assert until - since == timedelta(hours=23)


@given(moments, st.sampled_from(PERIODS[:3]), zones)
def test_windows_hold_their_moment_and_meet(at: datetime, period: Period, zone: ZoneInfo) -> None:
    since, until = window(period, at, zone)
    assert since is not None
    assert until is not None
    assert since <= at < until
    assert window(period, until, zone)[0] == until
    assert window(period, since, zone) == (since, until)


@given(st.lists(moments, max_size=30), st.integers(1, 4), st.sampled_from(PERIODS), zones, st.randoms())
def test_no_order_of_events_earns_more_than_the_limit(
    happened: list[datetime], limit: int, period: Period, zone: ZoneInfo, order: object
) -> None:
    """Told in any order, each period ends with as many as the limit allows of what happened in it, and no more."""
    rule = replace(REVIEW, limit=limit, period=period)
    order.shuffle(happened)  # type: ignore[attr-defined]
    kept: list[datetime] = []
    for at in happened:
        since, until = window(period, at, zone)
        earned = sum(1 for one in kept if (since is None or since <= one) and (until is None or one < until))
        answer = decided(rule, joined_at=datetime(2025, 1, 1, tzinfo=UTC), occurred_at=at, earned=earned)
        kept += [at] if answer.points else []
    told = Counter(window(period, at, zone)[0] for at in happened)
    assert Counter(window(period, at, zone)[0] for at in kept) == {
        since: min(count, limit) for since, count in told.items()
    }
    assert over_limit(kept, limit, period, zone) == []


@given(st.lists(moments, max_size=20), st.integers(1, 3), st.sampled_from(PERIODS), zones)
def test_after_a_merge_the_earliest_stand(
    had: list[datetime], limit: int, period: Period, zone: ZoneInfo
) -> None:
    over = set(over_limit(had, limit, period, zone))
    left = [at for place, at in enumerate(had) if place not in over]
    assert over_limit(left, limit, period, zone) == []
    for place in over:
        same = [at for at in left if window(period, at, zone) == window(period, had[place], zone)]
        assert len(same) == limit
        assert max(same) <= had[place]


# --- birthdays ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("month", "day", "entered", "notice", "first"),
    [
        (6, 1, "2026-03-01", 30, "2026-06-01"),
        (3, 31, "2026-03-01", 30, "2026-03-31"),
        (3, 30, "2026-03-01", 30, "2027-03-30"),  # nearer than the notice
        (2, 1, "2026-03-01", 30, "2027-02-01"),  # passed
        (3, 1, "2026-03-01", 0, "2027-03-01"),  # today is no way in
        (2, 29, "2026-12-01", 30, "2027-02-28"),
        (2, 29, "2027-12-01", 30, "2028-02-29"),
    ],
)
def test_the_first_birthday_that_earns(month: int, day: int, entered: str, notice: int, first: str) -> None:
    at = datetime.fromisoformat(f"{entered}T12:00:00+00:00")
    assert first_birthday(month, day, at, notice, ZURICH) == date.fromisoformat(first)


days = st.dates(date(2024, 1, 1), date(2024, 12, 31))


@given(st.lists(st.tuples(days, st.integers(0, 500)), min_size=1, max_size=6), st.integers(0, 60), zones)
def test_changing_a_birthday_never_earns_twice_within_a_year(
    changes: list[tuple[date, int]], notice: int, zone: ZoneInfo
) -> None:
    """A shopper sets another day again and again; what earns is at least a year apart."""
    now, last, earned = T0, None, []
    due: date | None = None
    month, day = 1, 1
    for wanted, wait in [*changes, (date(2024, 7, 7), 800)]:
        month, day = wanted.month, wanted.day
        due = first_birthday(month, day, now, notice, zone, last)
        assert (due - now.astimezone(zone).date()).days >= max(notice, 1)
        now += wait * DAY
        while due <= now.astimezone(zone).date():
            last = actions.day_start(due, zone)
            earned.append(due)
            due = actions.next_birthday(month, day, due)
    assert all((after - before).days >= 365 for before, after in pairwise(earned))


@given(st.dates(date(2020, 1, 1), date(2027, 12, 31)), st.integers(1, 9), zones)
def test_everybody_has_one_anniversary_a_year(joined: date, years: int, zone: ZoneInfo) -> None:
    at = actions.day_start(joined, zone) + timedelta(hours=9)
    year = joined.year + years
    found = [
        day
        for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
        if (span := joined_for(day := date(year, 1, 1) + timedelta(days=n), years, zone))[0] <= at < span[1]
    ]
    assert found == [actions.day_in(year, joined.month, joined.day)]


def test_a_midnight_that_the_clock_skips_is_the_moment_after() -> None:
    santiago = ZoneInfo("America/Santiago")
    assert actions.day_start(date(2026, 9, 6), santiago) == datetime(2026, 9, 6, 4, tzinfo=UTC)


# --- what a programme may say ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"points": 0}, "actions.0.points", "Give points or a reward"),
        ({"reward": "five_off"}, "actions.0.points", "Give points or a reward"),
        ({"points": 0, "reward": "gold_bar"}, "actions.0.reward", "This programme has: five_off, shipping."),
        ({"points": -1}, "actions.0.points", "0 or more"),
        ({"key": "Å"}, "actions.0.key", "a to z"),
        ({"name": " "}, "actions.0.name", "1 to 100 characters"),
        ({"limit": 0}, "actions.0.limit", "1 to 1000"),
        ({"delay_days": 366}, "actions.0.delay_days", "0 to 365"),
        ({"points": 0, "reward": "five_off", "delay_days": 2}, "actions.0.delay_days", "handed out at once"),
        ({"kind": "birthday"}, "actions.0.period", "once a year"),
        ({"kind": "newsletter"}, "actions.0.period", "counts once"),
        ({"kind": "social", "limit": 1, "period": "ever"}, "actions.0.url", "page to follow"),
        ({"url": "http://example.com"}, "actions.0.url", "https://"),
        ({"url": "javascript:alert(1)"}, "actions.0.url", "https://"),
    ],
)  # fmt: skip
def test_a_wrong_action_is_named_with_its_remedy(changes: dict[str, object], field: str, said: str) -> None:
    found = problems(programme(actions=(replace(REVIEW, **changes),)))  # type: ignore[arg-type]
    assert [where for where, sentence in found if said in sentence] == [field]


def test_right_actions_have_no_problems() -> None:
    rules = (
        REVIEW,
        ActionRule("birthday", "birthday", "Happy birthday", reward="five_off", period="year"),
        ActionRule("insta", "social", "Follow us", 5, url="https://www.instagram.com/tea_shop/"),
    )
    assert problems(programme(actions=rules)) == []


def test_two_of_what_comes_once_and_a_key_twice_are_refused() -> None:
    first = ActionRule("news", "newsletter", "Newsletter", 10)
    found = problems(programme(actions=(first, first), birthday_notice_days=400))
    assert found == [
        ("actions", "Give every action a key of its own."),
        ("actions", "Keep one action of the kind “newsletter”."),
        ("birthday_notice_days", "Choose 0 to 365 days."),
    ]
