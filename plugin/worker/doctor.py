"""Doctor: looks over an installation and says, line by line, what is well and what to do about what is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from plugin.channels.probe import probe
from plugin.config import Config
from plugin.store import meta, queues, shops
from plugin.store.db import Database
from plugin.store.migrate import current, head


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    level: Literal["ok", "warning", "problem"]
    what: str


def examine(config: Config, db: Database, now: datetime) -> Iterator[Finding]:
    """Checks the database, its version, the worker, the queues, every shop's token and the public address."""
    revision = current(config.database_url)
    if revision == head():
        yield Finding("ok", f"database: {db.engine}, version {revision}")
    else:
        yield Finding(
            "problem", f"database: version {revision or 'none'}, needs {head()}; run `regulars migrate`"
        )
        return
    with db.read() as tx:
        holder = meta.lease_holder(tx, "worker")
        installed = shops.every(tx, "installed")
        if db.engine == "sqlite":
            yield (
                Finding("ok", f"worker: {holder}")
                if holder
                else Finding("warning", "worker: none runs; start `regulars worker` or `regulars serve`")
            )
        offset = meta.clock_offset(tx)
        if offset and not config.development:
            yield Finding(
                "warning", f"clock: an offset of {offset} is stored and ignored without DEVSHOP_URL"
            )
        yield Finding("ok", f"shops: {len(installed)} installed")
        for shop in installed:
            yield from _shop(
                tx_counts=(queues.inbox_counts(tx, shop.shop_id), queues.outbox_counts(tx, shop.shop_id)),
                shop=shop,
                now=now,
            )
    yield from _address(config)


def _shop(
    *, tx_counts: tuple[dict[str, int], dict[str, int]], shop: shops.Shop, now: datetime
) -> Iterator[Finding]:
    inbox, outbox = tx_counts
    parked = inbox["parked"] + outbox["parked"]
    if parked:
        yield Finding(
            "warning",
            f"{shop.domain}: {inbox['parked']} webhooks and {outbox['parked']} effects are parked; "
            "see the app's home page for the reasons",
        )
    if shop.currency is None:
        yield Finding(
            "warning", f"{shop.domain}: is not set up yet; the worker does it when the platform answers"
        )
    elif shop.reconciled_at is None or now - shop.reconciled_at > timedelta(hours=2):
        yield Finding("warning", f"{shop.domain}: was not reconciled for two hours; is the worker running?")
    else:
        yield Finding("ok", f"{shop.domain}: reconciled at {shop.reconciled_at:%Y-%m-%d %H:%M} UTC")


def _address(config: Config) -> Iterator[Finding]:
    found = probe(f"{config.app_url}/healthz")
    if found.trouble is not None:
        yield Finding(
            "warning", f"address: {config.app_url} does not answer ({found.trouble}); is it served there?"
        )
    elif found.status == 200:
        yield Finding("ok", f"address: {config.app_url} answers in {found.took_ms} ms")
    else:
        yield Finding("problem", f"address: {config.app_url}/healthz answers {found.status} instead of 200")
