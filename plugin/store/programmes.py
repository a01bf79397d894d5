"""Programmes: published versions, never changed, which one an order is pinned to, and those that are yet to come."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from plugin.domain.programme import Programme
from plugin.store.db import Tx, moment, to_ms

WAITING, IN_EFFECT, CANCELLED = 0, 1, 2
_decode = msgspec.json.Decoder(Programme).decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A version that was published to take effect later."""

    version: int
    effective_at: datetime


def publish(
    tx: Tx,
    shop_id: int,
    programme: Programme,
    actor: str,
    now: datetime,
    *,
    effective_at: datetime | None = None,
) -> Programme:
    """Publishes a programme as the shop's next version, in force from `now` or a later moment; returns it numbered."""
    row = tx.one("SELECT COALESCE(MAX(version), 0) + 1 FROM programmes WHERE shop_id = :s", s=shop_id)
    last = tx.one(
        "SELECT MAX(published_at) FROM programmes p WHERE shop_id = :s AND NOT EXISTS (SELECT 1 FROM schedules c "
        "WHERE c.shop_id = p.shop_id AND c.version = p.version AND c.state = 2)",
        s=shop_id,
    )
    assert row is not None
    assert last is not None
    # Two versions never share a moment.
    published_at = max(to_ms(effective_at or now) or 0, (last[0] or -1) + 1)
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
    if effective_at is not None:
        tx.run(
            "INSERT INTO schedules (shop_id, version, effective_at, state) VALUES (:s, :v, :t, 0)",
            s=shop_id,
            v=numbered.version,
            t=published_at,
        )
    return numbered


def scheduled(tx: Tx, shop_id: int) -> list[Scheduled]:
    """The versions that wait for their moment, the first to come first."""
    rows = tx.all(
        "SELECT version, effective_at FROM schedules WHERE shop_id = :s AND state = 0 ORDER BY effective_at",
        s=shop_id,
    )
    return [Scheduled(row[0], moment(row[1])) for row in rows]


def decided(tx: Tx, shop_id: int, version: int, state: int) -> bool:
    """Marks a version that waited as in effect or cancelled; False when it waits no more."""
    touched = tx.run(
        "UPDATE schedules SET state = :state WHERE shop_id = :s AND version = :v AND state = 0",
        s=shop_id,
        v=version,
        state=state,
    )
    return touched > 0


class Versions:
    """All versions of one shop, for picking the one in force at a moment. Immutable rows, so freely cached."""

    def __init__(
        self,
        rows: list[tuple[datetime, Programme]],
        corrections: Sequence[tuple[datetime, datetime, int]] = (),
        waiting: Collection[int] = (),
        cancelled: Collection[int] = (),
    ) -> None:
        self._rows = [row for row in rows if row[1].version not in cancelled]
        self._corrections = corrections
        self._by_version = {programme.version: programme for _, programme in rows}
        # What any version asks of orders, so that a shop which asks nothing pays nothing.
        campaigns = [one for _, p in rows for one in p.campaigns]
        self.asks_details = any(p.orders.asks_products or not p.orders.credit for _, p in rows) or any(
            one.asks_products for one in campaigns
        )
        tags = [tag for _, p in rows for tag in p.orders.excluded_tags] + [
            t for one in campaigns for t in one.tags
        ]
        self.named_tags = frozenset(tag.casefold() for tag in tags)
        # Whether any order of the shop may depend on other orders of its member.
        self.crosses_orders = any(programme.orders.crosses_orders for _, programme in rows)
        self._taken = [row for row in self._rows if row[1].version not in waiting]
        self.any_referrals = any(programme.referral.enabled for _, programme in rows)

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
    def in_effect(self) -> list[tuple[datetime, Programme]]:
        """As `published`, but for those that wait until the clock brings them into effect."""
        return self._taken

    @property
    def latest(self) -> Programme | None:
        """The version in force now: the newest but for those that wait until the clock brings them into effect."""
        return self._taken[-1][1] if self._taken else None

    def in_currency_since(self, currency: str) -> datetime:
        """Since when all versions have been in this currency: sums of money never mix two."""
        since = self._rows[0][0]
        for (_, before), (published_at, after) in zip(self._rows, self._rows[1:], strict=False):
            if before.currency != after.currency:
                since = published_at
        return since


def versions(tx: Tx, shop_id: int) -> Versions:
    """Every version of a shop. Versions are immutable, so the decoded documents are kept in memory."""
    stamp = tx.one(
        "SELECT COUNT(*), MAX(published_at), (SELECT MAX(c.correction_id) FROM corrections c WHERE c.shop_id = :s), "
        f"{stamp_of(':s')} FROM programmes WHERE shop_id = :s",
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
    rows_of_state = tx.all("SELECT version, state FROM schedules WHERE shop_id = :s", s=shop_id)
    states = {row[0]: row[1] for row in rows_of_state}
    found = Versions(
        [(moment(published_at), _decode(document)) for published_at, document in rows],
        [(moment(since), moment(until), version) for since, until, version in corrected],
        [version for version, state in states.items() if state == WAITING],
        [version for version, state in states.items() if state == CANCELLED],
    )
    tx.cache["programmes", shop_id] = (stamp, found)
    return found


def stamp_of(shop: str) -> str:
    """An expression that names the state of a shop's versions: it grows whenever one is published, begins or is
    cancelled. NULL without any.
    """
    return (
        f"(SELECT MAX(p.version) FROM programmes p WHERE p.shop_id = {shop}) * 1048576 "
        f"+ (SELECT COUNT(*) FROM schedules c WHERE c.shop_id = {shop} AND c.state > 0)"
    )
