"""Products and payments behind an order, read through the Admin API of the development shop."""

from __future__ import annotations

import pytest

from devshop.shop import DevShop
from plugin.domain.facts import Buyer, LineProduct, OrderSeen
from plugin.shopify import order_details
from plugin.shopify.admin import AdminClient
from plugin.shopify.order_details import with_details
from plugin.shopify.orders import order_seen
from tests.shopify.test_orders import calls_of


def read(client: AdminClient, order_id: int) -> OrderSeen:
    seen = order_seen(client, order_id)
    assert seen is not None
    return with_details(client, seen)


def test_each_line_tells_its_products_type_tags_and_collections(
    shop: DevShop, client: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea = shop.create_product("Tea", 1250, product_type="Tea", tags=["new", "Green"])
    cup, gone = shop.create_product("Cup", 900), shop.create_product("Old", 100)
    spring, all_of_it = shop.create_collection("Spring", tea), shop.create_collection("All", tea, cup)
    order = shop.place_order(None, [(tea, 2), (cup, 1), (gone, 1)])
    del shop.desk.shop.products[gone.id]
    sent = calls_of(client, monkeypatch)
    first, second, third = (line.id for line in order.lines)
    assert read(client, order.id).products == (
        LineProduct(first, "Tea", ("Green", "new"), (spring, all_of_it)),
        LineProduct(second, "", (), (all_of_it,)),
        LineProduct(third),
    )
    assert sent == ["order", "order_details"]


def test_long_orders_and_products_in_many_collections_are_read_whole(
    shop: DevShop, client: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_details, "PAGE", {"lines": 2, "collections": 2, "payments": 50})
    monkeypatch.setattr(order_details, "MORE_COLLECTIONS", 2)
    tea = shop.create_product("Tea", 1250)
    numbers = tuple(shop.create_collection(f"No. {n}", tea) for n in range(5))
    order = shop.place_order(None, [(tea, n) for n in (1, 2, 3, 4, 5)])
    seen = read(client, order.id)
    assert [one.line_id for one in seen.products] == [line.id for line in order.lines]
    assert {one.collections for one in seen.products} == {numbers}


def test_what_was_paid_by_gift_card_and_store_credit(shop: DevShop, client: AdminClient) -> None:
    tea = shop.create_product("Tea", 10_000)
    order = shop.place_order(None, [(tea, 1)], paid=False, shipping=0)
    shop.pay(order, 2_500, "gift_card")
    shop.pay(order, 1_500, "shopify_store_credit")
    shop.pay(order, None, "bogus")
    shop.refund(order, amount=700)
    seen = read(client, order.id)
    assert seen.payments is not None
    assert (seen.payments.paid_minor, seen.payments.credit_minor) == (10_000, 4_000)
    assert seen.payments.updated_at == seen.head.updated_at
    assert set(seen.head.gateways) == {"gift_card", "shopify_store_credit", "bogus"}


def test_who_bought(shop: DevShop, client: AdminClient) -> None:
    robin = shop.create_customer(
        first_name="Robin", last_name="Roe", email="r@example.com", tags=["vip", "Berlin"]
    )
    tea = shop.create_product("Tea", 1250)
    for company, expected in (
        (None, Buyer(False, ("Berlin", "vip"))),
        ("Roe Ltd", Buyer(True, ("Berlin", "vip"))),
    ):
        assert read(client, shop.place_order(robin, [(tea, 1)], company=company).id).buyer == expected


def test_an_order_that_vanished_meanwhile_stays_as_it_was_read(shop: DevShop, client: AdminClient) -> None:
    order = shop.place_order(None, [(shop.create_product("Tea", 1250), 1)])
    seen = order_seen(client, order.id)
    assert seen is not None
    del shop.desk.shop.orders[order.id]
    assert with_details(client, seen) == seen
