"""Signing in, the cart and the checkout: codes, two currencies, guests, notes, and who may see whose order."""

from __future__ import annotations

import pytest

from devshop.faces.figures import money, money_in
from devshop.records import Discount
from tests.faces.conftest import START, House, Visitor, notes


def _code(house: House, code: str, **more: object) -> None:
    number = house.shop.desk.ids.number("DiscountCodeNode")
    house.shop.desk.shop.discounts[number] = Discount(
        number,
        number,
        "basic",
        code,
        code,
        START,
        START,
        START,
        **{"amount": 500, **more},  # type: ignore[arg-type]
    )


def test_one_click_signs_in_and_one_signs_out(house: House, visitor: Visitor) -> None:
    anna = house.customer("Anna", "Keller")
    assert "Anna Keller" in visitor.page("/account/login").text
    visitor.sign_in(anna)
    assert "Hello, Anna" in visitor.page("/account").text
    visitor.send("/account/logout")
    assert visitor.open("/account").status_code == 302


def test_nobody_signs_in_as_a_customer_who_is_not_there(house: House, visitor: Visitor) -> None:
    for number in ("", "abc", "77", "²", "1" * 40):
        assert visitor.send("/account/login", customer=number).status_code == 404
    visitor.client.set_cookie("devshop_customer", "77")
    assert visitor.open("/account").status_code == 302


def test_the_search_finds_by_every_word(house: House, visitor: Visitor) -> None:
    house.customer("Anna", "Keller")
    house.customer("Luca", "Rossi")
    found = visitor.page("/account/login?q=kel+ANNA").text
    assert "Anna Keller" in found
    assert "Luca" not in found
    assert "Nobody" in visitor.page("/account/login?q=zzz").text


def test_somebody_new_signs_up(house: House, visitor: Visitor) -> None:
    visitor.send("/account/register", first_name="Ida", last_name="Graf", email="ida@example.com")
    assert "Hello, Ida" in visitor.page("/account").text
    assert "customers/create" in house.topics
    assert visitor.send("/account/register", first_name="", email="x").status_code == 400


def test_the_cart_counts_changes_and_forgets(house: House, visitor: Visitor) -> None:
    mug = house.wares["hut-mug"].variants[1]
    visitor.add("hut-mug", 1)
    visitor.add("hut-mug", 1, 2)
    cart = visitor.open("/cart.js").get_json()
    assert (cart["item_count"], cart["total_price"], cart["currency"]) == (3, 3 * 2450, "CHF")
    assert cart["items"][0]["variant_id"] == mug.id
    visitor.send("/cart", **{f"count-{mug.id}": 1})
    assert visitor.open("/cart.js").get_json()["item_count"] == 1
    visitor.send("/cart", remove=mug.id)
    assert "empty" in visitor.page("/cart").text


@pytest.mark.parametrize("cart", ["1x1", "abc", "1x1_2x2", "x", "9" * 30 + "x1", "²x1"])
def test_a_cart_that_was_written_by_hand_is_an_empty_cart(house: House, visitor: Visitor, cart: str) -> None:
    visitor.client.set_cookie("devshop_cart", cart)
    assert visitor.open("/cart.js").get_json()["item_count"] == 0
    assert visitor.send("/cart/add", id="1").status_code == 404


def test_a_code_takes_off_what_it_should_and_is_counted(house: House, visitor: Visitor) -> None:
    _code(house, "FIVE", usage_limit=1)
    visitor.sign_in(house.customer())
    visitor.add("summit-flask", 2)
    visitor.send("/codes", code="five", return_to="/checkout")
    page = visitor.page("/checkout").text
    assert "−CHF 5.00" in page
    assert "CHF 56.50" in page  # 54.50 - 5.00 + 7.00 shipping
    order = visitor.buy(note="Ring twice")
    assert [one.code for one in order.applications] == ["FIVE"]
    assert order.lines[0].variant_title == "1 l"
    assert order.note == "Ring twice"
    assert [one.used for one in house.shop.desk.shop.discounts.values()] == [1]
    assert visitor.open("/cart.js").get_json()["item_count"] == 0


def test_a_code_that_does_not_fit_says_why_and_does_not_stop_the_order(
    house: House, visitor: Visitor
) -> None:
    anna, luca = house.customer(), house.customer("Luca", "Rossi")
    _code(house, "LUCA", customers=[luca.id])
    visitor.sign_in(anna)
    visitor.add("hut-mug")

    def told(code: str) -> str:
        return visitor.send("/codes", code=code, return_to="/checkout").get_data(as_text=True)

    said = told("LUCA")
    assert "belongs to another customer" in said
    assert 'value="LUCA"' not in said, "what was refused must not look applied"
    _code(house, "FIVE")
    assert 'value="FIVE"' in told("FIVE")
    said = told("NOPE")
    assert "does not exist" in said
    assert ('value="FIVE"' in said, 'value="NOPE"' in said) == (True, False)
    assert "does not exist" not in visitor.page("/checkout").text, "told once"
    visitor.send("/codes", remove="FIVE", return_to="/checkout")
    assert visitor.buy().applications == []


def test_a_link_with_a_code_brings_it_to_the_checkout(house: House, visitor: Visitor) -> None:
    _code(house, "GIFT")
    visitor.sign_in(house.customer())
    visitor.add("hut-mug")
    answer = visitor.open("/discount/GIFT?redirect=/checkout", follow_redirects=True)
    assert "−CHF 5.00" in answer.get_data(as_text=True)


def test_a_german_pays_euros_and_the_shop_books_francs(house: House, visitor: Visitor) -> None:
    visitor.send("/localization", country="DE")
    assert "€25.97" in visitor.page("/products/hut-mug").text  # 24.50 × 1.06
    visitor.sign_in(house.customer())
    visitor.add("hut-mug")
    order = visitor.buy()
    assert (order.currency, order.presentment_currency) == ("CHF", "EUR")
    assert (order.lines[0].price.shop, order.lines[0].price.presentment) == (2450, 2597)
    assert "window.Shopify" in visitor.open("/devshop/theme.js").get_data(as_text=True)


def test_prices_read_as_the_language_and_the_country_write_them(visitor: Visitor) -> None:
    for language, country, price in (
        ("en", "DE", "€25.97"), ("de", "DE", "25,97\u00a0€"), ("de", "CH", "CHF 24.50"), ("en", "CH", "CHF 24.50"),
    ):  # fmt: skip
        visitor.send("/localization", language=language, country=country)
        assert price in visitor.page("/products/hut-mug").text
    assert money_in(-1234550, "CHF", "de", "DE") == "−12.345,50\u00a0CHF"
    assert money(-1234550, "CHF") == "−CHF 12,345.50"


def test_a_guest_gives_an_address_and_an_invoice_waits(house: House, visitor: Visitor) -> None:
    visitor.add("trail-socks", 1)
    assert "e-mail address" in notes(visitor.send("/checkout", payment="card"))
    assert not house.shop.orders
    visitor.send("/checkout", payment="invoice", email="guest@example.com")
    (order,) = house.shop.orders.values()
    assert (order.customer_id, order.email, order.gateways) == (None, "guest@example.com", ["invoice"])
    assert "orders/paid" not in house.topics
    assert "orders/create" in house.topics


def test_looking_at_the_checkout_takes_no_id_and_tells_nobody(house: House, visitor: Visitor) -> None:
    visitor.add("hut-mug")
    before = dict(house.platform._state.counters)
    visitor.page("/checkout")
    assert house.platform._state.counters == before
    assert house.topics == []
