"""Stores webhooks by group commit: requests that wait together share one durable transaction."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import psycopg

from plugin.errors import RegularsError, StorageBusy, describe
from plugin.store.connections import begin_immediate, commit_sqlite, connect
from plugin.store.db import Tx
from plugin.store.intake_postgresql import FastInsert
from plugin.store.waiting import Waiting, WaitingLimits

Outcome = Literal["stored", "duplicate"]
BATCH_ROWS = 200
BATCH_BYTES = 16_000_000
# Shopify hangs up after five seconds, so an answer later than this helps nobody.
ANSWER_WITHIN_S = 4.5
_log = logging.getLogger("regulars.intake")
# The outcome of a request that left before there was one.
_GONE = StorageBusy("The database did not answer in time. Send the webhook again.")

_COLUMNS = "shop_id, webhook_id, topic, event_id, api_version, triggered_at, received_at, body, due_at"
# The shop is looked up by the statement itself: a cache here could outlive a redacted shop and lose webhooks.
_ROW_SQLITE = (
    "((SELECT shop_id FROM shops WHERE domain = ? AND state IN ('installed', 'uninstalled')),"
    " ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SLOW = (
    f"INSERT INTO inbox ({_COLUMNS}) VALUES (:shop_id, :webhook_id, :topic, :event_id, :api_version,"
    " :triggered_at, :received_at, :body, :received_at) ON CONFLICT DO NOTHING"
)


class Delivery(NamedTuple):
    """One verified webhook. Times are epoch milliseconds; `shop_domain` is lower case."""

    shop_domain: str
    webhook_id: str
    topic: str
    event_id: str | None
    api_version: str | None
    triggered_at: int | None
    received_at: int
    body: bytes


class _Waiter:
    """A request that sleeps until its row is on disk, and then wakes the `next` one of its batch.

    One wakes the other, because sixteen threads woken at once would only queue for Python's lock.
    """

    __slots__ = ("delivery", "next", "outcome", "woken")

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.outcome: Outcome | RegularsError | None = None
        self.next: _Waiter | None = None
        self.woken = threading.Lock()
        self.woken.acquire()


class IntakeWriter:
    """The one thread of a process that writes webhooks, and its connection.

    `put` may be called from any thread. The writer starts with the first `put`: a web server may fork before.
    """

    def __init__(self, url: str, *, max_waiting: int = 256, limits: WaitingLimits | None = None) -> None:
        self.url = url
        self.engine: Literal["sqlite", "postgresql"] = "sqlite" if url.startswith("sqlite") else "postgresql"
        self._max_waiting = max_waiting
        self._waiting = Waiting(limits or WaitingLimits())
        self._queue: queue.SimpleQueue[_Waiter | None] = queue.SimpleQueue()
        self._connection: Any = None
        self._fast_insert: FastInsert | None = None
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._answering = threading.Lock()
        self._closed = False
        self._ended = False

    def put(self, delivery: Delivery) -> Outcome:
        """Returns once the row is durable. Raises StorageBusy when it is not known to be: answer 503.

        A webhook id that the shop sent before is "duplicate" and changes nothing.
        """
        if self._closed:
            raise StorageBusy("This server is shutting down. Send the webhook again.")
        if self._thread is None:
            self._start()
        if self._queue.qsize() >= self._max_waiting:
            raise StorageBusy("Too many webhooks are waiting to be stored. Send it again in a moment.")
        waiter = _Waiter(delivery)
        self._queue.put(waiter)
        if self._ended:
            self._refuse_the_rest()
        if not waiter.woken.acquire(timeout=ANSWER_WITHIN_S) and self._gave_up(waiter):
            raise StorageBusy("The database did not answer in time. Send the webhook again.")
        if waiter.next is not None:
            waiter.next.woken.release()
        outcome = waiter.outcome
        if isinstance(outcome, RegularsError):
            # A fresh error: one object raised in several threads would mix their tracebacks.
            raise type(outcome)(outcome.message, code=outcome.code, status=outcome.status)
        assert outcome is not None
        return outcome

    def _gave_up(self, waiter: _Waiter) -> bool:
        """Whether a request that waited too long may leave: not once it has its outcome, for others wait behind it."""
        with self._answering:
            if waiter.outcome is None:
                waiter.outcome = _GONE
                return True
        waiter.woken.acquire()
        return False

    def _answer(self, batch: Sequence[_Waiter], outcomes: Sequence[Outcome | RegularsError]) -> None:
        """Gives every request that still waits its outcome, and wakes the first."""
        with self._answering:
            waiting = []
            for waiter, outcome in zip(batch, outcomes, strict=True):
                if waiter.outcome is None:
                    waiter.outcome = outcome
                    waiting.append(waiter)
            for waiter, following in pairwise(waiting):
                waiter.next = following
        if waiting:
            waiting[0].woken.release()

    def close(self, timeout_s: float = 10.0) -> None:
        """Stores what waits, refuses what comes, ends the thread. Idempotent."""
        with self._guard:
            self._closed = True
            thread = self._thread
        if thread is not None and not self._ended:
            self._queue.put(None)
            thread.join(timeout_s)

    def _start(self) -> None:
        with self._guard:
            if self._thread is None and not self._closed:
                thread = threading.Thread(target=self._run, name="intake-writer", daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        ending = False
        while not ending:
            batch, ending = self._next_batch()
            if not batch:
                continue
            try:
                outcomes = self._store(batch)
            except Exception as error:  # noqa: BLE001 (the thread must live, and every waiter be answered)
                _log.error("webhooks not stored: %s", describe(error))
                self._disconnect()
                busy = StorageBusy("The webhook could not be stored. Send it again.")
                outcomes = [busy] * len(batch)
            self._answer(batch, outcomes)
        self._ended = True
        self._refuse_the_rest()
        self._disconnect()

    def _next_batch(self) -> tuple[list[_Waiter], bool]:
        """Waits for one row and takes every row that waits beside it, within limits."""
        first = self._queue.get()
        if first is None:
            return [], True
        batch, size = [first], len(first.delivery.body)
        while len(batch) < BATCH_ROWS and size < BATCH_BYTES:
            try:
                waiter = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiter is None:
                return batch, True
            batch.append(waiter)
            size += len(waiter.delivery.body)
        return batch, False

    def _refuse_the_rest(self) -> None:
        while True:
            try:
                waiter = self._queue.get_nowait()
            except queue.Empty:
                return
            if waiter is not None:
                self._answer([waiter], [StorageBusy("This server is shutting down. Send the webhook again.")])

    def _store(self, batch: Sequence[_Waiter]) -> list[Outcome | RegularsError]:
        rows = [waiter.delivery for waiter in batch]
        if self.engine == "sqlite":
            return self._store_sqlite(rows)
        try:
            return self._store_postgresql(rows)
        except psycopg.OperationalError as error:
            # The server restarted, or an idle connection was cut. Whatever of this batch was committed
            # already comes back as a duplicate, so once more is safe.
            _log.warning("connecting to PostgreSQL again: %s", describe(error))
            self._disconnect()
            return self._store_postgresql(rows)

    def _store_sqlite(self, rows: Sequence[Delivery]) -> list[Outcome | RegularsError]:
        connection = self._connected()
        outcomes: list[Outcome | RegularsError] = ["stored"] * len(rows)
        begin_immediate(connection)
        try:
            if _insert_sqlite(connection, rows) != len(rows):
                # Which of them were not taken, one statement cannot say: back, and one after the other.
                connection.execute("ROLLBACK")
                begin_immediate(connection)
                self._store_slowly(Tx(connection, "sqlite"), rows, range(len(rows)), outcomes)
            commit_sqlite(connection)
        except BaseException:
            self._waiting.forget()
            if connection.in_transaction:
                connection.rollback()
            raise
        return outcomes

    def _store_postgresql(self, rows: Sequence[Delivery]) -> list[Outcome | RegularsError]:
        connection = self._connected()
        assert self._fast_insert is not None
        stored = self._fast_insert(rows)
        outcomes: list[Outcome | RegularsError] = ["stored"] * len(rows)
        left: list[int] = []
        for number, row in enumerate(rows):
            key = (row.shop_domain, row.webhook_id)
            if key in stored:
                stored.discard(key)  # the same id twice in one batch: the second is the duplicate
            else:
                left.append(number)
        if left:
            try:
                with connection.transaction():
                    self._store_slowly(Tx(connection, "postgresql"), rows, left, outcomes)
            except BaseException:
                self._waiting.forget()
                raise
        return outcomes

    def _store_slowly(
        self,
        tx: Tx,
        rows: Sequence[Delivery],
        left: Sequence[int],
        outcomes: list[Outcome | RegularsError],
    ) -> None:
        """One row after the other, for duplicates and for shops that have not installed (yet).

        A row the fast statement did not take is offered to the table again, because its shop may have become
        installed in between.
        """
        for number in left:
            row = rows[number]
            shop = self._waiting.admit(tx, row.shop_domain, len(row.body), row.received_at)
            if isinstance(shop, RegularsError):
                outcomes[number] = shop
            elif tx.run(_SLOW, shop_id=shop.shop_id, **row._asdict()) != 1:
                outcomes[number] = "duplicate"
            elif shop.limited:
                self._waiting.count(shop.shop_id, len(row.body))

    def _connected(self) -> Any:
        if self._connection is None:
            self._connection = connect(self.url)
            if self.engine == "postgresql":
                self._connection.autocommit = True
                # What is acknowledged must be on disk, whatever the server's default is.
                self._connection.execute("SET synchronous_commit = on")
                self._connection.execute("SET lock_timeout = '3s'")
                self._fast_insert = FastInsert(self._connection)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except (sqlite3.Error, psycopg.Error):
                pass


def _insert_sqlite(connection: sqlite3.Connection, rows: Sequence[Delivery]) -> int:
    """Inserts the rows it can with one statement, and says how many that were.

    One statement, because Python gives its lock away at every step of one, and sixteen waiting threads then
    pass it around. IGNORE skips duplicates, and shops that are not there: their number is NULL.
    """
    parameters: list[object] = []
    for row in rows:
        parameters += row
        parameters.append(row.received_at)
    values = ", ".join([_ROW_SQLITE] * len(rows))
    text = f"INSERT OR IGNORE INTO inbox ({_COLUMNS}) VALUES {values}"
    return connection.execute(text, parameters).rowcount
