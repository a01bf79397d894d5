"""A merchant with a real browser sets when and whom to ask, and reads why a question waits."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import fits, inner, window
from tests.pages.test_admin_browser import _latest

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_rules_are_set_published_and_at_work(demo: Demo, browser: Browser) -> None:
    shop = demo.shop
    anna = shop.create_customer(first_name="Anna", last_name="Keller", email="anna.k@example.com")
    demo.settle()
    base = f"{demo.address}/admin/apps/regulars"
    with window(browser, next(iter(WIDTHS.values()))) as page:
        page.goto(f"{base}/programme/survey")
        inside = inner(page)
        inside.get_by_label("Parcels abroad").fill("5")
        inside.get_by_label("Between two questions to a customer").fill("14")
        inside.get_by_label("Such orders are").select_option(label="Asked about by an estimate")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("name your domestic countries").first).to_be_visible()
        inside.get_by_label("Domestic countries").fill("CH, LI")
        inside.get_by_role("button", name="Check and preview").click()
        inside.get_by_role("button", name="Publish version 2").click()
        expect(page.locator(".toast span")).to_have_text(re.compile("Version 2 is published"))
        survey = _latest(demo).survey
        assert (survey.international_days, survey.quiet_days, survey.home) == (5, 14, ("CH", "LI"))

        demo.time.forward(minutes=1)
        orders = [shop.place_order(anna, [(shop.create_product("Tea", 2450), 1)]) for _ in range(2)]
        demo.settle()
        for order in orders:
            parcel = shop.fulfil(order)
            demo.time.forward(minutes=1)
            shop.deliver_parcel(parcel)
        demo.settle()
        demo.time.forward(days=3)
        demo.settle()
        page.goto(f"{base}/surveys/questions")
        table = inside.get_by_role("table", name="Questions, the last due first")
        expect(table).to_contain_text("Waits for the pause after the customer’s last question")
        expect(table).to_contain_text("reported by the carrier")
        fits(page)
        inside.get_by_role("link", name="Asked", exact=True).click()
        expect(inside.get_by_role("heading", name="Asked")).to_be_visible()
        expect(table).to_contain_text(orders[0].name)
        inside.get_by_role("link", name="Anna Keller").click()
        expect(inside.get_by_role("heading", name="Anna Keller")).to_be_visible()
