"""The app's clock: real time, plus in development an offset that all processes share through the database."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime, timedelta

from plugin.store import meta
from plugin.store.db import Database

_KEEP_S = 0.25


class Clock:
    """`now()` for everything that is not a signature, a token or a lease: those keep real time."""

    def __init__(self, db: Database, *, movable: bool) -> None:
        self._db = db
        self._movable = movable
        self._offset = timedelta(0)
        self._read_at = 0.0
        self._guard = threading.Lock()

    def now(self) -> datetime:
        """The time now, aware UTC. The offset is read again after a quarter of a second."""
        if not self._movable:
            return datetime.now(UTC)
        with self._guard:
            if time.monotonic() - self._read_at > _KEEP_S:
                connection = Database(self._db.url)
                try:
                    with connection.read() as tx:
                        self._offset = meta.clock_offset(tx)
                finally:
                    connection.close()
                self._read_at = time.monotonic()
            return datetime.now(UTC) + self._offset

    @staticmethod
    def span(text: str) -> timedelta:
        """A span such as +15d, +6h, +30m or +10s. Raises ValueError that says what to write."""
        found = re.fullmatch(r"\+?(\d{1,5})([dhms])", text.strip())
        if found is None:
            raise ValueError("Write a span such as +15d, +6h or +30m. The clock only moves forward.")
        unit = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}[found[2]]
        return timedelta(**{unit: int(found[1])})

    def move(self, by: timedelta) -> datetime:
        """Moves the clock of every process of this installation; returns the new time."""
        with self._db.write() as tx:
            self._offset = meta.move_clock(tx, by)
        with self._guard:
            self._read_at = time.monotonic()
        return datetime.now(UTC) + self._offset
