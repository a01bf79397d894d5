"""The ledger's moves: credits make lots, debits take from lots and remember which, corrections are new entries.

An Account holds one member's open lots and deficits while a transaction decides; `moves` is what to write.
Laws: entries are never changed; sum(entries) = sum(lots.remaining) - sum(deficits.remaining); every entry has
a source key that names its cause, so the same cause can never post twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from plugin.domain.lots import Lot as Lot
from plugin.domain.lots import is_available as is_available
from plugin.domain.lots import is_pending as is_pending
from plugin.domain.lots import kept as _kept
from plugin.domain.lots import spend_order as _spend_order
from plugin.domain.programme import Programme

Kind = Literal[
    "earn", "clawback", "signup", "redeem", "redeem_return", "redeem_reversed",
    "expire", "void", "transfer_out", "transfer_in", "adjust", "forgiven", "survey", "action", "referral", "gift",
    "import",
]  # fmt: skip
# What counts into the cached sums `earned` and `spent` of a member.
EARNING_KINDS = frozenset({"earn", "clawback", "signup", "survey", "adjust", "action", "referral", "gift"})
SPENDING_KINDS = frozenset({"redeem", "redeem_return", "redeem_reversed"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One immutable movement. `points` is signed and never zero; `why` explains the number, without personal data."""

    entry_id: int
    member_id: int
    kind: Kind
    points: int
    occurred_at: datetime
    source_key: str
    why: dict[str, object]
    actor: str
    order_id: int | None = None
    reverses_id: int | None = None


@dataclass(frozen=True, slots=True)
class Deficit:
    """The part of a debit that no lot covered."""

    debit_id: int
    points: int
    remaining: int


@dataclass(slots=True)
class Moves:
    """What a decision wants written, in order."""

    entries: list[Entry] = field(default_factory=list)
    new_lots: dict[int, Lot] = field(default_factory=dict)
    changed_lots: dict[int, Lot] = field(default_factory=dict)
    allocations: dict[tuple[int, int], int] = field(default_factory=dict)  # (debit, lot) -> points
    new_deficits: dict[int, Deficit] = field(default_factory=dict)
    changed_deficits: dict[int, Deficit] = field(default_factory=dict)


class NotEnough(Exception):
    """A debit asked for more points than are available."""

    def __init__(self, wanted: int, available: int) -> None:
        super().__init__(f"{wanted} points were asked for, {available} are available")
        self.wanted = wanted
        self.available = available


