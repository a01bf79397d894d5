"""Published versions of a programme as a list: which, when, by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Tx, moment


@dataclass(frozen=True, slots=True)
class Published:
    """One version and who made it: `system`, or `staff:` and the staff member's number.

    `published_at` is when it is in force from; `cancelled`: it was scheduled and taken back.
    """

    version: int
    published_at: datetime
    actor: str
    cancelled: bool


def newest(tx: Tx, shop_id: int, limit: int) -> list[Published]:
    """The newest versions first."""
    rows = tx.all(
        "SELECT version, published_at, actor, EXISTS (SELECT 1 FROM schedules c WHERE c.shop_id = p.shop_id "
        "AND c.version = p.version AND c.state = 2) FROM programmes p WHERE shop_id = :s "
        "ORDER BY version DESC LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [Published(row[0], moment(row[1]), row[2], bool(row[3])) for row in rows]
