"""The ledger's moves to the letter: each entry, lot, allocation and deficit holds exactly what was asked for."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

import pytest

from plugin.domain.ledger import Account, Deficit, Entry, Lot, Moves, NotEnough, floor_at_zero
from plugin.domain.lots import kept, spend_order
from tests.facts import DAY, T0, programme

WHY: dict[str, object] = {"rule": "test"}
ENDS = T0 + 100 * DAY


def account(*lots: Lot, deficits: tuple[Deficit, ...] = ()) -> Account:
    return Account(7, list(lots), list(deficits), count(100).__next__)


def lot(number: int, points: int, remaining: int | None = None, **changes: Any) -> Lot:
    said: dict[str, Any] = {"available_at": T0, "expires_at": ENDS, "own_expires_at": ENDS}
    return Lot(number, 7, points, points if remaining is None else remaining, **{**said, **changes})


def test_a_credit_writes_an_entry_and_its_lot() -> None:
    it = account()
    made = it.credit(
        "gift", 30, source_key="gift:1", why=WHY, occurred_at=T0, available_at=T0 + DAY, expires_at=ENDS,
        kept_until=ENDS + DAY, actor="staff:1", order_id=81, reverses_id=55,
    )  # fmt: skip
    assert made == Entry(100, 7, "gift", 30, T0, "gift:1", WHY, "staff:1", 81, 55)
    only = Lot(100, 7, 30, 30, T0 + DAY, ENDS + DAY, 81, ENDS, ENDS + DAY)
    assert it.moves == Moves([made], {100: only})
    assert it.lots == {100: only}


def test_who_is_not_named_is_the_system() -> None:
    it = account(lot(1, 50))
    given = it.credit("earn", 5, source_key="a", why={}, occurred_at=T0, available_at=T0, expires_at=None)
    spent = it.spend("redeem", 5, T0, source_key="b", why={})
    taken = it.take_back("clawback", 5, source_key="c", why={}, occurred_at=T0, now=T0)
    assert [(one.actor, one.order_id, one.reverses_id) for one in (given, spent, taken)] == [
        ("system", None, None)
    ] * 3


def test_spending_writes_one_debit_with_what_it_took() -> None:
    it = account(lot(1, 10, 4), lot(2, 10, expires_at=None))
    made = it.spend("redeem", 6, T0 + DAY, source_key="redeem:1", why=WHY, actor="shopper:7", order_id=81)
    assert made == Entry(100, 7, "redeem", -6, T0 + DAY, "redeem:1", WHY, "shopper:7", 81, None)
    assert it.moves == Moves(
        [made],
        changed_lots={1: lot(1, 10, 0), 2: lot(2, 10, 8, expires_at=None)},
        allocations={(100, 1): 4, (100, 2): 2},
    )


def test_all_that_is_there_can_be_spent_to_the_last_point() -> None:
    it = account(lot(1, 10, 1))
    it.spend("redeem", 1, T0, source_key="x", why={})
    assert (it.available(T0), it.lots[1].remaining) == (0, 0)
    with pytest.raises(NotEnough, match="1 points were asked for, 0 are available"):
        it.spend("redeem", 1, T0, source_key="y", why={})


def test_taking_back_writes_one_debit_and_what_it_could_not_cover() -> None:
    it = account(lot(1, 10, 0), lot(2, 10, 1), lot(3, 10, expires_at=T0))
    made = it.take_back("clawback", 3, source_key="back:1", why=WHY, occurred_at=T0 - DAY, now=T0, actor="staff:1",
                        reverses_id=55)  # fmt: skip
    assert made == Entry(100, 7, "clawback", -3, T0 - DAY, "back:1", WHY, "staff:1", None, 55)
    # Lot 1 is empty, lot 3 ends at this very moment: only the one point of lot 2 can pay.
    assert it.moves == Moves(
        [made],
        changed_lots={2: lot(2, 10, 0)},
        allocations={(100, 2): 1},
        new_deficits={100: Deficit(100, 2, 2)},
    )


def test_what_ran_out_of_the_orders_own_lots_is_forgiven_and_the_rest_taken() -> None:
    it = account(lot(1, 10, order_id=81), lot(2, 10, order_id=82))
    it.lapsed = {81: 5, 82: 7}
    first = it.take_back(
        "clawback", 12, source_key="back:1", why=WHY, occurred_at=T0 - DAY, now=T0, order_id=81
    )
    forgiven = Entry(101, 7, "forgiven", 2, T0 - DAY, "lapsed:100", {"rule": "lapsed"}, "system", 81, 100)
    assert first == Entry(100, 7, "clawback", -12, T0 - DAY, "back:1", WHY, "system", 81, None)
    assert it.moves.entries == [first, forgiven]
    assert it.lapsed == {81: 3, 82: 7}
    assert it.moves.new_lots == {101: Lot(101, 7, 2, 0, None, None, 81)}
    assert it.moves.allocations == {(100, 1): 10, (100, 101): 2}
    it.take_back("clawback", 6, source_key="back:2", why=WHY, occurred_at=T0, now=T0, order_id=81)
    assert it.lapsed == {81: 0, 82: 7}
    assert (it.lots[2].remaining, it.owed()) == (7, 0), "3 forgiven, 3 from what another order gave"
    it.take_back("clawback", 1, source_key="back:3", why=WHY, occurred_at=T0, now=T0)
    assert it.lapsed == {81: 0, 82: 7}, "who belongs to no order is forgiven nothing"


def test_a_single_point_that_ran_out_is_forgiven_too() -> None:
    it = account()
    it.lapsed = {81: 1}
    it.take_back("clawback", 1, source_key="back", why={}, occurred_at=T0, now=T0, order_id=81)
    assert ([entry.kind for entry in it.moves.entries], it.owed()) == (["clawback", "forgiven"], 0)


def test_emptying_a_lot_writes_a_debit_of_its_order() -> None:
    it = account(lot(1, 10, 1, order_id=81), lot(2, 10))
    made = it.empty_lot("expire", 1, source_key="expire:lot:1", why=WHY, occurred_at=ENDS)
    assert made == Entry(100, 7, "expire", -1, ENDS, "expire:lot:1", WHY, "system", 81, None)
    assert it.moves == Moves([made], changed_lots={1: lot(1, 10, 0, order_id=81)}, allocations={(100, 1): 1})


def test_settling_writes_a_credit_that_is_used_up() -> None:
    it = account(deficits=(Deficit(50, 30, 20), Deficit(60, 5, 5)))
    made = it.settle_deficit(50, source_key="f", kind="forgiven", why=WHY, occurred_at=T0)
    assert made == Entry(100, 7, "forgiven", 20, T0, "f", WHY, "system", None, 50)
    assert it.moves == Moves(
        [made],
        new_lots={100: Lot(100, 7, 20, 0, None, None, None)},
        allocations={(50, 100): 20},
        changed_deficits={50: Deficit(50, 30, 0)},
    )
    assert it.owed() == 5


def test_what_is_new_stays_new_when_it_changes() -> None:
    it = account()
    it.take_back("clawback", 30, source_key="a", why={}, occurred_at=T0, now=T0)
    it.credit("earn", 50, source_key="b", why={}, occurred_at=T0, available_at=T0, expires_at=ENDS)
    it.spend("redeem", 15, T0, source_key="c", why={})
    it.spend("redeem", 5, T0, source_key="d", why={})
    left = Lot(101, 7, 50, 0, T0, ENDS, None, ENDS)
    assert (it.moves.new_lots, it.moves.changed_lots) == ({101: left}, {})
    assert (it.moves.new_deficits, it.moves.changed_deficits) == ({100: Deficit(100, 30, 0)}, {})
    assert it.moves.allocations == {(100, 101): 30, (102, 101): 15, (103, 101): 5}
    assert it.lots == {101: left}


def test_dates_move_as_a_whole_and_never_below_what_was_promised() -> None:
    it = account(
        lot(1, 10, order_id=82), lot(2, 10, order_id=81, available_at=None, expires_at=None, kept_until=ENDS + DAY),
        lot(3, 10, order_id=81, available_at=T0), lot(4, 10, order_id=81, available_at=T0 + DAY),
    )  # fmt: skip
    opens = T0 + 2 * DAY
    assert it.retime(81, opens, ENDS, T0) is True
    assert it.moves.changed_lots == {
        2: lot(2, 10, order_id=81, available_at=opens, expires_at=ENDS + DAY, kept_until=ENDS + DAY),
        4: lot(4, 10, order_id=81, available_at=opens),
    }
    assert it.retime(81, opens, ENDS, T0) is False
    moved = account(lot(1, 10, order_id=81, available_at=None, expires_at=None, own_expires_at=None))
    assert moved.retime(81, opens, ENDS, T0) is True
    assert moved.lots[1] == lot(1, 10, order_id=81, available_at=opens)
    assert it.retime(99, T0, ENDS, T0) is False


@pytest.mark.parametrize(
    ("policy", "owing", "forgiven"),
    [("floor", True, True), ("floor", False, False), ("deficit", True, False), ("negative", True, False)],
)
def test_the_floor_forgives_exactly_what_is_owed(policy: Any, owing: bool, forgiven: bool) -> None:
    it = account(lot(1, 10, 10 if not owing else 4))
    debit = it.take_back("clawback", 10, source_key="back", why={}, occurred_at=T0 - DAY, now=T0)
    floor_at_zero(it, debit, programme(clawback=policy, version=3))
    made = Entry(
        101,
        7,
        "forgiven",
        6,
        T0 - DAY,
        "forgiven:100",
        {"rule": "floor", "programme": 3},
        "system",
        None,
        100,
    )
    assert it.moves.entries[1:] == ([made] if forgiven else [])
    assert it.owed() == (6 if owing and not forgiven else 0)


def test_without_a_programme_nothing_is_forgiven() -> None:
    it = account()
    floor_at_zero(it, it.take_back("clawback", 1, source_key="b", why={}, occurred_at=T0, now=T0), None)
    assert it.owed() == 1


def test_a_single_point_counts_and_an_empty_lot_does_not() -> None:
    it = account(
        lot(1, 10, 1), lot(2, 10, 1, available_at=None), lot(3, 10, 0), lot(4, 10, 0, available_at=None)
    )
    assert (it.available(T0), it.pending(T0)) == (1, 1)


def test_what_is_spent_first() -> None:
    orders = [
        lot(9, 1, expires_at=T0 + DAY), lot(8, 1), lot(7, 1, available_at=T0 + DAY), lot(6, 1, available_at=None),
        lot(5, 1, expires_at=None), lot(3, 1, available_at=T0 + DAY, expires_at=None),
        lot(1, 1, available_at=None, expires_at=None), lot(2, 1, available_at=None, expires_at=None),
    ]  # fmt: skip
    assert sorted(orders, key=spend_order) == orders


@pytest.mark.parametrize(
    ("ends", "until", "then"),
    [
        (None, T0, None),
        (T0, None, T0),
        (T0, T0 + DAY, T0 + DAY),
        (T0 + DAY, T0, T0 + DAY),
        (None, None, None),
    ],
)
def test_an_end_is_never_sooner_than_it_was_promised(
    ends: datetime | None, until: datetime | None, then: datetime | None
) -> None:
    assert kept(ends, until) == then


def test_an_entry_of_nothing_says_why_it_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^an entry of zero points says nothing and is never posted$"):
        account().spend("redeem", 0, T0, source_key="x", why={})
