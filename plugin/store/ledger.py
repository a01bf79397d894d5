"""The ledger's tables: loads accounts, writes moves as sets, and recomputes everything for the audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from plugin.domain.ledger import EARNING_KINDS, SPENDING_KINDS, Account, Deficit, Entry, Lot, Moves
from plugin.errors import SourceKeyConflict
from plugin.store import expiries
from plugin.store import lots as lot_rows
from plugin.store.db import Tx, to_ms
from plugin.store.ids import new_id

_encode = msgspec.json.Encoder().encode


def accounts(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> dict[int, Account]:
    """The accounts of these members, with their open lots and deficits. Ask for new members too: they are empty."""
    wanted = set(member_ids)
    lots: dict[int, list[Lot]] = {member_id: [] for member_id in wanted}
    owed: dict[int, list[Deficit]] = {member_id: [] for member_id in wanted}
    for lot in lot_rows.of_members(tx, shop_id, wanted):
        lots[lot.member_id].append(lot)
    for row in tx.among(
        "SELECT member_id, debit_id, points, remaining FROM deficits "
        "WHERE shop_id = :s AND remaining > 0 AND member_id IN (:among)",
        wanted,
        s=shop_id,
    ):
        owed[row[0]].append(Deficit(row[1], row[2], row[3]))
    return {member_id: Account(member_id, lots[member_id], owed[member_id], new_id) for member_id in wanted}


def write(
    tx: Tx,
    shop_id: int,
    moves: Iterable[Moves],
    now: datetime,
    order_names: Mapping[int, str | None] = MappingProxyType({}),
) -> None:
    """Writes the moves of several accounts as sets and moves the members' cached sums with them.

    Raises SourceKeyConflict, and the transaction must not commit, when a source key already stands.
    """
    recorded_at = to_ms(now)
    entries: list[Entry] = []
    new_lots: list[Lot] = []
    changed: list[Lot] = []
    allocations: list[dict[str, object]] = []
    new_deficits: list[dict[str, object]] = []
    changed_deficits: list[dict[str, object]] = []
    for move in moves:
        members = {entry.entry_id: entry.member_id for entry in move.entries}
        entries += move.entries
        new_lots += move.new_lots.values()
        changed += move.changed_lots.values()
        allocations += [
            {"s": shop_id, "debit": debit, "lot": lot, "points": points}
            for (debit, lot), points in move.allocations.items()
        ]
        new_deficits += [
            {
                "s": shop_id,
                "debit": d.debit_id,
                "member": members[d.debit_id],
                "points": d.points,
                "remaining": d.remaining,
            }
            for d in move.new_deficits.values()
        ]
        changed_deficits += [
            {"s": shop_id, "debit": d.debit_id, "remaining": d.remaining}
            for d in move.changed_deficits.values()
        ]
    if entries:
        _insert_entries(tx, shop_id, entries, recorded_at, order_names)
    tx.many(
        "INSERT INTO lots (shop_id, lot_id, member_id, order_id, points, remaining, available_at, expires_at, "
        "created_at, own_expires_at, kept_until) VALUES (:s, :lot, :member, :order_id, :points, :remaining, "
        ":available, :expires, :created, :own, :kept)",
        [
            {
                "s": shop_id,
                "lot": lot.lot_id,
                "member": lot.member_id,
                "order_id": lot.order_id,
                "points": lot.points,
                "remaining": lot.remaining,
                "available": to_ms(lot.available_at),
                "expires": to_ms(lot.expires_at),
                "created": recorded_at,
                "own": to_ms(lot.own_expires_at),
                "kept": to_ms(lot.kept_until),
            }
            for lot in new_lots
        ],
    )
    tx.many(
        "UPDATE lots SET remaining = :remaining, expires_at = :expires, own_expires_at = :own, mirrored_at = "
        "CASE WHEN available_at = :available THEN mirrored_at ELSE NULL END, available_at = :available "
        "WHERE shop_id = :s AND lot_id = :lot",
        [
            {
                "s": shop_id,
                "lot": lot.lot_id,
                "remaining": lot.remaining,
                "available": to_ms(lot.available_at),
                "expires": to_ms(lot.expires_at),
                "own": to_ms(lot.own_expires_at),
            }
            for lot in changed
        ],
    )
    tx.many(
        "INSERT INTO allocations (shop_id, debit_id, lot_id, points) VALUES (:s, :debit, :lot, :points) "
        "ON CONFLICT (shop_id, debit_id, lot_id) DO UPDATE SET points = allocations.points + excluded.points",
        allocations,
    )
    tx.many(
        "INSERT INTO deficits (shop_id, debit_id, member_id, points, remaining) "
        "VALUES (:s, :debit, :member, :points, :remaining)",
        new_deficits,
    )
    tx.many(
        "UPDATE deficits SET remaining = :remaining WHERE shop_id = :s AND debit_id = :debit",
        changed_deficits,
    )
    tx.many(
        "UPDATE members SET posted = posted + :posted, earned = earned + :earned, spent = spent + :spent "
        "WHERE shop_id = :s AND member_id = :member",
        _sums(shop_id, entries),
    )
    touched = {lot.member_id for lot in changed} | {entry.member_id for entry in entries}
    if touched:
        expiries.follow(tx, shop_id, touched, now)


def _insert_entries(
    tx: Tx,
    shop_id: int,
    entries: list[Entry],
    recorded_at: int | None,
    order_names: Mapping[int, str | None],
) -> None:
    written = tx.many(
        "INSERT INTO entries (shop_id, entry_id, member_id, kind, points, occurred_at, recorded_at, source_key, "
        "why, actor, order_id, order_name, reverses_id) VALUES (:s, :id, :member, :kind, :points, :occurred, "
        ":recorded, :key, :why, :actor, :order_id, :order_name, :reverses) "
        "ON CONFLICT (shop_id, source_key) DO NOTHING",
        [
            {
                "s": shop_id,
                "id": e.entry_id,
                "member": e.member_id,
                "kind": e.kind,
                "points": e.points,
                "occurred": to_ms(e.occurred_at),
                "recorded": recorded_at,
                "key": e.source_key,
                "why": _encode(e.why).decode(),
                "actor": e.actor,
                "order_id": e.order_id,
                "order_name": None if e.order_id is None else order_names.get(e.order_id),
                "reverses": e.reverses_id,
            }
            for e in entries
        ],
    )
    if written != len(entries):
        keys = [entry.source_key for entry in entries]
        standing = tx.among(
            "SELECT source_key, points, entry_id FROM entries WHERE shop_id = :s AND source_key IN (:among)",
            keys,
            s=shop_id,
        )
        ours = {entry.entry_id for entry in entries}
        clash = next((row[0] for row in standing if row[2] not in ours), "?")
        raise SourceKeyConflict(f"The movement {clash} is already in the ledger; nothing was written.")


def _sums(shop_id: int, entries: list[Entry]) -> list[dict[str, object]]:
    sums: dict[int, list[int]] = {}
    for entry in entries:
        row = sums.setdefault(entry.member_id, [0, 0, 0])
        row[0] += entry.points
        if entry.kind in EARNING_KINDS:
            row[1] += entry.points
        elif entry.kind in SPENDING_KINDS:
            row[2] -= entry.points
    return [
        {"s": shop_id, "member": member_id, "posted": posted, "earned": earned, "spent": spent}
        for member_id, (posted, earned, spent) in sorted(sums.items())
    ]


def keep_age(tx: Tx, shop_id: int, moved: Iterable[tuple[int, int]]) -> None:
    """Makes transferred lots as old as those they came from: (old lot, new lot). A merge makes nothing younger."""
    tx.many(
        "UPDATE lots SET created_at = (SELECT old.created_at FROM lots AS old WHERE old.shop_id = :s "
        "AND old.lot_id = :old) WHERE shop_id = :s AND lot_id = :new",
        [{"s": shop_id, "old": old, "new": new} for old, new in moved],
    )


def entry_by_source(tx: Tx, shop_id: int, source_key: str) -> int | None:
    """The id of the entry with that cause, or None."""
    row = tx.one(
        "SELECT entry_id FROM entries WHERE shop_id = :s AND source_key = :k", s=shop_id, k=source_key
    )
    return None if row is None else int(row[0])


def signups(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> list[tuple[int, int]]:
    """(entry id, points) of sign-up bonuses under these ids that were not taken back, the earliest first."""
    names = list(member_ids)
    taken_back = {
        row[0]
        for row in tx.among(
            "SELECT reverses_id FROM entries WHERE shop_id = :s AND kind = 'clawback' "
            "AND reverses_id IS NOT NULL AND member_id IN (:among)",
            names,
            s=shop_id,
        )
    }
    rows = tx.among(
        "SELECT occurred_at, entry_id, points FROM entries WHERE shop_id = :s AND source_key IN (:among)",
        [f"signup:{name}" for name in names],
        s=shop_id,
    )
    return [(entry_id, points) for _, entry_id, points in sorted(rows) if entry_id not in taken_back]


def lots_of_debit(tx: Tx, shop_id: int, debit_id: int) -> list[Lot]:
    """The lots a debit took from, as they are now."""
    return [
        lot_rows.lot(row)
        for row in tx.all(
            f"SELECT {lot_rows.OF_LOTS} FROM allocations a JOIN lots l ON l.shop_id = a.shop_id "
            "AND l.lot_id = a.lot_id WHERE a.shop_id = :s AND a.debit_id = :d ORDER BY l.lot_id",
            s=shop_id,
            d=debit_id,
        )
    ]


def lapsed(tx: Tx, shop_id: int, order_ids: Iterable[int], now: datetime) -> dict[int, int]:
    """Points of these orders' lots that ran out unused (expired or void), less what was given back of them.

    A lot whose expiry has come counts whether or not the clock has emptied it yet.
    """
    wanted = sorted(set(order_ids))
    found = dict.fromkeys(wanted, 0)
    for sql in (
        "SELECT lots.order_id, SUM(allocations.points) FROM lots JOIN allocations ON allocations.shop_id = "
        "lots.shop_id AND allocations.lot_id = lots.lot_id JOIN entries ON entries.shop_id = allocations.shop_id "
        "AND entries.entry_id = allocations.debit_id WHERE lots.shop_id = :s AND lots.order_id IN (:among) "
        "AND entries.kind IN ('expire', 'void') GROUP BY lots.order_id",
        "SELECT lots.order_id, SUM(CASE WHEN entries.kind = 'forgiven' THEN -lots.points "
        "WHEN lots.expires_at <= :t THEN lots.remaining ELSE 0 END) FROM lots JOIN entries ON entries.shop_id = "
        "lots.shop_id AND entries.entry_id = lots.lot_id WHERE lots.shop_id = :s AND lots.order_id IN (:among) "
        "GROUP BY lots.order_id",
    ):
        for order_id, points in tx.among(sql, wanted, s=shop_id, t=to_ms(now)):
            found[order_id] += int(points)
    return found


def expired_lots(tx: Tx, shop_id: int, now: datetime, limit: int) -> list[Lot]:
    """Open lots whose expiry has come, oldest first."""
    rows = tx.all(
        f"SELECT {lot_rows.COLUMNS} FROM lots WHERE shop_id = :s AND remaining > 0 AND expires_at IS NOT NULL "
        "AND expires_at <= :t ORDER BY expires_at LIMIT :n",
        s=shop_id,
        t=to_ms(now),
        n=limit,
    )
    return [lot_rows.lot(row) for row in rows]


def stale_unclaimed_lots(tx: Tx, shop_id: int, before: datetime, limit: int) -> list[Lot]:
    """Open lots of members who never joined, made before a moment."""
    rows = tx.all(
        f"SELECT {lot_rows.OF_LOTS} FROM members m JOIN lots l ON l.shop_id = m.shop_id "
        "AND l.member_id = m.member_id WHERE m.shop_id = :s AND m.status = 'unclaimed' "
        "AND m.created_at < :t AND l.remaining > 0 AND l.created_at < :t LIMIT :n",
        s=shop_id,
        t=to_ms(before),
        n=limit,
    )
    return [lot_rows.lot(row) for row in rows]


def newly_available(tx: Tx, shop_id: int, now: datetime, limit: int) -> list[int]:
    """Members with lots that became available and were not shown to the storefront yet; marks the lots as shown."""
    rows = tx.all(
        "SELECT lot_id, member_id FROM lots WHERE shop_id = :s AND remaining > 0 AND mirrored_at IS NULL "
        "AND available_at <= :t LIMIT :n",
        s=shop_id,
        t=to_ms(now),
        n=limit,
    )
    tx.many(
        "UPDATE lots SET mirrored_at = :t WHERE shop_id = :s AND lot_id = :lot",
        [{"s": shop_id, "lot": row[0], "t": to_ms(now)} for row in rows],
    )
    return sorted({row[1] for row in rows})


def debtors(tx: Tx, shop_id: int) -> list[int]:
    """Members who owe points."""
    rows = tx.all(
        "SELECT DISTINCT member_id FROM deficits WHERE shop_id = :s AND remaining > 0 ORDER BY member_id",
        s=shop_id,
    )
    return [row[0] for row in rows]


def counts(tx: Tx, shop_id: int) -> tuple[int, int, int]:
    """(members, entries, lots) of a shop."""
    row = tx.one(
        "SELECT (SELECT COUNT(*) FROM members WHERE shop_id = :s), (SELECT COUNT(*) FROM entries WHERE shop_id = :s), "
        "(SELECT COUNT(*) FROM lots WHERE shop_id = :s)",
        s=shop_id,
    )
    assert row is not None
    return (row[0], row[1], row[2])
