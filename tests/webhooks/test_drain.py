"""The drain: a batch is one transaction, its culprit waits alone, and two drains never do a thing twice."""

from __future__ import annotations

import random
import string
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from plugin.errors import StorageBusy
from plugin.flows import merchants
from plugin.flows import orders as order_flow
from plugin.store import queues, shops
from plugin.store import tokens as token_store
from plugin.store.db import Database
from plugin.store.queues import DONE, MAX_ATTEMPTS, PARKED, SKIPPED, WAITING
from tests.books import Books, everything, shop_domain
from tests.books_fixtures import books, installation, mallory, shared
from tests.facts import DAY, T0, seen
from tests.webhooks.post import Json, order, person, post, state
from webhooks.drain import Drained, drain, drain_shop

__all__ = ["books", "installation", "mallory", "shared"]


def drained(it: Books, size: int = 200) -> Drained:
    """Everything that is due in this shop."""
    total = Drained()
    while True:
        part = drain_shop(it.db, it.shop_id, it.now, size)
        assert part is not None
        if not part.total:
            return total
        total.add(part)


def test_webhooks_become_points_and_are_done(books: Books) -> None:
    hooks = [post(books, "orders/paid", order(n)) for n in range(1, 6)]
    assert drained(books) == Drained(done=5)
    assert books.points(7) == (0, 500, 0)
    assert {state(books, hook)[0] for hook in hooks} == {DONE}
    assert drained(books) == Drained()
    assert books.audit() == []


def test_unknown_topics_are_skipped_and_kept(books: Books) -> None:
    hook = post(books, "themes/publish", {"id": 1})
    post(books, "orders/paid", order(1))
    assert drained(books) == Drained(done=1, skipped=1)
    assert state(books, hook) == (SKIPPED, 0, "unknown_topic")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"id":"x"}', b'{"updated_at":1}', b"\xff\xfe", b"[" * 5_000]
)
def test_a_body_nobody_can_read_is_parked_and_its_batch_goes_through(books: Books, body: bytes) -> None:
    bad = post(books, "orders/paid", body)
    good = post(books, "orders/paid", order(1))
    assert drained(books) == Drained(done=1, parked=1)
    assert state(books, good)[0] == DONE
    parked, attempts, reason = state(books, bad)
    assert (parked, attempts) == (PARKED, 1)
    assert reason
    with books.db.write(books.shop_id) as tx:
        assert queues.inbox_retry(tx, books.shop_id, bad, books.now) == 1
    assert drained(books) == Drained(parked=1)


