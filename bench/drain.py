"""Drain: orders × create, paid, updated, fulfilled in shuffled order, as sets, row by row, and with two workers."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from devshop.shop import DevPlatform
from plugin.flows import merchants
from plugin.store import audit, shops
from plugin.store.db import Database, Tx, to_ms
from plugin.store.migrate import migrate
from tests.postgres import PgServer
from webhooks.drain import drain

STEPS = (
    ("orders/create", "pending", None),
    ("orders/paid", "paid", None),
    ("orders/updated", "paid", None),
    ("orders/fulfilled", "paid", "fulfilled"),
)
INSTALLED = datetime(2026, 11, 1, tzinfo=UTC)
PLACED = datetime(2026, 11, 10, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report: a rate, and its ratio to another line of the same run."""

    what: str
    per_second: float
    ratio: float | None = None
    to: str = ""


def fill(url: str, orders: int, shop_count: int = 1, seed: int = 1) -> None:
    """A migrated database whose inbox holds four shuffled webhooks for each order."""
    migrate(url)
    db = Database.open(url)
    chance, template = random.Random(seed), order_template()
    for number in range(shop_count):
        with db.write() as tx:
            shop = merchants.install(tx, f"bench-{number}.myshopify.com", "", INSTALLED)
            merchants.set_up(
                tx, shop, name="Bench", currency="EUR", timezone="Etc/UTC", platform_gid="", installation_gid="",
                scopes="", now=INSTALLED,
            )  # fmt: skip
        rows = [
            row
            for order in range(orders // shop_count)
            for row in _webhooks(template, shop.shop_id, number * 1_000_000 + order)
        ]
        chance.shuffle(rows)
        with db.write() as tx:
            tx.many(
                "INSERT INTO inbox (shop_id, webhook_id, topic, received_at, due_at, body) "
                "VALUES (:s, :id, :topic, :t, :due, :body)",
                [{**row, "due": row["t"] + at} for at, row in enumerate(rows)],
            )
    db.close()


def _webhooks(template: dict[str, Any], shop_id: int, number: int) -> Iterator[dict[str, Any]]:
    body = template | {"id": 6_000_000_000_000 + number, "name": f"#{number}"}
    body["customer"] = template["customer"] | {"id": 7_000_000_000 + number // 2}
    body["line_items"] = [
        line | {"id": 14_000_000_000_000 + 10 * number + position}
        for position, line in enumerate(template["line_items"])
    ]
    for step, (topic, paid, fulfilled) in enumerate(STEPS):
        placed = PLACED + timedelta(seconds=number % 86_400)
        body |= {
            "created_at": placed.isoformat(),
            "processed_at": placed.isoformat(),
            "updated_at": (placed + timedelta(minutes=step)).isoformat(),
            "financial_status": paid,
            "fulfillment_status": fulfilled,
        }
        raw = json.dumps(body, separators=(",", ":")).encode()
        yield {"s": shop_id, "id": f"{number}-{step}", "topic": topic, "t": to_ms(PLACED), "body": raw}


def order_template() -> dict[str, Any]:
    """An order of three lines as the development shop sends it: every field of Shopify's schema, about 10 KB."""
    platform = DevPlatform(now=lambda: PLACED)
    shop = platform.create_shop("bench.myshopify.com", currency="EUR")
    shop.install()
    buyer = shop.create_customer(first_name="Anna", last_name="Keller", email="anna@example.com")
    products = [shop.create_product(f"Mountain tea no. {n}", 2450 + n) for n in range(3)]
    shop.place_order(buyer, [(product, 1) for product in products])
    body: dict[str, Any] = next(
        json.loads(delivery.body) for delivery in platform.queue if delivery.topic == "orders/create"
    )
    return body


def timed_drain(url: str, batch: int) -> float:
    """Seconds one process takes to empty the inbox."""
    db = Database.open(url)
    started = time.perf_counter()
    drained = drain(db, datetime.now(UTC), batch=batch)
    took = time.perf_counter() - started
    if drained.done != drained.total:
        raise RuntimeError(f"not every webhook was done: {drained}")
    db.close()
    return took


def timed_workers(url: str, workers: int) -> float:
    """Seconds that many processes take together, their start not counted."""
    command = [sys.executable, "-m", "bench.drainer", "--until-empty"]
    started = time.perf_counter()
    running = [subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url}) for _ in range(workers)]
    for process in running:
        if process.wait() != 0:
            raise RuntimeError("a drainer failed")
    return time.perf_counter() - started


def checked(url: str, orders: int) -> tuple[int, int]:
    """(ledger entries, mirrors asked for); raises when the audit finds anything or an order is missing."""
    db = Database.open(url)
    with db.read() as tx:
        for shop in shops.every(tx):
            differences = list(audit.audit(tx, shop.shop_id))
            if differences:
                raise RuntimeError(f"the audit found {differences[:3]}: the figures are void")
        entries = _count(tx, "SELECT COUNT(*) FROM entries")
        mirrors = _count(tx, "SELECT COUNT(*) FROM outbox WHERE kind = 'member.mirror'")
    db.close()
    if entries != orders:
        raise RuntimeError(f"{orders} orders, but {entries} entries: the figures are void")
    return entries, mirrors


