"""Moving with a real browser: a file chosen and taken, its errors saved, a programme carried round, a member frozen."""

from __future__ import annotations

import csv
import io
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from plugin.store import programmes, shops
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import busy_shop, fits, inner, window

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


def chosen(page: Page, label: str, name: str, text: str) -> None:
    """A file chosen in a field of the page."""
    inner(page).get_by_label(label, exact=True).set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": text.encode()}
    )


def saved(page: Page, name: str) -> Path:
    with page.expect_download() as waiting:
        inner(page).get_by_role("link", name=name).click()
    return Path(waiting.value.path())


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_a_list_is_uploaded_tried_and_taken(demo: Demo, browser: Browser, size: tuple[int, int]) -> None:
    seen = busy_shop(demo)
    with window(browser, size) as page:
        page.goto(f"{demo.address}/admin/apps/regulars/settings")
        inner(page).get_by_role("link", name="Move in or out").click()
        expect(inner(page).locator("h1")).to_have_text("Moving in, out and around")
        fits(page)
        chosen(page, "File", "smile.csv", f"customer id;points\n{seen.customer_id};120\nnobody;1\n")
        inner(page).get_by_label("What its points mean").select_option("add")
        inner(page).get_by_role("button", name="Look at the list").click()
        expect(inner(page).get_by_text("120 points given")).to_be_visible()
        rows = list(csv.reader(io.StringIO(saved(page, "Download the error file").read_text("utf-8-sig"))))
        assert rows[1][:2] == ["3", "“nobody” is no customer number of Shopify."]
        inner(page).get_by_role("button", name="Take this list").click()
        expect(inner(page).locator("s-badge", has_text="Under way").first).to_be_visible()
        demo.settle()
        page.goto(f"{demo.address}/admin/apps/regulars/moving")
        expect(inner(page).get_by_role("link", name="smile.csv")).to_be_visible()
        page.goto(f"{demo.address}/admin/apps/regulars/members/{seen.customer_id}")
        expect(inner(page).get_by_text("Moved in from another app.")).to_be_visible()
        fits(page)


def test_a_programme_leaves_and_comes_back_changed(demo: Demo, browser: Browser) -> None:
    busy_shop(demo)
    with window(browser, WIDTHS["desk"]) as page:
        page.goto(f"{demo.address}/admin/apps/regulars/moving")
        text = saved(page, "Download: The programme, as TOML").read_text("utf-8")
        inside = inner(page)
        chosen(page, "Document", "rules.toml", text + "\nglow = 1\n")
        inside.get_by_role("button", name="Check the document").click()
        expect(inside.get_by_text("This app does not know this field.")).to_be_visible()
        chosen(page, "Document", "rules.toml", text.replace("signup_points = 50", "signup_points = 77"))
        inside.get_by_role("button", name="Check the document").click()
        inside.get_by_role("button", name="Publish version 2").click()
        expect(inside.locator("h1")).to_have_text("Programme")
        page.goto(f"{demo.address}/admin/apps/regulars/moving")
        with sqlite3.connect(saved(page, "Download: Everything, as one SQLite file")) as copy:
            assert copy.execute("SELECT MAX(version) FROM programmes").fetchone() == (2,)
    with demo.app.installation.db.read() as tx:
        shop = shops.by_domain(tx, demo.app.domain)
        assert shop is not None
        latest = programmes.versions(tx, shop.shop_id).latest
    assert latest is not None
    assert latest.signup_points == 77


def test_past_orders_are_read_and_a_member_is_frozen_by_clicks(demo: Demo, browser: Browser) -> None:
    seen = busy_shop(demo)
    with window(browser, WIDTHS["phone"]) as page:
        page.goto(f"{demo.address}/admin/apps/regulars/moving")
        inside = inner(page)
        inside.get_by_label("Past orders").select_option("history")
        inside.get_by_role("button", name="Read past orders").click()
        expect(inside.get_by_text("history only.")).to_be_visible()
        demo.settle()
        demo.settle()
        page.goto(f"{demo.address}/admin/apps/regulars/moving")
        expect(inside.locator("li", has_text="history only.").locator("s-badge")).to_have_text("Done")
        page.goto(f"{demo.address}/admin/apps/regulars/members/{seen.customer_id}")
        inside.get_by_text("Membership", exact=True).click()
        inside.get_by_label("Why they are frozen").fill("Looks like fraud")
        inside.get_by_role("button", name="Freeze", exact=True).click()
        expect(inside.locator("s-badge", has_text="Frozen").first).to_be_visible()
        page.goto(f"{demo.address}/admin/apps/regulars/moving")
        inside.get_by_label("Points for each").fill("10")
        inside.get_by_label("Why", exact=True).fill("Sorry")
        inside.get_by_role("button", name="See what it would do").click()
        expect(inside.get_by_text("points given")).to_be_visible()
