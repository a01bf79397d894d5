"""Rewards: why one is out of reach, what a wish makes of it, what a cap comes to, and what comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.ledger import Lot
from plugin.domain.programme import Reward
from plugin.domain.rewards import (
    CODE_ALPHABET,
    Reach,
    capped,
    chosen,
    counts,
    out_of_reach,
    return_dates,
    return_target,
    rungs,
    shortfall,
    sold_out,
    unspent_points,
    wish,
)
from tests.facts import DAY, T0

FIVE = Reward("five", "amount_off", "", 100, value_minor=500, prices=("EUR 4.50", "JPY 800"))
ANY = Reward("any", "amount_off", "", 100, step_points=50, step_minor=250, max_points=400)
TEN_PERCENT = Reward("ten", "percent_off", "", 100, percent=10, value_minor=2_000)


@pytest.mark.parametrize(
    ("reward", "reach", "why"),
    [
        (FIVE, Reach(100), None),
        (FIVE, Reach(99), "not_enough_points"),
        (replace(FIVE, for_sale=False), Reach(0), "not_for_sale"),
        (replace(FIVE, tiers=("gold",)), Reach(0), "wrong_tier"),
        (replace(FIVE, tiers=("gold",)), Reach(100, "silver"), "wrong_tier"),
        (replace(FIVE, tiers=("gold",)), Reach(100, "gold"), None),
        (replace(FIVE, stock=3), Reach(100, given_out=2), None),
        (replace(FIVE, stock=3), Reach(0, given_out=3), "out_of_stock"),
        (replace(FIVE, stock=0), Reach(100), "out_of_stock"),
        (replace(FIVE, member_limit=2), Reach(100, had=1), None),
        (replace(FIVE, member_limit=2), Reach(0, had=2), "limit_reached"),
        (replace(FIVE, member_limit=2, stock=1), Reach(100, given_out=1, had=2), "out_of_stock"),
    ],
)
def test_the_first_reason_why_it_cannot_be_had(reward: Reward, reach: Reach, why: str | None) -> None:
    assert out_of_reach(reward, reach) == why


def test_what_is_missing() -> None:
    assert [shortfall(FIVE, have) for have in (0, 99, 100, 101)] == [100, 1, 0, 0]


def test_codes_hold_nothing_that_can_be_misread() -> None:
    assert not set("01ILO") & set(CODE_ALPHABET)
    assert len(set(CODE_ALPHABET)) == len(CODE_ALPHABET)


def test_stock_and_what_has_to_be_counted() -> None:
    assert not sold_out(FIVE, 10**6)
    assert counts([FIVE, replace(FIVE, stock=1)])
    assert counts([replace(FIVE, member_limit=1), FIVE])
    assert not counts([FIVE, ANY])
    assert not counts([])


@pytest.mark.parametrize(
    ("reward", "points", "currency", "made"),
    [
        (FIVE, None, None, {"value_minor": 500}),
        (FIVE, 100, None, {"value_minor": 500}),
        (FIVE, 101, None, "points_not_offered"),
        (FIVE, None, "EUR", {"value_minor": 450, "currency": "EUR"}),
        (FIVE, None, "JPY", {"value_minor": 800, "currency": "JPY"}),
        (FIVE, None, "USD", "currency_not_offered"),
        (replace(FIVE, currency="CHF"), None, "CHF", {"currency": "CHF"}),
        (ANY, None, None, {"points": 100, "value_minor": 500, "step_points": 0}),
        (ANY, 100, None, {"points": 100, "value_minor": 500, "step_points": 0}),
        (ANY, 150, None, {"points": 150, "value_minor": 750, "step_points": 0}),
        (ANY, 400, None, {"points": 400, "value_minor": 2_000, "step_points": 0}),
        (ANY, 120, None, "points_not_offered"),
        (ANY, 50, None, "points_not_offered"),
        (ANY, 450, None, "points_not_offered"),
    ],
)
def test_what_a_wish_makes_of_it(reward: Reward, points: int | None, currency: str | None, made: Any) -> None:
    wanted = made if isinstance(made, str) else replace(reward, prices=(), **made)
    assert chosen(reward, points, currency, None) == wanted


def test_an_amount_may_go_up_by_single_points_and_stays_whole() -> None:
    single = replace(ANY, points=1, step_points=1, step_minor=5)
    made = chosen(single, 7, None, None)
    assert isinstance(made, Reward)
    assert (made.points, made.value_minor, type(made.value_minor)) == (7, 35, int)


@pytest.mark.parametrize(
    ("basket", "exact", "least"),
    [
        (None, 2_000, 20_000),
        (20_000, 2_000, 20_000),
        (25_000, 2_000, 20_000),
        (19_999, 1_999, 19_999),
        (10_005, 1_000, 10_005),
        (10, 1, 10),
        (9, 2_000, 20_000),  # ten percent of it would be nothing
        (0, 2_000, 20_000),
    ],
)
def test_a_percentage_with_a_most_is_one_amount(basket: int | None, exact: int, least: int) -> None:
    assert capped(TEN_PERCENT, basket) == replace(TEN_PERCENT, exact_minor=exact, minimum_minor=least)
    assert chosen(TEN_PERCENT, None, None, basket) == capped(TEN_PERCENT, basket)


def test_a_cap_keeps_a_higher_minimum_and_leaves_other_kinds_alone() -> None:
    assert capped(replace(TEN_PERCENT, minimum_minor=30_000)).minimum_minor == 30_000
    assert capped(replace(TEN_PERCENT, minimum_minor=500)).minimum_minor == 20_000
    assert capped(replace(TEN_PERCENT, value_minor=1_001, percent=3)).minimum_minor == 33_367  # rounded up
    assert capped(replace(TEN_PERCENT, percent=100), 1) == replace(
        TEN_PERCENT, percent=100, exact_minor=1, minimum_minor=1
    )
    for other in (replace(TEN_PERCENT, value_minor=None), FIVE, replace(FIVE, percent=10)):
        assert capped(other, 100) == other


@given(st.integers(1, 99), st.integers(1, 10**6), st.integers(1, 10**7))
def test_no_basket_gets_more_than_the_percentage_nor_more_than_the_most(
    percent: int, most: int, basket: int
) -> None:
    made = capped(replace(TEN_PERCENT, percent=percent, value_minor=most), basket)
    assert made.exact_minor is not None
    assert made.minimum_minor is not None
    assert made.exact_minor <= most
    assert made.exact_minor * 100 <= made.minimum_minor * percent


def test_a_list_shows_the_least_the_most_in_reach_and_each_currency() -> None:
    assert rungs(FIVE, 1_000) == [
        FIVE,
        replace(FIVE, key="five@EUR", currency="EUR", value_minor=450),
        replace(FIVE, key="five@JPY", currency="JPY", value_minor=800),
    ]
    least = replace(ANY, value_minor=500, step_points=0)
    assert rungs(ANY, None) == [least]
    assert rungs(ANY, 149) == [least]
    assert rungs(ANY, 199) == [least, replace(least, key="any:150", points=150, value_minor=750)]
    assert rungs(ANY, 9_999)[1:] == [replace(least, key="any:400", points=400, value_minor=2_000)]
    assert rungs(TEN_PERCENT, 500) == [capped(TEN_PERCENT)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("five_off", ("five_off", None, None)),
        ("any:300", ("any", 300, None)),
        ("card@EUR", ("card", None, "EUR")),
        ("any:300@EUR", ("any", 300, "EUR")),
        ("any:³", ("any", None, None)),
        ("any:x", ("any", None, None)),
        ("any:", ("any", None, None)),
        ("any:" + "9" * 10, ("any", 9_999_999_999, None)),
        ("any:" + "9" * 11, ("any", None, None)),
        ("a@B@C", ("a", None, "B@C")),
        ("a:1:2", ("a", None, None)),
    ],
)
def test_a_wish_is_read(text: str, read: tuple[str, int | None, str | None]) -> None:
    assert wish(text) == read


@pytest.mark.parametrize(
    ("refunded", "ordered", "back"),
    [
        (0, 10_000, 0),
        (3_333, 10_000, 33),
        (10_000, 10_000, 100),
        (20_000, 10_000, 100),
        (1, 1, 100),
        (5, 0, 0),
        (5, -1, 0),
    ],
)
def test_points_of_a_used_code_come_back_in_proportion(refunded: int, ordered: int, back: int) -> None:
    assert return_target(100, refunded, ordered) == back


@pytest.mark.parametrize(
    ("points", "returned", "unspent", "value", "back"),
    [
        (100, 0, 1_000, 1_000, 100),
        (100, 0, 333, 1_000, 33),
        (100, 20, 333, 1_000, 13),
        (100, 40, 333, 1_000, 0),
        (100, 0, 2_000, 1_000, 100),
        (100, 0, 0, 1_000, 0),
        (100, 0, 0, 0, 0),
        (100, 0, 1, 1, 100),
    ],
)
def test_points_of_a_gift_card_come_back_by_what_was_not_spent(
    points: int, returned: int, unspent: int, value: int, back: int
) -> None:
    assert unspent_points(points, returned, unspent, value) == back


def test_returned_points_keep_the_latest_dates_they_had() -> None:
    def lot(opened: datetime | None, ends: datetime | None, keep: datetime | None = None) -> Lot:
        return Lot(1, 7, 10, 0, opened, T0 - DAY, None, ends, keep)

    month = T0 + 30 * DAY
    assert return_dates([], T0) == (T0, None, month)
    assert return_dates([lot(T0 - 5 * DAY, T0 + DAY), lot(T0 - 2 * DAY, T0 + 2 * DAY)], T0) == (
        T0 - 2 * DAY, T0 + 2 * DAY, month,
    )  # fmt: skip
    assert return_dates([lot(None, T0 + DAY), lot(T0 - DAY, None)], T0) == (T0 - DAY, None, month)
    assert return_dates([lot(T0 + DAY, T0 + 90 * DAY, T0 + 60 * DAY), lot(None, T0, None)], T0) == (
        T0, T0 + 90 * DAY, T0 + 60 * DAY,
    )  # fmt: skip
    assert return_dates([lot(None, T0, T0 + DAY)], T0) == (T0, T0, month)
