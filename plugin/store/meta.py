"""The installation's own facts: the development clock's offset, and leases that one process holds at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from plugin.store.db import Tx, to_ms

# The worker's lease; on PostgreSQL each worker has one, `worker:` and its name.
WORKER = "worker"


def get(tx: Tx, key: str) -> str | None:
    """A value of the installation, or None."""
    row = tx.one("SELECT value FROM meta WHERE key = :k", k=key)
    return None if row is None else str(row[0])


def put(tx: Tx, key: str, value: str) -> None:
    """Stores a value of the installation."""
    tx.run(
        "INSERT INTO meta (key, value) VALUES (:k, :v) ON CONFLICT (key) DO UPDATE SET value = :v",
        k=key,
        v=value,
    )


def clock_offset(tx: Tx) -> timedelta:
    """How far the development clock stands ahead of real time."""
    return timedelta(milliseconds=int(get(tx, "clock_offset_ms") or 0))


def move_clock(tx: Tx, by: timedelta) -> timedelta:
    """Moves the development clock; returns the new offset."""
    offset = clock_offset(tx) + by
    put(tx, "clock_offset_ms", str(int(offset.total_seconds() * 1000)))
    return offset


def take_lease(tx: Tx, name: str, holder: str, seconds: float) -> bool:
    """Takes or renews a lease in real time. False when another holder has it."""
    now = datetime.now(UTC)
    until = to_ms(now + timedelta(seconds=seconds))
    touched = tx.run(
        "INSERT INTO leases (name, holder, until_at) VALUES (:n, :h, :u) ON CONFLICT (name) DO UPDATE "
        "SET holder = :h, until_at = :u WHERE leases.holder = :h OR leases.until_at <= :t",
        n=name,
        h=holder,
        u=until,
        t=to_ms(now),
    )
    return touched > 0


def drop_lease(tx: Tx, name: str, holder: str) -> None:
    """Gives a lease back."""
    tx.run("DELETE FROM leases WHERE name = :n AND holder = :h", n=name, h=holder)


def forget_dead_workers(tx: Tx) -> None:
    """Removes what workers left behind that were killed."""
    tx.run(
        "DELETE FROM leases WHERE name LIKE :many AND until_at <= :t",
        many=f"{WORKER}:%",
        t=to_ms(datetime.now(UTC)),
    )


def worker(tx: Tx) -> str | None:
    """Who the worker is, or on PostgreSQL one of them; None when none runs."""
    row = tx.one(
        "SELECT MIN(holder) FROM leases WHERE (name = :n OR name LIKE :many) AND until_at > :t",
        n=WORKER,
        many=f"{WORKER}:%",
        t=to_ms(datetime.now(UTC)),
    )
    return None if row is None or row[0] is None else str(row[0])
