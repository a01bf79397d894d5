"""The trail as the merchant reads it: events page by page, data requests, and what is parked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from plugin.store.db import Tx, from_ms, moment
from plugin.store.events import Event


@dataclass(frozen=True, slots=True)
class Parked:
    """Webhooks or effects of one kind that are stuck for one reason. `queue` is webhook or effect; `key` names one."""

    queue: str
    key: str
    kind: str
    reason: str
    attempts: int
    since: datetime
    count: int


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
    """What is parked in both queues, by kind and reason, the oldest first. `attempts`: the most of any."""
    found = []
    for queue, table, key, kind, at in (
        ("webhook", "inbox", "webhook_id", "topic", "received_at"),
        ("effect", "outbox", "effect_key", "kind", "created_at"),
    ):
        rows = tx.all(
            f"SELECT MIN({key}), {kind}, COALESCE(reason, ''), MAX(attempts), MIN({at}) AS since, COUNT(*) "
            f"FROM {table} WHERE shop_id = :s AND state = 2 GROUP BY {kind}, COALESCE(reason, '') "
            "ORDER BY since LIMIT :n",
            s=shop_id,
            n=limit,
        )
        found += [Parked(queue, r[0], r[1], r[2], r[3], moment(r[4]), r[5]) for r in rows]
    return sorted(found, key=lambda row: (row.since, row.key))[:limit]


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
