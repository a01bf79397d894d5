"""Corrections: orders that are counted again under a chosen version, and how far each has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Row, Tx, from_ms, moment, to_ms
from plugin.store.ids import new_id

_COLUMNS = "correction_id, since, until, version, actor, created_at, finished_at, at_order, orders, points"


@dataclass(frozen=True, slots=True)
class Correction:
    """Orders placed from `since` up to but without `until`, to be counted by `version` (None: each by its own).

    `orders` have been counted again so far, up to the one numbered `reached`, which moved `points` in all.
    """

    correction_id: int
    since: datetime
    until: datetime
    version: int | None
    actor: str
    created_at: datetime
    finished_at: datetime | None
    reached: int
    orders: int
    points: int


def _correction(row: Row) -> Correction:
    return Correction(
        row[0], moment(row[1]), moment(row[2]), row[3], row[4], moment(row[5]), from_ms(row[6]),
        row[7], row[8], row[9],
    )  # fmt: skip


def start(
    tx: Tx, shop_id: int, since: datetime, until: datetime, version: int | None, actor: str, now: datetime
) -> int:
    """Notes a correction for the clock to carry out; returns its id."""
    correction_id = new_id()
    tx.run(
        "INSERT INTO corrections (shop_id, correction_id, since, until, version, actor, created_at) "
        "VALUES (:s, :id, :since, :until, :version, :actor, :t)",
        s=shop_id,
        id=correction_id,
        since=to_ms(since),
        until=to_ms(until),
        version=version,
        actor=actor,
        t=to_ms(now),
    )
    return correction_id


def unfinished(tx: Tx, shop_id: int) -> Correction | None:
    """The oldest correction that is still under way."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM corrections WHERE shop_id = :s AND finished_at IS NULL "
        "ORDER BY correction_id LIMIT 1",
        s=shop_id,
    )
    return None if row is None else _correction(row)


def newest(tx: Tx, shop_id: int, limit: int) -> list[Correction]:
    """Corrections, the newest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM corrections WHERE shop_id = :s ORDER BY correction_id DESC LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [_correction(row) for row in rows]


def next_orders(tx: Tx, shop_id: int, correction: Correction, limit: int) -> list[int]:
    """The next orders of a correction, by their numbers: one pass along the primary key, however many there are."""
    rows = tx.all(
        "SELECT order_id FROM orders WHERE shop_id = :s AND order_id > :o AND processed_at >= :since "
        "AND processed_at < :until ORDER BY order_id LIMIT :n",
        s=shop_id,
        o=correction.reached,
        since=to_ms(correction.since),
        until=to_ms(correction.until),
        n=limit,
    )
    return [int(row[0]) for row in rows]


def reached(tx: Tx, shop_id: int, correction: Correction, order_id: int, orders: int, points: int) -> None:
    """Moves a correction on by so many orders and points."""
    tx.run(
        "UPDATE corrections SET at_order = :o, orders = orders + :n, points = points + :points "
        "WHERE shop_id = :s AND correction_id = :id",
        s=shop_id,
        id=correction.correction_id,
        o=order_id,
        n=orders,
        points=points,
    )


def finish(tx: Tx, shop_id: int, correction_id: int, now: datetime) -> None:
    """Marks a correction as carried out."""
    tx.run(
        "UPDATE corrections SET finished_at = :t WHERE shop_id = :s AND correction_id = :id",
        s=shop_id,
        id=correction_id,
        t=to_ms(now),
    )
