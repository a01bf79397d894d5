"""The panel as a shopper uses it: open, read, redeem, copy, give back, page through the history, join, sign in."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect

from plugin.domain.programme import EarningRule, OrderRules, Tier, first_programme
from plugin.domain.values import Rate, Ratio
from plugin.store.db import to_ms
from plugin.worker.digest import storefront_digest
from tests.extensions.conftest import DESKTOP, PHONE, Visit, focused, opened_panel, wait
from tests.extensions.page import HOSTILE, Page, render, strings
from tests.extensions.scripted import DAY, Api, Fault
from tests.extensions.served import Site

pytestmark = pytest.mark.browser
SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
TITLES = 17  # kinds of line on the first page of the scripted history


@SIZES
@pytest.mark.parametrize(("language", "shown"), [("en", "12,345"), ("de", "12.345")])
def test_the_balance_shows_without_any_script(
    site: Site, api: Api, visit: Visit, size: tuple[int, int], language: str, shown: str
) -> None:
    api.lots = [(12_345, to_ms(api.now - DAY), None)]
    site.page = site.page.but(
        loyalty=api.loyalty(), language=language, settings={"accent": "#0B4F8A", "side": "left"}
    )
    button = visit(size, java_script_enabled=False).locator(".launcher")
    expect(button.locator("[data-number]")).to_have_text(shown)
    expect(button).to_be_visible()
    expect(button).to_have_css("background-color", "rgb(11, 79, 138)")
    box = button.bounding_box()
    assert box is not None
    assert (box["x"], round(size[1] - box["y"] - box["height"])) == (20, 20)


@pytest.mark.parametrize("side", ["left", "right"])
def test_launcher_and_panel_stand_on_the_chosen_side_from_right_to_left(
    site: Site, visit: Visit, side: str
) -> None:
    site.page = site.page.but(settings={"side": side})
    window = visit()
    window.evaluate("document.documentElement.dir = 'rtl'")
    for part in (".launcher", "dialog"):
        if part == "dialog":
            opened_panel(window)
        box = window.locator(part).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] / 2 < 640 if side == "left" else box["x"] + box["width"] / 2 > 640


def test_the_launcher_leaves_no_shadow_under_the_open_panel(site: Site, visit: Visit) -> None:
    window = opened_panel(visit())
    expect(window.locator(".launcher")).to_be_hidden()
    window.keyboard.press("Escape")
    expect(window.locator(".launcher")).to_be_focused()


@SIZES
def test_nothing_is_asked_and_nothing_moves_before_a_press(
    site: Site, visit: Visit, size: tuple[int, int]
) -> None:
    window = visit(size)
    window.locator(".launcher").wait_for()
    window.wait_for_load_state("networkidle")
    assert site.api.seen == []
    assert set(site.assets()) == {"launcher.js", "launcher.css", "product-points.js", "product-points.css"}
    assert window.locator(".launcher").inner_text().split()[-2:] == ["320", "points"]
    opened_panel(window)
    window.locator("[data-key=ask-five_off]").wait_for()
    assert window.evaluate("window.shifted") == 0


def test_balance_and_level_show_before_the_api_answers(site: Site, api: Api, visit: Visit) -> None:
    api.faults = [Fault("/me", "hang")]
    window = opened_panel(visit(calm=False))
    hero = window.locator(".hero")
    expect(hero).to_contain_text("320")
    expect(hero).to_contain_text("84 points pending, available from")
    expect(hero).to_contain_text("points to spend")
    expect(hero.locator(".tier")).to_have_text("Silver")
    expect(window.locator(".skeleton")).to_be_visible()


@SIZES
@pytest.mark.parametrize("language", ["en", "de"])
def test_redeem_copy_and_give_back(
    site: Site, api: Api, visit: Visit, size: tuple[int, int], language: str
) -> None:
    site.page = site.page.but(language=language)
    words = strings(language)["panel"]
    name = {"en": "CHF 5 off", "de": "5 CHF Rabatt"}[language]
    window = opened_panel(visit(size))
    window.get_by_role("button", name=f"{words['redeem']}: {name}").click()
    expect(window.locator(".confirm")).to_contain_text("100")
    assert api.redemptions == {}
    window.get_by_role("button", name=words["confirm_yes"]).click()
    expect(window.locator("code")).to_have_text("REG-7KQ2M-X9000")
    assert focused(window) == "copy-9000"
    expect(window.locator(".hero-figure")).to_have_text("220")
    expect(window.locator(".launcher [data-number]")).to_have_text("220")
    window.get_by_role("button", name=words["copy"]).click()
    expect(window.locator("[data-key=copy-9000]")).to_have_text(words["copied"])
    assert window.evaluate("navigator.clipboard.readText()") == "REG-7KQ2M-X9000"
    window.get_by_role("button", name=f"{words['undo']}: {name}").click()
    window.get_by_role("button", name=words["undo_yes"]).click()
    expect(window.locator(".note")).to_have_text(words["undone"])
    expect(window.locator(".hero-figure")).to_have_text("320")
    assert window.locator("code").count() == 0
    assert api.redemptions[9000].state == "undone"


def test_a_reward_out_of_reach_says_what_is_missing(site: Site, visit: Visit) -> None:
    window = opened_panel(visit())
    card = window.locator(".reward").nth(3)
    expect(card).to_contain_text("CHF 20 off")
    expect(card.locator(".what")).to_contain_text("350 points · orders from CHF 40")
    expect(card.locator(".way")).to_have_text("30 points to go")
    assert card.locator("button").count() == 0


def test_one_reward_stands_out(site: Site, api: Api, visit: Visit) -> None:
    """The dearest within reach, the first of equals, until a question wants the answer."""
    again = replace(api.programme.rewards[2], key="again")
    api.programme = replace(api.programme, rewards=(*api.programme.rewards, again))
    window = opened_panel(visit())
    window.locator("[data-key=ask-five_off]").wait_for()
    assert window.locator(".reward .main").evaluate_all("(all) => all.map((one) => one.dataset.key)") == [
        "ask-free_shipping"
    ]
    window.locator("[data-key=ask-five_off]").click()
    assert window.locator(".main").evaluate_all("(all) => all.map((one) => one.dataset.key)") == [
        "yes-five_off"
    ]


def test_a_member_is_not_told_of_points_for_joining(site: Site, visit: Visit) -> None:
    window = opened_panel(visit())
    expect(window.locator(".facts li")).to_have_text(["1 point for every CHF 1 you spend"])


def test_after_redeeming_the_panel_shows_its_top(site: Site, visit: Visit) -> None:
    window = opened_panel(visit(PHONE))
    window.locator("[data-key=ask-free_shipping]").click()
    window.locator("dialog").evaluate("(one) => one.scrollTo(0, 120)")
    window.locator("[data-key=yes-free_shipping]").click()
    expect(window.locator("code")).to_be_visible()
    assert window.locator("dialog").evaluate("(one) => one.scrollTop") == 0


def test_a_programme_without_rewards_says_that_they_are_coming(site: Site, api: Api, visit: Visit) -> None:
    api.programme = replace(api.programme, rewards=())
    window = opened_panel(visit())
    expect(window.locator("dialog")).to_contain_text("The shop is preparing its rewards.")


def test_words_are_broken_in_the_pages_language(site: Site, visit: Visit) -> None:
    site.page = site.page.but(language="de")
    window = opened_panel(visit())
    window.evaluate("document.documentElement.lang = 'en'")
    broken = window.locator("dialog").evaluate(
        "(one) => [one.matches(':lang(de)'), getComputedStyle(one).hyphens]"
    )
    assert broken == [True, "auto"]


def test_a_code_that_takes_its_time_appears_by_itself(site: Site, api: Api, visit: Visit) -> None:
    api.slow_codes = 2
    window = opened_panel(visit())
    window.locator("[data-key=ask-five_off]").click()
    window.locator("[data-key=yes-five_off]").click()
    expect(window.locator("[data-key=code-9000]")).to_be_focused()
    expect(window.locator(".busy")).to_have_text("Preparing your reward…")
    expect(window.locator("code")).to_have_text("REG-7KQ2M-X9000", timeout=15_000)
    expect(window.locator("[data-key=copy-9000]")).to_be_focused()


def test_giving_back_that_takes_its_time_ends_by_itself(site: Site, api: Api, visit: Visit) -> None:
    window = opened_panel(visit())
    window.locator("[data-key=ask-five_off]").click()
    window.locator("[data-key=yes-five_off]").click()
    window.locator("code").wait_for()
    api.slow_codes = 1
    window.locator("[data-key=ask-9000]").click()
    window.locator("[data-key=yes-9000]").click()
    expect(window.locator("[data-key=yes-9000]")).to_have_text("Taking the code back…")
    expect(window.locator(".note")).to_have_text("Done. Your points are back.", timeout=15_000)
    expect(window.locator(".hero-figure")).to_have_text("320")


def test_a_used_code_cannot_be_given_back(site: Site, api: Api, visit: Visit) -> None:
    window = opened_panel(visit(calm=False))
    window.locator("[data-key=ask-five_off]").click()
    window.locator("[data-key=yes-five_off]").click()
    window.locator("[data-key=ask-9000]").click()
    api.redemptions[9000] = replace(api.redemptions[9000], state="used")
    window.locator("[data-key=yes-9000]").click()
    expect(window.locator(".note")).to_have_text(
        "This code was used in an order, so it cannot be given back."
    )
    assert focused(window) == "tab-rewards"
    expect(window.locator("code")).to_have_count(0)
    assert window.get_by_role("button", name="Try again").count() == 0


def test_a_code_that_is_gone_is_told_calmly(site: Site, api: Api, visit: Visit) -> None:
    window = opened_panel(visit(calm=False))
    window.locator("[data-key=ask-five_off]").click()
    window.locator("[data-key=yes-five_off]").click()
    window.locator("[data-key=ask-9000]").click()
    api.faults = [Fault("/redemptions/9000/undo", "404", "no_such_redemption")]
    api.redemptions.clear()
    window.locator("[data-key=yes-9000]").click()
    expect(window.locator(".note")).to_have_text("This is no longer possible. Below is how things stand now.")
    expect(window.locator("code")).to_have_count(0)


@SIZES
def test_every_line_of_the_history_explains_itself(site: Site, visit: Visit, size: tuple[int, int]) -> None:
    window = opened_panel(visit(size))
    window.get_by_role("tab", name="Activity").click()
    lines = window.locator(".line")
    expect(lines).to_have_count(20)
    months = window.locator(".page h3").all_inner_texts()
    assert len(set(months)) == len(months) >= 2
    dated = r"\n\w{3} \d+(, \d{4})?\n"
    shown = [
        re.sub(r"\n+", "\n", re.sub(dated, "\n", text.replace("\xa0", " ")))
        for text in lines.all_inner_texts()
    ]
    assert shown[:TITLES] == [
        "Redeemed: CHF 5 off\nYour points became a discount code\n−100",
        "Order #1042\nCHF 84, 1 point for every CHF 1, × 1.25 for Silver\n+105",
        "Order #1038 was partly refunded: 40 points remain of 84\nCHF 40, 1 point for every CHF 1\n−44",
        "Order #1031 was cancelled: its 60 points are gone\n−60",
        "Order #1030 was changed: 72 points instead of 60\nCHF 72, 1 point for every CHF 1\n+12",
        "Points back: Five francs off\nYou gave the code back unused\n+100",
        "Points spent after all\nYou gave this code back, but an order used it\n−100",
        "Points spent after all\nLess of the order with this code was refunded than before\n−25",
        "Points expired\nThey were not spent in time\n−30",
        "Points not collected\nThey waited 12 months for you to join\n−20",
        "Moved to your other account\nYour two accounts became one\n−10",
        "Moved from your other account\nYour two accounts became one\n+10",
        "Corrected by the shop\nSomeone in the shop changed your points by hand\n+25",
        "Not taken back\nYou had fewer points than that, and your balance does not fall below zero\n+15",
        "Not taken back\nThese points had already expired, so they are not taken twice\n+40",
        "Thank you for your answer\nFor answering our question\n+5",
        "Welcome gift\nA thank-you for joining\n+50",
    ]


@pytest.mark.parametrize(
    ("points", "order", "why", "says"),
    [
        (-84, "#7", {"target": 0, "before": 84}, "Order #7 was refunded: its 84 points are gone"),
        (
            -1,
            None,
            {"target": 0, "before": 1, "because": "deleted"},
            "A purchase was deleted: its 1 point is gone",
        ),
        (-50, None, {"because": "merged"}, "A second welcome gift does not count: its 50 points are gone"),
        (30, None, {"target": 30, "before": 0}, "A purchase"),
    ],
)
def test_what_became_of_an_order(
    site: Site, api: Api, visit: Visit, points: int, order: str | None, why: dict[str, object], says: str
) -> None:
    kind = "earn" if points > 0 else "clawback"
    api.lines = [(1, points, to_ms(api.now) or 0, kind, json.dumps(why), order)]
    window = opened_panel(visit())
    window.get_by_role("tab", name="Activity").click()
    expect(window.locator(".line .strong")).to_have_text(says)


def test_the_history_pages_to_its_end(site: Site, api: Api, visit: Visit) -> None:
    window = opened_panel(visit(PHONE))
    window.get_by_role("tab", name="Activity").click()
    for expected in (40, len(api.lines)):
        window.get_by_role("button", name="Show more").click()
        expect(window.locator(".line")).to_have_count(expected)
    assert window.get_by_role("button", name="Show more").count() == 0
    assert api.seen.count("GET /history") == 3


def test_no_history_yet(site: Site, api: Api, visit: Visit) -> None:
    api.lines = []
    window = opened_panel(visit())
    window.get_by_role("tab", name="Activity").click()
    expect(window.locator(".empty")).to_have_text("Nothing yet. Your first points will show here.")


@SIZES
def test_a_guest_sees_what_there_is_to_gain_without_any_request(
    site: Site, api: Api, visit: Visit, size: tuple[int, int]
) -> None:
    site.page = site.page.but(signed_in=False, loyalty=None)
    window = opened_panel(visit(size))
    panel = window.locator("dialog")
    for words in (
        "1 point for every CHF 1 you spend",
        "50 points for joining",
        "CHF 20 off",
        "Gold",
        "1.5 × points",
    ):
        expect(panel).to_contain_text(words)
    assert window.get_by_role("link", name="Create account").get_attribute("href") == "/account/register"
    assert window.get_by_role("link", name="Sign in").get_attribute("href") == "/account/login"
    window.wait_for_load_state("networkidle")
    assert api.seen == []


def test_money_has_the_ledgers_digits_also_where_the_browser_has_none(site: Site, visit: Visit) -> None:
    programme = replace(first_programme("HUF", 1_000), earning=(EarningRule(Rate(1, 10_000)),))
    site.page = site.page.but(
        digest=storefront_digest(programme), currency="HUF", signed_in=False, loyalty=None
    )
    window = opened_panel(visit(PHONE))
    expect(window.locator("dialog")).to_contain_text("1 point for every HUF 100 you spend")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "About CHF 25 to your first reward"),
        ({"signup_points": 60}, None),
        ({"earning": (EarningRule(Rate(3, 100)),)}, None),
        ({"tiers": (Tier("gold", "Gold", 0, Ratio(3, 2)),)}, None),
        ({"currency": "EUR"}, None),
        ({"orders": OrderRules(per_order=5)}, None),
        ({"orders": OrderRules(minimum_minor=5_000)}, None),
        ({"orders": OrderRules(companies=False, sources=("pos",))}, "About CHF 25 to your first reward"),
    ],
)
def test_a_guest_sees_how_far_the_first_reward_is_where_that_is_exact(
    changes: dict[str, Any], says: str | None
) -> None:
    digest = storefront_digest(replace(first_programme("CHF", 100), **{"signup_points": 25, **changes}))
    html = render("launcher", Page(digest=digest, signed_in=False))
    assert ('data-first="2500"' in html) == (says is not None)


@SIZES
def test_a_customer_sees_what_waits_and_joins_by_a_press(
    site: Site, api: Api, visit: Visit, size: tuple[int, int]
) -> None:
    api.status = "unclaimed"
    site.page = site.page.but(loyalty=api.loyalty())
    window = opened_panel(visit(size))
    expect(window.locator(".hero-title")).to_have_text("404 points are waiting for you")
    assert api.seen == []
    window.get_by_role("button", name="Join now").click()
    expect(window.locator(".note")).to_have_text("Welcome! Good to have you with us.")
    assert api.seen == ["GET /me", "POST /join"]
    expect(window.locator(".hero-figure")).to_have_text("370")
    assert api.status == "active"


def test_who_left_joins_again(site: Site, api: Api, visit: Visit) -> None:
    api.status = "left"
    site.page = site.page.but(loyalty=api.loyalty())
    window = opened_panel(visit())
    window.get_by_role("button", name="Join now").click()
    expect(window.locator(".note")).to_be_visible()
    assert api.seen == ["GET /me", "POST /join"]


def test_a_programme_by_invitation_says_so(site: Site, api: Api, visit: Visit) -> None:
    api.programme = replace(api.programme, membership="tag", membership_tag="club")
    api.status, api.by_invitation = "unclaimed", True
    site.page = site.page.but(loyalty=api.loyalty(), digest=storefront_digest(api.programme))
    window = opened_panel(visit(calm=False))
    window.get_by_role("button", name="Join now").click()
    expect(window.locator(".hero-title")).to_have_text("This programme is by invitation")
    window.keyboard.press("Escape")
    opened_panel(window)
    assert window.get_by_role("button", name="Join now").count() == 0
    assert window.locator("[role=alert]").count() == 0
    expect(window.locator(".facts li")).to_have_text(["1 point for every CHF 1 you spend"])


def test_points_that_opened_since_the_mirror_was_written_count(site: Site, api: Api, visit: Visit) -> None:
    loyalty = {**api.loyalty(), "next_at": "2020-01-01T00:00:00Z", "next_delta": 84}
    site.page = site.page.but(loyalty=loyalty)
    window = visit()
    expect(window.locator(".launcher [data-number]")).to_have_text("404")


def test_points_about_to_expire_and_points_owed_are_told(site: Site, api: Api, visit: Visit) -> None:
    api.lots = [(1, to_ms(api.now - DAY), to_ms(api.now + DAY))]
    api.owed = 3
    window = opened_panel(visit())
    expect(window.locator(".hero")).to_contain_text("1 point expires on")
    expect(window.locator(".hero")).to_contain_text(
        "You had spent 3 points that were taken back later. Your next points fill the gap."
    )
    window.get_by_role("button", name="See why in your activity").click()
    assert focused(window) == "tab-activity"
    expect(window.locator(".line")).to_have_count(20)


def test_a_balance_below_zero_is_shown_at_once_and_explained(site: Site, api: Api, visit: Visit) -> None:
    api.programme = replace(api.programme, clawback="negative")
    api.lots, api.owed = [], 30
    site.page = site.page.but(loyalty=api.loyalty())
    page = visit()
    expect(page.locator(".launcher [data-number]")).to_have_text("-30")
    window = opened_panel(page)
    hero = window.locator(".hero")
    expect(hero.locator(".hero-figure")).to_have_text("-30")
    expect(hero).to_contain_text("You had spent 30 points that were taken back later.")
    bar = window.locator(".reward .bar span").first
    assert bar.evaluate("(one) => one.getBoundingClientRect().width") == 0
    expect(window.locator(".launcher [data-number]")).to_have_text("-30")
    expect(window.locator(".reward").first).to_contain_text("80 points to go")


def test_a_distant_expiry_is_no_news_and_undated_points_say_when_they_open(
    site: Site, api: Api, visit: Visit
) -> None:
    api.lots = [(50, to_ms(api.now - DAY), to_ms(api.now + 300 * DAY)), (7, None, None)]
    window = opened_panel(visit())
    expect(window.locator(".hero")).to_contain_text(
        "7 points pending, available once the return period is over"
    )
    assert "expire" not in window.locator(".hero").inner_text()


def test_the_highest_level_has_no_bar(site: Site, api: Api, visit: Visit) -> None:
    api.tier, api.progress = "gold", 2000
    window = opened_panel(visit())
    expect(window.locator(".hero")).to_contain_text("Gold · your highest level")
    assert window.locator("[role=progressbar]").count() == 0


def test_hostile_names_are_text_everywhere(site: Site, api: Api, visit: Visit) -> None:
    rewards = tuple(replace(one, name=HOSTILE) for one in api.programme.rewards)
    tiers = tuple(replace(one, name=HOSTILE) for one in api.programme.tiers)
    api.programme = replace(api.programme, rewards=rewards, tiers=tiers)
    api.lines = [(9, 5, 0, "redeem", '{"name": "<img src=x onerror=window.attacked=1>"}', HOSTILE)]
    site.page = site.page.but(
        shop_name=HOSTILE, digest=storefront_digest(api.programme), settings={"label": HOSTILE}
    )
    for signed_in in (True, False):
        site.page = site.page.but(signed_in=signed_in)
        window = opened_panel(visit())
        expect(window.locator("dialog")).to_contain_text(HOSTILE)
        if signed_in:
            window.locator("[data-key=ask-five_off]").click()
            window.locator("[data-key=yes-five_off]").click()
            window.locator("code").wait_for()
            window.get_by_role("tab", name="Activity").click()
            window.locator(".line").wait_for()
        wait(window, "root.querySelectorAll('img, dialog script').length === 0")
        assert window.evaluate("window.attacked") is None


def test_it_works_under_a_strict_policy(site: Site, visit: Visit) -> None:
    site.policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
        " base-uri 'none'"
    )
    # Not calm: the launcher's first colours are an inline style, as in every theme; without it the script paints them.
    window = opened_panel(visit(PHONE, calm=False))
    window.locator("[data-key=ask-five_off]").click()
    window.locator("[data-key=yes-five_off]").click()
    expect(window.locator("code")).to_be_visible()
    colour = window.locator("dialog .top").evaluate("(bar) => getComputedStyle(bar).backgroundColor")
    assert colour == "rgb(31, 92, 77)"


def test_nothing_is_kept_in_the_browser(site: Site, visit: Visit) -> None:
    window = opened_panel(visit())
    window.locator("[data-key=ask-five_off]").wait_for()
    assert window.evaluate("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
