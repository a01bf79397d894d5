"""Every state of the widget by name, each reached as a shopper reaches it, for axe and the gallery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from playwright.sync_api import Page as Window
from playwright.sync_api import expect

from plugin.store.db import to_ms
from plugin.store.storefront import Question
from plugin.worker.digest import storefront_digest
from tests.extensions.conftest import opened_panel, opened_question
from tests.extensions.page import ASSETS
from tests.extensions.scripted import DAY, Fault, history
from tests.extensions.served import Site

Go = Callable[[], Window]
State = Callable[[Site, Go], Window]
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützen-Gutschein"


def _ask(site: Site) -> None:
    site.api.question = Question(555, to_ms(site.api.now) or 0, "#1042")
    site.page = site.page.but(loyalty=site.api.loyalty())


def closed(site: Site, go: Go) -> Window:
    window = go()
    window.locator(".launcher").wait_for()
    return window


def prompt(site: Site, go: Go) -> Window:
    _ask(site)
    site.page = site.page.but(page_type="index")
    window = go()
    return opened_question(window)


def bubble(site: Site, go: Go) -> Window:
    _ask(site)
    site.page = site.page.but(page_type="index")
    window = go()
    window.locator(".prompt").wait_for()
    return window


def scored(site: Site, go: Go) -> Window:
    window = prompt(site, go)
    window.locator(".score").nth(9).click()
    return window


def why(site: Site, go: Go) -> Window:
    window = scored(site, go)
    window.locator("[data-key=survey_next]").click()
    window.locator("textarea").wait_for()
    return window


def thanks(site: Site, go: Go) -> Window:
    window = why(site, go)
    window.locator("[data-key=survey_send]").click()
    window.locator("[data-key=survey-done]").wait_for()
    return window


def home(site: Site, go: Go) -> Window:
    window = opened_panel(go())
    window.locator("[data-key=ask-five_off]").wait_for()
    return window


def home_with_question(site: Site, go: Go) -> Window:
    window = home_with_line(site, go)
    window.locator("[data-key=survey_line]").click()
    return window


def home_with_line(site: Site, go: Go) -> Window:
    _ask(site)
    return home(site, go)


def loading(site: Site, go: Go) -> Window:
    site.api.faults = [Fault("/me", "hang")]
    return opened_panel(go())


def trouble(site: Site, go: Go) -> Window:
    site.api.faults = [Fault("/me", "500")]
    window = opened_panel(go())
    window.locator(".notice").wait_for()
    return window


def session(site: Site, go: Go) -> Window:
    site.api.signed_in = False
    window = opened_panel(go())
    window.locator(".notice").wait_for()
    return window


def confirming(site: Site, go: Go) -> Window:
    window = home(site, go)
    window.locator("[data-key=ask-five_off]").click()
    return window


def refused(site: Site, go: Go) -> Window:
    window = confirming(site, go)
    site.api.faults = [Fault("/redeem", "429", "too_many_requests")]
    window.locator("[data-key=yes-five_off]").click()
    window.locator(".confirm [role=alert]").wait_for()
    return window


def making(site: Site, go: Go) -> Window:
    window = confirming(site, go)
    site.api.slow_codes = 99
    window.locator("[data-key=yes-five_off]").click()
    window.locator(".busy").wait_for()
    return window


def code(site: Site, go: Go) -> Window:
    window = confirming(site, go)
    window.locator("[data-key=yes-five_off]").click()
    window.locator("code").wait_for()
    return window


def copied(site: Site, go: Go) -> Window:
    window = code(site, go)
    window.locator("[data-key=copy-9000]").click()
    return window


def giving_back(site: Site, go: Go) -> Window:
    window = code(site, go)
    window.locator("[data-key=ask-9000]").click()
    return window


def given_back(site: Site, go: Go) -> Window:
    window = giving_back(site, go)
    window.locator("[data-key=yes-9000]").click()
    window.locator(".note").wait_for()
    return window


def activity(site: Site, go: Go) -> Window:
    window = home(site, go)
    window.locator("#tab-activity").click()
    window.locator(".line").first.wait_for()
    return window


def activity_all(site: Site, go: Go) -> Window:
    window = activity(site, go)
    for expected in (40, len(site.api.lines)):
        window.locator("[data-key=more]").click()
        expect(window.locator(".line")).to_have_count(expected)
    return window


def activity_empty(site: Site, go: Go) -> Window:
    site.api.lines = []
    window = home(site, go)
    window.locator("#tab-activity").click()
    window.locator(".empty").wait_for()
    return window


def guest(site: Site, go: Go) -> Window:
    site.page = site.page.but(signed_in=False, loyalty=None)
    return opened_panel(go())


def join(site: Site, go: Go) -> Window:
    site.api.status = "unclaimed"
    site.page = site.page.but(loyalty=site.api.loyalty())
    return opened_panel(go())


def joined(site: Site, go: Go) -> Window:
    window = join(site, go)
    window.locator("[data-key=join]").click()
    window.locator(".note").wait_for()
    return window


def load_trouble(site: Site, go: Go) -> Window:
    site.broken.add(f"{ASSETS}panel.js")
    window = go()
    window.locator(".launcher:visible").click()
    expect(window.locator(".trouble")).not_to_be_empty()
    return window


def survey_error(site: Site, go: Go) -> Window:
    window = scored(site, go)
    site.api.faults = [Fault("/survey", "500")]
    window.locator("[data-key=survey_next]").click()
    window.locator(".prompt .notice").wait_for()
    return window


def survey_closed(site: Site, go: Go) -> Window:
    window = scored(site, go)
    site.api.faults = [Fault("/survey", "409", "closed")]
    window.locator("[data-key=survey_next]").click()
    window.locator("[data-key=survey-done]").wait_for()
    return window


def undo_refused(site: Site, go: Go) -> Window:
    window = giving_back(site, go)
    site.api.redemptions[9000] = replace(site.api.redemptions[9000], state="used")
    window.locator("[data-key=yes-9000]").click()
    window.locator(".note").wait_for()
    return window


def undoing(site: Site, go: Go) -> Window:
    window = giving_back(site, go)
    site.api.slow_codes = 99
    window.locator("[data-key=yes-9000]").click()
    window.locator(".busy").wait_for()
    return window


def copy_failed(site: Site, go: Go) -> Window:
    window = code(site, go)
    window.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    words = window.locator("[data-key=copy-9000]").inner_text()
    window.locator("[data-key=copy-9000]").click()
    expect(window.locator("[data-key=copy-9000]")).not_to_have_text(words)
    return window


def activity_loading(site: Site, go: Go) -> Window:
    window = home(site, go)
    site.api.faults = [Fault("/history", "held")]
    window.locator("#tab-activity").click()
    window.locator(".skeleton").wait_for()
    return window


def activity_error(site: Site, go: Go) -> Window:
    window = home(site, go)
    site.api.faults = [Fault("/history", "500")]
    window.locator("#tab-activity").click()
    window.locator(".notice").wait_for()
    return window


def activity_hundreds(site: Site, go: Go) -> Window:
    once = history(site.api.now)
    site.api.lines = [(2000 - at, *once[at % len(once)][1:]) for at in range(300)]
    window = activity(site, go)
    for expected in range(40, 301, 20):
        window.locator("[data-key=more]").click()
        expect(window.locator(".line")).to_have_count(expected)
    return window


def join_busy(site: Site, go: Go) -> Window:
    site.api.faults = [Fault("/me", "held")]
    window = join(site, go)
    window.locator("[data-key=join]").click()
    window.locator("[data-key=join][aria-disabled=true]").wait_for()
    return window


def invitation_refused(site: Site, go: Go) -> Window:
    api = site.api
    api.programme = replace(api.programme, membership="tag", membership_tag="club")
    api.by_invitation = True
    site.page = site.page.but(digest=storefront_digest(api.programme))
    window = join(site, go)
    window.locator("[data-key=join]").click()
    expect(window.locator("[data-key=join]")).to_have_count(0)
    return window


def top_level(site: Site, go: Go) -> Window:
    site.api.tier, site.api.progress = "gold", 2140
    site.page = site.page.but(loyalty=site.api.loyalty())
    return home(site, go)


def expiring(site: Site, go: Go) -> Window:
    """Points that expire soon, none on their way."""
    now = site.api.now
    site.api.lots = [(140, to_ms(now - 700 * DAY), to_ms(now + 9 * DAY)), (60, to_ms(now - DAY), None)]
    site.page = site.page.but(loyalty=site.api.loyalty())
    return home(site, go)


def owed(site: Site, go: Go) -> Window:
    site.api.lots, site.api.owed = [], 35
    site.page = site.page.but(loyalty=site.api.loyalty())
    window = opened_panel(go())
    window.locator(".reward").first.wait_for()
    return window


def empty(site: Site, go: Go) -> Window:
    """A member without points, in a programme without rewards and tiers."""
    api = site.api
    api.programme = replace(api.programme, rewards=(), tiers=(), signup_points=0)
    api.lots, api.lines, api.tier, api.progress = [], [], None, 0
    site.page = site.page.but(loyalty=api.loyalty(), digest=storefront_digest(api.programme))
    window = opened_panel(go())
    window.locator(".facts").wait_for()
    return window


def waiting(site: Site, go: Go) -> Window:
    """Bought before joining: points wait."""
    site.api.status = "unclaimed"
    site.page = site.page.but(loyalty={**site.api.loyalty(), "joined": False})
    return opened_panel(go())


def long_words(site: Site, go: Go) -> Window:
    api = site.api
    rewards = tuple(
        replace(
            one, name=f"{LONG} {at}", key=f"{one.key}{at}" if at >= len(api.programme.rewards) else one.key
        )
        for at, one in enumerate(api.programme.rewards * 4)
    )
    api.programme = replace(
        api.programme, rewards=rewards, tiers=tuple(replace(one, name=LONG) for one in api.programme.tiers)
    )
    api.lots = [
        (1_234_567_890, to_ms(api.now - DAY), to_ms(api.now + DAY)),
        (987_654, to_ms(api.now + DAY), None),
    ]
    api.owed = 12
    site.page = site.page.but(
        language="de", loyalty=api.loyalty(), shop_name=LONG, settings={"label": "Treueprämienprogramm"}
    )
    return code(site, go)


def long_activity(site: Site, go: Go) -> Window:
    """The history in German, with a reward's long name."""
    site.page = site.page.but(language="de", shop_name=LONG)
    at, points, when, kind, _, order = site.api.lines[0]
    site.api.lines[0] = (at, points, when, kind, f'{{"reward":"five_off","name":"{LONG}"}}', order)
    return activity(site, go)


STATES: dict[str, State] = {
    made.__name__: made
    for made in (
        closed, bubble, load_trouble, prompt, scored, survey_error, survey_closed, why, thanks, home, home_with_line,
        home_with_question, top_level, expiring, owed, empty, loading, trouble, session, confirming, refused, making,
        code, copied, copy_failed, giving_back, undoing, undo_refused, given_back, activity, activity_loading,
        activity_error, activity_all, activity_hundreds, activity_empty, guest, waiting, join, join_busy,
        invitation_refused, joined, long_words, long_activity,
    )
}  # fmt: skip
# The browser itself writes failed requests to the console.
LOUD = {
    "load_trouble", "survey_error", "survey_closed", "loading", "trouble", "refused", "activity_loading",
    "undo_refused", "activity_error", "join_busy", "invitation_refused",
}  # fmt: skip
