"""Rate limits: a token bucket for each shopper and each API key, in the memory of this process."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How often one shopper or API key may ask: so many at once, then so many a second. Each process counts alone."""

    reads_at_once: int = 120
    reads_per_s: float = 4.0
    changes_at_once: int = 20
    changes_per_s: float = 0.5
    api_at_once: int = 120
    api_per_s: float = 10.0


class Buckets:
    """One bucket per key. Holds at most `capacity` keys and forgets the one filled longest ago first.

    A forgotten key starts with a full bucket, as a new one does.
    """

    def __init__(
        self,
        at_once: int,
        per_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        capacity: int = 50_000,
    ) -> None:
        self._at_once = float(at_once)
        self._per_s = per_s
        self._clock = clock
        self._capacity = capacity
        self._levels: dict[Hashable, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, key: Hashable) -> int:
        """0 when the request may pass; else after how many whole seconds it may."""
        now = self._clock()
        with self._lock:
            level, at = self._levels.pop(key, (self._at_once, now))
            level = min(self._at_once, level + (now - at) * self._per_s)
            passes = level >= 1
            self._levels[key] = (level - 1 if passes else level, now)
            if len(self._levels) > self._capacity:
                del self._levels[next(iter(self._levels))]
        return 0 if passes else max(1, math.ceil((1 - level) / self._per_s))

    def level(self, key: Hashable) -> tuple[int, int]:
        """How many may pass at once as things stand, and in how many whole seconds the bucket is full again."""
        with self._lock:
            level, _ = self._levels.get(key, (self._at_once, 0.0))
        return int(level), math.ceil((self._at_once - level) / self._per_s)

    def give_back(self, key: Hashable) -> None:
        """Puts back what `take` took, for a request that is counted elsewhere."""
        with self._lock:
            if key in self._levels:
                level, at = self._levels[key]
                self._levels[key] = (level + 1, at)
