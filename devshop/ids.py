"""Ids, tokens and handles that look like Shopify's and come out the same for the same seed."""

from __future__ import annotations

import hashlib
import uuid

_BIG = 820_982_911_946_154_508  # above 2^53: a reader that goes through a float loses digits
_SMALL = 4_783_296_544_821
_ALWAYS_BIG = frozenset({"LineItem", "Refund", "RefundLineItem"})
_EVERY_SECOND_BIG = frozenset({"Order", "Customer"})


class Ids:
    """Deals out ids from counters that belong to the saved state; unique over all shops of a platform."""

    def __init__(self, seed: int, counters: dict[str, int]) -> None:
        self._seed = seed
        self._counters = counters

    def rehearsal(self) -> Ids:
        """The same ids once more, without dealing them out."""
        return Ids(self._seed, dict(self._counters))

    def _next(self, kind: str) -> tuple[int, bytes]:
        count = self._counters.get(kind, 0) + 1
        self._counters[kind] = count
        return count, hashlib.sha256(f"{self._seed}:{kind}:{count}".encode()).digest()

    def count(self, kind: str) -> int:
        """1, 2, 3 for each kind, e.g. the order numbers of one shop."""
        return self._next(kind)[0]

    def number(self, kind: str) -> int:
        """A new, growing numeric id for a kind such as "Order"."""
        count, noise = self._next(kind)
        big = kind in _ALWAYS_BIG or (kind in _EVERY_SECOND_BIG and count % 2 == 0)
        start = _BIG if big else _SMALL
        return start + self._seed % 1000 * 1_000_000_007 + count * 32_768 + noise[0] * 64 + noise[1] % 64

    def uuid(self, kind: str) -> str:
        """A new UUID (webhook ids, event ids, jti)."""
        return str(uuid.UUID(bytes=self._next(kind)[1][:16], version=4))

    def text(self, kind: str, length: int = 32) -> str:
        """A new hexadecimal string (tokens)."""
        return self._next(kind)[1].hex()[:length]


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def number_of(text: str, kind: str | None = None) -> int | None:
    """The number in gid://shopify/{kind}/{number}, or None if `text` is no such id."""
    parts = text.split("?")[0].split("/")
    if len(parts) != 5 or parts[0] != "gid:" or parts[2] != "shopify" or not parts[4].isdecimal():
        return None
    return int(parts[4]) if kind is None or parts[3] == kind else None
