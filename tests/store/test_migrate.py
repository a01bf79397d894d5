"""The migrations: up on both engines, equal to plugin/store/schema, one at a time, and guarding what is history."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from plugin.errors import StorageBusy
from plugin.store import migrate
from plugin.store.connections import connect
from plugin.store.db import Database
from plugin.store.schema import metadata

ALICE, BOB = 1, 2
GUARDED = ("entries", "tier_history", "programmes", "allocations")


def _engine(url: str) -> Any:
    dialect = "sqlite://" if url.startswith("sqlite") else "postgresql+psycopg://"
    return create_engine(dialect, creator=lambda: connect(url), poolclass=NullPool)


def test_a_blank_database_reaches_the_newest_revision(blank_database_url: str) -> None:
    assert migrate.current(blank_database_url) is None
    assert migrate.migrate(blank_database_url) == migrate.head()
    assert migrate.current(blank_database_url) == migrate.head()
    assert migrate.migrate(blank_database_url) == migrate.head()


def test_every_revision_runs_up_on_its_own(blank_database_url: str) -> None:
    config = migrate._config()
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert revisions[0] == migrate.head()
    for revision in reversed(revisions):
        _upgrade(blank_database_url, revision)
        assert migrate.current(blank_database_url) == revision


def test_a_migrated_database_is_what_the_catalogue_says(database_url: str) -> None:
    with _engine(database_url).connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_the_catalogue_is_the_one_that_the_tables_would_create(blank_database_url: str) -> None:
    """Stricter than Alembic's comparison, which does not look at the condition of a partial index."""
    with _engine(blank_database_url).begin() as connection:
        metadata.create_all(connection)
    wanted = _catalogue(blank_database_url)
    with _engine(blank_database_url).begin() as connection:
        metadata.drop_all(connection)
    assert _catalogue(blank_database_url) == set()
    migrate.migrate(blank_database_url)
    assert len(wanted) > 200
    assert _catalogue(blank_database_url) == wanted


_SQLITE_CATALOGUE = (
    'SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk FROM sqlite_master m'
    " JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
    'SELECT m.name, f."table", f."from", f."to", f.seq FROM sqlite_master m'
    " JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
    'SELECT m.name, i.origin, i."unique", i.partial, (SELECT group_concat(name) FROM'
    " pragma_index_info(i.name)) FROM sqlite_master m JOIN pragma_index_list(m.name) i"
    " WHERE m.type = 'table'",
    "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "SELECT name, wr FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
)
_POSTGRESQL_CATALOGUE = (
    "SELECT table_name::text, column_name::text, data_type::text, is_nullable::text, column_default::text"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
)


def _catalogue(url: str) -> set[tuple[Any, ...]]:
    """Every column, index and constraint that is ours, without the order they were made in."""
    with Database.open(url).read() as tx:
        questions = _SQLITE_CATALOGUE if tx.engine == "sqlite" else _POSTGRESQL_CATALOGUE
        rows = [row for sql in questions for row in tx.all(sql)]
    return {row for row in rows if row[0] != "alembic_version"}


def test_a_failed_migration_leaves_nothing_behind(blank_database_url: str) -> None:
    with Database.open(blank_database_url).write() as tx:
        tx.run("CREATE TABLE tokens (in_the_way INTEGER)")
    with pytest.raises(Exception, match="tokens"):
        migrate.migrate(blank_database_url)
    assert migrate.current(blank_database_url) is None
    assert {row[0] for row in _catalogue(blank_database_url)} == {"tokens"}


@pytest.mark.slow
def test_processes_that_start_at_once_migrate_once(blank_database_url: str) -> None:
    program = "import sys; from plugin.store.migrate import migrate; print(migrate(sys.argv[1]))"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, blank_database_url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out.strip()) == (0, migrate.head()), err


def test_a_migration_that_never_gets_its_turn_says_so(
    blank_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_WAIT_S", 1)
    monkeypatch.setattr("plugin.store.connections.BUSY_WAIT_S", 0.05)
    with migrate._locked(blank_database_url), pytest.raises(StorageBusy):
        migrate.migrate(blank_database_url)
    assert migrate.migrate(blank_database_url) == migrate.head()


def test_large_columns_are_compressed_fast(postgres_url: str) -> None:
    with Database.open(postgres_url).read() as tx:
        found = tx.all(
            "SELECT attrelid::regclass::text, attname::text FROM pg_attribute WHERE attcompression = 'l'"
        )
    assert set(found) == {
        ("inbox", "body"),
        ("outbox", "payload"),
        ("orders", "projection"),
        ("programmes", "document"),
    }


def test_the_ledger_comes_through_the_rebuilding_of_its_table(blank_database_url: str) -> None:
    _upgrade(blank_database_url, "0007_actions")
    database = _fill(Database.open(blank_database_url))
    question = "SELECT * FROM entries ORDER BY shop_id, entry_id"
    with database.read() as tx:
        before = tx.all(question)
    database.close()
    migrate.migrate(blank_database_url)
    with database.read() as tx:
        assert len(before) == 4
        assert tx.all(question) == before
    _refused(database, "UPDATE entries SET points = 0")
    _refused(database, "DELETE FROM entries")
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)), database.write() as tx:
        tx.run(
            "INSERT INTO lots (shop_id, lot_id, member_id, points, remaining, created_at) VALUES (1, 9, 7, 1, 1, 0)"
        )
    database.close()


