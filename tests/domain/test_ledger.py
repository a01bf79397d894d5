"""The ledger's moves: nothing is lost or invented, lots never go below zero, the right lot pays first."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.ledger import Account, Deficit, Entry, Lot, NotEnough, is_available, is_pending
from tests.facts import DAY, T0

LATER = T0 + 100 * DAY


def account(*lots: Lot, deficits: tuple[Deficit, ...] = ()) -> Account:
    """An account whose new entries are numbered from 100."""
    return Account(7, list(lots), list(deficits), count(100).__next__)


def lot(
    number: int,
    points: int,
    *,
    opens: datetime | None = T0,
    ends: datetime | None = LATER,
    of: int | None = None,
) -> Lot:
    return Lot(number, 7, points, points, opens, ends, of)


def credit(it: Account, points: int, key: str = "k", **changes: Any) -> Entry:
    said: dict[str, Any] = {"occurred_at": T0, "available_at": T0, "expires_at": LATER, "why": {}}
    return it.credit("earn", points, source_key=key, **{**said, **changes})


def take_back(it: Account, points: int, order_id: int | None = None) -> Entry:
    return it.take_back(
        "clawback", points, source_key="back", why={}, occurred_at=T0, now=T0, order_id=order_id
    )


def spend(it: Account, points: int, now: datetime = T0) -> Entry:
    return it.spend("redeem", points, now, source_key="spend", why={})


def left(it: Account) -> dict[int, int]:
    return {number: each.remaining for number, each in it.lots.items()}


@pytest.mark.parametrize(
    ("opens", "ends", "available", "pending"),
    [
        (None, None, False, True),
        (T0 + DAY, None, False, True),
        (T0, None, True, False),
        (T0, T0, False, False),  # it ends the moment it ends
        (T0, T0 + DAY, True, False),
        (T0 - 2 * DAY, T0 - DAY, False, False),
    ],
)
def test_available_and_pending_follow_from_the_dates_alone(
    opens: datetime | None, ends: datetime | None, available: bool, pending: bool
) -> None:
    one = lot(1, 10, opens=opens, ends=ends)
    assert (is_available(one, T0), is_pending(one, T0)) == (available, pending)
    it = account(one)
    assert (it.available(T0), it.pending(T0)) == (10 * available, 10 * pending)


def test_the_soonest_to_end_is_spent_first() -> None:
    it = account(
        lot(1, 10, ends=None), lot(2, 10, ends=T0 + 9 * DAY), lot(3, 10, ends=T0 + 3 * DAY),
        lot(4, 10, opens=T0 + DAY, ends=T0 + 2 * DAY), lot(5, 10, ends=T0 - DAY), lot(6, 10, opens=None, ends=None),
    )  # fmt: skip
    entry = spend(it, 25)
    assert left(it) == {1: 5, 2: 0, 3: 0, 4: 10, 5: 10, 6: 10}
    assert it.moves.allocations == {(entry.entry_id, 3): 10, (entry.entry_id, 2): 10, (entry.entry_id, 1): 5}
    assert (entry.points, entry.kind) == (-25, "redeem")


def test_spending_more_than_there_is_posts_nothing() -> None:
    it = account(lot(1, 10), lot(2, 50, opens=None, ends=None))
    with pytest.raises(NotEnough) as refused:
        spend(it, 11)
    assert (refused.value.wanted, refused.value.available) == (11, 10)
    assert not it.moves.entries
    assert not it.moves.allocations
    assert left(it) == {1: 10, 2: 50}


def test_a_clawback_takes_the_orders_own_lots_then_the_soonest_then_owes() -> None:
    it = account(
        lot(1, 10, ends=T0 + DAY), lot(2, 10, of=81, opens=None, ends=None), lot(3, 10, ends=T0 + 5 * DAY),
        lot(4, 10, opens=None, ends=None),
    )  # fmt: skip
    entry = take_back(it, 15, order_id=81)
    assert left(it) == {1: 5, 2: 0, 3: 10, 4: 10}
    assert it.owed() == 0
    more = take_back(it, 40, order_id=81)
    assert left(it) == {1: 0, 2: 0, 3: 0, 4: 0}
    assert it.owed() == 15
    assert it.moves.new_deficits == {more.entry_id: Deficit(more.entry_id, 15, 15)}
    assert it.moves.allocations[entry.entry_id, 2] == 10


def test_the_next_credits_absorb_what_is_owed_oldest_first() -> None:
    it = account(deficits=(Deficit(50, 30, 20), Deficit(60, 10, 10)))
    first = credit(it, 15, "a")
    assert {d.debit_id: d.remaining for d in it.deficits.values()} == {50: 5, 60: 10}
    assert it.lots[first.entry_id].remaining == 0
    second = credit(it, 100, "b", available_at=None, expires_at=None)
    assert it.owed() == 0
    assert it.lots[second.entry_id].remaining == 85
    assert it.moves.allocations == {
        (50, first.entry_id): 15,
        (50, second.entry_id): 5,
        (60, second.entry_id): 10,
    }
    assert {d.debit_id: d.remaining for d in it.moves.changed_deficits.values()} == {50: 0, 60: 0}


def test_an_emptied_lot_pays_with_all_it_has_and_only_once() -> None:
    it = account(lot(1, 10, of=81))
    spend(it, 4)
    gone = it.empty_lot("expire", 1, source_key="expire:lot:1", why={}, occurred_at=T0)
    assert gone is not None
    assert (gone.points, gone.order_id) == (-6, 81)
    assert it.empty_lot("expire", 1, source_key="expire:lot:1", why={}, occurred_at=T0) is None


def test_a_forgiven_deficit_leaves_nothing_to_spend() -> None:
    it = account()
    debit = take_back(it, 30)
    forgiven = it.settle_deficit(debit.entry_id, source_key="f", kind="forgiven", why={}, occurred_at=T0)
    assert (forgiven.points, forgiven.reverses_id, it.owed(), it.available(LATER)) == (
        30,
        debit.entry_id,
        0,
        0,
    )
    assert it.moves.allocations == {(debit.entry_id, forgiven.entry_id): 30}


def test_dates_move_only_while_they_lie_in_the_future() -> None:
    it = account(
        lot(1, 10, of=81, opens=None, ends=None), lot(2, 10, of=81, opens=T0 + DAY), lot(3, 10, of=81, opens=T0),
        lot(4, 10, of=82, opens=None, ends=None),
    )  # fmt: skip
    assert it.retime(81, T0 + 5 * DAY, LATER, T0)
    assert {number: each.available_at for number, each in it.lots.items()} == {
        1: T0 + 5 * DAY, 2: T0 + 5 * DAY, 3: T0, 4: None,
    }  # fmt: skip
    assert set(it.moves.changed_lots) == {1, 2}
    assert not it.retime(81, T0 + 5 * DAY, LATER, T0)


def test_an_entry_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="zero points"):
        take_back(account(), 0)


acts = st.lists(
    st.one_of(
        st.tuples(st.just("credit"), st.integers(1, 60), st.sampled_from([None, 0, 3]), st.sampled_from([None, 6, 9]),
                  st.sampled_from([None, 81, 82])),
        st.tuples(st.just("spend"), st.integers(1, 60), st.integers(0, 10)),
        st.tuples(st.just("back"), st.integers(1, 60), st.sampled_from([None, 81, 82])),
        st.tuples(st.just("empty"), st.integers(0, 20)),
        st.tuples(st.just("forgive"), st.integers(0, 5)),
        st.tuples(st.just("retime"), st.sampled_from([81, 82]), st.sampled_from([None, 1, 4]), st.integers(0, 10)),
    ),
    max_size=25,
)  # fmt: skip


@given(acts)
def test_whatever_happens_everything_adds_up(steps: list[tuple[Any, ...]]) -> None:
    it = account()
    for number, step in enumerate(steps):
        _act(it, number, step)
        _adds_up(it)


def _act(it: Account, number: int, step: tuple[Any, ...]) -> None:
    def at(days: int | None) -> datetime | None:
        return None if days is None else T0 + days * DAY

    if step[0] == "credit":
        opens = at(step[2])
        ends = None if opens is None else at(step[3])
        credit(it, step[1], f"c{number}", available_at=opens, expires_at=ends, order_id=step[4])
    elif step[0] == "spend":
        now = cast(datetime, at(step[2]))
        before, had = it.available(now), len(it.moves.entries)
        try:
            spend(it, step[1], now)
        except NotEnough:
            assert step[1] > before
            assert len(it.moves.entries) == had
        else:
            assert it.available(now) == before - step[1]
    elif step[0] == "back":
        take_back(it, step[1], step[2])
    elif step[0] == "empty" and it.lots:
        it.empty_lot(
            "expire", sorted(it.lots)[step[1] % len(it.lots)], source_key=f"e{number}", why={}, occurred_at=T0
        )
    elif step[0] == "forgive":
        owing = [d.debit_id for d in it.deficits.values() if d.remaining]
        if owing:
            it.settle_deficit(
                owing[step[1] % len(owing)], source_key=f"f{number}", kind="forgiven", why={}, occurred_at=T0
            )
    elif step[0] == "retime":
        it.retime(step[1], at(step[2]), None, cast(datetime, at(step[3])))


def _adds_up(it: Account) -> None:
    entries = {entry.entry_id: entry for entry in it.moves.entries}
    assert sum(e.points for e in entries.values()) == sum(left(it).values()) - it.owed()
    taken: dict[int, int] = {}
    paid: dict[int, int] = {}
    for (debit, lot_id), points in it.moves.allocations.items():
        assert points > 0
        paid[debit] = paid.get(debit, 0) + points
        taken[lot_id] = taken.get(lot_id, 0) + points
    for number, each in it.lots.items():
        assert 0 <= each.remaining <= each.points == entries[number].points
        assert each.points - each.remaining == taken.get(number, 0)
    for entry in entries.values():
        if entry.points < 0:
            owed = it.deficits[entry.entry_id].remaining if entry.entry_id in it.deficits else 0
            assert -entry.points == paid.get(entry.entry_id, 0) + owed
    # Nobody owes and has at once: the credit that came first would have been taken.
    assert not (it.owed() and any(left(it).values()))


def test_a_late_clock_changes_nothing_about_what_a_clawback_takes() -> None:
    # 50 points of order 81 ended on day 46, 70 others go on; on day 50 order 81 is cancelled. Whether or not the
    # clock has emptied the ended lot by then, the 50 come out of the 70.
    def after(clock_was_there: bool) -> int:
        it = account()
        ended = credit(it, 50, "a", available_at=T0, expires_at=T0 + 46 * DAY, order_id=81)
        credit(it, 70, "b", available_at=T0)
        day_50 = T0 + 50 * DAY
        if clock_was_there:
            it.empty_lot("expire", ended.entry_id, source_key="x", why={}, occurred_at=T0 + 46 * DAY)
        it.take_back("clawback", 50, source_key="back", why={}, occurred_at=day_50, now=day_50, order_id=81)
        return it.available(day_50)

    assert after(clock_was_there=True) == after(clock_was_there=False) == 20
