"""Actions flow: told once, limited by period, delayed, given as a reward, refused visibly, merged, forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.domain.facts import (
    ConsentSeen,
    CustomerDeleted,
    CustomerFact,
    CustomerRedacted,
    CustomerSeen,
    CustomersMerged,
)
from plugin.domain.programme import ActionRule, Period
from plugin.flows import actions, birthdays, privacy, stops
from plugin.flows import surveys as survey_flow
from plugin.flows.actions import CannotCount, Outcome
from plugin.store import actions as store
from plugin.store import surveys
from plugin.store.surveys import Invitation
from tests.books import Books
from tests.facts import DAY, T0, programme

REVIEW = ActionRule("review", "review", "A review", 20, limit=2, period="day", delay_days=3)
NEWS = ActionRule("news", "newsletter", "Newsletter", 30)
SURVEY = ActionRule("asked", "survey", "Your answer", 15, limit=2, period="year")
GIFT = ActionRule("check_in", "custom", "Check in", reward="five_off", period="day")
ALL = (REVIEW, NEWS, SURVEY, GIFT)
ZURICH = ZoneInfo("Europe/Zurich")


@pytest.fixture
def earning(books: Books) -> Books:
    """Alice's shop with actions since the day before; customer 7 is a member without sign-up points."""
    books.publish(programme(signup_points=0, actions=ALL), at=T0 - DAY + timedelta(seconds=1))
    books.join(7)
    return books


def tell(
    books: Books, key: str = "review", name: str = "r1", member: int = 7, at: datetime | None = None
) -> Outcome:
    with books.db.write(books.shop_id) as tx:
        return actions.happened(tx, books.shop, member, key, name, at or books.now, books.now, actor="api")


def told(books: Books, member: int = 7) -> list[tuple[str, str, str | None]]:
    """(name, outcome, reason) of everything a member was told to have done, oldest first."""
    with books.db.read() as tx:
        return [
            (one.external_id, one.outcome, one.reason)
            for one in reversed(store.of_member(tx, books.shop_id, member, 100))
        ]


def test_an_action_is_credited_once_and_says_what_it_was(earning: Books) -> None:
    first, again = tell(earning), tell(earning)
    assert (first.earned, first.again, first.shopper_reads) == (True, False, "")
    assert (again.earned, again.again, again.action) == (True, True, first.action)
    assert earning.entries(7) == [("action", 20)]
    assert earning.points(7) == (0, 20, 0)
    earning.now = T0 + 3 * DAY
    assert earning.points(7) == (20, 0, 0)
    assert "member:7:mirror" in earning.effects()
    [row] = earning.rows("SELECT source_key, why, actor FROM entries WHERE shop_id = :s")
    assert row == (
        "action:review:r1", '{"rule":"review","action":"review","name":"A review","programme":3}', "api",
    )  # fmt: skip
    [lot] = earning.account(7).lots.values()
    assert lot.expires_at == (T0 + 3 * DAY).replace(year=2028)  # as earned points: 24 months
    assert earning.audit() == []


def test_a_limit_counts_by_the_day_of_the_shop(earning: Books) -> None:
    evening = T0.replace(hour=22, minute=59)  # 23:59 in Zurich
    earning.now = evening + DAY
    assert [tell(earning, name=f"r{n}", at=evening).earned for n in range(3)] == [True, True, False]
    assert tell(earning, name="r9", at=evening + timedelta(minutes=2)).earned
    assert told(earning)[2] == ("r2", "refused", "limit_day")
    refused = tell(earning, name="r2", at=evening)
    assert (refused.again, refused.earned) == (True, False)
    assert refused.shopper_reads.startswith("You have done this")
    assert refused.merchant_reads == "The limit of the day was reached."
    assert earning.entries(7) == [("action", 20)] * 3


def test_a_reward_instead_of_points_is_a_code_that_costs_nothing(earning: Books) -> None:
    given_ = tell(earning, "check_in", "today")
    assert tell(earning, "check_in", "today").action == given_.action
    [code] = earning.codes(7)
    assert (code.redemption_id, code.points, code.reward.key) == (given_.action.redemption_id, 0, "five_off")
    assert earning.entries(7) == []
    assert not tell(earning, "check_in", "again").earned
    assert len(earning.codes(7)) == 1


def test_who_is_no_member_or_was_none_then_is_told_so(earning: Books) -> None:
    earning.give_order(9)
    assert tell(earning, member=9, name="r2").action.reason == "not_a_member"
    assert tell(earning, at=T0 - timedelta(seconds=1)).action.reason == "before_joining"
    assert told(earning, 9) == [("r2", "refused", "not_a_member")]
    assert earning.entries(7) == []


