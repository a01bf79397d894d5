"""App proxy, order admin, saved state, app.toml, and the platform as a server."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import requests
from flask import Flask, Response, redirect, request
from werkzeug.test import Client
from werkzeug.wrappers import Response as BaseResponse

from devshop.shop import DevPlatform, DevShop
from devshop.signing import proxy_signature
from devshop.totals import figures
from devshop.transport import ToLocalShop
from tests.devshop.conftest import DOMAIN, Admin, Clock, Received

CUP = [{"title": "Cup", "price": 1000}]
ROOT = Path(__file__).resolve().parents[2]


def an_app(seen: list[tuple[str, dict[str, str]]]) -> Flask:
    app = Flask("an_app")

    @app.route("/proxy/<path:path>", methods=["GET", "POST"])
    def proxied(path: str) -> BaseResponse:
        seen.append((request.full_path, dict(request.headers)))
        if path == "moved":
            return redirect("/proxy/me?moved=1")
        answer = Response(json.dumps({"path": path, "body": request.get_data(as_text=True)}))
        answer.set_cookie("track", "1")
        answer.headers["X-Kept"] = "yes"
        return answer

    @app.post("/webhooks")
    def webhooks() -> str:
        seen.append((request.headers["X-Shopify-Topic"], {}))
        return ""

    return app


@pytest.fixture
def seen(platform: DevPlatform) -> list[tuple[str, dict[str, str]]]:
    requests_: list[tuple[str, dict[str, str]]] = []
    platform.connect(an_app(requests_))
    return requests_


def visit(platform: DevPlatform, path: str, customer: int | None = None, **more: object) -> Response:
    client = Client(platform.wsgi, use_cookies=False)
    headers = {"Cookie": f"secret=1; devshop_customer={customer}"} if customer else {"Cookie": "secret=1"}
    answer: Response = client.open(path, base_url=f"https://{DOMAIN}", headers=headers, **more)  # type: ignore[arg-type, assignment]
    return answer


def test_a_proxied_request_is_signed_and_stripped(
    shop: DevShop, platform: DevPlatform, seen: list[tuple[str, dict[str, str]]]
) -> None:
    ada = shop.create_customer()
    answer = visit(platform, "/apps/rewards/me?a=1&a=2", ada.id, method="POST", data=b'{"x":1}')
    assert json.loads(answer.data) == {"path": "me", "body": '{"x":1}'}
    url, headers = seen[0]
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert dict(pairs)["signature"] == proxy_signature("secret", pairs)
    assert dict(pairs)["logged_in_customer_id"] == str(ada.id)
    assert dict(pairs)["path_prefix"] == "/apps/rewards"
    assert "Cookie" not in headers
    assert headers["X-Forwarded-Host"] == DOMAIN
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["X-Kept"] == "yes"


def test_a_stranger_is_nobody_and_redirects_stay_inside(
    shop: DevShop, platform: DevPlatform, seen: list[tuple[str, dict[str, str]]]
) -> None:
    answer = visit(platform, "/apps/rewards/moved", customer=12345)
    assert answer.status_code == 200
    assert dict(parse_qsl(urlsplit(seen[0][0]).query, keep_blank_values=True))["logged_in_customer_id"] == ""
    assert seen[1][0].startswith("/proxy/me?moved=1")


def test_what_the_visitor_smuggles_is_signed_as_shopify_would(shop: DevShop) -> None:
    asked = shop.proxy_request(
        "GET", "/me", query=[("a", "1logged_in_customer_id=999m="), ("signature", "mine")]
    )
    pairs = parse_qsl(urlsplit(asked.url).query, keep_blank_values=True)
    signature = dict(pairs)["signature"]
    assert [key for key, _ in pairs].count("signature") == 1
    rest = [(key, value) for key, value in pairs if key not in ("a", "signature", "logged_in_customer_id")]
    smuggled = [("a", "1"), ("logged_in_customer_id", "999"), ("m", "logged_in_customer_id="), *rest]
    assert proxy_signature("secret", smuggled) == signature


def test_the_documented_vector() -> None:
    text = (
        "extra=1&extra=2&shop=shop-name.myshopify.com&logged_in_customer_id=1"
        "&path_prefix=%2Fapps%2Fawesome_reviews&timestamp=1317327555"
    )
    expected = "4c68c8624d737112c91818c11017d24d334b524cb5c2b8ba08daa056f7395ddb"
    assert proxy_signature("hush", parse_qsl(text)) == expected


def dev(platform: DevPlatform, path: str, **given: object) -> tuple[int, object]:
    client = Client(platform.wsgi)
    answer = client.post(f"/dev/{path}", base_url=f"https://{DOMAIN}", json=given)
    return answer.status_code, json.loads(answer.data)


def test_the_order_admin_leads_an_order_through_its_life(shop: DevShop, platform: DevPlatform) -> None:
    _, product = dev(platform, "products", title="Tea", price=2550)
    _, customer = dev(platform, "customers", first_name="Ada")
    assert isinstance(product, dict)
    assert isinstance(customer, dict)
    status, order = dev(
        platform,
        "orders",
        customer=customer["id"],
        lines=[{"product": product["id"], "quantity": 2}],
        paid=False,
        shipping=0,
        processed_at="2026-11-20T10:00:00+00:00",
    )
    assert isinstance(order, dict)
    assert (status, order["financial_status"], order["customer_id"]) == (200, "pending", customer["id"])
    assert dev(platform, f"orders/{order['id']}/pay")[0] == 200
    _, parcel = dev(platform, f"orders/{order['id']}/fulfil")
    assert isinstance(parcel, dict)
    assert dev(platform, f"fulfilments/{parcel['id']}/deliver")[0] == 200
    line = order["lines"][0]["id"]
    assert dev(platform, f"orders/{order['id']}/refund", lines=[{"line": line, "quantity": 1}])[0] == 200
    kept = shop.orders[int(order["id"])]
    assert (figures(kept).refunded.shop, kept.processed_at.day) == (2550, 20)
    shown = Client(platform.wsgi).get(f"/dev/orders/{order['id']}", base_url=f"https://{DOMAIN}").get_json()
    assert shown["figures"]["refunded"]["shop"] == 2550


def test_the_order_admin_refuses_in_words(shop: DevShop, platform: DevPlatform) -> None:
    order = shop.place_order(None, CUP)
    status, answer = dev(platform, f"orders/{order.id}/pay")
    assert (status, answer) == (
        422,
        {
            "error": "nothing_due",
            "message": "Nothing is due for order #1001; edit it first or pay another one.",
        },
    )
    assert dev(platform, f"orders/{order.id}/dance")[0] == 404
    assert dev(platform, "orders", lines="x")[0] == 422
    assert dev(platform, f"orders/{order.id}/refund", amount="much")[0] == 400
    form = Client(platform.wsgi).post("/dev/uninstall", base_url=f"https://{DOMAIN}", data={"a": "1"})
    assert form.status_code == 415
    assert shop.desk.shop.installed_at is not None


def test_a_shop_is_found_by_host_path_or_name(shop: DevShop, platform: DevPlatform) -> None:
    platform.create_shop("second.myshopify.com")
    client = Client(platform.wsgi)
    shop.place_order(None, CUP)
    for url, base in (
        ("/dev/orders", f"https://{DOMAIN}"),
        (f"/shops/{DOMAIN}/dev/orders", "http://127.0.0.1:5055"),
        (f"/dev/orders?shop={DOMAIN}", "http://127.0.0.1:5055"),
    ):
        assert len(client.get(url, base_url=base).get_json()) == 1
    assert client.get("/dev/orders", base_url="http://127.0.0.1:5055").status_code == 404
    assert client.get("/dev/orders", base_url="https://third.myshopify.com").status_code == 404
    assert len(client.get("/dev/shops", base_url="http://127.0.0.1:5055").get_json()) == 2


def test_a_second_start_finds_everything(tmp_path: Path, clock: Clock, received: Received) -> None:
    path = tmp_path / "state" / "shop.json"
    first = DevPlatform(now=clock, state_path=path)
    shop = first.create_shop(DOMAIN)
    shop.install()
    token = Admin(first, shop).token
    order = shop.place_order(shop.create_customer(), CUP)
    shop.refund(order, amount=100)

    second = DevPlatform(now=clock, state_path=path)
    again = second.create_shop(DOMAIN)
    assert again.orders[order.id] == order
    admin = Admin(second, again)
    assert admin.send("{ shop { id } }", token=token).status_code == 200
    assert again.place_order(None, CUP).name == "#1002"
    second.deliver = received
    second.flush()
    assert received.topics[:2] == ["customers/create", "orders/create"]
    assert DevPlatform(now=clock, state_path=path).queue == []


def test_many_changes_can_be_saved_at_once(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "shop.json"
    platform = DevPlatform(now=clock, state_path=path)
    shop = platform.create_shop(DOMAIN)
    before = path.read_bytes()
    with platform.change():
        shop.create_customer()
        assert path.read_bytes() == before
    assert path.read_bytes() != before


def test_the_apps_own_configuration_is_read(clock: Clock) -> None:
    platform = DevPlatform(now=clock, app_toml=ROOT / "app.toml")
    shop = platform.create_shop(DOMAIN)
    shop.install()
    assert "write_discounts" in shop.desk.shop.scopes
    assert platform.config.proxy.path == "/apps/rewards"
    assert platform.webhook_path("shop/redact") == "/webhooks"
    assert [(one.namespace, one.key, one.storefront) for one in shop.desk.shop.definitions] == [
        ("app--1000001", "loyalty", "PUBLIC_READ")
    ]
    types = shop.desk.shop.metaobject_types
    assert types["app--1000001--survey_response"].fields["score"] == "number_integer"


def test_over_sockets_it_is_the_same_shop(shop: DevShop, platform: DevPlatform, received: Received) -> None:
    token = Admin(platform, shop).token
    with platform.serve() as server, httpx.Client(transport=ToLocalShop(server.port), timeout=10) as client:

        def ask() -> httpx.Response:
            return client.post(
                f"https://{DOMAIN}/admin/api/2026-10/graphql.json",
                json={"query": "{ shop { myshopifyDomain } }"},
                headers={"X-Shopify-Access-Token": token},
            )

        assert ask().json()["data"]["shop"]["myshopifyDomain"] == DOMAIN
        platform.faults.add("timeout_after", match="shop")
        with pytest.raises(httpx.TransportError):
            ask()
        assert ask().status_code == 200
        with pytest.raises(httpx.ConnectError):
            client.get("https://example.com/")
        local = requests.get(f"http://127.0.0.1:{server.port}/dev/shops", timeout=10)
        assert local.json() == [DOMAIN]
        arrived = threading.Event()

        def deliver(domain: str, topic: str, headers: dict[str, str], body: bytes) -> int:
            arrived.set()
            return 200

        platform.deliver = deliver
        shop.create_customer()
        assert arrived.wait(timeout=30)


def test_connected_apps_get_webhooks_at_the_configured_address(
    shop: DevShop, platform: DevPlatform, seen: list[tuple[str, dict[str, str]]]
) -> None:
    shop.place_order(None, CUP)
    assert [attempt.status for attempt in platform.flush()] == [200, 200, 200]
    assert [topic for topic, _ in seen] == ["orders/create", "orders/paid", "orders/updated"]
