"""A person with a real browser, on a phone and on a desk: buys, pays in points, looks behind the counter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from devshop.demo import DOMAIN
from tests.faces.served import Demo, serving_demo

pytestmark = [pytest.mark.slow, pytest.mark.browser]
WIDTHS = {"phone": (360, 740), "desk": (1280, 860)}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with serving_demo(tmp_path) as running:
        yield running


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
    """Nothing sticks out sideways on the page that a press led to.

    A page that is just being replaced is looked at again once it is loaded. Waiting inside the page would need eval
    at its second look, which the shop's content policy forbids.
    """
    for _ in range(3):
        page.wait_for_load_state()
        if page.evaluate("() => document.documentElement?.scrollWidth <= innerWidth"):
            return
    raise AssertionError(f"{page.url} is wider than the window")


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
    page.locator("iframe").wait_for(state="attached")
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("Members")
    page.goto(demo.platform.app.app_url + f"/?shop={DOMAIN}&id_token={demo.shop.id_token()}")
    page.wait_for_url(f"{demo.address}/admin/apps/regulars")  # outside the admin, App Bridge goes into it


def test_german_from_the_footer_and_euros_in_germany(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.address}/products/hut-mug")
    page.get_by_label("Language").select_option("de")
    page.get_by_label("Country").select_option("DE")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", name="Hüttenbecher")).to_be_visible()
    expect(page.locator("[data-price]")).to_have_text("25,97\u00a0€")
    _fits(page)
