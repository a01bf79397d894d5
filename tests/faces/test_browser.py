"""A person with a real browser, on a phone and on a desk: buys, pays in points, looks behind the counter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import WSGIRequestHandler, make_server

from app import DemoApp
from devshop.demo import APP_TOML, DOMAIN, MovableTime, environment
from devshop.faces.catalogue import stock
from devshop.shop import DevPlatform, DevShop
from tests.npm import package

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

pytestmark = [pytest.mark.slow, pytest.mark.browser]
WIDTHS = {"phone": (360, 740), "desk": (1280, 860)}


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


@dataclass
class Demo:
    """App and shop, both served, in this process; `settle` delivers and works until nothing is left."""

    app: DemoApp
    platform: DevPlatform
    shop: DevShop
    address: str
    cookies_at_app: list[str] = field(default_factory=list)

    def settle(self) -> None:
        while self.platform.queue:
            self.platform.flush()
            self.app.settle()
        self.app.settle()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    time = MovableTime()
    asked: list[str] = []
    # The shop's port must be known to the app's settings, and the app's to the shop: both listen before they answer.
    doors: dict[str, WSGIApplication] = {}

    def door(name: str) -> WSGIApplication:
        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
            if name == "app":
                asked.extend(filter(None, [environ.get("HTTP_COOKIE")]))
            return doors[name](environ, start_response)

        return answer

    servers = {
        name: make_server(host, 0, door(name), threaded=True, request_handler=_Quiet)
        for name, host in (("app", "127.0.0.1"), ("shop", "127.0.0.1"))
    }
    address = f"http://127.0.0.1:{servers['shop'].port}"
    settings = environment(f"sqlite:///{tmp_path}/app.db", f"http://localhost:{servers['app'].port}", address)
    platform = DevPlatform(
        settings["SHOPIFY_API_KEY"], settings["SHOPIFY_API_SECRET"], settings["APP_URL"],
        now=time.now, app_toml=APP_TOML,
    )  # fmt: skip
    shop = platform.create_shop(DOMAIN, name="Alpine Tea", rates={"EUR": "1.06"})
    stock(shop)
    shop.create_customer(first_name="Anna", last_name="Keller", email="anna@example.com")

    def move(by: timedelta) -> datetime:
        time.forward(seconds=by.total_seconds())
        return time.now()

    platform.move_clock = move
    client = httpx.Client(transport=platform.http_transport(), timeout=10)
    app = DemoApp.open(settings, client, time.now, DOMAIN)
    platform.connect(app.wsgi)
    doors.update(app=app.wsgi, shop=platform.wsgi)
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers.values()]
    for thread in threads:
        thread.start()
    made = Demo(app, platform, shop, address, asked)
    httpx.get(shop.install())
    made.settle()
    yield made
    for server in servers.values():
        server.shutdown()
        server.server_close()
    client.close()
    app.close()


@pytest.fixture(params=list(WIDTHS))
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width, height = WIDTHS[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda line: troubles.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda asked: _same_house(asked.url, troubles))
    yield page
    context.close()
    assert troubles == []


def _same_house(url: str, troubles: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "http://localhost:", "data:", "about:", "blob:")):
        troubles.append(f"asked somebody else: {url}")


def _fits(page: Page) -> None:
    """Nothing sticks out sideways on the page that a press led to."""
    page.wait_for_function("document.documentElement?.scrollWidth <= innerWidth")


def test_a_shopper_buys_and_the_merchant_sends(demo: Demo, page: Page) -> None:
    page.goto(demo.address)
    _fits(page)
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_role("button", name="Anna Keller").click()
    expect(page.get_by_role("heading", name="Hello, Anna")).to_be_visible()
    page.goto(f"{demo.address}/products/mountain-herbs")
    _fits(page)
    page.get_by_text("250 g").click()
    expect(page.locator("[data-price]")).to_have_text("CHF 47.50")
    assert "variant=" in page.url
    page.get_by_role("button", name="Add to cart").click()
    _fits(page)
    page.get_by_role("button", name="Check out").click()
    _fits(page)
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_role("heading", name="Thank you, Anna")).to_be_visible()
    demo.settle()

    page.get_by_role("link", name="Merchant's view of this order").click()
    _fits(page)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("on its way")
    page.get_by_role("button", name="Next event").click()
    expect(page.get_by_role("status").first).to_contain_text("arrived")
    demo.settle()
    page.get_by_label("Development shop").get_by_role("link", name="Log").click()
    _fits(page)
    page.get_by_role("link", name="fulfillment_events/create").first.click()
    expect(page.locator("pre").first).to_contain_text("delivered")
    assert demo.cookies_at_app == []


def test_the_frame_holds_the_app_and_its_navigation_leads_there(demo: Demo, page: Page) -> None:
    page.goto(demo.address)
    page.get_by_label("Development shop").get_by_role("link", name="App admin").click()
    inner = page.frame_locator("iframe")
    expect(inner.locator("body")).to_contain_text("Members")
    expect(page.locator(".side [aria-current=page]")).to_have_text("Regulars")
    token = page.frames[1].evaluate("shopify.idToken()")
    assert token.count(".") == 2
    config = page.frames[1].evaluate("shopify.config")
    assert config["shop"] == DOMAIN
    page.frames[1].evaluate("shopify.toast.show('Saved <b>it</b>')")
    expect(page.locator(".toast span")).to_have_text("Saved <b>it</b>")
    extensions = page.frames[1].evaluate("shopify.app.extensions()")
    assert [one["handle"] for one in extensions] == ["rewards-widget"]
    _fits(page)
    assert demo.cookies_at_app == []


def test_a_page_without_a_token_comes_back_with_one(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.address}/admin/apps/regulars")
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("Members")
    page.frames[1].evaluate(f"location.assign('/?shop={DOMAIN}&embedded=1')")
    page.wait_for_function("document.querySelector('iframe') !== null")
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("Members")
    page.goto(demo.platform.app.app_url + f"/?shop={DOMAIN}&id_token={demo.shop.id_token()}")
    page.wait_for_url(f"{demo.address}/admin/apps/regulars")  # outside the admin, App Bridge goes into it


def test_german_from_the_footer_and_euros_in_germany(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.address}/products/hut-mug")
    page.get_by_label("Language").select_option("de")
    page.get_by_label("Country").select_option("DE")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="Hüttenbecher")).to_be_visible()
    expect(page.locator("[data-price]")).to_have_text("€25.97")
    _fits(page)


def _complaints(page: Page) -> list[str]:
    """What axe finds wrong on a page, with the first elements; the frame's inside is the app's own matter."""
    page.evaluate((package("axe-core") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {iframes: false})")
    assert found["passes"], "axe looked at nothing"
    return [f"{one['id']}: {[node['target'] for node in one['nodes'][:3]]}" for one in found["violations"]]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_axe_finds_nothing_on_any_page(demo: Demo, browser: Browser, size: tuple[int, int]) -> None:
    # axe paints on the page it judges, which our policy would forbid.
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, bypass_csp=True)
    page = context.new_page()
    (anna,) = demo.shop.customers.values()
    wares = {one.handle: one for one in demo.shop.desk.shop.products.values()}
    order = demo.shop.place_order(anna, [(wares["hut-mug"], 2)], note="Ring twice", currency="EUR")
    demo.shop.fulfil(order, lines=[(order.lines[0], 1)])
    demo.settle()
    page.goto(f"{demo.address}/account/login")
    assert _complaints(page) == []
    page.get_by_role("button", name="Anna Keller").click()
    page.goto(f"{demo.address}/products/hut-mug")
    page.get_by_role("button", name="Add to cart").click()
    entry = demo.platform.journal.entries(DOMAIN)[0].number
    shop = (
        "/",
        "/collections/tea",
        "/products/hut-mug",
        "/account",
        "/cart",
        "/checkout",
        f"/thank-you/{order.token}",
    )
    behind = ("orders", f"orders/{order.id}", "log", f"log/{entry}", "metafields")
    frame = ("/admin/themes/current/editor", "/admin/apps/regulars")
    for path in (*shop, *(f"/shop-admin/{one}" for one in behind), *frame):
        page.goto(f"{demo.address}{path}")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert _complaints(page) == [], path
        _fits(page)
    context.close()
