"""An app and a development shop, connected by their real doors, with a clock that the test moves."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client

from app import Installation, assemble
from devshop.shop import Customer, DevPlatform, DevShop, Order, Product
from devshop.wsgi import over_sockets
from plugin.config import Config
from plugin.domain.programme import Reward
from plugin.flows import members as member_flow
from plugin.flows import merchants, spending
from plugin.shopify.admin import AdminClients
from plugin.store import audit, ledger, orders, programmes, queues, redemptions, shops
from plugin.store.db import Row
from plugin.store.queues import Effect
from plugin.store.redemptions import Redemption
from plugin.store.shops import Shop
from plugin.worker.loop import Worker

APP_TOML = Path(__file__).parents[2] / "app.toml"
DOMAIN = "dev-one.myshopify.com"
KEY, SECRET = "key", "secret-of-more-than-thirty-two-bytes"
APP_URL = "https://app.test"


def settings(url: str, *, keys: str | None = None, devshop_url: str = "http://127.0.0.1:1") -> Config:
    """An app beside a development shop."""
    return Config(
        database_url=url, api_key=KEY, api_secret=SECRET, app_url=APP_URL,
        token_keys=(keys or Fernet.generate_key().decode(),), devshop_url=devshop_url,
    )  # fmt: skip


def patient(installation: Installation) -> Installation:
    """The same installation with a platform client that waits without sleeping."""
    tokens = replace(installation.tokens, sleep=lambda _seconds: None)
    clients = AdminClients(tokens, tokens.http_client)
    return replace(installation, tokens=tokens, bench=replace(installation.bench, clients=clients))


class World:
    """One shop that installed the app. Whatever happens at the platform reaches the app by `deliver`."""

    def __init__(self, url: str, *, install: bool = True) -> None:
        self.at = datetime.now(UTC).replace(microsecond=0)
        self.platform = DevPlatform(KEY, SECRET, APP_URL, now=self.now, app_toml=APP_TOML)
        self.dev: DevShop = self.platform.create_shop(DOMAIN, points_per_second=100_000)
        self.http = httpx.Client(transport=self.platform.http_transport(), timeout=10)
        self.config = settings(url)
        self.app = patient(assemble(self.config, http_client=self.http, now=self.now))
        self.db = self.app.db
        self.worker: Worker = self.app.worker()
        self.wsgi = self.app.wsgi()
        self.platform.connect(self.wsgi)
        self.web = Client(self.wsgi, use_cookies=False)
        self.tea: Product = self.dev.create_product("Tea", 2_500)
        self._emails = iter(range(10**6))
        self._shop_id: int | None = None
        if install:
            self.install()

    def now(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)

    def close(self) -> None:
        self.app.close()
        self.http.close()

    # the platform's side

    def install(self) -> None:
        """The merchant opens the app for the first time, and the worker sets the shop up."""
        answer = self.web.get(self.dev.install().removeprefix(APP_URL))
        assert answer.status_code == 200, answer.data
        self.deliver()

    def customer(self, **fields: Any) -> Customer:
        return self.dev.create_customer(
            **{
                "email": f"ada.{next(self._emails)}@example.com",
                "first_name": "Ada",
                "last_name": "Lovelace",
                **fields,
            }
        )

    def order(self, customer: Customer | None, units: int = 4, **basics: Any) -> Order:
        """A paid order of tea at 25.00."""
        return self.dev.place_order(customer, [(self.tea, units)], **basics)

    def deliver(
        self, shuffle: random.Random | None = None, duplicate: float = 0.0, drop: float = 0.0
    ) -> None:
        """Delivers every webhook and lets the worker finish."""
        while self.platform.queue:
            attempts = self.platform.flush(shuffle, duplicate, drop)
            assert all(attempt.status == 200 for attempt in attempts)
        self.worker.settle()

    # the app's side

    @property
    def shop(self) -> Shop:
        with self.db.read() as tx:
            found = shops.by_domain(tx, DOMAIN)
        assert found is not None
        return found

    @property
    def shop_id(self) -> int:
        """It never changes, so a test may ask for it inside a transaction."""
        if self._shop_id is None:
            self._shop_id = self.shop.shop_id
        return self._shop_id

    def join(self, customer: Customer) -> None:
        shop = self.shop
        with self.db.write(shop.shop_id) as tx:
            member_flow.join(tx, shop, customer.id, None, self.at)

    def rich(self, points: int = 500) -> Customer:
        """A member with points to spend."""
        customer = self.customer()
        self.join(customer)
        shop_id = self.shop_id
        with self.db.write(shop_id) as tx:
            account = ledger.accounts(tx, shop_id, [customer.id])[customer.id]
            account.credit(
                "adjust", points, source_key=f"adjust:{customer.id}", why={}, occurred_at=self.at, available_at=self.at,
                expires_at=None, actor="staff:1",
            )  # fmt: skip
            ledger.write(tx, shop_id, [account.moves], self.at)
        self.deliver()
        return customer

    def redeem(self, customer: Customer, request: str = "tap", reward: str = "five_off") -> Redemption:
        shop = self.shop
        with self.db.write(shop.shop_id) as tx:
            return spending.redeem(tx, shop, customer.id, reward, request, self.at)

    def offer(self, *more: Reward) -> None:
        """Publishes the programme with these rewards besides; a key that is there already is replaced."""
        shop, keys = self.shop, {reward.key for reward in more}
        with self.db.write(shop.shop_id) as tx:
            latest = programmes.versions(tx, shop.shop_id).latest
            assert latest is not None
            kept = [reward for reward in latest.rewards if reward.key not in keys]
            merchants.publish(tx, shop, replace(latest, rewards=(*kept, *more)), "merchant", self.at)

    def redemption(self, number: int) -> Redemption:
        shop_id = self.shop_id
        with self.db.read() as tx:
            found = redemptions.by_id(tx, shop_id, number)
        assert found is not None
        return found

    def enqueue(self, effect: Effect) -> None:
        shop_id = self.shop_id
        with self.db.write(shop_id) as tx:
            queues.enqueue(tx, shop_id, [effect], self.at)

    def points(self, customer: Customer) -> tuple[int, int, int]:
        """(available, pending, owed) now."""
        shop_id = self.shop_id
        with self.db.read() as tx:
            account = ledger.accounts(tx, shop_id, [customer.id])[customer.id]
        return account.available(self.at), account.pending(self.at), account.owed()

    def balances(self) -> dict[int, tuple[int, int, int]]:
        """The points of every customer that the app knows."""
        return {
            row[0]: self.points(self.dev.customers[row[0]])
            for row in self.rows("SELECT member_id FROM members WHERE shop_id = :s AND status <> 'merged'")
        }

    def confirmed(self, order: Order) -> str:
        shop_id = self.shop_id
        with self.db.read() as tx:
            stored = orders.by_id(tx, shop_id, order.id)
        return "unseen" if stored is None else stored.confirmed

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        shop_id = self.shop_id
        with self.db.read() as tx:
            return tx.all(sql, s=shop_id, **parameters)

    def effect(self, key: str) -> tuple[int, str | None]:
        """(state, reason) of an effect: 0 waits, 1 done, 2 parked."""
        [row] = self.rows("SELECT state, reason FROM outbox WHERE shop_id = :s AND effect_key = :k", k=key)
        return row[0], row[1]

    def unfinished(self) -> list[Row]:
        """Effects that are not done."""
        return self.rows("SELECT effect_key, state, reason FROM outbox WHERE shop_id = :s AND state <> 1")

    def audit(self) -> list[str]:
        shop_id = self.shop_id
        with self.db.read() as tx:
            return list(audit.audit(tx, shop_id))

    def run_out_leases(self) -> None:
        """A minute of real time, in which a dead worker's leases end."""
        with self.db.write() as tx:
            tx.run("UPDATE outbox SET lease_until_at = 1 WHERE lease_until_at IS NOT NULL")
            tx.run("UPDATE leases SET until_at = 1")

    def recover(self) -> None:
        """A worker starts after the last one died, and time goes by."""
        self.run_out_leases()
        self.worker.settle()
        self.forward(hours=2)
        self.worker.settle()

    @contextmanager
    def served(self) -> Iterator[str]:
        """The platform's address for other processes; webhooks stay with the test."""
        server = make_server(
            "127.0.0.1", 0, over_sockets(self.platform.wsgi), threaded=True, request_handler=_Quiet
        )
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def metafields(self, owner: str) -> dict[str, str]:
        """Our metafields of one owner at the platform, by key."""
        return {one.key: one.value for one in self.dev.desk.shop.metafields.values() if one.owner == owner}


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return
