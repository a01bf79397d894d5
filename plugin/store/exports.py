"""Exports: a shop's whole data as one SQLite file and back, and each list as CSV for a spreadsheet."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlite_utils
from sqlalchemy import Table

from plugin.store import tabular
from plugin.store.backup import BackupError, chunks, table_of, whole_file
from plugin.store.db import Row, Tx, from_ms
from plugin.store.migrate import head
from plugin.store.schema import metadata

# Secrets of this installation, and what is under way in it: neither is the merchant's data, nor of use elsewhere.
LEFT_OUT = {
    "tokens", "inbox", "outbox", "leases", "meta", "shops", "api_keys", "api_answers", "webhook_endpoints",
    "webhook_positions", "import_rows",
}  # fmt: skip
_SHOP = (
    "domain",
    "name",
    "currency",
    "timezone",
    "installed_at",
    "orders_watermark_at",
    "settings",
    "pauses",
)


def tables() -> list[Table]:
    """The tables of a shop's data, parents before children."""
    return [one for one in metadata.sorted_tables if "shop_id" in one.c and one.name not in LEFT_OUT]


def write_shop(tx: Tx, shop_id: int, path: Path) -> dict[str, int]:
    """Writes everything of one shop, as of one moment, to a new SQLite file; returns rows by table.

    Give it a transaction that has read nothing yet. Raises BackupError when the file exists.
    """
    if tx.engine == "postgresql":
        tx.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    counts: dict[str, int] = {}
    with whole_file(path) as copy:
        shop = tx.one(f"SELECT {', '.join(_SHOP)} FROM shops WHERE shop_id = :s", s=shop_id)
        if shop is None:
            raise BackupError("There is no such shop.")
        copy.table("_regulars_shop").insert({"revision": head(), **dict(zip(_SHOP, shop, strict=True))})
        for table in tables():
            counts[table.name] = table_of(tx, copy, table, "WHERE shop_id = :s", s=shop_id)
    return counts


