"""A merchant with a real browser sets referrals up, a friend lands by a link and buys, and the queue is decided."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from plugin.domain.referrals import ATTRIBUTE
from plugin.flows import sharing
from plugin.store import shops
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, fits, inner, window
from tests.pages.test_admin_browser import _latest

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_referrals_are_set_shared_and_decided(demo: Demo, browser: Browser, size: tuple[int, int]) -> None:
    seen = busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    with window(browser, size) as page:
        page.goto(f"{base}/programme/referral")
        inside = inner(page)
        inside.get_by_label("Referrals are").select_option("yes")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("Say how much the friend's code takes off.").first).to_be_visible()
        fits(page)
        inside.get_by_label("Worth", exact=True).fill("10")
        inside.get_by_label("The member gets").fill("200")
        inside.get_by_role("button", name="Check and preview").click()
        inside.get_by_role("button", name="Publish version 2").click()
        expect(page.locator(".toast span")).to_have_text(re.compile("Version 2 is published"))
        rule = _latest(demo).referral
        assert (rule.enabled, rule.friend.value_minor, rule.points) == (True, 1000, 200)

        demo.time.forward(minutes=1)
        here = demo.app.installation
        with here.db.write() as tx:
            shop = shops.by_domain(tx, demo.app.domain)
            assert shop is not None
            code = sharing.share(tx, shop, seen.customer_id, here.now()).code
        demo.settle()
        with page.expect_response(re.compile("cart/update.js")):
            page.goto(f"{demo.address}/?ref={code.lower()}")
        expect(page.locator("regulars-referral").get_by_text(code)).to_be_visible()
        assert page.evaluate("fetch('/cart.js').then((r) => r.json()).then((c) => c.attributes)") == {
            ATTRIBUTE: code
        }

        # Somebody at the member's own device and address: refused until a person says otherwise.
        friend = demo.shop.create_customer(first_name="Ben", last_name="Rossi", email="ben@example.com")
        tea = next(iter(demo.shop.desk.shop.products.values()))
        for customer in (demo.shop.customers[seen.customer_id], friend):
            carried = {ATTRIBUTE: code} if customer is friend else {}
            demo.shop.place_order(
                customer, [(tea, 3)], attributes=carried, client_ip="203.0.113.9", user_agent="B"
            )
        demo.settle()
        page.goto(f"{base}/referrals")
        expect(inside.get_by_text("Nothing to decide.")).to_be_visible()
        inside.get_by_role("link", name="Refused (1)").click()
        expect(inside.get_by_text("Ordered from a device")).to_be_visible()
        fits(page)
        inside.get_by_text("Decide on").first.click()
        inside.get_by_role("button", name="Count it").click()
        expect(inside.get_by_text("Say why, in a few words.")).to_be_visible()
        inside.get_by_label("Reason").fill("They share a desk")
        inside.get_by_role("button", name="Count it").click()
        expect(page.locator(".toast span")).to_have_text(re.compile("Decided."))
        page.goto(f"{base}/referrals?show=qualified")
        expect(inside.get_by_text("They share a desk")).to_be_visible()
        fits(page)
