"""Figures of one shop for the merchant's home page, and of the whole installation for the health check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Tx, from_ms, to_ms

_NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Members:
    """How many people are members or wait to join, and the points each group holds (available and pending)."""

    active: int
    outstanding: int
    waiting: int
    waiting_points: int


@dataclass(frozen=True, slots=True)
class Repeats:
    """Members' orders that count, and how many members placed them: each has one first, the others are repeats.

    `since`: the day of the oldest order held that counts; earlier ones are unknown.
    """

    orders: int
    buyers: int
    since: datetime | None = None

    @property
    def repeat(self) -> int:
        """Orders that are not their member's first."""
        return self.orders - self.buyers


@dataclass(frozen=True, slots=True)
class Queues:
    """How many webhooks and effects wait, and how many are parked."""

    inbox_waiting: int
    inbox_parked: int
    outbox_waiting: int
    outbox_parked: int


def members(tx: Tx, shop_id: int) -> Members:
    """Counts the members in one pass. `outstanding` is the liability: what active members may spend, now or later.

    Members whose balance is below zero owe points; they lower nobody else's claim.
    """
    found = {
        row[0]: (int(row[1]), int(row[2]))
        for row in tx.all(
            "SELECT status, COUNT(*), COALESCE(SUM(CASE WHEN posted > 0 THEN posted ELSE 0 END), 0) FROM members "
            "WHERE shop_id = :s GROUP BY status",
            s=shop_id,
        )
    }
    active, waiting = found.get("active", (0, 0)), found.get("unclaimed", (0, 0))
    return Members(active[0], active[1], waiting[0], waiting[1])


def joined(tx: Tx, shop_id: int, since: datetime, until: datetime | None = None) -> int:
    """How many of today's members joined at or after a moment, and before another."""
    row = tx.one(
        "SELECT COUNT(*) FROM members WHERE shop_id = :s AND status = 'active' AND joined_at >= :t "
        "AND joined_at < :u",
        s=shop_id,
        t=to_ms(since),
        u=to_ms(until) or _NEVER,
    )
    return int(row[0]) if row else 0


def repeats(tx: Tx, shop_id: int) -> Repeats:
    """Counts the orders of active members by an index that holds nothing else."""
    row = tx.one(
        "SELECT COALESCE(SUM(b.n), 0), COUNT(*) FROM (SELECT member_id, COUNT(*) AS n FROM orders "
        "WHERE shop_id = :s AND counted = 1 AND member_id IS NOT NULL GROUP BY member_id) AS b "
        "JOIN members m ON m.shop_id = :s AND m.member_id = b.member_id AND m.status = 'active'",
        s=shop_id,
    )
    oldest = tx.one("SELECT MIN(processed_at) FROM orders WHERE shop_id = :s AND counted = 1", s=shop_id)
    assert row is not None
    assert oldest is not None
    return Repeats(int(row[0]), int(row[1]), from_ms(oldest[0]))


def queues(tx: Tx, shop_id: int) -> Queues:
    """Counts by the partial indexes; finished rows, which are the most, are not touched."""
    row = tx.one(
        "SELECT (SELECT COUNT(*) FROM inbox WHERE shop_id = :s AND state = 0), "
        "(SELECT COUNT(*) FROM inbox WHERE shop_id = :s AND state = 2), "
        "(SELECT COUNT(*) FROM outbox WHERE shop_id = :s AND state = 0), "
        "(SELECT COUNT(*) FROM outbox WHERE shop_id = :s AND state = 2)",
        s=shop_id,
    )
    assert row is not None
    return Queues(*row)


def shop_waits_since(tx: Tx, shop_id: int) -> datetime | None:
    """Since when the oldest message from Shopify of one shop has been due; None when nothing waits."""
    row = tx.one("SELECT MIN(due_at) FROM inbox WHERE shop_id = :s AND state = 0", s=shop_id)
    return from_ms(row[0]) if row else None


def oldest_waiting(tx: Tx) -> datetime | None:
    """Since when the oldest webhook of any installed shop has been due; None when nothing waits."""
    row = tx.one(
        "SELECT MIN(due) FROM (SELECT (SELECT MIN(i.due_at) FROM inbox i WHERE i.shop_id = s.shop_id AND i.state = 0) "
        "AS due FROM shops s WHERE s.state <> 'waiting') AS waits"
    )
    return from_ms(row[0]) if row else None
