"""Every page renders, is valid, titled and labelled, in both languages, and comes under a strict policy."""

from __future__ import annotations

import pytest

from tests.faces.conftest import House, Visitor
from tests.markup import Page

STOREFRONT = (
    "/",
    "/collections/all",
    "/collections/tea",
    "/products/hut-mug",
    "/products/gift-card",
    "/account/login",
)
BEHIND = (
    "/shop-admin/orders",
    "/shop-admin/log",
    "/shop-admin/metafields",
    "/admin/themes/current/editor",
    "/admin/apps/regulars",
    "/admin/apps/regulars/members/5",
)


@pytest.mark.parametrize("path", [*STOREFRONT, *BEHIND, "/cart"])
def test_a_page_for_a_stranger_is_right(visitor: Visitor, path: str) -> None:
    page = visitor.page(path)
    assert "Development shop" in page.text


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_buyers_pages_are_right_in_both_languages(house: House, visitor: Visitor, language: str) -> None:
    anna = house.customer()
    visitor.send("/localization", language=language, country="DE")
    visitor.sign_in(anna)
    for path in STOREFRONT:
        assert visitor.page(path).named("html")[0].attributes["lang"] == language
    visitor.add("mountain-herbs", 1, 2)
    visitor.add("hut-mug")
    visitor.page("/cart")
    visitor.page("/checkout")
    order = visitor.buy()
    thanks = visitor.page(f"/thank-you/{order.token}")
    assert ("Danke, Anna" if language == "de" else "Thank you, Anna") in thanks.text
    assert order.name in visitor.page("/account").text


def test_every_german_text_is_used_and_fills_the_same_places(visitor: Visitor) -> None:
    import re
    from pathlib import Path

    from devshop.faces import texts

    folder = Path(texts.__file__).parent
    used = "".join(
        p.read_text(encoding="utf-8") for p in (*folder.glob("templates/*.html"), *folder.glob("*.py"))
    )
    code = used.replace((folder / "texts.py").read_text(encoding="utf-8"), "")
    looked_up = {**texts.GERMAN}
    asked = {text.replace('\\"', '"') for text in re.findall(r'\bt\("((?:[^"\\]|\\.)*)"', code)}
    asked |= set(re.findall(r"\bt\('([^']*)'", code))
    assert asked - set(looked_up) == set()
    for english, german in looked_up.items():
        assert re.findall(r"\{\w+\}", english) == re.findall(r"\{\w+\}", german)


def test_an_order_in_every_state_shows_right(house: House, visitor: Visitor) -> None:
    anna = house.customer()
    wares = house.wares
    new = house.shop.place_order(anna, [(wares["hut-mug"], 2)], note="Please ring twice", paid=False)
    visitor.page(f"/shop-admin/orders/{new.id}")
    house.shop.pay(new)
    parcel = house.shop.fulfil(new, lines=[(new.lines[0], 1)])
    visitor.page(f"/shop-admin/orders/{new.id}")
    house.shop.deliver_parcel(parcel)
    house.shop.fulfil(new)
    back = house.shop.return_(new, [(new.lines[0], 1)], requested=True)
    house.shop.refund(new, lines=[(new.lines[0], 1)], note="Chipped")
    page = visitor.page(f"/shop-admin/orders/{new.id}")
    assert back.name in page.text
    assert "Chipped" in page.text
    gone = house.shop.place_order(None, [(wares["trail-socks"], 1)], email="guest@example.com")
    house.shop.cancel(gone)
    assert "guest@example.com" in visitor.page(f"/shop-admin/orders/{gone.id}").text
    listed = visitor.page("/shop-admin/orders?show=cancelled").text
    assert gone.name in listed
    assert new.name not in listed


def test_the_policy_lets_nothing_inline_or_foreign_in(visitor: Visitor) -> None:
    for path in (*STOREFRONT, *BEHIND):
        answer = visitor.open(path)
        policy = answer.headers["Content-Security-Policy"]
        # A theme has its styles inline, as the blocks in it may; nothing else does.
        themed = "; style-src 'self' 'unsafe-inline';"
        assert (themed in policy) is (path in STOREFRONT)
        assert "unsafe" not in policy.replace(themed, "")
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        scripts = [
            one for one in Page(answer.get_data(as_text=True)).named("script") if "src" not in one.attributes
        ]
        assert all(one.attributes.get("type") == "application/json" for one in scripts), path


def test_only_the_frame_may_hold_the_app(house: House, visitor: Visitor) -> None:
    policy = visitor.open("/admin/apps/regulars").headers["Content-Security-Policy"]
    assert f"frame-src {house.platform.app.app_url}" in policy
    assert "frame-src" not in visitor.open("/").headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/nope", "/products/none", "/collections/none", "/thank-you/none"])
def test_what_is_not_there_says_so_in_the_shop(visitor: Visitor, path: str) -> None:
    assert "There is nothing here" in visitor.page(path, 404).text
    visitor.send("/localization", language="de")
    page = visitor.page(path, 404)
    assert "Hier ist nichts" in page.text
    assert page.named("body")[0].attributes["class"] == "shop"


def test_what_is_not_there_says_so_behind_the_counter(visitor: Visitor) -> None:
    page = visitor.page("/shop-admin/orders/1", 404)
    assert "There is no such order." in page.text
    assert page.named("body")[0].attributes["class"] == "desk"


def test_the_app_that_is_not_installed_can_be(house: House, visitor: Visitor) -> None:
    house.shop.uninstall()
    assert "not installed" in visitor.page("/admin/apps/regulars").text
    visitor.page("/products/hut-mug")
    visitor.send("/shop-admin/install")
    assert visitor.page("/admin/apps/regulars").named("iframe")
