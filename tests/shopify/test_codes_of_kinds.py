"""Codes of every kind against the development shop: what they take off, of what, beside what, and never more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devshop.errors import CheckoutRefused
from devshop.records import Discount
from devshop.shop import Customer, DevPlatform, DevShop, Order, Product
from plugin.domain.programme import Reward
from plugin.domain.rewards import capped
from plugin.shopify.admin import AdminClient
from plugin.shopify.code_inputs import discount_input
from plugin.shopify.errors import Refused, Unavailable
from plugin.shopify.perform import CodeKind, CodeOrder, Made, RefusedForGood, combine_code, make_code
from tests.shopify.conftest import Clock


@pytest.fixture
def robin(shop: DevShop) -> Customer:
    return shop.create_customer(first_name="Robin", last_name="Roe", email="robin@example.com")


@pytest.fixture
def tea(shop: DevShop) -> Product:
    return shop.create_product("Tea", 2_500, collections=[77])


@pytest.fixture
def mug(shop: DevShop) -> Product:
    return shop.create_product("Mug", 1_200)


@pytest.fixture
def wanted(robin: Customer, clock: Clock) -> CodeOrder:
    return CodeOrder(
        code="REG-7F3K-Q2ZD", kind="percent_off", value_minor=None, currency="CHF", minimum_minor=None,
        customer_id=robin.id, title="10 % off", starts_at=clock(), ends_at=clock() + timedelta(days=90),
        tag="regulars-7001", percent=10,
    )  # fmt: skip


def made(client: AdminClient, order: CodeOrder) -> Made:
    outcome = make_code(client, order, first_attempt=True)
    assert isinstance(outcome, Made), outcome
    return outcome


def off(order: Order) -> dict[int | None, int]:
    """What was taken off each product."""
    return {line.product_id: sum(part.amount.shop for part in line.allocations) for line in order.lines}


def test_a_percentage_of_the_whole_order(
    shop: DevShop, client: AdminClient, robin: Customer, tea: Product, mug: Product, wanted: CodeOrder
) -> None:
    made(client, wanted)
    order = shop.place_order(robin, [(tea, 2), mug], [wanted.code])
    assert off(order) == {tea.id: 500, mug.id: 120}


@pytest.mark.parametrize("scope", ["products", "collections"])
def test_a_percentage_of_some_products_only(
    shop: DevShop,
    client: AdminClient,
    robin: Customer,
    tea: Product,
    mug: Product,
    wanted: CodeOrder,
    scope: str,
) -> None:
    things = (str(tea.id),) if scope == "products" else ("77",)
    made(client, replace(wanted, **{scope: things}))  # type: ignore[arg-type]
    order = shop.place_order(robin, [(tea, 2), mug], [wanted.code])
    assert off(order) == {tea.id: 500, mug.id: 0}


def test_a_code_for_other_products_is_refused_at_the_checkout(
    shop: DevShop, client: AdminClient, robin: Customer, tea: Product, mug: Product, wanted: CodeOrder
) -> None:
    made(client, replace(wanted, products=(str(tea.id),)))
    with pytest.raises(CheckoutRefused) as refused:
        shop.place_order(robin, [mug], [wanted.code])
    assert refused.value.code == "code_for_other_products"


@pytest.mark.parametrize(("percent", "taken"), [(100, 1_200), (50, 600)])
def test_a_product_is_given_once_when_enough_is_bought(
    shop: DevShop, client: AdminClient, robin: Customer, tea: Product, mug: Product, wanted: CodeOrder,
    percent: int, taken: int,
) -> None:  # fmt: skip
    gift = replace(
        wanted,
        kind="product",
        percent=percent,
        products=(str(mug.id),),
        buys_collections=("77",),
        buys_minor=5_000,
    )
    made(client, gift)
    with pytest.raises(CheckoutRefused):
        shop.place_order(robin, [tea, mug], [wanted.code])
    order = shop.place_order(robin, [(tea, 2), (mug, 3)], [wanted.code])
    assert off(order) == {tea.id: 0, mug.id: taken}
    with pytest.raises(CheckoutRefused):
        shop.place_order(robin, [(tea, 2), mug], [wanted.code])


def test_a_product_that_the_shop_no_longer_has_is_refused_for_good(
    client: AdminClient, wanted: CodeOrder
) -> None:
    outcome = make_code(client, replace(wanted, products=("42",)), first_attempt=True)
    assert outcome == RefusedForGood("refused_invalid")


@pytest.mark.parametrize(
    ("purchases", "flags"),
    [("one_time", (True, False)), ("subscription", (False, True)), ("both", (True, True))],
)
def test_subscriptions_are_said_on_every_kind(
    shop: DevShop,
    client: AdminClient,
    tea: Product,
    wanted: CodeOrder,
    purchases: Literal["one_time", "subscription", "both"],
    flags: tuple[bool, bool],
) -> None:
    kinds: tuple[CodeKind, ...] = ("percent_off", "free_shipping", "product")
    for n, kind in enumerate(kinds):
        order = replace(
            wanted, code=f"REG-{n}", kind=kind, purchases=purchases, buys_products=(str(tea.id),),
            products=(str(tea.id),) if kind == "product" else (),
        )  # fmt: skip
        made(client, order)
    codes: list[Discount] = list(shop.desk.shop.discounts.values())
    assert [(code.one_time, code.subscription) for code in codes] == [flags] * 3


@pytest.mark.parametrize("kind", ["percent_off", "amount_off", "free_shipping", "product"])
def test_an_existing_code_follows_what_it_may_be_combined_with(
    shop: DevShop, client: AdminClient, robin: Customer, tea: Product, wanted: CodeOrder, kind: CodeKind
) -> None:
    order = replace(
        wanted, kind=kind, value_minor=500, products=(str(tea.id),) if kind == "product" else (),
        buys_products=(str(tea.id),), combines=frozenset({"product"}),
    )  # fmt: skip
    gid = made(client, order).gid
    [code] = shop.desk.shop.discounts.values()
    assert code.combines_with == ["PRODUCT"]
    for _ in range(2):
        assert combine_code(client, gid, order.code, order.kind, frozenset({"order", "product"}))
    assert code.combines_with == ["ORDER", "PRODUCT"]
    assert (code.code, code.customers, code.usage_limit) == (order.code, [robin.id], 1)


def test_combining_a_code_that_the_merchant_deleted_is_done(
    platform: DevPlatform, shop: DevShop, client: AdminClient, wanted: CodeOrder
) -> None:
    gid = made(client, wanted).gid
    shop.desk.shop.discounts.clear()
    assert not combine_code(client, gid, wanted.code, "percent_off", frozenset())
    made(client, wanted)
    platform.faults.add("refuse", "discountCodeBasicUpdate", code="INTERNAL_ERROR")
    with pytest.raises(Unavailable):
        combine_code(client, gid, wanted.code, "percent_off", frozenset())
    platform.faults.add("refuse", "discountCodeBasicUpdate", code="INVALID")
    with pytest.raises(Refused):
        combine_code(client, gid, wanted.code, "percent_off", frozenset())


@given(
    percent=st.integers(1, 100),
    most=st.integers(1, 100_000),
    basket=st.none() | st.integers(1, 1_000_000),
    subtotal=st.integers(1, 1_000_000),
    minimum=st.none() | st.integers(1, 10_000),
)
@settings(max_examples=200, deadline=None)
def test_a_percentage_with_a_most_never_gives_more_than_either(
    percent: int, most: int, basket: int | None, subtotal: int, minimum: int | None
) -> None:
    reward = Reward("p", "percent_off", "", 1, most, minimum, percent=percent)
    pinned = capped(reward, basket)
    assert pinned.exact_minor is not None
    assert pinned.minimum_minor is not None
    assert pinned.minimum_minor >= (minimum or 0)
    if subtotal >= pinned.minimum_minor:  # where Shopify lets the code be used
        assert 0 < pinned.exact_minor <= most
        assert pinned.exact_minor * 100 <= subtotal * percent
    if basket is not None and basket * percent >= 100 and basket >= (minimum or 0):
        assert pinned.exact_minor == min(most, basket * percent // 100)
        assert pinned.minimum_minor <= basket


def test_what_is_not_asked_for_is_not_said(wanted: CodeOrder) -> None:
    said = discount_input(replace(wanted, kind="amount_off", value_minor=500))
    assert said["customerGets"]["items"] == {"all": True}
    assert "minimumRequirement" not in said
    assert "customerBuys" not in said
