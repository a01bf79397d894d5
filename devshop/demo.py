"""The main job through the real doors: install, order, points, delivery, code, second order, refund, answer."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import httpx
from werkzeug.test import Client

from devshop.shop import Customer, DevPlatform, DevShop

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

APP_TOML = Path(__file__).resolve().parents[1] / "app.toml"
DOMAIN = "regulars-tea.myshopify.com"
APP_URL = "https://regulars.test"


class App(Protocol):
    """The app under demonstration, handed in by the wiring: the development shop itself knows nothing of it."""

    wsgi: WSGIApplication

    def settle(self) -> int: ...
    def look(self, redemption_id: int | None = None) -> dict[str, Any]: ...
    def close(self) -> None: ...


Open = Callable[[Mapping[str, str], httpx.Client, Callable[[], datetime], str], App]


class MovableTime:
    """A clock that starts now and is moved by hand; the platform and the app share it."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        """The time, aware UTC."""
        return datetime.now(UTC) + self.offset

    def forward(self, **span: float) -> None:
        """Moves the clock forward, such as forward(days=2)."""
        self.offset += timedelta(**span)


@dataclass(frozen=True, slots=True)
class Stage:
    """An app and a development platform in one process, connected by their real doors."""

    app: App
    platform: DevPlatform
    shop: DevShop
    time: MovableTime
    web: Client

    def deliver(self, **plan: Any) -> None:
        """Delivers every waiting webhook and lets the worker finish."""
        while self.platform.queue:
            self.platform.flush(**plan)
        self.app.settle()

    def storefront(self, method: str, path: str, customer: Customer, body: object = None) -> dict[str, Any]:
        """A request of a signed-in shopper, signed by the platform as its app proxy does."""
        request = self.shop.proxy_request(method, path, customer_id=customer.id, json=body)
        answer = self.web.open(
            request.url, method=method, headers=list(request.headers.items()), data=request.body
        )
        found: dict[str, Any] = json.loads(answer.data)
        return found


@contextlib.contextmanager
def stage(open_app: Open, database_url: str, *, domain: str = DOMAIN, seed: int = 1) -> Iterator[Stage]:
    """Sets an app and a shop up in this process; nothing is installed yet. Closes both at the end."""
    time = MovableTime()
    settings = environment(database_url, APP_URL, "http://127.0.0.1:1")
    platform = DevPlatform(
        settings["SHOPIFY_API_KEY"],
        settings["SHOPIFY_API_SECRET"],
        APP_URL,
        now=time.now,
        seed=seed,
        app_toml=APP_TOML,
    )
    shop = platform.create_shop(domain, currency="CHF", name="Alpine Tea")
    with httpx.Client(transport=platform.http_transport(), timeout=10) as client:
        app = open_app(settings, client, time.now, domain)
        try:
            platform.connect(app.wsgi)
            yield Stage(app, platform, shop, time, Client(app.wsgi, use_cookies=False))
        finally:
            app.close()


def environment(database_url: str, app_url: str, devshop_url: str) -> dict[str, str]:
    """Settings for an app beside a development shop, with fresh secrets."""
    return {
        "DATABASE_URL": database_url,
        "SHOPIFY_API_KEY": "regulars-demo",
        "SHOPIFY_API_SECRET": secrets.token_hex(16),
        "APP_URL": app_url,
        "TOKEN_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "DEVSHOP_URL": devshop_url,
    }


def main_job(open_app: Open, database_url: str | None = None) -> dict[str, Any]:
    """Runs the main job on a fresh database and returns each step's figures; `ok` says whether every step held."""
    with (
        tempfile.TemporaryDirectory(prefix="regulars-demo-") as folder,
        stage(open_app, database_url or f"sqlite:///{folder}/demo.db") as scene,
    ):
        return _Job(scene).run()


