"""Every state of the widget by name, each reached as a shopper reaches it, for the accessibility check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from playwright.sync_api import Page as Window
from playwright.sync_api import expect

from plugin.store.db import to_ms
from plugin.store.storefront import Question
from tests.extensions.conftest import opened_panel, opened_question
from tests.extensions.scripted import DAY, Fault
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
        loyalty=api.loyalty(), shop_name=LONG, settings={"label": "Treueprämienprogramm"}
    )
    return code(site, go)


STATES: dict[str, State] = {
    made.__name__: made
    for made in (
        closed, bubble, prompt, scored, why, thanks, home, home_with_line, home_with_question, loading, trouble,
        session, confirming, refused, making,
        code, copied, giving_back, given_back, activity, activity_all, activity_empty, guest, join, joined, long_words,
    )
}  # fmt: skip
