"""The loop: one worker on SQLite, many on PostgreSQL; a shop in trouble stops no other; outages are waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from plugin.flows import clock
from plugin.store import privacy, queues
from plugin.store.db import Database, Tx
from plugin.worker import effects
from plugin.worker.effects import Bench
from plugin.worker.loop import Worker
from tests.books import Books
from tests.facts import T0, seen
from tests.webhooks.post import order, person, post
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


def test_webhooks_and_the_clock_have_their_turn_after_every_piece_of_work_at_the_platform(
    quiet: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Books(quiet.db)
    with other.db.write(other.shop_id) as tx:
        tx.run("UPDATE shops SET currency = NULL WHERE shop_id = :s", s=other.shop_id)
        tx.run("UPDATE outbox SET state = 1 WHERE shop_id = :s", s=other.shop_id)
    for books in (quiet, other):
        with books.db.write(books.shop_id) as tx:
            queues.enqueue(tx, books.shop_id, [queues.Effect("shop:digest", "shop.digest", {})], T0)
    served: list[int] = []

    def slow(_bench: Bench, shop_id: int) -> int:
        """While the platform keeps us waiting, a webhook comes in."""
        served.append(shop_id)
        it = quiet if shop_id == quiet.shop_id else other
        assert {books.points(7) for books in (quiet, other) if books.shop_id in served[:-1]} <= {(0, 100, 0)}
        post(it, "orders/paid", order(1))
        return 0

    monkeypatch.setattr(effects, "perform_due", slow)
    now = T0 + timedelta(days=2)
    worker(quiet.db, lambda: now).round()
    assert sorted(served) == sorted([quiet.shop_id, other.shop_id])
    assert quiet.points(7) == other.points(7) == (0, 100, 0)


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
    it.run(stop)
    assert quiet.points(7) == (0, 100, 0)
    assert quiet.rows("SELECT holder FROM leases WHERE :s = :s") == []


def test_one_shop_in_trouble_stops_no_other(
    quiet: Books, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
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
            raise ZeroDivisionError("ada@example.com")
        return real(tx, shop, now)

    monkeypatch.setattr(clock, "tick", tick)
    monkeypatch.setattr(effects, "perform_due", lambda *_: 0)
    with caplog.at_level("DEBUG"):
        worker(quiet.db, lambda: T0 + timedelta(days=2)).round()
    assert "ZeroDivisionError at test_loop.py" in caplog.text
    assert "example.com" not in caplog.text
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


@pytest.mark.parametrize("state", ["uninstalled", "redacted"])
def test_old_bodies_of_a_shop_that_left_are_emptied_too(quiet: Books, state: str) -> None:
    hook = post(quiet, "orders/paid", order(1, email="ada@example.com"))
    post(quiet, "orders/paid", order(2), received_at=quiet.now + timedelta(days=40))  # not yet done
    one = worker(quiet.db, lambda: quiet.now)
    one.settle()
    with quiet.db.write(quiet.shop_id) as tx:
        tx.run("UPDATE shops SET state = :state WHERE shop_id = :s", s=quiet.shop_id, state=state)
    quiet.now += timedelta(days=31)
    one.settle()
    emptied = quiet.rows("SELECT webhook_id FROM inbox WHERE shop_id = :s AND length(body) = 0")
    assert emptied == [(hook,)]


def test_old_webhooks_of_the_forgotten_are_searched_and_one_shop_in_trouble_stops_no_other(
    quiet: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Books(quiet.db, name="other")
    with quiet.db.write() as tx:
        tx.run("UPDATE shops SET currency = NULL")
    redaction = {"customer": {"id": 70_007}, "orders_to_redact": []}
    for books in (quiet, other):
        post(books, "customers/update", person(70_007, "ada@example.com"))
        post(books, "customers/redact", redaction)
    real = privacy.bodies_with

    def bodies_with(tx: Tx, shop_id: int, *more: Any) -> tuple[list[str], str | None]:
        if shop_id == quiet.shop_id:
            raise ZeroDivisionError
        return real(tx, shop_id, *more)

    def full(books: Books) -> int:
        return len(books.rows("SELECT 1 FROM inbox WHERE shop_id = :s AND LENGTH(body) > 0"))

    monkeypatch.setattr(effects, "perform_due", lambda *_: 0)
    one = worker(quiet.db, lambda: T0)
    with monkeypatch.context() as broken:
        broken.setattr(privacy, "bodies_with", bodies_with)
        for _ in range(3):
            one.round()
    assert (full(quiet), full(other)) == (2, 0)
    for _ in range(2):
        one.round()
    assert full(quiet) == 0
