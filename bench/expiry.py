"""Expiry: a tick over a shop full of lots that all run out at once, then reminders and a new rule over as many."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from plugin.domain.programme import Expiry, first_programme
from plugin.flows import clock, merchants
from plugin.store import audit
from plugin.store.db import Database, to_ms
from plugin.store.ids import new_id
from plugin.store.migrate import migrate
from plugin.store.shops import Shop

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LOTS_EACH = 5
LIMIT_S = 60.0  # for a million lots
CHUNK = 5_000


def fill(db: Database, shop: Shop, lots: int, ends_at: datetime) -> None:
    """Members with lots of 100 points each, written in bulk; `audit` proves the books afterwards."""
    opened = to_ms(NOW - timedelta(days=300))
    for start in range(0, lots, CHUNK):
        numbers = range(start, min(start + CHUNK, lots))
        entries = [
            {"s": shop.shop_id, "id": new_id(), "m": 1 + n // LOTS_EACH, "key": f"fill:{n}", "t": opened,
             "ends": to_ms(ends_at)}
            for n in numbers
        ]  # fmt: skip
        with db.write(shop.shop_id) as tx:
            tx.many(
                "INSERT INTO members (shop_id, member_id, status, created_at, joined_at, posted, earned) "
                "VALUES (:s, :m, 'active', :t, :t, 0, 0) ON CONFLICT (shop_id, member_id) DO NOTHING",
                [{name: one[name] for name in ("s", "m", "t")} for one in entries],
            )
            tx.many(
                "INSERT INTO entries (shop_id, entry_id, member_id, kind, points, occurred_at, recorded_at, "
                "source_key, why, actor) VALUES (:s, :id, :m, 'adjust', 100, :t, :t, :key, '{}', 'bench')",
                [{name: one[name] for name in ("s", "id", "m", "t", "key")} for one in entries],
            )
            tx.many(
                "INSERT INTO lots (shop_id, lot_id, member_id, points, remaining, available_at, expires_at, "
                "created_at, mirrored_at, own_expires_at) VALUES (:s, :id, :m, 100, 100, :t, :ends, :t, :t, :ends)",
                [{name: one[name] for name in ("s", "id", "m", "t", "ends")} for one in entries],
            )
            tx.many(
                "UPDATE members SET posted = posted + 100, earned = earned + 100 WHERE shop_id = :s AND member_id = :m",
                [{"s": one["s"], "m": one["m"]} for one in entries],
            )


def ticks(db: Database, shop: Shop, now: datetime) -> tuple[float, float]:
    """Seconds until nothing is due, and the longest that one slice held the database."""
    began, longest, more = time.perf_counter(), 0.0, True
    while more:
        slice_began = time.perf_counter()
        with db.write(shop.shop_id) as tx:
            more = clock.tick(tx, shop, now)
        longest = max(longest, time.perf_counter() - slice_began)
    return time.perf_counter() - began, longest


@click.command()
@click.option("--lots", default=100_000, show_default=True)
def main(lots: int) -> None:
    """Prints seconds per step; fails when a million lots would take more than a minute, or the books are wrong."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        migrate(url)
        db = Database.open(url)
        with db.write() as tx:
            shop = merchants.install(tx, "bench.myshopify.com", "read_orders", NOW - timedelta(days=400))
            shop = merchants.set_up(
                tx, shop, name="Bench", currency="CHF", timezone="Europe/Zurich", platform_gid="gid://1",
                installation_gid="gid://2", scopes="read_orders", now=NOW - timedelta(days=400),
            )  # fmt: skip
        ends_at = NOW + timedelta(days=20)
        fill(db, shop, lots, ends_at)
        ticks(db, shop, NOW)
        rules = first_programme("CHF", 100)
        with db.write() as tx:
            merchants.publish(tx, shop, replace(rules, expiry=Expiry(first_days=30)), "bench", NOW)
        steps = [("reminders", NOW)]
        slow = False
        for what, at in [*steps, ("expiry", ends_at)]:
            seconds, longest = ticks(db, shop, at)
            million = seconds * 1_000_000 / lots
            slow = slow or (what == "expiry" and million > LIMIT_S)
            print(
                f"{what}: {lots:,} lots in {seconds:.1f} s, {million:.0f} s a million, "
                f"longest slice {longest * 1000:.0f} ms"
            )
        with db.read() as tx:
            wrong = list(audit.audit(tx, shop.shop_id))
        db.close()
    if wrong or slow:
        raise SystemExit(f"{len(wrong)} differences; limit {LIMIT_S:.0f} s a million lots")


if __name__ == "__main__":
    main()
