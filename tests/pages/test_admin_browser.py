"""A merchant with a real browser, on a phone and on a desk, with and without components: every page, every form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Frame, FrameLocator, Page, Route, expect

from plugin.flows import members as member_flow
from plugin.store import shops
from tests.faces.served import Demo
from tests.faces.test_browser import WIDTHS, demo
from tests.gallery.view import View

__all__ = ["demo"]  # fixtures
pytestmark = [pytest.mark.slow, pytest.mark.browser]
PAGES = ("", "/members", "/orders", "/programme", "/surveys", "/activity", "/settings")


@pytest.fixture(params=["components", "plain"])
def polaris(request: pytest.FixtureRequest) -> bool:
    """Whether the components load."""
    return str(request.param) == "components"


@pytest.fixture(params=list(WIDTHS))
def page(browser: Browser, request: pytest.FixtureRequest, polaris: bool) -> Iterator[Page]:
    """A window; what it complains of fails the test."""
    width, height = WIDTHS[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, bypass_csp=True)
    made = context.new_page()
    complaints: list[str] = []
    made.on("console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None)
    made.on("pageerror", lambda error: complaints.append(str(error)))
    if not polaris:
        made.route("**/polaris.js", lambda route: route.abort())
    yield made
    context.close()
    # Chromium notes the answer to a form with a fault, and the component file that was kept away: both are meant.
    meant = ["status of 422"] if polaris else ["status of 422", "ERR_FAILED"]
    assert [line for line in complaints if not any(one in line for one in meant)] == []


def inner(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def frame(page: Page) -> Frame:
    """The app's own document, loaded to the end."""
    found = next(one for one in page.frames if one != page.main_frame)
    found.wait_for_load_state()
    return found


def looked_at(page: Page) -> None:
    """No fault for axe, one heading, nothing wider than the window."""
    document = frame(page)
    assert View(page, "frame").complaints() == []
    assert document.evaluate("document.querySelectorAll('h1').length") == 1
    assert document.evaluate("document.documentElement.scrollWidth <= innerWidth")


def bought(demo: Demo) -> int:
    """One order of a customer who joins; her number."""
    tea = demo.shop.create_product("Test tea", 2450)
    anna = demo.shop.create_customer(first_name="<b>Anna</b>", last_name="Keller", email="anna.k@example.com")
    demo.shop.place_order(anna, [(tea, 2)])
    demo.settle()
    here = demo.app.installation
    with here.db.write() as tx:
        shop = shops.by_domain(tx, demo.app.domain)
        assert shop is not None
        member_flow.join(tx, shop, anna.id, None, here.now())
    demo.settle()
    return anna.id


def test_every_page_and_form(demo: Demo, page: Page, polaris: bool) -> None:
    customer = bought(demo)
    base = f"{demo.address}/admin/apps/regulars"
    for path in PAGES:
        page.goto(base + path)
        expect(inner(page).locator("h1")).to_be_visible()
        looked_at(page)
    page.goto(f"{base}/members")
    inner(page).get_by_label("Name, e-mail or customer number").fill("anna.k@")
    inner(page).get_by_role("button", name="Search").click()
    inner(page).get_by_role("link", name="<b>Anna</b> Keller").click()
    expect(inner(page).locator("h1")).to_have_text("<b>Anna</b> Keller")
    looked_at(page)
    assert frame(page).url.partition("?")[0].endswith(f"/members/{customer}")
    _adjust(page)
    page.goto(f"{base}/programme")
    _publish(page)


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


def _adjust(page: Page) -> None:
    inside = inner(page)
    inside.get_by_label("Points", exact=True).fill("30")
    inside.get_by_role("button", name="Continue").click()
    expect(inside.get_by_text("Say why, in a few words.")).to_be_visible()
    looked_at(page)
    inside.get_by_label("Reason").fill("Broken cup")
    inside.get_by_role("button", name="Continue").click()
    expect(inside.get_by_text("Give 30 points?")).to_be_visible()
    looked_at(page)
    inside.get_by_role("button", name="Yes, do it").click()
    expect(inside.get_by_text("“Broken cup”")).to_be_visible()
    expect(page.locator(".toast span")).to_have_text("Done. The points are in the history below.")


def _publish(page: Page) -> None:
    inside = inner(page)
    inside.get_by_label("Return window").fill("400")
    expect(page.get_by_role("region", name="Unsaved changes")).to_be_visible()
    inside.get_by_role("button", name="Check and preview").click()
    expect(inside.get_by_text("Choose 0 to 365 days.")).to_be_visible()
    looked_at(page)
    inside.get_by_label("Return window").fill("30")
    inside.get_by_label("Points", exact=True).first.fill("2")
    inside.get_by_role("button", name="Check and preview").click()
    expect(inside.get_by_text("Over 1 order from")).to_contain_text(
        "98 points instead of 49; 1 member would have gained"
    )
    looked_at(page)
    inside.get_by_role("button", name="Publish version 2").click()
    expect(page.locator(".toast span")).to_have_text(
        "Version 2 is published. It applies to orders from now on."
    )
