"""axe in every state at both widths, nothing too wide, and no page without a state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.extensions import states as widget
from tests.gallery.states import ADMIN, SHOP
from tests.gallery.tour import NAMES, Tour
from tests.gallery.view import SIZES
from tests.house.sources import ROOT

# Parts of other pages.
NOT_PAGES = {
    "templates/admin": {"layout.html", "parts.html", "preview.html", "style.html"},
    "devshop/faces/templates": {
        "art.html", "cards.html", "desk_layout.html", "shop_layout.html", "summary.html", "topbar.html",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def tour(browser: Browser) -> Iterator[Tour]:
    with Tour(browser) as open_tour:
        yield open_tour


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(tour: Tour, name: str) -> None:
    tour.errors.clear()
    with tour.at(name) as view:
        for size in SIZES.values():
            view.sized(size)
            assert view.complaints() == []
            assert not view.too_wide()
    assert tour.errors == []


@pytest.mark.parametrize(
    ("folder", "shown"),
    [("templates/admin", ADMIN.values()), ("devshop/faces/templates", SHOP.values())],
    ids=["admin", "shop"],
)
def test_every_page_has_a_state(folder: str, shown: list[object]) -> None:
    pages = {path.name for path in (ROOT / folder).glob("*.html")} - NOT_PAGES[folder]
    assert pages == {state.shows for state in shown}  # type: ignore[attr-defined]


def test_every_state_of_the_widget_is_listed() -> None:
    source = Path(widget.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r"^def ([a-z]\w*)\(", source, re.MULTILINE)) == set(widget.STATES)
