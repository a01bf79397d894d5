"""Fills a SQLite file with members and their history in bulk, for the storefront benchmark; the audit stays clean."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from bench.load import SHOP
from plugin.flows import merchants
from plugin.store import audit, shops
from plugin.store.db import Database, to_ms
from plugin.store.migrate import migrate

FIRST_MEMBER = 7_000_000_000_000
ENTRIES_EACH = 10
_DAY_MS = 86_400_000
_INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({})"
_FILLED = ("members", "entries", "lots", "allocations", "orders", "redemptions", "invitations")


def fill(url: str, members: int) -> None:
    """A migrated database with one installed shop, so many members and ten entries for each, four of them of orders.

    Entries lie in the file as time would put them: the first of everybody, then the second of everybody.
    """
    migrate(url)
    now = datetime.now(UTC)
    database = Database.open(url)
    with database.write() as tx:
        shop = merchants.install(tx, SHOP, "read_orders", now - timedelta(days=400))
        merchants.set_up(
            tx, shop, name="Bench", currency="EUR", timezone="Etc/UTC", platform_gid="gid://shopify/Shop/1",
            installation_gid="gid://shopify/AppInstallation/1", scopes="", now=now,
        )  # fmt: skip
    shop_id = shop.shop_id
    database.close()
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    # Nobody else looks, and a broken file is filled again: no log, no waiting for the disk.
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-262144")
    names = ",".join(f"'{name}'" for name in _FILLED)
    indexes = connection.execute(_INDEXES.format(names)).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    connection.execute("BEGIN")
    now_ms = to_ms(now) or 0
    for table, rows in _tables(shop_id, members, now_ms):
        first = next(rows)
        marks = ",".join("?" * len(first))
        columns = _COLUMNS[table]
        connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", first)
        connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
    connection.execute("COMMIT")
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("ANALYZE")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def differences(url: str) -> list[str]:
    """What the audit has to say about the filled file."""
    database = Database.open(url)
    with database.read() as tx:
        shop = shops.by_domain(tx, SHOP)
        assert shop is not None
        found = list(audit.audit(tx, shop.shop_id))
    database.close()
    return found


_COLUMNS = {
    "members": "shop_id, member_id, status, created_at, joined_at, first_name, last_name, email, posted, earned, "
    "spent, tier",
    "entries": "shop_id, entry_id, member_id, kind, points, occurred_at, recorded_at, source_key, why, actor, "
    "order_id, order_name",
    "lots": "shop_id, lot_id, member_id, order_id, points, remaining, available_at, expires_at, created_at",
    "allocations": "shop_id, debit_id, lot_id, points",
    "orders": "shop_id, order_id, member_id, name, processed_at, updated_at, programme_version, currency, basis_minor, "
    "points, counted, available_at, confirmed, projection, standing",
    "redemptions": "shop_id, redemption_id, member_id, request_key, reward_key, reward, programme_version, points, "
    "code, state, created_at, expires_at",
    "invitations": "shop_id, order_id, member_id, state, basis, delivered_at, due_at, created_at",
}
_REWARD = msgspec.json.encode(
    {
        "key": "five_off",
        "kind": "amount_off",
        "name": "5 off",
        "points": 100,
        "value_minor": 500,
        "valid_days": 90,
    }
).decode()
# An order as stored has a kilobyte or two of lines; what is read here lies before them in the row.
_PROJECTION = '{"order_id":%d,"head":null,"note":"' + "x" * 64 + '"}'


def _entry_id(step: int, member: int, members: int) -> int:
    return 100_000_000_000_000_000 + step * members + member


def _order_id(step: int, member: int, members: int) -> int:
    return 5_000_000_000_000 + step * members + member


def _earned(step: int, member: int) -> int:
    """What an order brought: the first between 60 and 109, so that a redemption of 100 never leaves a deficit."""
    return 60 + (member * 7 + step * 13) % 50


# The ten steps of everybody's history: joined, an order, a redemption, orders, answers, a refund.
_STEPS = ("signup", "order", "redeem", "order", "survey", "order", "clawback", "survey", "order", "survey")
_ORDER_STEPS = [step for step, kind in enumerate(_STEPS) if kind == "order"]
_REFUNDED_STEP, _REFUNDED_POINTS = _ORDER_STEPS[1], 10


def _tables(shop_id: int, members: int, now_ms: int) -> Iterator[tuple[str, Iterator[tuple[object, ...]]]]:
    yield "members", _members(shop_id, members, now_ms)
    yield "orders", _orders(shop_id, members, now_ms)
    yield "entries", _entries(shop_id, members, now_ms)
    yield "lots", _lots(shop_id, members, now_ms)
    yield "allocations", _allocations(shop_id, members)
    yield "redemptions", _redemptions(shop_id, members, now_ms)
    yield "invitations", _invitations(shop_id, members, now_ms)


def _at(step: int, now_ms: int) -> int:
    return now_ms - (300 - 30 * step) * _DAY_MS


def _members(shop_id: int, members: int, now_ms: int) -> Iterator[tuple[object, ...]]:
    for member in range(members):
        earned = 50 + 3 * 10 + sum(_earned(step, member) for step in _ORDER_STEPS) - _REFUNDED_POINTS
        joined = _at(0, now_ms)
        yield (shop_id, FIRST_MEMBER + member, "active", joined, joined, f"First{member}", f"Last{member % 9973}",
               f"m{member}@example.com", earned - 100, earned, 100, "bronze")  # fmt: skip


def _entries(shop_id: int, members: int, now_ms: int) -> Iterator[tuple[object, ...]]:
    for step, kind in enumerate(_STEPS):
        at = _at(step, now_ms)
        for member in range(members):
            entry, who = _entry_id(step, member, members), FIRST_MEMBER + member
            order: int | None = None
            if kind == "signup":
                points, source, why = 50, f"signup:{who}", '{"rule":"signup","programme":1}'
            elif kind == "survey":
                points, source, why = 10, f"survey:{step}:{who}", '{"rule":"survey","programme":1}'
            elif kind == "redeem":
                points, source = -100, f"redeem:{entry}"
                why = '{"reward":"five_off","name":"5 off","programme":1}'
            else:
                of = step if kind == "order" else _REFUNDED_STEP
                order, earned = _order_id(of, member, members), _earned(of, member)
                points = earned if kind == "order" else -_REFUNDED_POINTS
                target = earned if kind == "order" else earned - _REFUNDED_POINTS
                source = f"order:{order}:purchase:{1 if kind == 'order' else 2}"
                why = (
                    f'{{"rule":"purchase","basis_minor":{target}00,"target":{target},'
                    f'"before":{earned if points < 0 else 0},'
                    '"currency":"EUR","programme":1,"rate":[1,100],"tier":"bronze","multiplier":[1,1]}'
                )
            name = {"order": "earn"}.get(kind, kind)
            label = None if order is None else f"#{order - 5_000_000_000_000}"
            yield (shop_id, entry, who, name, points, at, at, source, why, "system", order, label)


def _lots(shop_id: int, members: int, now_ms: int) -> Iterator[tuple[object, ...]]:
    for step, kind in enumerate(_STEPS):
        if kind not in ("signup", "order", "survey"):
            continue
        at = _at(step, now_ms)
        # The last order is on its way: its points open in ten days.
        opens = now_ms + 10 * _DAY_MS if step == _ORDER_STEPS[-1] else at
        for member in range(members):
            points = 50 if kind == "signup" else 10 if kind == "survey" else _earned(step, member)
            remaining = points - _taken(step, points)
            order = _order_id(step, member, members) if kind == "order" else None
            lot, who = _entry_id(step, member, members), FIRST_MEMBER + member
            yield shop_id, lot, who, order, points, remaining, opens, opens + 700 * _DAY_MS, at


def _taken(step: int, points: int) -> int:
    """The redemption took the bonus and half of the first order, the refund a part of its own order."""
    if step == 0:
        return points
    return 50 if step == _ORDER_STEPS[0] else _REFUNDED_POINTS if step == _REFUNDED_STEP else 0


def _allocations(shop_id: int, members: int) -> Iterator[tuple[object, ...]]:
    for debit, lot, points in ((2, 0, 50), (2, _ORDER_STEPS[0], 50), (6, _REFUNDED_STEP, _REFUNDED_POINTS)):
        for member in range(members):
            yield shop_id, _entry_id(debit, member, members), _entry_id(lot, member, members), points


def _orders(shop_id: int, members: int, now_ms: int) -> Iterator[tuple[object, ...]]:
    for step in _ORDER_STEPS:
        at = _at(step, now_ms)
        for member in range(members):
            order, points = _order_id(step, member, members), _earned(step, member)
            points -= _REFUNDED_POINTS if step == _REFUNDED_STEP else 0
            yield (shop_id, order, FIRST_MEMBER + member, f"#{order - 5_000_000_000_000}", at, at, 1, "EUR",
                   points * 100, points, 1, at, "yes", _PROJECTION % order, f'{{"purchase":[{points},1]}}')  # fmt: skip


def _redemptions(shop_id: int, members: int, now_ms: int) -> Iterator[tuple[object, ...]]:
    for member in range(members):
        number, at = _entry_id(2, member, members), _at(2, now_ms)
        yield (shop_id, number, FIRST_MEMBER + member, f"tap-{number}", "five_off", _REWARD, 1, 100, f"REG-{number}",
               "made", at, now_ms + 90 * _DAY_MS)  # fmt: skip


def _invitations(shop_id: int, members: int, now_ms: int) -> Iterator[tuple[object, ...]]:
    for member in range(0, members, 10):
        order, at = _order_id(_ORDER_STEPS[-1], member, members), now_ms - _DAY_MS
        yield shop_id, order, FIRST_MEMBER + member, "asked", "delivered", at, at, at


def some_members(count: int, members: int, seed: int) -> list[int]:
    """Customer ids of shoppers who come by, all equally likely."""
    chance = random.Random(seed)
    return [FIRST_MEMBER + chance.randrange(members) for _ in range(count)]
