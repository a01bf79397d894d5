"""The question after a delivery: where it shows, what it sends and when, and that a keyboard is enough."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page as Window
from playwright.sync_api import expect

from plugin.store.db import to_ms
from plugin.store.storefront import Question
from tests.extensions.conftest import DESKTOP, PHONE, Visit, focused, opened_panel, opened_question
from tests.extensions.page import strings
from tests.extensions.scripted import Api, Fault
from tests.extensions.served import Site

pytestmark = pytest.mark.browser
SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])


@pytest.fixture(autouse=True)
def due(site: Site, api: Api) -> None:
    """A question about order #1042 is due."""
    api.question = Question(555, to_ms(api.now) or 0, "#1042")
    site.page = site.page.but(loyalty=api.loyalty(), page_type="index")


@SIZES
@pytest.mark.parametrize("language", ["en", "de"])
def test_the_question_shows_by_itself_and_sends_only_after_a_press(
    site: Site, api: Api, visit: Visit, size: tuple[int, int], language: str
) -> None:
    site.page = site.page.but(language=language)
    words = strings(language)["panel"]
    window = visit(size)
    window.locator(".prompt").wait_for()
    assert focused(window) == ""
    assert window.locator(".prompt .scores").count() == (size == DESKTOP)
    opened_question(window)
    expect(window.locator(".prompt legend")).to_contain_text("Alpina Tee")
    assert window.evaluate("window.shifted") == 0
    window.locator(".score").nth(9).click()
    window.locator(".score").nth(8).click()
    assert api.seen == []
    window.get_by_role("button", name=words["survey_next"]).click()
    expect(window.locator("textarea")).to_be_focused()
    assert api.responses == [{"order": "555", "score": 8}]
    window.locator("textarea").fill("  Well packed.  ")
    window.get_by_role("button", name=words["survey_send"]).click()
    expect(window.locator(".prompt")).to_contain_text(words["survey_thanks"])
    assert api.responses[1:] == [{"order": "555", "score": 8, "words": "Well packed."}]
    assert window.locator(".dot").count() == 0


def test_only_what_the_question_needs_is_loaded(site: Site, visit: Visit) -> None:
    window = visit()
    window.locator(".prompt").wait_for()
    scripts = {name for name in site.assets() if name.endswith(".js")}
    assert scripts == {"launcher.js", "panel-survey.js", "panel-words.js"}


@pytest.mark.parametrize(
    ("changes", "shows"),
    [
        ({}, True),
        ({"page_type": "customers/account"}, True),
        ({"page_type": "product"}, False),
        ({"page_type": "cart"}, False),
        ({"page_type": "collection"}, False),
        ({"settings": {"survey_prompt": False}}, False),
        ({"design": True}, False),
    ],
)
def test_where_it_shows_by_itself(site: Site, visit: Visit, changes: dict[str, object], shows: bool) -> None:
    site.page = site.page.but(**changes)
    window = visit()
    window.wait_for_load_state("networkidle")
    if shows:
        window.locator(".prompt").wait_for()
    assert window.evaluate("document.querySelector('regulars-launcher').hasAttribute('data-prompt')") is shows
    assert window.locator(".prompt").count() == shows
    assert window.locator(".dot").count() == 1


@SIZES
def test_not_now_lasts_three_days_on_every_page(
    site: Site, api: Api, visit: Visit, size: tuple[int, int]
) -> None:
    site.page = site.page.but(head='<meta name="referrer" content="no-referrer">')
    window = visit(size)
    window.locator(".prompt").wait_for()
    window.get_by_role("button", name="Not now").click()
    window.locator("header a").click()
    asked_again(window, False)
    window.evaluate("""() => localStorage.setItem('regulars-later',
      localStorage.getItem('regulars-later').replace(/:.*/, ':' + (Date.now() - 3 * 864e5 - 1)))""")
    window.reload()
    asked_again(window, True)
    window.get_by_role("button", name="Not now").click()
    api.question = Question(556, to_ms(api.now) or 0, "#1043")
    site.page = site.page.but(loyalty=api.loyalty())
    window.reload()
    asked_again(window, True)
    assert window.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 1, 0]


