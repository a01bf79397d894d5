"""The backfill at work: asks the platform for all past orders, waits, and takes the result a slice at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice

from plugin.flows import backfills as flow
from plugin.shopify import bulk
from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import AccessDenied, Refused, Unavailable
from plugin.store import backfills, shops
from plugin.store.backfills import Backfill
from plugin.store.shops import Shop
from plugin.worker.effects import Bench

ASK_EVERY = timedelta(seconds=30)
SLICE = 100
# The result may take long in coming; a piece of it, and a pause between two, may not.
STREAM_TIMEOUT_S = 60.0


class _Overtaken(Exception):
    """Another process reads the same result, and was faster."""


def backfill(bench: Bench, shop: Shop) -> Iterator[int]:
    """Carries a shop's backfill on; each step yields how many orders it took, and it ends when there is nothing to do.

    Where it stands is in the database: a crash repeats nothing, and another process may go on.
    Raises PlatformError when the platform is away; what it refuses for good ends the backfill with a reason.
    """
    with bench.db.read() as tx:
        one = backfills.under_way(tx, shop.shop_id)
        shop = shops.by_id(tx, shop.shop_id) or shop
    if one is None:
        return
    client = bench.clients.of(shop.shop_id, shop.domain, timeout_s=STREAM_TIMEOUT_S)
    try:
        if one.operation_gid is None:
            gid = bulk.run_orders(client, one.since, one.until)
            _write(bench, shop, one, gid, 0)
            one = replace(one, operation_gid=gid, asked_at=bench.now())
            yield 0
        if one.state == "asked":
            if one.asked_at is not None and bench.now() - one.asked_at < ASK_EVERY:
                return
            found = bulk.status(client, one.operation_gid or "")
            if found.state == "running":
                _write(bench, shop, one, one.operation_gid, found.orders)
                return
            if found.state == "failed":
                _end(bench, shop, one, found.error)
                return
            with bench.db.write(shop.shop_id) as tx:
                backfills.lies_at(tx, shop.shop_id, one, found.url or "", found.orders, bench.now())
            one = replace(one, state="reading", url=found.url, total=found.orders)
        yield from _read(bench, shop, one, client)
    except (AccessDenied, Refused) as error:
        _end(bench, shop, one, error.message)
    except _Overtaken:
        return
    except Unavailable as error:
        if one.state == "reading" and error.code.startswith("http_"):
            with bench.db.write(shop.shop_id) as tx:
                backfills.ask_again(tx, shop.shop_id, one)
        raise


def _write(bench: Bench, shop: Shop, one: Backfill, gid: str | None, total: int) -> None:
    with bench.db.write(shop.shop_id) as tx:
        backfills.asked(tx, shop.shop_id, one, gid, total, bench.now())


def _end(bench: Bench, shop: Shop, one: Backfill, reason: str | None) -> None:
    with bench.db.write(shop.shop_id) as tx:
        flow.end(tx, shop, backfills.under_way(tx, shop.shop_id) or one, reason, bench.now())


def _read(bench: Bench, shop: Shop, one: Backfill, client: AdminClient) -> Iterator[int]:
    """Takes the result from where it stands to its end. No orders at all: there is no result either."""
    at = one.at_byte
    orders = bulk.orders_at(client, one.url, at) if one.url else iter(())
    while read := list(islice(orders, SLICE)):
        with bench.db.write(shop.shop_id) as tx:
            if not flow.take(tx, shop, one, [each.order for each in read], at, read[-1].end, bench.now()):
                raise _Overtaken
        at = read[-1].end
        yield len(read)
    _end(bench, shop, one, None)
