"""Campaigns in a real browser: planned, tried out on past orders, published, and seen at work down to the orders."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, fits, inner, window

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_a_campaign_is_planned_tried_published_and_at_work(
    demo: Demo, browser: Browser, size: tuple[int, int]
) -> None:
    seen = busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    now = demo.app.installation.now()
    with window(browser, size) as page:
        page.goto(f"{base}/programme/campaigns")
        inside = inner(page)
        inside.get_by_text("Add a campaign").click()
        new = inside.get_by_role("group", name="New campaign")
        new.get_by_label("Name", exact=True).fill("Triple days")
        new.get_by_label("Starts").fill(f"{now - timedelta(days=2):%F}")
        new.get_by_label("Ends").fill(f"{now - timedelta(days=4):%F}")
        new.get_by_label("Points count").fill("3")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("Choose an end that is later than the start.", exact=True)).to_be_visible()
        fits(page)
        inside.get_by_label("Ends").first.fill(f"{now + timedelta(days=5):%F}")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_role("heading", name="What each campaign would have given").last).to_be_visible()
        fits(page)
        inside.get_by_role("button", name="Publish version 2").click()
        expect(page.locator(".toast span")).to_have_text(
            "Version 2 is published. It applies to orders from now on."
        )
        tea = demo.shop.create_product("Fresh tea", 1000)
        later = demo.app.installation.now() + timedelta(seconds=2)  # orders are dated in whole seconds
        demo.shop.place_order(seen.customer_id, [(tea, 3)], shipping=0, processed_at=later)
        demo.settle()
        page.goto(f"{base}/campaigns")
        expect(inside.get_by_text("Runs", exact=True)).to_be_visible()
        fits(page)
        inside.get_by_role("link", name="Triple days").click()
        # 30.00 at 1 point per CHF, twice more: the orders before the version are not among them.
        expect(inside.get_by_text("60 points")).to_be_visible()
        expect(inside.get_by_text("for 1 order, worth CHF 3.00")).to_be_visible()
        fits(page)
        page.goto(f"{base}/members/{seen.customer_id}")
        expect(inside.get_by_text("Campaign “Triple days”.")).to_be_visible()
