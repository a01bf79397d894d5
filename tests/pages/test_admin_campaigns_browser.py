"""Campaigns in a real browser: planned, tried out on past orders, published, and seen at work down to the orders."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, chapter, fits, publish
from tests.pages.test_admin_browser import _latest

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_a_campaign_is_planned_tried_published_and_at_work(
    demo: Demo, browser: Browser, size: tuple[int, int]
) -> None:
    seen = busy_shop(demo)
    now = demo.app.installation.now()
    with chapter(demo, browser, size, "campaigns") as (page, inside):
        inside.get_by_label("When an order falls into several").select_option("add")
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
        inside.get_by_text("Add a campaign").last.click()
        new = inside.get_by_role("group", name="New campaign").last
        for label, value in {
            "Name": "Spring forward", "Starts": f"{now - timedelta(days=1):%F}", "Ends": "2031-03-30 03:30",
            "Time zone": "Europe/Zurich", "Points count": "2", "Only tiers": "gold", "Only shipped to": "CH",
            "Only customers with one of these tags": "vip", "Only sales channels": "web", "Which ones": "fresh",
        }.items():  # fmt: skip
            new.get_by_label(label, exact=True).fill(value)
        new.get_by_label("For", exact=True).select_option("tag")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_role("heading", name="What each campaign would have given").last).to_be_visible()
        fits(page)
        publish(demo, page, 2)
        latest = _latest(demo)
        other = latest.campaigns[1]
        assert (latest.campaign_stacking, other.zone, other.tiers, other.tags) == (
            "add", "Europe/Zurich", ("gold",), ("vip",),
        )  # fmt: skip
        assert (other.countries, other.sources, other.scope, other.values) == (
            ("CH",),
            ("web",),
            "tag",
            ("fresh",),
        )
        page.goto(f"{demo.address}/admin/apps/regulars/programme/campaigns")
        expect(inside.get_by_label("Ends").nth(1)).to_have_value("2031-03-30 03:30")
        tea = demo.shop.create_product("Fresh tea", 1000)
        demo.shop.place_order(seen.customer_id, [(tea, 3)], shipping=0)
        demo.settle()
        page.goto(f"{demo.address}/admin/apps/regulars/campaigns")
        expect(inside.get_by_text("Runs", exact=True)).to_have_count(2)
        fits(page)
        inside.get_by_role("link", name="Triple days").click()
        # 30.00 at 1 point per CHF, twice more: the orders before the version are not among them.
        expect(inside.get_by_text("60 points")).to_be_visible()
        expect(inside.get_by_text("for 1 order, worth CHF 3.00")).to_be_visible()
        fits(page)
        page.goto(f"{demo.address}/admin/apps/regulars/members/{seen.customer_id}")
        expect(inside.get_by_text("Campaign “Triple days”.")).to_be_visible()
