"""Forgetting: searches webhook bodies for what is to be forgotten, in slices that read without the write lock."""

from __future__ import annotations

from datetime import datetime

from plugin.store import privacy
from plugin.store.db import Database

SLICE = 100


def forget_bodies(db: Database, shop_id: int, now: datetime) -> bool:
    """One slice of a shop's search; False when it has none. Stopped anywhere, it goes on where it was."""
    with db.read() as tx:
        wanted = privacy.search(tx, shop_id)
        found, last = privacy.bodies_with(tx, shop_id, wanted, SLICE) if wanted else ([], None)
    if wanted is None:
        return False
    with db.try_write(shop_id) as write:
        if write is not None:  # else another worker holds the shop: once more in the next round
            privacy.searched(write, shop_id, wanted, found, last, now)
    return True
