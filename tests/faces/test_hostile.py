"""What strangers try: markup in every text that people may write, foreign forms, redirects, cookies."""

from __future__ import annotations

import pytest

from devshop.records import Discount
from tests.faces.conftest import START, House, Visitor
from tests.markup import Page

MARK = "<img src=x onerror=alert(1)>\"'&<script>boom()</script>"


def test_stored_markup_appears_as_text_everywhere(house: House, visitor: Visitor) -> None:
    anna = house.customer(MARK, MARK)
    anna.tags = [MARK]
    anna.addresses[0].city = MARK
    evil = house.shop.create_product(MARK, 990, handle="evil")
    house.loyalty(anna, '{"joined":true,"available":5,"pending":0,"tier":"<script>boom()</script>"}')
    number = 9
    house.shop.desk.shop.discounts[number] = Discount(
        number, 1, "basic", "EVIL", MARK, START, START, START, amount=100
    )
    house.shop.desk.shop.name = f"Tea {MARK}"
    visitor.sign_in(anna)
    visitor.send("/cart/add", id=evil.variant_id)
    for code in (MARK, "EVIL"):
        visitor.send("/codes", code=code)
    pages = [
        "/",
        "/collections/all",
        "/products/evil",
        "/cart",
        "/checkout",
        "/account/login?q=%3Cimg%20onerror%3E",
    ]
    shown = [visitor.page(path) for path in pages]
    order = visitor.buy(note=MARK)
    house.shop.refund(order, amount=10, note=MARK)
    visitor.act(order, "fulfil", carrier=MARK)
    house.platform.flush()
    entry = house.platform.journal.entries(house.shop.domain)[0]
    later = (
        f"/thank-you/{order.token}",
        "/account",
        "/shop-admin/orders?q=%3Cscript%3Eboom()",
        "/shop-admin/orders",
        f"/shop-admin/orders/{order.id}",
        "/shop-admin/log",
        f"/shop-admin/log/{entry.number}",
        "/shop-admin/metafields",
        "/admin/apps/regulars",
        "/admin/themes/current/editor?activateAppId=a/%3Cscript%3E",
    )
    shown += [visitor.page(path) for path in later]
    for page in shown:
        images = [one for one in page.named("img") if one.attributes.get("src") == "x"]
        scripts = [
            one for one in page.named("script") if "boom()" in one.text and "type" not in one.attributes
        ]
        assert not images
        assert not scripts
    assert sum(MARK in page.text for page in shown) >= 10


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
