"""Privacy: requests to hand over or to forget, raw bodies that have served, and the removal of a whole shop."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from plugin.store.db import Tx, to_ms
from plugin.store.schema import metadata

# Children before parents, so that foreign keys hold at every step.
_OF_A_SHOP = [
    table.name for table in reversed(metadata.sorted_tables) if "shop_id" in table.c and table.name != "shops"
]


def requested(tx: Tx, shop_id: int, key: str, kind: str, member_id: int | None, now: datetime) -> bool:
    """Notes a request; False when the same one was noted before."""
    return (
        tx.run(
            "INSERT INTO privacy_requests (shop_id, request_key, kind, member_id, received_at) "
            "VALUES (:s, :key, :kind, :m, :t) ON CONFLICT (shop_id, request_key) DO NOTHING",
            s=shop_id,
            key=key,
            kind=kind,
            m=member_id,
            t=to_ms(now),
        )
        > 0
    )


def fulfilled(tx: Tx, shop_id: int, key: str, result: str | None, now: datetime) -> None:
    """Notes that a request was met; `result` is the answer to a data request, as JSON."""
    tx.run(
        "UPDATE privacy_requests SET done_at = :t, result = :r WHERE shop_id = :s AND request_key = :key",
        s=shop_id,
        key=key,
        r=result,
        t=to_ms(now),
    )


def data_requests(tx: Tx, shop_id: int, limit: int = 100) -> list[tuple[str, int | None, str | None]]:
    """Data requests as (key, member, answer), newest first: the merchant hands the answer to the customer."""
    rows = tx.all(
        "SELECT request_key, member_id, result FROM privacy_requests WHERE shop_id = :s AND kind = 'data_request' "
        "ORDER BY received_at DESC LIMIT :n",
        s=shop_id,
        n=limit,
    )
    return [(row[0], row[1], row[2]) for row in rows]


def forget_requests_of(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> None:
    """Empties the answers to a forgotten member's data requests, made under any of their ids."""
    tx.run_among(
        "UPDATE privacy_requests SET result = NULL WHERE shop_id = :s AND member_id IN (:among)",
        member_ids,
        s=shop_id,
    )


def forget_notes_of(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> None:
    """Removes free-text reasons that staff typed beside a member's entries, under any of their ids."""
    tx.run_among(
        "DELETE FROM entry_notes WHERE shop_id = :s AND entry_id IN "
        "(SELECT entry_id FROM entries WHERE shop_id = :s AND member_id IN (:among))",
        member_ids,
        s=shop_id,
    )


def forget_bodies_of(tx: Tx, shop_id: int, numbers: Iterable[int]) -> int:
    """Empties raw webhook bodies that are done or parked and hold one of these numbers; returns how many.

    Bodies are not indexed by customer. Emptying every one that holds the customer's or an order's number is the
    safe side: a finished body has served, and a parked one may not keep what had to be forgotten.
    """
    emptied = 0
    for number in numbers:
        needle = f"%{number}%".encode() if tx.engine == "postgresql" else f"%{number}%"
        text = "body" if tx.engine == "postgresql" else "CAST(body AS TEXT)"
        emptied += tx.run(
            f"UPDATE inbox SET body = :empty WHERE shop_id = :s AND state <> 0 AND {text} LIKE :needle",
            s=shop_id,
            empty=b"",
            needle=needle,
        )
    return emptied


def empty_bodies(tx: Tx, shop_id: int, before: datetime | None) -> int:
    """Empties raw bodies of webhooks done before a moment, or of all that are done: they have served."""
    until, parameters = ("", {}) if before is None else (" AND due_at < :t", {"t": to_ms(before)})
    return tx.run(
        f"UPDATE inbox SET body = :empty WHERE shop_id = :s AND state IN (1, 3){until} AND body <> :empty",
        s=shop_id,
        empty=b"",
        **parameters,
    )


def purge_strangers(tx: Tx, before: datetime) -> int:
    """Removes webhooks of shops that never installed within 7 days; returns how many.

    The shop's row stays: its number is never given to another shop, because processes remember whose it is.
    """
    return tx.run(
        "DELETE FROM inbox WHERE received_at < :t AND shop_id IN (SELECT shop_id FROM shops WHERE state = 'waiting')",
        t=to_ms(before),
    )


def remove_shop(tx: Tx, shop_id: int, *, keep_inbox_row: str | None) -> None:
    """Deletes everything of a redacted shop but its row, so that a later install starts anew.

    `keep_inbox_row` is the webhook that asked for it, which the caller still marks as done.
    """
    for table in _OF_A_SHOP:
        if table == "inbox":
            tx.run(
                "DELETE FROM inbox WHERE shop_id = :s AND webhook_id <> :keep",
                s=shop_id,
                keep=keep_inbox_row or "",
            )
        else:
            tx.run(f"DELETE FROM {table} WHERE shop_id = :s", s=shop_id)
