"""Orders read through the Admin API of the development shop: whole, and equal to what the webhooks of them say."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from devshop.shop import DevPlatform, DevShop
from plugin.domain.facts import OrderSeen
from plugin.shopify import orders as platform_orders
from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import AccessDenied, Unavailable
from plugin.shopify.orders import order_seen, orders_changed, orders_updated_since
from tests.shopify.conftest import Clock
from webhooks.payloads.orders import order_seen as from_webhook


def last_webhook(platform: DevPlatform, topic: str = "orders/updated") -> OrderSeen:
    """What the newest waiting webhook of that topic says."""
    body = next(one.body for one in reversed(platform.queue) if one.topic == topic)
    seen = from_webhook(body)
    assert isinstance(seen, OrderSeen)
    return seen


def as_webhook(read: OrderSeen) -> OrderSeen:
    """A read without what only a read can say: its origin, when the carrier delivered, and who bought."""
    return replace(read, head=replace(read.head, origin="webhook"), deliveries=(), buyer=None)


def read(client: AdminClient, order_id: int) -> OrderSeen:
    seen = order_seen(client, order_id)
    assert seen is not None
    return seen


def calls_of(client: AdminClient, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on, the names of the documents that are sent."""
    sent: list[str] = []
    run = AdminClient.run

    def noted(self: AdminClient, name: str, variables: dict[str, object] | None = None) -> dict[str, object]:
        sent.append(name)
        return run(self, name, variables)

    monkeypatch.setattr(AdminClient, "run", noted)
    return sent


