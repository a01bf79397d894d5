"""Backup and restore: everything, byte for byte, from either engine into either, or nothing at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from plugin.store import backup as backups
from plugin.store.backup import BackupError
from plugin.store.db import Database
from plugin.store.schema import metadata
from tests.books import Books
from tests.facts import T0, arrived, parcel, seen, sent
from tests.webhooks.post import order, post


def contents(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with db.read() as tx:
        return {
            table.name: sorted(
                (
                    tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
                    for row in tx.all(f"SELECT {', '.join(c.name for c in table.columns)} FROM {table.name}")
                ),
                key=repr,
            )
            for table in metadata.sorted_tables
        }


@pytest.fixture
def full(database: Database) -> Books:
    books = Books(database)
    books.join(7)
    books.give(7, 100)
    books.redeem(7)
    books.tell(seen(1, email="ada@example.com"), sent(1, parcel()), arrived(1), seen(2, customer_id=8))
    post(books, "orders/paid", order(3))
    post(books, "orders/paid", b"\x00\xff not text")
    books.now = T0.replace(month=5)
    books.tick()
    return books


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Another empty database, of either engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'elsewhere.db'}"
    server = request.getfixturevalue("pg_server")
    return str(server.url(server.create()))


def test_a_backup_restores_everything_into_either_engine(full: Books, elsewhere: str, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite"
    wrote = backups.backup(full.db.url, file)
    before = contents(full.db)
    assert wrote == {table: len(rows) for table, rows in before.items()}
    read = backups.restore(elsewhere, file)
    assert sum(read.values()) >= sum(wrote.values())
    restored = Database.open(elsewhere)
    after = contents(restored)
    ignored = {"leases"}
    assert {name: rows for name, rows in after.items() if name not in ignored} == {
        name: rows for name, rows in before.items() if name not in ignored
    }
    again = Books.__new__(Books)
    again.db, again.shop, again.now = restored, full.shop, full.now
    assert again.audit() == []
    again.tell(seen(4, customer_id=7, at=full.now, processed_at=full.now))  # and it lives on
    assert again.audit() == []
    restored.close()


def test_an_existing_file_is_not_overwritten(full: Books, tmp_path: Path) -> None:
    file = tmp_path / "backup.sqlite"
    file.write_bytes(b"precious")
    with pytest.raises(BackupError, match="exists already"):
        backups.backup(full.db.url, file)
    assert file.read_bytes() == b"precious"


def test_a_backup_that_fails_half_way_leaves_no_file(
    full: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", torn)
    with pytest.raises(OSError, match="No space"):
        backups.backup(full.db.url, tmp_path / "backup.sqlite")
    assert not [one for one in tmp_path.iterdir() if one.name.startswith("backup")]


@pytest.mark.parametrize("wrong", ["missing", "text", "other database", "other version", "in use"])
def test_a_restore_that_cannot_be_right_changes_nothing(full: Books, tmp_path: Path, wrong: str) -> None:
    file, target = tmp_path / "backup.sqlite", f"sqlite:///{tmp_path / 'target.db'}"
    before = contents(full.db)
    backups.backup(full.db.url, file)
    if wrong == "missing":
        file.unlink()
    elif wrong == "text":
        file.write_text("not a database")
    elif wrong == "other database":
        file.unlink()
        sqlite3.connect(file).execute("CREATE TABLE t (x)").connection.close()
    elif wrong == "other version":
        connection = sqlite3.connect(file)
        connection.execute("UPDATE _regulars SET revision = '9999'")
        connection.commit()
        connection.close()
    else:
        target = full.db.url
    with pytest.raises(BackupError):
        backups.restore(target, file)
    assert contents(full.db) == before
    if wrong != "in use" and (tmp_path / "target.db").exists():
        with Database.open(target).read() as tx:
            found = tx.one("SELECT COUNT(*) FROM sqlite_master WHERE name = 'shops'")
            assert found in ((0,), (1,))
            if found == (1,):
                assert tx.one("SELECT COUNT(*) FROM shops") == (0,)


def test_a_restore_that_breaks_half_way_leaves_the_database_empty(
    full: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, target = tmp_path / "backup.sqlite", f"sqlite:///{tmp_path / 'target.db'}"
    backups.backup(full.db.url, file)
    connection = sqlite3.connect(file)
    connection.execute("UPDATE lots SET lot_id = NULL")
    connection.commit()
    connection.close()
    with pytest.raises(sqlite3.IntegrityError):
        backups.restore(target, file)
    left = contents(Database.open(target))
    assert {table for table, rows in left.items() if rows} <= {"meta", "leases"}
    monkeypatch.undo()
