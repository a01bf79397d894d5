"""A merchant with a real browser sets how points expire, previews, publishes, and lets points last longer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from plugin.domain.programme import Expiry
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, chapter, fits, publish
from tests.pages.test_admin_browser import _latest

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_expiry_is_set_and_points_are_made_to_last_longer(demo: Demo, browser: Browser) -> None:
    seen = busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    with chapter(demo, browser, WIDTHS["phone"], "expiry") as (page, inside):
        inside.get_by_label("Points run out after").fill("")
        inside.get_by_label("The balance runs out").select_option("inactivity")
        inside.get_by_label("Months without activity").fill("0")
        inside.get_by_label("Activity is").select_option("earning")
        inside.get_by_label("First reminder").fill("30")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("Choose 1 to 120 months.", exact=True)).to_be_visible()
        inside.get_by_label("Months without activity").fill("6")
        publish(demo, page, 2)
        page.goto(f"{base}/programme/expiry")
        expect(inside.get_by_label("Months without activity")).to_have_value("6")
        fits(page)
        latest = _latest(demo)
        assert (latest.expiry_months, latest.expiry) == (
            None, Expiry("inactivity", months=6, activity="earning", first_days=30),
        )  # fmt: skip

        # Nobody loses anything sooner than a full period after the switch; a reminder comes before, then they are gone.
        demo.time.forward(days=160)
        demo.settle()
        page.goto(f"{base}/activity")
        expect(inside.get_by_text("50 points will expire on").first).to_be_visible()
        page.goto(f"{base}/members/{seen.customer_id}")
        expect(inside.locator(".figures li", has_text="Available")).to_contain_text("expire on")
        demo.time.forward(days=30)
        demo.settle()
        page.goto(f"{base}/members/{seen.customer_id}")
        expect(inside.get_by_text("6 months passed without activity.")).to_be_visible()

        page.goto(f"{base}/programme/expiry")
        inside.get_by_label("The balance runs out").select_option("dates")
        inside.get_by_label("Days of the year").fill("06-30, 12-31")
        inside.get_by_label("Points stay at least").fill("3")
        publish(demo, page, 3)
        assert _latest(demo).expiry.dates == ("06-30", "12-31")
        page.goto(f"{base}/programme/expiry")
        inside.get_by_label("The balance runs out").select_option("never")
        publish(demo, page, 4)
        assert _latest(demo).expiry.balance == "never"

        page.goto(f"{base}/members")
        inside.get_by_role("link", name="Let points last longer").click()
        inside.get_by_label("Last day").fill("2031-01-31")
        inside.get_by_role("button", name="Let points last longer").click()
        expect(page.locator(".toast span")).to_contain_text("It has begun")
        expect(inside.get_by_text("Under way")).to_be_visible()
        fits(page)
