"""A merchant's window onto the app in the development shop's frame, and a shop with something to see in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Frame, FrameLocator, Page, expect

from plugin.domain.facts import DataRequested
from plugin.flows import members as member_flow
from plugin.store import shops, surveys
from plugin.store.surveys import Invitation, Response
from tests.faces.served import Demo
from tests.faces.test_browser import _same_house

PAGES = (
    "",
    "/members",
    "/orders",
    "/programme",
    "/surveys",
    "/activity",
    "/settings",
    "/settings/connections",
)


@contextmanager
def window(
    browser: Browser,
    size: tuple[int, int],
    *,
    bypass_csp: bool = False,
    components: bool = True,
    meant: str = "",
) -> Iterator[Page]:
    """A window; afterwards nothing may have complained or asked somebody else's server.

    Chromium notes the answer to a form with a fault, and the component file that was kept away: both are meant.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, bypass_csp=bypass_csp, accept_downloads=True
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda one: _same_house(one.url, complaints))
    if not components:
        page.route("**/polaris.js", lambda route: route.abort())
    yield page
    context.close()
    allowed = ["status of 422"] + ([] if components else ["ERR_FAILED"])
    assert [line for line in complaints if not any(one in line for one in allowed)] == []


def inner(page: Page) -> FrameLocator:
    """What stands in the frame."""
    return page.frame_locator("iframe")


def frame(page: Page) -> Frame:
    """The app's own document, loaded to the end."""
    found = next(one for one in page.frames if one != page.main_frame)
    found.wait_for_load_state()
    return found


@contextmanager
def chapter(
    demo: Demo, browser: Browser, size: tuple[int, int], slug: str
) -> Iterator[tuple[Page, FrameLocator]]:
    """A window on a chapter of the programme, and what stands in its frame."""
    with window(browser, size) as page:
        page.goto(f"{demo.address}/admin/apps/regulars/programme/{slug}")
        yield page, inner(page)


def publish(demo: Demo, page: Page, version: int) -> None:
    """Previews and publishes what is filled in; a minute later, so that what comes next counts by it."""
    inner(page).get_by_role("button", name="Check and preview").click()
    inner(page).get_by_role("button", name=f"Publish version {version}").click()
    expect(page.locator(".toast span")).to_have_text(
        f"Version {version} is published. It applies to orders from now on."
    )
    demo.time.forward(minutes=1)


def fits(page: Page) -> None:
    """One heading, and nothing wider than the window."""
    document = frame(page)
    assert document.evaluate("document.querySelectorAll('h1').length") == 1
    assert document.evaluate("document.documentElement.scrollWidth <= innerWidth"), document.url


@dataclass(frozen=True, slots=True)
class Seen:
    """The customer whom the tests visit."""

    customer_id: int
    name: str = "<b>Anna</b> Keller"


def busy_shop(demo: Demo) -> Seen:
    """Three orders of a member with a hostile name, two answers, a parked message and a data request."""
    tea = demo.shop.create_product("Test tea", 2450)
    anna = demo.shop.create_customer(first_name="<b>Anna</b>", last_name="Keller", email="anna.k@example.com")
    orders = [demo.shop.place_order(anna, [(tea, 2)]) for _ in range(3)]
    demo.settle()
    here = demo.app.installation
    with here.db.write() as tx:
        shop, now = shops.by_domain(tx, demo.app.domain), here.now()
        assert shop is not None
        member_flow.join(tx, shop, anna.id, None, now)
        for order, (score, words) in zip(orders, ((10, "<i>Lovely</i>"), (3, None)), strict=False):
            invited = Invitation(order.id, anna.id, "answered", "delivered", now, now, None, None)
            surveys.invite(tx, shop.shop_id, [invited], now)
            surveys.answer(
                tx, shop.shop_id, Response(order.id, anna.id, score, words, "en", "panel", now, now)
            )
        member_flow.apply(tx, shop, [DataRequested(anna.id, "77", ())], now)
        tx.run(
            "INSERT INTO inbox (shop_id, webhook_id, topic, received_at, body, state, due_at, reason, attempts) "
            "VALUES (:s, 'w-1', 'orders/paid', 0, :b, 2, 0, 'PayloadError', 10)",
            s=shop.shop_id, b=b"{}",
        )  # fmt: skip
    demo.settle()
    return Seen(anna.id)
