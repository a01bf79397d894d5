"""The audit: finds each kind of damage, says where it is, changes nothing; only caches are ever repaired."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from plugin.store import audit
from plugin.store.db import Database
from tests.books import Books, everything
from tests.facts import T0, line, seen


@contextmanager
def unguarded(database: Database) -> Iterator[None]:
    """The database without its triggers, as somebody with a root password has it."""
    if database.engine == "sqlite":
        connection = sqlite3.connect(database.path, isolation_level=None)
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield
        for _, sql in triggers:
            connection.execute(sql)
        connection.close()
        return
    with psycopg.connect(database.url, autocommit=True) as server:
        tables = ("entries", "allocations", "lots", "deficits", "members", "orders", "entry_notes")
        for table in tables:
            server.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        yield
        for table in tables:
            server.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL".encode())


@pytest.fixture
def lively(books: Books) -> Books:
    """A member with credits, a debit, a clawback, a deficit and an order."""
    books.join(7)
    books.tell(seen(1, line(requires_shipping=False)))
    books.read(1)
    books.now = T0.replace(month=4)
    books.redeem(7)
    books.tell(seen(1, line(requires_shipping=False), at=T0.replace(day=2), cancelled_at=T0))
    books.tell(seen(2, line(1, 3_000), processed_at=books.now, at=books.now))
    assert books.points(7) == (0, 0, 20)
    assert books.audit() == []
    return books


DAMAGE = {
    "a cached balance": ("UPDATE members SET posted = posted + 1 WHERE shop_id = :s", "cached"),
    "a cached sum": (
        "UPDATE members SET earned = earned - 1, spent = spent + 1 WHERE shop_id = :s",
        "cached",
    ),
    "an entry's points": (
        "UPDATE entries SET points = points + 5 WHERE shop_id = :s AND kind = 'signup'",
        "entries say",
    ),
    "an entry's kind": (
        "UPDATE entries SET kind = 'redeem' WHERE shop_id = :s AND kind = 'signup'",
        "cached",
    ),
    "an entry's member": (
        "UPDATE entries SET member_id = 8 WHERE shop_id = :s AND kind = 'signup'",
        "no row of its own",
    ),
    "a lot's rest": ("UPDATE lots SET remaining = remaining + 1 WHERE shop_id = :s", "were taken"),
    "a lot's size": (
        "UPDATE lots SET points = points + 1, remaining = remaining + 1 WHERE shop_id = :s",
        "without a lot",
    ),
    "a lot below zero": ("UPDATE lots SET remaining = -1 WHERE shop_id = :s", "remain"),
    "a lot's member": ("UPDATE lots SET member_id = 8 WHERE shop_id = :s", "without a lot"),
    "a lost allocation": ("DELETE FROM allocations WHERE shop_id = :s", "allocations hold"),
    "a larger allocation": (
        "UPDATE allocations SET points = points + 1 WHERE shop_id = :s",
        "allocations hold",
    ),
    "a lost lot": ("DELETE FROM lots WHERE shop_id = :s", "without a lot"),
    "a lost entry": ("DELETE FROM entries WHERE shop_id = :s AND kind = 'redeem'", "entries say"),
    "a smaller deficit": (
        "UPDATE deficits SET remaining = remaining - 1 WHERE shop_id = :s AND remaining > 0",
        "deficit",
    ),
    "an order's points": ("UPDATE orders SET points = points + 1 WHERE shop_id = :s", "should stand"),
    "a lost order": (
        "DELETE FROM orders WHERE shop_id = :s AND order_id = 2",
        "is about an order that is not there",
    ),
    "a lost member": ("DELETE FROM members WHERE shop_id = :s", "no row of its own"),
}


@pytest.mark.parametrize("damage", sorted(DAMAGE))
def test_each_kind_of_damage_is_found_and_left_alone(lively: Books, damage: str) -> None:
    sql, said = DAMAGE[damage]
    healthy = everything(lively.db, lively.shop_id)
    with unguarded(lively.db):
        _harm(lively, sql)
    found = lively.audit()
    assert any(said in line for line in found), found
    harmed = everything(lively.db, lively.shop_id)
    assert harmed != healthy
    lively.audit()
    assert everything(lively.db, lively.shop_id) == harmed


def _harm(books: Books, sql: str) -> None:
    if books.db.engine == "sqlite":
        connection = sqlite3.connect(books.db.path)  # without foreign keys
        changed = connection.execute(sql, {"s": books.shop_id}).rowcount
        connection.commit()
        connection.close()
    else:
        with psycopg.connect(books.db.url) as server:
            changed = server.execute(sql.replace(":s", "%(s)s").encode(), {"s": books.shop_id}).rowcount
    assert changed > 0


def test_caches_are_repaired_from_the_entries_and_nothing_else_is(lively: Books) -> None:
    healthy = everything(lively.db, lively.shop_id)
    with lively.db.write(lively.shop_id) as tx:
        tx.run("UPDATE members SET posted = 1, earned = 2, spent = 3 WHERE shop_id = :s", s=lively.shop_id)
    assert len(lively.audit()) == 1
    with lively.db.write(lively.shop_id) as tx:
        assert audit.repair_caches(tx, lively.shop_id) == 1
        assert audit.repair_caches(tx, lively.shop_id) == 0
    assert everything(lively.db, lively.shop_id) == healthy
    assert lively.audit() == []


def test_an_empty_shop_agrees_with_itself(shared: Database) -> None:
    assert Books(shared).audit() == []
