"""Fixtures of the worker tests: worlds on each engine, shared by the tests of a file because they are costly."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.world import World


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated database for all tests of one file."""
    if request.param == "postgresql":
        server, pool = request.getfixturevalue("_pg_session"), request.getfixturevalue("postgres_pool")
        server.start()
        name = pool.take()
        yield server.url(name)
        server.start()
        pool.give_back(name)
        return
    template: Path = request.getfixturevalue("_sqlite_template")
    path = tmp_path_factory.mktemp("world") / "world.db"
    shutil.copyfile(template, path)
    yield f"sqlite:///{path}"


@pytest.fixture(scope="module")
def world(world_url: str) -> Iterator[World]:
    """A shop that installed the app, shared by the tests of one file: each brings customers of its own."""
    made = World(world_url)
    yield made
    made.close()
