"""The development platform and its shops: what tests and the order admin call."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from devshop import storage, transport
from devshop.appconfig import AppConfig, read_config
from devshop.desk import Desk
from devshop.errors import DevshopError
from devshop.faults import Faults
from devshop.graphql_cost import Bucket
from devshop.ids import Ids
from devshop.journal import Journal
from devshop.order_records import Customer, Fulfilment, Line, Order, Product, Refund, Return
from devshop.proxy import Forward
from devshop.records import Attempt, Delivery, Shop
from devshop.serve import Server, start
from devshop.shop_actions import DevShop
from devshop.tokens import App
from devshop.webhooks_out import Deliver, Outgoing
from devshop.wsgi import Front

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Customer", "DevPlatform", "DevShop", "Fulfilment", "Line", "Order", "Product", "Refund", "Return"]


class DevPlatform:
    """An honest stand-in for Shopify: any number of shops, one app.

    `now` gives the time of everything that happens in a shop; tokens and signatures live by real time.
    With `state_path` the state is saved after each change and found again by the next platform.
    Attributes tests plug into: `deliver`, `forward`, `faults`, `refuse_non_expiring`.
    """

    def __init__(
        self,
        api_key: str = "key",
        api_secret: str = "secret",
        app_url: str = "http://app.test",
        *,
        now: Callable[[], datetime],
        seed: int = 1,
        state_path: Path | str | None = None,
        app_toml: Path | str | None = None,
    ) -> None:
        self.app = App(api_key, api_secret, app_url)
        self.config = read_config(Path(app_toml)) if app_toml is not None else AppConfig()
        self.lock = threading.RLock()
        self.faults = Faults()
        self.refuse_non_expiring = False
        self.journal = Journal(now)
        self.hold_webhooks = False  # people may hold them back to send them shuffled or twice
        self.extensions = Path(__file__).resolve().parents[1] / "extensions"  # rendered by the storefront
        self.move_clock: Callable[[timedelta], datetime] | None = None  # the app's own clock, in a demo
        self.forward: Forward = transport.sending()
        self._now = now
        self._path = Path(state_path) if state_path is not None else None
        self._state = storage.load(self._path)
        self._ids = Ids(seed, self._state.counters)
        self._depth = 0
        self._out = Outgoing(
            self._state,
            transport.posting(self._webhook_url),
            lambda: self.app.webhook_secret,
            self.lock,
            seed,
        )
        self._out.seen = self._note
        self.shops: dict[str, DevShop] = {name: self._open(shop) for name, shop in self._state.shops.items()}
        self.wsgi: WSGIApplication = Front(self)

    def create_shop(
        self,
        domain: str,
        *,
        currency: str = "CHF",
        taxes_included: bool = True,
        timezone: str = "Europe/Zurich",
        tax_rate: str = "0.081",
        tax_title: str = "MWST",
        name: str | None = None,
        country_code: str = "CH",
        locale: str = "en",
        rates: Mapping[str, str] | None = None,
        points_per_second: int = 100,
        protected_data: tuple[str, ...] = ("name", "email", "phone", "address"),
    ) -> DevShop:
        """A new shop, or the one of that domain if it was saved before.

        `rates` are presentment currencies with what one unit of shop money buys; `protected_data` are the
        customer fields the app is approved for; `points_per_second` is the Admin API's restore rate.
        """
        if domain in self.shops:
            return self.shops[domain]
        if not domain.endswith(".myshopify.com"):
            raise DevshopError(
                "domain_invalid", "A shop's domain ends with .myshopify.com; choose such a name."
            )
        with self.change():
            record = Shop(
                id=self._ids.number("Shop"),
                domain=domain,
                name=name or domain.split(".")[0].replace("-", " ").title(),
                currency=currency,
                taxes_included=taxes_included,
                timezone=timezone,
                tax_rate=tax_rate,
                tax_title=tax_title,
                owner_id=self._ids.number("StaffMember"),
                country_code=country_code,
                location_id=self._ids.number("Location"),
                created_at=self._now(),
                locale=locale,
                rates=dict(rates or {}),
                points_per_second=points_per_second,
                protected_data=list(protected_data),
            )
            self._state.shops[domain] = record
            self.shops[domain] = self._open(record)
        return self.shops[domain]

    def _open(self, record: Shop) -> DevShop:
        desk = Desk(
            record,
            self._ids,
            self._now,
            self._out,
            self.change,
            lambda: frozenset(self.config.topics),
        )
        return DevShop(desk, self.app, self.config, Bucket.full(record.points_per_second))

    @contextlib.contextmanager
    def change(self) -> Iterator[None]:
        """The lock of the platform; leaving the outermost one saves the state. Use it to save once for many."""
        with self.lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._save()

    def _save(self) -> None:
        if self._path is not None:
            storage.save(self._path, self._state)

    def save_as(self, path: Path) -> None:
        """Writes the state to a file where the next platform finds it; for one that lived in memory alone."""
        with self.lock:
            storage.save(path, self._state)

    @property
    def deliver(self) -> Deliver:
        """deliver(shop_domain, topic, headers, body) -> HTTP status; by default a POST to the app."""
        return self._out.deliver

    @deliver.setter
    def deliver(self, deliver: Deliver) -> None:
        self._out.deliver = deliver

    def connect(self, app: WSGIApplication) -> None:
        """Delivers webhooks and proxied requests straight into a WSGI app in this process."""
        self.deliver, self.forward = transport.into_app(app, self.webhook_path)

    def webhook_path(self, topic: str) -> str:
        return self.config.topics.get(topic, "/webhooks")

    def _webhook_url(self, topic: str) -> str:
        path = self.webhook_path(topic)
        return path if path.startswith("http") else self.app.app_url + path

    @property
    def queue(self) -> list[Delivery]:
        """Webhooks that wait for flush()."""
        return self._out.queue

    @property
    def failed(self) -> list[Delivery]:
        """Webhooks that got no 2xx and wait for retry_failed()."""
        return self._out.failed

    @property
    def log(self) -> list[Attempt]:
        """Every attempt of this run, in order."""
        return self._out.log

    @property
    def waiting(self) -> threading.Event:
        """Set when a webhook was queued."""
        return self._out.waiting

    def flush(
        self,
        shuffle: random.Random | None = None,
        duplicate: float = 0.0,
        drop: float = 0.0,
        pool: Executor | None = None,
    ) -> list[Attempt]:
        """Delivers what waits, in order, or shuffled, with shares of it sent twice or dropped."""
        attempts = self._out.flush(shuffle, duplicate, drop, pool)
        if attempts:
            self._save_locked()
        return attempts

    def retry_failed(self) -> list[Attempt]:
        """Delivers what failed once more, under the same webhook ids, with the same bodies."""
        attempts = self._out.retry_failed()
        if attempts:
            self._save_locked()
        return attempts

    def send_again(self, several: list[Delivery]) -> list[Attempt]:
        """Delivers the same webhooks once more, under the same ids."""
        return self._out.send_again(several)

    def _save_locked(self) -> None:
        with self.change():
            pass

    def _note(self, delivery: Delivery, attempt: Attempt, seconds: float) -> None:
        self.journal.add(
            "webhook",
            delivery.shop,
            delivery.topic,
            outcome=f"HTTP {attempt.status}" if attempt.status else "no answer",
            good=200 <= attempt.status < 300,
            seconds=seconds,
            sent=delivery.body,
            answered=f"webhook {delivery.webhook_id}, attempt {attempt.number}",
            delivery=delivery,
        )

    def rotate_secret(self, new: str) -> None:
        """A second client secret: tokens are signed with it at once, webhooks with the old one until revoke."""
        self.app.secrets.append(new)

    def revoke_old_secret(self) -> None:
        self.app.secrets = self.app.secrets[-1:]

    def http_transport(self) -> httpx.BaseTransport:
        """For httpx.Client(transport=...): *.myshopify.com is this platform, in process."""
        return transport.InProcess(self.wsgi)

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Server:
        """Serves in threads of this process and delivers webhooks as they come; close() ends both."""
        return start(self, host, port)
