"""Campaigns in the books: the orders of one, and the points that it gave and that still stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Tx, moment, to_ms

_NEWEST = 1 << 62


@dataclass(frozen=True, slots=True)
class CampaignOrder:
    """One order with the points that a campaign gave it, beside all its points."""

    order_id: int
    name: str | None
    member_id: int
    first_name: str | None
    last_name: str | None
    processed_at: datetime
    points: int
    given: int


def _given(tx: Tx) -> str:
    """The points of the rule `:rule` that stand for an order; nothing when it has none."""
    if tx.engine == "postgresql":
        return "COALESCE(CAST(CAST(o.standing AS jsonb) -> CAST(:rule AS text) ->> 0 AS bigint), 0)"
    return "COALESCE(json_extract(o.standing, '$.' || :rule || '[0]'), 0)"


# Orders by date are read from the index of those that count.
_PLACED = "o.shop_id = :s AND o.counted = 1 AND o.processed_at >= :since AND o.processed_at < :until"


def given(tx: Tx, shop_id: int, rule: str, since: datetime, until: datetime) -> tuple[int, int]:
    """(orders, points): what stands of a rule for the orders placed in that time."""
    row = tx.one(
        f"SELECT COUNT(*), COALESCE(SUM(f.given), 0) FROM (SELECT {_given(tx)} AS given FROM orders o "
        f"WHERE {_PLACED}) f WHERE f.given > 0",
        s=shop_id,
        rule=rule,
        since=to_ms(since),
        until=to_ms(until),
    )
    return (int(row[0]), int(row[1])) if row else (0, 0)


def orders(
    tx: Tx,
    shop_id: int,
    rule: str,
    since: datetime,
    until: datetime,
    before: tuple[int, int] | None,
    limit: int,
) -> list[CampaignOrder]:
    """The orders that `given` counts, newest first; `before` is (processed_at in ms, order id)."""
    at, order_id = before or (_NEWEST, _NEWEST)
    rows = tx.all(
        "SELECT o.order_id, o.name, o.member_id, m.first_name, m.last_name, o.processed_at, o.points, "
        f"{_given(tx)} FROM orders o JOIN members m ON m.shop_id = o.shop_id AND m.member_id = o.member_id "
        f"WHERE {_PLACED} AND {_given(tx)} > 0 AND (o.processed_at, o.order_id) < (:at, :o) "
        "ORDER BY o.processed_at DESC, o.order_id DESC LIMIT :n",
        s=shop_id,
        rule=rule,
        since=to_ms(since),
        until=to_ms(until),
        at=at,
        o=order_id,
        n=limit,
    )
    return [CampaignOrder(r[0], r[1], r[2], r[3], r[4], moment(r[5]), r[6], int(r[7])) for r in rows]
