"""The scene of the page tests: on both engines, with Alice's and Mallory's shops installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugin.store.db import Database
from tests.pages.scene import ALICE, MALLORY, Scene, make_scene


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    """Alice's and Mallory's shops, installed and with a programme."""
    made = make_scene(database)
    made.install(ALICE)
    made.install(MALLORY)
    yield made
    made.web.reader.close()


@pytest.fixture
def light(sqlite_url: str) -> Iterator[Scene]:
    """The same on SQLite only, for what does not depend on the engine."""
    database = Database.open(sqlite_url)
    made = make_scene(database)
    made.install(ALICE)
    made.install(MALLORY)
    yield made
    made.web.reader.close()
    database.close()
