"""Discount codes against the development shop: one code whatever goes wrong, and honest about its use."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from devshop.errors import CheckoutRefused
from devshop.records import Discount
from devshop.shop import Customer, DevPlatform, DevShop
from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import AccessDenied, Throttled, Unavailable
from plugin.shopify.perform import CodeOrder, Made, RefusedForGood, Withdrawn, make_code, withdraw_code
from tests.shopify.conftest import Clock

TEA = {"title": "Tea", "price": 2500}
CREATE = "discountCodeBasicCreate"


@pytest.fixture
def robin(shop: DevShop) -> Customer:
    return shop.create_customer(first_name="Robin", last_name="Roe", email="robin@example.com")


@pytest.fixture
def wanted(robin: Customer, clock: Clock) -> CodeOrder:
    return CodeOrder(
        code="REG-7F3K-Q2ZD",
        kind="amount_off",
        value_minor=500,
        currency="CHF",
        minimum_minor=2000,
        customer_id=robin.id,
        title="CHF 5 off for 500 points",
        starts_at=clock(),
        ends_at=clock() + timedelta(days=90),
        tag="regulars-7001",
    )


def made(shop: DevShop) -> list[Discount]:
    return list(shop.desk.shop.discounts.values())


def test_code_is_for_one_customer_once_above_the_minimum_until_its_end(
    shop: DevShop, client: AdminClient, robin: Customer, wanted: CodeOrder, clock: Clock
) -> None:
    outcome = make_code(client, wanted, first_attempt=True)
    [code] = made(shop)
    assert outcome == Made(f"gid://shopify/DiscountCodeNode/{code.id}")
    assert (code.amount, code.usage_limit, code.once_per_customer, code.customers) == (
        500,
        1,
        True,
        [robin.id],
    )
    assert (code.minimum_subtotal, code.ends_at) == (2000, wanted.ends_at)
    with pytest.raises(CheckoutRefused):
        shop.place_order(None, [TEA], [wanted.code])
    with pytest.raises(CheckoutRefused):
        shop.place_order(robin, [{"title": "Tea", "price": 1999}], [wanted.code])
    order = shop.place_order(robin, [TEA], [wanted.code])
    assert order.applications[0].amount.shop == 500
    with pytest.raises(CheckoutRefused):
        shop.place_order(robin, [TEA], [wanted.code])


def test_free_shipping_pays_shipping_up_to_its_value(
    shop: DevShop, client: AdminClient, robin: Customer, wanted: CodeOrder
) -> None:
    shipping = replace(wanted, kind="free_shipping", value_minor=800, minimum_minor=None)
    assert isinstance(make_code(client, shipping, first_attempt=True), Made)
    with pytest.raises(CheckoutRefused):
        shop.place_order(robin, [TEA], [wanted.code], shipping=801)
    order = shop.place_order(robin, [TEA], [wanted.code], shipping=800)
    assert sum(part.amount.shop for line in order.shipping for part in line.allocations) == 800


def test_free_shipping_without_a_limit_and_money_without_cents(
    shop: DevShop, client: AdminClient, wanted: CodeOrder
) -> None:
    endless = replace(wanted, kind="free_shipping", value_minor=None, ends_at=None)
    assert isinstance(make_code(client, endless, first_attempt=True), Made)
    [code] = made(shop)
    assert (code.maximum_shipping, code.ends_at) == (None, None)
    shop.desk.shop.currency = "JPY"
    yen = replace(wanted, code="REG-YEN", currency="JPY", value_minor=500, minimum_minor=2000)
    assert isinstance(make_code(client, yen, first_attempt=True), Made)
    assert made(shop)[1].amount == 500


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before", "http_500", "http_503"])
def test_whatever_became_of_the_first_try_there_is_one_code(
    platform: DevPlatform, shop: DevShop, client: AdminClient, wanted: CodeOrder, fault: str
) -> None:
    platform.faults.add(fault, CREATE)
    with pytest.raises(Unavailable) as caught:
        make_code(client, wanted, first_attempt=True)
    assert caught.value.outcome_unknown
    assert len(made(shop)) == (1 if fault == "timeout_after" else 0)
    outcome = make_code(client, wanted, first_attempt=False)
    [code] = made(shop)
    assert outcome == Made(f"gid://shopify/DiscountCodeNode/{code.id}")


def test_made_again_after_every_possible_loss_of_memory(
    shop: DevShop, client: AdminClient, wanted: CodeOrder
) -> None:
    """A worker that died after the call and believes it is the first: TAKEN, read back, ours."""
    first = make_code(client, wanted, first_attempt=True)
    assert make_code(client, wanted, first_attempt=True) == first
    assert make_code(client, wanted, first_attempt=False) == first
    assert len(made(shop)) == 1


@pytest.mark.parametrize("first_attempt", [True, False])
@pytest.mark.parametrize("difference", ["title", "tag", "customer_id"])
def test_a_code_of_somebody_else_is_left_alone(
    shop: DevShop, client: AdminClient, wanted: CodeOrder, first_attempt: bool, difference: str
) -> None:
    other = shop.create_customer(first_name="Kim", last_name="Poe", email="kim@example.com")
    theirs = {
        "title": replace(wanted, title="Summer"),
        "tag": replace(wanted, tag="summer"),
        "customer_id": replace(wanted, customer_id=other.id),
    }[difference]
    make_code(client, theirs, first_attempt=True)
    assert make_code(client, wanted, first_attempt=first_attempt) == RefusedForGood("code_taken")
    assert len(made(shop)) == 1


def test_throttled_is_no_refusal(
    platform: DevPlatform, shop: DevShop, client: AdminClient, wanted: CodeOrder
) -> None:
    platform.faults.add("throttle", CREATE, times=None)
    with pytest.raises(Throttled):
        make_code(client, wanted, first_attempt=True)
    assert made(shop) == []
    platform.faults.clear()
    assert isinstance(make_code(client, wanted, first_attempt=True), Made)


def test_throttled_once_is_waited_for(platform: DevPlatform, client: AdminClient, wanted: CodeOrder) -> None:
    platform.faults.add("throttle", CREATE)
    assert isinstance(make_code(client, wanted, first_attempt=True), Made)


def test_refused_for_good(
    platform: DevPlatform, shop: DevShop, client: AdminClient, wanted: CodeOrder
) -> None:
    platform.faults.add("refuse", CREATE, code="EXCEEDED_MAX")
    assert make_code(client, wanted, first_attempt=True) == RefusedForGood("refused_exceeded_max")
    gone = replace(wanted, customer_id=(wanted.customer_id or 0) + 1)
    assert make_code(client, gone, first_attempt=True) == RefusedForGood("refused_invalid")
    assert made(shop) == []


def test_a_missing_scope_is_not_for_good(shop: DevShop, client: AdminClient, wanted: CodeOrder) -> None:
    shop.desk.shop.scopes.remove("write_discounts")
    with pytest.raises(AccessDenied):
        make_code(client, wanted, first_attempt=True)


def test_withdrawn_code_buys_nothing_and_was_not_used(
    shop: DevShop, client: AdminClient, robin: Customer, wanted: CodeOrder
) -> None:
    outcome = make_code(client, wanted, first_attempt=True)
    assert isinstance(outcome, Made)
    for _ in range(2):
        assert withdraw_code(client, outcome.gid, wanted.code) == Withdrawn(used=False)
    with pytest.raises(CheckoutRefused):
        shop.place_order(robin, [TEA], [wanted.code])


def test_used_code_is_said_to_be_used(
    shop: DevShop, client: AdminClient, robin: Customer, wanted: CodeOrder
) -> None:
    outcome = make_code(client, wanted, first_attempt=True)
    assert isinstance(outcome, Made)
    shop.place_order(robin, [TEA], [wanted.code])
    assert withdraw_code(client, outcome.gid, wanted.code) == Withdrawn(used=True)


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before", "http_500"])
def test_withdrawing_again_after_an_unknown_outcome(
    platform: DevPlatform, client: AdminClient, wanted: CodeOrder, fault: str
) -> None:
    outcome = make_code(client, wanted, first_attempt=True)
    assert isinstance(outcome, Made)
    platform.faults.add(fault, "discountCodeDeactivate")
    with pytest.raises(Unavailable):
        withdraw_code(client, outcome.gid, wanted.code)
    assert withdraw_code(client, outcome.gid, wanted.code) == Withdrawn(used=False)


def test_withdrawing_a_code_whose_making_is_unknown(
    platform: DevPlatform, shop: DevShop, client: AdminClient, robin: Customer, wanted: CodeOrder
) -> None:
    assert withdraw_code(client, None, wanted.code, tag=wanted.tag) == Withdrawn(used=False)
    platform.faults.add("timeout_after", CREATE)
    with pytest.raises(Unavailable):
        make_code(client, wanted, first_attempt=True)
    assert withdraw_code(client, None, wanted.code, tag=wanted.tag) == Withdrawn(used=False)
    with pytest.raises(CheckoutRefused):
        shop.place_order(robin, [TEA], [wanted.code])


def test_a_merchants_own_code_is_never_switched_off(
    shop: DevShop, client: AdminClient, robin: Customer, wanted: CodeOrder
) -> None:
    make_code(client, replace(wanted, tag="summer"), first_attempt=True)
    assert withdraw_code(client, None, wanted.code, tag=wanted.tag) == Withdrawn(used=False)
    assert shop.place_order(robin, [TEA], [wanted.code]).applications[0].amount.shop == 500
