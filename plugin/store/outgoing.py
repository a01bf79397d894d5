"""Outgoing webhooks: the addresses that listen, how far each was told, and what there is to tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from plugin.store.db import Row, Tx, from_ms, moment, to_ms

DELIVER = "webhook.deliver"
# Ids and times come from several processes, whose clocks differ a little: each reading begins so much earlier, and
# what was told before is left out by the key of its delivery.
OVERLAP_MS = 60_000
_ID_SHIFT = 22
# Sources that are placed by a time; the others are by an id.
_TIMED = frozenset({"answers", "codes"})
_COLUMNS = "endpoint_id, url, topics, active, secret, old_secret, old_until_at, failing_until_at, created_at"
_STATES = {0: "waiting", 1: "delivered", 2: "parked"}
_decode = msgspec.json.decode


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that is told what happened. `topics` empty: everything."""

    endpoint_id: int
    url: str
    topics: tuple[str, ...]
    active: bool
    secret: bytes
    old_secret: bytes | None
    old_until_at: datetime | None
    failing_until_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened: `at` places it among its source, `row` is what the source says of it."""

    event_id: str
    at: int
    row: Row


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint. `state`: waiting, delivered or parked."""

    key: str
    endpoint_id: int
    event_id: str
    type: str
    state: str
    attempts: int
    created_at: datetime
    done_at: datetime | None
    due_at: datetime
    reason: str | None
    payload: dict[str, Any]


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(
        row[0],
        row[1],
        tuple(row[2].split()),
        bool(row[3]),
        bytes(row[4]),
        None if row[5] is None else bytes(row[5]),
        from_ms(row[6]),
        from_ms(row[7]),
        moment(row[8]),
    )


def put(tx: Tx, shop_id: int, endpoint: Endpoint, actor: str) -> None:
    """Stores an endpoint, new or changed."""
    e = endpoint
    tx.run(
        "INSERT INTO webhook_endpoints (shop_id, endpoint_id, url, topics, active, secret, old_secret, old_until_at, "
        "failing_until_at, created_at, created_by) VALUES (:s, :id, :url, :topics, :active, :secret, :old, :until, "
        ":failing, :t, :by) ON CONFLICT (shop_id, endpoint_id) DO UPDATE SET url = excluded.url, "
        "topics = excluded.topics, active = excluded.active, secret = excluded.secret, "
        "old_secret = excluded.old_secret, old_until_at = excluded.old_until_at, "
        "failing_until_at = excluded.failing_until_at",
        s=shop_id,
        id=e.endpoint_id,
        url=e.url,
        topics=" ".join(e.topics),
        active=int(e.active),
        secret=e.secret,
        old=e.old_secret,
        until=to_ms(e.old_until_at),
        failing=to_ms(e.failing_until_at),
        t=to_ms(e.created_at),
        by=actor,
    )


def remove(tx: Tx, shop_id: int, endpoint_id: int) -> None:
    """Forgets an endpoint and how far it was told."""
    for table in ("webhook_positions", "webhook_endpoints"):
        tx.run(f"DELETE FROM {table} WHERE shop_id = :s AND endpoint_id = :id", s=shop_id, id=endpoint_id)


def by_id(tx: Tx, shop_id: int, endpoint_id: int) -> Endpoint | None:
    """One endpoint."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE shop_id = :s AND endpoint_id = :id",
        s=shop_id,
        id=endpoint_id,
    )
    return None if row is None else _endpoint(row)


def every(tx: Tx, shop_id: int) -> list[Endpoint]:
    """A shop's endpoints, the newest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE shop_id = :s ORDER BY endpoint_id DESC", s=shop_id
    )
    return [_endpoint(row) for row in rows]


def failing_until(tx: Tx, shop_id: int, endpoint_id: int, until: datetime | None) -> None:
    """Nothing is tried at an endpoint before that moment; None: it answers again."""
    tx.run(
        "UPDATE webhook_endpoints SET failing_until_at = :until WHERE shop_id = :s AND endpoint_id = :id",
        s=shop_id,
        id=endpoint_id,
        until=to_ms(until),
    )


