"""What passed between the shop and the app, for people to look at: webhooks, Admin API, app proxy, tokens."""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from devshop.records import Delivery

KINDS = ("webhook", "graphql", "proxy", "token")
KEPT = 400  # entries; older ones are forgotten
MAX_TEXT = 20_000  # characters of one side of an entry


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange. `at` is the shop's time; readable() makes text of `sent` and `answered`."""

    number: int
    at: datetime
    kind: str
    shop: str
    title: str
    outcome: str
    good: bool
    ms: int
    sent: object
    answered: object
    delivery: Delivery | None = None


class Journal:
    """The latest exchanges, newest last. Headers are never kept: they hold tokens and signatures."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(
        self,
        kind: str,
        shop: str,
        title: str,
        *,
        outcome: str,
        good: bool,
        seconds: float,
        sent: object = "",
        answered: object = "",
        delivery: Delivery | None = None,
    ) -> None:
        """Keeps one exchange; the oldest goes when there are too many."""
        with self._lock:
            self._entries.append(
                Entry(
                    next(self._numbers),
                    self._now(),
                    kind,
                    shop,
                    title,
                    outcome,
                    good,
                    round(seconds * 1000),
                    sent,
                    answered,
                    delivery,
                )
            )

    def entries(self, shop: str, kind: str | None = None) -> list[Entry]:
        """The exchanges of one shop, newest first."""
        with self._lock:
            found = list(self._entries)
        return [one for one in reversed(found) if one.shop == shop and kind in (None, one.kind)]

    def entry(self, number: int) -> Entry | None:
        """One exchange by its number, while it is still kept."""
        with self._lock:
            return next((one for one in self._entries if one.number == number), None)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


def readable(value: object) -> str:
    """Bytes, text or plain data as readable text; JSON is laid out."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        if value[:1] in ("{", "["):
            try:
                value = json.loads(value)
            except ValueError:
                return str(value)[:MAX_TEXT]
        else:
            return value[:MAX_TEXT]
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)[:MAX_TEXT]
