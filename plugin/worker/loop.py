"""The worker's loop: drain, clock, effects and reconciliation, round after round, none keeping another waiting."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from plugin.errors import StorageBusy, describe, trace
from plugin.flows import clock
from plugin.shopify.errors import PlatformError
from plugin.shopify.tokens import TokenSource
from plugin.store import backfills, privacy, queues, shops
from plugin.worker import effects
from plugin.worker.backfill import backfill
from plugin.worker.effects import Bench
from plugin.worker.forgetting import forget_bodies
from plugin.worker.post import Post
from plugin.worker.reconcile import RECONCILE_EVERY, reconcile

log = logging.getLogger(__name__)
IDLE_S = 0.05
IDLE_MAX_S = 0.5
TICK_EVERY = timedelta(seconds=5)
TIDY_EVERY = timedelta(hours=6)


class Drain(Protocol):
    """Works off the inbox; `total` says how many webhooks were looked at."""

    def __call__(self, now: datetime) -> int: ...


@dataclass(slots=True)
class Worker:
    """One worker process. On PostgreSQL any number run; on SQLite one, who holds the post."""

    bench: Bench
    drain: Drain
    tokens: TokenSource | None = None
    refresh_idle: bool = True
    _stop: threading.Event = field(default_factory=threading.Event)
    _looked: dict[object, datetime] = field(default_factory=dict)
    _tidied: dict[object, datetime] = field(default_factory=dict)
    _reading: dict[int, Iterator[int]] = field(default_factory=dict)
    _filling: dict[int, Iterator[int]] = field(default_factory=dict)
    _failed: dict[int, tuple[int, datetime]] = field(default_factory=dict)
    _real: Callable[[], datetime] = field(default=lambda: datetime.now().astimezone())

    def run(self, stop: threading.Event) -> None:
        """Works until told to stop. A database that is away for a while is waited for.

        Raises WorkerAlreadyRuns when another process is, or became, the worker of this SQLite database.
        """
        post = Post(self.bench.db, self.bench.holder)
        post.take()
        self._stop, idle = stop, IDLE_S
        try:
            while not stop.is_set():
                try:
                    post.check()
                    worked = self.round()
                except StorageBusy as error:
                    log.warning("the database did not answer (%s); trying again", describe(error))
                    worked, idle = False, IDLE_MAX_S
                idle = IDLE_S if worked else min(IDLE_MAX_S, idle * 1.5)
                if not worked:
                    stop.wait(idle)
        finally:
            post.leave()

    def round(self) -> bool:
        """One round of everything; True when there was something to do.

        Each piece of work at the platform may take long when that is slow or away, so webhooks and the clock,
        which need only the database, have their turn after every one.
        """
        worked = self._at_home()
        for shop_id in self._waiting():
            worked = self._apart(shop_id, effects.perform_due, self.bench, shop_id) or worked
            worked = self._at_home() or worked
        for shop in self._to_reconcile(self.bench.now()):
            worked = self._apart(shop.shop_id, self._reconcile, shop) or worked
            worked = self._at_home() or worked
        for shop in self._to_backfill(self.bench.now()):
            worked = self._apart(shop.shop_id, self._backfill, shop) or worked
            worked = self._at_home() or worked
        if _due(self._tidied, "installation", self.bench.now(), TIDY_EVERY):
            self._look_after_installation()
        return worked

    def settle(self, rounds: int = 200) -> int:
        """Rounds until nothing is left to do now; returns how many. For commands and tests that want a quiet shop."""
        for n in range(rounds):
            self._looked.clear()
            # The clock comes last in a round, and what it asks for is work too.
            if not self.round() and not self._waiting():
                return n
        raise RuntimeError(f"the worker is still busy after {rounds} rounds")

    def _at_home(self) -> bool:
        worked = self.drain(self.bench.now()) > 0
        for shop_id in self._searching():
            worked = self._apart(shop_id, forget_bodies, self.bench.db, shop_id, self.bench.now()) or worked
        return self._tick_all(self.bench.now()) or worked

    def _apart(self, shop_id: int, act: Callable[..., int], *what: object) -> bool:
        """One shop in trouble must not stop the others."""
        if self._stop.is_set():
            return False
        try:
            return act(*what) > 0
        except StorageBusy:
            raise
        except Exception as error:  # noqa: BLE001 (a fault nobody foresaw; it is tried again)
            log.error("work for shop %s failed: %s", shop_id, trace(error))
            return False

    def _searching(self) -> list[int]:
        with self.bench.db.read() as tx:
            return privacy.shops_searching(tx)

    def _waiting(self) -> list[int]:
        with self.bench.db.read() as tx:
            return queues.outbox_shops(tx, self.bench.now())

    def _installed(self) -> list[shops.Shop]:
        with self.bench.db.read() as tx:
            return shops.every(tx, "installed")

    def _tick_all(self, now: datetime) -> bool:
        if not _due(self._looked, "clocks", now, TICK_EVERY):
            return False
        more = False
        for shop in self._installed():
            if _due(self._looked, shop.shop_id, now, TICK_EVERY):
                more = self._apart(shop.shop_id, self._tick, shop, now) or more
        if more:
            del self._looked["clocks"]
        return more

    def _tick(self, shop: shops.Shop, now: datetime) -> bool:
        with self.bench.db.try_write(shop.shop_id) as write:
            if write is None:
                return False
            more = clock.tick(write, shop, now)
            if _due(self._tidied, shop.shop_id, now, TIDY_EVERY) and clock.tidy(write, shop, now):
                del self._tidied[shop.shop_id]
                more = True
        if more:
            del self._looked[shop.shop_id]
        return more

    def _to_reconcile(self, now: datetime) -> list[shops.Shop]:
        if not self._reading and not _due(self._looked, "reconcile", now, TICK_EVERY):
            return []
        installed = self._installed()
        for gone in self._reading.keys() - {shop.shop_id for shop in installed}:
            del self._reading[gone]
        return [
            shop
            for shop in installed
            if shop.shop_id in self._reading
            or (shop.currency and now >= self._failed.get(shop.shop_id, (0, now))[1] and _stale(shop, now))
        ]

    def _reconcile(self, shop: shops.Shop) -> bool:
        """One page of a shop's changed orders; after a failure it waits longer each time."""
        pages = self._reading.pop(shop.shop_id, None) or reconcile(self.bench, shop)
        failures = self._failed.get(shop.shop_id, (0, None))[0] + 1
        wait = min(queues.backoff(failures), RECONCILE_EVERY)
        self._failed[shop.shop_id] = failures, self.bench.now() + wait
        try:
            read = next(pages, None)
        except PlatformError as error:
            log.warning(
                "reconciling shop %s waits %.0f s: %s", shop.shop_id, wait.total_seconds(), error.code
            )
            return False
        del self._failed[shop.shop_id]
        if read is not None:  # a page was read, and there may be another
            self._reading[shop.shop_id] = pages
        return read is not None

    def _to_backfill(self, now: datetime) -> list[shops.Shop]:
        if not self._filling and not _due(self._looked, "backfills", now, TICK_EVERY):
            return []
        with self.bench.db.read() as tx:
            filling = backfills.shops_filling(tx)
        for gone in self._filling.keys() - filling:
            del self._filling[gone]
        return [shop for shop in self._installed() if shop.shop_id in filling] if filling else []

    def _backfill(self, shop: shops.Shop) -> bool:
        """One slice of a shop's past orders. When the platform is away, it is asked again in a while."""
        slices = self._filling.pop(shop.shop_id, None) or backfill(self.bench, shop)
        try:
            taken = next(slices, None)
        except PlatformError as error:
            log.warning("the backfill of shop %s waits: %s", shop.shop_id, error.code)
            return False
        if taken is not None:
            self._filling[shop.shop_id] = slices
        return taken is not None

    def _tidy(self, shop: shops.Shop, now: datetime) -> bool:
        with self.bench.db.try_write(shop.shop_id) as write:
            return write is not None and clock.tidy(write, shop, now)

    def _look_after_installation(self) -> None:
        with self.bench.db.write() as tx:
            now = self.bench.now()
            purged = clock.purge_strangers(tx, now)
            left = [shop for state in ("uninstalled", "redacted") for shop in shops.every(tx, state)]
        for shop in left:
            while self._tidy(shop, now):
                continue
        if purged:
            log.info("purged %s webhooks of shops that never installed", purged)
        if self.tokens is None or not self.refresh_idle:
            return
        for shop_id, domain in self.tokens.due_for_refresh(self._real()):
            try:
                self.tokens.keep_alive(shop_id, domain)
            except PlatformError as error:
                log.warning("the token of shop %s was not renewed: %s", shop_id, error.code)
            self._at_home()


def _due(last: dict[object, datetime], what: object, now: datetime, every: timedelta) -> bool:
    before = last.get(what)
    if before is not None and timedelta(0) <= now - before < every:
        return False
    last[what] = now
    return True


def _stale(shop: shops.Shop, now: datetime) -> bool:
    return shop.reconciled_at is None or now - shop.reconciled_at >= RECONCILE_EVERY
