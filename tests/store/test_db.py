"""The database door: the same promises on both engines, durable, locked per shop, honest about failures."""

from __future__ import annotations

import random
import sqlite3
import string
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.errors import StorageBusy
from plugin.store.connections import connect_sqlite, storage_failed
from plugin.store.db import Database, Tx, from_ms, to_ms
from tests.postgres import PgServer

ALICE, BOB = 1, 2


@pytest.fixture
def shops(database: Database) -> Database:
    with database.write() as tx:
        for shop, domain in ((ALICE, "alice"), (BOB, "bob")):
            tx.run(
                "INSERT INTO shops (shop_id, domain, first_seen_at) VALUES (:s, :d, 0)",
                s=shop,
                d=f"{domain}.myshopify.com",
            )
    return database


def _put(tx: Tx, key: str, value: str = "x") -> int:
    return tx.run("INSERT INTO meta (key, value) VALUES (:k, :v)", k=key, v=value)


def _keys(database: Database) -> list[str]:
    with database.read() as tx:
        return [row[0] for row in tx.all("SELECT key FROM meta ORDER BY key")]


@given(st.integers(min_value=-(10**13), max_value=10**14))
def test_milliseconds_survive_the_round_trip(value: int) -> None:
    assert to_ms(from_ms(value)) == value


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(min_value=-(10**15), max_value=10**16).map(lambda n: EPOCH + timedelta(microseconds=n)))
def test_a_moment_is_kept_to_the_millisecond(moment: datetime) -> None:
    kept = from_ms(to_ms(moment))
    assert kept is not None
    assert timedelta(0) <= moment - kept < timedelta(milliseconds=1)
    assert to_ms(None) is None
    assert from_ms(None) is None


def test_statements_look_the_same_on_both_engines(shops: Database) -> None:
    with shops.write() as tx:
        assert _put(tx, "a%b") == 1
        assert (
            tx.many(
                "INSERT INTO meta (key, value) VALUES (:k, :v)",
                [{"k": f"m{n}", "v": "50% off"} for n in range(3)],
            )
            == 3
        )
        assert tx.many("INSERT INTO meta (key, value) VALUES (:k, :v)", []) == 0
        assert tx.run("UPDATE meta SET value = 'review:member' WHERE key LIKE 'm%'") == 3
    with shops.read() as tx:
        assert tx.one("SELECT value FROM meta WHERE key = :k", k="m1") == ("review:member",)
        assert tx.one("SELECT value FROM meta WHERE key = :k", k="none") is None
        assert tx.all("SELECT CAST(:n AS INTEGER), :word", n=7, word="a:b") == [(7, "a:b")]
        assert tx.all("SELECT key FROM meta WHERE key LIKE 'a%' ORDER BY key") == [("a%b",)]


def test_among_asks_for_more_values_than_an_engine_takes_at_once(database: Database) -> None:
    with database.write() as tx:
        tx.many("INSERT INTO meta (key, value) VALUES (:k, 'x')", [{"k": f"k{n}"} for n in range(1300)])
    with database.read() as tx:
        found = tx.among(
            "SELECT key FROM meta WHERE value = :v AND key IN (:among)",
            (f"k{n}" for n in range(0, 2600, 2)),
            v="x",
        )
        assert sorted(found) == sorted((f"k{n}",) for n in range(0, 1300, 2))
        assert tx.among("SELECT key FROM meta WHERE key IN (:among)", []) == []


def test_each_walks_through_rows(database: Database) -> None:
    with database.write() as tx:
        tx.many("INSERT INTO meta (key, value) VALUES (:k, 'x')", [{"k": f"k{n:05}"} for n in range(6000)])
    with database.read() as tx:
        keys = [row[0] for row in tx.each("SELECT key FROM meta WHERE value = :v ORDER BY key", v="x")]
    assert keys == [f"k{n:05}" for n in range(6000)]


def test_an_error_rolls_everything_back(database: Database) -> None:
    def fail() -> None:
        with database.write() as tx:
            _put(tx, "lost")
            raise KeyError("fails")

    with pytest.raises(KeyError):
        fail()
    assert _keys(database) == []
    with database.write() as tx:
        _put(tx, "kept")
    assert _keys(database) == ["kept"]


def test_a_wrong_statement_is_not_called_a_busy_storage(database: Database) -> None:
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedTable)), database.read() as tx:
        tx.run("SELECT 1 FROM no_such_table")
    with database.write() as tx:
        _put(tx, "once")
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)), database.write() as tx:
        _put(tx, "once")


def test_data_over_a_limit_of_the_server_is_not_called_a_busy_storage(postgres_url: str) -> None:
    database = Database.open(postgres_url)
    # Incompressible, or the index would still hold it.
    name = "".join(random.Random(7).choices(string.ascii_letters, k=9_000))
    with pytest.raises(psycopg.errors.ProgramLimitExceeded), database.write() as tx:
        tx.run(
            "INSERT INTO members (shop_id, member_id, created_at, first_name) VALUES (1, 1, 0, :name)",
            name=name,
        )
    database.close()


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (psycopg.OperationalError("the connection is closed"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.LockNotAvailable(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.errors.ReadOnlySqlTransaction(), True),
        (psycopg.errors.ConnectionFailure(), True),
        (psycopg.errors.ProgramLimitExceeded(), False),
        (psycopg.errors.StatementTooComplex(), False),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.ProgrammingError("no result"), False),
        (ValueError(), False),
    ],
)
def test_which_faults_are_the_storages(error: Exception, away: bool) -> None:
    assert storage_failed(error) is away


