"""Published versions of a programme as a list: which, when, by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Tx, moment


@dataclass(frozen=True, slots=True)
class Published:
    """One version and who made it: `system`, or `staff:` and the staff member's number."""

    version: int
    published_at: datetime
    actor: str


def newest(tx: Tx, shop_id: int, limit: int) -> list[Published]:
    """The newest versions first."""
    rows = tx.all(
        "SELECT version, published_at, actor FROM programmes WHERE shop_id = :s ORDER BY version DESC LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [Published(row[0], moment(row[1]), row[2]) for row in rows]