def test_a_row_that_keeps_failing_waits_longer_and_is_parked_while_its_batch_goes_through(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    _poison(monkeypatch, 666)
    hooks = [post(books, "orders/paid", order(n)) for n in (1, 2, 666, 3)]
    assert drain_shop(books.db, books.shop_id, books.now) == Drained(done=3, failed=1)
    assert books.points(7) == (0, 300, 0)
    assert state(books, hooks[2]) == (WAITING, 1, "ZeroDivisionError")
    assert drained(books) == Drained()  # it is not due yet
    for _ in range(MAX_ATTEMPTS - 1):
        books.now += timedelta(hours=2)
        drained(books)
    assert state(books, hooks[2]) == (PARKED, MAX_ATTEMPTS, "ZeroDivisionError")
    monkeypatch.undo()
    with books.db.write(books.shop_id) as tx:
        assert queues.inbox_retry(tx, books.shop_id, None, books.now) == 1
    assert drained(books) == Drained(done=1)
    assert books.points(7) == (0, 400, 0)
    assert books.audit() == []


def _poison(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    real = order_flow.apply

    def apply(tx: Any, shop: Any, facts: Any, now: Any, **more: Any) -> set[int]:
        moved = real(tx, shop, facts, now, **more)
        if any(fact.order_id == number for fact in facts):
            raise ZeroDivisionError("after the ledger was written, the worst moment")
        return moved

    monkeypatch.setattr(order_flow, "apply", apply)


@pytest.mark.parametrize("trouble", [StorageBusy("busy"), psycopg.OperationalError("gone")])
def test_trouble_of_the_database_is_nobodys_fault(
    books: Books, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    def apply(*_: Any, **__: Any) -> set[int]:
        raise trouble

    hook = post(books, "orders/paid", order(1))
    with monkeypatch.context() as broken:
        broken.setattr(order_flow, "apply", apply)
        with pytest.raises(StorageBusy):
            drained(books)
    assert state(books, hook) == (WAITING, 0, None)
    assert drained(books) == Drained(done=1)


def test_a_crash_before_the_commit_leaves_the_whole_batch(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        pass

    def done(*_: Any, **__: Any) -> int:
        raise Crash

    hooks = [post(books, "orders/paid", order(n)) for n in range(1, 4)]
    with monkeypatch.context() as broken:
        broken.setattr(queues, "enqueue", done)
        with pytest.raises(Crash):
            drained(books)
    assert books.entries(7) == []
    assert {state(books, hook)[0] for hook in hooks} == {WAITING}
    drained(books)
    assert books.points(7) == (0, 300, 0)


def test_the_webhooks_of_a_shop_that_has_not_installed_wait_for_it(shared: Database) -> None:
    stranger = Books(shared)
    with shared.write() as tx:
        tx.run(
            "UPDATE shops SET state = 'waiting', installed_at = NULL WHERE shop_id = :s", s=stranger.shop_id
        )
    post(stranger, "orders/paid", order(1))
    drain(shared, stranger.now)
    assert stranger.entries(7) == []
    with shared.write() as tx:
        again = merchants.install(tx, stranger.shop.domain, "read_orders", stranger.now)
    assert again.shop_id == stranger.shop_id
    drain(shared, stranger.now)
    assert stranger.points(7) == (0, 100, 0)


def test_strangers_are_purged_after_seven_days_and_nobody_else(books: Books) -> None:
    from plugin.flows import clock

    with books.db.write() as tx:
        stranger = shops.ensure(tx, shop_domain("stranger"), T0)
    theirs = Books(books.db)
    theirs.shop = replace(theirs.shop, shop_id=stranger, state="waiting")
    post(theirs, "orders/paid", order(1), received_at=T0)
    post(theirs, "orders/paid", order(2), received_at=T0 + 6 * DAY)
    post(books, "orders/paid", order(3), received_at=T0 - 90 * DAY)
    with books.db.write() as tx:
        assert clock.purge_strangers(tx, T0 + 7 * DAY) == 0
        assert clock.purge_strangers(tx, T0 + 7 * DAY + timedelta(seconds=1)) == 1
        assert clock.purge_strangers(tx, T0 + 14 * DAY) == 1
        # The number stays theirs: a process that remembers it must never store into another shop.
        assert shops.by_id(tx, stranger) is not None
    assert drained(books) == Drained(done=1)


def test_one_batch_holds_orders_customers_and_merchants(books: Books) -> None:
    books.join(9)
    post(books, "orders/paid", order(1, 9))
    post(books, "customers/update", person(9, "ada@example.com", "Ada"))
    merge = {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/7",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/9",
        "status": "success",
    }
    post(books, "customers/merge", merge)
    post(books, "app/scopes_update", {"current": ["read_orders", "write_discounts"]})
    post(books, "bulk_operations/finish", {"admin_graphql_api_id": "gid://shopify/BulkOperation/1"})
    assert drained(books) == Drained(done=5)
    assert books.points(7) == (50, 100, 0)
    assert books.reload().scopes == "read_orders,write_discounts"
    assert books.audit() == []


def test_an_uninstall_older_than_the_installation_is_ignored(books: Books) -> None:
    installed_at = books.shop.installed_at
    assert installed_at is not None
    post(books, "app/uninstalled", {"id": 1}, triggered_at=installed_at - timedelta(seconds=1))
    drained(books)
    assert books.reload().state == "installed"
    with books.db.write() as tx:
        tx.run(
            "INSERT INTO tokens (shop_id, kind, access_token, scopes, refreshed_at) VALUES (:s, 'offline', :a, '', 0)",
            s=books.shop_id, a=b"sealed",
        )  # fmt: skip
    post(books, "app/uninstalled", {"id": 1}, triggered_at=installed_at + timedelta(seconds=1))
    drained(books)
    assert books.reload().state == "uninstalled"
    with books.db.read() as tx:
        assert token_store.find(tx, books.shop_id) is None
    post(books, "orders/paid", order(1))  # what was on its way still counts
    drained(books)
    assert books.points(7) == (0, 100, 0)


def test_an_uninstall_without_its_time_counts_from_when_it_came(books: Books) -> None:
    books.now = T0 + DAY
    post(books, "app/uninstalled", {"id": 1}, received_at=T0)
    with books.db.write() as tx:
        merchants.install(tx, books.shop.domain, "read_orders", T0 + timedelta(hours=1))
    drained(books)  # a day later, because the worker was down
    assert books.reload().state == "installed"


def test_an_uninstall_and_its_redaction_in_one_batch_wipe_the_shop(books: Books) -> None:
    post(books, "app/uninstalled", {"id": 1}, triggered_at=T0)
    post(books, "shop/redact", {"shop_id": 1, "shop_domain": "x"}, triggered_at=T0 + 2 * DAY)
    drained(books)
    assert books.reload().state == "redacted"


def test_a_redacted_shop_takes_nothing_any_more(books: Books) -> None:
    post(books, "app/uninstalled", {"id": 1}, triggered_at=T0)
    drained(books)
    hook = post(books, "shop/redact", {"shop_id": 1, "shop_domain": "x"})
    drained(books)
    late = post(books, "orders/paid", order(1, email="ada@example.com"))
    assert drained(books) == Drained(skipped=1)
    assert state(books, late) == (SKIPPED, 0, "shop_redacted")
    # Nobody looks after the inbox of a redacted shop any more, so what it holds of people goes at once.
    assert books.rows("SELECT body FROM inbox WHERE shop_id = :s AND webhook_id = :w", w=late) == [(b"",)]
    assert state(books, hook)[0] == DONE
    assert books.rows("SELECT 1 FROM orders WHERE shop_id = :s") == []


def test_two_drains_at_once_do_each_webhook_once(shared: Database) -> None:
    it = Books(shared)
    chance = random.Random(5)
    bodies: list[tuple[str, Json]] = []
    for n in range(1, 61):
        first = order(n, n % 5 + 1)
        bodies += [("orders/create", first), ("orders/paid", first), ("orders/updated", order(n, n % 5 + 1))]
    chance.shuffle(bodies)
    for topic, body in bodies:
        post(it, topic, body)
    done: list[int] = []
    start = threading.Barrier(3)

    def work() -> None:
        mine = Database.open(shared.url)
        start.wait()
        total = 0
        while True:
            part = drain_shop(mine, it.shop_id, it.now, 7)
            if part is None:
                continue  # the other one has the shop
            if not part.total:
                break
            total += part.done
        done.append(total)
        mine.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(done) == len(bodies)
    [totals] = it.rows("SELECT COUNT(*), SUM(points) FROM entries WHERE shop_id = :s")
    assert totals == (60, 6_000)
    assert it.rows("SELECT COUNT(*) FROM inbox WHERE shop_id = :s AND state <> 1") == [(0,)]
    assert it.audit() == []


def test_what_another_drain_finished_since_we_looked_is_left_alone(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite too, should a second worker ever run there: the rows are looked at again under the lock."""
    hooks = [post(books, "orders/paid", order(n)) for n in (1, 2)]
    with books.db.read() as tx:
        seen_before = queues.inbox_waiting(tx, books.shop_id, books.now, 10)
    assert drained(books) == Drained(done=2)
    late = post(books, "orders/paid", order(3))
    applied: list[int] = []
    real = order_flow.apply

    def apply(tx: Any, shop: Any, facts: Any, now: Any, **more: Any) -> set[int]:
        applied.extend(fact.order_id for fact in facts)
        return real(tx, shop, facts, now, **more)

    monkeypatch.setattr(order_flow, "apply", apply)
    waiting = queues.inbox_waiting
    monkeypatch.setattr(queues, "inbox_waiting", lambda *what: seen_before + waiting(*what))
    assert drain_shop(books.db, books.shop_id, books.now) == Drained(done=1)
    assert applied == [3]
    assert {state(books, hook)[0] for hook in (*hooks, late)} == {DONE}


def test_a_shop_that_another_worker_holds_is_left_to_it(books: Books) -> None:
    if books.db.engine == "sqlite":
        assert drain_shop(books.db, books.shop_id, books.now) == Drained()
        return
    post(books, "orders/paid", order(1))
    other = Database.open(books.db.url)
    with other.write(books.shop_id):
        assert drain_shop(books.db, books.shop_id, books.now) is None
        assert drain(books.db, books.now, limit=10).total >= 0
    other.close()
    assert drained(books) == Drained(done=1)


def test_a_limit_is_kept_and_the_rest_waits(books: Books) -> None:
    lonely = Books(books.db)
    for n in range(1, 8):
        post(lonely, "orders/paid", order(n))
    assert drain(books.db, T0 + DAY, limit=3, batch=2).total == 3


def test_a_webhook_for_one_shop_moves_nothing_in_another(shared: Database) -> None:
    alices, mallorys = Books(shared), Books(shared)
    alices.tell(seen(1))
    before = everything(shared, alices.shop_id)
    post(mallorys, "orders/paid", order(1, minor=99_900))
    post(mallorys, "customers/redact", {"customer": {"id": 7}, "orders_to_redact": [1]})
    assert drained(mallorys) == Drained(done=2)
    assert everything(shared, alices.shop_id) == before


def test_a_name_longer_than_any_is_cut_and_an_address_longer_than_any_is_none(books: Books) -> None:
    # Incompressible: PostgreSQL's index over names holds no more than 2,704 bytes.
    endless = "".join(random.Random(7).choices(string.ascii_letters, k=9_000))
    post(books, "orders/paid", order(1, email=f"{endless}@example.com", person=endless))
    post(books, "customers/update", person(7, f"{endless}@example.com", endless[1:]))
    post(books, "orders/paid", order(2, 8, email="ben@example.com", person="Ben"))
    assert drained(books) == Drained(done=3)
    assert (books.member(7).email, books.member(7).first_name) == (None, endless[1:256])
    assert books.member(8).email == "ben@example.com"


def test_a_fault_of_the_data_is_the_rows_and_stops_nobody(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = order_flow.apply

    def apply(tx: Any, shop: Any, facts: Any, now: Any, **more: Any) -> set[int]:
        if any(fact.order_id == 2 for fact in facts):
            raise psycopg.errors.ProgramLimitExceeded
        return real(tx, shop, facts, now, **more)

    monkeypatch.setattr(order_flow, "apply", apply)
    hooks = [post(books, "orders/paid", order(number)) for number in (1, 2, 3)]
    assert drained(books) == Drained(done=2, failed=1)
    assert [state(books, hook)[0] for hook in hooks] == [DONE, WAITING, DONE]