def switched_off(tx: Tx, shop_id: int, endpoint_id: int) -> None:
    """The endpoint asked never to be called again."""
    tx.run(
        "UPDATE webhook_endpoints SET active = 0 WHERE shop_id = :s AND endpoint_id = :id",
        s=shop_id,
        id=endpoint_id,
    )


def positions(tx: Tx, shop_id: int, endpoint_id: int) -> dict[str, int]:
    """How far an endpoint was told, by source."""
    rows = tx.all(
        "SELECT source, position FROM webhook_positions WHERE shop_id = :s AND endpoint_id = :id",
        s=shop_id,
        id=endpoint_id,
    )
    return {row[0]: row[1] for row in rows}


def moved_on(tx: Tx, shop_id: int, endpoint_id: int, places: dict[str, int]) -> None:
    """Notes how far an endpoint was told."""
    tx.many(
        "INSERT INTO webhook_positions (shop_id, endpoint_id, source, position) VALUES (:s, :id, :source, :p) "
        "ON CONFLICT (shop_id, endpoint_id, source) DO UPDATE SET position = excluded.position",
        [{"s": shop_id, "id": endpoint_id, "source": source, "p": place} for source, place in places.items()],
    )


def begins(tx: Tx, shop_id: int, endpoint_id: int, now: datetime) -> None:
    """The endpoint hears of what is written from now on, and of nothing before."""
    ends = newest(tx, shop_id, now)
    # An answer of this very millisecond is still to come, an entry has its number already.
    begin = {_begins(source): end - (source in _TIMED) for source, end in ends.items()}
    moved_on(tx, shop_id, endpoint_id, ends | begin)


def _begins(source: str) -> str:
    return f"{source}:begin"


def newest(tx: Tx, shop_id: int, now: datetime) -> dict[str, int]:
    """Where each source ends now."""
    entry = tx.one("SELECT MAX(entry_id) FROM entries WHERE shop_id = :s", s=shop_id)
    event = tx.one("SELECT MAX(event_id) FROM events WHERE shop_id = :s", s=shop_id)
    at = to_ms(now) or 0
    return {
        "entries": (entry[0] if entry else None) or 0,
        "events": (event[0] if event else None) or 0,
        "answers": at,
        "codes": at,
    }


def key_of(endpoint_id: int, event_id: str) -> str:
    """The effect that tells an endpoint of an event: the same one for the same two."""
    return f"webhook:{endpoint_id}:{event_id}"


# Each source: its rows after a place and up to another, without those that the endpoint was told of before.
_UNTOLD = "NOT EXISTS (SELECT 1 FROM outbox o WHERE o.shop_id = :s AND o.effect_key = :key || {}) "
_SOURCES = {
    "entries": (
        "SELECT 'entry-' || CAST(n.entry_id AS TEXT), n.entry_id, n.member_id, n.kind, n.points, n.occurred_at, "
        "n.order_id, n.entry_id FROM entries n WHERE n.shop_id = :s AND n.entry_id > :after AND n.entry_id <= :upto "
        "AND n.kind IN ({kinds}) AND " + _UNTOLD.format("'entry-' || CAST(n.entry_id AS TEXT)")
    ) + "ORDER BY n.entry_id LIMIT :n",
    "events": (
        "SELECT 'event-' || CAST(n.event_id AS TEXT), n.event_id, n.subject, n.kind, n.detail, n.at FROM events n "
        "WHERE n.shop_id = :s AND n.event_id > :after AND n.event_id <= :upto AND n.kind IN ({kinds}) AND "
        + _UNTOLD.format("'event-' || CAST(n.event_id AS TEXT)")
    ) + "ORDER BY n.event_id LIMIT :n",
    # An answer may be changed for a day after it was given, and each change is news.
    "answers": (
        "SELECT 'answer-' || CAST(n.order_id AS TEXT) || '-' || CAST(n.changed_at AS TEXT), n.changed_at, n.order_id, "
        "n.member_id, n.score, n.channel FROM responses n WHERE n.shop_id = :s AND n.answered_at > :after - 90000000 "
        "AND n.changed_at > :after AND n.changed_at <= :upto AND "
        + _UNTOLD.format("'answer-' || CAST(n.order_id AS TEXT) || '-' || CAST(n.changed_at AS TEXT)")
    ) + "ORDER BY n.changed_at, n.order_id LIMIT :n",
    "codes": (
        "SELECT 'redemption-' || CAST(n.redemption_id AS TEXT), n.made_at, n.redemption_id, n.member_id, n.reward_key, "
        "n.points, n.code, n.expires_at FROM redemptions n WHERE n.shop_id = :s AND n.made_at > :after "
        "AND n.made_at <= :upto AND " + _UNTOLD.format("'redemption-' || CAST(n.redemption_id AS TEXT)")
    ) + "ORDER BY n.made_at, n.redemption_id LIMIT :n",
}  # fmt: skip


