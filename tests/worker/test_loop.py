"""The loop: one worker on SQLite, many on PostgreSQL; a shop in trouble stops no other; outages are waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from plugin.flows import clock
from plugin.store import queues
from plugin.store.db import Database
from plugin.worker.effects import Bench
from plugin.worker.loop import Worker, WorkerAlreadyRuns
from tests.books import Books
from tests.facts import T0, seen
from tests.webhooks.post import order, post
from webhooks.drain import drain


class _NoClients:
    """A platform that nobody asks."""

    def of(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("no effect is performed in these tests")


def worker(db: Database, now: Callable[[], Any], holder: str = "one") -> Worker:
    return Worker(Bench(db, _NoClients(), now, holder), lambda moment: drain(db, moment).total)


@pytest.fixture
def quiet(database: Database) -> Books:
    """A shop without a currency is not reconciled, and its effects are done."""
    books = Books(database)
    with database.write(books.shop_id) as tx:
        tx.run("UPDATE shops SET currency = NULL WHERE shop_id = :s", s=books.shop_id)
        tx.run("UPDATE outbox SET state = 1 WHERE shop_id = :s", s=books.shop_id)
    return books


def test_one_worker_on_sqlite_and_any_number_on_postgresql(quiet: Books) -> None:
    one, two = worker(quiet.db, lambda: T0), worker(quiet.db, lambda: T0, "two")
    one.take_post()
    one.take_post()
    if quiet.db.engine == "postgresql":
        two.take_post()
        return
    with pytest.raises(WorkerAlreadyRuns, match="one"):
        two.take_post()
    one.leave_post()
    two.take_post()


def test_it_works_until_told_to_stop_and_leaves_its_post(
    quiet: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, seen_trouble = threading.Event(), list[bool]()
    it = worker(quiet.db, lambda: quiet.now)
    post(quiet, "orders/paid", order(1))
    real = it.drain

    def drained(now: Any) -> int:
        from plugin.errors import StorageBusy

        if not seen_trouble:
            seen_trouble.append(True)
            raise StorageBusy("the database is away")
        if not quiet.rows("SELECT 1 FROM inbox WHERE shop_id = :s AND state = 0"):
            stop.set()
        return real(now)

    monkeypatch.setattr(it, "drain", drained)
    monkeypatch.setattr(Worker, "_perform", lambda _self: False)
    it.run(stop)
    assert quiet.points(7) == (0, 100, 0)
    worker(quiet.db, lambda: T0, "two").take_post()


def test_one_shop_in_trouble_stops_no_other(quiet: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy = Books(quiet.db)
    for books in (quiet, healthy):
        books.join(7)
        books.give(7, 30, ends=T0 + timedelta(days=1))
        with books.db.write(books.shop_id) as tx:
            tx.run("UPDATE shops SET currency = NULL WHERE shop_id = :s", s=books.shop_id)
            tx.run("UPDATE outbox SET state = 1 WHERE shop_id = :s", s=books.shop_id)
    real = clock.tick

    def tick(tx: Any, shop: Any, now: Any) -> bool:
        if shop.shop_id == quiet.shop_id:
            raise ZeroDivisionError
        return real(tx, shop, now)

    monkeypatch.setattr(clock, "tick", tick)
    it = worker(quiet.db, lambda: T0 + timedelta(days=2))
    monkeypatch.setattr(Worker, "_perform", lambda _self: False)
    it.round()
    assert healthy.entries(7)[-1] == ("expire", -30)
    assert quiet.entries(7)[-1] == ("adjust", 30)
    assert quiet.audit() == healthy.audit() == []


def test_settling_means_that_nothing_is_left(quiet: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the clock asks for in the last round is done too."""
    quiet.join(7)
    quiet.tell(seen(1))
    performed: list[str] = []

    def perform_due(bench: Any, shop_id: int) -> int:
        with bench.db.write(shop_id) as tx:
            held = queues.claim(tx, shop_id, "t", bench.now(), 50)
            queues.effects_done(tx, shop_id, held, bench.now())
        performed.extend(effect.effect_key for effect in held)
        return len(held)

    monkeypatch.setattr("plugin.worker.effects.perform_due", perform_due)
    worker(quiet.db, lambda: T0 + timedelta(hours=1)).settle()
    assert "member:7:tags" in performed
    assert quiet.effects() == []
