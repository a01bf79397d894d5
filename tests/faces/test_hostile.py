"""What strangers try: markup in every text that people may write, foreign forms, redirects, cookies."""

from __future__ import annotations

import json

import pytest

from devshop.records import Discount
from tests.devshop.conftest import Admin
from tests.faces.conftest import START, House, Visitor
from tests.markup import Page

# Where people may write; each text names its origin, so that a page can be asked for the very one it should show.
ORIGINS = (
    "first",
    "last",
    "city",
    "tag",
    "product",
    "discount",
    "code",
    "note",
    "refund",
    "carrier",
    "answer",
    "shop",
)
BEHIND = {"first", "last", "city", "product", "note", "refund", "carrier"}


def mark(origin: str) -> str:
    """A text that would run if a page took it for markup."""
    return f"<img src=x onerror=alert(1)>\"'&<script>boom('{origin}')</script>"


def shown_as_text(page: Page) -> set[str]:
    """The origins whose text a person reads on the page, plain or as JSON spells it."""
    return {one for one in ORIGINS if mark(one) in page.text or json.dumps(mark(one))[1:-1] in page.text}


def test_stored_markup_appears_as_text_on_every_page_that_shows_it(house: House, visitor: Visitor) -> None:
    anna = house.customer(mark("first"), mark("last"))
    anna.tags = [mark("tag")]
    anna.addresses[0].city = mark("city")
    evil = house.shop.create_product(mark("product"), 990, handle="evil")
    house.loyalty(anna, '{"joined":true,"available":5,"pending":0,"tier":"<script>boom()</script>"}')
    number = 9
    house.shop.desk.shop.discounts[number] = Discount(
        number, 1, "basic", "EVIL", mark("discount"), START, START, START, amount=100
    )
    house.shop.desk.shop.name = f"Tea {mark('shop')}"
    visitor.sign_in(anna)
    visitor.send("/cart/add", id=evil.variant_id)
    for code in (mark("code"), "EVIL"):
        visitor.send("/codes", code=code)
    pages = {
        "/": {"shop", "first"},
        "/collections/all": {"shop", "first", "product"},
        "/products/evil": {"shop", "first", "product"},
        "/cart": {"shop", "first", "product"},
        "/checkout": {"shop", "first", "product", "last", "city"},
        "/account/login?q=%3Cimg%20onerror%3E": {"shop", "first"},
    }
    _holds(visitor, pages)
    order = visitor.buy(note=mark("note"))
    house.shop.refund(order, amount=10, note=mark("refund"))
    visitor.act(order, "fulfil", carrier=mark("carrier"))
    house.platform.flush()
    _answered(house)
    entries = house.platform.journal.entries(house.shop.domain)
    asked = next(one.number for one in entries if one.kind == "graphql")
    sent = next(one.number for one in entries if one.delivery and b"boom('note')" in one.delivery.body)
    later: dict[str, set[str]] = {
        f"/thank-you/{order.token}": {"shop", "first", "product"},
        "/account": {"shop", "first", "tag"},
        "/shop-admin/orders?q=%3Cscript%3Eboom()": set(),
        "/shop-admin/orders": {"first", "last"},
        f"/shop-admin/orders/{order.id}": BEHIND,
        "/shop-admin/log": set(),
        f"/shop-admin/log/{sent}": BEHIND,
        f"/shop-admin/log/{asked}": {"answer"},
        "/shop-admin/metafields": {"answer", "first", "last"},
        "/admin/apps/regulars": {"shop"},
        "/admin/themes/current/editor?activateAppId=a/%3Cscript%3E": set(),
    }
    _holds(visitor, later)


def _holds(visitor: Visitor, pages: dict[str, set[str]]) -> None:
    """Each page shows what it should, and nowhere became markup what a person wrote."""
    for path, expected in pages.items():
        page = visitor.page(path)
        assert shown_as_text(page) == expected, path
        assert [one for one in page.named("img") if one.attributes.get("src") == "x"] == [], path
        scripts = [one for one in page.named("script") if "type" not in one.attributes]
        assert [one for one in scripts if "boom(" in one.text] == [], path


def _answered(house: House) -> None:
    """The app writes an answer with such words into the shop, as it writes every answer."""
    admin = Admin(house.platform, house.shop)
    kind, words = "$app:answer", [{"key": "words", "type": "multi_line_text_field"}]
    admin.ask(
        "mutation($d: MetaobjectDefinitionCreateInput!) {"
        " metaobjectDefinitionCreate(definition: $d) { userErrors { code } } }",
        d={"type": kind, "fieldDefinitions": words},
    )
    admin.ask(
        "mutation($h: MetaobjectHandleInput!, $m: MetaobjectUpsertInput!) {"
        " metaobjectUpsert(handle: $h, metaobject: $m) { userErrors { code } } }",
        h={"type": kind, "handle": "order-1"},
        m={"fields": [{"key": "words", "value": mark("answer")}]},
    )
    admin.http.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/account/login", "/shop-admin/clock", "/shop-admin/id-token", "/checkout"])
def test_a_button_on_another_site_does_nothing(
    house: House, visitor: Visitor, path: str, headers: dict[str, str]
) -> None:
    anna, before = house.customer(), house.time
    answer = visitor.client.post(path, data={"customer": anna.id, "by": "day"}, headers=headers)
    assert answer.status_code == 403
    assert house.time == before
    assert visitor.client.get_cookie("devshop_customer") is None


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nX: y", ""]
)
def test_nobody_is_sent_to_another_site(house: House, visitor: Visitor, target: str) -> None:
    for path, fields in (("/localization", {"return_to": target}), ("/codes", {"return_to": target})):
        answer = visitor.client.post(path, data=fields)
        assert answer.headers["Location"].startswith("/")
        assert "evil" not in answer.headers["Location"]
    answer = visitor.client.get("/discount/X", query_string={"redirect": target})
    assert answer.headers["Location"] == "/"


def test_the_cookie_of_the_page_names_the_customer_and_never_travels(house: House, visitor: Visitor) -> None:
    anna = house.customer()
    visitor.open("/apps/rewards/me")
    visitor.sign_in(anna)
    visitor.add("hut-mug")
    answer = visitor.open("/apps/rewards/me")
    (_, guest, _, _), (_, signed, headers, _) = house.forwarded
    assert "logged_in_customer_id=&" in guest
    assert f"logged_in_customer_id={anna.id}&" in signed
    assert "cookie" not in {name.lower() for name in headers}
    assert "devshop" not in str(headers) + signed
    assert "Set-Cookie" not in answer.headers


def test_the_frame_passes_on_what_is_the_apps_and_signs_it_afresh(house: House, visitor: Visitor) -> None:
    page = visitor.page("/admin/apps/regulars/members?id=5&id_token=stolen&host=elsewhere")
    (frame,) = page.named("iframe")
    source = frame.attributes["src"] or ""
    assert source.startswith(f"{house.platform.app.app_url}/members?embedded=1")
    assert "id=5" in source
    assert "stolen" not in source
    assert "elsewhere" not in source


def test_id_tokens_are_handed_out_only_to_a_press_from_here(house: House, visitor: Visitor) -> None:
    assert visitor.open("/shop-admin/id-token").status_code == 405
    answer = visitor.client.post("/shop-admin/id-token")
    assert answer.get_json()["token"].count(".") == 2
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert Page(visitor.open("/").get_data(as_text=True)).named("main")
