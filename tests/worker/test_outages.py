"""Outages: PostgreSQL restarted under load, full disks. What was acknowledged is there, nothing is half there."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sqlite3
import threading
import time
from typing import Any

import psycopg
import pytest

from plugin.errors import StorageBusy
from plugin.store.db import Database, to_ms
from plugin.store.intake import Delivery, IntakeWriter
from tests.books import Books, everything
from tests.facts import DAY, T0, seen
from tests.postgres import PgServer
from tests.webhooks.post import order, post, raw
from webhooks.drain import drain, drain_shop


@pytest.mark.parametrize("immediate", [False, True])
def test_postgresql_restarted_under_load_loses_nothing_acknowledged(
    postgres_url: str, pg_server: PgServer, immediate: bool
) -> None:
    books = Books(Database.open(postgres_url))
    writer, acknowledged, refused = IntakeWriter(postgres_url), set[str](), [0]
    stop = threading.Event()

    def send(sender: int) -> None:
        number = sender
        while not stop.is_set():
            number += 4
            moment = to_ms(T0) or 0
            delivery = Delivery(
                books.shop.domain,
                f"hook-{number}",
                "orders/paid",
                None,
                None,
                None,
                moment,
                raw(order(number)),
            )
            try:
                writer.put(delivery)
            except StorageBusy:
                refused[0] += 1
                time.sleep(0.02)
            else:
                acknowledged.add(delivery.webhook_id)

    def work() -> None:
        mine = Database.open(postgres_url)
        while not stop.is_set():
            try:
                drain(mine, T0 + DAY, batch=20)
            except StorageBusy:
                time.sleep(0.05)
        mine.close()

    threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    threads += [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for round_ in range(1, 3):
        _until(lambda enough=round_ * 60: len(acknowledged) >= enough)
        pg_server.restart(immediate=immediate)
    before = len(acknowledged)
    _until(lambda: len(acknowledged) >= before + 30)  # both found their way back
    stop.set()
    for thread in threads:
        thread.join()
    writer.close()
    while drain(books.db, T0 + DAY).total:
        continue
    stored = {row[0] for row in books.rows("SELECT webhook_id FROM inbox WHERE shop_id = :s AND state = 1")}
    assert acknowledged <= stored
    assert books.rows("SELECT COUNT(*), COUNT(DISTINCT order_id) FROM entries WHERE shop_id = :s") == [
        (len(stored), len(stored))
    ]
    assert books.rows("SELECT COUNT(*) FROM inbox WHERE shop_id = :s AND state <> 1") == [(0,)]
    assert books.audit() == []
    books.db.close()


def _until(true: Any) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it never came so far"
        time.sleep(0.01)


def test_a_full_disk_stops_the_drain_and_leaves_nothing_half_written(sqlite_url: str) -> None:
    books = Books(Database.open(sqlite_url))
    for number in range(1, 401):
        post(books, "orders/paid", order(number, number % 9 + 1))
    books.db.close()
    process = multiprocessing.get_context("spawn").Process(target=_drain_on_a_small_disk, args=(sqlite_url,))
    process.start()
    process.join(120)
    assert process.exitcode == 7  # it met the full disk, said so, and nothing worse
    reopened = Database.open(sqlite_url)
    books.db = reopened
    assert sqlite3.connect(reopened.path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert books.audit() == []
    [(done, waiting)] = books.rows(
        "SELECT COALESCE(SUM(CASE WHEN state = 1 THEN 1 ELSE 0 END), 0), "
        "COALESCE(SUM(CASE WHEN state = 0 THEN 1 ELSE 0 END), 0) FROM inbox WHERE shop_id = :s"
    )
    assert waiting > 0
    assert done + waiting == 400
    assert books.rows("SELECT COUNT(*) FROM entries WHERE shop_id = :s") == [(done,)]
    while drain(reopened, T0 + DAY).total:  # space was made
        continue
    assert books.rows("SELECT COUNT(*), SUM(points) FROM entries WHERE shop_id = :s") == [(400, 40_000)]
    assert books.audit() == []
    reopened.close()


def _drain_on_a_small_disk(url: str) -> None:
    """Ends with 7 when a batch could not be written and the failure was one that a worker waits for."""
    db = Database.open(url)
    limit = os.path.getsize(db.path) + 400_000
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        for _ in range(400):
            drain(db, T0 + DAY, batch=10, limit=10)
    except StorageBusy:
        os._exit(7)
    os._exit(0)


@pytest.mark.parametrize(
    "error", [psycopg.errors.DiskFull, psycopg.errors.OutOfMemory, psycopg.errors.AdminShutdown]
)
def test_a_commit_that_fails_on_postgresql_leaves_nothing(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    books = Books(Database.open(postgres_url))
    books.tell(seen(900))
    for number in range(1, 6):
        post(books, "orders/paid", order(number))
    before = everything(books.db, books.shop_id)

    def commit(_connection: Any) -> None:
        raise error("could not extend file: No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(psycopg.Connection, "commit", commit)
        with pytest.raises(StorageBusy):
            drain_shop(books.db, books.shop_id, T0 + DAY)
    assert everything(books.db, books.shop_id) == before
    drained = drain_shop(books.db, books.shop_id, T0 + DAY)
    assert drained is not None
    assert drained.done == 5
    assert books.audit() == []
    books.db.close()
