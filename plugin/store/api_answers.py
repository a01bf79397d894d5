"""Answers by idempotency key: a request that comes again is answered as the first time and does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from plugin.store.db import Tx, to_ms


@dataclass(frozen=True, slots=True)
class Kept:
    """What a request was answered, and the hash of what it asked."""

    request_hash: str
    status: int
    answer: str


def find(tx: Tx, shop_id: int, key_id: int, idempotency_key: str) -> Kept | None:
    """The answer that this key of the API was given under this idempotency key."""
    row = tx.one(
        "SELECT request_hash, status, answer FROM api_answers WHERE shop_id = :s AND key_id = :k "
        "AND idempotency_key = :i",
        s=shop_id,
        k=key_id,
        i=idempotency_key,
    )
    return None if row is None else Kept(*row)


def keep(tx: Tx, shop_id: int, key_id: int, idempotency_key: str, kept: Kept, now: datetime) -> None:
    """Keeps an answer, or puts a later one of the same request in its place."""
    tx.run(
        "INSERT INTO api_answers (shop_id, key_id, idempotency_key, request_hash, status, answer, created_at) "
        "VALUES (:s, :k, :i, :hash, :status, :answer, :t) ON CONFLICT (shop_id, key_id, idempotency_key) "
        "DO UPDATE SET status = excluded.status, answer = excluded.answer",
        s=shop_id,
        k=key_id,
        i=idempotency_key,
        hash=kept.request_hash,
        status=kept.status,
        answer=kept.answer,
        t=to_ms(now),
    )


def forget(tx: Tx, shop_id: int, before: datetime, limit: int) -> bool:
    """Removes up to `limit` answers kept before a moment; True when more may be left."""
    rows = tx.all(
        "SELECT key_id, idempotency_key FROM api_answers WHERE shop_id = :s AND created_at < :t "
        "ORDER BY created_at LIMIT :n",
        s=shop_id,
        t=to_ms(before),
        n=limit,
    )
    tx.many(
        "DELETE FROM api_answers WHERE shop_id = :s AND key_id = :k AND idempotency_key = :i",
        [{"s": shop_id, "k": row[0], "i": row[1]} for row in rows],
    )
    return len(rows) == limit
