"""The chapter on earning in a real browser: set, previewed, published, and seen at work on the next order."""

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
def test_rules_for_orders_are_set_published_and_at_work(
    demo: Demo, browser: Browser, size: tuple[int, int]
) -> None:
    seen = busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    with window(browser, size) as page:
        page.goto(f"{base}/programme/earning")
        inside = inner(page)
        inside.get_by_label("Points for each order").fill("5")
        inside.get_by_text("Add a rule").click()
        new = inside.get_by_role("group", name="New rule")
        new.get_by_label("Name").fill("New things")
        new.get_by_label("For").select_option("tag")
        new.get_by_label("Which ones").fill("fresh")
        new.get_by_label("Money counts").fill("2")
        inside.get_by_text("Add a bonus").click()
        new = inside.get_by_role("group", name="New bonus")
        new.get_by_label("Name").fill("Fourth order")
        new.get_by_label("For order number").fill("0")
        new.get_by_label("Points").fill("40")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("Choose 1 for the first order, up to 10,000.", exact=True)).to_be_visible()
        fits(page)
        inside.get_by_label("For order number").first.fill("4")
        inside.get_by_role("button", name="Check and preview").click()
        inside.get_by_role("button", name="Publish version 2").click()
        expect(page.locator(".toast span")).to_have_text(
            "Version 2 is published. It applies to orders from now on."
        )
        fresh = demo.shop.create_product("Fresh tea", 1000, tags=["Fresh"])
        later = demo.app.installation.now() + timedelta(seconds=2)  # orders are dated in whole seconds
        demo.shop.place_order(seen.customer_id, [(fresh, 3)], shipping=0, processed_at=later)
        demo.settle()
        page.goto(f"{base}/members/{seen.customer_id}")
        # 30.00 counts as 60.00
        expect(
            inside.get_by_text("counting as CHF 60.00 by the rules for products and amounts")
        ).to_be_visible()
        expect(inside.get_by_text("Points for the order itself.")).to_be_visible()
        expect(inside.get_by_text("Fourth order.")).to_be_visible()
        fits(page)