def asked_again(window: Window, asked: bool) -> None:
    """Whether this page asks; it does or does not load what the question needs."""
    window.wait_for_load_state("networkidle")
    if asked:
        window.locator(".prompt").wait_for()
    loaded = window.evaluate("performance.getEntriesByType('resource').map((one) => one.name).join()")
    assert ("panel-survey.js" in loaded) is asked


def test_where_storage_is_blocked_the_question_still_works(site: Site, api: Api, visit: Visit) -> None:
    window = visit(PHONE)
    window.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked'); }})"
    )
    window.reload()
    opened_question(window)
    window.get_by_role("button", name="Not now").click()
    assert window.locator(".prompt").count() == 0
    window.reload()
    opened_question(window).locator(".score").nth(9).click()
    window.get_by_role("button", name="Continue").click()
    expect(window.locator("textarea")).to_be_focused()


@SIZES
def test_the_scores_are_even_and_stand_in_the_middle(site: Site, visit: Visit, size: tuple[int, int]) -> None:
    window = opened_question(visit(size))
    boxes = window.locator(".score").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect()).map((box) => [box.y, box.x, box.right, box.width])"
    )
    rows = [[box for box in boxes if box[0] == y] for y in sorted({box[0] for box in boxes})]
    assert [len(row) for row in rows] == ([6, 5] if size == PHONE else [11])
    assert max(box[3] for box in boxes) - min(box[3] for box in boxes) < 1
    assert len({round(row[0][1] + row[-1][2]) for row in rows}) == 1
    assert boxes[0][3] >= (44 if size == PHONE else 24)


def test_answering_does_not_join(site: Site, api: Api, visit: Visit) -> None:
    api.status = "unclaimed"
    site.page = site.page.but(loyalty=api.loyalty())
    window = opened_question(visit())
    window.locator(".score").nth(9).click()
    window.get_by_role("button", name="Continue").click()
    expect(window.locator("textarea")).to_be_focused()
    assert (api.status, api.responses) == ("unclaimed", [{"order": "555", "score": 9}])


def test_not_now_puts_it_away_and_the_panel_still_has_it(site: Site, api: Api, visit: Visit) -> None:
    window = visit(PHONE)
    window.get_by_role("button", name="Not now").click()
    assert window.locator(".prompt").count() == 0
    assert api.seen == []
    opened_panel(window)
    expect(window.locator("dialog .survey")).to_contain_text("About your order #1042")
    window.locator("[data-key=survey_line]").click()
    assert focused(window) == "score-0"
    window.locator(".score").nth(0).click()
    window.get_by_role("button", name="Continue").click()
    window.get_by_role("button", name="Skip").click()
    expect(window.locator("dialog .survey")).to_contain_text("Thank you!")
    assert api.responses == [{"order": "555", "score": 0}]


def test_a_begun_answer_moves_into_the_panel(site: Site, api: Api, visit: Visit) -> None:
    window = visit()
    window.locator(".score").nth(7).click()
    window.get_by_role("button", name="Continue").click()
    window.locator("textarea").fill("Half a sen")
    opened_panel(window)
    expect(window.locator("dialog textarea")).to_have_value("Half a sen")
    expect(window.locator("[data-key=ask-five_off]")).to_be_visible()
    expect(window.locator("dialog textarea")).to_have_value("Half a sen")


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("500", "server_error", "That did not work on our side. Please try again."),
        ("401", "sign_in", "You have been signed out. Sign in again to see your points."),
        ("drop", "", "You seem to be offline. Nothing is lost."),
    ],
)
def test_trouble_keeps_the_score(site: Site, api: Api, visit: Visit, kind: str, code: str, says: str) -> None:
    api.faults = [Fault("/survey", kind, code, times=99)]
    window = visit(calm=False)
    window.locator(".score").nth(4).click()
    window.get_by_role("button", name="Continue").click()
    expect(window.locator(".prompt [role=alert]")).to_have_text(says)
    if kind == "401":
        assert window.get_by_role("link", name="Sign in").get_attribute("href") == "/account/login"
        return
    api.faults.clear()
    window.get_by_role("button", name="Try again").click()
    expect(window.locator("textarea")).to_be_visible()
    assert api.responses == [{"order": "555", "score": 4}]


