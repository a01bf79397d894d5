"""A merchant with a real browser sets how points expire, previews, publishes, and lets points last longer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, fits, inner, window

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_expiry_is_set_and_points_are_made_to_last_longer(demo: Demo, browser: Browser) -> None:
    busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    with window(browser, WIDTHS["phone"]) as page:
        page.goto(f"{base}/programme/expiry")
        inside = inner(page)
        inside.get_by_label("The balance runs out").select_option("inactivity")
        inside.get_by_label("Months without activity").fill("0")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("Choose 1 to 120 months.", exact=True)).to_be_visible()
        inside.get_by_label("Months without activity").fill("6")
        inside.get_by_label("First reminder").fill("30")
        inside.get_by_role("button", name="Check and preview").click()
        inside.get_by_role("button", name="Publish version").click()
        expect(page.locator(".toast span")).to_contain_text("is published")
        page.goto(f"{base}/programme/expiry")
        expect(inner(page).get_by_label("Months without activity")).to_have_value("6")
        fits(page)
        page.goto(f"{base}/members")
        inner(page).get_by_role("link", name="Let points last longer").click()
        inner(page).get_by_label("Last day").fill("2031-01-31")
        inner(page).get_by_role("button", name="Let points last longer").click()
        expect(page.locator(".toast span")).to_contain_text("It has begun")
        expect(inner(page).get_by_text("Under way")).to_be_visible()
        fits(page)
