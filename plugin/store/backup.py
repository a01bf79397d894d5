"""Backup and restore: the whole installation as one SQLite file, from and into either engine."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlite_utils
from sqlalchemy import Table

from plugin.errors import RegularsError
from plugin.store.db import Database, Row, Tx
from plugin.store.migrate import current, head, migrate
from plugin.store.schema import metadata

_CHUNK = 1000


class BackupError(RegularsError):
    """The backup or restore did not happen; nothing was changed."""

    code = "backup_error"


def backup(url: str, path: Path) -> dict[str, int]:
    """Writes every table to a new SQLite file; returns rows by table. The file appears only when it is whole.

    One transaction reads it all, so the copy is of one moment. Raises BackupError when the file exists.
    """
    counts: dict[str, int] = {}
    db = Database.open(url)
    try:
        with whole_file(path) as copy, db.read() as tx:
            copy.table("_regulars").insert({"revision": current(url), "format": 1})
            if tx.engine == "postgresql":
                tx.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for table in metadata.sorted_tables:
                counts[table.name] = table_of(tx, copy, table)
    finally:
        db.close()
    return counts


@contextmanager
def whole_file(path: Path) -> Iterator[sqlite_utils.Database]:
    """A new SQLite file that appears under its name only when it is whole and on the disk.

    Raises BackupError when the file exists.
    """
    if path.exists():
        raise BackupError(f"{path} exists already. Choose another name, or move it away first.")
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    copy = sqlite_utils.Database(str(partial))
    try:
        yield copy
        copy.close()
        descriptor = os.open(partial, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        os.replace(partial, path)
    finally:
        copy.close()
        partial.unlink(missing_ok=True)


def table_of(tx: Tx, copy: sqlite_utils.Database, table: Table, where: str = "", **parameters: int) -> int:
    """Writes a table's rows into the copy; returns how many."""
    names = [column.name for column in table.columns]
    copy.table(table.name).create({name: _affinity(table.c[name]) for name in names})
    rows = tx.each(f"SELECT {', '.join(names)} FROM {table.name} {where}", **parameters)
    copy.table(table.name).insert_all((dict(zip(names, row, strict=True)) for row in rows), batch_size=_CHUNK)
    return int(copy.table(table.name).count)


def restore(url: str, path: Path) -> dict[str, int]:
    """Fills an empty database from a backup, in one transaction; returns rows by table.

    Raises BackupError when the file is no backup, is of another version, or the database holds shops already.
    """
    if not path.is_file():
        raise BackupError(f"{path} is not there.")
    copy = sqlite_utils.Database(str(path))
    if not _is_backup(copy):
        raise BackupError(f"{path} is not a backup of Regulars.")
    migrate(url)
    revision = next(iter(copy.table("_regulars").rows))["revision"]
    if revision != head():
        raise BackupError(
            f"The backup is of version {revision}, this app of {head()}. Restore with the app that "
            "made it, then upgrade."
        )
    db = Database.open(url)
    counts: dict[str, int] = {}
    try:
        with db.write() as tx:
            if tx.one("SELECT 1 FROM shops LIMIT 1") is not None:
                raise BackupError("The database is in use. Restore into an empty one.")
            tx.run("DELETE FROM meta")
            tx.run("DELETE FROM leases")
            for table in metadata.sorted_tables:
                names = [column.name for column in table.columns]
                sql = (
                    f"INSERT INTO {table.name} ({', '.join(names)}) "
                    f"VALUES ({', '.join(f':{name}' for name in names)})"
                )
                counts[table.name] = sum(tx.many(sql, chunk) for chunk in chunks(copy, table.name, names))
    finally:
        db.close()
        copy.close()
    return counts


def _is_backup(copy: sqlite_utils.Database) -> bool:
    try:
        return "_regulars" in copy.table_names()
    except sqlite3.DatabaseError:
        return False


def chunks(copy: sqlite_utils.Database, table: str, names: list[str]) -> Iterator[list[dict[str, Any]]]:
    """A copied table's rows, some at a time."""
    chunk: list[dict[str, Any]] = []
    row: Row
    for row in copy.execute(f"SELECT {', '.join(names)} FROM {table}"):
        chunk.append(dict(zip(names, row, strict=True)))
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _affinity(column: Any) -> type:
    kind = column.type.python_type
    return bytes if kind is bytes else int if kind is int else str
