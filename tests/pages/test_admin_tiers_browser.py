"""A merchant with a real browser sets the ladder, sees who moves, publishes, and grants a tier by hand."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from plugin.domain.programme import Ladder
from plugin.domain.values import Ratio
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, chapter, fits, publish
from tests.pages.test_admin_browser import _latest

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_a_ladder_is_set_published_and_moves_members(
    demo: Demo, browser: Browser, size: tuple[int, int]
) -> None:
    seen = busy_shop(demo)
    club = demo.shop.create_product("Club card", 3000)
    base = f"{demo.address}/admin/apps/regulars"
    with chapter(demo, browser, size, "tiers") as (page, inside):
        expect(inside.get_by_label("What counts")).to_have_value("points")
        inside.get_by_label("What counts").select_option(label="Number of orders")
        inside.get_by_label("Counted over").select_option(label="All time")
        inside.get_by_label("Members fall").select_option(label="One tier at a time")
        inside.get_by_label("Notice before a fall").fill("14")
        inside.locator("summary", has_text="Silver").click()
        silver = inside.get_by_role("group", name="Silver")
        silver.get_by_label("From", exact=True).fill("1")
        silver.get_by_label("Gift on entry").fill("40")
        silver.get_by_label("Reward on entry").select_option("five_off")
        silver.get_by_label("Free-shipping code every").fill("2")
        inside.locator("summary", has_text="Gold").click()
        inside.get_by_role("group", name="Gold").get_by_label("From", exact=True).fill("20")
        inside.get_by_text("Add a membership").click()
        new = inside.get_by_role("group", name="New membership")
        new.get_by_label("Name").fill("Club")
        new.get_by_label("Products or variants").fill(str(club.id))
        new.get_by_label("Grants").select_option(label="Gold")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("A tier for life has no period").first).to_be_visible()
        fits(page)
        inside.get_by_label("Members fall").select_option(label="To the tier they reach")
        inside.get_by_role("button", name="Check and preview").click()
        moved = inside.get_by_role("table", name="Who would move").locator("s-table-body s-table-row")
        expect(moved.nth(1)).to_have_text(re.compile(r"Silver\s*1\s*0"))
        expect(inside.get_by_text("Gifts on entry cost at most 40 points")).to_be_visible()
        fits(page)
        publish(demo, page, 2)
        latest = _latest(demo)
        assert latest.ladder == Ladder("orders", "lifetime", notice_days=14)
        assert (latest.memberships[0].tier, latest.memberships[0].months) == ("gold", 12)

        demo.settle()
        page.goto(f"{base}/members/{seen.customer_id}")
        expect(inside.get_by_text("For entering Silver.")).to_be_visible()
        expect(inside.get_by_text(re.compile("3 orders; Gold from 20"))).to_be_visible()
        codes = inside.get_by_role("table", name="Discount codes").locator("s-table-body s-table-row")
        expect(codes).to_have_count(2)  # the reward on entry and the free-shipping code
        assert "regulars:silver" in demo.shop.customers[seen.customer_id].tags  # for early access
        inside.get_by_text("Grant a tier", exact=True).click()
        inside.get_by_label("Tier", exact=True).select_option(label="Gold")
        inside.get_by_label("Until the end of").fill("2031-01-31")
        inside.get_by_role("button", name="Grant it").click()
        expect(page.locator(".toast span")).to_have_text("Done. The tier is granted.")
        expect(inside.get_by_text(re.compile("Held by hand until"))).to_be_visible()
        fits(page)
        inside.get_by_role("button", name="End the granted tier").click()
        expect(inside.get_by_text(re.compile("Held by what they did"))).to_be_visible()

        # Another ladder, published for later: nobody is paused, and at its moment it holds.
        page.goto(f"{base}/programme/tiers")
        inside.get_by_label("What counts").select_option(label="Money spent, as it earns points")
        inside.get_by_label("Counted over").select_option(label="The calendar year, in your time zone")
        inside.get_by_label("A tier of a calendar year").select_option("yes")
        inside.get_by_label("Grace").fill("2")
        inside.get_by_label("Members fall").select_option(label="One tier at a time")
        inside.locator("summary", has_text="Silver").click()
        silver.get_by_label("From", exact=True).fill("500")
        silver.get_by_label("To keep it").fill("300")
        silver.get_by_label("To come back").fill("600")
        silver.get_by_label("Earns", exact=True).fill("1.5")
        silver.get_by_label("Rewards cost less").fill("10")
        inside.locator("summary", has_text="Gold").first.click()
        inside.get_by_role("group", name="Gold").first.get_by_label("From", exact=True).fill("1000")
        inside.get_by_text("Add a tag").click()
        new = inside.get_by_role("group", name="New tag")
        new.get_by_label("Customer tag").fill("VIP")
        new.get_by_label("Grants").select_option(label="Gold")
        inside.get_by_role("button", name="Check and preview").click()
        tomorrow = (demo.app.installation.now() + timedelta(days=1)).astimezone(ZoneInfo("Europe/Zurich"))
        inside.get_by_label("In force from").fill(f"{tomorrow:%Y-%m-%d %H:%M}")
        inside.get_by_role("button", name="Publish version 3").click()
        expect(page.locator(".toast span")).to_contain_text("Version 3 is scheduled.")
        assert _latest(demo).version == 2
        demo.time.forward(days=1, minutes=1)
        demo.settle()
        latest = _latest(demo)
        assert (latest.version, latest.ladder) == (3, Ladder("money", "year", True, 2, "one", 14))
        silver_tier = latest.tiers[1]
        assert (silver_tier.retain, silver_tier.reenter, silver_tier.multiplier) == (300, 600, Ratio(3, 2))
        assert silver_tier.reward_discount_percent == 10

        demo.shop.tag_customer(seen.customer_id, add=["VIP"])
        demo.settle()
        page.goto(f"{base}/members/{seen.customer_id}")
        expect(inside.get_by_text("Held by a customer tag.")).to_be_visible()
        demo.shop.tag_customer(seen.customer_id, remove=["VIP"])
        demo.settle()
        demo.shop.place_order(seen.customer_id, [(club, 1)], shipping=0)
        demo.settle()
        page.goto(f"{base}/members/{seen.customer_id}")
        expect(inside.get_by_text(re.compile("Held by a membership they bought until"))).to_be_visible()
        expect(
            inside.get_by_text("+45")
        ).to_be_visible()  # 30.00 at one and a half: Silver held again by then

        page.goto(f"{base}/programme/tiers")
        inside.get_by_label("What counts").select_option(label="Friends referred")
        inside.get_by_label("Counted over").select_option(label="The last months")
        inside.get_by_label("Months counted").fill("6")
        inside.get_by_label("A tier of a calendar year").select_option("no")
        publish(demo, page, 4)
        latest = _latest(demo)
        assert (latest.ladder.basis, latest.ladder.window, latest.tier_months) == ("referrals", "rolling", 6)