def raw_inserts(url: str, target: str) -> float:
    """Seconds to insert the same ledger and order rows into an empty database, 200 orders a transaction."""
    source = Database.open(url)
    tables = ("entries", "lots", "members", "orders", "outbox")
    rows: dict[str, list[dict[str, object]]] = {}
    names: dict[str, list[str]] = {}
    from plugin.store.schema import metadata

    with source.read() as tx:
        for table in tables:
            names[table] = [column.name for column in metadata.tables[table].columns]
            # In the order in which they were made: an entry comes before its lot.
            order = "ORDER BY 1, 2" if table in ("entries", "lots") else ""
            found = tx.all(f"SELECT {', '.join(names[table])} FROM {table} {order}")
            rows[table] = [dict(zip(names[table], row, strict=True)) for row in found]
    source.close()
    migrate(target)
    db = Database.open(target)
    started = time.perf_counter()
    chunks = max(1, len(rows["orders"]) // 200)
    for chunk in range(chunks):
        with db.write() as tx:
            for table in tables:
                size = -(-len(rows[table]) // chunks)
                values = ", ".join(f":{name}" for name in names[table])
                tx.many(
                    f"INSERT INTO {table} ({', '.join(names[table])}) VALUES ({values})",
                    rows[table][chunk * size : (chunk + 1) * size],
                )
    took = time.perf_counter() - started
    db.close()
    return took


def _count(tx: Tx, sql: str) -> int:
    row = tx.one(sql)
    return int(row[0]) if row else 0


@contextmanager
def sqlite_files() -> Iterator[Callable[[], str]]:
    """A maker of fresh SQLite addresses."""
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        made = iter(range(10_000))
        yield lambda: f"sqlite:///{folder}/{next(made)}.db"


def on_sqlite(orders: int, rounds: int) -> list[Figure]:
    """As sets against one commit a webhook, and against inserting the same rows without deciding anything."""
    sets, singles, raws = [], [], []
    few = max(100, orders // 10)
    with sqlite_files() as fresh:
        for number in range(rounds):
            url = fresh()
            fill(url, orders, seed=number)
            sets.append(4 * orders / timed_drain(url, 200))
            entries, mirrors = checked(url, orders)
            raws.append(orders / raw_inserts(url, fresh()))
            url = fresh()
            fill(url, few, seed=number)
            singles.append(4 * few / timed_drain(url, 1))
            checked(url, few)
    fast, slow, raw = (statistics.median(rates) for rates in (sets, singles, raws))
    return [
        Figure("SQLite, sets of 200 webhooks", fast, fast / slow, "one commit a webhook"),
        Figure("SQLite, one commit a webhook", slow),
        Figure(
            "SQLite, orders that wrote to the ledger",
            fast / 4,
            fast / 4 / raw,
            "raw inserts of the same rows",
        ),
        Figure("SQLite, raw inserts of the same rows (orders)", raw),
        Figure(f"SQLite, mirrors asked for: {mirrors} (entries: {entries}), audit clean", 0.0),
    ]


def on_postgresql(orders: int, rounds: int) -> list[Figure]:
    """One worker process against two, over two shops."""
    server = PgServer()
    rates: dict[int, list[float]] = {1: [], 2: []}
    try:
        server.start()
        for number in range(rounds):
            for workers in (1, 2):
                url = server.url(server.create())
                fill(url, orders, shop_count=2, seed=number)
                rates[workers].append(4 * orders / timed_workers(url, workers))
                checked(url, orders)
    finally:
        server.remove()
    one, two = statistics.median(rates[1]), statistics.median(rates[2])
    return [
        Figure("PostgreSQL, one worker", one),
        Figure("PostgreSQL, two workers", two, two / one, "one worker"),
    ]


@click.command()
@click.option("--orders", default=10_000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--json", "path", type=click.Path(path_type=Path), help="Also write the figures to this file.")
def main(orders: int, rounds: int, path: Path | None) -> None:
    figures = on_sqlite(orders, rounds) + on_postgresql(max(200, orders // 2), rounds)
    size = len(json.dumps(order_template(), separators=(",", ":")))
    table = Table(title=f"Drain: {orders} orders × {len(STEPS)} webhooks of {size / 1000:.0f} KB, shuffled")
    for heading in ("", "a second", "ratio", "to"):
        table.add_column(heading, justify="left" if heading in ("", "to") else "right")
    for figure in figures:
        rate = f"{figure.per_second:,.0f}" if figure.per_second else ""
        table.add_row(figure.what, rate, f"x{figure.ratio:.2f}" if figure.ratio else "", figure.to)
    Console(width=120).print(table)
    if path is not None:
        path.write_text(json.dumps([asdict(figure) for figure in figures], indent=1) + "\n")


if __name__ == "__main__":
    main()
