"""The panel when things go wrong: no network, no session, a lost answer, a double press; frames and editors."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.extensions.conftest import PHONE, Visit, focused, opened_panel
from tests.extensions.page import ASSETS
from tests.extensions.scripted import Api, Fault
from tests.extensions.served import Site

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("kind", "code", "says"),
    [
        ("drop", "", "You seem to be offline. Nothing is lost."),
        ("html", "", "That did not work on our side. Please try again."),
        ("500", "server_error", "That did not work on our side. Please try again."),
        ("503", "not_ready", "The shop is still setting up its programme."),
        ("429", "too_many_requests", "That was a little fast. Please wait a moment."),
        ("404", "shop_not_installed", "This is not available in the shop right now."),
    ],
)
def test_trouble_is_told_calmly_and_can_be_tried_again(
    site: Site, api: Api, visit: Visit, kind: str, code: str, says: str
) -> None:
    # A browser may itself send a dropped GET again, so that fault lasts until it is taken away.
    api.faults = [Fault("/me", kind, code, times=9 if kind == "drop" else 1)]
    window = opened_panel(visit(PHONE, calm=False))
    expect(window.locator(".notice")).to_contain_text(says)
    expect(window.locator(".hero-figure")).to_have_text("320")
    api.faults.clear()
    window.get_by_role("button", name="Try again").click()
    expect(window.locator("[data-key=ask-five_off]")).to_be_visible()
    assert window.locator(".notice").count() == 0


def test_an_ended_session_leads_to_signing_in(site: Site, api: Api, visit: Visit) -> None:
    api.signed_in = False
    window = opened_panel(visit())
    expect(window.locator(".notice")).to_contain_text("You have been signed out.")
    assert window.locator(".notice a").get_attribute("href") == "/account/login"


def test_a_session_that_ends_while_redeeming(site: Site, api: Api, visit: Visit) -> None:
    window = opened_panel(visit(calm=False))
    window.locator("[data-key=ask-five_off]").click()
    api.faults = [Fault("/redeem", "401", "sign_in")]
    window.locator("[data-key=yes-five_off]").click()
    expect(window.locator(".notice")).to_contain_text("You have been signed out.")
    assert focused(window) == "login"
    assert window.get_by_role("button", name="Try again").count() == 0
    assert api.redemptions == {}


def test_a_lost_answer_is_asked_again_and_gives_one_code(site: Site, api: Api, visit: Visit) -> None:
    api.faults = [Fault("/redeem", "lost", times=2)]
    window = opened_panel(visit(calm=False))
    window.locator("[data-key=ask-five_off]").click()
    window.locator("[data-key=yes-five_off]").click()
    expect(window.locator("code")).to_have_text("REG-7KQ2M-X9000", timeout=15_000)
    expect(window.locator(".hero-figure")).to_have_text("220")
    assert len(api.redemptions) == 1
    assert api.seen.count("POST /redeem") == 3


def test_a_long_silence_keeps_the_wish_and_its_key(site: Site, api: Api, visit: Visit) -> None:
    api.faults = [Fault("/redeem", "lost", times=1), Fault("/redeem", "500", times=99)]
    window = opened_panel(visit(calm=False))
    window.locator("[data-key=ask-five_off]").click()
    window.locator("[data-key=yes-five_off]").click()
    expect(window.locator(".confirm [role=alert]")).to_have_text(
        "We did not hear back. Try again: you pay only once.", timeout=15_000
    )
    api.faults.clear()
    window.locator("[data-key=no-five_off]").click()
    window.keyboard.press("Escape")
    opened_panel(window)
    window.locator("[data-key=ask-five_off]").click()
    window.locator("[data-key=yes-five_off]").click()
    expect(window.locator("code")).to_have_count(1)
    assert list(api.by_key.values()) == [9000]


def test_two_presses_give_one_code(site: Site, api: Api, visit: Visit) -> None:
    api.faults = [Fault("/redeem", "late")]
    window = opened_panel(visit())
    window.locator("[data-key=ask-five_off]").click()
    window.locator("[data-key=yes-five_off]").dblclick()
    window.locator("[data-key=yes-five_off]").click(force=True)
    expect(window.locator("code")).to_have_count(1)
    assert api.seen.count("POST /redeem") == 1
    assert len(api.redemptions) == 1


def test_a_page_open_for_long_gets_a_new_nonce_by_itself(site: Site, api: Api, visit: Visit) -> None:
    window = opened_panel(visit(calm=False))
    window.locator("[data-key=ask-five_off]").click()
    api.nonces.append("nonce-of-the-next-hour")
    window.locator("[data-key=yes-five_off]").click()
    expect(window.locator("code")).to_be_visible()
    assert api.seen[-3:] == ["POST /redeem", "GET /me", "POST /redeem"]


def test_points_spent_elsewhere_meanwhile(site: Site, api: Api, visit: Visit) -> None:
    window = opened_panel(visit(calm=False))
    window.locator("[data-key=ask-five_off]").click()
    api.lots.clear()
    window.locator("[data-key=yes-five_off]").click()
    expect(window.locator(".note")).to_have_text("You do not have enough points for this reward.")
    expect(window.locator(".hero-figure")).to_have_text("0")
    assert window.locator("[data-key^=ask-], [data-key^=yes-], .reward .main").count() == 0


def test_trouble_in_the_history_can_be_tried_again(site: Site, api: Api, visit: Visit) -> None:
    api.faults = [Fault("/history", "500")]
    window = opened_panel(visit(calm=False))
    window.get_by_role("tab", name="Activity").click()
    window.get_by_role("button", name="Try again").click()
    expect(window.locator(".line")).to_have_count(20)


def test_a_panel_that_did_not_load_says_so_and_loads_at_the_next_press(site: Site, visit: Visit) -> None:
    site.broken.add(f"{ASSETS}panel.js")
    window = visit(calm=False)
    window.locator(".launcher").click()
    expect(window.locator(".trouble")).to_have_text("This did not load. Try again.")
    site.broken.clear()
    opened_panel(window)
    expect(window.locator(".trouble")).to_have_text("")


@pytest.mark.parametrize(("host", "visible"), [("127.0.0.1", True), ("localhost", False)])
def test_a_strangers_frame_gets_no_launcher(site: Site, visit: Visit, host: str, visible: bool) -> None:
    # The frame's address names 127.0.0.1, so a page of "localhost" around it is another site.
    frame = visit(host=host, path="/frame").frames[1]
    frame.evaluate("customElements.whenDefined('regulars-launcher')")
    expect(frame.locator(".launcher")).to_be_visible(visible=visible)
    frame.wait_for_timeout(300)
    expect(frame.locator(".launcher")).to_be_visible(visible=visible)


def test_two_launchers_do_not_fight_and_the_second_takes_over(site: Site, visit: Visit) -> None:
    site.page = site.page.but(launchers=2)
    window = visit()
    expect(window.locator(".launcher:visible")).to_have_count(1)
    opened_panel(window)
    window.keyboard.press("Escape")
    window.evaluate("document.querySelector('regulars-launcher').remove()")
    expect(window.locator(".launcher:visible")).to_have_count(1)
    opened_panel(window)


def test_the_editor_may_write_the_launcher_again(site: Site, visit: Visit) -> None:
    # Not calm: Chromium warns where a script writes a declarative shadow root, as the theme editor does.
    window = visit(calm=False)
    window.evaluate(
        """async () => {
          const html = await (await fetch('/')).text();
          const place = document.createElement('div');
          document.querySelector('regulars-launcher').replaceWith(place);
          place.innerHTML = html.match(/<regulars-launcher[^]*<\\/regulars-launcher>/)[0];
        }"""
    )
    opened_panel(window)
    expect(window.locator("[data-key=ask-five_off]")).to_be_visible()


def test_the_theme_editor_shows_a_sample_and_changes_nothing(site: Site, api: Api, visit: Visit) -> None:
    site.page = site.page.but(design=True, signed_in=False, loyalty=None, digest=None)
    window = opened_panel(visit())
    expect(window.locator(".hero-figure")).to_have_text("1,240")
    window.locator("[data-key=ask-five]").click()
    window.locator("[data-key=yes-five]").click()
    expect(window.locator("code").first).to_have_text("SAMPLE-13579")
    window.get_by_role("tab", name="Activity").click()
    expect(window.locator(".line")).to_have_count(3)
    assert api.seen == []
