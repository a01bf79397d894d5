"""Orders: the projection of each, what it is pinned to, and what of it stands in the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec

from plugin.domain.orders import Order
from plugin.store.db import Row, Tx, from_ms, moment, to_ms

Confirmed = Literal["no", "yes", "refuted"]
_decode_order = msgspec.json.Decoder(Order).decode
_decode_standing = msgspec.json.Decoder(dict[str, tuple[int, int]]).decode
_encode = msgspec.json.Encoder().encode
_COLUMNS = (
    "order_id, member_id, programme_version, tier, basis_minor, points, counted, available_at, delivered_at, "
    "confirmed, projection, standing, earns"
)


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """One order as stored. `standing` is {rule: (points that stand, entries so far)}."""

    order: Order
    member_id: int | None = None
    programme_version: int | None = None
    tier: str | None = None
    basis_minor: int = 0
    points: int = 0
    counted: bool = False
    available_at: datetime | None = None
    delivered_at: datetime | None = None
    confirmed: Confirmed = "no"
    standing: dict[str, tuple[int, int]] = field(default_factory=dict)
    earns: bool = False


@dataclass(frozen=True, slots=True)
class OrderOfMember:
    """What rules across orders look at of one order, without its projection."""

    order_id: int
    member_id: int
    processed_at: datetime
    programme_version: int | None
    available_at: datetime | None
    counted: bool
    earns: bool
    standing: dict[str, tuple[int, int]]


def _stored(row: Row) -> StoredOrder:
    return StoredOrder(
        order=_decode_order(row[10]),
        member_id=row[1],
        programme_version=row[2],
        tier=row[3],
        basis_minor=row[4],
        points=row[5],
        counted=bool(row[6]),
        available_at=from_ms(row[7]),
        delivered_at=from_ms(row[8]),
        confirmed=row[9],
        standing={} if row[11] == "{}" else _decode_standing(row[11]),
        earns=bool(row[12]),
    )


def load(tx: Tx, shop_id: int, order_ids: Iterable[int]) -> dict[int, StoredOrder]:
    """The stored orders of these ids."""
    rows = tx.among(
        f"SELECT {_COLUMNS} FROM orders WHERE shop_id = :s AND order_id IN (:among)", order_ids, s=shop_id
    )
    return {row[0]: _stored(row) for row in rows}


def by_id(tx: Tx, shop_id: int, order_id: int) -> StoredOrder | None:
    """One stored order, or None."""
    return load(tx, shop_id, [order_id]).get(order_id)


def of_member(tx: Tx, shop_id: int, member_id: int) -> list[StoredOrder]:
    """A member's orders, oldest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM orders WHERE shop_id = :s AND member_id = :m ORDER BY processed_at, order_id",
        s=shop_id,
        m=member_id,
    )
    return [_stored(row) for row in rows]


def rows(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> list[OrderOfMember]:
    """The orders of these members as rules across orders see them."""
    found = tx.among(
        "SELECT order_id, member_id, processed_at, programme_version, available_at, counted, earns, standing "
        "FROM orders WHERE shop_id = :s AND member_id IN (:among) AND processed_at IS NOT NULL",
        member_ids,
        s=shop_id,
    )
    return [
        OrderOfMember(
            row[0], row[1], moment(row[2]), row[3], from_ms(row[4]), bool(row[5]), bool(row[6]),
            _decode_standing(row[7]),
        )
        for row in found
    ]  # fmt: skip


def save(tx: Tx, shop_id: int, orders: Iterable[StoredOrder]) -> None:
    """Writes the orders whole, as one set."""
    tx.many(
        "INSERT INTO orders (shop_id, order_id, member_id, name, processed_at, updated_at, programme_version, tier, "
        "currency, basis_minor, points, counted, available_at, delivered_at, confirmed, projection, standing, "
        "earns) VALUES (:s, :id, :member, :name, :processed, :updated, :version, :tier, :currency, :basis, :points, "
        ":counted, :available, :delivered, :confirmed, :projection, :standing, :earns) "
        "ON CONFLICT (shop_id, order_id) DO UPDATE SET member_id = excluded.member_id, name = excluded.name, "
        "processed_at = excluded.processed_at, updated_at = excluded.updated_at, "
        "programme_version = excluded.programme_version, tier = excluded.tier, currency = excluded.currency, "
        "basis_minor = excluded.basis_minor, points = excluded.points, counted = excluded.counted, "
        "available_at = excluded.available_at, delivered_at = excluded.delivered_at, confirmed = excluded.confirmed, "
        "projection = excluded.projection, standing = excluded.standing, earns = excluded.earns",
        [_row(shop_id, stored) for stored in orders],
    )


def _row(shop_id: int, stored: StoredOrder) -> dict[str, object]:
    head = stored.order.head
    return {
        "s": shop_id,
        "id": stored.order.order_id,
        "member": stored.member_id,
        "name": head.name if head else None,
        "processed": to_ms(head.processed_at) if head else None,
        "updated": to_ms(head.updated_at) if head else None,
        "version": stored.programme_version,
        "tier": stored.tier,
        "currency": head.currency if head else None,
        "basis": stored.basis_minor,
        "points": stored.points,
        "counted": int(stored.counted),
        "available": to_ms(stored.available_at),
        "delivered": to_ms(stored.delivered_at),
        "confirmed": stored.confirmed,
        "projection": _encode(stored.order).decode(),
        "standing": _encode(stored.standing).decode() if stored.standing else "{}",
        "earns": int(stored.earns),
    }


def points_of(tx: Tx, shop_id: int, order_ids: Iterable[int]) -> int:
    """What these orders are worth in all, in points."""
    rows = tx.among(
        "SELECT COALESCE(SUM(points), 0) FROM orders WHERE shop_id = :s AND order_id IN (:among)",
        order_ids,
        s=shop_id,
    )
    return sum(int(row[0]) for row in rows)


def rehome(tx: Tx, shop_id: int, old_member: int, member_id: int) -> None:
    """Hangs a merged-away member's orders on the kept one."""
    tx.run(
        "UPDATE orders SET member_id = :m WHERE shop_id = :s AND member_id = :old",
        s=shop_id,
        m=member_id,
        old=old_member,
    )
