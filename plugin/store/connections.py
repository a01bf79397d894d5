"""Connections to either engine with this project's settings, and what counts as the storage's own trouble."""

from __future__ import annotations

import select
import sqlite3
import time
from typing import Any

import psycopg

from plugin.errors import ConfigError, StorageBusy

BUSY_WAIT_S = 4.0
BUSY_RETRY_S = 0.0005


def connect(url: str) -> Any:
    """A raw driver connection with this project's settings. Raises StorageBusy when PostgreSQL is away."""
    if url.startswith("sqlite"):
        return connect_sqlite(url.removeprefix("sqlite:///"))
    try:
        return psycopg.connect(url, connect_timeout=5, prepare_threshold=3)
    except psycopg.OperationalError as error:
        raise StorageBusy(
            "PostgreSQL does not answer. Check DATABASE_URL and that the server runs."
        ) from error


def connect_sqlite(path: str) -> sqlite3.Connection:
    """A SQLite connection: WAL, every commit on disk before it is acknowledged, no sleeping back-off."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_WAIT_S, check_same_thread=False)
    except sqlite3.OperationalError as error:
        raise ConfigError(
            f"The database file {path} cannot be opened. Make its folder, or run `regulars migrate` first."
        ) from error
    connection.execute("PRAGMA page_size=8192")
    # Two processes that open a new file at once meet here, and SQLite does not wait on its own.
    retry_sqlite(connection, "PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    # Without it INSERT OR REPLACE deletes a row behind the back of the triggers that guard the ledger.
    connection.execute("PRAGMA recursive_triggers=ON")
    connection.execute("PRAGMA wal_autocheckpoint=10000")
    connection.execute("PRAGMA cache_size=-32768")
    # SQLite's own busy handler sleeps up to 100 ms a time; we retry every 0.5 ms ourselves.
    connection.execute("PRAGMA busy_timeout=0")
    return connection


def begin_immediate(connection: sqlite3.Connection) -> None:
    """Takes SQLite's write lock, retrying every 0.5 ms for 4 s. Raises StorageBusy after that."""
    retry_sqlite(connection, "BEGIN IMMEDIATE")


def commit_sqlite(connection: sqlite3.Connection) -> None:
    """Commits; a reader that starts a checkpoint can make it busy for a moment, so it is retried too."""
    if connection.in_transaction:
        retry_sqlite(connection, "COMMIT")


def storage_failed(error: BaseException) -> bool:
    """True for a fault of the storage (full disk, lost server, deadlock), False for one of the statement or its data.

    Everybody above hears of the first as StorageBusy and tries again; the second is the fault of whoever asked.
    """
    if isinstance(error, psycopg.Error):
        state = error.sqlstate
        if state is None:  # the driver's own word: the server is not there, or hung up
            return isinstance(error, psycopg.OperationalError)
        return state[:2] in _POSTGRESQL_FAULTS or state == _READ_ONLY
    return isinstance(error, sqlite3.OperationalError) and _primary_code(error) in _SQLITE_FAULTS


# Classes of SQLSTATE: connection, rolled back (deadlock), resources (disk, memory), object in use (lock time-out),
# operator (shutdown, time-out), system. Not 54, a limit that the data exceeds, though psycopg calls it operational.
_POSTGRESQL_FAULTS = frozenset(("08", "40", "53", "55", "57", "58"))
_READ_ONLY = "25006"  # a server that became a standby
_SQLITE_FAULTS = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
    )
)


def _primary_code(error: sqlite3.Error) -> int:
    """The result code without its extension; 0 when Python raised the error itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def retry_sqlite(connection: sqlite3.Connection, statement: str) -> None:
    """Runs a statement, again every 0.5 ms for 4 s while SQLite is busy. Raises StorageBusy after that."""
    deadline = time.monotonic() + BUSY_WAIT_S
    while True:
        try:
            connection.execute(statement).fetchall()
            return
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY:
                raise
            if time.monotonic() > deadline:
                raise StorageBusy("The database is busy. Nothing was written; try again.") from error
            time.sleep(BUSY_RETRY_S)


def lost(connection: Any) -> bool:
    """True when the server has hung up on an idle connection: something to read where nothing was asked."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
