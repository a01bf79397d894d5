"""Notes: free text that staff typed beside an entry. It stands next to the ledger, so that it can be forgotten."""

from __future__ import annotations

from collections.abc import Iterable

from plugin.store.db import Tx


def put(tx: Tx, shop_id: int, entry_id: int, note: str) -> None:
    """Stores the note of one new entry."""
    tx.run(
        "INSERT INTO entry_notes (shop_id, entry_id, note) VALUES (:s, :e, :note)",
        s=shop_id,
        e=entry_id,
        note=note,
    )


def of_entries(tx: Tx, shop_id: int, entry_ids: Iterable[int]) -> dict[int, str]:
    """The notes of these entries, by entry."""
    rows = tx.among(
        "SELECT entry_id, note FROM entry_notes WHERE shop_id = :s AND entry_id IN (:among)",
        entry_ids,
        s=shop_id,
    )
    return {row[0]: row[1] for row in rows}


def of_member(tx: Tx, shop_id: int, member_id: int) -> dict[int, str]:
    """Every note about one member, by entry."""
    rows = tx.all(
        "SELECT n.entry_id, n.note FROM entries e JOIN entry_notes n ON n.shop_id = e.shop_id "
        "AND n.entry_id = e.entry_id WHERE e.shop_id = :s AND e.member_id = :m ORDER BY n.entry_id",
        s=shop_id,
        m=member_id,
    )
    return {row[0]: row[1] for row in rows}
