"""Admits webhooks of shops that have not installed, within limits: a stranger must not fill the disk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

from plugin.errors import StorageBusy
from plugin.store import shops
from plugin.store.db import Tx, moment

HOUR_MS = 3_600_000
# How long the counted sums are believed. A purge or an install lowers them, so a refusal is checked sooner.
BELIEVED_S = 300.0
BELIEVED_WHEN_FULL_S = 10.0

_SUMS = (
    "SELECT i.shop_id, count(*), sum(length(i.body)) FROM shops s JOIN inbox i ON i.shop_id = s.shop_id"
    " WHERE s.state NOT IN ('installed', 'uninstalled') GROUP BY i.shop_id"
)


@dataclass(frozen=True, slots=True)
class WaitingLimits:
    """What shops that have not installed may occupy, per process that takes webhooks in."""

    rows_per_shop: int = 10_000
    bytes_in_all: int = 1_000_000_000
    new_shops_per_hour: int = 500


class Admitted(NamedTuple):
    """A shop whose webhook may be stored; `limited` while it has not installed."""

    shop_id: int
    limited: bool


class Waiting:
    """Remembers what waiting shops occupy. The webhook's shop header is not signed, so anyone who holds one
    signed body could invent shops and webhook ids without end."""

    def __init__(self, limits: WaitingLimits) -> None:
        self.limits = limits
        self._rows: dict[int, int] = {}
        self._bytes = 0
        self._counted_at_s: float | None = None

    def admit(self, tx: Tx, domain: str, size: int, now_ms: int) -> Admitted | StorageBusy:
        """The shop, or the refusal. A refusal is a 503: Shopify sends again for four hours, and a
        shop that installs meanwhile is let in. Nothing is dropped behind a 200."""
        found = tx.one("SELECT shop_id, state FROM shops WHERE domain = :domain", domain=domain)
        if found is not None and found[1] in ("installed", "uninstalled"):
            return Admitted(int(found[0]), limited=False)
        self._count_again(tx, BELIEVED_S)
        shop_id = None if found is None else int(found[0])
        if not self._fits(shop_id, size):
            self._count_again(tx, BELIEVED_WHEN_FULL_S)
            if not self._fits(shop_id, size):
                return _refusal()
        if shop_id is not None:
            return Admitted(shop_id, limited=True)
        if self._new_shops(tx, now_ms) >= self.limits.new_shops_per_hour:
            return _refusal()
        return Admitted(shops.ensure(tx, domain, moment(now_ms)), limited=True)

    def count(self, shop_id: int, size: int) -> None:
        """Adds a stored row to the sums."""
        self._rows[shop_id] = self._rows.get(shop_id, 0) + 1
        self._bytes += size

    def forget(self) -> None:
        """Counts afresh next time, after a transaction that was rolled back."""
        self._counted_at_s = None

    def _fits(self, shop_id: int | None, size: int) -> bool:
        rows = 0 if shop_id is None else self._rows.get(shop_id, 0)
        return rows < self.limits.rows_per_shop and self._bytes + size <= self.limits.bytes_in_all

    def _count_again(self, tx: Tx, believed_s: float) -> None:
        now_s = time.monotonic()
        if self._counted_at_s is not None and now_s - self._counted_at_s < believed_s:
            return
        sums = tx.all(_SUMS)
        self._rows = {int(shop_id): int(rows) for shop_id, rows, _ in sums}
        self._bytes = sum(int(size) for _, _, size in sums)
        self._counted_at_s = now_s

    def _new_shops(self, tx: Tx, now_ms: int) -> int:
        found = tx.one(
            "SELECT count(*) FROM shops WHERE state = 'waiting' AND first_seen_at > :since",
            since=now_ms - HOUR_MS,
        )
        assert found is not None
        return int(found[0])


def _refusal() -> StorageBusy:
    return StorageBusy(
        "Too many webhooks wait for shops that have not installed this app. Send it again later.",
        code="waiting_room_full",
    )
