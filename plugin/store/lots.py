"""Lots as rows: how one is read, and how its dates are written."""

from __future__ import annotations

from collections.abc import Iterable

from plugin.domain.ledger import Lot
from plugin.store.db import Row, Tx, from_ms, to_ms

COLUMNS = (
    "lot_id, member_id, points, remaining, available_at, expires_at, order_id, own_expires_at, kept_until"
)
OF_LOTS = ", ".join(f"l.{name.strip()}" for name in COLUMNS.split(","))


def lot(row: Row) -> Lot:
    """The lot of a row of COLUMNS."""
    return Lot(
        row[0], row[1], row[2], row[3], from_ms(row[4]), from_ms(row[5]), row[6], from_ms(row[7]), from_ms(row[8])
    )  # fmt: skip


def of_members(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> list[Lot]:
    """Every open lot of these members."""
    return [
        lot(row)
        for row in tx.among(
            f"SELECT {COLUMNS} FROM lots WHERE shop_id = :s AND remaining > 0 AND member_id IN (:among)",
            member_ids,
            s=shop_id,
        )
    ]


def redate(tx: Tx, shop_id: int, lots: Iterable[Lot]) -> None:
    """Writes when these lots run out, and how long they are kept."""
    tx.many(
        "UPDATE lots SET expires_at = :expires, kept_until = :kept WHERE shop_id = :s AND lot_id = :lot",
        [
            {"s": shop_id, "lot": one.lot_id, "expires": to_ms(one.expires_at), "kept": to_ms(one.kept_until)}
            for one in lots
        ],
    )
