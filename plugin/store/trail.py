"""The trail as the merchant reads it: events page by page, data requests, and what is parked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from plugin.store.db import Row, Tx, from_ms, moment
from plugin.store.events import Event


@dataclass(frozen=True, slots=True)
class Parked:
    """One webhook or effect that needs the merchant. `queue` is webhook or effect; `key` names it within its queue."""

    queue: str
    key: str
    kind: str
    reason: str
    attempts: int
    since: datetime


@dataclass(frozen=True, slots=True)
class DataRequest:
    """A customer's wish to see their data. `answered`: the answer is there to be handed over."""

    key: str
    member_id: int | None
    received_at: datetime
    done_at: datetime | None
    answered: bool


def events(tx: Tx, shop_id: int, before: int | None, limit: int) -> list[tuple[int, Event]]:
    """(id, event), the newest first; `before` is the last id of the page above."""
    rows = tx.all(
        "SELECT event_id, at, actor, kind, subject, detail FROM events WHERE shop_id = :s AND event_id < :before "
        "ORDER BY event_id DESC LIMIT :n",
        s=shop_id,
        before=before if before is not None else 1 << 62,
        n=limit,
    )
    return [(r[0], Event(moment(r[1]), r[2], r[3], r[4], msgspec.json.decode(r[5]))) for r in rows]


def parked(tx: Tx, shop_id: int, limit: int) -> list[Parked]:
    """What is parked in both queues, the oldest first."""
    webhooks = tx.all(
        "SELECT webhook_id, topic, COALESCE(reason, ''), attempts, received_at FROM inbox "
        "WHERE shop_id = :s AND state = 2 ORDER BY received_at LIMIT :n",
        s=shop_id,
        n=limit,
    )
    effects = tx.all(
        "SELECT effect_key, kind, COALESCE(reason, ''), attempts, created_at FROM outbox "
        "WHERE shop_id = :s AND state = 2 ORDER BY created_at LIMIT :n",
        s=shop_id,
        n=limit,
    )
    found = [_parked("webhook", row) for row in webhooks]
    found += [_parked("effect", row) for row in effects]
    return sorted(found, key=lambda row: (row.since, row.key))[:limit]


def _parked(queue: str, row: Row) -> Parked:
    return Parked(queue, row[0], row[1], row[2], row[3], moment(row[4]))


def data_requests(tx: Tx, shop_id: int, limit: int) -> list[DataRequest]:
    """Data requests, the newest first, without their answers."""
    rows = tx.all(
        "SELECT request_key, member_id, received_at, done_at, result IS NOT NULL FROM privacy_requests "
        "WHERE shop_id = :s AND kind = 'data_request' ORDER BY received_at DESC, request_key LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [DataRequest(r[0], r[1], moment(r[2]), from_ms(r[3]), bool(r[4])) for r in rows]


def data_answer(tx: Tx, shop_id: int, key: str) -> str | None:
    """The answer to one data request, as JSON; None when there is none, or it was forgotten since."""
    row = tx.one(
        "SELECT result FROM privacy_requests WHERE shop_id = :s AND request_key = :k AND kind = 'data_request'",
        s=shop_id,
        k=key,
    )
    return None if row is None else row[0]
