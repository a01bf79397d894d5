"""A merchant with a real browser sets what actions earn, and sees on the member's page that they do."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, FrameLocator, expect

from plugin.domain.programme import ActionRule
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, fits, inner, window
from tests.pages.test_admin_browser import _latest

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


def _add(inside: FrameLocator, name: str, kind: str, points: str, per: str) -> None:
    """Fills the row for one more; it must be checked before the next can be added."""
    inside.get_by_text("Add a rule").click()
    new = inside.get_by_role("group", name="New rule")
    new.get_by_label("Name").fill(name)
    new.get_by_label("What is rewarded").select_option(label=kind)
    new.get_by_label("Points", exact=True).fill(points)
    new.get_by_label("At most").fill("1")
    new.get_by_label("per", exact=True).select_option(label=per)
    new.get_by_label("Points can be spent after").fill("0")
    new.get_by_label("Counts").select_option("yes")


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_actions_are_set_published_and_earn(demo: Demo, browser: Browser, size: tuple[int, int]) -> None:
    seen = busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    with window(browser, size) as page:
        page.goto(f"{base}/programme/actions")
        inside = inner(page)
        _add(inside, "Our letter", "Newsletter", "30", "Year")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("Subscribing counts once: set the limit to 1, ever.").first).to_be_visible()
        fits(page)
        new = inside.get_by_role("group", name="New rule").first
        new.get_by_label("per", exact=True).select_option(label="All time")
        inside.get_by_label("Earns when known").fill("10")
        inside.get_by_role("button", name="Check and preview").click()
        inside.get_by_role("button", name="Publish version 2").click()
        expect(page.locator(".toast span")).to_have_text(re.compile("Version 2 is published"))
        assert _latest(demo).actions == (ActionRule("our_letter", "newsletter", "Our letter", 30),)
        assert _latest(demo).birthday_notice_days == 10

        demo.time.forward(minutes=1)
        demo.shop.update_customer(seen.customer_id, accepts_marketing=True)
        demo.settle()
        page.goto(f"{base}/members/{seen.customer_id}")
        expect(inside.get_by_role("table", name="Actions, newest first")).to_contain_text("Our letter")
        expect(inside.get_by_text("Newsletter: Our letter.")).to_be_visible()
        inside.get_by_text("Set it", exact=True).click()
        inside.get_by_label("Day", exact=True).select_option("29")
        inside.get_by_label("Month", exact=True).select_option(label="February")
        inside.get_by_role("button", name="Set the birthday").click()
        expect(inside.get_by_text("29 February")).to_be_visible()
        fits(page)
