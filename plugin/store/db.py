"""Opens the database: one way to read and write on SQLite and PostgreSQL, with short write locks."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import msgspec
import psycopg

from plugin.errors import StorageBusy
from plugin.store.connections import (
    begin_immediate,
    commit_sqlite,
    connect,
    lost,
    retry_sqlite,
    storage_failed,
)
from plugin.store.turns import Turns

Row = tuple[Any, ...]
_json = msgspec.json.Encoder().encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SLICE = 500
_INSERT = re.compile(r"(INSERT INTO .* VALUES )\(((?:\s*:[a-z_0-9]+\s*,?)+)\)(.*)", re.DOTALL)
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


def to_ms(moment: datetime | None) -> int | None:
    """Aware datetime to epoch milliseconds, rounded down: the form every `*_at` column has."""
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND


def from_ms(value: int | None) -> datetime | None:
    """Epoch milliseconds to aware UTC datetime."""
    return None if value is None else moment(value)


def moment(value: int) -> datetime:
    """Like `from_ms` for a column that is never null."""
    # Not datetime.fromtimestamp: a float of seconds loses the millisecond now and then.
    return _EPOCH + timedelta(milliseconds=value)


@lru_cache(maxsize=1024)
def _one_insert(sql: str) -> tuple[str, list[str], str] | None:
    """An INSERT of one row of plain parameters, cut at its values; None for any other statement."""
    found = _INSERT.fullmatch(sql)
    if found is None or "%" in sql or _PARAMETER.search(found[3]):
        return None
    return found[1], [name.strip().removeprefix(":") for name in found[2].split(",")], found[3]


@lru_cache(maxsize=1024)
def _postgres_text(sql: str) -> str:
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))


class Tx:
    """One transaction. Parameters are `:name` on both engines; rows are plain tuples."""

    __slots__ = ("_connection", "_cursor", "cache", "engine")

    def __init__(
        self, connection: Any, engine: Literal["sqlite", "postgresql"], cache: dict[Any, Any] | None = None
    ) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self.engine = engine
        # Decoded immutable rows, kept by the Database between transactions.
        self.cache = {} if cache is None else cache

    def run(self, sql: str, /, **parameters: Any) -> int:
        """Runs one statement; returns the number of rows it touched."""
        self._execute(sql, parameters)
        return int(self._cursor.rowcount)

    def one(self, sql: str, /, **parameters: Any) -> Row | None:
        """The first row, or None."""
        self._execute(sql, parameters)
        row: Row | None = self._cursor.fetchone()
        return row

    def all(self, sql: str, /, **parameters: Any) -> list[Row]:
        """Every row."""
        self._execute(sql, parameters)
        rows: list[Row] = self._cursor.fetchall()
        return rows

    def each(self, sql: str, /, **parameters: Any) -> Iterator[Row]:
        """Rows one by one, for reports that would not fit in memory. Do not use the transaction meanwhile."""
        if self.engine == "postgresql":
            with self._connection.cursor(name="each") as cursor:
                cursor.itersize = 5000
                cursor.execute(_postgres_text(sql), parameters)
                yield from cursor
        else:
            yield from self._connection.execute(sql, parameters)

    def many(self, sql: str, rows: Sequence[dict[str, Any]]) -> int:
        """Runs one statement for each row, as one set; returns the number of rows touched in all."""
        if not rows:
            return 0
        if self.engine == "sqlite":
            self._cursor.executemany(sql, rows)
        elif (insert := _one_insert(sql)) is not None:
            return self._insert(insert, rows)
        else:
            self._cursor.executemany(_postgres_text(sql), rows)
        return int(self._cursor.rowcount)

    def run_among(self, sql: str, values: Iterable[Any], /, **parameters: Any) -> int:
        """Runs a statement whose text holds `IN (:among)`, in slices; returns the number of rows touched in all."""
        touched = 0
        for text, names in self._slices(sql, values):
            self._cursor.execute(text, parameters | names)
            touched += int(self._cursor.rowcount)
        return touched

    def among(self, sql: str, values: Iterable[Any], /, **parameters: Any) -> list[Row]:
        """Every row of a query whose text holds `IN (:among)`, asked in slices that both engines accept."""
        found: list[Row] = []
        for text, names in self._slices(sql, values):
            self._cursor.execute(text, parameters | names)
            found += self._cursor.fetchall()
        return found

    def _slices(self, sql: str, values: Iterable[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        wanted = list(values)
        for start in range(0, len(wanted), _SLICE):
            chunk = wanted[start : start + _SLICE]
            if self.engine == "postgresql":
                yield _postgres_text(sql.replace("IN (:among)", "= ANY(:among)")), {"among": chunk}
            else:
                # One parameter: with hundreds of names SQLite searches its list of them for each, and every length
                # would be another statement to prepare.
                yield (
                    sql.replace("(:among)", "(SELECT value FROM json_each(:among))"),
                    {"among": _json(chunk).decode()},
                )

    def _insert(self, insert: tuple[str, list[str], str], rows: Sequence[dict[str, Any]]) -> int:
        # One statement of many rows: PostgreSQL then plans, locks and logs once instead of once a row.
        head, names, tail = insert
        one_row = "(" + ",".join(["%s"] * len(names)) + ")"
        touched = 0
        for start in range(0, len(rows), _SLICE):
            chunk = rows[start : start + _SLICE]
            flat = [row[name] for row in chunk for name in names]
            self._cursor.execute(head + ",".join([one_row] * len(chunk)) + tail, flat, prepare=False)
            touched += int(self._cursor.rowcount)
        return touched

    def _execute(self, sql: str, parameters: dict[str, Any]) -> None:
        self._cursor.execute(_postgres_text(sql) if self.engine == "postgresql" else sql, parameters)


class Database:
    """A database address and this process's connections to it, one per thread."""

    def __init__(self, url: str, turns: Callable[[], Turns] = Turns) -> None:
        self.url = url
        self.engine: Literal["sqlite", "postgresql"] = "sqlite" if url.startswith("sqlite") else "postgresql"
        self._local = threading.local()
        self._turns = turns
        self._opened: list[Any] = []
        self._cache: dict[Any, Any] = {}
        self._guard = threading.Lock()

    @classmethod
    def open(cls, url: str) -> Database:
        """Opens without connecting; the first use connects. `sqlite:///path` or `postgresql://…`."""
        return cls(url)

    @property
    def path(self) -> str:
        """The file of a SQLite database."""
        return self.url.removeprefix("sqlite:///")

    @contextmanager
    def write(self, shop_id: int | None = None) -> Iterator[Tx]:
        """A write transaction, committed at the end, rolled back on any error.

        With `shop_id` it is the only ledger writer of that shop until it ends: on SQLite the one write lock
        serves, on PostgreSQL the shop's row is locked. Raises StorageBusy when the lock is not free in time.
        """
        with self._transaction("write") as tx:
            if shop_id is not None and tx.engine == "postgresql":
                tx.one("SELECT 1 FROM shops WHERE shop_id = :s FOR NO KEY UPDATE", s=shop_id)
            yield tx

    @contextmanager
    def try_write(self, shop_id: int) -> Iterator[Tx | None]:
        """The worker's `write(shop_id)`: yields None at once when another worker holds the shop.

        On SQLite, where everything waits for one lock, it takes turns with those who write meanwhile.
        """
        if self.engine == "postgresql":
            with self._transaction("write") as tx:
                held = tx.one(
                    "SELECT 1 FROM shops WHERE shop_id = :s FOR NO KEY UPDATE SKIP LOCKED", s=shop_id
                )
                yield tx if held else None
            return
        turns = self._turn()
        turns.wait(self._connection())
        with self._transaction("write") as tx:
            turns.begins()
            yield tx
        turns.ends()

    @property
    def crowded(self) -> bool:
        """Whether others wrote between this thread's last turns at SQLite's lock: they wait less behind short ones."""
        return self.engine == "sqlite" and self._turn().crowded

    def _turn(self) -> Turns:
        turns: Turns | None = getattr(self._local, "turns", None)
        if turns is None:
            turns = self._local.turns = self._turns()
        return turns

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A read transaction: one consistent view on SQLite; statements of one connection on PostgreSQL."""
        with self._transaction("read") as tx:
            yield tx

    def close(self) -> None:
        """Closes every connection this process opened. Idempotent."""
        with self._guard:
            for connection in self._opened:
                try:
                    connection.close()
                except (sqlite3.Error, psycopg.Error):
                    continue
            self._opened.clear()
        self._local = threading.local()

    @contextmanager
    def _transaction(self, kind: Literal["read", "write"]) -> Iterator[Tx]:
        connection = self._connection()
        try:
            self._begin(connection, kind)
            tx = Tx(connection, self.engine, self._cache)
            yield tx
            if self.engine == "sqlite":
                commit_sqlite(connection)
            else:
                connection.commit()
        except BaseException as error:
            lost = self.engine == "postgresql" and bool(connection.closed)
            self._abandon(connection)
            if storage_failed(error) or (lost and isinstance(error, psycopg.Error)):
                raise StorageBusy("The database could not finish this. Try again in a moment.") from error
            raise

    def _begin(self, connection: Any, kind: Literal["read", "write"]) -> None:
        if self.engine == "sqlite":
            if kind == "write":
                begin_immediate(connection)
            else:
                connection.execute("BEGIN")
                # Takes the view now, where it can be retried: another process may be recovering the log.
                retry_sqlite(connection, "SELECT 1 FROM sqlite_master LIMIT 1")

    def _abandon(self, connection: Any) -> None:
        try:
            connection.rollback()
        except (sqlite3.Error, psycopg.Error):
            self._forget(connection)
            return
        if self.engine == "postgresql" and (connection.closed or connection.broken):
            self._forget(connection)

    def _forget(self, connection: Any) -> None:
        with self._guard:
            if connection in self._opened:
                self._opened.remove(connection)
        try:
            connection.close()
        except (sqlite3.Error, psycopg.Error):
            pass
        self._local.__dict__.clear()

    def _connection(self) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is not None and self.engine == "postgresql" and lost(connection):
            self._forget(connection)
            connection = None
        if connection is None:
            connection = connect(self.url)
            self._local.connection = connection
            with self._guard:
                self._opened.append(connection)
        return connection
