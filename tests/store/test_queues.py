"""The queues: put once, claimed by one, tried again with patience, parked in sight, and asked again while it runs."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.store import queues
from plugin.store.db import Database
from plugin.store.queues import MAX_ATTEMPTS, Effect, backoff
from tests.books import Books
from tests.facts import DAY, T0
from tests.webhooks.post import order, post, state

ONE = Effect("code:1", "code.make", {"redemption_id": 1})


def enqueue(books: Books, *effects: Effect) -> None:
    with books.db.write(books.shop_id) as tx:
        queues.enqueue(tx, books.shop_id, effects, books.now)


def claim(books: Books, holder: str = "a", limit: int = 20, key: str | None = None) -> list[Effect]:
    with books.db.write(books.shop_id) as tx:
        return queues.claim(tx, books.shop_id, holder, books.now, limit, key=key)


def done(books: Books, *effects: Effect) -> None:
    with books.db.write(books.shop_id) as tx:
        queues.effects_done(tx, books.shop_id, effects, books.now)


def failed(books: Books, effect: Effect, wait: timedelta | None = None, *, for_good: bool = False) -> bool:
    with books.db.write(books.shop_id) as tx:
        return queues.effect_failed(
            tx, books.shop_id, effect, "timeout", books.now, wait=wait, for_good=for_good
        )


def row(books: Books, key: str = "code:1") -> tuple[int, int, int, str | None]:
    """(state, attempts, revision, reason)."""
    [found] = books.rows(
        "SELECT state, attempts, revision, reason FROM outbox WHERE shop_id = :s AND effect_key = :k", k=key
    )
    return found[0], found[1], found[2], found[3]


@pytest.fixture
def idle(books: Books) -> Books:
    """A shop whose own effects are done."""
    done(books, *claim(books, limit=100))
    books.now = T0 + DAY
    return books


def test_an_effect_is_held_by_one_until_its_lease_ends(idle: Books) -> None:
    enqueue(idle, ONE)
    [mine] = claim(idle, "a")
    assert (mine.effect_key, mine.kind, mine.payload, mine.attempts) == (
        "code:1",
        "code.make",
        {"redemption_id": 1},
        1,
    )
    assert claim(idle, "b") == []
    with idle.db.read() as tx:
        assert idle.shop_id not in queues.outbox_shops(tx, idle.now)
    with idle.db.write() as tx:  # a minute of real time goes by
        tx.run("UPDATE outbox SET lease_until_at = 1 WHERE shop_id = :s", s=idle.shop_id)
    [theirs] = claim(idle, "b")
    assert theirs.attempts == 2
    done(idle, theirs)
    assert row(idle)[0] == 1
    assert claim(idle) == []


def test_claims_are_oldest_first_within_a_limit_or_by_key(idle: Books) -> None:
    for number in range(5):
        idle.now += timedelta(seconds=1)
        enqueue(idle, replace(ONE, effect_key=f"code:{number}"))
    assert [e.effect_key for e in claim(idle, key="code:4")] == ["code:4"]
    assert [e.effect_key for e in claim(idle, limit=2)] == ["code:0", "code:1"]
    assert [e.effect_key for e in claim(idle)] == ["code:2", "code:3"]


def test_two_workers_never_hold_the_same_effect(shared: Database) -> None:
    books = Books(shared)
    done(books, *claim(books, limit=100))
    enqueue(books, *[replace(ONE, effect_key=f"code:{n}") for n in range(60)])
    taken: list[str] = []
    start = threading.Barrier(3)

    def work(name: str) -> None:
        mine = Database.open(shared.url)
        start.wait()
        while True:
            with mine.write(books.shop_id) as tx:
                held = queues.claim(tx, books.shop_id, name, books.now, 5)
            if not held:
                break
            taken.extend(effect.effect_key for effect in held)
        mine.close()

    workers = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(taken) == sorted(f"code:{n}" for n in range(60))


def test_an_effect_asked_for_again_while_it_runs_runs_again(idle: Books) -> None:
    enqueue(idle, ONE)
    [running] = claim(idle)
    enqueue(idle, replace(ONE, payload={"redemption_id": 2}))
    assert claim(idle) == []  # not beside the first run
    done(idle, running)
    assert row(idle)[:2] == (0, 0)
    [again] = claim(idle)
    assert again.payload == {"redemption_id": 2}
    done(idle, again)
    assert row(idle)[0] == 1


def test_an_effect_asked_for_again_after_it_was_done_runs_again(idle: Books) -> None:
    enqueue(idle, ONE)
    done(idle, *claim(idle))
    enqueue(idle, ONE)
    assert row(idle) == (0, 0, 2, None)
    assert len(claim(idle)) == 1


def test_failures_wait_longer_each_time_and_end_parked(idle: Books) -> None:
    enqueue(idle, ONE)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        [effect] = claim(idle)
        assert effect.attempts == attempt
        assert failed(idle, effect) == (attempt == MAX_ATTEMPTS)
        assert claim(idle) == []
        idle.now += timedelta(hours=2)
    assert row(idle) == (2, MAX_ATTEMPTS, 1, "timeout")
    assert claim(idle) == []
    with idle.db.write(idle.shop_id) as tx:
        [(key, kind, reason, _)] = queues.outbox_parked(tx, idle.shop_id)
        assert (key, kind, reason) == ("code:1", "code.make", "timeout")
        assert queues.outbox_counts(tx, idle.shop_id)["parked"] == 1
        assert queues.effect_retry(tx, idle.shop_id, "code:1", idle.now) == 1
    assert [effect.attempts for effect in claim(idle)] == [1]


def test_being_asked_to_wait_is_no_failure(idle: Books) -> None:
    enqueue(idle, ONE)
    for _ in range(3 * MAX_ATTEMPTS):
        [effect] = claim(idle)
        assert effect.attempts == 1  # the platform did nothing, so the next try is the first
        assert not failed(idle, effect, timedelta(seconds=3))
        assert claim(idle) == []
        idle.now += timedelta(seconds=3)
    assert row(idle)[0] == 0


def test_a_refusal_parks_at_once_and_a_new_wish_wakes_it(idle: Books) -> None:
    enqueue(idle, ONE)
    [effect] = claim(idle)
    assert failed(idle, effect, for_good=True)
    assert row(idle)[0] == 2
    enqueue(idle, ONE)
    assert row(idle) == (0, 0, 2, None)


def test_a_wish_renewed_while_it_was_being_refused_is_tried_again(idle: Books) -> None:
    enqueue(idle, ONE)
    [effect] = claim(idle)
    enqueue(idle, ONE)
    failed(idle, effect, for_good=True)
    assert row(idle)[0] == 0


def test_a_holder_that_overslept_brings_nothing_back(idle: Books) -> None:
    enqueue(idle, ONE)
    [late] = claim(idle, "a")
    with idle.db.write() as tx:
        tx.run("UPDATE outbox SET lease_until_at = 1 WHERE shop_id = :s", s=idle.shop_id)
    done(idle, *claim(idle, "b"))
    assert not failed(idle, late, for_good=True)
    assert row(idle)[0] == 1


def test_waiting_grows_with_a_ceiling_and_jitter() -> None:
    waits = [[backoff(n).total_seconds() for _ in range(40)] for n in range(1, 20)]
    for number, drawn in enumerate(waits, start=1):
        expected = min(3_600.0, 2.0**number)
        assert all(0.8 * expected <= seconds <= 1.2 * expected for seconds in drawn)
        assert len(set(drawn)) > 1


def test_a_due_date_is_kept(idle: Books) -> None:
    with idle.db.write(idle.shop_id) as tx:
        queues.enqueue(tx, idle.shop_id, [ONE], idle.now, due=idle.now + DAY)
    assert claim(idle) == []
    idle.now += DAY
    assert len(claim(idle)) == 1


def test_an_inbox_row_is_put_once_and_counted(books: Books) -> None:
    post(books, "orders/paid", order(1), webhook_id="same")
    post(books, "orders/paid", order(2), webhook_id="same")
    with books.db.write(books.shop_id) as tx:
        [row_] = queues.inbox_waiting(tx, books.shop_id, books.now, 10)
        assert queues.still_waiting(tx, books.shop_id, ["same", "other"]) == {"same"}
        assert queues.inbox_counts(tx, books.shop_id) == {"waiting": 1, "done": 0, "parked": 0, "skipped": 0}
        assert queues.inbox_done(tx, books.shop_id, [("same", queues.DONE, None)], books.now) == 1
        assert queues.inbox_done(tx, books.shop_id, [("same", queues.DONE, None)], books.now) == 0
        assert not queues.inbox_failed(tx, books.shop_id, row_, "late", books.now, for_good=False)
    assert state(books, "same") == (queues.DONE, 0, None)


def test_a_parked_webhook_is_listed_with_its_reason(books: Books) -> None:
    post(books, "orders/paid", b"{", webhook_id="bad")
    with books.db.write(books.shop_id) as tx:
        [bad] = queues.inbox_waiting(tx, books.shop_id, books.now, 10)
        assert queues.inbox_failed(tx, books.shop_id, bad, "r" * 900, books.now, for_good=True)
        [(webhook_id, topic, reason, received)] = queues.inbox_parked(tx, books.shop_id)
        assert (webhook_id, topic, len(reason), received) == ("bad", "orders/paid", 500, T0)
        assert queues.inbox_retry(tx, books.shop_id, "other", books.now) == 0
        assert queues.inbox_retry(tx, books.shop_id, "bad", books.now) == 1
    assert state(books, "bad") == (0, 0, None)
