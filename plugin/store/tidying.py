"""Tidying: old webhook bodies are emptied and effects done long ago removed, in slices of any size."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from plugin.store.db import Tx, to_ms


def empty(tx: Tx, shop_id: int, webhook_ids: Iterable[str]) -> None:
    """Empties the bodies of these webhooks, unless they (again) wait to be done."""
    tx.run_among(
        "UPDATE inbox SET body = :empty WHERE shop_id = :s AND state <> 0 AND webhook_id IN (:among)",
        webhook_ids,
        s=shop_id,
        empty=b"",
    )


def empty_bodies(tx: Tx, shop_id: int, before: datetime, limit: int) -> bool:
    """Empties the bodies of up to `limit` webhooks done before a moment, oldest first: they have served.

    True when more may be left. The shop remembers how far it is, so that emptied rows are not read again.
    """
    rows = tx.all(
        "SELECT webhook_id, due_at FROM inbox WHERE shop_id = :s AND state IN (1, 3) AND due_at >= "
        "(SELECT bodies_emptied_to FROM shops WHERE shop_id = :s) AND due_at < :t AND LENGTH(body) > 0 "
        "ORDER BY due_at LIMIT :n",
        s=shop_id,
        t=to_ms(before),
        n=limit,
    )
    empty(tx, shop_id, [row[0] for row in rows])
    full = len(rows) == limit
    reached = rows[-1][1] if full else to_ms(before)
    tx.run("UPDATE shops SET bodies_emptied_to = :to WHERE shop_id = :s", s=shop_id, to=reached)
    return full


def forget_effects(tx: Tx, shop_id: int, before: datetime, limit: int) -> bool:
    """Removes up to `limit` effects done before a moment: ledger and events keep the story. True: more may be left."""
    rows = tx.all(
        "SELECT effect_key FROM outbox WHERE shop_id = :s AND state = 1 AND done_at < :t ORDER BY done_at LIMIT :n",
        s=shop_id,
        t=to_ms(before),
        n=limit,
    )
    tx.run_among(
        "DELETE FROM outbox WHERE shop_id = :s AND effect_key IN (:among)",
        [row[0] for row in rows],
        s=shop_id,
    )
    return len(rows) == limit
