"""A development shop in this process, the app installed in it, and clients that reach it through every door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet

from devshop.shop import DevPlatform, DevShop
from plugin.config import Config
from plugin.shopify.admin import AdminClient, AdminClients
from plugin.shopify.tokens import TokenSource
from plugin.store import shops
from plugin.store.db import Database
from plugin.store.tokens import TokenShelf

ROOT = Path(__file__).parents[2]
DOMAIN = "dev-one.myshopify.com"


@dataclass(slots=True)
class Clock:
    """The time of the development shop; tests move it."""

    at: datetime = datetime(2026, 11, 1, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


@dataclass(slots=True)
class Naps:
    """Instead of sleeping: how long one would have slept."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def platform(clock: Clock) -> DevPlatform:
    return DevPlatform("key", "secret-of-more-than-thirty-two-bytes", now=clock, app_toml=ROOT / "app.toml")


@pytest.fixture
def http(platform: DevPlatform) -> Iterator[httpx.Client]:
    with httpx.Client(transport=platform.http_transport(), timeout=10) as client:
        yield client


@pytest.fixture
def shop(platform: DevPlatform) -> DevShop:
    # Naps do not refill the budget, so it is large; tests of throttling ask for it by a fault.
    made = platform.create_shop(DOMAIN, points_per_second=2000)
    made.install()
    return made


@pytest.fixture
def config() -> Config:
    return Config(
        database_url="sqlite:///unused",
        api_key="key",
        api_secret="secret-of-more-than-thirty-two-bytes",
        app_url="http://app.test",
        token_keys=(Fernet.generate_key().decode(),),
        devshop_url="http://127.0.0.1:1",
    )


@pytest.fixture
def make_source(database: Database, config: Config, http: httpx.Client) -> Callable[..., TokenSource]:
    """Token sources over one database, each as another process would have it."""

    def make(**changes: object) -> TokenSource:
        settings: dict[str, object] = {"config": config, "http_client": http, "sleep": Naps(), **changes}
        return TokenSource(TokenShelf(database), **settings)  # type: ignore[arg-type]

    return make


@pytest.fixture
def shop_id(database: Database, shop: DevShop, make_source: Callable[..., TokenSource]) -> int:
    """The shop's id in our database, after a managed install."""
    now = datetime.now(UTC)
    source = make_source()
    grant = source.acquire(shop.domain, shop.id_token())
    with database.write() as tx:
        number = shops.ensure(tx, shop.domain, now)
        shops.installed(tx, number, grant.scopes, now)
    source.keep(number, grant)
    return number


@pytest.fixture
def client(platform: DevPlatform, shop: DevShop, config: Config, http: httpx.Client) -> AdminClient:
    """An Admin API client of the shop without a database: its token is kept in memory."""
    source = TokenSource(_NoShelf(), config, http, sleep=Naps())  # type: ignore[arg-type]
    token = source.acquire(shop.domain, shop.id_token()).access
    return AdminClient(shop.domain, lambda: token, http, sleep=Naps())


class _NoShelf:
    """Nothing is kept."""


@pytest.fixture
def clients(make_source: Callable[..., TokenSource], http: httpx.Client) -> AdminClients:
    return AdminClients(make_source(), http)
