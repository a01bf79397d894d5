"""The checkout: prices, tax, discounts spread over lines, two currencies, codes that cannot be used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devshop.errors import CheckoutRefused, DevshopError
from devshop.money import Bag, in_graphql, in_webhooks, split, to_minor, units
from devshop.order_records import Order
from devshop.shop import DevPlatform, DevShop
from devshop.totals import figures, line_discount
from tests.devshop.conftest import Admin, Clock, Received
from tests.devshop.scenario import make_code


def test_an_order_adds_up_with_tax_included(shop: DevShop) -> None:
    tea = shop.create_product("Tea", 2550)
    order = shop.place_order(shop.create_customer(), [(tea, 2)], shipping=700, tip=150)
    sums = figures(order)
    assert sums.subtotal == Bag(5100, 5100)
    assert sums.total.shop == 5100 + 700 + 150
    assert order.lines[0].taxes[0].amount.shop == 382  # 51.00 x 0.081 / 1.081
    assert order.shipping[0].taxes[0].amount.shop == 52


def test_tax_is_on_top_where_prices_exclude_it(platform: DevPlatform) -> None:
    shop = platform.create_shop("us.myshopify.com", currency="USD", taxes_included=False, tax_rate="0.0725")
    order = shop.place_order(None, [{"title": "Cup", "price": 1000, "quantity": 2}], shipping=500)
    sums = figures(order)
    assert (sums.subtotal.shop, sums.tax.shop, sums.total.shop) == (2000, 145 + 36, 2000 + 500 + 181)


def test_gift_cards_are_neither_taxed_nor_shipped_nor_discounted(shop: DevShop, admin: Admin) -> None:
    make_code(admin, "HALF", {"percentage": 0.5})
    card = shop.create_product("Card", 5000, gift_card=True)
    order = shop.place_order(None, [(card, 1), {"title": "Cup", "price": 1000}], discount_codes=["half"])
    assert order.lines[0].taxes == []
    assert [line_discount(line).shop for line in order.lines] == [0, 500]


def test_a_second_currency_keeps_both_sides_consistent(shop: DevShop) -> None:
    order = shop.place_order(
        None, [{"title": "Cup", "price": 999, "quantity": 3}], currency="EUR", shipping=0
    )
    assert order.lines[0].price == Bag(999, 1069)
    assert figures(order).total == Bag(2997, 3207)
    with pytest.raises(DevshopError, match="no rate for JPY"):
        shop.place_order(None, [{"title": "Cup", "price": 999}], currency="JPY")


def test_a_used_code_stands_in_the_order_and_is_counted(
    shop: DevShop, admin: Admin, platform: DevPlatform, received: Received
) -> None:
    make_code(admin, "LOY-1", {"discountAmount": {"amount": "10.00"}}, usageLimit=1)
    lines = [{"title": "A", "price": 1000}, {"title": "B", "price": 1000}, {"title": "C", "price": 1000}]
    order = shop.place_order(shop.create_customer(), lines, discount_codes=["loy-1"])
    assert [line_discount(line).shop for line in order.lines] == [334, 333, 333]
    platform.flush()
    body = received.bodies("orders/create")[0]
    assert body["discount_codes"] == [{"code": "LOY-1", "amount": "10.00", "type": "fixed_amount"}]
    assert body["discount_applications"][0]["value"] == "10.0"
    assert body["line_items"][0]["discount_allocations"][0]["amount"] == "3.34"
    assert body["total_discounts"] == "10.00"
    asked = admin.ask(
        '{ codeDiscountNodeByCode(code: "LOY-1") { codeDiscount { ... on DiscountCodeBasic { asyncUsageCount } } } }'
    )
    assert asked["codeDiscountNodeByCode"]["codeDiscount"]["asyncUsageCount"] == 1
    with pytest.raises(CheckoutRefused) as refused:
        shop.place_order(None, lines, discount_codes=["LOY-1"])
    assert refused.value.code == "code_used_up"


def test_free_shipping_takes_the_shipping_line(shop: DevShop, admin: Admin) -> None:
    given_ = {
        "title": "Free",
        "code": "SHIP",
        "startsAt": "2026-11-01T00:00:00Z",
        "context": {"all": "ALL"},
        "destination": {"all": True},
        "maximumShippingPrice": "8.00",
    }
    answer = admin.ask(
        "mutation($i: DiscountCodeFreeShippingInput!) {"
        " discountCodeFreeShippingCreate(freeShippingCodeDiscount: $i) { userErrors { code } } }",
        i=given_,
    )
    assert answer["discountCodeFreeShippingCreate"]["userErrors"] == []
    order = shop.place_order(None, [{"title": "Cup", "price": 1000}], discount_codes=["SHIP"], shipping=700)
    assert figures(order).total.shop == 1000
    assert order.applications[0].kind == "shipping"
    with pytest.raises(CheckoutRefused) as refused:
        shop.place_order(None, [{"title": "Cup", "price": 1000}], discount_codes=["SHIP"], shipping=900)
    assert refused.value.code == "shipping_too_high"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"startsAt": "2026-12-01T00:00:00Z"}, "code_not_active"),
        ({"endsAt": "2026-11-10T00:00:00Z"}, "code_not_active"),
        ({"minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": "10.01"}}}, "subtotal_too_low"),
    ],
)
def test_a_code_that_does_not_fit_is_refused(
    shop: DevShop, admin: Admin, more: dict[str, object], code: str
) -> None:
    make_code(admin, "X", {"discountAmount": {"amount": "5.00"}}, **more)
    with pytest.raises(CheckoutRefused) as refused:
        shop.place_order(None, [{"title": "Cup", "price": 1000}], discount_codes=["X"])
    assert refused.value.code == code
    assert shop.orders == {}


def test_a_code_belongs_to_its_customer_and_works_once_for_each(shop: DevShop, admin: Admin) -> None:
    ada, bela = shop.create_customer(), shop.create_customer()
    context = {"customers": {"add": [f"gid://shopify/Customer/{ada.id}"]}}
    make_code(admin, "ADA", {"percentage": 0.1}, context=context, appliesOncePerCustomer=True)
    cup = [{"title": "Cup", "price": 1000}]
    for stranger in (bela, None):
        with pytest.raises(CheckoutRefused) as refused:
            shop.place_order(stranger, cup, discount_codes=["ADA"])
        assert refused.value.code == "code_of_another_customer"
    shop.place_order(ada, cup, discount_codes=["ADA"])
    with pytest.raises(CheckoutRefused) as refused:
        shop.place_order(ada, cup, discount_codes=["ADA"])
    assert refused.value.code == "code_used_before"


def test_codes_combine_only_when_both_allow_it(shop: DevShop, admin: Admin) -> None:
    make_code(admin, "A", {"percentage": 0.1}, combinesWith={"orderDiscounts": True})
    make_code(admin, "B", {"percentage": 0.1}, combinesWith={"orderDiscounts": True})
    make_code(admin, "C", {"percentage": 0.1})
    cup = [{"title": "Cup", "price": 1000}]
    order = shop.place_order(None, cup, discount_codes=["A", "B"], shipping=0)
    assert figures(order).total.shop == 810
    with pytest.raises(CheckoutRefused, match="can't be combined"):
        shop.place_order(None, cup, discount_codes=["A", "C"])


def test_an_order_that_costs_nothing_is_paid(
    shop: DevShop, platform: DevPlatform, received: Received
) -> None:
    shop.place_order(None, [{"title": "Sample", "price": 0}], shipping=0)
    platform.flush()
    assert received.topics == ["orders/create", "orders/paid", "orders/updated"]
    assert received.bodies("orders/paid")[0]["payment_gateway_names"] == []


def test_orders_of_a_shop_are_numbered_and_ids_are_big(shop: DevShop, clock: Clock) -> None:
    orders: list[Order] = [shop.place_order(None, [{"title": "Cup", "price": 1}]) for _ in range(3)]
    assert [order.name for order in orders] == ["#1001", "#1002", "#1003"]
    assert any(order.id > 2**53 for order in orders)
    assert all(line.id > 2**53 for order in orders for line in order.lines)


def test_the_same_seed_gives_the_same_ids(clock: Clock) -> None:
    def ids(seed: int) -> list[int]:
        shop = DevPlatform(now=clock, seed=seed).create_shop("a.myshopify.com")
        return [shop.create_customer().id for _ in range(3)]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_a_split_loses_nothing(amount: int, weights: list[int]) -> None:
    shares = split(amount, weights)
    assert len(shares) == len(weights)
    if sum(weights):
        assert sum(shares) == amount
        whole = sum(weights)
        assert all(
            abs(share * whole - amount * weight) < whole
            for share, weight in zip(shares, weights, strict=True)
        )


@given(st.integers(0, 10**7), st.integers(1, 50), st.data())
def test_units_of_a_line_add_up(amount: int, count: int, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, count))
    whole = Bag(amount, amount * 2)
    assert units(whole, count, 0, cut) + units(whole, count, cut, count) == whole


@given(st.integers(-(10**9), 10**9), st.sampled_from(["CHF", "JPY", "KWD"]))
def test_money_is_read_as_it_was_written(minor: int, currency: str) -> None:
    assert to_minor(in_webhooks(minor, currency), currency) == minor
    assert to_minor(in_graphql(minor, currency), currency) == minor


def test_money_is_written_as_shopify_writes_it() -> None:
    assert (in_webhooks(2500, "CHF"), in_graphql(2500, "CHF"), in_graphql(2505, "CHF")) == (
        "25.00",
        "25.0",
        "25.05",
    )
    assert (in_webhooks(2500, "JPY"), in_graphql(2500, "JPY")) == ("2500", "2500.0")
