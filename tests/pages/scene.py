"""Alice's shop, Bob who staffs it, and Mallory's other shop, with the real web application in between."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
from cryptography.fernet import Fernet
from flask import Flask
from werkzeug.test import Client, TestResponse

from devshop.signing import json_web_token, proxy_signature
from plugin.config import Config
from plugin.domain.ledger import Account
from plugin.domain.programme import Programme, first_programme
from plugin.flows import members as member_flow
from plugin.flows import merchants, spending
from plugin.pages.limits import Limits
from plugin.pages.web import Web, create_web
from plugin.shopify.tokens import TokenSource
from plugin.store import history, ledger, members, queues, redemptions, shops, surveys
from plugin.store.db import Database
from plugin.store.queues import Effect
from plugin.store.shops import Shop
from plugin.store.surveys import Invitation
from plugin.store.tokens import TokenShelf

ALICE = "alice-shop.myshopify.com"
MALLORY = "mallory-shop.myshopify.com"
BOB = 501
ANNA, BEN, VICTIM = 7001, 7002, 999
SECRET, OLD_SECRET = "the-client-secret-of-the-tests-0123", "the-client-secret-before-that-0123"
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@dataclass(slots=True)
class Times:
    """The app's clock and real time, moved by hand and apart from each other."""

    now_at: datetime = START
    wall_at: float = START.timestamp()

    def now(self) -> datetime:
        return self.now_at

    def wall_s(self) -> float:
        return self.wall_at

    def real(self) -> datetime:
        return datetime.fromtimestamp(self.wall_s(), UTC)

    def forward(self, **span: float) -> None:
        self.now_at += timedelta(**span)
        self.wall_at += timedelta(**span).total_seconds()


