"""Payment, edits, parcels, refunds, returns, cancellation, customers: figures and announced topics."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devshop.errors import DevshopError
from devshop.money import NOTHING, Bag
from devshop.order_records import Order
from devshop.shop import DevPlatform, DevShop
from devshop.totals import current_quantity, figures, financial_status, fulfilment_status
from tests.devshop.conftest import START, Clock, Received

CUPS = [{"title": "Cup", "price": 1000, "quantity": 3}]


@pytest.fixture
def told(platform: DevPlatform, received: Received) -> Callable[[], list[str]]:
    """The topics announced since it was last asked."""

    def ask() -> list[str]:
        received.deliveries.clear()
        platform.flush()
        return received.topics

    return ask


def test_paying_in_parts(shop: DevShop, told: Callable[[], list[str]]) -> None:
    order = shop.place_order(None, CUPS, paid=False, shipping=0)
    assert financial_status(order) == "pending"
    shop.pay(order, amount=1000)
    assert financial_status(order) == "partially_paid"
    told()
    shop.pay(order)
    assert told() == ["orders/paid", "orders/updated"]
    assert financial_status(order) == "paid"
    with pytest.raises(DevshopError, match="Nothing is due"):
        shop.pay(order)


def test_an_authorization_is_captured_later(shop: DevShop) -> None:
    order = shop.place_order(None, CUPS, paid=False, shipping=0)
    held = shop.authorize(order)
    assert financial_status(order) == "authorized"
    taken = shop.pay(order)
    assert (taken.kind, taken.parent_id, taken.amount.shop) == ("capture", held.id, 3000)


def test_an_edit_tells_lines_and_no_money(shop: DevShop, platform: DevPlatform, received: Received) -> None:
    order = shop.place_order(None, CUPS, shipping=0)
    shop.edit(order, add=[{"title": "Pot", "price": 5000}], remove=[(order.lines[0], 2)])
    assert [current_quantity(line) for line in order.lines] == [1, 1]
    sums = figures(order)
    assert (sums.total.shop, sums.current_total.shop, sums.outstanding.shop) == (3000, 6000, 3000)
    assert financial_status(order) == "partially_paid"
    platform.flush()
    edit = received.bodies("orders/edited")[0]["order_edit"]
    assert edit["line_items"] == {
        "additions": [{"id": order.lines[1].id, "delta": 1}],
        "removals": [{"id": order.lines[0].id, "delta": 2}],
    }
    shop.edit(order, increase=[(order.lines[1], 1)])
    assert order.lines[1].quantity == 2
    assert figures(order).current_total.shop == 11000


def test_parcels_partly_and_wholly(shop: DevShop, told: Callable[[], list[str]], clock: Clock) -> None:
    order = shop.place_order(None, CUPS)
    told()
    first = shop.fulfil(order, lines=[(order.lines[0], 1)])
    assert told() == ["fulfillments/create", "orders/partially_fulfilled", "orders/updated"]
    shop.fulfil(order)
    assert told() == ["fulfillments/create", "orders/fulfilled", "orders/updated"]
    assert fulfilment_status(order) == "fulfilled"
    clock.ahead(days=2)
    event = shop.deliver_parcel(first)
    assert told() == ["fulfillment_events/create", "fulfillments/update", "orders/updated"]
    assert first.delivered_at == event.happened_at == clock().replace(microsecond=0)
    with pytest.raises(DevshopError, match="nothing left to send"):
        shop.fulfil(order)
    shop.cancel_fulfilment(first)
    assert fulfilment_status(order) == "partial"


def test_topics_of_one_action_share_second_and_event(
    shop: DevShop, platform: DevPlatform, received: Received
) -> None:
    shop.place_order(None, CUPS)
    platform.flush()
    headers = [headers for _, _, headers, _ in received.deliveries]
    assert len({one["X-Shopify-Event-Id"] for one in headers}) == 1
    assert len({one["X-Shopify-Webhook-Id"] for one in headers}) == 3
    assert {received.bodies(topic)[0]["updated_at"] for topic in received.topics} == {
        "2026-11-22T09:00:00+01:00"
    }
    assert START.microsecond != 0


def test_a_refund_by_line_lowers_what_is_current(shop: DevShop) -> None:
    order = shop.place_order(None, CUPS, shipping=700)
    refund = shop.refund(order, lines=[(order.lines[0], 1)], shipping=300, restock_type="return")
    assert (refund.lines[0].subtotal.shop, refund.shipping[0].subtotal.shop) == (1000, 300)
    assert refund.adjustments == []
    sums = figures(order)
    assert (sums.current_subtotal.shop, sums.current_shipping.shop, sums.refunded.shop) == (2000, 400, 1300)
    assert (sums.outstanding, financial_status(order)) == (NOTHING, "partially_refunded")


def test_a_refund_by_amount_changes_no_current_figure(shop: DevShop) -> None:
    order = shop.place_order(None, CUPS, shipping=0)
    before = figures(order)
    refund = shop.refund(order, amount=500)
    after = figures(order)
    assert (after.current_total, after.current_subtotal) == (before.current_total, before.current_subtotal)
    assert [one.amount.shop for one in refund.adjustments] == [-500]
    assert (after.refunded.shop, after.outstanding) == (500, NOTHING)


def test_store_credit_and_less_than_calculated(shop: DevShop) -> None:
    order = shop.place_order(shop.create_customer(), CUPS, shipping=0)
    refund = shop.refund(order, lines=[(order.lines[0], 1)], amount=400, to_store_credit=True)
    assert order.transactions[-1].gateway == "shopify_store_credit"
    assert refund.adjustments[0].amount.shop == 600
    with pytest.raises(DevshopError, match="left to refund"):
        shop.refund(order, amount=2601)
    with pytest.raises(DevshopError, match="Only 2 units"):
        shop.refund(order, lines=[(order.lines[0], 2), (order.lines[0], 1)])


def test_tax_excluded_is_refunded_beside_the_subtotal(platform: DevPlatform) -> None:
    shop = platform.create_shop("us.myshopify.com", currency="USD", taxes_included=False, tax_rate="0.0725")
    order = shop.place_order(None, CUPS, shipping=0)
    refund = shop.refund(order, lines=[(order.lines[0], 1)])
    assert (refund.lines[0].subtotal.shop, refund.lines[0].tax.shop) == (1000, 72)
    assert figures(order).refunded.shop == 1072


def test_cancelling_gives_everything_back(shop: DevShop, told: Callable[[], list[str]]) -> None:
    order = shop.place_order(None, CUPS)
    told()
    shop.cancel(order)
    assert told() == ["refunds/create", "orders/cancelled", "orders/updated"]
    assert financial_status(order) == "refunded"
    assert figures(order).current_subtotal == NOTHING
    unpaid = shop.place_order(None, CUPS, paid=False)
    shop.cancel(unpaid)
    assert financial_status(unpaid) == "voided"
    assert unpaid.refunds[0].adjustments == []
    with pytest.raises(DevshopError, match="cancelled already"):
        shop.cancel(unpaid)


def test_a_return_goes_its_way(shop: DevShop, told: Callable[[], list[str]]) -> None:
    order = shop.place_order(None, CUPS)
    with pytest.raises(DevshopError, match="Only 0 units"):
        shop.return_(order, [(order.lines[0], 1)])
    shop.fulfil(order)
    told()
    back = shop.return_(order, [(order.lines[0], 1)], requested=True)
    shop.step_return(back, "approve")
    shop.step_return(back, "close")
    assert told() == [
        "returns/request",
        "orders/updated",
        "returns/approve",
        "orders/updated",
        "returns/close",
        "orders/updated",
    ]
    with pytest.raises(DevshopError, match="closed cannot be told to approve"):
        shop.step_return(back, "approve")


def test_merging_moves_orders_unless_it_failed(
    shop: DevShop, platform: DevPlatform, received: Received
) -> None:
    kept, gone = shop.create_customer(), shop.create_customer()
    order = shop.place_order(gone, CUPS)
    shop.merge_customers(kept, gone, failed=True)
    assert order.customer_id == gone.id
    shop.merge_customers(kept, gone)
    assert order.customer_id == kept.id
    platform.flush()
    assert [body["status"] for body in received.bodies("customers/merge")] == ["failed", "completed"]
    with pytest.raises(DevshopError, match="no such customer"):
        shop.place_order(gone, CUPS)


def test_a_guests_order_gets_its_customer_later(
    shop: DevShop, platform: DevPlatform, received: Received
) -> None:
    order = shop.place_order(None, CUPS)
    ada = shop.create_customer()
    shop.attach_customer(order, ada)
    platform.flush()
    assert received.bodies("orders/create")[0]["customer"] is None
    assert received.bodies("orders/updated")[-1]["customer"]["id"] == ada.id


def test_strangers_are_not_found(shop: DevShop, platform: DevPlatform) -> None:
    other = platform.create_shop("mallorys.myshopify.com")
    order = shop.place_order(None, CUPS)
    for act in (other.pay, other.fulfil, other.cancel, other.delete_order):
        with pytest.raises(DevshopError, match="no such order"):
            act(order)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data(), included=st.booleans(), euro=st.booleans())
def test_whatever_is_refunded_the_sums_hold(
    data: st.DataObject, included: bool, euro: bool, clock: Clock
) -> None:
    platform = DevPlatform(now=clock)
    shop = platform.create_shop("a.myshopify.com", taxes_included=included, rates={"EUR": "0.9377"})
    lines = data.draw(st.lists(st.tuples(st.integers(1, 9999), st.integers(1, 4)), min_size=1, max_size=4))
    order = shop.place_order(
        None,
        [{"title": "X", "price": price, "quantity": quantity} for price, quantity in lines],
        currency="EUR" if euro else "CHF",
    )
    start = figures(order)
    for _ in range(data.draw(st.integers(1, 5))):
        _refund_something(data, shop, order)
    end = figures(order)
    assert end.refunded.shop <= end.received.shop == start.total.shop
    assert end.outstanding.shop == 0
    assert min(end.current_subtotal.shop, end.current_tax.shop, end.current_total.shop) >= 0
    if all(current_quantity(line) == 0 for line in order.lines):
        assert end.current_subtotal == Bag(0, 0)


def _refund_something(data: st.DataObject, shop: DevShop, order: Order) -> None:
    open_ = [line for line in order.lines if current_quantity(line)]
    left = figures(order).received.shop - figures(order).refunded.shop
    by_line: bool = data.draw(st.booleans())
    if open_ and by_line:
        line = data.draw(st.sampled_from(open_))
        shop.refund(order, lines=[(line, data.draw(st.integers(1, current_quantity(line))))])
    elif left:
        shop.refund(order, amount=data.draw(st.integers(1, left)))
