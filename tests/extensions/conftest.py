"""Fixtures for the widget: one browser, a programme, a shop to visit, and windows that watch for mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request
from playwright.sync_api import Page as Window

from plugin.domain.programme import Programme, first_programme
from plugin.worker.digest import storefront_digest
from tests.extensions.page import Page
from tests.extensions.scripted import Api, member
from tests.extensions.served import Site, serving

PHONE = (360, 740)
DESKTOP = (1280, 800)
# Sums what moved without a press, from the first paint on (https://web.dev/articles/cls).
_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""
Visit = Callable[..., Window]


@pytest.fixture
def programme() -> Programme:
    """What a new Swiss shop starts with."""
    return first_programme("CHF", 100)


@pytest.fixture
def api(programme: Programme) -> Api:
    """A member with 320 points."""
    return member(programme)


@pytest.fixture
def site(api: Api) -> Iterator[Site]:
    """The shop, showing a product page to that member."""
    with shop_of(api) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """Opens the shop; see `visiting`."""
    with visiting(browser, site) as go:
        yield go


@contextmanager
def shop_of(api: Api) -> Iterator[Site]:
    """A shop that shows a product page to the shopper of the scripted API."""
    page = Page(digest=storefront_digest(api.programme), loyalty=api.loyalty())
    with serving(page, api) as running:
        yield running


@contextmanager
def visiting(browser: Browser, site: Site) -> Iterator[Visit]:
    """Opens the shop in a window of its own; afterwards no window may have said an error or asked elsewhere.

    `calm=False` where a fault is scripted: the browser itself then writes failed requests to the console.
    """
    contexts: list[BrowserContext] = []
    said: list[str] = []
    strangers: list[str] = []

    def go(
        size: tuple[int, int] = DESKTOP,
        *,
        calm: bool = True,
        path: str = "/",
        host: str = "127.0.0.1",
        **more: Any,
    ) -> Window:
        ours = (site.address, site.address.replace("127.0.0.1", "localhost"), "data:")

        def console(message: ConsoleMessage) -> None:
            if calm and message.type in ("error", "warning"):
                said.append(message.text)

        def asked(request: Request) -> None:
            if not request.url.startswith(ours):
                strangers.append(request.url)

        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=site.page.language,
            timezone_id="Europe/Zurich",
            permissions=["clipboard-read", "clipboard-write"],
            **more,
        )
        contexts.append(context)
        context.add_init_script(_SHIFTS)
        window = context.new_page()
        window.set_default_timeout(15_000)
        window.on("pageerror", lambda error: said.append(str(error)))
        window.on("console", console)
        window.on("request", asked)
        window.goto(site.address.replace("127.0.0.1", host) + path)
        return window

    try:
        yield go
    finally:
        for context in contexts:
            context.close()
    assert said == []
    assert strangers == []


def opened_panel(window: Window) -> Window:
    """Presses the launcher and waits for the panel."""
    window.locator(".launcher:visible").click()
    window.locator("dialog[open]").wait_for()
    return window


def opened_question(window: Window) -> Window:
    """Waits for the question beside the launcher and opens it where it is only a line."""
    window.locator(".prompt").wait_for()
    if window.locator(".prompt [data-key=survey_line]").count():
        window.locator(".prompt [data-key=survey_line]").click()
    window.locator(".prompt .score").first.wait_for()
    return window


def wait(window: Window, condition: str) -> None:
    """Waits until a JavaScript expression is true; `root` is the launcher's shadow root."""
    window.wait_for_function(
        f"() => {{ const root = document.querySelector('regulars-launcher')?.shadowRoot; return {condition}; }}"
    )


def focused(window: Window) -> str:
    """The key of the element of ours that has the focus."""
    key: str = window.evaluate(
        "document.querySelector('regulars-launcher').shadowRoot.activeElement?.dataset.key ?? ''"
    )
    return key
