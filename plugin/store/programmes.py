"""Programmes: published versions, never changed, and which one an order is pinned to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from plugin.domain.programme import Programme
from plugin.store.db import Tx, moment, to_ms

_decode = msgspec.json.Decoder(Programme).decode
_encode = msgspec.json.Encoder().encode


def publish(tx: Tx, shop_id: int, programme: Programme, actor: str, now: datetime) -> Programme:
    """Publishes a programme as the shop's next version, in force from `now`; returns it with its number."""
    row = tx.one(
        "SELECT COALESCE(MAX(version), 0) + 1, MAX(published_at) FROM programmes WHERE shop_id = :s",
        s=shop_id,
    )
    assert row is not None
    published_at = max(to_ms(now) or 0, (row[1] or -1) + 1)  # two versions never share a moment
    numbered = replace(programme, version=int(row[0]))
    tx.run(
        "INSERT INTO programmes (shop_id, version, published_at, actor, document) "
        "VALUES (:s, :v, :t, :actor, :document)",
        s=shop_id,
        v=numbered.version,
        t=published_at,
        actor=actor,
        document=_encode(numbered).decode(),
    )
    return numbered


class Versions:
    """All versions of one shop, for picking the one in force at a moment. Immutable rows, so freely cached."""

    def __init__(
        self,
        rows: list[tuple[datetime, Programme]],
        corrections: Sequence[tuple[datetime, datetime, int]] = (),
    ) -> None:
        self._rows = rows
        self._corrections = corrections
        self._by_version = {programme.version: programme for _, programme in rows}
        # What any version asks of orders, so that a shop which asks nothing pays nothing.
        self.asks_details = any(p.orders.asks_products or not p.orders.credit for _, p in rows)
        self.named_tags = frozenset(tag.casefold() for _, p in rows for tag in p.orders.excluded_tags)
        # Whether any order of the shop may depend on other orders of its member.
        self.crosses_orders = any(programme.orders.crosses_orders for _, programme in rows)

    def at(self, moment_: datetime) -> Programme | None:
        """The version an order placed at that moment counts by, or None before the first.

        It is the one published at or before the moment, unless a correction chose another for that time.
        """
        for since, until, version in self._corrections:
            if since <= moment_ < until:
                return self._by_version[version]
        found = None
        for published_at, programme in self._rows:
            if published_at > moment_:
                break
            found = programme
        return found

    def numbered(self, version: int | None) -> Programme | None:
        """The version of that number."""
        return None if version is None else self._by_version.get(version)

    @property
    def first_at(self) -> datetime | None:
        """When the first version came into force."""
        return self._rows[0][0] if self._rows else None

    @property
    def published(self) -> list[tuple[datetime, Programme]]:
        """Every version with its moment, the oldest first."""
        return self._rows

    @property
    def latest(self) -> Programme | None:
        """The newest version."""
        return self._rows[-1][1] if self._rows else None


def versions(tx: Tx, shop_id: int) -> Versions:
    """Every version of a shop. Versions are immutable, so the decoded documents are kept in memory."""
    stamp = tx.one(
        "SELECT COUNT(*), MAX(published_at), (SELECT MAX(c.correction_id) FROM corrections c WHERE c.shop_id = :s) "
        "FROM programmes WHERE shop_id = :s",
        s=shop_id,
    )
    cached = tx.cache.get(("programmes", shop_id))
    if cached is not None and cached[0] == stamp:
        found: Versions = cached[1]
        return found
    rows = tx.all(
        "SELECT published_at, document FROM programmes WHERE shop_id = :s ORDER BY version", s=shop_id
    )
    corrected = tx.all(
        "SELECT since, until, version FROM corrections WHERE shop_id = :s AND version IS NOT NULL "
        "ORDER BY correction_id DESC",
        s=shop_id,
    )
    found = Versions(
        [(moment(published_at), _decode(document)) for published_at, document in rows],
        [(moment(since), moment(until), version) for since, until, version in corrected],
    )
    tx.cache["programmes", shop_id] = (stamp, found)
    return found