def test_an_ordinary_order_takes_one_call_and_equals_its_webhook(
    platform: DevPlatform, shop: DevShop, client: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    robin = shop.create_customer(first_name="Robin", last_name="Roe", email="robin@example.com")
    tea = shop.create_product("Tea", 1250)
    order = shop.place_order(robin, [(tea, 2)], tip=150)
    sent = calls_of(client, monkeypatch)
    seen = read(client, order.id)
    assert sent == ["order"]
    assert as_webhook(seen) == last_webhook(platform, "orders/create")
    assert seen.head.origin == "read"
    assert (seen.head.lines[0].net_minor, seen.head.tip_minor) == (2500, 150)


def test_an_order_of_another_shop_is_none(platform: DevPlatform, shop: DevShop, client: AdminClient) -> None:
    other = platform.create_shop("dev-two.myshopify.com")
    theirs = other.place_order(None, [{"title": "Tea", "price": 100}])
    assert order_seen(client, theirs.id) is None
    assert order_seen(client, f"gid://shopify/Order/{theirs.id}") is None


@pytest.mark.parametrize("taxes_included", [True, False])
@pytest.mark.parametrize("currency", [None, "EUR"])
def test_a_long_life_reads_as_its_webhooks_say(
    platform: DevPlatform,
    client: AdminClient,
    shop: DevShop,
    clock: Clock,
    taxes_included: bool,
    currency: str | None,
) -> None:
    shop.desk.shop.taxes_included = taxes_included
    shop.desk.shop.rates = {"EUR": "1.0417"}
    tea, card = shop.create_product("Tea", 1250), shop.create_product("Card", 5000, gift_card=True)
    song = shop.create_product("Song", 199, requires_shipping=False)
    robin = shop.create_customer(first_name="Robin", last_name="Roe", email="robin@example.com")
    order = shop.place_order(
        robin, [(tea, 5), (card, 1), (song, 3)], paid=False, currency=currency, duties=320
    )

    def same() -> OrderSeen:
        seen = read(client, order.id)
        assert as_webhook(seen) == last_webhook(platform)
        return seen

    clock.forward(minutes=5)
    shop.pay(order)
    assert same().head.financial_status == "paid"
    clock.forward(hours=1)
    shop.edit(order, add=[(tea, 1)], remove={order.lines[0].id: 2})
    assert [line.removed for line in sorted(same().head.lines, key=lambda line: -line.removed)][:2] == [2, 0]
    clock.forward(days=1)
    parcel = shop.fulfil(order, {order.lines[0].id: 2})
    assert same().fulfilments[0].lines == ((order.lines[0].id, 2),)
    arrived = clock.forward(days=2)
    shop.deliver_parcel(parcel)
    seen = same()
    assert seen.fulfilments[0].delivered_at == arrived
    assert seen.deliveries == ((parcel.id, arrived),)
    clock.forward(days=1)
    shop.refund(order, {order.lines[0].id: 1}, shipping=300)
    clock.forward(days=1)
    shop.refund(order, amount=111, to_store_credit=True)
    seen = same()
    assert [len(refund.lines) for refund in seen.refunds] == [1, 0]
    assert seen.head.lines[0].quantity == 5
    clock.forward(days=1)
    shop.cancel_fulfilment(parcel)
    assert same().fulfilments[0].status == "cancelled"
    shop.cancel(order)
    assert same().head.cancelled_at is not None


def test_120_lines_and_25_refunds_are_read_whole(
    platform: DevPlatform, shop: DevShop, client: AdminClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    basket = [{"title": f"Thing {n}", "price": 100 + n, "quantity": 1 + n % 3} for n in range(120)]
    order = shop.place_order(None, basket)
    # one refund with more lines than the first read shows, then many small ones
    clock.forward(hours=1)
    shop.refund(order, [(line, 1) for line in order.lines[:60]])
    for line in order.lines[60:84]:
        clock.forward(minutes=1)
        shop.refund(order, [(line, 1)])
    sent = calls_of(client, monkeypatch)
    seen = read(client, order.id)
    assert (len(seen.head.lines), len(seen.refunds), len(seen.refunds[0].lines)) == (120, 25, 60)
    assert as_webhook(seen) == last_webhook(platform)
    assert (sent.count("order"), sent.count("order_lines"), sent.count("order_parts")) == (1, 2, 1)
    # 22 refunds that the first read did not show, and the rest of the one whose lines it cut off
    assert sent.count("refund") == 23


def test_many_parcels_of_many_lines_are_read_whole(
    platform: DevPlatform, shop: DevShop, client: AdminClient, clock: Clock
) -> None:
    order = shop.place_order(None, [{"title": f"Thing {n}", "price": 100} for n in range(40)])
    shop.fulfil(order, [(line, 1) for line in order.lines[:30]])
    for line in order.lines[30:38]:
        parcel = shop.fulfil(order, [(line, 1)])
        for _ in range(12):
            clock.forward(hours=1)
            shop.shipment_event(parcel, "in_transit")
    arrived = clock.forward(hours=1)
    shop.deliver_parcel(parcel)
    seen = read(client, order.id)
    assert as_webhook(seen) == last_webhook(platform)
    assert sorted(len(one.lines) for one in seen.fulfilments) == [1] * 8 + [30]
    assert seen.deliveries == ((parcel.id, arrived),)


def test_an_order_that_changes_between_two_pages_is_read_again(
    platform: DevPlatform, shop: DevShop, client: AdminClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop.place_order(None, [{"title": f"Thing {n}", "price": 100} for n in range(40)])
    run = AdminClient.run
    meddled: list[str] = []

    def meddling(
        self: AdminClient, name: str, variables: dict[str, object] | None = None
    ) -> dict[str, object]:
        if name == "order_lines" and not meddled:
            meddled.append(name)
            clock.forward(minutes=1)
            shop.edit(order, remove={order.lines[0].id: 1})
        return run(self, name, variables)

    monkeypatch.setattr(AdminClient, "run", meddling)
    seen = read(client, order.id)
    assert meddled
    assert as_webhook(seen) == last_webhook(platform)
    assert seen.head.lines[0].removed == 1


def test_an_order_that_never_rests_is_left_for_later(
    shop: DevShop, client: AdminClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop.place_order(None, [{"title": f"Thing {n}", "price": 100} for n in range(40)], paid=False)
    run = AdminClient.run

    def meddling(
        self: AdminClient, name: str, variables: dict[str, object] | None = None
    ) -> dict[str, object]:
        if name == "order_lines":
            clock.forward(minutes=1)
            shop.pay(order, amount=1)
        return run(self, name, variables)

    monkeypatch.setattr(AdminClient, "run", meddling)
    with pytest.raises(Unavailable) as caught:
        order_seen(client, order.id)
    assert not caught.value.outcome_unknown


def test_without_data_approval_the_order_is_still_read(
    platform: DevPlatform, shop: DevShop, client: AdminClient
) -> None:
    robin = shop.create_customer(first_name="Robin", last_name="Roe", email="robin@example.com")
    shop.desk.shop.protected_data = []
    order = shop.place_order(robin, [{"title": "Tea", "price": 100}])
    seen = read(client, order.id)
    assert as_webhook(seen) == last_webhook(platform, "orders/create")
    assert seen.customer is not None
    assert (seen.customer.customer_id, seen.customer.email, seen.customer.first_name) == (
        robin.id,
        None,
        None,
    )


def test_without_the_customer_scope_a_member_is_not_mistaken_for_a_guest(
    shop: DevShop, client: AdminClient
) -> None:
    robin = shop.create_customer(first_name="Robin", last_name="Roe", email="robin@example.com")
    order = shop.place_order(robin, [{"title": "Tea", "price": 100}])
    shop.desk.shop.scopes = ["read_orders", "read_fulfillments"]
    with pytest.raises(AccessDenied):
        order_seen(client, order.id)


def test_without_the_optional_product_scope_lines_lose_only_their_product(
    shop: DevShop, client: AdminClient
) -> None:
    order = shop.place_order(None, [(shop.create_product("Tea", 1250), 2)])
    shop.desk.shop.scopes.remove("read_products")
    [line] = read(client, order.id).head.lines
    assert (line.net_minor, line.title) == (2500, "Tea")


def test_changed_orders_come_oldest_change_first_page_by_page(
    shop: DevShop, client: AdminClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform_orders, "CHANGED_PER_PAGE", 3)
    made = []
    for _ in range(8):
        clock.forward(minutes=10)
        made.append(shop.place_order(None, [{"title": "Tea", "price": 100}], paid=False))
    since = made[2].updated_at
    clock.forward(minutes=10)
    shop.pay(made[0])
    expected = [one.id for one in made[2:]] + [made[0].id]
    assert [order_id for order_id, _ in orders_changed(client, since)] == expected
    until = made[5].updated_at
    assert [order_id for order_id, _ in orders_changed(client, since, until)] == [one.id for one in made[2:6]]
    assert [one.order_id for one in orders_updated_since(client, since)] == expected
    assert list(orders_changed(client, clock.forward(days=1))) == []


def test_an_order_deleted_during_reconciliation_is_left_out(
    shop: DevShop, client: AdminClient, clock: Clock
) -> None:
    first = shop.place_order(None, [{"title": "Tea", "price": 100}], paid=False)
    clock.forward(minutes=1)
    second = shop.place_order(None, [{"title": "Tea", "price": 100}], paid=False)
    found = orders_updated_since(client, datetime(2026, 1, 1, tzinfo=UTC))
    assert next(found).order_id == first.id
    shop.delete_order(second)
    assert list(found) == []


@pytest.mark.parametrize("fault", ["throttle", "http_500", "timeout_before"])
def test_a_read_survives_passing_trouble(
    platform: DevPlatform, shop: DevShop, client: AdminClient, fault: str
) -> None:
    order = shop.place_order(None, [{"title": "Tea", "price": 100}])
    platform.faults.add(fault, "Order")
    assert read(client, order.id).order_id == order.id
    assert platform.faults.pending == []


@pytest.mark.parametrize("seed", range(6))
def test_random_lives_read_as_their_webhooks_say(
    platform: DevPlatform, shop: DevShop, client: AdminClient, clock: Clock, seed: int
) -> None:
    dice = random.Random(seed)
    shop.desk.shop.taxes_included = dice.random() < 0.5
    robin = shop.create_customer(first_name="Robin", last_name="Roe", email="robin@example.com")
    basket = [
        {"title": f"Thing {n}", "price": dice.randrange(1, 9999), "quantity": dice.randrange(1, 6)}
        for n in range(dice.randrange(1, 9))
    ]
    order = shop.place_order(dice.choice([None, robin]), basket)
    for _ in range(12):
        clock.forward(minutes=dice.randrange(1, 600))
        line = dice.choice(order.lines)
        left = line.quantity - line.removed - line.refunded
        action = dice.choice(["fulfil", "deliver", "refund", "amount", "edit", "add"])
        if action == "fulfil" and (count := left - line.fulfilled) > 0:
            shop.fulfil(order, [(line, dice.randint(1, count))])
        elif action == "deliver" and order.fulfilments:
            shop.deliver_parcel(dice.choice(order.fulfilments))
        elif action == "refund" and left > 0:
            shop.refund(order, [(line, dice.randint(1, left))])
        elif action == "amount":
            shop.refund(order, amount=1, to_store_credit=dice.random() < 0.5)
        elif action == "edit" and left - line.fulfilled > 0:
            shop.edit(order, remove=[(line, 1)])
        elif action == "add":
            shop.edit(order, add=[{"title": "More", "price": dice.randrange(1, 999)}])
        topic = (
            "orders/updated"
            if any(one.topic == "orders/updated" for one in platform.queue)
            else "orders/create"
        )
        assert as_webhook(read(client, order.id)) == last_webhook(platform, topic)
