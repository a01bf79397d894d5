"""Fixtures of the books: Alice's, and the proof that Mallory's stand still beside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.store.db import Database
from tests.books import Books, everything
from tests.facts import seen


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of one database per engine that tests share, each with shops of its own."""
    if request.param == "postgresql":
        server = request.getfixturevalue("_pg_session")
        server.start()
        return str(server.url(server.create(request.getfixturevalue("_postgres_template"))))
    template: Path = request.getfixturevalue("_sqlite_template")
    path = tmp_path_factory.mktemp("installation") / "shared.db"
    shutil.copyfile(template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def shared(installation: str) -> Iterator[Database]:
    """The shared database, opened."""
    opened = Database.open(installation)
    yield opened
    opened.close()


@pytest.fixture
def mallory(shared: Database) -> Books:
    """Another merchant's shop on the same database: customers and orders of the same numbers."""
    theirs = Books(shared, name="mallory")
    theirs.tell(seen(1), seen(2, customer_id=8))
    theirs.join(7)
    return theirs


@pytest.fixture
def books(shared: Database, mallory: Books) -> Iterator[Books]:
    """Alice's shop. Whatever a test does in it, Mallory's books are untouched."""
    before = everything(shared, mallory.shop_id)
    yield Books(shared)
    assert everything(shared, mallory.shop_id) == before