def test_one_shop_has_one_writer_at_a_time(shops: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads add one to the same number, read first, written later; no step is lost."""
    with shops.write() as tx:
        _put(tx, "n", "0")

    def count() -> None:
        for _ in range(25):
            with shops.write(ALICE) as tx:
                row = tx.one("SELECT value FROM meta WHERE key = 'n'")
                assert row is not None
                tx.run("UPDATE meta SET value = :v WHERE key = 'n'", v=str(int(row[0]) + 1))

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with shops.read() as tx:
        assert tx.one("SELECT value FROM meta WHERE key = 'n'") == ("50",)


def test_a_shop_that_is_taken_is_skipped(shops: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.store.connections.BUSY_WAIT_S", 0.05)
    other = Database.open(shops.url)
    with shops.write(ALICE), ExitStack() as held:
        if shops.engine == "postgresql":
            assert held.enter_context(other.try_write(ALICE)) is None
        else:
            with pytest.raises(StorageBusy):
                held.enter_context(other.try_write(ALICE))
    with other.try_write(ALICE) as tx:
        assert tx is not None
    other.close()


def test_other_shops_are_not_held_up_on_postgresql(postgres_url: str) -> None:
    one, two = Database.open(postgres_url), Database.open(postgres_url)
    with one.write() as tx:
        tx.run("INSERT INTO shops (shop_id, domain, first_seen_at) VALUES (1, 'a', 0), (2, 'b', 0)")
    with one.write(ALICE), two.try_write(BOB) as tx_of_bob:
        assert tx_of_bob is not None
        # The lock on a shop must not hold up rows that refer to it, nor a plain read of it.
        assert tx_of_bob.one("SELECT domain FROM shops WHERE shop_id = 1") == ("a",)
    one.close()
    two.close()


def test_a_busy_file_is_waited_for_and_then_refused(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.store.connections.BUSY_WAIT_S", 0.05)
    one, two = Database.open(sqlite_url), Database.open(sqlite_url)
    with one.write() as tx:
        _put(tx, "first")
        with pytest.raises(StorageBusy) as refused, two.write():
            pytest.fail("two writers at once")
        assert refused.value.status == 503
        assert _keys(two) == []  # readers are never held up
    with two.write() as tx:
        _put(tx, "second")
    assert _keys(one) == ["first", "second"]


def test_a_read_on_sqlite_sees_one_moment(sqlite_url: str) -> None:
    one, two = Database.open(sqlite_url), Database.open(sqlite_url)
    with one.read() as reading:
        with two.write() as tx:
            _put(tx, "later")
        assert reading.all("SELECT key FROM meta") == []
    assert _keys(one) == ["later"]


def test_a_sqlite_connection_is_durable_and_strict(tmp_path: Path) -> None:
    connection = connect_sqlite(str(tmp_path / "x.db"))
    found = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "page_size")
    }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "page_size": 8192,
    }


@pytest.mark.slow
def test_processes_open_and_leave_a_new_file_at_once(tmp_path: Path) -> None:
    """The first to come switches to the log, the last to leave folds it in; both lock the file."""
    program = (
        "import sys\nfrom plugin.store.db import Database\n"
        "for n in range(5):\n"
        "    d = Database.open(sys.argv[1])\n"
        "    with d.write() as tx:\n"
        "        tx.run('CREATE TABLE IF NOT EXISTS t (a)')\n"
        "        tx.run('INSERT INTO t VALUES (1)')\n"
        "    with d.read() as tx:\n        tx.one('SELECT COUNT(*) FROM t')\n"
        "    d.close()\n"
    )
    url = f"sqlite:///{tmp_path / 'new.db'}"
    started = [
        subprocess.Popen([sys.executable, "-c", program, url], stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    for process in started:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    with Database.open(url).read() as tx:
        assert tx.one("SELECT COUNT(*) FROM t") == (30,)


def test_a_full_disk_is_a_busy_storage_and_loses_nothing_that_was_there(sqlite_url: str) -> None:
    database = Database.open(sqlite_url)
    with database.write() as tx:
        _put(tx, "kept")
    with database.read() as tx:
        pages = tx.one("PRAGMA page_count")
        assert pages is not None
        tx.one(f"PRAGMA max_page_count = {pages[0] + 2}")
    with pytest.raises(StorageBusy) as refused, database.write() as tx:
        _put(tx, "too large", "x" * 200_000)
    assert refused.value.code == "storage_busy"
    assert _keys(database) == ["kept"]


def test_a_lost_server_is_a_busy_storage_until_it_is_back(pg_server: PgServer, postgres_url: str) -> None:
    database = Database.open(postgres_url)
    with database.write() as tx:
        _put(tx, "kept")

    def cut_off() -> None:
        with database.write() as tx:
            _put(tx, "lost")
            pg_server.restart(immediate=True)
            _put(tx, "never")

    with pytest.raises(StorageBusy):
        cut_off()
    assert _keys(database) == ["kept"]
    pg_server.stop()
    with pytest.raises(StorageBusy), database.read():
        pytest.fail("there is no server")
    pg_server.start()
    assert _keys(database) == ["kept"]
    pg_server.restart()
    with database.write() as tx:  # an idle connection that was cut is replaced, and nobody notices
        _put(tx, "more")
    assert _keys(database) == ["kept", "more"]
    database.close()


def test_threads_have_connections_of_their_own_and_close_ends_all(database: Database) -> None:
    seen: list[list[tuple[object, ...]]] = []

    def look() -> None:
        with database.read() as tx:
            seen.append(tx.all("SELECT 1"))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[(1,)]] * 3
    database.close()
    database.close()
    assert _keys(database) == []  # opens again by itself
