"""The worker's loop: drain, effects, clock and reconciliation, round after round, under one lease on SQLite."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from plugin.errors import RegularsError
from plugin.flows import clock
from plugin.shopify.errors import PlatformError
from plugin.shopify.tokens import TokenSource
from plugin.store import meta, queues, shops
from plugin.store.connections import DATABASE_AWAY
from plugin.worker import effects
from plugin.worker.effects import Bench
from plugin.worker.reconcile import RECONCILE_EVERY, reconcile

log = logging.getLogger(__name__)
LEASE = "worker"
LEASE_S = 15.0
IDLE_S = 0.05
IDLE_MAX_S = 0.5
TICK_EVERY = timedelta(seconds=5)
TIDY_EVERY = timedelta(hours=6)


class WorkerAlreadyRuns(RegularsError):
    """Another process is the worker of this SQLite database."""

    code = "worker_already_runs"


class Drain(Protocol):
    """Works off the inbox; `total` says how many webhooks were looked at."""

    def __call__(self, now: datetime) -> int: ...


@dataclass(slots=True)
class Worker:
    """One worker process. On PostgreSQL any number run; on SQLite one, held by a lease."""

    bench: Bench
    drain: Drain
    tokens: TokenSource | None = None
    refresh_idle: bool = True
    _ticked: dict[int, datetime] = field(default_factory=dict)
    _tidied: dict[int, datetime] = field(default_factory=dict)
    _real: Callable[[], datetime] = field(default=lambda: datetime.now().astimezone())

    def take_post(self) -> None:
        """Takes the worker's lease on SQLite. Raises WorkerAlreadyRuns when another process has it."""
        if self.bench.db.engine != "sqlite":
            return
        with self.bench.db.write() as tx:
            if not meta.take_lease(tx, LEASE, self.bench.holder, LEASE_S):
                raise WorkerAlreadyRuns(
                    f"Another worker ({meta.lease_holder(tx, LEASE)}) works on this database. On SQLite there is one; "
                    "stop it first, or use PostgreSQL for more."
                )

    def leave_post(self) -> None:
        """Gives the lease back, so that the next worker need not wait for it to run out."""
        if self.bench.db.engine == "sqlite":
            with self.bench.db.write() as tx:
                meta.drop_lease(tx, LEASE, self.bench.holder)

    def run(self, stop: threading.Event) -> None:
        """Works until told to stop. A database that is away for a while is waited for."""
        self.take_post()
        renewed = self._real()
        idle = IDLE_S
        try:
            while not stop.is_set():
                try:
                    if (self._real() - renewed).total_seconds() > LEASE_S / 3:
                        self.take_post()
                        renewed = self._real()
                    worked = self.round()
                except DATABASE_AWAY as error:
                    log.warning("the database did not answer (%s); trying again", type(error).__name__)
                    worked, idle = False, IDLE_MAX_S
                idle = IDLE_S if worked else min(IDLE_MAX_S, idle * 1.5)
                if not worked:
                    stop.wait(idle)
        finally:
            self.leave_post()

    def round(self) -> bool:
        """One round of everything; True when there was something to do."""
        worked = self.drain(self.bench.now()) > 0
        worked = self._perform() or worked
        return self._by_time() or worked

    def settle(self, rounds: int = 200) -> int:
        """Rounds until nothing is left to do now; returns how many. For commands and tests that want a quiet shop."""
        for n in range(rounds):
            self._ticked.clear()
            # The clock comes last in a round, and what it asks for is work too.
            if not self.round() and not self._waiting():
                return n
        raise RuntimeError(f"the worker is still busy after {rounds} rounds")

    def _perform(self) -> bool:
        performed = [effects.perform_due(self.bench, shop_id) for shop_id in self._waiting()]
        return any(performed)

    def _waiting(self) -> list[int]:
        with self.bench.db.read() as tx:
            return queues.outbox_shops(tx, self.bench.now())

    def _by_time(self) -> bool:
        now, worked = self.bench.now(), False
        with self.bench.db.read() as tx:
            installed = shops.every(tx, "installed")
        for shop in installed:
            ticked = self._ticked.get(shop.shop_id)
            if ticked is not None and timedelta(0) <= now - ticked < TICK_EVERY:
                continue
            try:
                worked = self._tick(shop, now) or worked
            except DATABASE_AWAY:
                raise
            except Exception:
                # One shop in trouble must not stop the others. It is tried again in a few seconds.
                log.exception("the clock of shop %s failed", shop.shop_id)
                self._ticked[shop.shop_id] = now
        if self._due(self._tidied, 0, now, TIDY_EVERY):
            self._look_after_installation(now)
        return worked

    def _tick(self, shop: shops.Shop, now: datetime) -> bool:
        with self.bench.db.try_write(shop.shop_id) as write:
            if write is None:
                return False
            more = clock.tick(write, shop, now)
            if self._due(self._tidied, shop.shop_id, now, TIDY_EVERY):
                clock.tidy(write, shop, now)
        if not more:
            self._ticked[shop.shop_id] = now
        if shop.currency and (shop.reconciled_at is None or now - shop.reconciled_at >= RECONCILE_EVERY):
            return self._reconcile(shop) or more
        return more

    def _reconcile(self, shop: shops.Shop) -> bool:
        try:
            return reconcile(self.bench, shop) > 0
        except PlatformError as error:
            log.warning("reconciling shop %s waits: %s", shop.shop_id, error.code)
            return False

    def _look_after_installation(self, now: datetime) -> None:
        with self.bench.db.write() as tx:
            purged = clock.purge_strangers(tx, now)
        if purged:
            log.info("purged %s webhooks of shops that never installed", purged)
        if self.tokens is None or not self.refresh_idle:
            return
        for shop_id, domain in self.tokens.due_for_refresh(self._real()):
            try:
                self.tokens.keep_alive(shop_id, domain)
            except PlatformError as error:
                log.warning("the token of shop %s was not renewed: %s", shop_id, error.code)

    @staticmethod
    def _due(last: dict[int, datetime], key: int, now: datetime, every: timedelta) -> bool:
        before = last.get(key)
        if before is not None and timedelta(0) <= now - before < every:
            return False
        last[key] = now
        return True
