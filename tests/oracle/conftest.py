"""Many fresh databases in one test: a random world each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from plugin.store.db import Database

FreshDatabase = Callable[[], AbstractContextManager[Database]]


@pytest.fixture
def fresh(_sqlite_template: Path) -> FreshDatabase:
    """Opens a fresh, migrated SQLite file as often as asked, and removes it afterwards."""

    @contextmanager
    def opened() -> Iterator[Database]:
        with TemporaryDirectory(prefix="regulars-world-") as folder:
            path = Path(folder) / "world.db"
            shutil.copyfile(_sqlite_template, path)
            database = Database.open(f"sqlite:///{path}")
            try:
                yield database
            finally:
                database.close()

    return opened
