"""Referrals: what looks like whom, what a sign is worth, what becomes of a case, and who is over the cap."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.facts import Traces
from plugin.domain.programme import Checks, Referral
from plugin.domain.referrals import (
    ATTRIBUTE,
    Case,
    Place,
    Signs,
    Verdict,
    carried,
    code_in,
    code_of,
    code_of_link,
    judge,
    over_cap,
    plain_email,
    prints_of,
    reasons,
    score,
)
from tests.facts import DAY, T0


def test_a_code_is_always_the_same_and_tells_nothing() -> None:
    codes = [code_of("a.myshopify.com", 7, "reg"), code_of("a.myshopify.com", 7, "REG"),
             code_of("a.myshopify.com", 7, "reg", 1), code_of("a.myshopify.com", 8, "reg"),
             code_of("b.myshopify.com", 7, "reg")]  # fmt: skip
    assert codes == ["REG-CSCPY367", "REG-CSCPY367", "REG-FV5SQXXQ", "REG-SDC73H99", "REG-ZV4GFHWY"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" reg-abc12 ", "REG-ABC12"),
        ("ABCDE", "ABCDE"),
        ("ABCD", None),
        ("A" * 40, "A" * 40),
        ("A" * 41, None),
        ("-ABCDE", None),
        ("ABCDE-", None),
        ("AB CDE", None),
        ("ÄBCDE", None),
        ("", None),
        (None, None),
        (12345, None),
    ],
)
def test_what_can_be_a_code(text: object, code: str | None) -> None:
    assert code_in(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("smile-ada-123", "SMILE-ADA-123"),
        ("https://tea.example/?preference=xxxxx&referral_code=4DdQ6WlI95l5", "4DDQ6WLI95L5"),
        ("https://tea.example?ll_ref_id=a482k", "A482K"),
        ("https://prz.io/a482k", "A482K"),
        ("https://tea.example/?gw=1", None),
        ("https://tea.example", None),
    ],
)
def test_the_code_of_a_former_apps_link(text: str, code: str | None) -> None:
    assert code_of_link(text) == code


def test_the_first_attribute_of_its_name_carries_it() -> None:
    assert ATTRIBUTE == "Referral code"
    assert carried([("Note", "REG-OTHER"), (ATTRIBUTE, "reg-abc12"), (ATTRIBUTE, "REG-LATER")]) == "REG-ABC12"
    assert carried([(ATTRIBUTE, "no!"), (ATTRIBUTE, "REG-LATER")]) is None
    assert carried([]) is None


@pytest.mark.parametrize(
    ("email", "plain"),
    [
        (" Ada.L+shop@Gmail.com ", "adal@gmail.com"),
        ("a.da@googlemail.com", "ada@gmail.com"),
        ("A.da+1+2@Example.com", "a.da@example.com"),
        ("a@b@example.com", "a@b@example.com"),
        ("a@b+x@example.com", "a@b@example.com"),
        ("@example.com", None),
        ("+x@example.com", None),
        ("ada@", None),
        ("ada", None),
        ("", None),
        (None, None),
    ],
)
def test_the_mailbox_behind_an_address(email: str | None, plain: str | None) -> None:
    assert plain_email(email) == plain


def prints(**said: Any) -> dict[str, str]:
    return dict(prints_of(Traces(**said)))


def test_what_of_an_orders_traces_can_be_compared() -> None:
    assert prints() == {}
    assert prints(phone="+41 79 123 45 67") == prints(phone="079/123.45.67") == {"phone": "791234567"}
    assert prints(phone="1234567") == {"phone": "1234567"}
    assert prints(phone="123456") == prints(phone="٣٣٣٣٣٣٣") == {}
    home = {"address": "seestrasse1|8001|ch"}
    assert prints(street="See-Strasse 1", zip="80 01", country="CH") == home
    assert prints(street="Sée strasse 1", zip="8001") == {
        "address": "see\u0301strasse1|8001|".replace("\u0301", "")
    }
    assert prints(street="Seestrasse 1") == prints(zip="8001", country="CH") == {}
    assert prints(ip=" 203.0.113.7 ") == {"network": "203.0.113.7"}
    assert prints(ip="2001:db8:1:2:3::9") == prints(ip="2001:db8:1:2::") == {"network": "2001:db8:1:2::/64"}
    assert prints(ip="nonsense", device="A") == prints(device="A") == {}
    assert prints(ip="203.0.113.7", device=" A ") == {"network": "203.0.113.7", "device": "203.0.113.7 A"}


SIGNS = {
    "same_customer": Signs(same_customer=True), "same_email": Signs(same_email=True),
    "same_phone": Signs(same_phone=True), "same_address": Signs(same_address=True), "device": Signs(seen_at_device=1),
    "network": Signs(seen_at_network=3), "prior_purchase": Signs(prior_purchase=True), "cancelled": Signs(given_back=3),
}  # fmt: skip
WORTH = {"same_customer": 100, "same_email": 100, "same_phone": 60, "same_address": 50, "device": 60, "network": 30,
         "prior_purchase": 100, "cancelled": 40}  # fmt: skip


@pytest.mark.parametrize("name", SIGNS)
def test_each_sign_by_itself(name: str) -> None:
    assert reasons(SIGNS[name], Checks()) == (name,)
    assert reasons(SIGNS[name], replace(Checks(), **{name: 0})) == ()
    assert reasons(SIGNS[name], replace(Checks(), **{name: 1})) == (name,)
    assert score([name], Checks()) == WORTH[name]


def test_what_is_below_its_limit_is_no_sign() -> None:
    assert reasons(Signs(seen_at_network=2, given_back=2), Checks()) == ()
    assert reasons(Signs(seen_at_device=1), Checks(device_limit=2)) == ()
    assert reasons(Signs(), Checks()) == ()
    assert score([], Checks()) == 0
    assert score(["same_phone", "network"], Checks()) == 90


GOOD = Case(why_not=None, confirmed=True, refuted=False, basis_minor=5_000, over_at=T0)
RULE = Referral(enabled=True, minimum_minor=2_000)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (GOOD, Verdict("approved", None, T0)),
        (replace(GOOD, released=True, again=True), Verdict("approved", None, T0)),
        (replace(GOOD, over_at=T0 + DAY), Verdict("qualified", None, T0 + DAY)),
        (replace(GOOD, over_at=None), Verdict("qualified")),
        (replace(GOOD, decision="rejected", released=True, refuted=True), Verdict("rejected", "staff")),
        (replace(GOOD, refuted=True, why_not="not_paid"), Verdict("cancelled", "refuted")),
        (replace(GOOD, why_not="not_paid"), Verdict("waiting", "not_paid")),
        (replace(GOOD, why_not="not_seen"), Verdict("waiting", "not_paid")),
        (replace(GOOD, why_not="not_paid", released=True), Verdict("cancelled", "not_paid")),
        (replace(GOOD, why_not="cancelled", decision="approved"), Verdict("cancelled", "cancelled")),
        (replace(GOOD, basis_minor=2_000), Verdict("approved", None, T0)),
        (replace(GOOD, basis_minor=1_999), Verdict("cancelled", "too_small")),
        (replace(GOOD, basis_minor=1_999, released=True), Verdict("cancelled", "refunded")),
        (replace(GOOD, basis_minor=0), Verdict("cancelled", "refunded")),
        (replace(GOOD, basis_minor=1), Verdict("cancelled", "too_small")),
        (replace(GOOD, released=True, again=True, score=900, over_at=None), Verdict("approved")),
        (replace(GOOD, again=True, member_gone=True), Verdict("cancelled", "again")),
        (replace(GOOD, member_gone=True, confirmed=False), Verdict("cancelled", "member_gone")),
        (replace(GOOD, confirmed=False, score=900), Verdict("waiting", "not_read")),
        (replace(GOOD, score=49), Verdict("approved", None, T0)),
        (replace(GOOD, score=50), Verdict("review", "score")),
        (replace(GOOD, score=99), Verdict("review", "score")),
        (replace(GOOD, score=100), Verdict("rejected", "score")),
        (replace(GOOD, score=100, decision="approved"), Verdict("approved", None, T0)),
        (replace(GOOD, score=50, decision="approved", over_at=None), Verdict("qualified")),
    ],
)
def test_what_becomes_of_a_case(case: Case, verdict: Verdict) -> None:
    assert judge(case, RULE, T0) == verdict


def test_the_smallest_order_still_has_to_be_worth_something() -> None:
    any_order = replace(RULE, minimum_minor=0)
    assert judge(replace(GOOD, basis_minor=0), any_order, T0) == Verdict("cancelled", "refunded")
    assert judge(replace(GOOD, basis_minor=1), any_order, T0).state == "approved"


def place(number: int, hours: int = 0, released: bool = False, order_id: int | None = None) -> Place:
    return Place(number, T0 + timedelta(hours=hours), order_id or number, released)


def test_the_earliest_keep_their_slots_and_what_was_given_before_all() -> None:
    row = [place(1, 5), place(2, 1), place(3, 3), place(4, 9, released=True)]
    assert over_cap(row, None) == frozenset()
    assert over_cap(row, 4) == frozenset()
    assert over_cap(row, 3) == {1}
    assert over_cap(row, 2) == {1, 3}
    assert over_cap(row, 1) == {1, 2, 3}
    assert over_cap(row, 0) == {1, 2, 3}, "what was given is not taken for a cap"
    assert over_cap([place(1, order_id=9), place(2, order_id=8)], 1) == {1}, "of one moment the lower order"


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=12), st.integers(0, 6))
def test_a_cap_is_kept_whatever_comes_first(drawn: list[tuple[int, bool]], cap: int) -> None:
    row = [place(number, hours, released) for number, (hours, released) in enumerate(drawn, 1)]
    over = over_cap(row, cap)
    assert over_cap(reversed(row), cap) == over
    assert len(row) - len(over) == max(min(cap, len(row)), sum(one.released for one in row))
