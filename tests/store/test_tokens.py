"""The tokens table: one row per shop, later versions win, one worker at a time renews."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from plugin.domain.tokens import SealedToken
from plugin.store import shops, tokens
from plugin.store.db import Database
from plugin.store.tokens import TokenShelf

NOW = datetime(2026, 11, 22, 9, 0, 0, 123_000, UTC)
TOKEN = SealedToken(
    kind="offline_expiring",
    access=b"sealed access",
    refresh=b"sealed refresh",
    expires_at=NOW + timedelta(hours=1),
    refresh_expires_at=NOW + timedelta(days=90),
    scopes="read_orders,write_customers",
    refreshed_at=NOW,
)
FOREVER = replace(TOKEN, kind="offline", refresh=None, expires_at=None, refresh_expires_at=None)


@pytest.fixture
def shelf(database: Database) -> TokenShelf:
    return TokenShelf(database)


def installed(database: Database, domain: str) -> int:
    with database.write() as tx:
        shop_id = shops.ensure(tx, domain, NOW)
        shops.installed(tx, shop_id, "read_orders", NOW)
    return shop_id


def test_what_was_put_is_found_whole(shelf: TokenShelf) -> None:
    shelf.put(1, TOKEN)
    shelf.put(2, FOREVER)
    assert shelf.find(1) == TOKEN
    assert shelf.find(2) == FOREVER
    assert shelf.find(3) is None
    assert shelf.shops() == [1, 2]


def test_acquiring_again_always_makes_a_later_version(shelf: TokenShelf) -> None:
    shelf.put(1, TOKEN)
    shelf.put(1, replace(TOKEN, access=b"another"))
    found = shelf.find(1)
    assert found is not None
    assert found.access == b"another"
    assert found.refreshed_at == NOW + timedelta(milliseconds=1)


def test_renewing_replaces_only_the_version_it_started_from(shelf: TokenShelf) -> None:
    shelf.put(1, TOKEN)
    newer = replace(TOKEN, access=b"newer", refreshed_at=NOW + timedelta(seconds=1))
    assert shelf.replace(1, newer, seen=NOW)
    assert not shelf.replace(1, replace(TOKEN, access=b"late"), seen=NOW)
    assert shelf.find(1) == newer


def test_renewing_does_not_bring_back_a_forgotten_shop(shelf: TokenShelf, database: Database) -> None:
    shelf.put(1, TOKEN)
    shelf.put(2, TOKEN)
    with database.write() as tx:
        tokens.forget(tx, 1)
    shelf.forget(2)
    shelf.forget(2)
    assert not shelf.replace(1, TOKEN, seen=NOW)
    assert shelf.find(1) is None
    assert shelf.find(2) is None


def test_lease_is_held_by_one_and_runs_out(shelf: TokenShelf) -> None:
    ttl = timedelta(seconds=60)
    assert shelf.take_lease(1, "alice", NOW, ttl)
    assert not shelf.take_lease(1, "bob", NOW, ttl)
    assert shelf.take_lease(2, "bob", NOW, ttl)
    assert shelf.leased(1, NOW)
    shelf.drop_lease(1, "bob")  # not his
    assert not shelf.take_lease(1, "bob", NOW + timedelta(seconds=59), ttl)
    assert not shelf.leased(1, NOW + ttl)
    assert shelf.take_lease(1, "bob", NOW + ttl, ttl)
    shelf.drop_lease(1, "bob")
    assert not shelf.leased(1, NOW + ttl)


def test_idle_shops_are_the_installed_ones_with_an_old_expiring_token(
    shelf: TokenShelf, database: Database
) -> None:
    old, older, fresh, gone, forever = (
        installed(database, f"{name}.myshopify.com") for name in ("old", "older", "fresh", "gone", "forever")
    )
    with database.write() as tx:
        shops.uninstalled(tx, gone, NOW)
    for shop_id, days in ((old, 7), (older, 9), (fresh, 6), (gone, 9)):
        shelf.put(shop_id, replace(TOKEN, refreshed_at=NOW - timedelta(days=days)))
    shelf.put(forever, replace(FOREVER, refreshed_at=NOW - timedelta(days=30)))
    week_ago = NOW - timedelta(days=7)
    assert shelf.idle_since(week_ago, 10) == [(older, "older.myshopify.com"), (old, "old.myshopify.com")]
    assert shelf.idle_since(week_ago, 1) == [(older, "older.myshopify.com")]