class Account:
    """One member's points while a transaction decides. Pure: ids and times come from outside."""

    def __init__(
        self,
        member_id: int,
        lots: tuple[Lot, ...] | list[Lot],
        deficits: tuple[Deficit, ...] | list[Deficit],
        next_id: Callable[[], int],
    ) -> None:
        self.member_id = member_id
        self.lots = {lot.lot_id: lot for lot in lots}
        self.deficits = {deficit.debit_id: deficit for deficit in deficits}
        # Order -> points of its lots that ran out unused and were not given back since; set before taking back.
        self.lapsed: dict[int, int] = {}
        self.moves = Moves()
        self._next_id = next_id

    def available(self, now: datetime) -> int:
        """Points that can be spent at `now`."""
        return sum(lot.remaining for lot in self.lots.values() if is_available(lot, now))

    def pending(self, now: datetime) -> int:
        """Points that are earned but not to be spent yet."""
        return sum(lot.remaining for lot in self.lots.values() if is_pending(lot, now))

    def owed(self) -> int:
        """Points that were taken back and could not be covered yet."""
        return sum(deficit.remaining for deficit in self.deficits.values())

    def credit(
        self,
        kind: Kind,
        points: int,
        *,
        source_key: str,
        why: dict[str, object],
        occurred_at: datetime,
        available_at: datetime | None,
        expires_at: datetime | None,
        kept_until: datetime | None = None,
        actor: str = "system",
        order_id: int | None = None,
        reverses_id: int | None = None,
    ) -> Entry:
        """Posts a credit and its lot; open deficits absorb it first, oldest first. `points` must be positive."""
        entry = self._post(kind, points, source_key, why, occurred_at, actor, order_id, reverses_id)
        ends = _kept(expires_at, kept_until)
        lot = Lot(
            entry.entry_id,
            self.member_id,
            points,
            points,
            available_at,
            ends,
            order_id,
            expires_at,
            kept_until,
        )
        for debit_id in sorted(self.deficits):
            deficit = self.deficits[debit_id]
            part = min(deficit.remaining, lot.remaining)
            if part > 0:
                lot = replace(lot, remaining=lot.remaining - part)
                self._set_deficit(replace(deficit, remaining=deficit.remaining - part))
                self._allocate(debit_id, lot.lot_id, part)
        self.lots[lot.lot_id] = lot
        self.moves.new_lots[lot.lot_id] = lot
        return entry

    def spend(
        self,
        kind: Kind,
        points: int,
        now: datetime,
        *,
        source_key: str,
        why: dict[str, object],
        actor: str = "system",
        order_id: int | None = None,
    ) -> Entry:
        """Debits available points, the soonest to expire first. Raises NotEnough and posts nothing otherwise."""
        usable = sorted((lot for lot in self.lots.values() if is_available(lot, now)), key=_spend_order)
        have = sum(lot.remaining for lot in usable)
        if points > have:
            raise NotEnough(points, have)
        entry = self._post(kind, -points, source_key, why, now, actor, order_id, None)
        self._take(entry.entry_id, points, usable)
        return entry

    def take_back(
        self,
        kind: Kind,
        points: int,
        *,
        source_key: str,
        why: dict[str, object],
        occurred_at: datetime,
        now: datetime,
        actor: str = "system",
        order_id: int | None = None,
        reverses_id: int | None = None,
    ) -> Entry:
        """Debits whether or not there is enough: the order's own lots, then the soonest to expire, then a deficit.

        A lot that has expired at `now` gives nothing, whether or not the clock has emptied it yet. What had run
        out unused of the order's own lots is not taken a second time: a `forgiven` credit covers it.
        """
        entry = self._post(kind, -points, source_key, why, occurred_at, actor, order_id, reverses_id)
        usable = sorted(
            (
                lot
                for lot in self.lots.values()
                if lot.remaining > 0 and (lot.expires_at is None or lot.expires_at > now)
            ),
            key=_spend_order,
        )
        own = [lot for lot in usable if order_id is not None and lot.order_id == order_id]
        rest = self._take(entry.entry_id, points, own)
        if order_id is not None:
            rest -= self._forgive_lapsed(entry, order_id, rest)
        rest = self._take(entry.entry_id, rest, [lot for lot in usable if lot not in own])
        if rest:
            deficit = Deficit(entry.entry_id, rest, rest)
            self.deficits[entry.entry_id] = deficit
            self.moves.new_deficits[entry.entry_id] = deficit
        return entry

    def _forgive_lapsed(self, debit: Entry, order_id: int, points: int) -> int:
        part = min(points, self.lapsed.get(order_id, 0))
        if part > 0:
            self.lapsed[order_id] -= part
            why: dict[str, object] = {"rule": "lapsed"}
            key = f"lapsed:{debit.entry_id}"
            self._cover(debit.entry_id, part, "forgiven", key, why, debit.occurred_at, order_id)
        return part

    def empty_lot(
        self, kind: Kind, lot_id: int, *, source_key: str, why: dict[str, object], occurred_at: datetime
    ) -> Entry | None:
        """Debits all that remains of one lot (expiry, void, transfer). None when nothing remains."""
        lot = self.lots[lot_id]
        if lot.remaining <= 0:
            return None
        entry = self._post(kind, -lot.remaining, source_key, why, occurred_at, "system", lot.order_id, None)
        self._take(entry.entry_id, lot.remaining, [lot])
        return entry

    def settle_deficit(
        self, debit_id: int, *, source_key: str, kind: Kind, why: dict[str, object], occurred_at: datetime
    ) -> Entry:
        """Posts a credit that covers one deficit exactly and leaves nothing to spend."""
        deficit = self.deficits[debit_id]
        entry = self._cover(debit_id, deficit.remaining, kind, source_key, why, occurred_at, None)
        self._set_deficit(replace(deficit, remaining=0))
        return entry

    def _cover(
        self,
        debit_id: int,
        points: int,
        kind: Kind,
        source_key: str,
        why: dict[str, object],
        occurred_at: datetime,
        order_id: int | None,
    ) -> Entry:
        """A credit that one debit uses up whole, so that its lot has nothing to spend."""
        entry = self._post(kind, points, source_key, why, occurred_at, "system", order_id, debit_id)
        self._allocate(debit_id, entry.entry_id, points)
        lot = Lot(entry.entry_id, self.member_id, points, 0, None, None, order_id)
        self.lots[lot.lot_id] = self.moves.new_lots[lot.lot_id] = lot
        return entry

    def retime(
        self, order_id: int, available_at: datetime | None, expires_at: datetime | None, now: datetime
    ) -> bool:
        """Moves the dates of an order's lots that are not available yet. True when any moved (design 10.5)."""
        moved = False
        for lot in list(self.lots.values()):
            if lot.order_id != order_id or lot.available_at == available_at:
                continue
            if lot.available_at is None or lot.available_at > now:
                ends = _kept(expires_at, lot.kept_until)
                self._set_lot(
                    replace(lot, available_at=available_at, expires_at=ends, own_expires_at=expires_at)
                )
                moved = True
        return moved

    def _post(
        self,
        kind: Kind,
        points: int,
        source_key: str,
        why: dict[str, object],
        occurred_at: datetime,
        actor: str,
        order_id: int | None,
        reverses_id: int | None,
    ) -> Entry:
        if points == 0:
            raise ValueError("an entry of zero points says nothing and is never posted")
        entry = Entry(
            self._next_id(),
            self.member_id,
            kind,
            points,
            occurred_at,
            source_key,
            why,
            actor,
            order_id,
            reverses_id,
        )
        self.moves.entries.append(entry)
        return entry

    def _take(self, debit_id: int, points: int, lots: list[Lot]) -> int:
        rest = points
        for lot in lots:
            part = min(rest, lot.remaining)
            if part > 0:
                self._set_lot(replace(lot, remaining=lot.remaining - part))
                self._allocate(debit_id, lot.lot_id, part)
                rest -= part
            if not rest:
                break
        return rest

    def _allocate(self, debit_id: int, lot_id: int, points: int) -> None:
        key = (debit_id, lot_id)
        self.moves.allocations[key] = self.moves.allocations.get(key, 0) + points

    def _set_lot(self, lot: Lot) -> None:
        self.lots[lot.lot_id] = lot
        target = self.moves.new_lots if lot.lot_id in self.moves.new_lots else self.moves.changed_lots
        target[lot.lot_id] = lot

    def _set_deficit(self, deficit: Deficit) -> None:
        self.deficits[deficit.debit_id] = deficit
        fresh = deficit.debit_id in self.moves.new_deficits
        (self.moves.new_deficits if fresh else self.moves.changed_deficits)[deficit.debit_id] = deficit


def floor_at_zero(account: Account, debit: Entry, programme: Programme | None) -> None:
    """The policy `floor`: forgives what a debit could not take, so that nothing is owed."""
    if programme is not None and programme.clawback == "floor" and debit.entry_id in account.deficits:
        account.settle_deficit(
            debit.entry_id,
            kind="forgiven",
            source_key=f"forgiven:{debit.entry_id}",
            why={"rule": "floor", "programme": programme.version},
            occurred_at=debit.occurred_at,
        )
