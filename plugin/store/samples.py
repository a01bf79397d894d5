"""Samples: the newest orders of members, whole, for trying a programme on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from plugin.domain.orders import Order
from plugin.store.db import Tx, moment, to_ms

_decode = msgspec.json.Decoder(Order).decode


@dataclass(frozen=True, slots=True)
class Sampled:
    """One order that counts, of an active member, with the tier that was in force when it was placed."""

    order: Order
    member_id: int
    tier: str | None
    processed_at: datetime


def newest_counted(tx: Tx, shop_id: int, limit: int) -> list[Sampled]:
    """Up to `limit` orders that count, the newest first. Orders older than the first programme are none of them."""
    rows = tx.all(
        "SELECT o.projection, o.member_id, o.tier, o.processed_at FROM orders o JOIN members m "
        "ON m.shop_id = o.shop_id AND m.member_id = o.member_id AND m.status = 'active' "
        "WHERE o.shop_id = :s AND o.counted = 1 ORDER BY o.processed_at DESC, o.order_id DESC LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [Sampled(_decode(row[0]), row[1], row[2], moment(row[3])) for row in rows]


def placed_since(
    tx: Tx, shop_id: int, since: datetime, until: datetime, limit: int
) -> list[tuple[Sampled, int]]:
    """Up to `limit` orders of active members placed in that time, the newest first, with the points that stand now."""
    rows = tx.all(
        "SELECT o.projection, o.member_id, o.tier, o.processed_at, o.points FROM orders o JOIN members m "
        "ON m.shop_id = o.shop_id AND m.member_id = o.member_id AND m.status = 'active' "
        "WHERE o.shop_id = :s AND o.processed_at >= :since AND o.processed_at < :until AND o.counted = 1 "
        "ORDER BY o.processed_at DESC, o.order_id DESC LIMIT :n",
        s=shop_id,
        since=to_ms(since),
        until=to_ms(until),
        n=limit,
    )
    return [(Sampled(_decode(row[0]), row[1], row[2], moment(row[3])), row[4]) for row in rows]