def is_shop_file(path: Path) -> bool:
    """Whether the file is what `write_shop` writes."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
            return bool(copy.execute("SELECT 1 FROM sqlite_master WHERE name = '_regulars_shop'").fetchone())
    except sqlite3.Error:
        return False


def read_shop(tx: Tx, shop_id: int, path: Path) -> dict[str, int]:
    """Fills a shop that has no movements yet from such a file, in one transaction; returns rows by table.

    Raises BackupError: no such file, another version, another currency, or the shop is in use.
    """
    if not is_shop_file(path):
        raise BackupError(f"{path.name} is not the data of a shop.")
    copy = sqlite_utils.Database(str(path))
    try:
        given = next(iter(copy.table("_regulars_shop").rows))
        if given["revision"] != head():
            raise BackupError(
                f"The file is of version {given['revision']}, this app of {head()}. Read it with the app that made it."
            )
        columns = "state, currency, installed_at, orders_watermark_at"
        row = tx.one(f"SELECT {columns} FROM shops WHERE shop_id = :s", s=shop_id)
        assert row is not None
        state, currency, installed_at, watermark = row
        if currency is not None and given["currency"] not in (None, currency):
            raise BackupError(
                f"The file is of a shop in {given['currency']}, and this one sells in {currency}."
            )
        if tx.one("SELECT 1 FROM entries WHERE shop_id = :s LIMIT 1", s=shop_id) is not None:
            raise BackupError("The shop has movements here already. Read the file into a fresh one.")
        # What a new shop has of itself makes room; the append-only triggers let go only of a redacted shop.
        tx.run("UPDATE shops SET state = 'redacted' WHERE shop_id = :s", s=shop_id)
        for table in reversed(tables()):
            tx.run(f"DELETE FROM {table.name} WHERE shop_id = :s", s=shop_id)
        tx.run(
            "UPDATE shops SET state = :state, currency = COALESCE(currency, :currency), name = COALESCE(name, :name), "
            "timezone = COALESCE(timezone, :zone), settings = :settings, pauses = :pauses, installed_at = :installed, "
            "orders_watermark_at = :watermark WHERE shop_id = :s",
            s=shop_id, state=state, currency=given["currency"], name=given["name"], zone=given["timezone"],
            settings=given["settings"], pauses=given["pauses"],
            installed=given["installed_at"] if state != "waiting" else installed_at,
            watermark=given["orders_watermark_at"] if given["orders_watermark_at"] is not None else watermark,
        )  # fmt: skip
        counts: dict[str, int] = {}
        for table in tables():
            names = [column.name for column in table.columns]
            sql = (
                f"INSERT INTO {table.name} ({', '.join(names)}) "
                f"VALUES ({', '.join(f':{name}' for name in names)})"
            )
            counts[table.name] = sum(
                tx.many(sql, [{**one, "shop_id": shop_id} for one in chunk])
                for chunk in chunks(copy, table.name, names)
            )
        return counts
    except (sqlite3.DatabaseError, StopIteration) as error:
        raise BackupError(f"{path.name} cannot be read. It may be damaged.") from error
    finally:
        copy.close()


def holders(tx: Tx, shop_id: int) -> list[int]:
    """Members whose points the storefront shows."""
    sql = "SELECT member_id FROM members WHERE shop_id = :s AND status NOT IN ('merged', 'redacted') ORDER BY member_id"
    return [row[0] for row in tx.all(sql, s=shop_id)]


@dataclass(frozen=True, slots=True)
class _List:
    """One list: its header and its rows; columns named `…_at` hold moments."""

    header: tuple[str, ...]
    sql: str


LISTS = {
    "members": _List(
        ("customer_id", "email", "first_name", "last_name", "status", "points", "earned", "spent", "tier",
         "birthday_month", "birthday_day", "referral", "locale", "created_at", "joined_at"),
        "SELECT m.member_id, m.email, m.first_name, m.last_name, m.status, m.posted, m.earned, m.spent, m.tier, "
        "b.month, b.day, r.value, m.locale, m.created_at, m.joined_at FROM members m LEFT JOIN birthdays b "
        "ON b.shop_id = m.shop_id AND b.member_id = m.member_id LEFT JOIN brought_along r "
        "ON r.shop_id = m.shop_id AND r.member_id = m.member_id AND r.name = 'referral' WHERE m.shop_id = :s "
        "ORDER BY m.member_id",
    ),
    "entries": _List(
        ("entry", "customer_id", "kind", "points", "occurred_at", "recorded_at", "order_id", "order", "remaining",
         "available_at", "expires_at", "actor", "cause", "why", "note"),
        "SELECT e.entry_id, e.member_id, e.kind, e.points, e.occurred_at, e.recorded_at, e.order_id, e.order_name, "
        "l.remaining, l.available_at, l.expires_at, e.actor, e.source_key, e.why, n.note FROM entries e "
        "LEFT JOIN lots l ON l.shop_id = e.shop_id AND l.lot_id = e.entry_id LEFT JOIN entry_notes n "
        "ON n.shop_id = e.shop_id AND n.entry_id = e.entry_id WHERE e.shop_id = :s ORDER BY e.entry_id",
    ),
    "orders": _List(
        ("order_id", "name", "customer_id", "processed_at", "currency", "basis_minor", "points", "counted",
         "available_at", "delivered_at", "programme_version", "tier", "confirmed"),
        "SELECT order_id, name, member_id, processed_at, currency, basis_minor, points, counted, available_at, "
        "delivered_at, programme_version, tier, confirmed FROM orders WHERE shop_id = :s ORDER BY order_id",
    ),
    "redemptions": _List(
        ("redemption", "customer_id", "reward", "points", "code", "state", "created_at", "made_at", "expires_at",
         "used_order_id", "returned"),
        "SELECT redemption_id, member_id, reward_key, points, code, state, created_at, made_at, expires_at, "
        "used_order_id, returned FROM redemptions WHERE shop_id = :s ORDER BY redemption_id",
    ),
    "responses": _List(
        ("order_id", "customer_id", "score", "words", "locale", "channel", "answered_at", "changed_at", "reasons",
         "contact_ok"),
        "SELECT order_id, member_id, score, words, locale, channel, answered_at, changed_at, reasons, contact_ok "
        "FROM responses WHERE shop_id = :s ORDER BY order_id",
    ),
}  # fmt: skip


def lines(tx: Tx, shop_id: int, what: str) -> Iterator[str]:
    """One of LISTS as CSV, line by line, in flat memory. Moments are ISO 8601 in UTC; ids are whole numbers."""
    one = LISTS[what]
    moments = [at for at, name in enumerate(one.header) if name.endswith("_at")]

    def shown(row: Row) -> list[Any]:
        cells = list(row)
        for at in moments:
            found = from_ms(cells[at])
            cells[at] = None if found is None else found.isoformat(timespec="milliseconds")
        return cells

    return tabular.csv_lines(one.header, (shown(row) for row in tx.each(one.sql, s=shop_id)))