def test_a_rebuilt_table_that_leaves_references_open_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'broken.db'}"
    _upgrade(url, "0007_actions")
    connection = connect(url)
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("INSERT INTO entry_notes (shop_id, entry_id, note) VALUES (1, 2, 'of nothing')")
    connection.close()
    with pytest.raises(RuntimeError, match="not there"):
        migrate.migrate(url)
    assert migrate.current(url) == "0007_actions"


def _upgrade(url: str, revision: str) -> None:
    config = migrate._config()
    with migrate._locked(url) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.fixture
def ledger(database: Database) -> Database:
    """Alice's shop and Bob's, each with one of everything that is history."""
    return _fill(database)


def _fill(database: Database) -> Database:
    with database.write() as tx:
        for shop, domain in ((ALICE, "alice"), (BOB, "bob")):
            tx.run(
                "INSERT INTO shops (shop_id, domain, state, first_seen_at) VALUES (:s, :d, 'installed', 0)",
                s=shop,
                d=f"{domain}.myshopify.com",
            )
            for entry, points in ((10, 50), (11, -20)):
                tx.run(
                    "INSERT INTO entries (shop_id, entry_id, member_id, kind, points, occurred_at,"
                    " recorded_at, source_key, why, actor)"
                    " VALUES (:s, :e, 7, 'k', :p, 0, 0, :key, '{}', 'test')",
                    s=shop,
                    e=entry,
                    p=points,
                    key=f"key:{entry}",
                )
            tx.run(
                "INSERT INTO lots (shop_id, lot_id, member_id, points, remaining, created_at)"
                " VALUES (:s, 10, 7, 50, 30, 0)",
                s=shop,
            )
            tx.run(
                "INSERT INTO allocations (shop_id, debit_id, lot_id, points) VALUES (:s, 11, 10, 20)", s=shop
            )
            tx.run(
                "INSERT INTO tier_history (shop_id, member_id, from_at, tier, why)"
                " VALUES (:s, 7, 0, 't', '{}')",
                s=shop,
            )
            tx.run(
                "INSERT INTO programmes (shop_id, version, published_at, actor, document)"
                " VALUES (:s, 1, 0, 'test', '{}')",
                s=shop,
            )
    return database


def _refused(database: Database, sql: str, **parameters: Any) -> None:
    with pytest.raises(Exception, match="is append-only") as caught, database.write() as tx:
        tx.run(sql, **parameters)
    assert not isinstance(caught.value, StorageBusy)


@pytest.mark.parametrize("table", GUARDED)
def test_history_refuses_to_be_changed_or_deleted(ledger: Database, table: str) -> None:
    _refused(ledger, f"UPDATE {table} SET shop_id = 3 WHERE shop_id = :s", s=ALICE)
    _refused(ledger, f"DELETE FROM {table} WHERE shop_id = :s", s=ALICE)
    _refused(ledger, f"DELETE FROM {table}")
    if ledger.engine == "postgresql":
        _refused(ledger, f"TRUNCATE {table} CASCADE")


def test_points_of_an_entry_refuse_to_change(ledger: Database) -> None:
    _refused(ledger, "UPDATE entries SET points = points + 1 WHERE shop_id = :s AND entry_id = 10", s=ALICE)


def test_replacing_a_row_of_history_is_refused(ledger: Database) -> None:
    if ledger.engine == "sqlite":
        sql = "INSERT OR REPLACE INTO programmes VALUES (:s, 1, 0, 'mallory', '{}')"
    else:
        sql = (
            "INSERT INTO programmes VALUES (:s, 1, 0, 'mallory', '{}') ON CONFLICT (shop_id, version)"
            " DO UPDATE SET actor = 'mallory'"
        )
    _refused(ledger, sql, s=ALICE)


def test_an_allocation_may_only_grow(ledger: Database) -> None:
    change = "UPDATE allocations SET points = points + :d WHERE shop_id = :s AND debit_id = 11"
    with ledger.write() as tx:
        assert tx.run(change, d=5, s=ALICE) == 1
    _refused(ledger, change, d=-1, s=ALICE)
    _refused(ledger, change, d=0, s=ALICE)
    _refused(ledger, "UPDATE allocations SET points = points + 1, debit_id = 10 WHERE shop_id = :s", s=ALICE)
    with ledger.read() as tx:
        assert tx.all("SELECT points FROM allocations ORDER BY shop_id") == [(25,), (20,)]


def test_a_redacted_shop_can_be_removed_and_only_that_one(ledger: Database) -> None:
    with ledger.write() as tx:
        tx.run("UPDATE shops SET state = 'redacted' WHERE shop_id = :s", s=ALICE)
    _refused(ledger, "UPDATE entries SET points = 0 WHERE shop_id = :s", s=ALICE)
    with ledger.write() as tx:
        for table in ("allocations", "lots", "entries", "tier_history", "programmes", "shops"):
            assert tx.run(f"DELETE FROM {table} WHERE shop_id = :s", s=ALICE) >= 1
    for table in GUARDED:
        _refused(ledger, f"DELETE FROM {table} WHERE shop_id = :s", s=BOB)
        with ledger.read() as tx:
            assert tx.one(f"SELECT COUNT(*) FROM {table} WHERE shop_id = :s", s=ALICE) == (0,)


def test_rows_of_a_shop_that_is_not_there_are_guarded_too(ledger: Database) -> None:
    with ledger.write() as tx:
        tx.run("DELETE FROM shops WHERE shop_id = :s", s=ALICE)
    for table in GUARDED:
        _refused(ledger, f"DELETE FROM {table} WHERE shop_id = :s", s=ALICE)


def test_the_refusal_is_an_integrity_error(ledger: Database) -> None:
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.RestrictViolation)), ledger.write() as tx:
        tx.run("DELETE FROM tier_history")
