"""The widget for everybody: axe in the dark and with any accent, targets, zoom, high contrast, little motion."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page as Window
from playwright.sync_api import expect

from tests.extensions.conftest import PHONE, Visit, opened_panel
from tests.extensions.served import Site
from tests.extensions.states import STATES, code, home, home_with_question, prompt
from tests.gallery.view import View

pytestmark = pytest.mark.browser


def violations(window: Window) -> list[str]:
    """What axe finds wrong in our part of the page, with the elements."""
    return View(window, "widget").complaints()


@pytest.mark.parametrize("state", ["home_with_question", "code", "activity", "guest", "prompt"])
def test_axe_finds_nothing_in_the_dark(site: Site, visit: Visit, state: str) -> None:
    window = STATES[state](site, lambda: visit(PHONE, color_scheme="dark"))
    assert violations(window) == []


def test_axe_would_find_something(site: Site, visit: Visit) -> None:
    window = home(site, visit)
    window.evaluate(
        """const root = document.querySelector('regulars-launcher').shadowRoot;
        root.querySelector('.close').removeAttribute('aria-label');
        root.querySelector('.quiet').style.color = '#ddd';"""
    )
    assert {one.split(":")[0] for one in violations(window)} >= {"button-name", "color-contrast"}


@pytest.mark.parametrize(
    ("accent", "scheme"),
    [
        ("#FFD400", "light"),
        ("#FFD400", "dark"),
        ("#0B0B0B", "light"),
        ("#0B0B0B", "dark"),
        ("#E4572E", "dark"),
        ("#7A7A7A", "light"),
    ],
)
def test_any_accent_colour_can_be_read(site: Site, visit: Visit, accent: str, scheme: str) -> None:
    site.page = site.page.but(settings={"accent": accent, "on_accent": "#FFFFFF", "scheme": scheme})
    window = code(site, visit)
    assert violations(window) == []


@pytest.mark.parametrize("state", ["closed", "prompt", "home_with_question", "giving_back", "guest"])
def test_everything_to_press_is_large_enough(site: Site, visit: Visit, state: str) -> None:
    window = STATES[state](site, lambda: visit(PHONE))
    small = window.evaluate(
        """() => [...document.querySelector('regulars-launcher').shadowRoot.querySelectorAll('button, a, .score')]
          .filter((one) => one.getClientRects().length)
          .map((one) => [one.textContent || one.className, one.getBoundingClientRect()])
          .filter(([, box]) => box.height < 43.9 || box.width < 30)
          .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
    )
    assert small == []


@pytest.mark.parametrize("width", [320, 360, 640])
@pytest.mark.parametrize("state", ["long_words", "home_with_question", "activity", "prompt"])
def test_nothing_is_cut_off_when_zoomed(site: Site, visit: Visit, state: str, width: int) -> None:
    # 1280 pixels at 200 % are 640 by 360 for the page; 320 is WCAG's 400 %.
    site.page = site.page.but(language="de")
    window = STATES[state](site, lambda: visit((width, 360)))
    wide = window.evaluate(
        """() => {
          const root = document.querySelector('regulars-launcher').shadowRoot;
          const box = root.querySelector('dialog[open]') ?? root.querySelector('.prompt');
          const edge = box.getBoundingClientRect();
          const out = [...box.querySelectorAll('*')]
            .filter((one) => !one.closest('.unseen') && one.getBoundingClientRect().right > edge.right + 1);
          return [box.scrollWidth > box.clientWidth, edge.top < 0, edge.left < 0, edge.right > innerWidth,
            ...out.map((one) => one.outerHTML.slice(0, 80))];
        }"""
    )
    assert wide == [False, False, False, False]


def test_high_contrast_keeps_edges_and_the_chosen_score(site: Site, visit: Visit) -> None:
    window = prompt(site, lambda: visit(forced_colors="active"))
    window.locator(".score").nth(3).click()
    colours = window.locator(".score span").evaluate_all(
        "(all) => [all[3], all[4]].map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert colours[0] != colours[1]
    border = window.locator(".launcher").evaluate("(one) => getComputedStyle(one).borderTopStyle")
    assert border == "solid"


def test_little_motion_means_none(site: Site, visit: Visit) -> None:
    window = home_with_question(site, lambda: visit(reduced_motion="reduce"))
    assert window.locator("dialog").evaluate("(one) => getComputedStyle(one).animationName") == "none"


def test_what_happens_is_said_aloud(site: Site, visit: Visit) -> None:
    window = code(site, visit)
    expect(window.locator("[aria-live]")).to_have_text("Your code is ready: REG-7KQ2M-X9000")


def test_the_focus_can_be_seen(site: Site, visit: Visit) -> None:
    window = opened_panel(visit())
    window.locator("[data-key=ask-five_off]").wait_for()
    for _ in range(6):
        window.keyboard.press("Tab")
        style = window.evaluate(
            """getComputedStyle(document.querySelector('regulars-launcher').shadowRoot.activeElement
              ?? document.body).outlineStyle"""
        )
        assert style == "solid" or window.evaluate("document.activeElement === document.body")
