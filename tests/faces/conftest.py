"""Alpine Tea with its catalogue and a few customers, and visitors with cookies of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from devshop.faces.catalogue import stock
from devshop.order_records import Customer, Order, Product
from devshop.shop import DevPlatform, DevShop
from tests.markup import Page

DOMAIN = "alpine-tea.myshopify.com"
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@dataclass
class House:
    """A shop for people, and everything that left it for the app."""

    platform: DevPlatform
    shop: DevShop
    wares: dict[str, Product]
    time: datetime = START
    delivered: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    forwarded: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200

    def move(self, by: timedelta) -> datetime:
        self.time += by
        return self.time

    @property
    def topics(self) -> list[str]:
        """Topics of what was delivered, after sending what waits."""
        self.platform.flush()
        return [topic for topic, _, _ in self.delivered]

    def customer(self, first: str = "Anna", last: str = "Keller", **more: Any) -> Customer:
        return self.shop.create_customer(first_name=first, last_name=last, email="anna@example.com", **more)

    def loyalty(self, customer: Customer, value: str) -> None:
        """Writes the customer's metafield as the app does, straight into the shop."""
        from devshop.ids import gid
        from devshop.records import Metafield

        owner, namespace = gid("Customer", customer.id), f"app--{self.platform.app.app_id}"
        slot = f"{owner} {namespace} loyalty"
        self.shop.desk.shop.metafields[slot] = Metafield(
            1, owner, namespace, "loyalty", "json", value, self.time, self.time
        )


class Visitor:
    """A browser's cookies, forms and pages, without the browser."""

    def __init__(self, house: House) -> None:
        self.client = Client(house.platform.wsgi)
        self.house = house

    def open(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def page(self, path: str, status: int = 200) -> Page:
        """A page that must be right in every way."""
        answer = self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code)
        assert answer.mimetype == "text/html"
        page = Page(answer.get_data(as_text=True))
        assert page.faults == [], path
        return page

    def send(self, path: str, **fields: Any) -> TestResponse:
        """Posts a form and follows where it leads."""
        return self.client.post(path, data=fields, follow_redirects=True)

    def sign_in(self, customer: Customer) -> None:
        assert self.send("/account/login", customer=customer.id).status_code == 200

    def add(self, handle: str, kind: int = 0, quantity: int = 1) -> None:
        variant = self.house.wares[handle].variants[kind]
        assert self.send("/cart/add", id=variant.id, quantity=quantity).status_code == 200

    def buy(self, **fields: str) -> Order:
        """Places what is in the cart and gives back the order."""
        before = set(self.house.shop.orders)
        answer = self.send("/checkout", payment="card", **fields)
        assert answer.status_code == 200, notes(answer)
        made = set(self.house.shop.orders) - before
        assert len(made) == 1
        return self.house.shop.orders[made.pop()]

    def act(self, order: Order, action: str, **fields: Any) -> str:
        """Presses a button of the order admin; answers the note that follows."""
        return notes(self.send(f"/shop-admin/orders/{order.id}", action=action, **fields))


def notes(answer: TestResponse) -> str:
    """The notes on top of a page, or its alerts, as one text."""
    text = answer.get_data(as_text=True)
    found = re.findall(r'<(p|div)[^>]*(?:class="devnote [^"]*"|role="alert")>(.*?)</\1>', text, re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", " ".join(inner for _, inner in found))).strip()


@pytest.fixture
def house() -> House:
    made: list[House] = []
    platform = DevPlatform(now=lambda: made[0].time if made else START, seed=5)
    shop = platform.create_shop(DOMAIN, name="Alpine Tea", rates={"EUR": "1.06"})
    house = House(platform, shop, stock(shop))
    made.append(house)

    def deliver(_shop: str, topic: str, headers: dict[str, str], body: bytes) -> int:
        house.delivered.append((topic, headers, body))
        return house.status

    def forward(
        method: str, url: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        house.forwarded.append((method, url, headers, body))
        return 200, [("Content-Type", "application/json"), ("Set-Cookie", "app=1")], b'{"state":"guest"}'

    platform.deliver, platform.forward = deliver, forward
    platform.move_clock = house.move
    shop.install()
    return house


@pytest.fixture
def visitor(house: House) -> Visitor:
    return Visitor(house)
