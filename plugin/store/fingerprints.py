"""Fingerprints: keyed hashes of where members' orders came from and went to, kept for 90 days."""

from __future__ import annotations

import hmac
import os
from collections.abc import Collection, Iterable
from datetime import datetime

from plugin.store.db import Tx, to_ms


def key(tx: Tx, shop_id: int) -> bytes:
    """The shop's own key, made at the first use and gone with the shop: hashes of two shops never compare."""
    row = tx.one("SELECT key FROM fingerprint_keys WHERE shop_id = :s", s=shop_id)
    if row is not None:
        return bytes(row[0])
    made = os.urandom(32)
    tx.run("INSERT INTO fingerprint_keys (shop_id, key) VALUES (:s, :key)", s=shop_id, key=made)
    return made


def hashed(secret: bytes, kind: str, text: str) -> str:
    """The keyed hash of one trace."""
    return hmac.digest(secret, f"{kind}:{text}".encode(), "sha256").hex()[:32]


def remember(tx: Tx, shop_id: int, seen: Iterable[tuple[str, str, int, datetime]]) -> None:
    """Keeps hashes as (kind, hash, member, when); seen again, they live on from the later moment."""
    newest: dict[tuple[str, str, int], datetime] = {}
    for kind, digest, member_id, at in seen:
        name = (kind, digest, member_id)
        newest[name] = max(at, newest.get(name, at))
    tx.many(
        "INSERT INTO fingerprints (shop_id, kind, hash, member_id, seen_at) VALUES (:s, :kind, :hash, :m, :t) "
        "ON CONFLICT (shop_id, kind, hash, member_id) DO UPDATE SET seen_at = "
        "CASE WHEN excluded.seen_at > fingerprints.seen_at THEN excluded.seen_at ELSE fingerprints.seen_at END",
        [
            {"s": shop_id, "kind": kind, "hash": digest, "m": member_id, "t": to_ms(at)}
            for (kind, digest, member_id), at in sorted(newest.items())
        ],
    )


def of_members(
    tx: Tx, shop_id: int, member_ids: Collection[int], since: datetime
) -> dict[int, set[tuple[str, str]]]:
    """What is known of each member since a moment, as (kind, hash)."""
    rows = tx.among(
        "SELECT member_id, kind, hash FROM fingerprints WHERE shop_id = :s AND seen_at >= :t "
        "AND member_id IN (:among)",
        member_ids,
        s=shop_id,
        t=to_ms(since),
    )
    found: dict[int, set[tuple[str, str]]] = {}
    for member_id, kind, digest in rows:
        found.setdefault(member_id, set()).add((kind, digest))
    return found


def rehome(tx: Tx, shop_id: int, old_member: int, member_id: int) -> None:
    """A merged-away member's fingerprints are the kept one's."""
    tx.run(
        "INSERT INTO fingerprints (shop_id, kind, hash, member_id, seen_at) SELECT shop_id, kind, hash, :m, seen_at "
        "FROM fingerprints WHERE shop_id = :s AND member_id = :old "
        "ON CONFLICT (shop_id, kind, hash, member_id) DO NOTHING",
        s=shop_id,
        m=member_id,
        old=old_member,
    )
    forget(tx, shop_id, [old_member])


def forget(tx: Tx, shop_id: int, member_ids: Collection[int]) -> None:
    """Removes what is known of these members."""
    tx.run_among(
        "DELETE FROM fingerprints WHERE shop_id = :s AND member_id IN (:among)", member_ids, s=shop_id
    )


def fade(tx: Tx, shop_id: int, before: datetime, limit: int) -> bool:
    """Removes up to `limit` fingerprints last seen before a moment; True when more may be left."""
    rows = tx.all(
        "SELECT seen_at FROM fingerprints WHERE shop_id = :s AND seen_at < :t ORDER BY seen_at LIMIT :n",
        s=shop_id,
        t=to_ms(before),
        n=limit,
    )
    if rows:
        tx.run("DELETE FROM fingerprints WHERE shop_id = :s AND seen_at <= :t", s=shop_id, t=rows[-1][0])
    return len(rows) == limit
