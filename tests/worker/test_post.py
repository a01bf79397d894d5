"""The worker's post: one worker on SQLite and any number on PostgreSQL, kept while it works, lost and noticed."""

from __future__ import annotations

import threading

import pytest

from plugin.store import meta
from plugin.store.db import Database
from plugin.worker.post import Post, WorkerAlreadyRuns


def run_out(db: Database) -> None:
    """So much real time goes by that every lease ends."""
    with db.write() as tx:
        tx.run("UPDATE leases SET until_at = 1")


def worker(db: Database) -> str | None:
    with db.read() as tx:
        return meta.worker(tx)


def test_one_worker_on_sqlite_and_any_number_on_postgresql(database: Database) -> None:
    one, two = Post(database, "one"), Post(database, "two")
    one.take()
    if database.engine == "postgresql":
        two.take()
        two.leave()
    else:
        with pytest.raises(WorkerAlreadyRuns, match="one"):
            two.take()
    assert worker(database) == "one"
    one.leave()
    assert worker(database) is None
    three = Post(database, "three")
    three.take()
    three.leave()


def test_it_is_renewed_while_the_worker_is_busy(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed, real = threading.Event(), meta.take_lease
    busy = Post(database, "busy", renew_s=0.001)
    busy.take()
    run_out(database)

    def take_lease(*what: object) -> bool:
        taken = real(*what)  # type: ignore[arg-type]
        renewed.set()
        return taken

    monkeypatch.setattr(meta, "take_lease", take_lease)
    assert renewed.wait(60)  # by its thread: this one, the worker's own, only waits
    busy.check()
    busy.leave()
    assert worker(database) is None


def test_who_was_held_up_for_too_long_notices_that_another_has_the_post(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    held_up, next_one = Post(database, "held up", renew_s=0.001), Post(database, "next")
    held_up.take()
    taken = threading.Event()
    with database.write() as tx:
        # Both at once, as after hours of standing still.
        tx.run("UPDATE leases SET until_at = 1")
        assert meta.take_lease(tx, meta.WORKER, "next", 60)
        taken.set()
    held_up._keeper.join(60)
    with pytest.raises(WorkerAlreadyRuns, match="next"):
        held_up.check()
    held_up.leave()
    assert worker(database) == "next"
    next_one.take()
    next_one.leave()
    database.close()


def test_what_killed_workers_left_behind_is_cleared_away(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    with database.write() as tx:
        meta.take_lease(tx, f"{meta.WORKER}:killed", "killed", -1)
    mine = Post(database, "mine")
    mine.take()
    mine.leave()
    with database.read() as tx:
        assert tx.all("SELECT name FROM leases") == []
    database.close()
