"""Leads to any state by name: keeps worlds and one window open, and shows the widget in a fresh shop each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flask import template_rendered
from jinja2 import Template
from playwright.sync_api import Browser, Page

from plugin.domain.programme import first_programme
from tests.extensions.conftest import shop_of, visiting
from tests.extensions.scripted import member
from tests.extensions.states import LOUD
from tests.extensions.states import STATES as WIDGET
from tests.gallery.states import ADMIN, SHOP, State
from tests.gallery.view import SIZES, View
from tests.gallery.worlds import World, open_world

NAMES = [
    f"{face}/{name}"
    for face, all_of in (("admin", ADMIN), ("shop", SHOP), ("widget", WIDGET))
    for name in all_of
]


class Tour:
    """Open as long as its `with` block."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._open = ExitStack()
        self._worlds: dict[str, World] = {}
        self._page: Page | None = None
        self.errors: list[str] = []

    def __enter__(self) -> Tour:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @contextmanager
    def at(self, name: str) -> Iterator[View]:
        """The state, until the block ends."""
        face, _, one = name.partition("/")
        if face == "widget":
            with shop_of(member(first_programme("CHF", 100))) as site, visiting(self._browser, site) as visit:
                yield View(WIDGET[one](site, lambda: visit(SIZES["phone"], calm=one not in LOUD)), "widget")
        else:
            yield self._served((ADMIN if face == "admin" else SHOP)[one], face)

    def _served(self, state: State, face: str) -> View:
        world = self._worlds.get(state.world)
        if world is None:
            world = self._worlds[state.world] = self._open.enter_context(open_world(state.world))
        page = self._window()
        rendered: list[str | None] = []

        def note(_app: object, template: Template, **_more: object) -> None:
            rendered.append(template.name)

        with template_rendered.connected_to(note):
            view = state.go(world, page)
        wanted = f"admin/{state.shows}" if face == "admin" else state.shows
        assert wanted in rendered, f"shows {rendered} and not {wanted}"
        return view

    def _window(self) -> Page:
        """One window for all pages, without what the state before left in it."""
        if self._page is None:
            # axe paints on the page it judges, which our policies would forbid.
            context = self._browser.new_context(bypass_csp=True, locale="en-GB", timezone_id="Europe/Zurich")
            self._open.callback(context.close)
            self._page = context.new_page()
            self._page.set_default_timeout(15_000)
            self._page.on("pageerror", lambda error: self.errors.append(str(error)))
        self._page.context.clear_cookies()
        self._page.goto("about:blank")
        self._page.set_viewport_size({"width": 1280, "height": 800})
        return self._page
