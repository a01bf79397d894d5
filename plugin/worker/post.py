"""The worker's post: the lease that makes one process the worker of a SQLite database, kept while it lives."""

from __future__ import annotations

import logging
import threading

from plugin.errors import RegularsError, StorageBusy, describe
from plugin.store import meta
from plugin.store.db import Database

log = logging.getLogger(__name__)
LEASE_S = 15.0


class WorkerAlreadyRuns(RegularsError):
    """Another process is the worker of this SQLite database."""

    code = "worker_already_runs"


class Post:
    """A lease from `take` to `leave`, renewed by a thread: a slow platform or a long backlog does not end it.

    On PostgreSQL every worker has one of its own, which only shows that it lives.
    """

    def __init__(self, db: Database, holder: str, *, renew_s: float = LEASE_S / 3) -> None:
        self._db, self._holder, self._renew_s = db, holder, renew_s
        self._name = meta.WORKER if db.engine == "sqlite" else f"{meta.WORKER}:{holder}"
        self._left, self._lost = threading.Event(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="worker-post", daemon=True)

    def take(self) -> None:
        """Takes the post. Raises WorkerAlreadyRuns when another process has it."""
        self._renew()
        self.check()
        self._keeper.start()

    def check(self) -> None:
        """Raises WorkerAlreadyRuns when the post went to another, because this process was held up for too long."""
        if not self._lost.is_set():
            return
        with self._db.read() as tx:
            holder = meta.worker(tx)
        raise WorkerAlreadyRuns(
            f"Another worker ({holder}) works on this database. On SQLite there is one; stop it first, or use "
            "PostgreSQL for more."
        )

    def leave(self) -> None:
        """Gives the post back, so that the next worker need not wait for the lease to run out."""
        self._left.set()
        if self._keeper.is_alive():
            self._keeper.join()
        with self._db.write() as tx:
            meta.drop_lease(tx, self._name, self._holder)
            meta.forget_dead_workers(tx)

    def _keep(self) -> None:
        while not self._left.wait(self._renew_s) and not self._lost.is_set():
            try:
                self._renew()
            except StorageBusy as error:
                log.warning("the worker's lease was not renewed (%s); trying again", describe(error))

    def _renew(self) -> None:
        with self._db.write() as tx:
            if not meta.take_lease(tx, self._name, self._holder, LEASE_S):
                self._lost.set()
