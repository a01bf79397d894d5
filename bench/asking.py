"""Asking: how long the clock takes, and how much memory, to plan a shop's due questions with every rule switched on."""

from __future__ import annotations

import resource
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from plugin.domain.programme import Survey, first_programme
from plugin.flows import asking, merchants
from plugin.flows.clock import ASK_SLICE
from plugin.store.db import Database, to_ms
from plugin.store.migrate import migrate
from plugin.store.shops import Shop

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ORDERS_EACH = 2
LIMIT_S = 60.0  # for a hundred thousand questions
LIMIT_MB = 200
CHUNK = 5_000
RULES = Survey(quiet_days=20, sample_returning=90, from_hour=9, to_hour=20, closed_days=("12-25",))


def fill(db: Database, shop: Shop, questions: int) -> None:
    """Members with two delivered orders each, whose questions all fall due now."""
    for start in range(0, questions, CHUNK):
        rows = [
            {
                "s": shop.shop_id,
                "o": n + 1,
                "m": 1 + n // ORDERS_EACH,
                "t": to_ms(NOW - timedelta(days=3, minutes=n % 60)),
                "due": to_ms(NOW - timedelta(minutes=n % 60)),
                "country": ("CH", "DE", "US", None)[n % 4],
            }
            for n in range(start, min(start + CHUNK, questions))
        ]
        with db.write(shop.shop_id) as tx:
            tx.many(
                "INSERT INTO members (shop_id, member_id, status, created_at) VALUES (:s, :m, 'active', :t) "
                "ON CONFLICT (shop_id, member_id) DO NOTHING",
                [{name: one[name] for name in ("s", "m", "t")} for one in rows],
            )
            tx.many(
                "INSERT INTO orders (shop_id, order_id, member_id, processed_at, programme_version, currency, "
                "basis_minor, points, counted, confirmed, projection) VALUES (:s, :o, :m, :t, 1, 'CHF', 1, 0, 1, "
                "'yes', '{}')",
                [{name: one[name] for name in ("s", "o", "m", "t")} for one in rows],
            )
            tx.many(
                "INSERT INTO invitations (shop_id, order_id, member_id, basis, delivered_at, due_at, planned_at, "
                "created_at, country) VALUES (:s, :o, :m, 'delivered', :t, :due, :due, :t, :country)",
                rows,
            )


def states(db: Database, shop: Shop) -> Counter[str]:
    """How many questions ended in which state, for which reason."""
    with db.read() as tx:
        rows = tx.all(
            "SELECT state, reason, COUNT(*) FROM invitations WHERE shop_id = :s GROUP BY state, reason",
            s=shop.shop_id,
        )
    return Counter({f"{state} {reason or ''}".strip(): count for state, reason, count in rows})


@click.command()
@click.option("--questions", default=100_000, show_default=True)
def main(questions: int) -> None:
    """Prints seconds, the longest slice and the memory it took; fails beyond a minute for a hundred thousand."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        migrate(url)
        db = Database.open(url)
        installed = NOW - timedelta(days=400)
        with db.write() as tx:
            shop = merchants.install(tx, "bench.myshopify.com", "", installed)
            shop = merchants.set_up(
                tx, shop, name="Bench", currency="CHF", timezone="Europe/Zurich", platform_gid="", installation_gid="",
                scopes="", now=installed,
            )  # fmt: skip
            merchants.publish(tx, shop, replace(first_programme("CHF", 100), survey=RULES), "bench", NOW)
        fill(db, shop, questions)
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, longest, more = time.perf_counter(), 0.0, True
        while more:
            slice_began = time.perf_counter()
            with db.write(shop.shop_id) as tx:
                more = asking.ask(tx, shop, NOW, ASK_SLICE)
            longest = max(longest, time.perf_counter() - slice_began)
        seconds = time.perf_counter() - began
        grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
        found = states(db, shop)
        db.close()
    print(
        f"{questions:,} due questions in {seconds:.1f} s, longest slice {longest * 1000:.0f} ms, {grown_mb:.0f} MB more"
    )
    print(", ".join(f"{name}: {count:,}" for name, count in sorted(found.items())))
    overdue = seconds > LIMIT_S * questions / 100_000 and questions >= 10_000
    if overdue or grown_mb > LIMIT_MB or sum(found.values()) != questions:
        raise SystemExit(
            f"limit: {LIMIT_S:.0f} s for a hundred thousand, {LIMIT_MB} MB, and every question decided"
        )


if __name__ == "__main__":
    main()
