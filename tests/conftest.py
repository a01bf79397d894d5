"""Fixtures for every test: fresh, migrated databases on both engines, and a PostgreSQL that can be broken."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, expect

from plugin.store.db import Database
from plugin.store.migrate import migrate
from tests.browser import opened
from tests.pg_pool import PgPool
from tests.postgres import PgServer

# No deadline: how long an example takes depends on the machine, and a test must not.
settings.register_profile(
    "default",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser test is tried once more before it fails; -raR names it (docs/decisions/browser-tests-once-more.md)."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for this test process: Playwright allows only one of itself at a time."""
    # Waiting costs nothing while all goes well; Playwright's own 5 s are too few on a machine that has other work.
    expect.set_options(timeout=30_000)
    with opened() as found:
        yield found


@pytest.fixture(scope="session")
def _pg_session() -> Iterator[PgServer]:
    server = PgServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def pg_server(_pg_session: PgServer) -> Iterator[PgServer]:
    """The PostgreSQL of this test process, running; the test may `stop`, `start` and `restart` it."""
    _pg_session.start()
    yield _pg_session
    _pg_session.start()


@pytest.fixture(scope="session")
def _postgres_template(_pg_session: PgServer) -> str:
    """A migrated database that is only ever copied."""
    _pg_session.execute("CREATE DATABASE migrated TEMPLATE template0")
    migrate(_pg_session.url("migrated"))
    return "migrated"


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that is only ever copied."""
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    migrate(f"sqlite:///{path}")
    # A copy of the file alone is the whole database only after the write-ahead log was folded into it.
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a fresh, migrated SQLite file."""
    path = tmp_path / "regulars.db"
    shutil.copyfile(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_pool(_pg_session: PgServer, _postgres_template: str) -> PgPool:
    """Migrated databases of this test process, emptied between tests."""
    return PgPool(_pg_session, _postgres_template)


@pytest.fixture
def postgres_url(pg_server: PgServer, postgres_pool: PgPool) -> Iterator[str]:
    """The address of a migrated PostgreSQL database, as if fresh; emptied afterwards, connected or not."""
    name = postgres_pool.take()
    yield pg_server.url(name)
    pg_server.start()
    postgres_pool.give_back(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh, migrated database: the test runs once on each engine."""
    return cast(str, request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def blank_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a single table, on each engine: for tests of the migrations."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'blank.db'}"
        return
    server: PgServer = request.getfixturevalue("pg_server")
    name = server.create()
    yield server.url(name)
    server.start()
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database, opened; its connections are closed afterwards."""
    opened = Database.open(database_url)
    yield opened
    opened.close()
