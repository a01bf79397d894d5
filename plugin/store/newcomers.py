"""Newcomers: people of a list who wait for their customer, and what a former app knew of members."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import msgspec

from plugin.domain.imports import MemberRow
from plugin.store.db import Tx, to_ms

_row = msgspec.json.Decoder(MemberRow).decode


def email_hash(email: str) -> str:
    """What an unknown e-mail address is kept as."""
    return hashlib.sha256(b"waiting import " + email.lower().encode()).hexdigest()


def wait_for(tx: Tx, shop_id: int, import_id: int, rows: Iterable[MemberRow], now: datetime) -> None:
    """Keeps what a list says of people whom the shop does not know yet; their address only as a hash."""
    tx.many(
        "INSERT INTO waiting_imports (shop_id, email_hash, import_id, row, created_at) "
        "VALUES (:s, :h, :id, :row, :t) ON CONFLICT (shop_id, email_hash, import_id) DO NOTHING",
        [
            {"s": shop_id, "h": email_hash(row.email), "id": import_id, "t": to_ms(now),
             "row": msgspec.json.encode(replace(row, email=None, first_name=None, last_name=None)).decode()}
            for row in rows if row.email is not None
        ],
    )  # fmt: skip


def awaited(tx: Tx, shop_id: int, emails: Iterable[str]) -> set[str]:
    """Those of these e-mail addresses that something waits for, in small letters."""
    hashes = {email_hash(email): email.lower() for email in emails}
    rows = tx.among(
        "SELECT email_hash FROM waiting_imports WHERE shop_id = :s AND email_hash IN (:among)",
        hashes,
        s=shop_id,
    )
    return {hashes[row[0]] for row in rows}


def anyone_awaited(tx: Tx, shop_id: int) -> bool:
    """Whether anything waits for a customer."""
    return tx.one("SELECT 1 FROM waiting_imports WHERE shop_id = :s LIMIT 1", s=shop_id) is not None


def claim(tx: Tx, shop_id: int, email: str) -> list[tuple[int, MemberRow]]:
    """Takes what waits for that e-mail address, as (import, what it says), the oldest first."""
    found = tx.all(
        "SELECT import_id, row FROM waiting_imports WHERE shop_id = :s AND email_hash = :h ORDER BY import_id",
        s=shop_id,
        h=email_hash(email),
    )
    tx.run(
        "DELETE FROM waiting_imports WHERE shop_id = :s AND email_hash = :h", s=shop_id, h=email_hash(email)
    )
    return [(row[0], _row(row[1])) for row in found]


def bring(tx: Tx, shop_id: int, member_id: int, values: Mapping[str, str], app: str, now: datetime) -> None:
    """Keeps what a former app knew of a member; what is known already stays."""
    tx.many(
        "INSERT INTO brought_along (shop_id, member_id, name, value, app, recorded_at) "
        "VALUES (:s, :m, :name, :value, :app, :t) ON CONFLICT (shop_id, member_id, name) DO NOTHING",
        [
            {"s": shop_id, "m": member_id, "name": name, "value": value, "app": app, "t": to_ms(now)}
            for name, value in values.items()
        ],
    )


def brought(tx: Tx, shop_id: int, member_id: int) -> dict[str, str]:
    """What a former app knew of a member."""
    rows = tx.all(
        "SELECT name, value FROM brought_along WHERE shop_id = :s AND member_id = :m ORDER BY name",
        s=shop_id,
        m=member_id,
    )
    return {row[0]: row[1] for row in rows}


def forget_brought(tx: Tx, shop_id: int, member_ids: Iterable[int]) -> None:
    """Removes what former apps knew of these members."""
    tx.run_among(
        "DELETE FROM brought_along WHERE shop_id = :s AND member_id IN (:among)", member_ids, s=shop_id
    )


def rehome(tx: Tx, shop_id: int, gone_id: int, kept_id: int) -> None:
    """After a merge, what was known of the gone customer is known of the kept one, unless that one had their own."""
    tx.run(
        "INSERT INTO brought_along (shop_id, member_id, name, value, app, recorded_at) SELECT shop_id, :kept, name, "
        "value, app, recorded_at FROM brought_along WHERE shop_id = :s AND member_id = :gone "
        "ON CONFLICT (shop_id, member_id, name) DO NOTHING",
        s=shop_id,
        gone=gone_id,
        kept=kept_id,
    )
    forget_brought(tx, shop_id, [gone_id])
