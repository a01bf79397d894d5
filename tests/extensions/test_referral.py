"""The link for friends: who lands by it sees the code and, by consent, keeps it with the cart; members ask for one."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.extensions.conftest import Visit
from tests.extensions.page import HOSTILE, Page, render
from tests.extensions.scripted import Api
from tests.extensions.served import Site

ALLOWS = """<script>window.Shopify = {loadFeatures: (_, done) => { window.Shopify.customerPrivacy =
 {preferencesProcessingAllowed: () => %s}; done(); }};</script>"""


def landing(site: Site, *, consent: str = "true", signed_in: bool = False) -> None:
    """The page with the block, of a visitor who has decided about cookies."""
    site.page = site.page.but(
        referral_blocks=1, page_type="index", head=ALLOWS % consent, signed_in=signed_in,
        loyalty=site.page.loyalty if signed_in else None,
    )  # fmt: skip


def test_a_friend_sees_the_code_and_the_cart_carries_it(site: Site, visit: Visit) -> None:
    landing(site)
    window = visit(path="/?ref=reg-7k2mwq4z")
    host = window.locator("regulars-referral")
    expect(host.get_by_text("REG-7K2MWQ4Z")).to_be_visible()
    link = host.get_by_role("link", name="Use the code")
    assert link.get_attribute("href") == "/discount/REG-7K2MWQ4Z?redirect=/"
    window.wait_for_function(
        "() => performance.getEntriesByType('resource').some((r) => r.name.endsWith('update.js'))"
    )
    assert [json.loads(body) for body in site.cart] == [{"attributes": {"Referral code": "REG-7K2MWQ4Z"}}]
    assert site.api.seen == []  # nobody asked our app for anything
    assert window.evaluate("localStorage.length + document.cookie.length") == 0


def test_without_consent_nothing_is_kept_until_it_comes(site: Site, visit: Visit) -> None:
    landing(site, consent="window.agreed === true")
    window = visit(path="/?preference=12345&ll_ref_id=a482k")  # a former app's link
    expect(window.get_by_text("A482K")).to_be_visible()
    assert site.cart == []
    window.evaluate("window.agreed = true; document.dispatchEvent(new Event('visitorConsentCollected'))")
    window.wait_for_function(
        "() => performance.getEntriesByType('resource').some((r) => r.name.endsWith('update.js'))"
    )
    assert len(site.cart) == 1


@pytest.mark.parametrize("query", ["", "?ref=", "?ref=a", "?ref=%3Cimg%20src%3Dx%3E", "?ref=" + "A" * 60])
def test_whatever_is_no_code_shows_nothing(site: Site, visit: Visit, query: str) -> None:
    landing(site)
    window = visit(path=f"/{query}")
    window.wait_for_load_state("networkidle")
    expect(window.locator("regulars-referral [data-friend]")).to_be_hidden()
    assert site.cart == []


def test_a_member_gets_their_link_at_a_tap(site: Site, visit: Visit) -> None:
    landing(site, signed_in=True)
    window = visit()
    host = window.locator("regulars-referral")
    before = list(site.api.seen)
    assert "POST /referral" not in before
    host.get_by_role("button", name="Get your link for friends").click()
    expect(host.locator("output")).to_have_text("https://alpina.example/?ref=REG-ABCDEFGH")
    assert site.api.seen[-1] == "POST /referral"


def test_the_block_shows_its_place_in_the_editor_and_escapes(api: Api) -> None:
    page = Page(design=True, digest={"proxy": "/apps/rewards"}, point_settings={"text": HOSTILE})
    html = render("referral", page)
    assert "hidden" not in html
    assert HOSTILE not in html
    assert render("referral", Page(digest=None)).strip() == ""
