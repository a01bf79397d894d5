"""Moves flow: what follows when a shop's data came from another installation."""

from __future__ import annotations

from datetime import datetime

from plugin.flows.merchants import digest
from plugin.flows.spending import mirror_of
from plugin.store import events, exports, queues
from plugin.store.db import Tx
from plugin.store.events import Event
from plugin.store.shops import Shop


def arrived(tx: Tx, shop: Shop, now: datetime) -> None:
    """Shows the storefront the programme and everybody's points anew, and says so in the trail."""
    members = exports.holders(tx, shop.shop_id)
    queues.enqueue(tx, shop.shop_id, [digest(), *(mirror_of(member_id) for member_id in members)], now)
    events.record(
        tx, shop.shop_id, [Event(now, "command", "shop_moved_in", "shop", {"members": len(members)})]
    )
