"""Tiers: how long a review of every member takes after a new ladder, in the clock's slices, on both engines."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from plugin.domain.programme import Tier
from plugin.flows import clock, merchants
from plugin.store import programmes, shops
from plugin.store.db import Database, to_ms
from plugin.store.migrate import migrate
from tests.postgres import PgServer

NOW = datetime(2026, 11, 20, tzinfo=UTC)
INSTALLED = NOW - timedelta(days=400)
GOAL_S, GOAL_MEMBERS = 60, 1_000_000
ORDERS_EACH = 5
SHOP = 1
_MEMBERS = "shop_id, member_id, status, created_at, joined_at"
_ORDERS = (
    "shop_id, order_id, member_id, processed_at, programme_version, currency, basis_minor, points, counted, "
    "confirmed, projection"
)


def fill(url: str, members: int) -> None:
    """A shop whose members placed five orders each over the last year; a fifth of them stand above the first tier."""
    migrate(url)
    db = Database.open(url)
    with db.write() as tx:
        shop = merchants.install(tx, "bench.myshopify.com", "", INSTALLED)
        merchants.set_up(
            tx, shop, name="Bench", currency="EUR", timezone="Europe/Berlin", platform_gid="", installation_gid="",
            scopes="", now=INSTALLED,
        )  # fmt: skip
    chance = random.Random(1)
    for start in range(0, members, 20_000):
        numbers = range(start, min(start + 20_000, members))
        with db.write() as tx:
            tx.many(
                f"INSERT INTO members ({_MEMBERS}) VALUES (:s, :m, :status, :t, :t)",
                [{"s": SHOP, "m": m + 1, "status": "active", "t": to_ms(INSTALLED)} for m in numbers],
            )
            tx.many(
                f"INSERT INTO orders ({_ORDERS}) VALUES (:s, :o, :m, :at, :one, :currency, :basis, :points, :one, "
                ":yes, :projection)",
                list(_orders(numbers, chance)),
            )
    with db.write() as tx:
        tx.run("ANALYZE")  # as a database that was not filled a minute ago has long done by itself
    db.close()


def _orders(numbers: range, chance: random.Random) -> Iterator[dict[str, object]]:
    for m in numbers:
        rich = chance.random() < 0.2
        for n in range(ORDERS_EACH):
            points = chance.randint(120, 400) if rich else chance.randint(10, 90)
            yield {
                "s": SHOP,
                "o": m * ORDERS_EACH + n + 1,
                "m": m + 1,
                "at": to_ms(NOW - timedelta(days=chance.randint(0, 360))),
                "one": 1,
                "currency": "EUR",
                "basis": points * 100,
                "points": points,
                "yes": "yes",
                # An order as stored has a kilobyte of lines; what is read here lies before them in the row.
                "projection": '{"order_id":1}',
            }


def sweep(url: str, tiers: tuple[Tier, ...]) -> tuple[float, float, int]:
    """Publishes a ladder and ticks until all are reviewed: (seconds in all, the longest slice, members that moved)."""
    db = Database.open(url)
    with db.write(SHOP) as tx:
        shop, latest = shops.by_id(tx, SHOP), programmes.versions(tx, SHOP).latest
        assert shop is not None
        assert latest is not None
        before = tx.one("SELECT COUNT(*) FROM tier_history WHERE shop_id = :s", s=SHOP)
        merchants.publish(tx, shop, replace(latest, tiers=tiers), "bench", NOW)
    started, longest, more = time.perf_counter(), 0.0, True
    while more:
        slice_began = time.perf_counter()
        with db.write(SHOP) as tx:
            more = clock.tick(tx, shop, NOW)
        longest = max(longest, time.perf_counter() - slice_began)
    took = time.perf_counter() - started
    with db.read() as tx:
        after = tx.one("SELECT COUNT(*) FROM tier_history WHERE shop_id = :s", s=SHOP)
    db.close()
    assert before is not None
    assert after is not None
    return took, longest, after[0] - before[0]


@click.command()
@click.option("--members", default=100_000, show_default=True, help="How many members the shop has.")
@click.option("--engine", "engines", multiple=True, default=("sqlite", "postgresql"), help="Which engines.")
def main(members: int, engines: tuple[str, ...]) -> None:
    """Everybody's first tier, then a ladder that moves some; fails when it is slower than a million in a minute."""
    table = Table(title=f"tier review of {members:,} members, {ORDERS_EACH} orders each")
    for name in ("engine", "what", "s", "members/s", "longest slice ms", "moved"):
        table.add_column(name)
    slow = False
    with tempfile.TemporaryDirectory() as folder:
        server = PgServer()
        for engine in engines:
            url = f"sqlite:///{Path(folder)}/tiers.db"
            if engine == "postgresql":
                server.start()
                url = server.url(server.create())
            fill(url, members)
            bronze = Tier("bronze", "Bronze", 0)
            for what, ladder in (
                ("everybody's first", (bronze, Tier("silver", "Silver", 500), Tier("gold", "Gold", 1500))),
                ("a new ladder", (bronze, Tier("silver", "Silver", 450), Tier("gold", "Gold", 1400))),
            ):
                took, longest, moved = sweep(url, ladder)
                table.add_row(
                    engine,
                    what,
                    f"{took:.1f}",
                    f"{members / took:,.0f}",
                    f"{longest * 1000:.0f}",
                    f"{moved:,}",
                )
                # The first time everybody gets a tier, a tag and a metafield, which is more than a review.
                slow = slow or (moved < members and took > GOAL_S * members / GOAL_MEMBERS)
        if "postgresql" in engines:
            server.remove()
    Console().print(table)
    if slow:
        sys.exit(f"slower than {GOAL_MEMBERS:,} members in {GOAL_S} s")


if __name__ == "__main__":
    main()