def news(
    tx: Tx,
    shop_id: int,
    endpoint_id: int,
    source: str,
    places: dict[str, int],
    upto: int,
    limit: int,
    kinds: Iterable[str],
) -> list[News]:
    """What an endpoint was not told of a source, from its place on; of entries and the trail only some kinds."""
    timed = source in _TIMED
    before = places.get(source, upto) - (OVERLAP_MS if timed else OVERLAP_MS << _ID_SHIFT)
    names = {f"kind_{i}": kind for i, kind in enumerate(sorted(kinds))}
    rows = tx.all(
        _SOURCES[source].replace("{kinds}", ", ".join(f":{name}" for name in names)),
        s=shop_id,
        after=max(before, places.get(_begins(source), 0)),
        upto=upto,
        n=limit,
        key=key_of(endpoint_id, ""),
        **({} if timed else names),
    )
    return [News(row[0], row[1], row[2:]) for row in rows]


def deliveries(
    tx: Tx, shop_id: int, before: tuple[int, str] | None, limit: int, *, endpoint_id: int | None = None
) -> list[Delivery]:
    """Deliveries, the newest first; `before` is (created at in ms, key) of the last one shown."""
    at, key = before or (1 << 62, "")
    own = "" if endpoint_id is None else " AND effect_key LIKE :own"
    rows = tx.all(
        f"SELECT {_DELIVERY} FROM outbox WHERE shop_id = :s AND kind = 'webhook.deliver' "
        f"AND (created_at, effect_key) < (:at, :key){own} ORDER BY created_at DESC, effect_key DESC LIMIT :n",
        s=shop_id,
        at=at,
        key=key,
        n=limit,
        **({} if endpoint_id is None else {"own": f"{key_of(endpoint_id, '')}%"}),
    )
    return [_delivery(row) for row in rows]


def delivery(tx: Tx, shop_id: int, key: str) -> Delivery | None:
    """One delivery."""
    row = tx.one(
        f"SELECT {_DELIVERY} FROM outbox WHERE shop_id = :s AND effect_key = :key AND kind = 'webhook.deliver'",
        s=shop_id,
        key=key,
    )
    return None if row is None else _delivery(row)


_DELIVERY = "effect_key, state, attempts, created_at, done_at, due_at, reason, payload"


def _delivery(row: Row) -> Delivery:
    payload = _decode(row[7])
    return Delivery(
        key=row[0],
        endpoint_id=int(payload["endpoint"]),
        event_id=payload["event"],
        type=payload["type"],
        state=_STATES[row[1]],
        attempts=row[2],
        created_at=moment(row[3]),
        done_at=from_ms(row[4]),
        due_at=moment(row[5]),
        reason=row[6],
        payload=payload,
    )