def test_the_programme_of_the_moment_decides(earning: Books) -> None:
    earning.now = T0 + DAY
    earning.publish(
        programme(actions=(replace(REVIEW, points=99, delay_days=0), replace(GIFT, enabled=False)))
    )
    later = ActionRule("new", "custom", "New", 5)
    earning.now = T0 + 2 * DAY
    earning.publish(programme(actions=(REVIEW, later)))
    assert tell(earning, name="a", at=T0).action.points == 20
    assert tell(earning, name="b", at=T0 + DAY).action.points == 99
    assert tell(earning, "check_in", "c", at=T0 + DAY).action.reason == "off"
    assert tell(earning, "new", "d", at=T0 + DAY).action.reason == "before_rule"
    assert earning.audit() == []


def test_while_earning_stands_still_nothing_is_earned(earning: Books) -> None:
    with earning.db.write(earning.shop_id) as tx:
        earning.shop = stops.stop(tx, earning.shop, "earning", "staff:1", T0 + timedelta(hours=1))
        earning.shop = stops.go_on(tx, earning.shop, "earning", "staff:1", T0 + timedelta(hours=3))
    earning.now = T0 + DAY
    hours = [(name, tell(earning, name=name, at=T0 + timedelta(hours=n))) for n, name in enumerate("abcd")]
    assert [(name, told.action.reason) for name, told in hours] == [
        ("a", None), ("b", "stopped"), ("c", "stopped"), ("d", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": "reviw"}, "no_such_action"),
        ({"name": "ada@example.com"}, "bad_external_id"),
        ({"name": ""}, "bad_external_id"),
        ({"name": "x" * 101}, "bad_external_id"),
        ({"at": T0 + timedelta(minutes=6)}, "in_future"),
        ({"member": 4711, "name": "r2"}, "no_such_member"),
        ({"member": 8}, "other_member"),
    ],
)
def test_what_cannot_be_counted_leaves_no_trace(
    earning: Books, changes: dict[str, object], code: str
) -> None:
    earning.join(8)
    tell(earning)
    with pytest.raises(CannotCount) as refused:
        tell(earning, **changes)  # type: ignore[arg-type]
    assert refused.value.code == code
    assert told(earning) == [("r1", "earned", None)]


def test_joining_is_paid_though_new_customer_accounts_send_no_event(books: Books) -> None:
    """What others wait for, an account that the platform calls enabled, never comes; the tap on Join is enough."""
    books.give_order(9)
    books.people(CustomerSeen(CustomerFact(9, T0)))
    for _ in range(2):
        books.join(9)
    assert [entry for entry in books.entries(9) if entry[0] != "earn"] == [("signup", 50)]


# --- the newsletter ----------------------------------------------------------------------------------------


def test_subscribing_counts_once_for_good(earning: Books) -> None:
    for day, subscribed in enumerate((True, False, True, True)):
        earning.now = T0 + day * DAY
        fact = ConsentSeen(7, subscribed, earning.now)
        earning.people(fact, fact)
    assert earning.entries(7) == [("action", 30)]
    assert [(outcome, reason) for _, outcome, reason in told(earning)] == [
        ("earned", None), ("refused", "limit_ever"), ("refused", "limit_ever"),
    ]  # fmt: skip


def test_a_rule_under_another_key_is_no_second_time(earning: Books) -> None:
    earning.people(ConsentSeen(7, True, T0))
    earning.now = T0 + DAY
    earning.publish(programme(actions=(replace(NEWS, key="news_2"),)))
    earning.people(ConsentSeen(7, True, T0 + DAY))
    assert earning.entries(7) == [("action", 30)]


def test_subscribing_while_joining_counts_and_strangers_stay_strangers(earning: Books) -> None:
    earning.people(ConsentSeen(8, True, T0), ConsentSeen(9, True, None))
    assert told(earning, 8) == []
    assert earning.rows("SELECT member_id FROM members WHERE shop_id = :s") == [(7,)]
    earning.publish(programme(signup_points=0, membership="all", actions=(NEWS,)))
    earning.now = T0 + timedelta(minutes=1)
    box_ticked = ConsentSeen(8, True, T0 + timedelta(seconds=40))  # before we made them a member
    earning.people(box_ticked, CustomerSeen(CustomerFact(8, T0 + timedelta(seconds=40))))
    assert earning.entries(8) == [("action", 30)]


def test_without_a_rule_consent_costs_and_keeps_nothing(books: Books) -> None:
    books.join(7)
    books.people(ConsentSeen(7, True, T0))
    assert told(books) == []


# --- the survey --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("score", range(11))
def test_every_score_earns_the_same_and_a_changed_answer_nothing_more(earning: Books, score: int) -> None:
    for order in (1, 2, 3):
        with earning.db.write(earning.shop_id) as tx:
            asked = Invitation(order, 7, "asked", "delivered", T0, T0, T0, None)
            surveys.invite(tx, earning.shop_id, [asked], T0)
            for given_score in (score, 10 - score):
                survey_flow.answer(
                    tx, earning.shop, 7, order, given_score, words=None, locale=None, channel="panel", now=T0
                )
    assert earning.entries(7) == [("survey", 15)] * 2  # the limit is two a year
    assert told(earning)[-1][1:] == ("refused", "limit_year")


