"""Reconciliation: reads orders changed since a watermark through the same flow, so a missed webhook heals."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

from plugin.errors import trace
from plugin.flows import orders as order_flow
from plugin.shopify import orders as platform_orders
from plugin.shopify.errors import PlatformError
from plugin.store import orders, queues, shops
from plugin.store.db import to_ms
from plugin.store.shops import Shop
from plugin.worker.effects import Bench

log = logging.getLogger(__name__)
RECONCILE_EVERY = timedelta(minutes=20)
# The platform's search index lags; reading the last minutes again costs little and loses nothing.
OVERLAP = timedelta(minutes=10)
PAGE = 25
LOOK_AT = 500


def reconcile(bench: Bench, shop: Shop) -> Iterator[int]:
    """Reads every order changed since the watermark and not seen in that state yet, a page with each step.

    A step yields how many orders it read. The watermark moves with each one, so a crash repeats a page and no more.
    """
    client = bench.clients.of(shop.shop_id, shop.domain)
    started = bench.now()
    since = shop.orders_watermark_at or shop.installed_at
    assert since is not None
    page: list[int] = []
    reached, looked = since, 0
    for order_id, updated_at in platform_orders.orders_changed(client, since - OVERLAP):
        if not _known(bench, shop, order_id, to_ms(updated_at)):
            page.append(order_id)
        reached, looked = max(reached, updated_at), looked + 1
        if len(page) >= PAGE or looked >= LOOK_AT:
            read = _read(bench, shop, page)
            page, looked = [], 0
            with bench.db.write(shop.shop_id) as tx:
                shops.reconciled(tx, shop.shop_id, reached, shop.reconciled_at or started)
            yield read
    read = _read(bench, shop, page)
    with bench.db.write(shop.shop_id) as tx:
        shops.reconciled(tx, shop.shop_id, max(reached, started), started)
    if read:
        yield read


def _known(bench: Bench, shop: Shop, order_id: int, updated_at: int | None) -> bool:
    with bench.db.read() as tx:
        stored = orders.by_id(tx, shop.shop_id, order_id)
    if stored is None or stored.order.head is None or stored.order.wants_read is not None:
        return False
    seen = to_ms(stored.order.head.updated_at) or 0
    return stored.confirmed == "yes" and seen >= (updated_at or 0)


def _read(bench: Bench, shop: Shop, order_ids: list[int]) -> int:
    client = bench.clients.of(shop.shop_id, shop.domain)
    facts, unreadable = [], []
    for order_id in order_ids:
        try:
            seen = platform_orders.order_seen(client, order_id)
        except (PlatformError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 (one order we cannot read must not stop all the others)
            log.warning("order %s of shop %s cannot be read: %s", order_id, shop.shop_id, trace(error))
            unreadable.append(order_id)
            continue
        if seen is not None:
            facts.append(seen)
    if facts or unreadable:
        with bench.db.write(shop.shop_id) as tx:
            # Read again as an effect, which is parked where the merchant sees it.
            queues.enqueue(tx, shop.shop_id, [order_flow.read_order(one) for one in unreadable], bench.now())
            order_flow.apply(tx, shop, facts, bench.now(), confirmed=[fact.order_id for fact in facts])
    return len(facts)
