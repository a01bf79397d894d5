"""Shops: who installed us, since when, and what we know of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from plugin.domain.pauses import Pause
from plugin.store.db import Tx, from_ms, to_ms

_COLUMNS = (
    "shop_id, domain, state, name, currency, timezone, platform_gid, installation_gid, scopes, installed_at, "
    "uninstalled_at, proved_at, orders_watermark_at, reconciled_at, settings, pauses"
)


decode_pauses = msgspec.json.Decoder(tuple[Pause, ...]).decode


# What `settings` holds of a partner's development store.
_DEVELOPMENT = '{"development":true}'


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop. `state`: waiting, installed, uninstalled or redacted.

    `proved_at`: when Shopify last vouched that the shop has the app, by its own clock.
    `counts_test_orders`: a development store of a partner, where every order is a test order.
    """

    shop_id: int
    domain: str
    state: str
    name: str | None
    currency: str | None
    timezone: str | None
    platform_gid: str | None
    installation_gid: str | None
    scopes: str
    installed_at: datetime | None
    uninstalled_at: datetime | None
    proved_at: datetime | None
    orders_watermark_at: datetime | None
    reconciled_at: datetime | None
    counts_test_orders: bool = False
    pauses: tuple[Pause, ...] = ()


def _shop(row: Any) -> Shop:
    shop = Shop(*row[:9], *(from_ms(value) for value in row[9:14]))
    if row[14] == _DEVELOPMENT:
        shop = replace(shop, counts_test_orders=True)
    return shop if row[15] == "[]" else replace(shop, pauses=decode_pauses(row[15]))


def zone(name: str | None) -> ZoneInfo:
    """A shop's time zone, in which people read and days begin; UTC when it has none that we know."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def by_id(tx: Tx, shop_id: int) -> Shop | None:
    """The shop of that id."""
    row = tx.one(f"SELECT {_COLUMNS} FROM shops WHERE shop_id = :s", s=shop_id)
    return None if row is None else _shop(row)


def by_domain(tx: Tx, domain: str) -> Shop | None:
    """The shop of that myshopify.com domain."""
    row = tx.one(f"SELECT {_COLUMNS} FROM shops WHERE domain = :d", d=domain)
    return None if row is None else _shop(row)


def every(tx: Tx, state: str | None = None) -> list[Shop]:
    """All shops, or those in one state, by id."""
    where = "" if state is None else "WHERE state = :state"
    parameters = {} if state is None else {"state": state}
    return [
        _shop(row) for row in tx.all(f"SELECT {_COLUMNS} FROM shops {where} ORDER BY shop_id", **parameters)
    ]


def ensure(tx: Tx, domain: str, now: datetime) -> int:
    """The id of the shop with that domain, made in state `waiting` when it is new. Safe when two do it at once."""
    for _ in range(20):
        row = tx.one("SELECT shop_id FROM shops WHERE domain = :d", d=domain)
        if row is not None:
            return int(row[0])
        tx.run(
            "INSERT INTO shops (shop_id, domain, state, first_seen_at) "
            "SELECT COALESCE(MAX(shop_id), 0) + 1, :d, 'waiting', :t FROM shops WHERE true ON CONFLICT DO NOTHING",
            d=domain,
            t=to_ms(now),
        )
    raise RuntimeError(f"could not make a row for shop {domain} in 20 tries")


def installed(tx: Tx, shop_id: int, scopes: str, now: datetime, proved_at: datetime | None = None) -> None:
    """Marks the shop installed, which Shopify vouched for at `proved_at` (None: now).

    `installed_at` stays while the shop stays installed: the programme and the reading of orders count from it.
    """
    tx.run(
        "UPDATE shops SET state = 'installed', installed_at = :t, uninstalled_at = NULL "
        "WHERE shop_id = :s AND state <> 'installed'",
        s=shop_id,
        t=to_ms(now),
    )
    proved = to_ms(proved_at or now)
    tx.run(
        "UPDATE shops SET proved_at = :p WHERE shop_id = :s AND (proved_at IS NULL OR proved_at < :p)",
        s=shop_id,
        p=proved,
    )
    scopes_changed(tx, shop_id, scopes, proved_at or now)


def uninstalled(tx: Tx, shop_id: int, at: datetime) -> None:
    """Marks the shop uninstalled; its data stays until shop/redact."""
    tx.run(
        "UPDATE shops SET state = 'uninstalled', uninstalled_at = :t WHERE shop_id = :s",
        s=shop_id,
        t=to_ms(at),
    )


def described(
    tx: Tx,
    shop_id: int,
    *,
    name: str,
    currency: str,
    timezone: str,
    platform_gid: str,
    installation_gid: str,
    development: bool,
) -> None:
    """Stores what the platform says of the shop."""
    tx.run(
        "UPDATE shops SET name = :name, currency = :currency, timezone = :timezone, platform_gid = :gid, "
        "installation_gid = :installation, settings = :settings WHERE shop_id = :s",
        s=shop_id,
        name=name,
        currency=currency,
        timezone=timezone,
        gid=platform_gid,
        installation=installation_gid,
        settings=_DEVELOPMENT if development else "{}",
    )


def pause(tx: Tx, shop_id: int, pauses: tuple[Pause, ...]) -> None:
    """Stores when the shop's earning, redeeming and messages stood or stand still."""
    tx.run(
        "UPDATE shops SET pauses = :p WHERE shop_id = :s", s=shop_id, p=msgspec.json.encode(pauses).decode()
    )


def scopes_changed(tx: Tx, shop_id: int, scopes: str, at: datetime) -> bool:
    """Stores the scopes that the merchant had granted at that time; False when newer ones are known."""
    touched = tx.run(
        "UPDATE shops SET scopes = :scopes, scopes_at = :t "
        "WHERE shop_id = :s AND (scopes_at IS NULL OR scopes_at <= :t)",
        s=shop_id,
        scopes=scopes,
        t=to_ms(at),
    )
    return touched > 0


def reconciled(tx: Tx, shop_id: int, watermark: datetime, now: datetime) -> None:
    """Moves the watermark up to which orders were read; it never moves back."""
    tx.run(
        "UPDATE shops SET reconciled_at = :t, orders_watermark_at = "
        "CASE WHEN orders_watermark_at IS NULL OR orders_watermark_at < :w THEN :w ELSE orders_watermark_at END "
        "WHERE shop_id = :s",
        s=shop_id,
        t=to_ms(now),
        w=to_ms(watermark),
    )


def redacted(tx: Tx, shop_id: int) -> None:
    """Opens the shop's ledger for deletion (the append-only triggers let go only of a redacted shop).

    Of its row the number, the domain and the state stay, so that a later install starts anew.
    """
    tx.run(
        "UPDATE shops SET state = 'redacted', name = NULL, currency = NULL, timezone = NULL, platform_gid = NULL, "
        "installation_gid = NULL, scopes = '', scopes_at = NULL, installed_at = NULL, uninstalled_at = NULL, "
        "proved_at = NULL, orders_watermark_at = NULL, reconciled_at = NULL, settings = '{}', theme = NULL, "
        "pauses = '[]' WHERE shop_id = :s",
        s=shop_id,
    )
