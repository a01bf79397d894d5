"""The merchant's trail: what happened that a person may ask about later. No personal data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from plugin.store.db import Tx, moment, to_ms
from plugin.store.ids import new_id

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the trail. `subject` names what it is about, such as order:81."""

    at: datetime
    actor: str
    kind: str
    subject: str
    detail: dict[str, object]


def record(tx: Tx, shop_id: int, events: Iterable[Event]) -> None:
    """Appends to the trail."""
    tx.many(
        "INSERT INTO events (shop_id, event_id, at, actor, kind, subject, detail) "
        "VALUES (:s, :id, :t, :actor, :kind, :subject, :detail)",
        [
            {
                "s": shop_id,
                "id": new_id(),
                "t": to_ms(e.at),
                "actor": e.actor,
                "kind": e.kind,
                "subject": e.subject,
                "detail": _encode(e.detail).decode(),
            }
            for e in events
        ],
    )


def latest(tx: Tx, shop_id: int, limit: int = 100) -> list[Event]:
    """The newest lines first."""
    rows = tx.all(
        "SELECT at, actor, kind, subject, detail FROM events WHERE shop_id = :s ORDER BY event_id DESC LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [Event(moment(r[0]), r[1], r[2], r[3], msgspec.json.decode(r[4])) for r in rows]
