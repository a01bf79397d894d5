"""The order admin: every button does what it says, and the app hears of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devshop.order_records import Order
from tests.faces.conftest import House, Visitor, notes


@pytest.fixture
def order(house: House, visitor: Visitor) -> Order:
    anna = house.customer()
    made = house.shop.place_order(
        anna, [(house.wares["hut-mug"], 2), (house.wares["stoneware-pot"], 1)], paid=False
    )
    house.platform.flush()
    house.delivered.clear()
    return made


def test_pay_send_and_deliver_reach_the_app(house: House, visitor: Visitor, order: Order) -> None:
    assert "CHF 135.00 received" in visitor.act(order, "pay")
    assert house.topics == ["orders/paid", "orders/updated"]
    assert "on its way with DHL" in visitor.act(
        order, "fulfil", carrier="DHL", **{f"line-{order.lines[0].id}": 2, f"line-{order.lines[1].id}": 0}
    )
    assert house.topics[2:] == ["fulfillments/create", "orders/partially_fulfilled", "orders/updated"]
    visitor.act(order, "event", parcel=order.fulfilments[0].id, status="in_transit")
    assert "1 parcel delivered" in visitor.act(order, "deliver")
    assert order.fulfilments[0].shipment_status == "delivered"
    assert house.topics[5:] == ["fulfillment_events/create", "fulfillments/update", "orders/updated"] * 2


def test_a_part_can_be_paid_and_what_cannot_be_read_is_said(
    house: House, visitor: Visitor, order: Order
) -> None:
    assert "CHF 20.00 received" in visitor.act(order, "pay", amount="20,00")
    assert "could not be read" in visitor.act(order, "pay", amount="twenty")
    assert "below zero" in visitor.act(order, "refund", amount="-5")
    assert sum(one.amount.shop for one in order.transactions) == 2000


def test_refunds_by_line_by_amount_and_as_credit(house: House, visitor: Visitor, order: Order) -> None:
    visitor.act(order, "pay")
    house.platform.flush()
    house.delivered.clear()
    mug = order.lines[0]
    assert "CHF 24.50 given back" in visitor.act(order, "refund", note="Chipped", **{f"line-{mug.id}": 1})
    assert "CHF 5.00 given back" in visitor.act(order, "refund", amount="5", store_credit="on")
    assert mug.refunded == 1
    assert [one.note for one in order.refunds] == ["Chipped", ""]
    assert order.transactions[-1].gateway == "shopify_store_credit"
    assert house.topics == ["refunds/create", "orders/updated"] * 2
    assert "refund less" in visitor.act(order, "refund", amount="900")


def test_a_return_takes_its_steps(house: House, visitor: Visitor, order: Order) -> None:
    visitor.act(order, "pay")
    visitor.act(order, "fulfil", carrier="Swiss Post")
    house.platform.flush()
    house.delivered.clear()
    visitor.act(order, "return", requested="on", **{f"line-{order.lines[0].id}": 1})
    for step in ("approve", "process", "close"):
        visitor.act(order, "step_return", **{"return": order.returns[0].id, "step": step})
    told = [topic for topic in house.topics if topic != "orders/updated"]
    assert told == ["returns/request", "returns/approve", "returns/process", "returns/close"] or told == [
        "returns/approve",
        "returns/process",
        "returns/close",
    ]
    assert order.returns[0].status == "closed"


def test_quantities_are_edited_up_and_down_and_a_product_is_added(
    house: House, visitor: Visitor, order: Order
) -> None:
    mug, pot = order.lines
    socks = house.wares["trail-socks"]
    visitor.act(order, "edit", product=socks.id, **{f"line-{mug.id}": 1, f"line-{pot.id}": 2})
    assert (mug.removed, pot.quantity, order.lines[2].title) == (1, 2, "Trail Socks")
    assert house.topics == ["orders/edited", "orders/updated"]
    assert "first" in visitor.act(order, "edit")


def test_cancel_and_delete(house: House, visitor: Visitor, order: Order) -> None:
    visitor.act(order, "cancel", reason="customer", refund="on")
    assert order.cancelled_at is not None
    assert "orders/cancelled" in house.topics
    answer = visitor.send(f"/shop-admin/orders/{order.id}", action="delete")
    assert "is deleted" in notes(answer)
    assert house.topics[-1] == "orders/delete"


def test_an_unknown_action_or_order_is_refused(house: House, visitor: Visitor, order: Order) -> None:
    assert visitor.send(f"/shop-admin/orders/{order.id}", action="melt").status_code == 400
    assert visitor.send("/shop-admin/orders/9", action="pay").status_code == 404


def test_webhooks_go_out_again_under_their_old_ids(house: House, visitor: Visitor, order: Order) -> None:
    visitor.act(order, "pay")
    house.platform.flush()
    first = [headers["X-Shopify-Webhook-Id"] for _, headers, _ in house.delivered]
    said = notes(visitor.send("/shop-admin/log", action="resend_shuffled", order=order.id))
    again = [headers["X-Shopify-Webhook-Id"] for _, headers, _ in house.delivered][len(first) :]
    assert "went out again" in said
    assert set(first) < set(again)
    assert len(again) == len(set(again))


def test_webhooks_held_back_go_out_shuffled_and_doubled(house: House, visitor: Visitor, order: Order) -> None:
    visitor.send("/shop-admin/log", action="hold")
    for _ in range(6):
        house.shop.place_order(None, [(house.wares["hut-mug"], 1)])
    assert "18 webhooks held back" in visitor.page("/shop-admin/orders").text
    visitor.send("/shop-admin/log", action="shuffle")
    assert len(house.delivered) >= 18
    assert len({headers["X-Shopify-Webhook-Id"] for _, headers, _ in house.delivered}) == 18
    assert not house.platform.hold_webhooks


def test_failed_webhooks_are_tried_again(house: House, visitor: Visitor, order: Order) -> None:
    house.status = 503
    visitor.act(order, "pay")
    house.platform.flush()
    house.status = 200
    assert "2 failed webhooks" in notes(visitor.send("/shop-admin/log", action="retry"))
    assert "HTTP 503" in visitor.page("/shop-admin/log?kind=webhook").text


@pytest.mark.parametrize("action", ["throttle", "error", "timeout", "lost", "slow", "tokens"])
def test_every_switch_of_trouble_sets_a_fault_and_calm_ends_it(
    house: House, visitor: Visitor, action: str
) -> None:
    visitor.send("/shop-admin/log", action=action)
    assert len(house.platform.faults.pending) == 1
    visitor.page("/shop-admin/log")  # trouble is for the app, never for people
    visitor.send("/shop-admin/log", action="calm")
    assert house.platform.faults.pending == []


def test_the_log_shows_both_sides_and_no_header(house: House, visitor: Visitor, order: Order) -> None:
    visitor.act(order, "pay")
    house.platform.flush()
    entry = house.platform.journal.entries(house.shop.domain, "webhook")[0]
    page = visitor.page(f"/shop-admin/log/{entry.number}").text
    assert '"admin_graphql_api_id"' in page
    assert house.delivered[-1][1]["X-Shopify-Hmac-Sha256"] not in page


def test_the_clock_moves_a_day_a_week_and_to_what_comes(house: House, visitor: Visitor, order: Order) -> None:
    start = house.time
    visitor.send("/shop-admin/clock", by="day")
    visitor.send("/shop-admin/clock", by="week")
    assert house.time == start + timedelta(days=8)
    assert "Nothing is on its way" in notes(visitor.send("/shop-admin/clock", by="event"))
    parcel = house.shop.fulfil(order)
    assert "arrived" in notes(visitor.send("/shop-admin/clock", by="event"))
    assert parcel.delivered_at is not None
    assert house.time == start + timedelta(days=10, seconds=5)
    assert "question" in notes(visitor.send("/shop-admin/clock", by="event"))
    anna = house.shop.customers[order.customer_id or 0]
    house.loyalty(
        anna, '{"next_at": "2027-01-05T10:00:00Z", "next_delta": 40, "joined": true, "available": 1}'
    )
    visitor.sign_in(anna)
    assert "points become available" in notes(visitor.send("/shop-admin/clock", by="event"))
    assert house.time.isoformat() == "2027-01-05T10:00:05+00:00"


def test_without_a_clock_there_are_no_buttons(house: House, visitor: Visitor) -> None:
    house.platform.move_clock = None
    assert "Next event" not in visitor.page("/").text
    assert visitor.send("/shop-admin/clock", by="day").status_code == 409
