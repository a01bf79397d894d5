"""Doctor: looks over an installation and says, line by line, what is well and what to do about what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from plugin.channels.probe import probe
from plugin.config import Config
from plugin.domain.tokens import SealedToken
from plugin.store import meta, queues, shops, tokens
from plugin.store.db import Database
from plugin.store.migrate import current, head


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    level: Literal["ok", "warning", "problem"]
    what: str


def examine(config: Config, db: Database, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """Checks the database, its version, the worker, every shop's queues and token, and the public address."""
    revision = current(config.database_url)
    if revision == head():
        yield Finding("ok", f"database: {db.engine}, version {revision}")
    else:
        yield Finding(
            "problem", f"database: version {revision or 'none'}, needs {head()}; run `regulars migrate`"
        )
        return
    now = clock()
    with db.read() as tx:
        holder = meta.worker(tx)
        installed = shops.every(tx, "installed")
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
            inbox = queues.inbox_counts(tx, shop.shop_id)
            outbox = queues.outbox_counts(tx, shop.shop_id)
            yield from _queues(shop, inbox["parked"], outbox["parked"])
            yield _token(shop, tokens.find(tx, shop.shop_id))
            yield _set_up(shop, now)
    yield from _address(config)


def _queues(shop: shops.Shop, webhooks: int, effects: int) -> Iterator[Finding]:
    if webhooks or effects:
        yield Finding(
            "warning",
            f"{shop.domain}: parked: webhooks {webhooks}, effects {effects}; the app's pages show the reasons",
        )


def _token(shop: shops.Shop, token: SealedToken | None) -> Finding:
    if token is None:
        return Finding("problem", f"{shop.domain}: has no token; the merchant has to open the app once")
    # Tokens live by real time, wherever a development clock stands.
    if token.refresh_expires_at is not None and token.refresh_expires_at <= datetime.now(UTC):
        return Finding("problem", f"{shop.domain}: its token ran out; the merchant has to open the app once")
    return Finding("ok", f"{shop.domain}: has a token")


def _set_up(shop: shops.Shop, now: datetime) -> Finding:
    if shop.currency is None:
        return Finding(
            "warning", f"{shop.domain}: is not set up yet; the worker does it when the platform answers"
        )
    if shop.reconciled_at is None or now - shop.reconciled_at > timedelta(hours=2):
        return Finding("warning", f"{shop.domain}: was not reconciled for two hours; is the worker running?")
    return Finding("ok", f"{shop.domain}: reconciled at {shop.reconciled_at:%Y-%m-%d %H:%M} UTC")


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