# --- merges, deletion, hand-over ---------------------------------------------------------------------------


def test_after_a_merge_what_comes_once_stands_once(earning: Books) -> None:
    earning.join(9)
    earning.people(ConsentSeen(9, True, T0 + timedelta(hours=1)))
    earning.now = T0 + 2 * DAY
    earning.people(ConsentSeen(7, True, earning.now))
    tell(earning, name="a", at=T0)
    tell(earning, name="b", at=T0, member=9)
    tell(earning, name="c", at=T0, member=9)
    tell(earning, "check_in", "mine", at=T0)
    tell(earning, "check_in", "theirs", at=T0 + timedelta(hours=1), member=9)
    [theirs] = earning.codes(9)
    earning.made(theirs)
    for _ in range(2):
        earning.people(CustomersMerged(7, 9, "success"))
    taken = [row for row in told(earning) if row[1] == "taken_back"]
    assert sorted(taken) == [
        (name, "taken_back", "merged") for name in sorted(("c", "theirs", f"7:{int(earning.now.timestamp()) * 1000}"))
    ]  # fmt: skip
    kinds = earning.entries(7)
    assert sorted(kinds) == sorted(
        [("action", 30), ("action", 20), ("transfer_in", 30), ("transfer_in", 20), ("transfer_in", 20),
         ("clawback", -30), ("clawback", -20)]
    )  # fmt: skip
    assert earning.member(7).posted == 70
    assert f"redemption:{theirs.redemption_id}:withdraw" in earning.effects()
    assert earning.audit() == []
    assert not tell(earning, name="d", at=T0).earned


def test_a_merge_takes_nothing_back_that_only_one_of_both_had(earning: Books) -> None:
    earning.join(9)
    tell(earning, name="a", at=T0, member=9)
    tell(earning, name="b", at=T0, member=9)
    earning.publish(programme(signup_points=0, actions=(replace(REVIEW, limit=1),)), at=T0 + DAY)
    earning.now = T0 + 2 * DAY
    earning.people(CustomersMerged(7, 9, "success"))
    assert [outcome for _, outcome, _ in told(earning)] == ["earned", "earned"]
    assert earning.member(7).posted == 40
    assert earning.audit() == []


def test_an_action_told_late_under_the_old_number_finds_the_kept_member(earning: Books) -> None:
    earning.join(9)
    tell(earning, name="r1", member=9)
    earning.people(CustomersMerged(7, 9, "success"))
    assert tell(earning, name="r1", member=9).again
    assert tell(earning, name="r2", member=9).action.member_id == 7


@pytest.mark.parametrize("fact", [CustomerRedacted(7, ()), CustomerDeleted(7)])
def test_a_birthday_is_handed_over_and_forgotten(
    earning: Books, fact: CustomerRedacted | CustomerDeleted
) -> None:
    tell(earning)
    with earning.db.write(earning.shop_id) as tx:
        birthdays.set_birthday(tx, earning.shop, 7, 6, 1, T0, actor="member")
        held = privacy.everything_of(tx, earning.shop, 7)
    assert (held["birthday"].month, held["birthday"].day) == (6, 1)  # type: ignore[attr-defined]
    assert [one.external_id for one in held["actions"]] == ["r1"]  # type: ignore[attr-defined]
    earning.people(fact)
    assert earning.rows("SELECT * FROM birthdays WHERE shop_id = :s") == []
    assert earning.audit() == []


# --- the law -----------------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 12)), max_size=14),
    st.sampled_from(["day", "month", "year", "ever"]),
    st.integers(1, 2),
    st.integers(1, 10**9),
)
def test_no_order_of_deliveries_earns_more_than_the_limit(
    earning: Books, happened: list[tuple[int, int]], period: Period, limit: int, tag: int
) -> None:
    """Doubled, late and shuffled; what stands is never more than the limit in any period, and the books agree."""
    earning.now += 500 * DAY
    since = earning.now
    rule = ActionRule(f"k{tag}_{period}_{limit}", "custom", "Done", 1, limit=limit, period=period)
    earning.publish(programme(signup_points=0, actions=(rule,)))
    earning.now = since + 450 * DAY
    before = earning.member(7).posted
    kept: dict[str, list[str]] = {}
    for hours, name in happened:
        at = since + timedelta(hours=hours * 24)
        try:
            answer = tell(earning, rule.key, f"{tag}:{name}:{hours}", at=at)
            again = tell(earning, rule.key, f"{tag}:{name}:{hours}", at=at)
        except CannotCount as error:
            raise AssertionError(error.code) from error
        assert again.action == answer.action
        local = at.astimezone(ZURICH).date().isoformat()
        if answer.earned and not answer.again:
            cut = {"day": 10, "month": 7, "year": 4, "ever": 0}[period]
            kept.setdefault(local[:cut], []).append(answer.action.external_id)
    assert all(len(names) <= limit for names in kept.values())
    assert earning.member(7).posted - before == sum(map(len, kept.values()))
