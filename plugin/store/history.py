"""History: a member's entries as a person reads them, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from plugin.store.db import Tx, moment

# The name of an entry's order: kept with the entry, or looked up where only a lot led to the order.
_LOOKED_UP = "SELECT o.name FROM orders o WHERE o.shop_id = e.shop_id AND o.order_id = e.order_id"
ORDER_NAME = f"COALESCE(e.order_name, ({_LOOKED_UP}))"


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One entry as a person reads it."""

    entry_id: int
    kind: str
    points: int
    occurred_at: datetime
    why: dict[str, object]
    order_id: int | None
    order_name: str | None


def page(tx: Tx, shop_id: int, member_id: int, *, before: int | None, limit: int) -> list[HistoryLine]:
    """A page of a member's entries, newest first; `before` is the last entry id of the page above."""
    rows = tx.all(
        f"SELECT e.entry_id, e.kind, e.points, e.occurred_at, e.why, e.order_id, {ORDER_NAME} FROM entries e "
        "WHERE e.shop_id = :s AND e.member_id = :m AND e.entry_id < :before ORDER BY e.entry_id DESC LIMIT :n",
        s=shop_id,
        m=member_id,
        before=before if before is not None else 1 << 62,
        n=limit,
    )
    return [
        HistoryLine(row[0], row[1], row[2], moment(row[3]), msgspec.json.decode(row[4]), row[5], row[6])
        for row in rows
    ]
