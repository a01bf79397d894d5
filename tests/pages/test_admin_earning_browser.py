"""The chapter on earning in a real browser: set, previewed, published, and seen at work on the next order."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from plugin.domain.programme import Band, LineRule, OrderBonus, OrderRules
from plugin.domain.values import Ratio
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, chapter, fits, publish
from tests.pages.test_admin_browser import _latest

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_rules_for_orders_are_set_published_and_at_work(
    demo: Demo, browser: Browser, size: tuple[int, int]
) -> None:
    seen = busy_shop(demo)
    with chapter(demo, browser, size, "earning") as (page, inside):
        inside.get_by_label("Points for each order").fill("5")
        inside.get_by_label("Order of at least").fill("20")
        inside.get_by_label("At most, an order").fill("500")
        inside.get_by_label("At most, a member").fill("1000")
        inside.get_by_label("In each").select_option(label="Year")
        inside.get_by_text("Add a rule").click()
        new = inside.get_by_role("group", name="New rule")
        new.get_by_label("Name").fill("New things")
        new.get_by_label("For").select_option("tag")
        new.get_by_label("Which ones").fill("fresh")
        new.get_by_label("Money counts").fill("2")
        inside.get_by_text("Add a band").click()
        new = inside.get_by_role("group", name="New band")
        new.get_by_label("Name").fill("Big")
        new.get_by_label("Above").fill("1000")
        new.get_by_label("Counts").fill("3")
        inside.get_by_text("Add a bonus").click()
        new = inside.get_by_role("group", name="New bonus")
        new.get_by_label("Name").fill("Fourth order")
        new.get_by_label("For order number").fill("0")
        new.get_by_label("Points").fill("40")
        inside.get_by_label("The part paid by gift card").select_option("no")
        inside.get_by_label("Orders of companies earn").select_option("yes")
        inside.get_by_label("Sales channels that earn nothing").fill("pos, shopify_draft_order")
        inside.get_by_label("Customers with these tags").fill("staff")
        inside.get_by_label("Points open").select_option(label="Some days after payment")
        inside.get_by_label("Days after payment").fill("30")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("Choose 1 for the first order, up to 10,000.", exact=True)).to_be_visible()
        fits(page)
        inside.get_by_label("For order number").first.fill("4")
        publish(demo, page, 2)
        assert _latest(demo).orders == OrderRules(
            lines=(LineRule("new_things", "New things", "tag", ("fresh",), multiplier=Ratio(2)),),
            bands=(Band("big", "Big", 100_000, Ratio(3)),), per_order=5, minimum_minor=2_000, max_per_order=500,
            bonuses=(OrderBonus("fourth_order", "Fourth order", 4, 40),), max_per_period=1000, period="year",
            credit=False, companies=True, sources=("pos", "shopify_draft_order"), excluded_tags=("staff",),
            opens="paid", paid_days=30,
        )  # fmt: skip
        fresh = demo.shop.create_product("Fresh tea", 1000, tags=["Fresh"])
        demo.shop.place_order(seen.customer_id, [(fresh, 3)], shipping=0)
        demo.settle()
        page.goto(f"{demo.address}/admin/apps/regulars/members/{seen.customer_id}")
        # 30.00 counts as 60.00
        expect(
            inside.get_by_text("counting as CHF 60.00 by the rules for products and amounts")
        ).to_be_visible()
        expect(inside.get_by_text("Points for the order itself.")).to_be_visible()
        expect(inside.get_by_text("Fourth order.")).to_be_visible()
        fits(page)
