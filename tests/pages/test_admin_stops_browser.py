"""Stop and correct in a real browser: a stop reaches the shopper, it goes on, and a correction is tried and begun."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, fits, inner, window

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_each_switch_stops_and_goes_on_and_a_correction_is_tried_first(
    demo: Demo, browser: Browser, size: tuple[int, int]
) -> None:
    busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    with window(browser, size) as page:
        page.goto(f"{base}/stop")
        inside = inner(page)
        for what in ("Earning", "Redeeming", "Messages"):
            inside.get_by_role("button", name=f"Stop: {what}").click()
            expect(inside.get_by_role("button", name=f"Go on: {what}")).to_be_visible()
        fits(page)
        page.goto(base)
        expect(inside.get_by_text("Earning is stopped")).to_be_visible()
        page.goto(f"{base}/stop")
        for what in ("Earning", "Redeeming", "Messages"):
            inside.get_by_role("button", name=f"Go on: {what}").click()
            expect(inside.get_by_role("button", name=f"Stop: {what}")).to_be_visible()
        inside.get_by_label("Orders placed since").fill("2099-01-01 10:00")
        inside.get_by_role("button", name="Try it out").click()
        expect(inside.get_by_text("Choose a moment in the past.", exact=True)).to_be_visible()
        fits(page)
        began = demo.app.installation.now()
        demo.time.forward(hours=1)
        inside.get_by_label("Orders placed since").fill(began.isoformat())
        inside.get_by_role("button", name="Try it out").click()
        expect(
            inside.get_by_text("No order of a member that counts was placed in that time.")
        ).to_be_visible()
        inside.get_by_role("button", name="Count these orders by version 1").click()
        expect(inside.get_by_role("heading", name="So far")).to_be_visible()
        fits(page)
