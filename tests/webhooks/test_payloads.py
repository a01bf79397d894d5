"""Webhook bodies become the right facts, odd ones are tolerated, absurd ones are refused, and nothing crashes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain import facts
from plugin.domain.earning import Target, amount_without_lines, target
from plugin.domain.orders import Order, kept_units, merge
from plugin.domain.programme import Basis, EarningRule, Programme
from plugin.domain.values import Rate
from webhooks.payloads import PayloadError
from webhooks.topics import TOPICS, parse

BODIES = Path(__file__).parent / "bodies"
ORDER = 9007199254741993  # above 2^53 and odd: a float could not hold it
TEA, POT, STRAINER = 3300000000001, 3300000000002, 3300000000003
PROGRAMME = Programme(version=1, currency="CHF", earning=(EarningRule(Rate(1, 100)),), basis=Basis())

Json = dict[str, Any]


def body(name: str) -> Json:
    loaded: Json = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def read(topic: str, content: object) -> facts.Fact:
    return parse(topic, json.dumps(content).encode())


def seen(content: object, topic: str = "orders/updated") -> facts.OrderSeen:
    fact = read(topic, content)
    assert isinstance(fact, facts.OrderSeen)
    return fact


def refunded(content: object) -> facts.Refund:
    fact = read("refunds/create", content)
    assert isinstance(fact, facts.RefundMade)
    assert fact.order_id == ORDER
    return fact.refund


def earned(*several: facts.OrderFact) -> Target:
    order = Order(ORDER)
    for fact in several:
        order = merge(order, fact)
    return target(order, PROGRAMME, confirmed=True)


def points(*several: facts.OrderFact) -> int:
    return sum(count for _, count in earned(*several).points)


def reason(topic: str, content: object) -> str:
    with pytest.raises(PayloadError) as caught:
        read(topic, content)
    assert caught.value.code == "bad_payload"
    assert caught.value.reason in caught.value.message
    return caught.value.reason


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# --- a whole order -----------------------------------------------------------------------------------------


def test_a_paid_order_in_full() -> None:
    assert read("orders/paid", body("order_paid")) == facts.OrderSeen(
        order_id=ORDER,
        head=facts.OrderHead(
            updated_at=at("2026-11-20T09:15:32Z"),
            origin="webhook",
            name="#1007",
            customer_id=6600000000077,
            currency="CHF",
            processed_at=at("2026-11-20T09:15:28Z"),
            taxes_included=False,
            financial_status="paid",
            source_name="web",
            test=False,
            cancelled_at=None,
            lines=(
                # 2 x 18.00 - 3.40 and 20.00 - 3.00 - 0.95; the body names the pot first.
                facts.Line(
                    TEA,
                    2,
                    0,
                    3260,
                    264,
                    False,
                    True,
                    7700000000001,
                    8800000000001,
                    "Mountain tea",
                    "Alpine Leaves",
                ),
                facts.Line(
                    POT,
                    1,
                    0,
                    1605,
                    130,
                    False,
                    True,
                    7700000000001,
                    8800000000001,
                    "Tea pot",
                    "Alpine Leaves",
                ),
            ),
            shipping_minor=500,
            shipping_tax_minor=41,
            tip_minor=200,
            duties_minor=125,
            gateways=("shopify_payments", "gift_card"),
            discount_codes=("AUTUMN", "WELCOME"),
            country="CH",
            shipping_names=("Post",),
        ),
        fulfilments=(
            facts.Fulfilment(
                1100000000001,
                at("2026-11-21T07:00:05Z"),
                at("2026-11-21T07:00:00Z"),
                "success",
                ((TEA, 2), (POT, 1)),
                None,
                "Swiss Post",
            ),
        ),
        customer=facts.CustomerFact(
            6600000000077, at("2026-11-20T09:15:31Z"), "robin@example.com", "Robin", "Example", "de-CH"
        ),
        traces=facts.Traces(street="Example Street 1", zip="8001", country="CH"),
    )


def test_a_referral_code_and_traces_pass_by() -> None:
    told = body("order_paid") | {
        "note_attributes": [
            {"name": "gift", "value": 1},
            {"name": "Referral code", "value": " reg-7k2mwq4z"},
        ],
        "browser_ip": "203.0.113.9",
        "client_details": {"user_agent": "Firefox", "browser_ip": "203.0.113.9"},
        "phone": "+41791234567",
    }
    seen = read("orders/paid", told)
    assert isinstance(seen, facts.OrderSeen)
    assert seen.head.referral == "REG-7K2MWQ4Z"
    assert seen.traces == facts.Traces(
        "+41791234567", "Example Street 1", "8001", "CH", "203.0.113.9", "Firefox"
    )
    bare = told | {"shipping_address": None, "browser_ip": None, "phone": None, "note_attributes": [{}]}
    without = read("orders/paid", bare)
    assert isinstance(without, facts.OrderSeen)
    assert (without.traces, without.head.referral) == (None, None)


def test_every_time_is_aware_utc_in_whole_seconds() -> None:
    order = body("order_paid") | {"updated_at": "2026-11-20T10:15:32.987+05:30"}
    head = seen(order).head
    assert head.updated_at == at("2026-11-20T04:45:32Z")
    assert all(moment.tzinfo is UTC for moment in (head.updated_at, head.processed_at))


def test_processed_at_falls_back_to_created_at() -> None:
    head = seen(body("order_paid") | {"processed_at": None}).head
    assert head.processed_at == at("2026-11-20T09:15:29Z")


def test_all_order_topics_read_one_body_alike() -> None:
    topics = ("orders/create", "orders/paid", "orders/updated", "orders/cancelled", "orders/fulfilled")
    assert len({read(topic, body("order_paid")) for topic in topics}) == 1


def test_a_test_notification_parses_and_earns_nothing() -> None:
    fact = seen(body("order_test_notification"), "orders/paid")
    assert fact.head.test
    assert fact.head.cancelled_at is not None
    assert fact.customer is not None
    assert (
        fact.customer.email == "bert@example.com"
    )  # the order names another address; the customer's own counts
    assert fact.customer.updated_at == fact.head.updated_at  # not dated by itself
    assert (points(fact), earned(fact).why_not) == (0, "test")
    real = replace(fact, head=replace(fact.head, test=False))
    assert (points(real), earned(real).why_not) == (0, "cancelled")
    alive = replace(fact, head=replace(fact.head, test=False, cancelled_at=None))
    assert (points(alive), earned(alive).why_not) == (0, "not_paid")
    paid = replace(fact, head=replace(fact.head, test=False, cancelled_at=None, financial_status="paid"))
    assert points(paid) == 45  # so it was those three and nothing else


def test_a_guest_order_has_no_customer() -> None:
    for customer in (None, {}, {"id": None}):
        fact = seen(body("order_paid") | {"customer": customer})
        assert fact.customer is None
        assert fact.head.customer_id is None
        assert points(fact) == 48


def test_missing_protected_fields_are_normal() -> None:
    order = body("order_paid")
    order["customer"] |= {"email": None, "first_name": None, "last_name": None, "updated_at": None}
    order |= {"email": None, "contact_email": None, "shipping_address": None, "customer_locale": None}
    fact = seen(order)
    assert fact.customer == facts.CustomerFact(6600000000077, fact.head.updated_at)
    assert fact.head.country is None


def test_gift_card_lines_are_marked_and_earn_nothing() -> None:
    order = body("order_paid")
    order["line_items"][1] |= {"gift_card": True, "requires_shipping": False}
    tea = seen(order).head.lines[0]
    assert (tea.gift_card, tea.requires_shipping) == (True, False)
    assert points(seen(order)) == 16  # the pot alone


def test_a_custom_line_has_no_product() -> None:
    plan = seen(body("order_test_notification")).head.lines[1]
    assert (plan.product_id, plan.variant_id, plan.vendor) == (None, None, None)
    assert (plan.title, plan.net_minor) == ("Care plan (2 years)", 900)


def test_a_shop_that_ships_by_default_says_nothing_and_waits_for_the_parcel() -> None:
    order = body("order_paid")
    for line in order["line_items"]:
        del line["requires_shipping"], line["gift_card"]
    assert [(line.requires_shipping, line.gift_card) for line in seen(order).head.lines] == [
        (True, False)
    ] * 2


def test_a_sale_at_the_till_is_handed_over_by_its_fulfilment() -> None:
    fact = seen(body("order_pos"))
    assert (fact.head.source_name, fact.head.shipping_minor, fact.head.country) == ("pos", 0, None)
    assert fact.customer is None
    assert fact.fulfilments[0].carrier is None
    without = replace(fact, fulfilments=())
    assert earned(without).available_at == at("2026-12-04T09:15:32Z")  # 14 days after it was paid


@pytest.mark.parametrize(
    "source",
    ["subscription_contract", "subscription_contract_checkout_one", "shopify_draft_order", "580111", None],
)
def test_any_source_name_earns(source: str | None) -> None:
    fact = seen(body("order_paid") | {"source_name": source})
    assert fact.head.source_name == source
    assert points(fact) == 48


@pytest.mark.parametrize("status", ["expired", "on_the_moon", "PENDING", None])
def test_an_unknown_financial_status_survives_and_is_not_paid(status: str | None) -> None:
    fact = seen(body("order_paid") | {"financial_status": status})
    assert fact.head.financial_status == (status.lower() if status else None)
    assert earned(fact).why_not == "not_paid"


def test_shipping_without_a_discounted_price_and_a_removed_line() -> None:
    order = body("order_paid")
    line = order["shipping_lines"][0]
    del line["discounted_price"], line["discounted_price_set"]
    order["shipping_lines"].append(body("order_paid")["shipping_lines"][0] | {"is_removed": True})
    head = seen(order).head
    assert (head.shipping_minor, head.shipping_tax_minor) == (750, 41)


def test_old_bodies_without_any_set_speak_shop_money() -> None:
    assert seen(_without_sets(body("order_paid") | {"current_total_duties_set": None})).head == replace(
        seen(body("order_paid")).head, duties_minor=0
    )


def _without_sets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_sets(one) for key, one in value.items() if not key.endswith("_set")}
    return [_without_sets(one) for one in value] if isinstance(value, list) else value


def test_discounts_larger_than_a_line_leave_nothing_rather_than_less() -> None:
    order = body("order_paid")
    order["line_items"][0]["discount_allocations"][0]["amount_set"]["shop_money"]["amount"] = "50.00"
    assert seen(order).head.lines[1].net_minor == 0


# --- edits ------------------------------------------------------------------------------------------------------


def test_an_edit_removes_units_that_no_refund_explains() -> None:
    fact = seen(body("order_edited_snapshot"))
    tea, strainer = fact.head.lines
    assert (tea.quantity, tea.removed, strainer.line_id, strainer.removed) == (
        3,
        1,
        STRAINER,
        0,
    )  # 3 - 1 - 1 left
    order = merge(Order(ORDER), fact)
    assert kept_units(order) == {TEA: 1, STRAINER: 1}
    again = merge(order, read_refund(body("order_edited_snapshot")["refunds"][0]))
    assert kept_units(again) == {TEA: 1, STRAINER: 1}  # the refund's own webhook counts nothing twice


def read_refund(content: object) -> facts.RefundMade:
    fact = read("refunds/create", content)
    assert isinstance(fact, facts.RefundMade)
    return fact


def test_an_order_edit_asks_for_a_read() -> None:
    assert read("orders/edited", body("order_edited")) == facts.OrderChanged(ORDER, "edited")


@pytest.mark.parametrize("name", ["return_approved", "return_closed"])
def test_a_return_asks_for_a_read_whichever_way_it_names_the_order(name: str) -> None:
    assert read("returns/approve", body(name)) == facts.OrderChanged(ORDER, "returned")
    assert read("returns/process", body(name)) == facts.OrderChanged(ORDER, "returned")


def test_a_return_may_name_the_order_by_gid_alone_but_must_name_it() -> None:
    content = body("return_approved")
    del content["order"]["id"]
    assert read("returns/approve", content) == facts.OrderChanged(ORDER, "returned")
    assert reason("returns/process", {}) == "`order_id` is missing"
    assert "admin_graphql_api_id" in reason("returns/approve", {"order": {}})


# --- refunds ----------------------------------------------------------------------------------------------------


def test_a_refund_by_line() -> None:
    assert refunded(body("refund_lines")) == facts.Refund(
        4400000000001,
        at("2026-12-01T08:00:00Z"),
        (facts.RefundLine(TEA, 1, 1630, 132), facts.RefundLine(POT, 1, 1605, 130)),
        3497,
        0,
    )


def test_a_refund_by_amount_lowers_what_was_earned() -> None:
    paid, refund = seen(body("order_paid")), read_refund(body("refund_amount_only"))
    assert (refund.refund.lines, refund.refund.paid_minor, refund.refund.shipping_minor) == ((), 1000, 0)
    assert (points(paid), points(paid, refund)) == (48, 39)  # 48.65 less 10.00 net of its tax share


def test_a_refund_in_store_credit_counts_like_any_other() -> None:
    refund = refunded(body("refund_store_credit"))
    assert refund.paid_minor == 1735
    order = merge(merge(Order(ORDER), seen(body("order_paid"))), facts.RefundMade(ORDER, refund))
    assert amount_without_lines(order, 0) == 0


def test_duties_given_back_are_no_goods() -> None:
    content = body("refund_amount_only")
    content["total_duties_set"] = {"shop_money": {"amount": "10.00", "currency_code": "CHF"}}
    paid, refund = seen(body("order_paid")), read_refund(content)
    assert refund.refund.paid_minor == 0  # 10.00 went back, all of it duties
    assert points(paid, refund) == points(paid)


def test_shipping_refunds_old_and_new() -> None:
    old = refunded(body("refund_shipping_old"))
    assert (old.shipping_minor, old.paid_minor) == (541, 541)
    money = body("refund_shipping_old")["order_adjustments"][0]
    lines = [
        {
            "subtotal_amount_set": _minus(money["amount_set"]),
            "tax_amount_set": _minus(money["tax_amount_set"]),
        }
    ]
    order = body("order_paid")
    order["refunds"] = [body("refund_shipping_old") | {"refund_shipping_lines": lines}]
    assert seen(order).refunds == (old,)  # both say it at once: counted once
    # Alone, a refund cannot tell whether its shipping holds the tax: the order must.
    assert read("refunds/create", order["refunds"][0]) == facts.OrderChanged(
        ORDER, "refund_of_taxed_shipping"
    )


def _minus(bag: Json) -> Json:
    return {half: money | {"amount": money["amount"].removeprefix("-")} for half, money in bag.items()}


def test_taxes_included_with_a_partial_refund() -> None:
    fact = seen(body("order_taxes_included_refund"))
    assert fact.head.taxes_included
    (line,) = fact.head.lines
    assert (line.net_minor, line.tax_minor, line.removed) == (10000, 749, 0)
    (refund,) = fact.refunds
    # The failed payment and the void are no money; shipping holds its tax already.
    assert (refund.paid_minor, refund.shipping_minor) == (2905, 405)
    assert points(fact) == 75


def test_only_successful_refund_transactions_are_money() -> None:
    content = body("refund_lines")
    payment = content["transactions"][0]
    content["transactions"] = [
        payment | {"status": status} for status in ("pending", "failure", "error", None)
    ]
    content["transactions"] += [payment | {"kind": kind} for kind in ("sale", "capture", "void", None)]
    assert refunded(content).paid_minor == 0
    content["transactions"].append(payment | {"kind": "REFUND", "status": "SUCCESS", "currency": None})
    assert refunded(content).paid_minor == 3497


def test_the_refunds_of_an_order_equal_their_own_webhook() -> None:
    order = body("order_paid")
    order["refunds"] = [body("refund_lines") | {"id": 2}, body("refund_amount_only") | {"id": 1}]
    assert [refund.refund_id for refund in seen(order).refunds] == [1, 2]
    assert seen(order).refunds[1] == refunded(order["refunds"][0])


def test_a_refund_without_any_set_asks_for_a_read() -> None:
    content = _without_sets(body("refund_lines"))
    assert read("refunds/create", content) == facts.OrderChanged(ORDER, "refund_without_currency")


# --- several currencies -----------------------------------------------------------------------------------------


def test_only_shop_money_counts() -> None:
    head = seen(body("order_multi_currency")).head
    assert (head.currency, head.lines[0].net_minor, head.lines[0].tax_minor) == ("CHF", 9700, 727)
    assert (head.shipping_minor, head.tip_minor, head.duties_minor) == (523, 500, 400)


def test_a_refund_in_the_shoppers_currency_comes_back_in_shop_money() -> None:
    fact = seen(body("order_multi_currency"))
    # 60.61 EUR: 55.61 are the line, whose own shop money is 52.13; 5.00 EUR at 118.50/126.40 are 4.69.
    assert fact.refunds[0].paid_minor == 5213 + 469
    order = body("order_multi_currency")
    order["refunds"][0] |= {"refund_line_items": []}
    assert seen(order).refunds[0].paid_minor == 5682
    order["refunds"][0]["transactions"].append(order["refunds"][0]["transactions"][0] | {"currency": "CHF"})
    assert seen(order).refunds[0].paid_minor == 5682 + 6061  # one payment in each currency


def test_a_currency_that_nothing_explains_asks_for_a_read() -> None:
    order = body("order_multi_currency")
    alone = order["refunds"][0]
    assert read("refunds/create", alone) == facts.OrderChanged(ORDER, "refund_in_other_currency")
    alone["transactions"][0]["currency"] = "USD"
    assert read("orders/updated", order) == facts.OrderChanged(ORDER, "refund_in_other_currency")
    order = body("order_multi_currency") | {"total_price_set": None}
    assert read("orders/updated", order) == facts.OrderChanged(ORDER, "refund_in_other_currency")


def test_currencies_with_other_exponents() -> None:
    yen = _in_currency(body("order_paid"), "JPY", "2500")
    kuwait = _in_currency(body("order_paid"), "KWD", "2.005")
    assert [seen(one).head.shipping_minor for one in (yen, kuwait)] == [2500, 2005]


def _in_currency(order: Json, currency: str, amount: str) -> Json:
    bag = {
        half: {"amount": amount, "currency_code": currency} for half in ("shop_money", "presentment_money")
    }
    line = order["shipping_lines"][0] | {"discounted_price_set": bag, "tax_lines": []}
    return order | {"currency": currency, "line_items": [], "shipping_lines": [line], "fulfillments": []}


# --- money, ids, limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        ("25.00", 2500),
        ("25.0", 2500),
        ("25", 2500),
        (25, 2500),
        (150.0, 15000),
        (0, 0),
        ("0.005", 1),
        (0.07, 7),
    ],
)
def test_money_is_exact_however_it_is_written(amount: object, minor: int) -> None:
    assert seen(body("order_paid") | {"total_tip_received": amount}).head.tip_minor == minor


def test_a_bare_number_keeps_every_digit() -> None:
    raw = (
        json.dumps(body("order_paid") | {"total_tip_received": "X"})
        .replace('"X"', "1234567890123.45")
        .encode()
    )
    fact = parse("orders/paid", raw)
    assert isinstance(fact, facts.OrderSeen)
    assert fact.head.tip_minor == 123456789012345


@pytest.mark.parametrize(
    "amount",
    ["", "abc", "NaN", "Infinity", "-1.00", "-0.01", -1, "1e999999999", "-1e999999999", 1e300, 10**16,
     "10000000000000.01", "9999999999999.99.99", "1e.00", "9999999999999.e9", True, [], {}, "²5.00", [[["25.00"]]]],
)  # fmt: skip
def test_absurd_amounts_are_refused(amount: object) -> None:
    assert "total_tip_received" in reason("orders/paid", body("order_paid") | {"total_tip_received": amount})


def test_a_line_without_a_price_is_refused() -> None:
    order = body("order_paid")
    del order["line_items"][0]["price"], order["line_items"][0]["price_set"]
    assert "line_items[].price_set" in reason("orders/paid", order)


def test_sums_beyond_any_order_are_refused() -> None:
    order = body("order_paid")
    order["line_items"][0] |= {"quantity": 10**9, "price_set": {"shop_money": {"amount": "9999999999.00"}}}
    assert "comes to more than any order" in reason("orders/paid", order)


@pytest.mark.parametrize("quantity", [-1, 1.5, "two", None, 10**12])
def test_absurd_quantities_are_refused(quantity: object) -> None:
    order = body("order_paid")
    order["line_items"][0]["quantity"] = quantity
    assert "quantity" in reason("orders/paid", order)


@pytest.mark.parametrize("currency", [None, "", "chf", "CHFX", "C\n", 756])
def test_an_order_needs_a_currency(currency: object) -> None:
    assert "currency" in reason("orders/paid", body("order_paid") | {"currency": currency})


def test_ids_are_exact_as_numbers_and_as_text() -> None:
    for big in (2**53 + 1, 2**63 - 1):
        assert seen(body("order_paid") | {"id": big}).order_id == big
        assert seen(body("order_paid") | {"id": str(big)}).order_id == big


@pytest.mark.parametrize(
    "bad", [None, 0, -5, 2**63, 10**30, 1.5, 8.2e17, "gid://shopify/Order/1", "", [1], {}]
)
def test_bad_ids_are_refused(bad: object) -> None:
    assert "id" in reason("orders/paid", body("order_paid") | {"id": bad})
    assert "id" in reason("orders/delete", {"id": bad})


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-11-20T10:00:00", "yesterday", "", None, [],
     "2026-02-30T00:00:00Z", 10**18],
)  # fmt: skip
def test_absurd_times_are_refused(moment: object) -> None:
    assert "updated_at" in reason("orders/paid", body("order_paid") | {"updated_at": moment})


def test_a_missing_field_is_named_and_nothing_personal_repeated() -> None:
    order = body("order_paid")
    order["customer"]["email"] = {"secret": "robin@example.com"}
    assert "customer.email" in reason("orders/paid", order)
    assert "robin" not in reason("orders/paid", order)
    del order["updated_at"], order["customer"]
    assert "updated_at" in reason("orders/paid", order)


def test_an_unprintable_zero_is_dropped_from_texts() -> None:
    order = body("order_paid")
    order["customer"] |= {"first_name": "Ro\0\0bin", "last_name": "back\\u0000slash"}
    customer = seen(order).customer
    assert customer is not None
    assert (customer.first_name, customer.last_name) == ("Robin", "back\\u0000slash")


# --- parcels ----------------------------------------------------------------------------------------------------


def test_a_fulfilment() -> None:
    fact = read("fulfillments/create", body("fulfilment"))
    assert fact == facts.FulfilmentSeen(ORDER, seen(body("order_paid")).fulfilments[0])


@pytest.mark.parametrize("status", ["delivered", "DELIVERED", "picked_up"])
def test_a_delivered_parcel_and_a_delivered_event_in_either_case(status: str) -> None:
    changed = {"shipment_status": status, "updated_at": "2026-11-23T14:30:00+01:00", "status": "SUCCESS"}
    parcel = read("fulfillments/update", body("fulfilment") | changed)
    assert isinstance(parcel, facts.FulfilmentSeen)
    assert parcel.fulfilment.status == "success"
    assert parcel.fulfilment.delivered_at == at("2026-11-23T13:30:00Z")
    event = read("fulfillment_events/create", body("fulfilment_event") | {"status": status})
    assert event == facts.ParcelEvent(ORDER, 1100000000001, status.lower(), at("2026-11-23T13:30:00Z"))
    paid = seen(body("order_paid"))
    for arrived in (parcel, event):
        assert earned(paid, arrived).delivered_at == at("2026-11-23T13:30:00Z")
        assert earned(paid, arrived).available_at == at("2026-12-07T13:30:00Z")


@pytest.mark.parametrize("status", ["in_transit", "attempted_delivery", "teleported"])
def test_other_scans_survive_and_deliver_nothing(status: str) -> None:
    event = read("fulfillment_events/create", body("fulfilment_event") | {"status": status})
    assert isinstance(event, facts.ParcelEvent)
    assert event.status == status
    assert earned(seen(body("order_paid")), event).delivered_at is None


def test_a_parcel_needs_an_order_and_a_time() -> None:
    assert reason("fulfillments/create", body("fulfilment") | {"order_id": None}) == "`order_id` is missing"
    without = body("fulfilment") | {"created_at": None, "updated_at": None}
    assert "created_at" in reason("fulfillments/create", without)
    gone = {"happened_at": None, "created_at": None}
    assert "happened_at" in reason("fulfillment_events/create", body("fulfilment_event") | gone)


# --- customers and the shop -------------------------------------------------------------------------------------


def test_customers() -> None:
    known = facts.CustomerFact(
        6600000000077, at("2026-11-20T09:15:31Z"), "robin@example.com", "Robin", "Example"
    )
    assert read("customers/create", body("customer")) == facts.CustomerSeen(known)
    assert read("customers/update", {"id": "6600000000077"}) == facts.CustomerSeen(
        facts.CustomerFact(6600000000077)
    )
    assert read("customers/delete", body("customer_deleted")) == facts.CustomerDeleted(6600000000077)
    assert reason("customers/update", {}) == reason("customers/delete", {}) == "`id` is missing"


@pytest.mark.parametrize(
    ("state", "yes"),
    [("subscribed", True), ("SUBSCRIBED", True), ("unsubscribed", False), ("pending", False), (None, False)],
)
def test_only_a_confirmed_yes_is_consent(state: str | None, yes: bool) -> None:
    topic, content = "customers_email_marketing_consent/update", body("consent")
    content["email_marketing_consent"]["state"] = state
    assert read(topic, content) == facts.ConsentSeen(6600000000077, yes, at("2026-11-20T09:15:31Z"))
    kept_from_us = {"customer_id": 77, "email_address": None, "email_marketing_consent": None}
    assert read(topic, kept_from_us) == facts.ConsentSeen(77, False, None)
    assert reason(topic, {}) == "`customer_id` is missing"


def test_a_failed_merge_keeps_its_status() -> None:
    content = body("customers_merged")
    assert read("customers/merge", content) == facts.CustomersMerged(6600000000077, 6600000000042, "failed")
    done = read("customers/merge", content | {"status": "SUCCESS"})
    assert done == facts.CustomersMerged(6600000000077, 6600000000042, "success")


@pytest.mark.parametrize(
    "gid", [None, "", "gid://shopify/Customer/", "gid://shopify/Customer/x", "0", "9" * 30]
)
def test_a_merge_names_two_customers(gid: str | None) -> None:
    content = body("customers_merged") | {"admin_graphql_api_customer_deleted_id": gid}
    assert "admin_graphql_api_customer_deleted_id" in reason("customers/merge", content)


def test_a_customer_is_not_merged_into_itself() -> None:
    content = body("customers_merged")
    content["admin_graphql_api_customer_deleted_id"] = content["admin_graphql_api_customer_kept_id"]
    assert "is the customer that is kept" in reason("customers/merge", content)


def test_compliance_topics() -> None:
    asked = facts.DataRequested(6600000000077, "8888", (ORDER, ORDER + 2))
    assert read("customers/data_request", body("data_request")) == asked
    assert read("customers/redact", body("customer_redact")) == facts.CustomerRedacted(
        6600000000077, (ORDER,)
    )
    assert read("customers/redact", {"customer": None}) == facts.CustomerRedacted(None, ())
    assert read("customers/data_request", {}) == facts.DataRequested(None, "", ())
    assert read("shop/redact", body("shop_redact")) == facts.ShopRedacted()


def test_the_installation() -> None:
    assert read("app/uninstalled", body("app_uninstalled")) == facts.AppUninstalled()
    scopes = facts.ScopesUpdated(("read_orders", "write_discounts"))
    assert read("app/scopes_update", body("scopes_updated")) == scopes
    assert read("shop/update", body("app_uninstalled")) == facts.ShopChanged()
    finished = facts.BulkFinished("gid://shopify/BulkOperation/7123", "completed")
    assert read("bulk_operations/finish", body("bulk_finished")) == finished
    assert "admin_graphql_api_id" in reason("bulk_operations/finish", {"admin_graphql_api_id": "7123"})


# --- nothing crashes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", sorted(TOPICS))
@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b'"text"', b"7", b"{", b"{'id': 1}", b'{"id": NaN}', b"\xef\xbb\xbf{}", b"\xff\xfe", b"{} {}",
     b"[" * 100_000 + b"]" * 100_000, b'{"id":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
     b'{"id":1,"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, b'{"id":1,"line_items":' + b"[" * 100_000],
    ids=lambda raw: raw[:12].decode("latin-1"),
)  # fmt: skip
def test_what_is_no_sound_object_is_refused(topic: str, raw: bytes) -> None:
    with pytest.raises(PayloadError) as caught:
        parse(topic, raw)
    assert caught.value.code == "bad_payload"
    assert "retry the row" in caught.value.message


def test_broken_text_is_refused() -> None:
    for text in (b'"\xff\xfe"', b'"\\ud800"'):
        with pytest.raises(PayloadError):
            parse("customers/update", b'{"id":1,"email":' + text + b"}")


SAMPLES = [
    (path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(BODIES.glob("*.json"))
]
KEYS = sorted({key for _, sample in SAMPLES for key in sample} | {"order", "customer", "order_edit"})
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.datetimes().map(str)
    | st.sampled_from(["25.00", "-3", "1e99999", "2026-11-20T10:15:28+01:00", "CHF", "gid://shopify/Order/1", 2**64])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


def fact_or_refusal(topic: str, content: object) -> None:
    try:
        fact = parse(topic, msgspec.json.encode(content))
    except PayloadError:
        return
    assert isinstance(fact, facts.Fact)


@given(
    topic=st.sampled_from(sorted(TOPICS)), content=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=12)
)
def test_any_object_is_a_fact_or_refused(topic: str, content: object) -> None:
    fact_or_refusal(topic, content)


@given(topic=st.sampled_from(sorted(TOPICS)), sample=st.sampled_from(SAMPLES), data=st.data())
def test_any_sound_body_with_one_thing_changed_is_a_fact_or_refused(
    topic: str, sample: tuple[str, Json], data: st.DataObject
) -> None:
    changed = json.loads(json.dumps(sample[1]))
    place: Any = changed
    while True:  # walk down to any depth, then put anything there
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans())):
            break
        place = place[key]
    place[key] = data.draw(VALUES)
    fact_or_refusal(topic, changed)


@given(amount=st.integers(min_value=0, max_value=10**15 // 100))
def test_text_and_number_of_one_amount_are_the_same_money(amount: int) -> None:
    whole, cents = divmod(amount, 100)
    order = body("order_pos")
    for written in (f'"{whole}.{cents:02}"', f"{whole}.{cents:02}", f'"{whole}.{cents:02}0"'):
        raw = json.dumps(order | {"total_tip_received": "X"}).replace('"X"', written).encode()
        fact = parse("orders/paid", raw)
        assert isinstance(fact, facts.OrderSeen)
        assert fact.head.tip_minor == amount
