"""Backfills: the reading of past orders in one go, and how far each has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from plugin.store.db import Row, Tx, from_ms, moment, to_ms
from plugin.store.ids import new_id

Policy = Literal["history", "earn"]
State = Literal["asked", "reading", "done", "failed"]
_COLUMNS = (
    "backfill_id, state, policy, since, until, actor, created_at, finished_at, operation_gid, url, asked_at, total, "
    "at_byte, orders, points, skipped, reason"
)
_OPEN = "state IN ('asked', 'reading')"


@dataclass(frozen=True, slots=True)
class Backfill:
    """Orders placed in [since, until); `reason`: why it failed.

    Of `total` orders `orders` were taken so far, which moved `points`, up to byte `at_byte` of the result; `skipped`
    could not be read. `asked_at`: when the platform was last asked how far it is.
    """

    backfill_id: int
    state: State
    policy: Policy
    since: datetime | None
    until: datetime
    actor: str
    created_at: datetime
    finished_at: datetime | None
    operation_gid: str | None
    url: str | None
    asked_at: datetime | None
    total: int
    at_byte: int
    orders: int
    points: int
    skipped: int
    reason: str | None


def _backfill(row: Row) -> Backfill:
    return Backfill(
        row[0], row[1], row[2], from_ms(row[3]), moment(row[4]), row[5], moment(row[6]), from_ms(row[7]), row[8],
        row[9], from_ms(row[10]), row[11], row[12], row[13], row[14], row[15], row[16],
    )  # fmt: skip


def start(
    tx: Tx, shop_id: int, policy: Policy, since: datetime | None, until: datetime, actor: str, now: datetime
) -> int:
    """Notes a backfill for the worker to carry out; returns its id."""
    backfill_id = new_id()
    tx.run(
        "INSERT INTO backfills (shop_id, backfill_id, policy, since, until, actor, created_at) "
        "VALUES (:s, :id, :policy, :since, :until, :actor, :t)",
        s=shop_id, id=backfill_id, policy=policy, since=to_ms(since), until=to_ms(until), actor=actor, t=to_ms(now),
    )  # fmt: skip
    return backfill_id


def by_id(tx: Tx, shop_id: int, backfill_id: int) -> Backfill | None:
    """The backfill of that id."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM backfills WHERE shop_id = :s AND backfill_id = :id",
        s=shop_id,
        id=backfill_id,
    )
    return None if row is None else _backfill(row)


def under_way(tx: Tx, shop_id: int) -> Backfill | None:
    """The backfill of a shop that is not done."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM backfills WHERE shop_id = :s AND {_OPEN} ORDER BY backfill_id LIMIT 1",
        s=shop_id,
    )
    return None if row is None else _backfill(row)


def newest(tx: Tx, shop_id: int, limit: int) -> list[Backfill]:
    """Backfills, the newest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM backfills WHERE shop_id = :s ORDER BY backfill_id DESC LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [_backfill(row) for row in rows]


def shops_filling(tx: Tx) -> set[int]:
    """Shops with a backfill under way."""
    return {row[0] for row in tx.all(f"SELECT DISTINCT shop_id FROM backfills WHERE {_OPEN}")}


def asked(tx: Tx, shop_id: int, one: Backfill, gid: str | None, total: int, now: datetime) -> None:
    """Notes which operation the platform runs (None: begin anew), how many orders it found, and when it said so."""
    tx.run(
        "UPDATE backfills SET operation_gid = :gid, total = :n, asked_at = :t WHERE shop_id = :s AND backfill_id = :id",
        s=shop_id, id=one.backfill_id, gid=gid, n=total, t=to_ms(now),
    )  # fmt: skip


def ask_again(tx: Tx, shop_id: int, one: Backfill) -> None:
    """The result does not lie there any more: the platform is asked where it lies now."""
    tx.run(
        "UPDATE backfills SET state = 'asked', asked_at = NULL WHERE shop_id = :s AND backfill_id = :id",
        s=shop_id,
        id=one.backfill_id,
    )


def hurry(tx: Tx, shop_id: int, gid: str) -> None:
    """The platform says that an operation ended: it is asked at once."""
    tx.run("UPDATE backfills SET asked_at = NULL WHERE shop_id = :s AND operation_gid = :g", s=shop_id, g=gid)


def lies_at(tx: Tx, shop_id: int, one: Backfill, url: str, total: int, now: datetime) -> None:
    """The result lies there; what was read of it stays read."""
    tx.run(
        "UPDATE backfills SET state = 'reading', url = :u, total = :n, asked_at = :t "
        "WHERE shop_id = :s AND backfill_id = :id",
        s=shop_id, id=one.backfill_id, u=url, n=total, t=to_ms(now),
    )  # fmt: skip


def advanced(
    tx: Tx, shop_id: int, one: Backfill, from_byte: int, to_byte: int, orders: int, points: int, skipped: int
) -> bool:
    """Moves a backfill on; False when another process has read on from `from_byte` meanwhile."""
    return (
        tx.run(
            "UPDATE backfills SET at_byte = :b, orders = orders + :n, points = points + :p, skipped = skipped + :k "
            "WHERE shop_id = :s AND backfill_id = :id AND at_byte = :from AND state = 'reading'",
            **{"s": shop_id, "id": one.backfill_id, "b": to_byte, "n": orders, "p": points, "k": skipped,
               "from": from_byte},
        )
        > 0
    )  # fmt: skip


def ended(tx: Tx, shop_id: int, one: Backfill, reason: str | None, now: datetime) -> None:
    """Marks a backfill as done, or as failed with a reason."""
    tx.run(
        "UPDATE backfills SET state = :state, reason = :r, url = NULL, finished_at = :t "
        "WHERE shop_id = :s AND backfill_id = :id",
        s=shop_id, id=one.backfill_id, state="failed" if reason else "done", r=reason, t=to_ms(now),
    )  # fmt: skip
