"""Taking turns at SQLite's one write lock: who works off a backlog leaves most of the time to the others."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable


class Turns:
    """One connection's manners at the write lock.

    A drain with a backlog takes the lock again the moment it gave it back, and the intake, which has five seconds
    to answer Shopify, would get in only by luck. So when another connection wrote since the last turn, the next one
    begins no sooner than after a pause three times as long as that turn was. Who is alone never waits.
    """

    # With the lock for half of the time the intake kept 45 % of its throughput, with a quarter of it 72 %.
    PAUSE = 3

    def __init__(
        self, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sleep, self._clock = sleep, clock
        self._version: int | None = None
        self.crowded = False
        self._began = self._ended = 0.0

    def wait(self, connection: sqlite3.Connection) -> None:
        """Leaves the lock to others for a moment, if others there are."""
        # SQLite changes this number when another connection commits, and never for our own commits.
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        self.crowded = self._version not in (None, version)
        self._version = version
        rest = self._ended + self.PAUSE * (self._ended - self._began) - self._clock()
        if self.crowded and rest > 0:
            self._sleep(rest)

    def begins(self) -> None:
        """The lock is ours."""
        self._began = self._clock()

    def ends(self) -> None:
        """The lock is free."""
        self._ended = self._clock()
