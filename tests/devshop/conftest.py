"""A platform with Alice's shop, and a client for its Admin API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from devshop.shop import DevPlatform, DevShop
from devshop.tokens import EXCHANGE, ID_TOKEN, OFFLINE

DOMAIN = "alices-tea.myshopify.com"
START = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)


class Clock:
    """A time that only tests move."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def ahead(self, **parts: int) -> None:
        self.time += timedelta(**parts)


@dataclass
class Received:
    """A receiver of webhooks that answers `status` and keeps what came."""

    status: int = 200
    deliveries: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def __call__(self, shop: str, topic: str, headers: dict[str, str], body: bytes) -> int:
        self.deliveries.append((shop, topic, headers, body))
        return self.status

    @property
    def topics(self) -> list[str]:
        return [topic for _, topic, _, _ in self.deliveries]

    def bodies(self, topic: str) -> list[Any]:
        return [json.loads(body) for _, found, _, body in self.deliveries if found == topic]


class Admin:
    """The Admin API of a shop, with an offline token, in process."""

    def __init__(self, platform: DevPlatform, shop: DevShop) -> None:
        self.shop = shop
        self.http = httpx.Client(transport=platform.http_transport(), timeout=2.0)
        self.token = str(self.grant(expiring="1")["access_token"])

    def post(self, path: str, **body: object) -> httpx.Response:
        return self.http.post(f"https://{self.shop.domain}{path}", json=body)

    def grant(self, **changes: str) -> dict[str, Any]:
        form = {
            "client_id": "key",
            "client_secret": "secret",
            "grant_type": EXCHANGE,
            "subject_token": self.shop.id_token(),
            "subject_token_type": ID_TOKEN,
            "requested_token_type": OFFLINE,
            **changes,
        }
        answer: dict[str, Any] = self.post("/admin/oauth/access_token", **form).json()
        return answer

    def send(self, query: str, token: str | None = None, **variables: Any) -> httpx.Response:
        return self.http.post(
            f"https://{self.shop.domain}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": token or self.token},
        )

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The `data` of an answer without errors."""
        answer = self.send(query, **variables).json()
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def errors(self, query: str, **variables: Any) -> list[dict[str, Any]]:
        answer = self.send(query, **variables).json()
        found: list[dict[str, Any]] = answer["errors"]
        return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def received() -> Received:
    return Received()


@pytest.fixture
def platform(clock: Clock, received: Received) -> DevPlatform:
    made = DevPlatform(now=clock, seed=7)
    made.deliver = received
    return made


@pytest.fixture
def shop(platform: DevPlatform) -> DevShop:
    """Alice's shop: Swiss francs, tax included, euros as a second currency; the app is installed."""
    made = platform.create_shop(DOMAIN, rates={"EUR": "1.07"})
    made.install()
    return made


@pytest.fixture
def admin(platform: DevPlatform, shop: DevShop) -> Iterator[Admin]:
    client = Admin(platform, shop)
    yield client
    client.http.close()
