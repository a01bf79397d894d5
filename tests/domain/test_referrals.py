"""Referrals decided: codes, who is the same behind two names, signs and scores, verdicts, caps, and wrong settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.facts import Traces
from plugin.domain.programme import Checks, Referral, Reward, problems
from plugin.domain.referrals import (
    ATTRIBUTE,
    REASONS,
    WHYS,
    Case,
    Place,
    Signs,
    carried,
    code_in,
    code_of,
    judge,
    over_cap,
    plain_email,
    prints_of,
    reasons,
    score,
)
from tests.facts import DAY, T0, programme

RULE = Referral(enabled=True, friend=Reward("friend", "amount_off", "", 0, value_minor=500), points=100)
GOOD = Case(None, True, False, 10_000, T0)


def test_a_code_is_stable_and_anonymous() -> None:
    code = code_of("alpina.myshopify.com", 7, "reg")
    assert code == code_of("alpina.myshopify.com", 7, "reg")
    assert code == "REG-V5N92BN4"
    assert code_in(code.lower()) == code
    others = {
        code_of("alpina.myshopify.com", member, "reg", attempt) for member in range(500) for attempt in (0, 1)
    }
    assert len(others) == 1000
    assert code_of("other.myshopify.com", 7, "reg") != code


@pytest.mark.parametrize("text", [None, 5, "", "abc", "-ABCD", "ABCD-", "A B C D", "<b>ABCD</b>", "A" * 41])
def test_what_cannot_be_a_code_is_none(text: object) -> None:
    assert code_in(text) is None


def test_only_our_attribute_carries_a_code() -> None:
    assert carried([("gift", "yes"), (ATTRIBUTE, " reg-abcd ")]) == "REG-ABCD"
    assert carried([("referral", "REG-ABCD")]) is None
    assert carried([]) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada.L+x@Gmail.com", "adal@googlemail.com"),
        ("ada+shop@example.com", "ADA@example.com"),
        (" ada@example.com", "ada@example.com"),
    ],
)
def test_one_mailbox_behind_two_spellings(one: str, other: str) -> None:
    assert plain_email(one) == plain_email(other) is not None


@pytest.mark.parametrize("text", [None, "", "ada", "@example.com", "+x@example.com", "ada@"])
def test_what_is_no_address_is_none(text: str | None) -> None:
    assert plain_email(text) is None


def test_dots_matter_where_the_mailbox_counts_them() -> None:
    assert plain_email("a.da@example.com") != plain_email("ada@example.com")


def test_traces_are_compared_in_one_spelling() -> None:
    def prints(**given: Any) -> dict[str, str]:
        return dict(prints_of(Traces(**given)))

    assert prints(phone="+41 79 123 45 67") == prints(phone="079/1234567") == {"phone": "791234567"}
    assert prints(phone="12345") == {}
    swiss = prints(street="Séestr. 1", zip="8001", country="CH")
    assert swiss == prints(street="SEESTR 1", zip="80 01", country="ch")
    assert swiss != prints(street="Seestr. 1", zip="8001", country="DE")
    assert prints(street="Way 1") == prints(zip="8001") == {}
    assert prints(ip="203.0.113.7", device="A") == {"network": "203.0.113.7", "device": "203.0.113.7 A"}
    assert (
        prints(ip="2001:db8:1:2::9") == prints(ip="2001:db8:1:2:ffff::1") == {"network": "2001:db8:1:2::/64"}
    )
    assert prints(ip="unknown", device="A") == prints(device="A") == {}


@given(st.builds(Traces, *[st.none() | st.text(max_size=60)] * 6))
def test_no_trace_breaks_it(traces: Traces) -> None:
    assert {kind for kind, _ in prints_of(traces)} <= {"phone", "address", "network", "device"}


def test_every_sign_has_its_score_and_can_be_switched_off() -> None:
    every = Signs(True, True, True, True, 9, 9, True, 9)
    assert reasons(every, Checks()) == tuple(REASONS)
    assert score(REASONS, Checks()) == 100 + 100 + 60 + 50 + 60 + 30 + 100 + 40
    for name in REASONS:
        assert name not in reasons(every, replace(Checks(), **{name: 0}))
    assert reasons(Signs(), Checks()) == ()


@pytest.mark.parametrize(
    ("signs", "found"),
    [
        (Signs(seen_at_device=1), ("device",)),
        (Signs(seen_at_network=2), ()),
        (Signs(seen_at_network=3), ("network",)),
        (Signs(given_back=2), ()),
        (Signs(given_back=3), ("cancelled",)),
    ],
)
def test_a_threshold_is_reached_exactly(signs: Signs, found: tuple[str, ...]) -> None:
    assert reasons(signs, Checks()) == found


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({}, "approved", None),
        ({"opens_at": T0 + timedelta(seconds=1)}, "qualified", None),
        ({"opens_at": None}, "qualified", None),
        ({"confirmed": False}, "waiting", "not_read"),
        ({"why_not": "not_paid"}, "waiting", "not_paid"),
        ({"why_not": "not_paid", "released": True}, "cancelled", "not_paid"),
        ({"why_not": "cancelled"}, "cancelled", "cancelled"),
        ({"why_not": "test"}, "cancelled", "test"),
        ({"refuted": True}, "cancelled", "refuted"),
        ({"basis_minor": 0}, "cancelled", "refunded"),
        ({"basis_minor": 999}, "cancelled", "too_small"),
        ({"basis_minor": 1000}, "approved", None),
        ({"basis_minor": 999, "released": True}, "cancelled", "refunded"),
        ({"again": True}, "cancelled", "again"),
        ({"member_gone": True}, "cancelled", "member_gone"),
        ({"score": 49}, "approved", None),
        ({"score": 50}, "review", "score"),
        ({"score": 99}, "review", "score"),
        ({"score": 100}, "rejected", "score"),
        ({"score": 100, "decision": "approved"}, "approved", None),
        ({"score": 0, "decision": "rejected"}, "rejected", "staff"),
        ({"decision": "approved", "why_not": "cancelled"}, "cancelled", "cancelled"),
        ({"decision": "rejected", "released": True}, "rejected", "staff"),
        ({"released": True, "score": 500, "again": True, "member_gone": True}, "approved", None),
    ],
)
def test_verdicts(changes: dict[str, Any], state: str, why: str | None) -> None:
    verdict = judge(replace(GOOD, **changes), replace(RULE, minimum_minor=1000), T0)
    assert (verdict.state, verdict.why) == (state, why)
    assert why is None or why in WHYS


places = st.lists(
    st.builds(Place, st.integers(1, 10**6), st.integers(0, 9).map(lambda d: T0 + d * DAY), st.integers(1, 9),
              st.booleans()), max_size=12, unique_by=lambda one: one.referral_id,
)  # fmt: skip


@given(places, st.none() | st.integers(1, 6))
def test_a_cap_is_never_exceeded_and_takes_nothing_away(several: list[Place], cap: int | None) -> None:
    over = over_cap(several, cap)
    kept = [one for one in several if one.referral_id not in over]
    given = [one for one in several if one.released]
    assert over == over_cap(reversed(several), cap) or len(
        {(p.placed_at, p.order_id) for p in several}
    ) < len(several)
    assert not over & {one.referral_id for one in given}
    assert cap is None or len(kept) <= max(cap, len(given))
    assert cap is not None or not over


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"friend": Reward("friend", "amount_off", "", 0)}, "referral.friend.value_minor"),
        ({"friend": Reward("friend", "percent_off", "", 0)}, "referral.friend.percent"),
        ({"friend": Reward("friend", "percent_off", "", 0, 500, percent=10)}, "referral.friend.percent"),
        ({"friend": Reward("friend", "gift_card", "", 0, 500)}, "referral.friend.kind"),
        ({"friend": Reward("friend", "amount_off", "", 0, 500, -1)}, "referral.friend.minimum_minor"),
        ({"points": -1}, "referral.points"),
        ({"reward": "five_off"}, "referral.points"),
        ({"points": 0, "reward": "unicorn"}, "referral.reward"),
        ({"minimum_minor": -1}, "referral.minimum_minor"),
        ({"delay_days": 366}, "referral.delay_days"),
        ({"cap": 0}, "referral.cap"),
        ({"review_score": 0}, "referral.review_score"),
        ({"reject_score": 49}, "referral.reject_score"),
        ({"checks": Checks(same_phone=-1)}, "referral.checks.same_phone"),
        ({"checks": Checks(network_limit=0)}, "referral.checks.network_limit"),
    ],
)
def test_a_wrong_setting_names_its_field(changes: dict[str, Any], field: str) -> None:
    wrong = problems(programme(referral=replace(RULE, **changes)))
    assert [where for where, _ in wrong] == [field]
    assert problems(programme(referral=replace(RULE, **changes, enabled=False))) == []


def test_good_settings_have_no_fault() -> None:
    assert problems(programme(referral=RULE)) == []
    shipping = Reward("friend", "free_shipping", "", 0)
    assert problems(programme(referral=replace(RULE, friend=shipping, points=0, cap=None))) == []
    assert problems(programme()) == []
