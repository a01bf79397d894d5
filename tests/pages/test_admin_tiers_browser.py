"""A merchant with a real browser sets the ladder, sees who moves, publishes, and grants a tier by hand."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from plugin.domain.programme import Ladder
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, fits, inner, window
from tests.pages.test_admin_browser import _latest

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_a_ladder_is_set_published_and_moves_members(
    demo: Demo, browser: Browser, size: tuple[int, int]
) -> None:
    seen = busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    with window(browser, size) as page:
        page.goto(f"{base}/programme/tiers")
        inside = inner(page)
        inside.get_by_label("What counts").select_option(label="Number of orders")
        inside.get_by_label("Counted over").select_option(label="All time")
        inside.get_by_label("Members fall").select_option(label="One tier at a time")
        inside.get_by_label("Notice before a fall").fill("14")
        inside.locator("summary", has_text="Silver").click()
        silver = inside.get_by_role("group", name="Silver")
        silver.get_by_label("From", exact=True).fill("1")
        silver.get_by_label("Gift on entry").fill("40")
        inside.locator("summary", has_text="Gold").click()
        inside.get_by_role("group", name="Gold").get_by_label("From", exact=True).fill("20")
        inside.get_by_text("Add a membership").click()
        club = inside.get_by_role("group", name="New membership")
        club.get_by_label("Name").fill("Club")
        club.get_by_label("Products or variants").fill("4711")
        club.get_by_label("Grants").select_option(label="Gold")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("A tier for life has no period").first).to_be_visible()
        fits(page)
        inside.get_by_label("Members fall").select_option(label="To the tier they reach")
        inside.get_by_role("button", name="Check and preview").click()
        moved = inside.get_by_role("table", name="Who would move").locator("s-table-body s-table-row")
        expect(moved.nth(1)).to_have_text(re.compile(r"Silver\s*1\s*0"))
        expect(inside.get_by_text("Gifts on entry cost at most 40 points.")).to_be_visible()
        fits(page)
        inside.get_by_role("button", name="Publish version 2").click()
        expect(page.locator(".toast span")).to_have_text(re.compile("Version 2 is published"))
        latest = _latest(demo)
        assert latest.ladder == Ladder("orders", "lifetime", notice_days=14)
        assert (latest.memberships[0].tier, latest.memberships[0].months) == ("gold", 12)

        demo.time.forward(minutes=1)
        demo.settle()
        page.goto(f"{base}/members/{seen.customer_id}")
        expect(inside.get_by_text("For entering Silver.")).to_be_visible()
        expect(inside.get_by_text(re.compile("3 orders; Gold from 20"))).to_be_visible()
        inside.get_by_text("Grant a tier", exact=True).click()
        inside.get_by_label("Tier", exact=True).select_option(label="Gold")
        inside.get_by_label("Until the end of").fill("2031-01-31")
        inside.get_by_role("button", name="Grant it").click()
        expect(page.locator(".toast span")).to_have_text("Done. The tier is granted.")
        expect(inside.get_by_text(re.compile("Held by hand until"))).to_be_visible()
        fits(page)
        inside.get_by_role("button", name="End the granted tier").click()
        expect(inside.get_by_text(re.compile("Held by what they did"))).to_be_visible()
