"""axe over the merchant's pages and the states of their forms without Polaris; the gallery looks at them with it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.npm import package
from tests.pages.at_work import PAGES, busy_shop, fits, frame, inner, window

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]
RULES = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']"


def looked_at(page: Page) -> None:
    """No fault for axe with everything unfolded, one heading, nothing wider than the window."""
    document = frame(page)
    document.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    document.evaluate((package("axe-core") / "axe.min.js").read_text("utf-8"))
    found = document.evaluate(f"axe.run(document, {{runOnly: {RULES}}})")
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]] == []
    assert len(found["passes"]) > 10
    fits(page)


def test_axe_finds_nothing_where_the_components_did_not_load(demo: Demo, browser: Browser) -> None:
    seen = busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    # axe paints on the page it judges, which our policy forbids; the policy itself is tested in test_admin_browser.py.
    with window(browser, WIDTHS["phone"], bypass_csp=True, components=False) as page:
        for path in (*PAGES, f"/members/{seen.customer_id}"):
            page.goto(base + path)
            expect(inner(page).locator("h1")).to_be_visible()
            looked_at(page)
        inside = inner(page)
        inside.get_by_label("Points", exact=True).fill("30")
        inside.get_by_role("button", name="Continue").click()
        expect(inside.get_by_text("Say why, in a few words.")).to_be_visible()
        looked_at(page)
        inside.get_by_label("Reason").fill("Broken cup")
        inside.get_by_role("button", name="Continue").click()
        expect(inside.get_by_text("Give 30 points?")).to_be_visible()
        looked_at(page)
        page.goto(f"{base}/programme")
        inside.get_by_label("Return window").fill("400")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_text("Choose 0 to 365 days.", exact=True)).to_be_visible()
        looked_at(page)
        inside.get_by_label("Return window").fill("30")
        inside.get_by_role("button", name="Check and preview").click()
        expect(inside.get_by_role("button", name="Publish version 2")).to_be_visible()
        looked_at(page)
