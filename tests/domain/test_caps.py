"""Rules across a member's orders: caps of a period and bonuses for the n-th order, whatever comes first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.earning.caps import Points, Seat, across
from plugin.domain.programme import OrderBonus, OrderRules, Programme
from tests.facts import DAY, T0, programme

FIRST = OrderBonus("first", "First order", 1, 100)
THIRD = OrderBonus("third", "Every third", 3, 30, every=True)
CAPPED = programme(orders=OrderRules(max_per_period=150))
GREETED = programme(orders=OrderRules(bonuses=(FIRST,)))


def seat(order_id: int, by: Programme | None, own: int | None = 100, *, days: int = 0, released: bool = False,
         held: dict[str, int] | None = None, **changes: Any) -> Seat:  # fmt: skip
    """An order that is worth `own` points by itself."""
    given = {"earns": bool(own) or own is None, "own_before": own or 0, **changes}
    points: Points | None = None if own is None else (("purchase", own),)
    return Seat(order_id, T0 + days * DAY, by, released=released, held=held or {}, own=points, **given)


def total(found: dict[int, Points]) -> dict[int, int]:
    return {order_id: sum(count for _, count in points) for order_id, points in found.items()}


def test_a_cap_is_used_up_by_the_earliest_first() -> None:
    assert total(across([seat(3, CAPPED, days=2), seat(1, CAPPED), seat(2, CAPPED, days=1)])) == {
        1: 100,
        2: 50,
        3: 0,
    }
    assert total(across([seat(2, CAPPED), seat(1, CAPPED)])) == {1: 100, 2: 50}, "one moment: by number"


@pytest.mark.parametrize(("period", "expected"), [("day", 100), ("month", 50), ("year", 50)])
def test_periods_are_calendar_ones_in_utc(period: Any, expected: int) -> None:
    by = programme(orders=OrderRules(max_per_period=150, period=period))
    assert total(across([seat(1, by), seat(2, by, days=1)]))[2] == expected
    next_month, next_year = T0 + timedelta(days=31), T0 + timedelta(days=366)
    assert total(across([seat(1, by), Seat(2, next_month, by, True, False, {}, (("purchase", 100),))]))[
        2
    ] == (50 if period == "year" else 100)
    assert (
        total(across([seat(1, by), Seat(2, next_year, by, True, False, {}, (("purchase", 100),))]))[2] == 100
    )


def test_room_goes_to_later_orders_that_are_not_released() -> None:
    """The first is refunded; the second, capped at 50, has opened and keeps that; the third takes the rest."""
    row = [
        seat(1, CAPPED, 0, held={"purchase": 100}, own_before=100, released=True),
        seat(2, CAPPED, None, days=1, released=True, held={"purchase": 50}),
        seat(3, CAPPED, days=2),
    ]
    assert total(across(row)) == {1: 0, 3: 100}


def test_two_members_who_become_one_keep_what_was_released_above_the_cap() -> None:
    opened = [seat(n, CAPPED, None, days=n, released=True, held={"purchase": 100}) for n in (1, 2)]
    assert total(across([*opened, seat(3, CAPPED, days=3)])) == {3: 0}


def test_a_released_order_keeps_what_stood_unless_itself_changes() -> None:
    capped: dict[str, Any] = {"released": True, "held": {"purchase": 50}, "days": 1}
    assert total(across([seat(2, CAPPED, **capped)])) == {2: 50}, "room that others left is not for it"
    assert total(across([seat(2, CAPPED, 30, own_before=100, **capped)])) == {2: 30}
    assert total(across([seat(2, CAPPED, 120, own_before=100, **capped)])) == {2: 120}, "it grew by an edit"
    full = seat(1, CAPPED, None, released=True, held={"purchase": 100})
    assert total(across([full, seat(2, CAPPED, 120, own_before=100, **capped)])) == {2: 50}


def test_an_earlier_order_told_late_takes_what_released_ones_left() -> None:
    row = [seat(1, CAPPED), seat(2, CAPPED, None, days=1, released=True, held={"purchase": 100})]
    assert total(across(row)) == {1: 50}


def test_the_first_order_and_every_third() -> None:
    by = programme(orders=OrderRules(bonuses=(FIRST, THIRD)))
    row = [seat(n, by, days=n) for n in range(1, 8)]
    assert {n: dict(points).keys() - {"purchase"} for n, points in across(row).items()} == {
        1: {"bonus_first"}, 2: set(), 3: {"bonus_third"}, 4: set(), 5: set(), 6: {"bonus_third"}, 7: set(),
    }  # fmt: skip


def test_a_bonus_that_a_later_released_order_keeps_takes_none_from_an_earlier_one() -> None:
    by = programme(orders=OrderRules(bonuses=(THIRD,)))
    row = [seat(n, by, days=n) for n in range(1, 6)]
    sixth = seat(6, by, days=6, released=True, held={"purchase": 100, "bonus_third": 30})
    assert total(across([*row, sixth]))[3] == 130
    late = [
        seat(1, GREETED),
        seat(2, GREETED, None, days=1, released=True, held={"purchase": 100, "bonus_first": 100}),
    ]
    assert total(across(late)) == {1: 100}, "one first order is enough"


def test_a_refunded_first_order_hands_its_bonus_to_the_next_that_is_not_released() -> None:
    held = {"purchase": 100, "bonus_first": 100}
    gone = seat(1, GREETED, 0, released=True, held=held)
    assert across([gone, seat(2, GREETED, days=1)])[2] == (("purchase", 100), ("bonus_first", 100))
    released = seat(2, GREETED, None, days=1, released=True, held={"purchase": 100})
    found = across([gone, released, seat(3, GREETED, days=2)])
    assert found[3] == (("purchase", 100), ("bonus_first", 100))
    assert found[1] == (("purchase", 0),)


def test_a_bonus_is_for_new_orders_of_its_programme_only() -> None:
    old = [seat(n, programme(), None, days=n, released=True, held={"purchase": 100}) for n in range(3)]
    assert total(across([*old, seat(9, GREETED, days=9)])) == {9: 100}, (
        "their fourth order is not their first"
    )


def test_a_bonus_is_outside_of_the_caps() -> None:
    by = programme(orders=OrderRules(bonuses=(FIRST,), max_per_period=10))
    assert across([seat(1, by)]) == {1: (("purchase", 10), ("bonus_first", 100))}


def test_two_rows_that_became_one_keep_the_earlier_bonus() -> None:
    held = {"purchase": 100, "bonus_first": 100}
    found = across(
        [seat(1, GREETED, released=True, held=held), seat(2, GREETED, days=1, released=True, held=held)]
    )
    assert total(found) == {1: 200, 2: 100}


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 120), st.booleans()), min_size=1, max_size=8),
    st.integers(1, 200),
    st.sampled_from(("day", "month", "year")),
    st.randoms(use_true_random=False),
)
def test_no_cap_is_exceeded_in_any_order_and_settling_again_changes_nothing(
    orders: list[tuple[int, int, bool]], cap: int, period: Any, random: Any
) -> None:
    """Orders are told of one by one, in any order; some open between. Afterwards no period holds more than its cap."""
    by = programme(orders=OrderRules(max_per_period=cap, period=period, bonuses=(FIRST, THIRD)))
    told: dict[int, tuple[int, int, bool]] = {}
    stands: dict[int, Points] = {}
    opened: set[int] = set()
    numbered = list(enumerate(orders))
    random.shuffle(numbered)

    def row() -> list[Seat]:
        return [seat(n, by, own, days=days, released=n in opened, held=dict(stands.get(n, ())))
                for n, (days, own, _) in told.items()]  # fmt: skip

    for n, one in numbered:
        told[n] = one
        stands = across(row())
        opened |= {n} if one[2] else set()
    assert across(row()) == stands
    sums: dict[object, int] = {}
    for n, points in stands.items():
        day = T0 + told[n][0] * DAY
        key = {"day": day.date(), "month": (day.year, day.month), "year": day.year}[period]
        sums[key] = sums.get(key, 0) + sum(count for rule, count in points if not rule.startswith("bonus_"))
        assert all(count >= 0 for _, count in points)
    assert all(held <= cap for held in sums.values())
    assert sum("bonus_first" in dict(points) for points in stands.values()) <= 1
    if not opened:
        again = {n: (days, own, False) for n, (days, own, _) in sorted(told.items())}
        assert across([seat(n, by, own, days=days) for n, (days, own, _) in again.items()]) == stands
