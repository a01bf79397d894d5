"""Remembers each shop's encrypted token, and who is renewing it: one row per shop, opaque bytes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from plugin.domain.tokens import Kind, SealedToken
from plugin.store.db import Database, Row, Tx, from_ms, moment, to_ms

_COLUMNS = "kind, access_token, refresh_token, expires_at, refresh_expires_at, scopes, refreshed_at"


def find(tx: Tx, shop_id: int) -> SealedToken | None:
    """The shop's token, or None when it has none."""
    row = tx.one(f"SELECT {_COLUMNS} FROM tokens WHERE shop_id = :shop_id", shop_id=shop_id)
    return None if row is None else _token(row)


def put(tx: Tx, shop_id: int, token: SealedToken) -> None:
    """Stores a newly acquired token over whatever was there, always as a later version than that."""
    tx.run(
        f"INSERT INTO tokens (shop_id, {_COLUMNS}) VALUES (:shop_id, :kind, :access, :refresh, :expires_at,"
        " :refresh_expires_at, :scopes, :refreshed_at) ON CONFLICT (shop_id) DO UPDATE SET"
        " kind = excluded.kind, access_token = excluded.access_token, refresh_token = excluded.refresh_token,"
        " expires_at = excluded.expires_at, refresh_expires_at = excluded.refresh_expires_at,"
        " scopes = excluded.scopes, refreshed_at = CASE WHEN excluded.refreshed_at > tokens.refreshed_at"
        " THEN excluded.refreshed_at ELSE tokens.refreshed_at + 1 END",
        **_values(shop_id, token),
    )


def forget(tx: Tx, shop_id: int) -> None:
    """Deletes the shop's token (uninstalled). Idempotent."""
    tx.run("DELETE FROM tokens WHERE shop_id = :shop_id", shop_id=shop_id)


class TokenShelf:
    """The tokens table as the token source uses it: every call is one short transaction of its own."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def find(self, shop_id: int) -> SealedToken | None:
        """The shop's token, or None."""
        with self._db.read() as tx:
            return find(tx, shop_id)

    def put(self, shop_id: int, token: SealedToken) -> None:
        """Stores a newly acquired token; both secrets in one transaction."""
        with self._db.write() as tx:
            put(tx, shop_id, token)

    def replace(self, shop_id: int, token: SealedToken, *, seen: datetime) -> bool:
        """Stores a renewed token, unless another one took the place of the version `seen`; then False."""
        with self._db.write() as tx:
            touched = tx.run(
                "UPDATE tokens SET kind = :kind, access_token = :access, refresh_token = :refresh,"
                " expires_at = :expires_at, refresh_expires_at = :refresh_expires_at, scopes = :scopes,"
                " refreshed_at = :refreshed_at WHERE shop_id = :shop_id AND refreshed_at = :seen",
                seen=to_ms(seen),
                **_values(shop_id, token),
            )
            return touched == 1

    def ended(self, shop_id: int, at: datetime, *, seen: datetime) -> None:
        """Notes that the platform no longer takes the access token of the version `seen`."""
        with self._db.write() as tx:
            tx.run(
                "UPDATE tokens SET expires_at = :at WHERE shop_id = :shop_id AND refreshed_at = :seen",
                shop_id=shop_id,
                at=to_ms(at),
                seen=to_ms(seen),
            )

    def forget(self, shop_id: int) -> None:
        """Deletes the shop's token. Idempotent."""
        with self._db.write() as tx:
            forget(tx, shop_id)

    def shops(self) -> list[int]:
        """Every shop that has a token."""
        with self._db.read() as tx:
            return [int(row[0]) for row in tx.all("SELECT shop_id FROM tokens ORDER BY shop_id")]

    def idle_since(self, before: datetime, limit: int) -> list[tuple[int, str]]:
        """(shop id, domain) of installed shops whose expiring token was last renewed before that moment."""
        with self._db.read() as tx:
            rows = tx.all(
                "SELECT s.shop_id, s.domain FROM tokens t JOIN shops s ON s.shop_id = t.shop_id"
                " WHERE t.kind = 'offline_expiring' AND t.refreshed_at <= :before AND s.state = 'installed'"
                " ORDER BY t.refreshed_at LIMIT :n",
                before=to_ms(before),
                n=limit,
            )
        return [(int(shop_id), str(domain)) for shop_id, domain in rows]

    def take_lease(self, shop_id: int, holder: str, now: datetime, ttl: timedelta) -> bool:
        """True when `holder` alone may renew this shop's token until `now + ttl`."""
        with self._db.write() as tx:
            touched = tx.run(
                "INSERT INTO leases (name, holder, until_at) VALUES (:name, :holder, :until_at)"
                " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_at = excluded.until_at"
                " WHERE leases.until_at <= :now",
                name=_lease(shop_id),
                holder=holder,
                until_at=to_ms(now + ttl),
                now=to_ms(now),
            )
            return touched == 1

    def drop_lease(self, shop_id: int, holder: str) -> None:
        """Gives the lease back, if `holder` still has it."""
        with self._db.write() as tx:
            tx.run(
                "DELETE FROM leases WHERE name = :name AND holder = :holder",
                name=_lease(shop_id),
                holder=holder,
            )

    def leased(self, shop_id: int, now: datetime) -> bool:
        """True while some worker is renewing this shop's token."""
        with self._db.read() as tx:
            sql = "SELECT 1 FROM leases WHERE name = :name AND until_at > :now"
            return tx.one(sql, name=_lease(shop_id), now=to_ms(now)) is not None


def _lease(shop_id: int) -> str:
    return f"token:{shop_id}"


def _token(row: Row) -> SealedToken:
    kind, access, refresh, expires_at, refresh_expires_at, scopes, refreshed_at = row
    return SealedToken(
        kind=cast(Kind, kind),
        access=bytes(access),
        refresh=None if refresh is None else bytes(refresh),
        expires_at=from_ms(expires_at),
        refresh_expires_at=from_ms(refresh_expires_at),
        scopes=scopes,
        refreshed_at=moment(refreshed_at),
    )


def _values(shop_id: int, token: SealedToken) -> dict[str, Any]:
    return {
        "shop_id": shop_id,
        "kind": token.kind,
        "access": token.access,
        "refresh": token.refresh,
        "expires_at": to_ms(token.expires_at),
        "refresh_expires_at": to_ms(token.refresh_expires_at),
        "scopes": token.scopes,
        "refreshed_at": to_ms(token.refreshed_at),
    }
