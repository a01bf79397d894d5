"""What an order earns: every rule of docs/ledger.md, with its arithmetic beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.earning import basis_minor, refunded_share, target, why_nothing_counts
from plugin.domain.facts import OrderDeleted, OrderFact
from plugin.domain.orders import Order
from plugin.domain.programme import Basis, EarningRule
from plugin.domain.values import Rate, Ratio
from tests.facts import (
    DAY,
    T0,
    arrived,
    back,
    head,
    line,
    order,
    parcel,
    programme,
    refund,
    refunded,
    seen,
    sent,
)

AS_PRICED, WITH, WITHOUT = Basis(), Basis(tax="with"), Basis(tax="without")
# One line of 2 for 100.00 in a shop whose prices hold 8.1 % tax (7.49 of it); shipping 7.00 with 0.52 tax inside.
GROSS = line(1, 10_000, 2, tax_minor=749)
# The same goods in a shop whose prices are net: 92.51 and 7.49 on top.
NET = line(1, 9_251, 2, tax_minor=749)


@pytest.mark.parametrize(
    ("basis", "included", "expected"),
    [
        (AS_PRICED, True, 10_000),  # the price holds the tax
        (WITH, True, 10_000),
        (WITHOUT, True, 9_251),  # 10000 - 749
        (AS_PRICED, False, 9_251),
        (WITH, False, 10_000),  # 9251 + 749
        (WITHOUT, False, 9_251),
        # shipping 700 (inside 52) where prices hold tax, 648 + 52 where they do not
        (replace(AS_PRICED, shipping=True), True, 10_700),
        (replace(WITH, shipping=True), True, 10_700),
        (replace(WITHOUT, shipping=True), True, 9_899),  # 9251 + 700 - 52
        (replace(AS_PRICED, shipping=True), False, 9_899),  # 9251 + 648
        (replace(WITH, shipping=True), False, 10_700),  # 10000 + 648 + 52
        (replace(WITHOUT, shipping=True), False, 9_899),
        (replace(AS_PRICED, tips=True), True, 10_300),
        (replace(AS_PRICED, duties=True), True, 10_150),
        (replace(AS_PRICED, shipping=True, tips=True, duties=True), True, 11_150),  # 10000+700+300+150
    ],
)
def test_the_switches_of_the_basis(basis: Basis, included: bool, expected: int) -> None:
    stated = seen(
        1, GROSS if included else NET, taxes_included=included, shipping_minor=700 if included else 648,
        shipping_tax_minor=52, tip_minor=300, duties_minor=150,
    )  # fmt: skip
    assert basis_minor(order(stated), basis) == expected


@pytest.mark.parametrize(
    ("facts", "basis", "expected"),
    [
        # one unit of two refunded: 10000 - floor(10000 x 1 / 2)
        ([refunded(1, refund(1, back(1, 1, 5000, 374), paid=5000))], AS_PRICED, 5_000),
        # the same without tax: 9251 - floor(9251 / 2) = 9251 - 4625
        ([refunded(1, refund(1, back(1, 1, 5000, 374), paid=5000))], WITHOUT, 4_626),
        # 12.34 given back without lines
        ([refunded(1, refund(1, paid=1_234))], AS_PRICED, 8_766),
        # … of which the tax share goes with the tax: floor(1234 x 9251 / 10000) = 1141
        ([refunded(1, refund(1, paid=1_234))], WITHOUT, 8_110),
        # a unit and 3.00 on top of it: 5000 - 300
        ([refunded(1, refund(1, back(1, 1, 5000, 374), paid=5_300))], AS_PRICED, 4_700),
        # a unit, and less paid back than it cost (a restocking fee): the unit leaves whole
        ([refunded(1, refund(1, back(1, 1, 5000, 374), paid=4_000))], AS_PRICED, 5_000),
        # shipping of 7.00 given back is not the goods' money
        ([refunded(1, refund(1, paid=700, shipping=700))], AS_PRICED, 10_000),
        # … but it is taken from the basis where shipping earns: 10000 + 700 - 700
        ([refunded(1, refund(1, paid=700, shipping=700))], replace(AS_PRICED, shipping=True), 10_000),
        # two amounts: 10000 - 1000 - 2000
        ([refunded(1, refund(1, paid=1_000)), refunded(1, refund(2, paid=2_000))], AS_PRICED, 7_000),
        # an amount, then both units: nothing is left, and never less than nothing
        ([refunded(1, refund(1, paid=1_000)), refunded(1, refund(2, back(1, 2, 10_000), paid=9_000))], AS_PRICED, 0),
        # more than everything
        ([refunded(1, refund(1, paid=99_999))], AS_PRICED, 0),
        # store credit is money given back too: the platform states it as a payment of the refund
        ([refunded(1, refund(1, back(1, 2, 10_000), paid=10_000))], AS_PRICED, 0),
    ],
)  # fmt: skip
def test_refunds_lower_the_basis(facts: list[Any], basis: Basis, expected: int) -> None:
    stated = seen(1, GROSS, shipping_minor=700, shipping_tax_minor=52)
    assert basis_minor(order(stated, *facts), basis) == expected
    assert basis_minor(order(*facts, stated), basis) == expected


def test_amounts_without_lines_where_prices_are_net_leave_their_tax_share() -> None:
    # Paid back 20.00 with tax; of 100.00 gross 92.51 are goods: floor(2000 x 9251 / 10000) = 1850.
    after = order(seen(1, NET, taxes_included=False), refunded(1, refund(1, paid=2_000)))
    assert basis_minor(after, AS_PRICED) == 9_251 - 1_850
    assert basis_minor(after, WITH) == 10_000 - 2_000
    # A unit with its tax explains 46.25 + 3.74: nothing is left over to count twice.
    lines = order(
        seen(1, NET, taxes_included=False), refunded(1, refund(1, back(1, 1, 4_625, 374), paid=4_999))
    )
    assert basis_minor(lines, AS_PRICED) == 9_251 - 4_625


def test_gift_cards_never_earn_whatever_the_switches() -> None:
    card = line(2, 5_000, gift_card=True, requires_shipping=False)
    every = Basis(tax="with", shipping=True, tips=True, duties=True)
    assert basis_minor(order(seen(1, GROSS, card)), every) == 10_000
    assert basis_minor(order(seen(1, card)), every) == 0
    # A refund of money on an order of gift cards alone lowers nothing below nothing.
    assert basis_minor(order(seen(1, card), refunded(1, refund(1, paid=5_000))), every) == 0


def test_an_edit_takes_units_out_and_adds_lines() -> None:
    before = seen(1, line(1, 9_000, 3), at=T0)
    after = seen(1, line(1, 9_000, 3, removed=1), line(2, 2_500), at=T0 + DAY)
    # 9000 - floor(9000 x 1 / 3) + 2500
    assert basis_minor(order(before, after), AS_PRICED) == 8_500
    assert basis_minor(order(after, before), AS_PRICED) == 8_500


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"financial_status": "pending"}, "not_paid"),
        ({"financial_status": "partially_paid"}, "not_paid"),
        ({"financial_status": "authorized"}, "not_paid"),
        ({"financial_status": None}, "not_paid"),
        ({"financial_status": "something_new"}, "not_paid"),
        ({"cancelled_at": T0}, "cancelled"),
        ({"test": True}, "test"),
        ({"currency": "EUR"}, "other_currency"),
        ({"financial_status": "paid"}, None),
        ({"financial_status": "partially_refunded"}, None),
        ({"financial_status": "refunded"}, None),
    ],
)
def test_what_counts_and_what_does_not(change: dict[str, Any], reason: str | None) -> None:
    decided = target(order(seen(1, **change)), programme(), confirmed=True)
    assert decided.why_not == reason
    assert decided.counted == (reason is None)
    assert decided.points == ((("purchase", 100),) if reason is None else ())
    if reason is not None:
        assert (decided.available_at, decided.expires_at, decided.delivered_at) == (None, None, None)


def test_other_reasons_for_nothing() -> None:
    assert target(Order(1), programme(), confirmed=True).why_not == "not_seen"
    assert basis_minor(Order(1), AS_PRICED) == 0
    assert target(order(seen(1), OrderDeleted(1)), programme(), confirmed=True).why_not == "deleted"
    assert target(order(seen(1)), None, confirmed=True).why_not == "before_programme"
    assert why_nothing_counts(order(seen(1, test=True)), count_test_orders=True) is None


@pytest.mark.parametrize(
    ("minor", "rate", "multiplier", "rounding", "points"),
    [
        (9_999, Rate(1, 100), Ratio(), "floor", 99),  # 99.99
        (9_999, Rate(1, 100), Ratio(), "half_up", 100),
        (9_949, Rate(1, 100), Ratio(), "half_up", 99),  # 99.49
        (9_950, Rate(1, 100), Ratio(), "half_up", 100),  # 99.50
        (9_901, Rate(1, 100), Ratio(), "ceil", 100),  # 99.01
        (9_900, Rate(1, 100), Ratio(), "ceil", 99),
        (9_999, Rate(1, 100), Ratio(5, 4), "floor", 124),  # 124.9875, not floor(99) x 5/4 = 123
        (9_999, Rate(1, 100), Ratio(3, 2), "half_up", 150),  # 149.985
        (1_000, Rate(3, 700), Ratio(), "floor", 4),  # 4.2857
        (1_000, Rate(0, 100), Ratio(), "floor", 0),
        (1_000, Rate(1, 100), Ratio(0, 1), "ceil", 0),
    ],
)
def test_points_are_rounded_once_on_the_whole_order(
    minor: int, rate: Rate, multiplier: Ratio, rounding: Any, points: int
) -> None:
    rules = programme(earning=(EarningRule(rate),), rounding=rounding)
    two_lines = order(seen(1, line(1, minor - 1), line(2, 1)))
    assert target(two_lines, rules, multiplier, confirmed=True).points == (("purchase", points),)


def test_each_rule_earns_on_its_own() -> None:
    rules = programme(earning=(EarningRule(Rate(1, 100)), EarningRule(Rate(1, 3_000), "extra")))
    decided = target(order(seen(1)), rules, confirmed=True)
    assert decided.points == (("purchase", 100), ("extra", 3))  # floor(10000 / 3000)


def test_dates_follow_arrival_payment_and_window() -> None:
    rules = programme(return_window_days=14, expiry_months=12)
    delivered = order(seen(1), sent(1, parcel()), arrived(1, at=T0 + 3 * DAY))
    decided = target(delivered, rules, confirmed=True)
    assert decided.delivered_at == T0 + 3 * DAY
    assert decided.available_at == T0 + 17 * DAY
    assert decided.expires_at == (T0 + 17 * DAY).replace(year=2027)
    unconfirmed = target(delivered, rules, confirmed=False)
    assert (unconfirmed.available_at, unconfirmed.expires_at) == (None, None)
    assert unconfirmed.points == decided.points
    forever = target(delivered, replace(rules, expiry_months=None), confirmed=True)
    assert forever.expires_at is None


def test_paid_after_delivery_counts_from_payment() -> None:
    late = order(
        seen(1, financial_status="pending"), sent(1, parcel()), arrived(1), seen(1, at=T0 + 20 * DAY)
    )
    assert target(late, programme(return_window_days=14), confirmed=True).available_at == T0 + 34 * DAY


def test_not_delivered_yet_has_no_date() -> None:
    decided = target(order(seen(1)), programme(), confirmed=True)
    assert (decided.counted, decided.available_at, decided.delivered_at) == (True, None, None)


def test_an_assumed_delivery_makes_points_available_but_asks_nobody() -> None:
    decided = target(order(seen(1), sent(1, parcel())), programme(return_window_days=14), confirmed=True)
    assert decided.available_at == T0 + DAY + timedelta(days=21 + 14)
    assert decided.delivered_at is None


@pytest.mark.parametrize(
    ("facts", "share"),
    [
        ([], (0, 10_000)),
        ([refunded(1, refund(1, back(1, 1, 5_000), paid=5_000))], (5_000, 10_000)),
        ([refunded(1, refund(1, paid=2_500))], (2_500, 10_000)),
        ([refunded(1, refund(1, back(1, 2, 10_000), paid=10_000))], (10_000, 10_000)),
        ([seen(1, GROSS, at=T0 + DAY, cancelled_at=T0 + DAY)], (1, 1)),
        ([OrderDeleted(1)], (1, 1)),
    ],
)
def test_the_share_of_an_order_that_was_given_back(facts: list[Any], share: tuple[int, int]) -> None:
    assert refunded_share(order(seen(1, GROSS), *facts), AS_PRICED) == share


def test_an_order_of_nothing_has_no_share_to_give_back() -> None:
    assert refunded_share(order(seen(1, line(1, 0))), AS_PRICED) == (0, 1)
    assert refunded_share(Order(1), AS_PRICED) == (0, 1)


lines = st.builds(
    lambda number, net, units, tax, gift: line(number, net, units, tax_minor=tax, gift_card=gift),
    st.integers(1, 3), st.integers(0, 50_000), st.integers(1, 5), st.integers(0, 4_000), st.booleans(),
)  # fmt: skip
given_back = st.builds(
    lambda number, line_id, units, money, paid: refund(number, back(line_id, units, money), paid=paid),
    st.integers(1, 4), st.integers(1, 3), st.integers(0, 5), st.integers(0, 50_000), st.integers(0, 60_000),
)  # fmt: skip


@given(
    st.lists(lines, min_size=1, max_size=3, unique_by=lambda one: one.line_id),
    st.lists(given_back, max_size=4, unique_by=lambda one: one.refund_id),
    st.booleans(),
    st.sampled_from([AS_PRICED, WITH, WITHOUT]),
)
def test_a_refund_never_raises_the_basis_and_nothing_goes_below_zero(
    bought: list[Any], refunds: list[Any], included: bool, basis: Basis
) -> None:
    bought = [replace(one, tax_minor=min(one.tax_minor, one.net_minor)) for one in bought]
    now = order(seen(1, *bought, taxes_included=included))
    before = basis_minor(now, basis)
    for one in refunds:
        now = order(seen(1, *bought, taxes_included=included), *(refunded(1, r) for r in (*now.refunds, one)))
        after = basis_minor(now, basis)
        assert 0 <= after <= before
        before = after
    refunded_part, whole = refunded_share(now, basis)
    assert 0 <= refunded_part <= whole


@given(st.lists(lines, min_size=1, max_size=3, unique_by=lambda one: one.line_id), st.booleans())
def test_without_tax_never_exceeds_as_priced_never_exceeds_with(bought: list[Any], included: bool) -> None:
    # A shop never charges more tax than price inside a price.
    bought = [replace(one, tax_minor=min(one.tax_minor, one.net_minor)) for one in bought]
    it = order(seen(1, *bought, taxes_included=included))
    assert 0 <= basis_minor(it, WITHOUT) <= basis_minor(it, AS_PRICED) <= basis_minor(it, WITH)


def test_a_head_of_another_shape_still_decides() -> None:
    bare = head(line(1, 10_000, 1, requires_shipping=False), source_name=None)
    decided = target(Order(1, head=bare), programme(return_window_days=0), confirmed=True)
    assert decided.available_at == T0  # no payment was ever seen: the moment it was placed


@pytest.mark.parametrize("status", ["partially_paid", "pending", "authorized"])
def test_an_order_that_was_paid_keeps_what_was_paid_for_while_an_edit_is_owing(status: str) -> None:
    def points(*facts: OrderFact) -> list[int]:
        """What is due after the facts in every order of arrival."""
        due = {target(order(*told), programme(), confirmed=True).points for told in permutations(facts)}
        return [points for every in due for _, points in every]

    paid = seen(1, line(1, 10_000, 2))
    grown = seen(1, line(1, 10_000, 2), line(2, 5_000), at=T0 + DAY, financial_status=status)
    assert points(paid, grown) == [100]
    # What is given back of the paid units goes; a unit of what was added and never paid for takes nothing along.
    assert points(paid, grown, refunded(1, refund(1, back(1, 1, 5_000), paid=5_000))) == [50]
    assert points(paid, grown, refunded(1, refund(2, back(2, 1, 5_000)))) == [100]
    # An exchange for something cheaper and something dearer, not paid for yet.
    dearer = seen(1, line(1, 10_000, 2, removed=2), line(2, 15_000), at=T0 + DAY, financial_status=status)
    cheaper = seen(1, line(1, 10_000, 2, removed=2), line(2, 4_000), at=T0 + DAY, financial_status=status)
    assert (points(paid, dearer), points(paid, cheaper)) == ([100], [40])
    assert points(paid, grown, seen(1, line(1, 10_000, 2), line(2, 5_000), at=T0 + 2 * DAY)) == [150]
    assert points(grown) == []
    voided = seen(1, at=T0 + 2 * DAY, financial_status="voided")
    assert points(paid, grown, voided) == []