def offline(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no network in these tests")


@dataclass(slots=True)
class Scene:
    """The app on one database. `outcome` says what the platform makes of the next codes: made, refused, silent."""

    db: Database
    config: Config
    times: Times
    web: Web
    app: Flask
    outcome: str = "made"
    performed: list[tuple[int, str]] = field(default_factory=list)
    # What happens while a request waits for another that performs its effect.
    meanwhile: Callable[[float], None] = lambda _seconds: None

    def client(self) -> Client:
        """A browser that would keep a cookie if it were ever given one."""
        return Client(self.app, use_cookies=True)

    def perform(self, shop_id: int, effect: Effect) -> None:
        """Stands where the worker stands: acts on the wish as the platform would."""
        self.performed.append((shop_id, effect.effect_key))
        kind, number, what = (
            effect.effect_key.split(":") if effect.effect_key.count(":") == 2 else ("", "0", "")
        )
        if kind != "redemption" or self.outcome == "silent":
            with self.db.write(shop_id) as tx:
                queues.effect_failed(tx, shop_id, effect, "unavailable", self.times.now())
            return
        with self.db.write(shop_id) as tx:
            queues.effects_done(tx, shop_id, [effect], self.times.now())
            shop = shops.by_id(tx, shop_id)
            assert shop is not None
            if what == "withdraw":
                spending.code_withdrawn(tx, shop, int(number), self.outcome == "used", self.times.now())
            elif self.outcome == "made":
                gid = f"gid://shopify/DiscountCodeNode/{number}"
                spending.code_made(tx, shop, int(number), gid, self.times.now())
            else:
                spending.code_refused(tx, shop, int(number), "not_allowed", self.times.now())

    # What there is

    def install(self, domain: str, programme: Programme | None = None) -> Shop:
        """A shop that has installed and published its first programme."""
        with self.db.write() as tx:
            shop = merchants.install(tx, domain, "read_orders", self.times.now())
            merchants.set_up(
                tx, shop, name=domain.split(".")[0], currency="CHF", timezone="Europe/Zurich",
                platform_gid="gid://shopify/Shop/1", installation_gid="gid://shopify/AppInstallation/1", scopes="",
                now=self.times.now(),
            )  # fmt: skip
            if programme is not None:
                merchants.publish(tx, shop, programme, "staff:1", self.times.now())
        return self.shop(domain)

    def shop(self, domain: str) -> Shop:
        with self.db.read() as tx:
            shop = shops.by_domain(tx, domain)
        assert shop is not None
        return shop

    def member(self, domain: str, customer_id: int, points: int = 0) -> None:
        """A member with so many points to spend beside the sign-up bonus."""
        shop, now = self.shop(domain), self.times.now()
        with self.db.write(shop.shop_id) as tx:
            member_flow.join(tx, shop, customer_id, None, now)
            if points:
                account: Account = ledger.accounts(tx, shop.shop_id, [customer_id])[customer_id]
                account.credit("adjust", points, source_key=f"gift:{customer_id}:{now.isoformat()}",
                               why={"rule": "gift"}, occurred_at=now, available_at=now, expires_at=None)  # fmt: skip
                ledger.write(tx, shop.shop_id, [account.moves], now)

    def asked(self, domain: str, customer_id: int, order_id: int) -> None:
        """The question about an order is on show to the customer."""
        shop, now = self.shop(domain), self.times.now()
        with self.db.write(shop.shop_id) as tx:
            surveys.invite(
                tx,
                shop.shop_id,
                [Invitation(order_id, customer_id, "asked", "delivered", now, now, now, None)],
                now,
            )

    def status(self, domain: str, customer_id: int) -> str | None:
        shop_id = self.shop(domain).shop_id
        with self.db.read() as tx:
            found = members.by_id(tx, shop_id, customer_id)
        return found.status if found else None

    def entries(self, domain: str, customer_id: int) -> list[tuple[str, int]]:
        shop_id = self.shop(domain).shop_id
        with self.db.read() as tx:
            lines = history.page(tx, shop_id, customer_id, before=None, limit=1000)
        return [(line.kind, line.points) for line in lines]

    def redemptions(self, domain: str, customer_id: int) -> list[redemptions.Redemption]:
        shop_id = self.shop(domain).shop_id
        with self.db.read() as tx:
            return redemptions.of_member(tx, shop_id, customer_id)

    # How the platform asks

    def pairs(
        self, shop: str, customer_id: int | None, own: Iterable[tuple[str, str]] = ()
    ) -> list[tuple[str, str]]:
        """The query the platform would send, without its signature."""
        return [
            *own,
            ("shop", shop),
            ("logged_in_customer_id", "" if customer_id is None else str(customer_id)),
            ("path_prefix", "/apps/rewards"),
            ("timestamp", str(int(self.times.wall_s()))),
        ]

    def get(self, path: str, customer_id: int | None = None, shop: str = ALICE, **own: str) -> TestResponse:
        """A signed GET below /proxy."""
        return self.client().get(f"/proxy/{path}?{signed(self.pairs(shop, customer_id, own.items()))}")

    def post(
        self, path: str, body: object, customer_id: int | None = None, shop: str = ALICE, **headers: str
    ) -> TestResponse:
        """A signed POST of JSON below /proxy."""
        return self.client().post(
            f"/proxy/{path}?{signed(self.pairs(shop, customer_id))}",
            data=json.dumps(body),
            headers={"Content-Type": "application/json", **headers},
        )

    def nonce(self, customer_id: int, shop: str = ALICE) -> str:
        """The nonce of the customer's own panel."""
        found = self.get("me", customer_id, shop).json
        assert found is not None
        return str(found["nonce"])

    def redeem(self, customer_id: int, reward: str = "five_off", key: str = "tap-00001") -> TestResponse:
        wish = {"reward": reward, "request_key": key, "nonce": self.nonce(customer_id)}
        return self.post("redeem", wish, customer_id)

    def id_token(
        self, shop: str = ALICE, secret: str = SECRET, algorithm: str = "HS256", **claims: object
    ) -> str:
        """An id token as App Bridge would hand it over; None takes a claim away."""
        now = int(self.times.wall_s())
        full = {
            "iss": f"https://{shop}/admin", "dest": f"https://{shop}", "aud": self.config.api_key, "sub": str(BOB),
            "exp": now + 60, "nbf": now, "iat": now, "jti": "1", "sid": "s-1",
        } | claims  # fmt: skip
        return json_web_token(
            secret, {name: value for name, value in full.items() if value is not None}, algorithm
        )

    def session_token(
        self, customer_id: int | None, shop: str = ALICE, claims: Mapping[str, object] | None = None
    ) -> str:
        """A session token of a customer-account extension."""
        now = int(self.times.wall_s())
        full = {
            "dest": f"https://{shop}", "aud": self.config.api_key, "exp": now + 300, "iat": now, "nbf": now, "jti": "2",
            "sub": None if customer_id is None else f"gid://shopify/Customer/{customer_id}",
        } | dict(claims or {})  # fmt: skip
        return json_web_token(SECRET, {name: value for name, value in full.items() if value is not None})


def signed(pairs: list[tuple[str, str]], secret: str = SECRET) -> str:
    """The query with the signature Shopify would put on it, by the development shop's own code."""
    return urlencode([*pairs, ("signature", proxy_signature(secret, pairs))])


def code_of(answer: TestResponse) -> str:
    """The code of an error answer, whose shape is checked on the way."""
    body: dict[str, Any] | None = answer.json
    assert body is not None
    assert set(body) == {"error"}
    assert set(body["error"]) <= {"code", "message", "reference"}
    assert body["error"]["message"].endswith((".", "_"))
    return str(body["error"]["code"])


def make_scene(db: Database, *, limits: Limits | None = None, client: httpx.Client | None = None,
               config: dict[str, Any] | None = None, times: Times | None = None) -> Scene:  # fmt: skip
    """The application on a fresh, migrated database; no shop has installed it yet."""
    times = times or Times()
    settings = Config(
        **{
            "database_url": db.url, "api_key": "key-of-the-app", "api_secret": SECRET, "api_secret_old": OLD_SECRET,
            "app_url": "https://regulars.test", "token_keys": (Fernet.generate_key().decode(),), **(config or {}),
        }
    )  # fmt: skip
    http = client or httpx.Client(transport=httpx.MockTransport(offline))
    tokens = TokenSource(TokenShelf(db), settings, http, now=times.real, sleep=lambda _s: None)
    acting: list[Scene] = []
    web = Web(
        config=settings, db=db, now=times.now, tokens=tokens, scopes=("read_orders", "write_discounts"),
        perform_now=lambda shop_id, effect: acting[0].perform(shop_id, effect),
        pause=lambda seconds: acting[0].meanwhile(seconds),
        limits=limits or Limits(reads_at_once=10_000, changes_at_once=10_000), wall_s=times.wall_s,
    )  # fmt: skip
    scene = Scene(db, settings, times, web, create_web(web))
    acting.append(scene)
    return scene


def programme(**changes: Any) -> Programme:
    """The first programme with some things changed."""
    from dataclasses import replace

    return replace(first_programme("CHF", 100), **changes)
