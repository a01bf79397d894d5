"""Turns at SQLite's write lock: who works off a backlog waits when others write, and never when nobody does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugin.store.db import Database, Tx
from plugin.store.turns import Turns


class Time:
    """A clock that stands still until somebody sleeps or works."""

    def __init__(self) -> None:
        self.at = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def worker(sqlite_url: str, time: Time) -> Iterator[Database]:
    opened = Database(sqlite_url, lambda: Turns(time.sleep, lambda: time.at))
    yield opened
    opened.close()


@pytest.fixture
def intake(sqlite_url: str) -> Iterator[Database]:
    opened = Database.open(sqlite_url)
    yield opened
    opened.close()


def turn(db: Database, time: Time, lasts: float = 3.0) -> None:
    with db.try_write(1) as tx:
        assert tx is not None
        put(tx)
        time.at += lasts


def put(tx: Tx) -> None:
    tx.run(
        "INSERT INTO meta (key, value) VALUES ('k', 'v') ON CONFLICT (key) DO UPDATE SET value = value || 'x'"
    )


def write(db: Database) -> None:
    with db.write() as tx:
        put(tx)


def test_alone_it_never_waits(worker: Database, time: Time) -> None:
    for _ in range(3):
        turn(worker, time)
    assert time.slept == []


def test_when_another_connection_wrote_it_waits_three_times_as_long_as_it_held_the_lock(
    worker: Database, intake: Database, time: Time
) -> None:
    turn(worker, time)
    write(intake)
    turn(worker, time, lasts=5.0)
    assert time.slept == [9.0]
    assert worker.crowded
    turn(worker, time)  # nobody wrote since
    assert time.slept == [9.0]
    assert not worker.crowded


def test_what_it_did_without_the_lock_counts_as_waiting(
    worker: Database, intake: Database, time: Time
) -> None:
    turn(worker, time)
    write(intake)
    time.at += 2.0  # the next batch is decoded
    turn(worker, time)
    assert time.slept == [7.0]
    write(intake)
    time.at += 60.0
    turn(worker, time)
    assert time.slept == [7.0]


def test_looking_is_no_writing(worker: Database, intake: Database, time: Time) -> None:
    turn(worker, time)
    with intake.read() as tx:
        tx.one("SELECT 1 FROM meta")
    turn(worker, time)
    assert time.slept == []