class _Job:
    """The steps, one after the other; each says what it expected and what it found."""

    def __init__(self, scene: Stage) -> None:
        self.scene = scene
        self.steps: list[dict[str, Any]] = []

    def run(self) -> dict[str, Any]:
        scene, shop, time = self.scene, self.scene.shop, self.scene.time
        answer = scene.web.get(shop.install().removeprefix(APP_URL))
        scene.deliver()
        self.step("installed", status=(answer.status_code, 200), programme=(scene.app.look()["programme"], 1))

        time.forward(hours=1)
        anna = shop.create_customer(first_name="Anna", last_name="Keller", email="anna@example.com")
        tea = shop.create_product("Mountain tea", 2450, weight=200)
        pot = shop.create_product("Tea pot", 7900)
        scene.deliver()
        nonce = self.me(anna)["nonce"]
        me = scene.storefront("POST", "join", anna, {"nonce": nonce})
        self.step("joined", available=(me["points"]["available"], 50))

        first = shop.place_order(anna, [(tea, 2), (pot, 1)])
        scene.deliver()
        self.step("paid", **self.points(anna, available=50, pending=128))

        parcel = shop.fulfil(first)
        scene.deliver()
        time.forward(days=2)
        shop.deliver_parcel(parcel)
        scene.deliver()
        following = self.me(anna)["points"]["next"]
        self.step(
            "delivered",
            opens_in_days=(self._days_until(following["at"]), 14),
            opens=(following["points"], 128),
        )

        time.forward(days=3)
        scene.app.settle()
        due = self.me(anna)["survey"]
        self.step("asked", survey=(due and due["order"], str(first.id)))

        time.forward(days=12)
        scene.app.settle()
        me = self.me(anna)
        self.step(
            "available", available=(me["points"]["available"], 178), pending=(me["points"]["pending"], 0)
        )

        wish = {"reward": "five_off", "request_key": secrets.token_hex(8), "nonce": me["nonce"]}
        code = scene.storefront("POST", "redeem", anna, wish)
        again = scene.storefront("POST", "redeem", anna, wish)
        self.step(
            "redeemed",
            state=(code.get("state"), "made"),
            same_code_twice=(again.get("code"), code.get("code")),
            **self.points(anna, available=78, pending=0),
        )

        second = shop.place_order(anna, [(pot, 1)], discount_codes=[str(code.get("code"))])
        scene.deliver()
        self.step(
            "code_used",
            code=(scene.app.look(int(code["id"]))["redemption"], "used"),
            **self.points(anna, 78, 74),
        )

        shop.refund(second, amount=2000)
        scene.deliver()
        # 20.00 of 74.00 came back: 54 of 74 points stay, and floor(100 × 20/74) = 27 of the 100 spent return.
        self.step("partly_refunded", **self.points(anna, available=78 + 27, pending=54))

        given = scene.storefront(
            "POST",
            "survey",
            anna,
            {"order": str(first.id), "score": 9, "words": "Arrived warm.", "nonce": self.me(anna)["nonce"]},
        )
        scene.app.settle()
        self.step("answered", score=(given.get("score"), 9), asked_again=(self.me(anna)["survey"], None))

        differences = scene.app.look()["differences"]
        self.step("audited", differences=(differences, []))
        return {"ok": all(step["held"] for step in self.steps), "shop": shop.domain, "steps": self.steps}

    def step(self, name: str, **figures: tuple[Any, Any]) -> None:
        found = {figure: pair[0] for figure, pair in figures.items()}
        expected = {figure: pair[1] for figure, pair in figures.items()}
        step = {"step": name, "held": found == expected, "figures": found}
        if found != expected:
            step["expected"] = expected
        self.steps.append(step)

    def me(self, customer: Customer) -> dict[str, Any]:
        return self.scene.storefront("GET", "me", customer)

    def points(self, customer: Customer, available: int, pending: int) -> dict[str, tuple[int, int]]:
        points = self.me(customer)["points"]
        return {"available": (points["available"], available), "pending": (points["pending"], pending)}

    def _days_until(self, moment: str) -> int:
        return round((datetime.fromisoformat(moment) - self.scene.time.now()).total_seconds() / 86400)


def as_text(result: dict[str, Any]) -> str:
    """The result as lines for a person."""
    lines = []
    for step in result["steps"]:
        figures = ", ".join(f"{name} {value}" for name, value in step["figures"].items())
        lines.append(f"{'ok ' if step['held'] else 'NO '} {step['step']}: {figures}")
        if not step["held"]:
            lines.append(f"    expected {step['expected']}")
    lines.append("every step held" if result["ok"] else "a step did not hold")
    return "\n".join(lines)
