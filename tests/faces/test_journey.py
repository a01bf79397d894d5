"""The five minutes of the README in a real browser: a person buys, spends, waits, answers; the merchant watches."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.faces.served import Demo
from tests.faces.test_browser import _fits, demo, page

pytestmark = [pytest.mark.slow, pytest.mark.browser]
__all__ = ["demo", "page"]
# Sums every shift of the layout that no press caused, as the platform's own measure does.
SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.shifted += shift.value;
}).observe({ type: 'layout-shift', buffered: true });"""


def test_the_five_minutes_of_the_readme(demo: Demo, page: Page) -> None:
    page.add_init_script(SHIFTS)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/apps/rewards" in request.url else None)

    page.goto(f"{demo.address}/products/mountain-herbs")
    expect(page.get_by_text(re.compile(r"Earn \d+ points"))).to_be_visible()
    _still(page)
    assert asked == []

    _sign_in(demo, page)
    page.goto(demo.address)
    _join(page)
    demo.settle()
    page.goto(demo.address)
    expect(page.locator(".launcher")).to_contain_text("50")
    _still(page)

    code = _redeem(page, "CHF 2.50 off")
    demo.settle()
    page.goto(f"{demo.address}/products/mountain-herbs")
    earns = int(
        re.findall(r"Earn (\d+) points", page.get_by_text(re.compile(r"Earn \d+ points")).inner_text())[0]
    )
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("button", name="Check out").click()
    page.get_by_label("Discount code").fill(code)
    page.locator(".code-form").get_by_role("button", name="Apply").click()
    expect(page.locator(".code-list")).to_contain_text(code)
    page.get_by_role("button", name="Place the order").click()
    expect(page.get_by_role("heading", name="Thank you, Anna")).to_be_visible()
    demo.settle()

    page.get_by_role("link", name="Merchant's view of this order").click()
    page.get_by_role("button", name="Send", exact=True).click()
    demo.settle()
    page.goto(demo.address)
    panel = _opened(page)
    expect(panel).to_contain_text("points pending")
    page.keyboard.press("Escape")

    _moves(demo, page, "Next event", 1)  # the parcel arrives
    _moves(demo, page, "+1 day", 3)  # and the question falls due
    page.goto(demo.address)
    _answer(page, 9, "Lovely tea")
    demo.settle()
    _moves(demo, page, "+1 week", 2)
    page.goto(demo.address)
    panel = _opened(page)
    balance = int(panel.locator(".hero-figure").inner_text())
    # What the code took off earned nothing, so a little less than the product page said of the full price.
    assert 0 < balance <= earns
    panel.get_by_role("tab").nth(1).click()
    expect(panel.locator(".line").first).to_be_visible()
    assert panel.locator(".line").count() == 3  # joined, redeemed, earned
    _fits(page)
    page.keyboard.press("Escape")

    _merchant_sees(page, demo, balance)
    assert demo.cookies_at_app == []


def _sign_in(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.address}/account/login")
    page.get_by_role("button", name="Anna Keller").click()
    expect(page.get_by_role("heading", name="Hello, Anna")).to_be_visible()


def _opened(page: Page) -> Locator:
    page.locator(".launcher").click()
    panel = page.locator("dialog.panel[open]")
    expect(panel).to_be_visible()
    panel.locator("[data-key=page]").wait_for()
    return panel


def _join(page: Page) -> None:
    page.locator(".launcher").click()
    panel = page.locator("dialog.panel[open]")
    panel.get_by_role("button", name="Join now").click()
    expect(panel.locator(".hero-figure")).to_have_text("50")
    page.keyboard.press("Escape")


def _redeem(page: Page, reward: str) -> str:
    panel = _opened(page)
    card = panel.locator(".reward").filter(has_text=reward)
    card.get_by_role("button", name="Redeem").click()
    card.get_by_role("button", name="Yes, redeem").click()
    expect(panel.locator("code")).to_be_visible()
    code: str = panel.locator("code").inner_text()
    expect(panel.locator(".hero-figure")).to_have_text("0")
    page.keyboard.press("Escape")
    return code


def _moves(demo: Demo, page: Page, by: str, times: int) -> None:
    for _ in range(times):
        page.get_by_role("button", name=by).click()
        page.wait_for_load_state()
        demo.settle()


def _answer(page: Page, score: int, words: str) -> None:
    place = page.locator(".prompt")
    place.get_by_role("button").first.wait_for()
    if not place.locator(".score").count():
        place.get_by_role("button").first.click()  # on a phone it begins as one line
    place.locator(".score").nth(score).click()
    place.get_by_role("button", name="Continue").click()
    place.locator("textarea").fill(words)
    place.get_by_role("button", name="Send").click()
    expect(place).to_contain_text("Thank you")


def _merchant_sees(page: Page, demo: Demo, balance: int) -> None:
    page.goto(f"{demo.address}/admin/apps/regulars")
    inside = page.frame_locator("iframe")
    expect(inside.locator("body")).to_contain_text("Members")
    page.goto(f"{demo.address}/admin/apps/regulars/members")
    inside.get_by_role("link", name="Anna Keller").first.click()
    expect(inside.locator("body")).to_contain_text(str(balance))
    expect(inside.locator("body")).to_contain_text("Lovely tea")
    page.goto(f"{demo.address}/admin/apps/regulars/surveys")
    expect(inside.locator("body")).to_contain_text("Lovely tea")
    page.goto(f"{demo.address}/admin/apps/regulars/programme")
    inside.get_by_label("Points for joining").fill("75")
    inside.get_by_role("button", name="Check and preview").click()
    expect(inside.locator("body")).to_contain_text("What the draft would have given")
    inside.get_by_role("button", name="Publish version 2").click()
    expect(inside.locator("body")).to_contain_text("Version 2 is published.")


def _still(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shifted") == 0