def test_a_closed_question_takes_no_second_try(site: Site, api: Api, visit: Visit) -> None:
    api.faults = [Fault("/survey", "409", "closed")]
    window = visit(calm=False)
    window.locator(".score").nth(4).click()
    window.get_by_role("button", name="Continue").click()
    expect(window.locator(".prompt")).to_have_text(
        "This question is no longer open. Thank you all the same.Close"
    )
    assert focused(window) == "survey-done"
    assert window.locator(".dot").count() == 0


def test_the_dot_waits_until_the_prompt_is_gone(site: Site, visit: Visit) -> None:
    window = visit()
    window.locator(".prompt").wait_for()
    expect(window.locator(".dot")).to_be_hidden()
    window.get_by_role("button", name="Not now").click()
    expect(window.locator(".dot")).to_be_visible()


def test_a_panel_that_loads_while_an_answer_is_sent_leaves_the_prompt_alone(api: Api, visit: Visit) -> None:
    """Tab passes the launcher and loads the panel; the prompt goes on where it is, and opening takes it over."""
    api.faults = [Fault("/survey", "held")]
    window = visit()
    window.locator(".score").nth(9).click()
    window.get_by_role("button", name="Continue").click()
    window.locator(".launcher").hover()
    window.locator("dialog.panel").wait_for(state="attached")
    assert api.responses == []
    api.release.set()
    expect(window.locator(".prompt textarea")).to_be_focused()
    window.locator("textarea").fill("Fast.")
    opened_panel(window)
    expect(window.locator("dialog textarea")).to_have_value("Fast.")


def press(window: Window, *keys: str) -> None:
    for key in keys:
        window.keyboard.press(key)


def test_the_question_by_keyboard_alone(site: Site, api: Api, visit: Visit) -> None:
    window = visit()
    window.locator(".prompt").wait_for()
    window.locator("#product-section button[type=button]").focus()
    reach(window, "score-0")
    press(window, *["ArrowRight"] * 9)
    assert focused(window) == "score-9"
    assert api.seen == []
    press(window, "Tab", "Enter")
    expect(window.locator("textarea")).to_be_focused()
    window.keyboard.type("Fast.")
    press(window, "Tab", "Enter")
    expect(window.locator("[data-key=survey-done]")).to_be_focused()
    assert api.responses[-1] == {"order": "555", "score": 9, "words": "Fast."}


def reach(window: Window, key: str, limit: int = 40) -> None:
    """Presses Tab until the element of that key has the focus."""
    for _ in range(limit):
        if focused(window) == key:
            return
        window.keyboard.press("Tab")
    raise AssertionError(f"{key} cannot be reached by Tab; the focus is on {focused(window)!r}")


def test_redeeming_by_keyboard_alone(site: Site, api: Api, visit: Visit) -> None:
    site.page = site.page.but(settings={"survey_prompt": False})
    window = visit(PHONE)
    window.locator("#product-section button[type=button]").focus()
    window.keyboard.press("Tab")
    press(window, "Enter")
    window.locator("[data-key=ask-five_off]").wait_for()
    reach(window, "ask-five_off")
    press(window, "Enter")
    assert focused(window) == "yes-five_off"
    press(window, "Enter")
    expect(window.locator("code")).to_be_visible()
    assert focused(window) == "copy-9000"
    press(window, "Enter")
    assert window.evaluate("navigator.clipboard.readText()") == "REG-7KQ2M-X9000"
    reach(window, "tab-rewards")
    press(window, "ArrowRight")
    assert focused(window) == "tab-activity"
    window.locator(".line").first.wait_for()
    press(window, "Escape")
    assert window.locator("dialog[open]").count() == 0
    assert (
        window.evaluate("document.querySelector('regulars-launcher').shadowRoot.activeElement.className")
        == "launcher"
    )


def test_the_focus_stays_in_the_open_panel(site: Site, visit: Visit) -> None:
    window = opened_panel(visit())
    window.locator("[data-key=ask-five_off]").wait_for()
    for _ in range(60):
        window.keyboard.press("Tab")
        where = window.evaluate(
            """() => {
              const active = document.activeElement;
              const ours = active.localName === 'regulars-launcher';
              const inside = ours && active.shadowRoot.activeElement.closest('dialog');
              return active === document.body || inside !== false && inside !== null;
            }"""
        )
        assert where, "the focus left the dialog for the page behind it"
