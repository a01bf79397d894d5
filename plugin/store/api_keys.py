"""Keys of the API: whose they are and what they may do. The token itself is never stored, only its hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.store.db import Row, Tx, from_ms, moment, to_ms

_COLUMNS = "key_id, name, token_hash, signing, scopes, created_at, created_by, used_at, revoked_at"
# A key in constant use is marked as used this often: a read need not write every time.
_MARK_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. `signing` is the sealed secret of its inbound hooks."""

    key_id: int
    name: str
    token_hash: str
    signing: bytes
    scopes: frozenset[str]
    created_at: datetime
    created_by: str
    used_at: datetime | None
    revoked_at: datetime | None


def _key(row: Row) -> ApiKey:
    return ApiKey(
        row[0],
        row[1],
        row[2],
        bytes(row[3]),
        frozenset(row[4].split()),
        moment(row[5]),
        row[6],
        from_ms(row[7]),
        from_ms(row[8]),
    )


def insert(tx: Tx, shop_id: int, key: ApiKey) -> None:
    """Stores a new key."""
    tx.run(
        "INSERT INTO api_keys (shop_id, key_id, name, token_hash, signing, scopes, created_at, created_by) "
        "VALUES (:s, :id, :name, :hash, :signing, :scopes, :t, :by)",
        s=shop_id,
        id=key.key_id,
        name=key.name,
        hash=key.token_hash,
        signing=key.signing,
        scopes=" ".join(sorted(key.scopes)),
        t=to_ms(key.created_at),
        by=key.created_by,
    )


def by_id(tx: Tx, shop_id: int, key_id: int) -> ApiKey | None:
    """One key, revoked or not."""
    row = tx.one(f"SELECT {_COLUMNS} FROM api_keys WHERE shop_id = :s AND key_id = :id", s=shop_id, id=key_id)
    return None if row is None else _key(row)


def every(tx: Tx, shop_id: int) -> list[ApiKey]:
    """A shop's keys, the newest first, revoked ones last."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM api_keys WHERE shop_id = :s "
        "ORDER BY CASE WHEN revoked_at IS NULL THEN 0 ELSE 1 END, key_id DESC",
        s=shop_id,
    )
    return [_key(row) for row in rows]


def revoke(tx: Tx, shop_id: int, key_id: int, now: datetime) -> bool:
    """Ends a key for good; False when there is none or it was revoked before."""
    return (
        tx.run(
            "UPDATE api_keys SET revoked_at = :t WHERE shop_id = :s AND key_id = :id AND revoked_at IS NULL",
            s=shop_id,
            id=key_id,
            t=to_ms(now),
        )
        > 0
    )


def wants_mark(key: ApiKey, now: datetime) -> bool:
    """Whether the time of last use is old enough to be written anew."""
    return key.used_at is None or not timedelta(0) <= now - key.used_at < _MARK_EVERY


def used(tx: Tx, shop_id: int, key_id: int, now: datetime) -> None:
    """Notes that a key was used."""
    tx.run(
        "UPDATE api_keys SET used_at = :t WHERE shop_id = :s AND key_id = :id",
        s=shop_id,
        id=key_id,
        t=to_ms(now),
    )
