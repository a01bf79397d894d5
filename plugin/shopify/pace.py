"""Keeps to the platform's budget: what is left in each shop's bucket, and how long a call must wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Until a document was once answered, it is thought to cost this much.
UNKNOWN_COST = 10.0


@dataclass(slots=True)
class _Bucket:
    available: float
    maximum: float
    restore_rate: float
    at: float


@dataclass(slots=True)
class Pace:
    """The buckets of all shops in this process; one for all clients. Thread-safe.

    The platform refills a bucket by `restoreRate` points a second up to `maximumAvailable`, per app and shop
    (shopify.dev/docs/api/usage/limits); other processes draw from the same bucket, so this is an estimate.
    """

    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _costs: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, domain: str, document: str) -> float:
        """Seconds until the shop's bucket holds what this document asked for last time; mostly 0."""
        with self._lock:
            bucket = self._buckets.get(domain)
            if bucket is None:
                return 0.0
            cost = min(self._costs.get(document, UNKNOWN_COST), bucket.maximum)
            missing = cost - self._available(bucket)
            return missing / bucket.restore_rate if missing > 0 else 0.0

    def learn(self, domain: str, document: str, cost: dict[str, Any] | None) -> None:
        """Takes note of `extensions.cost` of an answer."""
        status = (cost or {}).get("throttleStatus")
        if not cost or not isinstance(status, dict) or "currentlyAvailable" not in status:
            return
        with self._lock:
            self._buckets[domain] = _Bucket(
                available=float(status["currentlyAvailable"] or 0),
                maximum=float(status.get("maximumAvailable") or 1000),
                restore_rate=float(status.get("restoreRate") or 50) or 50.0,
                at=self.clock(),
            )
            self._costs[document] = float(cost.get("requestedQueryCost") or UNKNOWN_COST)

    def _available(self, bucket: _Bucket) -> float:
        return min(bucket.maximum, bucket.available + (self.clock() - bucket.at) * bucket.restore_rate)
