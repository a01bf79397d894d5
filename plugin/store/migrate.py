"""Brings a database to the newest revision; safe when several processes start at once."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from plugin.errors import StorageBusy
from plugin.store.connections import begin_immediate, connect

LOCK_WAIT_S = 60
# Any constant will do, as long as every release uses the same: "regulars" as a number.
_ADVISORY_LOCK = 0x7265_6775_6C61_7273
_FOLDER = Path(__file__).parent / "migrations"


def migrate(url: str) -> str:
    """Runs every missing revision in one locked transaction and returns the revision it ended at.

    Another process that migrates at the same moment is waited for, up to 60 s, then StorageBusy. A failure
    leaves the database as it was, because both engines roll table changes back.
    """
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    with _locked(url) as connection:
        # The command would otherwise look for an .ini file: everything it needs is said here.
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        reached = MigrationContext.configure(connection).get_current_revision()
    assert reached is not None
    return reached


def current(url: str) -> str | None:
    """The revision a database is at; None when it was never migrated."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head() -> str:
    """The newest revision this release knows."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None
    return newest


def draft(url: str, message: str) -> Path:
    """Writes the next revision from the difference between `plugin/store/schema/` and a database at head.

    For developers: read the file before you keep it, and add triggers by hand.
    """
    number = len(list(_FOLDER.glob("versions/[0-9]*.py"))) + 1
    with _locked(url) as connection:
        config = _config()
        config.attributes["connection"] = connection
        made = command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")
        assert not isinstance(made, list)
        assert made is not None
    return Path(made.path)


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


def _engine(url: str) -> Engine:
    dialect = "sqlite://" if url.startswith("sqlite") else "postgresql+psycopg://"
    # Our own connection, so that DATABASE_URL means the same here as everywhere else.
    return create_engine(dialect, creator=lambda: connect(url), poolclass=NullPool)


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    engine = _engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "begin", lambda connection: _begin_sqlite(connection))
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                _lock_postgresql(connection)
            yield connection
    finally:
        engine.dispose()


def _begin_sqlite(connection: Connection) -> None:
    """The write lock of SQLite is the lock; waits longer than a request would."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # SQLAlchemy does not say which driver's it is
    # A revision that rebuilds a table needs this, it cannot be said inside a transaction, and it ends with this
    # connection. Such a revision checks the references itself.
    raw.execute("PRAGMA foreign_keys=OFF")
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return begin_immediate(raw)
        except StorageBusy:
            if time.monotonic() > deadline:
                raise


def _lock_postgresql(connection: Connection) -> None:
    try:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    except OperationalError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise StorageBusy("Another process is migrating this database. Try again in a minute.") from error
        raise


if __name__ == "__main__":
    sys.stdout.write(f"{draft(sys.argv[1], sys.argv[2])}\n")
