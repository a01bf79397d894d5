"""Asking: when an order has arrived and how we know, when its question falls due, and which is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.domain import asking
from plugin.domain.asking import Due, Verdict
from plugin.domain.asking.arrived import SAMPLE, expected_days
from plugin.domain.facts import OrderFact
from plugin.domain.programme import Assumed, Survey, TierSample, problems
from tests.facts import DAY, T0, arrived, back, line, order, parcel, programme, refund, refunded, seen, sent

ZURICH = ZoneInfo("Europe/Zurich")
HOUR = timedelta(hours=1)
ESTIMATE = Survey(
    unreported="estimate", home=("CH", "LI"), assumed=(Assumed("near", "Near", ("DE", "AT"), 5),), default_days=14,
    pickup_methods=("Shop Bern",), local_methods=("Bike",), pos_days=1,
)  # fmt: skip
FAST = {("Post", "CH"): {1: 10, 2: 12, 3: 2}, ("Cargo", "DE"): {4: 3}, ("Post", "DE"): {6: 30}}


def bare(facts: tuple[OrderFact, ...], survey: Survey = ESTIMATE) -> tuple[object, ...] | None:
    found = asking.came(order(*facts), survey, FAST)
    return None if found is None else (found.at, found.basis, found.way)


def by(carrier: str | None, n: int = 1, lines: tuple[tuple[int, int], ...] = ((1, 1),)) -> OrderFact:
    return sent(1, replace(parcel(n, lines), carrier=carrier))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            (seen(1, country="CH"), by("Post"), arrived(1)), (T0 + 3 * DAY, "delivered", "domestic"), id="event"
        ),
        pytest.param(
            (seen(1, country="FR"), sent(1, parcel(delivered_at=T0 + 2 * DAY))),
            (T0 + 2 * DAY, "platform", "international"),
            id="platform",
        ),
        pytest.param((seen(1, country="CH"), by("Post")), (T0 + 3 * DAY, "estimated", "domestic"), id="own times"),
        pytest.param(
            (seen(1, country="DE"), by("Cargo")), (T0 + 7 * DAY, "estimated", "international"), id="all carriers there"
        ),
        pytest.param((seen(1, country="AT"), by("Post")), (T0 + 6 * DAY, "default", "international"), id="its country"),
        pytest.param((seen(1, country="JP"), by(None)), (T0 + 15 * DAY, "default", "international"), id="any country"),
        pytest.param((seen(1), by("Post")), (T0 + 15 * DAY, "default", ""), id="country not known"),
        pytest.param(
            (seen(1, shipping_names=("SHOP bern",)), by(None)), (T0 + DAY, "default", "pickup"), id="fetched"
        ),
        pytest.param((seen(1, shipping_names=("Bike",)), by(None)), (T0 + DAY, "default", "local"), id="by bike"),
        pytest.param((seen(1, source_name="pos"),), (T0, "handed_over", "pos"), id="at the till"),
        pytest.param((seen(1, line(requires_shipping=False)),), None, id="nothing to ship"),
        pytest.param((seen(1, line(1), line(2), country="CH"), by("Post"), arrived(1)), None, id="more to come"),
        pytest.param(
            (seen(1, line(1), line(2), country="CH"), by("Post"), arrived(1), by("Post", 2, ((2, 1),))),
            (T0 + 3 * DAY, "estimated", "domestic"),
            id="one of two is silent",
        ),
    ],
)  # fmt: skip
def test_how_an_order_came(facts: tuple[OrderFact, ...], expected: tuple[object, ...] | None) -> None:
    assert bare(facts) == expected


def test_by_default_only_what_was_reported_counts_and_nothing_of_the_till() -> None:
    assert bare((seen(1, country="CH"), by("Post")), Survey()) is None
    assert bare((seen(1, source_name="pos"),), Survey()) is None
    assert bare((seen(1, country="CH"), by("Post"), arrived(1)), Survey()) == (T0 + 3 * DAY, "delivered", "")


def test_transit_times_need_a_sample_and_are_late_enough_for_four_of_five() -> None:
    few = {("Post", "CH"): {2: SAMPLE - 1}}
    assert expected_days("Post", "CH", few) is None
    enough = {("Post", "CH"): {2: 16, 9: 4}}
    assert expected_days("Post", "CH", enough) == 2
    assert expected_days("Post", "CH", {("Post", "CH"): {2: 15, 9: 5}}) == 9
    assert expected_days(None, None, enough) is None


def test_what_a_parcel_teaches() -> None:
    told = order(seen(1, line(1), line(2), country="CH"), by("Post"), by("Post", 2, ((2, 1),)), arrived(1))
    assert asking.transits_of(told) == {("Post", "CH", 2): 1}
    lost = order(seen(1, country="CH"), by("Post"), arrived(1, at=T0 + 90 * DAY))
    assert asking.transits_of(lost) == Counter()
    early = order(seen(1, country="CH"), by("Post"), arrived(1, at=T0))
    assert asking.transits_of(early) == {("Post", "CH", 1): 1}  # scanned before it was sent: at least a day


def test_why_nobody_is_asked() -> None:
    whole = order(seen(1), refunded(1, refund(1, back(1, 1, 10_000), paid=10_000)))
    money = order(seen(1), refunded(1, refund(1, paid=10_000)))
    assert asking.why_not(whole, None, 0) == "returned"
    assert asking.why_not(money, None, 0) == "refunded"
    assert asking.why_not(money, "cancelled", 0) == "cancelled"
    assert asking.why_not(money, None, 1) is None


def test_every_way_has_its_delay() -> None:
    survey = Survey(delay_days=2, international_days=5, pickup_days=0, local_days=None, pos_days=3)
    got = {
        way: asking.due_at(survey, T0, way) - T0
        for way in ("domestic", "", "international", "pickup", "local", "pos")
    }
    assert [days.days for days in got.values()] == [2, 2, 5, 0, 2, 3]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-01T12:00+01:00", "2026-03-01T12:00+01:00"),
        ("2026-03-01T06:30+01:00", "2026-03-01T09:00+01:00"),
        ("2026-03-01T20:00+01:00", "2026-03-02T09:00+01:00"),
        ("2026-03-28T22:00+01:00", "2026-03-29T09:00+02:00"),  # the night is an hour shorter
        ("2026-10-24T23:00+02:00", "2026-10-25T09:00+01:00"),  # and longer
        ("2026-12-24T21:00+01:00", "2026-12-27T09:00+01:00"),  # 25 and 26 are closed
        ("2027-03-26T10:00+01:00", "2027-03-27T09:00+01:00"),  # Good Friday of one year
        ("2026-03-26T10:00+01:00", "2026-03-26T10:00+01:00"),
    ],
)
def test_people_are_asked_while_awake(at: str, expected: str) -> None:
    survey = Survey(from_hour=9, to_hour=20, closed_days=("12-25", "12-26", "2027-03-26"))
    moment = datetime.fromisoformat(at).astimezone(UTC)
    assert asking.waking(survey, moment, asking.zones_of("CH", UTC)) == datetime.fromisoformat(expected)


def test_of_a_wide_country_all_are_awake_and_an_unknown_one_has_the_shops_hours() -> None:
    survey = Survey(from_hour=9, to_hour=20)
    new_york_at_nine = datetime(2026, 7, 1, 13, tzinfo=UTC)
    assert asking.waking(survey, new_york_at_nine, asking.zones_of("US", UTC)) == new_york_at_nine + 3 * HOUR
    narrow = replace(survey, to_hour=11)  # their mornings never meet
    assert asking.waking(narrow, new_york_at_nine, asking.zones_of("US", UTC)) == new_york_at_nine
    assert asking.zones_of(None, ZURICH) == asking.zones_of("XX", ZURICH) == (ZURICH,)


def due(order_id: int, member_id: int = 7, planned: datetime = T0, **changes: object) -> Due:
    given: dict[str, object] = {"basis": "delivered", "country": "CH"}
    return Due(order_id, member_id, planned, **{**given, **changes})  # type: ignore[arg-type]


def one(question: Due, survey: Survey, now: datetime = T0, **known: object) -> tuple[str, str | None]:
    given: dict[str, object] = {"last_asked": {}, "asked_today": 0, "now": now, "shop_zone": ZURICH}
    (verdict,) = asking.plan([question], survey, **{**given, **known})  # type: ignore[arg-type]
    return verdict.what, verdict.reason


def test_what_becomes_of_one_question() -> None:
    quiet = Survey(quiet_days=10, valid_days=30)
    asked: dict[str, Any] = {"last_asked": {7: T0 - 4 * DAY}}
    assert one(due(1), Survey()) == ("ask", None)
    assert one(due(1, opted_out=True), Survey()) == ("skip", "opted_out")
    assert one(due(1), quiet, **asked) == ("later", "quiet_period")
    assert one(due(1, planned=T0 - 25 * DAY), quiet, **asked) == ("skip", "asked_recently")
    assert one(due(1), Survey(quiet_days=4), **asked) == ("ask", None)
    assert one(due(1), Survey(), now=T0 + 31 * DAY) == ("skip", "too_late")
    assert one(due(1), Survey(per_day=3), asked_today=3) == ("later", "daily_limit")
    assert one(due(1), Survey(from_hour=18), now=T0) == ("later", "waking_hours")
    assert one(due(1, basis="estimated"), Survey()) == ("later", "looking_up")
    assert one(due(1, basis="estimated", waits_for="looking_up"), Survey()) == ("ask", None)


@pytest.mark.parametrize(
    ("survey", "asked"),
    [
        (Survey(), [1, 2, 3, 4, 5]),
        (Survey(orders="first"), [1]),
        (Survey(orders="every", every=2), [1, 3, 5]),
        (Survey(sample_new=0), [2, 3, 4, 5]),
        (Survey(sample_returning=0), [1]),
        (Survey(tier_samples=(TierSample("gold", "Gold", "gold", 0),)), [1, 2, 4, 5]),
        (Survey(sample_new=0, sample_returning=0, tier_samples=(TierSample("gold", "Gold", "gold", 100),)), [3]),
    ],
)  # fmt: skip
def test_which_orders_of_a_customer_are_asked_about(survey: Survey, asked: list[int]) -> None:
    questions = [due(n, n, nth=n, tier="gold" if n == 3 else None) for n in range(1, 6)]
    verdicts = asking.plan(questions, survey, {}, 0, T0, ZURICH)
    assert [verdict.order_id for verdict in verdicts if verdict.what == "ask"] == asked
    assert {verdict.reason for verdict in verdicts} <= {None, "not_sampled", "not_this_order"}


def test_the_sample_is_drawn_from_the_orders_number_and_a_larger_one_holds_the_smaller() -> None:
    numbers = range(5_000_000_000, 5_000_010_000)
    tenth = {n for n in numbers if asking.sampled(Survey(sample_new=10), n, 1, None)}
    third = {n for n in numbers if asking.sampled(Survey(sample_new=33), n, 1, None)}
    assert tenth < third
    assert 900 <= len(tenth) <= 1100
    assert 3150 <= len(third) <= 3450


def test_markets_where_only_subscribers_are_mailed() -> None:
    rule = Survey(consent_countries=("DE", "AT"))
    assert asking.may_mail(Survey(), None, None)
    assert asking.may_mail(rule, "CH", None)
    assert [asking.may_mail(rule, "DE", one) for one in (True, False, None)] == [True, False, False]
    assert not asking.may_mail(rule, None, None), "who knows where they live"


settings_of_shops = st.builds(
    Survey,
    valid_days=st.integers(1, 40),
    quiet_days=st.integers(0, 40),
    per_day=st.none() | st.integers(1, 3),
    from_hour=st.integers(0, 11),
    to_hour=st.integers(12, 24),
    closed_days=st.sets(st.sampled_from(("03-05", "03-06", "03-29", "04-03")), max_size=3).map(tuple),
)
questions_of_a_shop = st.lists(
    st.builds(
        due, st.integers(1, 10_000), st.integers(1, 3), st.integers(0, 60 * 24).map(lambda hour: T0 + hour * HOUR),
        basis=st.sampled_from(("delivered", "estimated")), country=st.sampled_from(("CH", "US", "JP", None)),
    ),
    max_size=12, unique_by=lambda question: question.order_id,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(survey=settings_of_shops, questions=questions_of_a_shop)
def test_nobody_is_asked_twice_in_the_quiet_period_and_nobody_is_dropped(
    survey: Survey, questions: list[Due]
) -> None:
    """The clock comes by whenever something is due, until nothing waits: each question ends, and with a reason."""
    waiting = {question.order_id: (question.planned_at, question) for question in questions}
    asked: dict[int, datetime] = {}
    at: dict[int, list[datetime]] = {}
    ended: dict[int, Verdict] = {}
    while waiting:
        now = min(moment for moment, _ in waiting.values())
        today = sum(
            moment.astimezone(ZURICH).date() == now.astimezone(ZURICH).date()
            for moments in at.values()
            for moment in moments
        )
        batch = [question for moment, question in waiting.values() if moment <= now]
        for verdict in asking.plan(batch, survey, asked, today, now, ZURICH):
            question = waiting.pop(verdict.order_id)[1]
            if verdict.what == "later":
                assert verdict.at > now
                waiting[verdict.order_id] = (verdict.at, replace(question, waits_for=verdict.reason))
                continue
            ended[verdict.order_id] = verdict
            if verdict.what == "ask":
                asked[verdict.member_id] = now
                at.setdefault(verdict.member_id, []).append(now)
                assert question.planned_at <= now <= question.planned_at + survey.valid_days * DAY
                for zone in asking.zones_of(question.country, ZURICH)[:1]:
                    assert survey.from_hour <= now.astimezone(zone).hour < survey.to_hour
    assert ended.keys() == {question.order_id for question in questions}
    for moments in at.values():
        assert all(later - earlier >= survey.quiet_days * DAY for earlier, later in pairwise(moments))
    for question in questions:
        verdict = ended[question.order_id]
        if verdict.what == "ask":
            continue
        # Only the quiet period after another question, the day's limit or the closed hours can hold one for good.
        assert verdict.reason in ("asked_recently", "too_late")
        if verdict.reason == "asked_recently":
            until, zones = (
                question.planned_at + survey.valid_days * DAY,
                asking.zones_of(question.country, ZURICH),
            )
            assert any(
                moment <= verdict.at
                and asking.waking(survey, moment + survey.quiet_days * DAY, zones) > until
                for moment in at[question.member_id]
            )
        elif survey.per_day is None:
            assert survey.valid_days < 4, "only closed days and nights can be longer than so few days"
    per_day = Counter(moment.astimezone(ZURICH).date() for moments in at.values() for moment in moments)
    assert survey.per_day is None or all(count <= survey.per_day for count in per_day.values())


@pytest.mark.parametrize(
    ("survey", "where", "remedy"),
    [
        (Survey(international_days=5), "survey.home", "name your domestic countries"),
        (Survey(home=("Switzerland",)), "survey.home", "two capital letters"),
        (Survey(pos_days=-1), "survey.pos_days", "0 to 365"),
        (Survey(from_hour=20, to_hour=9), "survey.to_hour", "an hour after"),
        (Survey(closed_days=("25.12.",)), "survey.closed_days", "month-day"),
        (Survey(every=1), "survey.every", "2 to 100"),
        (Survey(per_day=0), "survey.per_day", "leave it empty"),
        (Survey(sample_new=0, sample_returning=0), "survey.sample_new", "switch the survey off"),
        (Survey(orders="first", sample_new=0), "survey.orders", "Raise their share"),
        (Survey(tier_samples=(TierSample("x", "X", "x"),)), "survey.tier_samples.0.tier", "one of the tiers"),
        (Survey(tier_samples=(TierSample("a", "A", "silver"), TierSample("b", "B", "silver"))),
         "survey.tier_samples.1.tier", "Take one of the rows out"),
        (Survey(assumed=(Assumed("a", "A", ("DE",)), Assumed("b", "B", ("DE",)))), "survey.assumed.1.countries",
         "Take it out of one"),
        (Survey(pickup_methods=("Bern",), local_methods=("bern",)), "survey.local_methods", "Take it out of one"),
    ],
)  # fmt: skip
def test_rules_that_contradict_each_other_are_named_with_a_remedy(
    survey: Survey, where: str, remedy: str
) -> None:
    found = dict(problems(programme(survey=survey)))
    assert list(found) == [where]
    assert remedy in found[where]
