"""The chapter on rewards in a real browser: filled in, previewed, published, and seen by the shopper."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from plugin.store import programmes
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, fits, inner, window

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_a_merchant_adds_a_reward_and_publishes_it(
    demo: Demo, browser: Browser, size: tuple[int, int]
) -> None:
    busy_shop(demo)
    with window(browser, size) as page:
        page.goto(f"{demo.address}/admin/apps/regulars/programme/rewards")
        inside = inner(page)
        inside.get_by_label("Remind before an unused code ends").fill("7")
        inside.get_by_text("Add a reward").click()
        row = inside.get_by_role("group", name="New reward")
        row.get_by_label("Name", exact=True).fill("A tenth off")
        row.get_by_label("Kind", exact=True).select_option("percent_off")
        row.get_by_label("Costs", exact=True).fill("300")
        row.get_by_label("Percentage", exact=True).fill("101")
        fits(page)
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_role("link", name="A tenth off, Percentage")).to_be_visible()
        inside.locator('input[name="rewards.4.percent"]').fill("10")
        inside.get_by_role("button", name="Check and preview").click()
        inside.get_by_role("button", name="Publish version").click()
        expect(inside.locator("h1")).to_have_text("Programme")
    app = demo.app.installation
    with app.db.read() as tx:
        [row_of_shop] = tx.all("SELECT shop_id FROM shops WHERE domain = :d", d=demo.app.domain)
        latest = programmes.versions(tx, row_of_shop[0]).latest
    assert latest is not None
    assert latest.code_reminder_days == 7
    added = latest.reward("a_tenth_off")
    assert added is not None
    assert (added.kind, added.percent, added.points, added.for_sale) == ("percent_off", 10, 300, True)
