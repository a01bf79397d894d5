"""Backfill: past orders a second from a result made on the fly, and the most memory the process ever held."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import httpx
from rich.console import Console
from rich.progress import Progress

from plugin.flows import backfills as flow
from plugin.flows import merchants
from plugin.shopify.admin import AdminClient
from plugin.store import audit, backfills
from plugin.store.db import Database
from plugin.store.migrate import migrate
from plugin.worker.backfill import backfill
from plugin.worker.effects import Bench

NOW = datetime(2026, 11, 20, tzinfo=UTC)
MEMORY_LIMIT_MB = 300


def result(orders: int) -> Iterator[bytes]:
    """The lines of a bulk result: each order with two lines of its own, 3 orders a customer."""
    money = {"shopMoney": {"amount": "25.00"}}
    for at in range(orders):
        placed = (NOW - timedelta(days=30, seconds=at)).isoformat()
        gid = f"gid://shopify/Order/{at + 1}"
        customer = {"id": f"gid://shopify/Customer/{at // 3 + 1}", "updatedAt": placed, "firstName": "Ada",
                    "lastName": "L", "defaultEmailAddress": {"emailAddress": f"ada{at // 3}@example.com"}}  # fmt: skip
        yield _line({
            "id": gid, "updatedAt": placed, "processedAt": placed, "name": f"#{at}", "test": False,
            "sourceName": "web", "cancelledAt": None, "currencyCode": "CHF", "taxesIncluded": True,
            "displayFinancialStatus": "PAID", "displayFulfillmentStatus": "UNFULFILLED", "paymentGatewayNames": [],
            "customerLocale": "de", "customer": customer, "totalTipReceivedSet": money, "totalRefundedSet": None,
            "currentTotalDutiesSet": None, "currentShippingPriceSet": money, "refunds": [], "fulfillments": [],
        })  # fmt: skip
        for n in range(2):
            yield _line({
                "id": f"gid://shopify/LineItem/{2 * at + n + 1}", "quantity": 2, "currentQuantity": 2,
                "isGiftCard": False, "requiresShipping": True, "title": "Tea", "vendor": "Hut",
                "product": {"id": "gid://shopify/Product/1"}, "variant": None, "originalUnitPriceSet": money,
                "discountAllocations": [], "taxLines": [{"priceSet": money}], "__parentId": gid,
            })  # fmt: skip


def _line(node: dict[str, object]) -> bytes:
    return json.dumps(node).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Made:
    """A platform that has the result at once, and makes it while it is read."""

    orders: int

    def of(
        self, shop_id: int, domain: str, *, timeout_s: float = 10.0, max_wait_s: float = 5.0
    ) -> AdminClient:
        """The client of a shop; every shop is the same one."""
        http = httpx.Client(transport=httpx.MockTransport(self._answer))
        return AdminClient(domain, lambda: "token", http, timeout_s=timeout_s)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, content=result(self.orders))
        operation: dict[str, object] = {
            "id": "gid://shopify/BulkOperation/1", "status": "COMPLETED", "errorCode": None,
            "objectCount": 3 * self.orders, "rootObjectCount": self.orders, "url": "https://files.test/result.jsonl",
            "partialDataUrl": None,
        }  # fmt: skip
        begun = {"bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": []}}
        return httpx.Response(200, json={"data": begun if b"bulkOperationRunQuery" in request.content else
                                         {"bulkOperation": operation}})  # fmt: skip


def run(url: str, orders: int) -> float:
    """Seconds that the whole backfill takes. Raises when the audit finds a difference."""
    migrate(url)
    db = Database.open(url)
    with db.write() as tx:
        shop = merchants.install(tx, "bench.myshopify.com", "", NOW)
        shop = merchants.set_up(tx, shop, name="Bench", currency="CHF", timezone="Etc/UTC", platform_gid="",
                                installation_gid="", scopes="", now=NOW)  # fmt: skip
        flow.begin(tx, shop, "history", None, "bench", NOW)
    at = NOW
    bench = Bench(db, Made(orders), lambda: at)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("past orders", total=orders)
        began = time.monotonic()
        list(backfill(bench, shop))
        at += timedelta(minutes=1)
        for taken in backfill(bench, shop):
            progress.advance(bar, taken)
        took = time.monotonic() - began
    with db.read() as tx:
        done = backfills.newest(tx, shop.shop_id, 1)[0]
        assert (done.state, done.orders, done.skipped) == ("done", orders, 0), done
        assert list(audit.audit(tx, shop.shop_id)) == []
    db.close()
    return took


@click.command()
@click.option("--orders", default=100_000, show_default=True, help="1000000 for the full figure.")
@click.option("--database", help="postgresql://…; without it a SQLite file of its own.")
def main(orders: int, database: str | None) -> None:
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        took = run(database or f"sqlite:///{Path(folder) / 'bench.db'}", orders)
    # In kilobytes, but on macOS in bytes.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (
        1024**2 if sys.platform == "darwin" else 1024
    )
    click.echo(
        f"backfill: {orders:,} orders in {took:,.0f} s, {orders / took:,.0f} a second, at most {most} MB"
    )
    if most > MEMORY_LIMIT_MB:
        raise SystemExit(f"memory is not flat: {most} MB, the limit is {MEMORY_LIMIT_MB} MB")


if __name__ == "__main__":
    main()
