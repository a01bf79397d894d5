"""Caps: what a member's orders earn together, over their row by (processed_at, id): caps of a period, n-th orders.

An order whose points are open ("released") is settled: another order neither gives to it nor takes from it. Only a
change of its own does, and then it keeps to what stood. All others take what is left, the earliest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from plugin.domain.earning.target import at_most
from plugin.domain.programme import OrderBonus, Programme

Points = tuple[tuple[str, int], ...]
BONUS = "bonus_"  # before the key of a bonus, in source keys


@dataclass(frozen=True, slots=True)
class Seat:
    """One order in a member's row. `held`: what stands by rule. `own`: what it is worth by itself, None when nobody
    asks (it is released and unchanged); `own_before`: that, in all, before the change that is being decided on.
    """

    order_id: int
    processed_at: datetime
    programme: Programme | None
    earns: bool
    released: bool
    held: Mapping[str, int]
    own: Points | None = None
    own_before: int = 0


def across(seats: Iterable[Seat]) -> dict[int, Points]:
    """What should stand for each order of the row that has its own points to decide on. Pure."""
    row = sorted(seats, key=lambda seat: (seat.processed_at, seat.order_id))
    capped, bonuses = _capped(row), _bonuses(row)
    return {
        seat.order_id: capped[seat.order_id] + bonuses.get(seat.order_id, ())
        for seat in row
        if seat.own is not None
    }


def _capped(row: list[Seat]) -> dict[int, Points]:
    granted = {seat.order_id: _sum(_plain(seat.held)) for seat in row if seat.released}
    found: dict[int, Points] = {}
    for seat in [one for one in row if one.released] + [one for one in row if not one.released]:
        if seat.own is None:
            continue
        most, own = _room(seat, row, granted), _sum(seat.own)
        if seat.released:
            held = granted[seat.order_id]
            most = held if own <= seat.own_before else max(held, own if most is None else most)
            most = own if seat.programme is None or _cap(seat.programme) is None else most
        found[seat.order_id] = seat.own if most is None else at_most(seat.own, most)
        granted[seat.order_id] = _sum(found[seat.order_id])
    return found


def _cap(programme: Programme) -> int | None:
    return programme.orders.max_per_period


def _room(seat: Seat, row: list[Seat], granted: Mapping[int, int]) -> int | None:
    """What the order's own programme leaves for it in its period; None without a cap."""
    cap = _cap(seat.programme) if seat.programme is not None else None
    if cap is None:
        return None
    assert seat.programme is not None
    period = seat.programme.orders.period
    mine = _period(seat.processed_at, period)
    others = (
        granted.get(other.order_id, 0)
        for other in row
        if other.order_id != seat.order_id and _period(other.processed_at, period) == mine
    )
    return max(0, cap - sum(others))


def _period(moment: datetime, period: str) -> tuple[int, ...]:
    at = moment.astimezone(UTC)
    return (at.year, at.month, at.day)[: {"year": 1, "month": 2, "day": 3}[period]]


def _bonuses(row: list[Seat]) -> dict[int, Points]:
    """Each bonus for its order. One that its order lost, or that comes too late for a released order, goes to the next
    order that is not released; a bonus of a first order stands once, however two rows became one.
    """
    ranked = list(enumerate((seat for seat in row if seat.earns), 1))
    kept = _kept(row)
    all_due: dict[str, int] = {}
    for rank, seat in ranked:
        for bonus in _of(seat):
            all_due[BONUS + bonus.key] = all_due.get(BONUS + bonus.key, 0) + _falls_on(bonus, rank)
    due = dict.fromkeys(all_due, 0)  # so far in the row, and so given
    given = dict.fromkeys([*all_due, *kept], 0)
    to_come = {
        rule: len(orders) for rule, orders in kept.items()
    }  # those that released orders further on keep
    found: dict[int, Points] = {}
    for rank, seat in ranked:
        mine = [(rule, seat.held[rule]) for rule, orders in kept.items() if seat.order_id in orders]
        for rule, _ in mine:
            given[rule] += 1
            to_come[rule] -= 1
        for bonus in _of(seat):
            rule = BONUS + bonus.key
            due[rule] += _falls_on(bonus, rank)
            left = all_due[rule] - to_come.get(rule, 0)
            if not seat.released and given[rule] < min(due[rule], left):
                given[rule] += 1
                mine.append((rule, bonus.points))
        found[seat.order_id] = tuple(mine)
    return found


def _of(seat: Seat) -> tuple[OrderBonus, ...]:
    return seat.programme.orders.bonuses if seat.programme is not None else ()


def _kept(row: list[Seat]) -> dict[str, list[int]]:
    """Released orders that keep the bonus they hold, by rule."""
    kept: dict[str, list[int]] = {}
    for seat in row:
        for rule, points in seat.held.items():
            if seat.released and seat.earns and points and rule.startswith(BONUS):
                kept.setdefault(rule, []).append(seat.order_id)
    repeated = {BONUS + bonus.key for seat in row if seat.programme is not None
                for bonus in seat.programme.orders.bonuses if bonus.every}  # fmt: skip
    return {rule: orders if rule in repeated else orders[:1] for rule, orders in kept.items()}


def _falls_on(bonus: OrderBonus, rank: int) -> int:
    return int(rank % bonus.nth == 0 if bonus.every else rank == bonus.nth)


def _plain(points: Mapping[str, int]) -> Points:
    return tuple((rule, count) for rule, count in points.items() if not rule.startswith(BONUS))


def _sum(points: Points) -> int:
    return sum(count for _, count in points)
