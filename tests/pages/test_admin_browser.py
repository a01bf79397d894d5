"""A merchant with a real browser, under the real policy, at two widths: every page, every form, every file."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from plugin.domain.programme import Programme
from plugin.pages import admin_members
from plugin.store import onboarding, programmes, shops
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.pages.at_work import PAGES, Seen, busy_shop, fits, frame, inner, window

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("size", WIDTHS.values(), ids=WIDTHS.keys())
def test_the_merchants_whole_path(
    demo: Demo, browser: Browser, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_members, "PAGE", 2)
    seen = busy_shop(demo)
    base = f"{demo.address}/admin/apps/regulars"
    with window(browser, size) as page:
        _home(demo, page, base)
        _member(page, base, seen)
        _orders(page, base)
        _surveys(page, base)
        _activity(page, base)
        _settings(demo, page, base, seen)
        _connections(demo, page, base)
        _programme(demo, page, base)
        for path in PAGES:
            page.goto(base + path)
            expect(inner(page).locator("h1")).to_be_visible()
            fits(page)
    assert demo.cookies_at_app == []


def _saved(page: Page, name: str) -> str:
    """The text of the file behind a link."""
    with page.expect_download() as waiting:
        inner(page).get_by_role("link", name=name).click()
    return Path(waiting.value.path()).read_text(encoding="utf-8-sig")


def _home(demo: Demo, page: Page, base: str) -> None:
    """Our own script runs by its word, and its one request is let through."""
    with page.expect_response(lambda answer: "/theme?" in answer.url) as reported:
        page.goto(base)
    assert reported.value.status == 200
    expect(inner(page).get_by_role("heading", name="Home")).to_be_visible()
    expect(inner(page).locator("nav.links")).to_have_count(0)
    expect(inner(page).get_by_text("Everything is set up")).to_be_visible()
    expect(inner(page).get_by_text("The first order arrives.")).to_be_hidden()
    with demo.app.installation.db.read() as tx:
        shop = shops.by_domain(tx, demo.app.domain)
        assert shop is not None
        assert onboarding.steps(tx, shop.shop_id).embed is True
    inner(page).get_by_role("link", name="All members").click()
    expect(inner(page).get_by_role("heading", name="Members", exact=True)).to_be_visible()


def _member(page: Page, base: str, seen: Seen) -> None:
    page.goto(f"{base}/members")
    inside = inner(page)
    inside.get_by_label("Name, e-mail or customer number").fill("anna.k@")
    inside.get_by_role("button", name="Search").click()
    inside.get_by_role("link", name=seen.name).click()
    expect(inside.locator("h1")).to_have_text(seen.name)
    assert frame(page).url.partition("?")[0].endswith(f"/members/{seen.customer_id}")
    assert json.loads(_saved(page, "Download their data"))["member"]["member_id"] == seen.customer_id
    inside.get_by_text("Give or take points").click()
    inside.get_by_label("Points", exact=True).fill("30")
    inside.get_by_role("button", name="Continue").click()
    expect(inside.get_by_text("Say why, in a few words.")).to_be_visible()
    fits(page)
    inside.get_by_label("Reason").fill("Broken cup")
    inside.get_by_role("button", name="Continue").click()
    expect(inside.get_by_text("Give 30 points?")).to_be_visible()
    inside.get_by_role("button", name="Yes, do it").click()
    expect(inside.get_by_text("“Broken cup”")).to_be_visible()
    expect(page.locator(".toast span")).to_have_text("Done. The points are in the history below.")


def _orders(page: Page, base: str) -> None:
    page.goto(f"{base}/orders")
    inside = inner(page)
    rows = inside.locator("s-table-body s-table-row")
    expect(rows).to_have_count(2)
    inside.get_by_role("link", name="Next page").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("First")
    inside.get_by_role("link", name="Not the member’s first").click()
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Repeat")


def _surveys(page: Page, base: str) -> None:
    page.goto(f"{base}/surveys")
    inside = inner(page)
    expect(inside.get_by_text("<i>Lovely</i>")).to_be_visible()
    inside.get_by_role("link", name="Detractors (0–6)").click()
    expect(inside.get_by_text("<i>Lovely</i>")).to_have_count(0)
    expect(inside.locator("s-table-body s-table-row")).to_have_count(1)
    rows = list(csv.DictReader(_saved(page, "Download all as CSV").splitlines()))
    assert [row["score"] for row in rows] == ["10", "3"]


def _activity(page: Page, base: str) -> None:
    page.goto(f"{base}/activity")
    inside = inner(page)
    assert json.loads(_saved(page, "Download the answer for customer"))
    inside.get_by_role("button", name="Try again:").click()
    expect(page.locator(".toast span")).to_have_text("1 back in line. They run within a minute.")
    expect(inside.get_by_text("Nothing is stuck.")).to_be_visible()


def _connections(demo: Demo, page: Page, base: str) -> None:
    """A key is made, copied, used and revoked; an address is subscribed and removed."""
    page.goto(f"{base}/settings")
    inner(page).get_by_role("link", name="Open connections").click()
    inside = inner(page)
    expect(inside.locator("h1")).to_have_text("Connections")
    inside.get_by_role("button", name="Make a key").click()
    expect(inside.get_by_text("Give the key a name")).to_be_visible()
    inside.get_by_label("Name of the program").fill("Mail program")
    inside.get_by_label("Read members,").check()
    inside.get_by_role("button", name="Make a key").click()
    expect(inside.get_by_text("The key Mail program is made.")).to_be_visible()
    fits(page)
    token = inside.locator("dd code").first.inner_text()
    asked = page.request.get(
        f"{demo.app.installation.config.app_url}/api/v1/members", headers={"Authorization": f"Bearer {token}"}
    )
    assert asked.status == 200
    inside.get_by_role("textbox", name="Address").fill("https://10.0.0.1/")
    inside.get_by_role("button", name="Subscribe").click()
    expect(inside.get_by_text("not one of a private network")).to_be_visible()
    inside.get_by_role("textbox", name="Address").fill("https://example.com/hooks")
    inside.get_by_label("A member earned points").check()
    inside.get_by_role("button", name="Subscribe").click()
    expect(inside.get_by_text("The address is subscribed.")).to_be_visible()
    inside.get_by_role("button", name="Remove: https://example.com/hooks").click()
    expect(inside.get_by_text("No address is subscribed.")).to_be_visible()
    inside.get_by_role("button", name="Revoke the key Mail program").click()
    expect(inside.get_by_text("There is no key yet.")).to_have_count(0)
    expect(
        page.locator(".toast span", has_text="The key is revoked. No program can use it any more.")
    ).to_be_visible()
    refused = page.request.get(
        f"{demo.app.installation.config.app_url}/api/v1/members", headers={"Authorization": f"Bearer {token}"}
    )
    assert refused.status == 401


def _settings(demo: Demo, page: Page, base: str, seen: Seen) -> None:
    page.goto(f"{base}/settings")
    inside, bar = inner(page), page.get_by_role("region", name="Unsaved changes")
    tag = inside.get_by_label("Customer tag")
    expect(tag).to_be_hidden()
    inside.get_by_label("Members are").select_option("tag")
    expect(tag).to_be_visible()
    bar.get_by_role("button", name="Discard").click()
    expect(inside.get_by_label("Members are")).to_have_value("joined")
    expect(tag).to_be_hidden()
    inside.get_by_label("Members are").select_option("tag")
    bar.get_by_role("button", name="Save").click()
    expect(inside.get_by_text("Name the customer tag that makes a member.")).to_be_visible()
    fits(page)
    inside.get_by_label("Customer tag").fill("VIP")
    inside.get_by_role("button", name="Save").click()
    expect(page.locator(".toast span")).to_have_text("Saved.")
    latest = _latest(demo)
    assert (latest.version, latest.membership, latest.membership_tag) == (2, "tag", "VIP")
    inside.get_by_label("Customer number").fill(str(seen.customer_id))
    inside.get_by_role("button", name="Find").click()
    assert (
        json.loads(_saved(page, "Download everything we hold of"))["member"]["email"] == "anna.k@example.com"
    )


def _programme(demo: Demo, page: Page, base: str) -> None:
    page.goto(f"{base}/programme")
    inside, bar = inner(page), page.get_by_role("region", name="Unsaved changes")
    expect(bar).to_be_hidden()
    inside.get_by_label("Return window").fill("400")
    bar.get_by_role("button", name="Discard").click()
    expect(inside.get_by_label("Return window")).to_have_value("14")
    inside.get_by_label("Return window").fill("400")
    bar.get_by_role("button", name="Save").click()
    inside.get_by_role("link", name="Return window").click()
    expect(inside.get_by_text("Choose 0 to 365 days.", exact=True)).to_be_in_viewport()
    fits(page)
    inside.get_by_label("Return window").fill("30")
    inside.get_by_label("Points", exact=True).first.fill("2")
    inside.get_by_text("Add a tier").click()
    new = inside.get_by_role("group", name="New tier")
    new.get_by_label("Name").fill("Platinum")
    new.get_by_label("From").fill("5000")
    new.get_by_label("Earns").fill("2")
    inside.get_by_text("Add a reward").click()
    new = inside.get_by_role("group", name="New reward")
    new.get_by_label("Name").fill("A tenner")
    new.get_by_label("Costs").fill("180")
    new.get_by_label("Takes off").fill("10")
    inside.locator("summary", has_text="Free shipping").click()
    inside.get_by_role("group", name="Free shipping").get_by_label("This reward").select_option("no")
    inside.get_by_role("button", name="Check and preview").click()
    rows = inside.get_by_role("table", name="What the draft would have given").locator(
        "s-table-body s-table-row"
    )
    expect(rows.first).to_have_text(re.compile(r"In all\s*147\s*294\s*\+147"))
    expect(inside.get_by_text("1 member would have got more, nobody less.")).to_be_visible()
    fits(page)
    publish = inside.get_by_role("button", name="Publish version 3")
    expect(publish).to_be_in_viewport()
    publish.click()
    expect(page.locator(".toast span")).to_have_text(
        "Version 3 is published. It applies to orders from now on."
    )
    latest = _latest(demo)
    assert [one.name for one in latest.tiers][-1] == "Platinum"
    assert "free_shipping" not in {one.kind for one in latest.rewards}
    assert latest.rewards[-1].name == "A tenner"
    assert (latest.earning[0].rate.points, latest.return_window_days) == (2, 30)


def _latest(demo: Demo) -> Programme:
    with demo.app.installation.db.read() as tx:
        shop = shops.by_domain(tx, demo.app.domain)
        assert shop is not None
        found = programmes.versions(tx, shop.shop_id).latest
    assert found is not None
    return found


def test_forms_work_without_any_script(demo: Demo, browser: Browser) -> None:
    """Neither ours nor Shopify's: a form's ticket carries it. Only a fresh page after a redirect needs App Bridge."""
    seen = busy_shop(demo)
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()

    def opened(path: str) -> None:
        page.goto(
            f"{demo.platform.app.app_url}{path}?shop={demo.app.domain}&embedded=1&id_token={demo.shop.id_token()}"
        )

    opened(f"/members/{seen.customer_id}")
    page.get_by_text("Give or take points").click()
    page.get_by_label("Points", exact=True).fill("25")
    page.get_by_label("Reason").fill("By hand")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Give 25 points?")).to_be_visible()
    page.get_by_role("button", name="Yes, do it").click()
    page.wait_for_url("**/auth/patch-id-token?*")
    opened(f"/members/{seen.customer_id}")
    expect(page.get_by_text("“By hand”")).to_be_visible()
    opened("/settings")
    page.get_by_label("Customer tag").fill("a,b")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A tag has at most 100 characters and no comma.")).to_be_visible()
    opened("/programme")
    page.get_by_label("Return window").fill("31")
    page.get_by_text("Silver").first.click()
    page.get_by_role("group", name="Silver").get_by_label("Earns").fill("1.3")
    page.get_by_role("button", name="Check and preview").click()
    page.get_by_role("button", name="Publish version 2").click()
    page.wait_for_url("**/auth/patch-id-token?*")
    context.close()
    assert (_latest(demo).version, _latest(demo).return_window_days) == (2, 31)


def test_nothing_jumps_while_components_build_themselves(demo: Demo, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.add_init_script(
        """window.shifted = 0; new PerformanceObserver((list) => {
          for (const one of list.getEntries()) if (!one.hadRecentInput) shifted += one.value;
        }).observe({ type: 'layout-shift', buffered: true });"""
    )
    page = context.new_page()
    styles: list[Route] = []
    page.route("**/polaris.css", lambda route: styles.append(route))
    page.goto(f"{demo.address}/admin/apps/regulars/programme", wait_until="commit")
    inner(page).locator("s-page").wait_for(state="attached")
    document = next(one for one in page.frames if one != page.main_frame)
    document.wait_for_function("document.readyState === 'interactive'")
    two_frames = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    document.evaluate(two_frames)
    # Only now, after a frame without them, the components get their looks.
    styles[0].continue_()
    expect(inner(page).locator("h1")).to_be_visible()
    document.wait_for_load_state()
    document.evaluate(two_frames)
    assert document.evaluate("shifted") < 0.1
    context.close()
