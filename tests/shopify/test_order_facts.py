"""The pure parser of orders: every rule of the facts on one order written by hand."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from plugin.domain.facts import Buyer, CustomerFact, Fulfilment, Line, Refund, RefundLine
from plugin.shopify.order_facts import from_graphql, legacy_id, utc


def bag(amount: str, presentment: str = "999.99") -> dict[str, Any]:
    """Presentment money is there and wrong on purpose: it must never be looked at."""
    return {
        "shopMoney": {"amount": amount, "currencyCode": "CHF"},
        "presentmentMoney": {"amount": presentment, "currencyCode": "EUR"},
    }


def line(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "quantity": 3,
        "currentQuantity": 3,
        "isGiftCard": False,
        "requiresShipping": True,
        "title": "Tea",
        "vendor": "Regulars",
        "product": {"id": "gid://shopify/Product/5"},
        "variant": {"id": "gid://shopify/ProductVariant/6"},
        "originalUnitPriceSet": bag("10.0"),
        "discountAllocations": [],
        "taxLines": [],
        **changes,
    }


def refund(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Refund/{number}",
        "createdAt": "2026-11-05T08:00:00Z",
        "processedAt": "2026-11-06T08:00:00Z",
        "refundLineItems": {"nodes": []},
        "duties": [],
        "refundShippingLines": {"nodes": []},
        "transactions": {"nodes": []},
        **changes,
    }


def payment(kind: str, status: str, amount: str) -> dict[str, Any]:
    return {"kind": kind, "status": status, "amountSet": bag(amount)}


def parcel(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Fulfillment/{number}",
        "status": "SUCCESS",
        "displayStatus": "FULFILLED",
        "createdAt": "2026-11-02T08:00:00Z",
        "updatedAt": "2026-11-04T09:30:00Z",
        "deliveredAt": None,
        "trackingInfo": [],
        "fulfillmentLineItems": {"nodes": []},
        "events": {"nodes": []},
        **changes,
    }


ORDER: dict[str, Any] = {
    "id": "gid://shopify/Order/9007199254740993",
    "updatedAt": "2026-11-07T10:00:00.987+01:00",
    "processedAt": "2026-11-01T08:00:00Z",
    "name": "#1001",
    "test": False,
    "sourceName": "web",
    "cancelledAt": None,
    "currencyCode": "CHF",
    "taxesIncluded": True,
    "displayFinancialStatus": "PARTIALLY_REFUNDED",
    "paymentGatewayNames": ["shopify_payments", "gift_card"],
    "discountCodes": ["reg-b", "REG-A", "reg-a"],
    "customerLocale": "de-CH",
    "customer": {
        "id": "gid://shopify/Customer/7",
        "updatedAt": "2026-11-01T07:00:00Z",
        "firstName": "",
        "lastName": "Roe",
        "tags": ["vip", "Berlin"],
        "defaultEmailAddress": {"emailAddress": "roe@example.com", "marketingState": "SUBSCRIBED"},
    },
    "purchasingEntity": {"__typename": "Customer"},
    "shippingAddress": {"countryCodeV2": "CH"},
    "totalTipReceivedSet": bag("1.5"),
    "currentTotalDutiesSet": None,
    "shippingLines": {
        "nodes": [{"title": "Post", "discountedPriceSet": bag("8.0"), "taxLines": [{"priceSet": bag("0.6")}]}]
    },
    "lineItems": {"nodes": [line(12), line(11)]},
    "refunds": [],
    "fulfillments": [],
}


def order(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ORDER), **changes}


def test_who_bought() -> None:
    assert from_graphql(order()).buyer == Buyer(False, ("Berlin", "vip"))
    company = {"__typename": "PurchasingCompany"}
    assert from_graphql(order(purchasingEntity=company)).buyer == Buyer(True, ("Berlin", "vip"))
    assert from_graphql(order(purchasingEntity=None, customer=None)).buyer == Buyer(False)


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ({"marketingState": "SUBSCRIBED"}, True),
        ({"marketingState": "PENDING"}, False),
        ({}, None),
        (None, None),
    ],
)
def test_who_takes_the_newsletter(email: dict[str, str] | None, expected: bool | None) -> None:
    address = None if email is None else {"emailAddress": "roe@example.com", **email}
    customer = from_graphql(order(customer={**ORDER["customer"], "defaultEmailAddress": address})).customer
    assert customer is not None
    assert customer.subscribed is expected


def test_head_states_the_order_in_the_words_of_a_webhook() -> None:
    seen = from_graphql(order())
    head = seen.head
    assert seen.order_id == 9007199254740993
    assert head.origin == "read"
    assert head.updated_at == datetime(2026, 11, 7, 9, 0, 0, tzinfo=UTC)
    assert head.financial_status == "partially_refunded"
    assert head.gateways == ("shopify_payments", "gift_card")
    assert head.discount_codes == ("REG-A", "REG-B")
    assert (head.shipping_minor, head.shipping_tax_minor) == (800, 60)
    assert (head.tip_minor, head.duties_minor) == (150, 0)
    assert head.country == "CH"
    assert head.shipping_names == ("Post",)
    assert head.customer_id == 7
    assert seen.customer == CustomerFact(
        customer_id=7,
        updated_at=datetime(2026, 11, 1, 7, tzinfo=UTC),
        email="roe@example.com",
        first_name=None,
        last_name="Roe",
        locale="de-CH",
    )


def test_line_is_unit_price_times_quantity_less_every_discount_allocated_to_it() -> None:
    given = line(
        11,
        discountAllocations=[{"allocatedAmountSet": bag("4.5")}, {"allocatedAmountSet": bag("0.01")}],
        taxLines=[{"priceSet": bag("1.2")}, {"priceSet": bag("0.34")}],
        product=None,
        variant=None,
    )
    [found] = from_graphql(order(lineItems={"nodes": [given]})).head.lines
    assert found == Line(
        line_id=11, quantity=3, removed=0, net_minor=3000 - 451, tax_minor=154, gift_card=False,
        requires_shipping=True, product_id=None, variant_id=None, title="Tea", vendor="Regulars",
    )  # fmt: skip


def test_lines_are_sorted_and_a_refund_is_not_an_edit() -> None:
    back = {
        "quantity": 1,
        "lineItem": {"id": "gid://shopify/LineItem/12"},
        "subtotalSet": bag("10.0"),
        "totalTaxSet": bag("0.8"),
    }
    node = order(
        lineItems={"nodes": [line(12, currentQuantity=1), line(11, currentQuantity=2)]},
        refunds=[refund(21, refundLineItems={"nodes": [back]})],
    )
    lines = from_graphql(node).head.lines
    # of line 12, one of the two missing units was refunded; of line 11, the missing one was edited out
    assert [(one.line_id, one.removed) for one in lines] == [(11, 1), (12, 1)]


@pytest.mark.parametrize(("taxes_included", "shipping"), [(True, 500), (False, 540)])
def test_refund_counts_successful_refund_payments_and_shipping_with_its_tax(
    taxes_included: bool, shipping: int
) -> None:
    def back(number: int, quantity: int, subtotal: str, tax: str) -> dict[str, Any]:
        gid = {"id": f"gid://shopify/LineItem/{number}"}
        return {"quantity": quantity, "lineItem": gid, "subtotalSet": bag(subtotal), "totalTaxSet": bag(tax)}

    node = refund(
        22,
        refundLineItems={"nodes": [back(12, 1, "10.0", "0.8"), back(11, 2, "20.0", "1.6")]},
        refundShippingLines={"nodes": [{"subtotalAmountSet": bag("5.0"), "taxAmountSet": bag("0.4")}]},
        transactions={
            "nodes": [
                payment("REFUND", "SUCCESS", "30.0"),
                payment("REFUND", "SUCCESS", "2.4"),
                payment("REFUND", "FAILURE", "99.0"),
                payment("REFUND", "PENDING", "99.0"),
                payment("SALE", "SUCCESS", "99.0"),
            ]
        },
    )
    late = refund(20, createdAt=None)
    found = from_graphql(order(refunds=[node, late], taxesIncluded=taxes_included)).refunds
    assert found == (
        Refund(20, datetime(2026, 11, 6, 8, tzinfo=UTC), (), 0, 0),
        Refund(
            22,
            datetime(2026, 11, 5, 8, tzinfo=UTC),
            (RefundLine(11, 2, 2000, 160), RefundLine(12, 1, 1000, 80)),
            paid_minor=3240,
            shipping_minor=shipping,
        ),
    )


def test_duties_given_back_are_no_goods() -> None:
    node = refund(
        23,
        duties=[{"amountSet": bag("7.5")}],
        transactions={"nodes": [payment("REFUND", "SUCCESS", "10.0")]},
    )
    assert from_graphql(order(refunds=[node])).refunds[0].paid_minor == 250


def test_parcels_say_what_they_hold_and_when_they_first_arrived() -> None:
    events = [
        {"status": "DELIVERED", "happenedAt": "2026-11-04T09:30:00Z"},
        {"status": "DELIVERED", "happenedAt": "2026-11-04T08:00:00Z"},
        {"status": "IN_TRANSIT", "happenedAt": "2026-11-03T08:00:00Z"},
    ]
    held = [
        {"quantity": 2, "lineItem": {"id": "gid://shopify/LineItem/12"}},
        {"quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/11"}},
    ]
    node = order(
        fulfillments=[
            parcel(33, deliveredAt="2026-11-04T07:00:00Z"),
            parcel(
                32, displayStatus="DELIVERED", events={"nodes": events}, trackingInfo=[{"company": "Post"}]
            ),
            parcel(31, status="SOMETHING_NEW", fulfillmentLineItems={"nodes": held}),
        ]
    )
    seen = from_graphql(node)
    created, updated = datetime(2026, 11, 2, 8, tzinfo=UTC), datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
    assert seen.fulfilments == (
        Fulfilment(31, updated, created, "something_new", ((11, 1), (12, 2))),
        Fulfilment(32, updated, created, "success", (), delivered_at=updated, carrier="Post"),
        # No event says so, only the platform: that is its word, and no event.
        Fulfilment(33, updated, created, "success", (), datetime(2026, 11, 4, 7, tzinfo=UTC)),
    )
    assert seen.deliveries == ((32, datetime(2026, 11, 4, 8, tzinfo=UTC)),)


def test_a_parcel_that_was_fetched_is_in_the_shoppers_hands() -> None:
    (fetched,) = from_graphql(order(fulfillments=[parcel(31, displayStatus="PICKED_UP")])).fulfilments
    assert fetched.delivered_at == fetched.updated_at


def test_guest_of_a_shop_without_data_approval() -> None:
    seen = from_graphql(
        order(customer=None, shippingAddress=None, sourceName=None, displayFinancialStatus=None)
    )
    assert seen.customer is None
    assert seen.head.customer_id is None
    assert seen.head.country is None
    assert seen.head.financial_status is None


def test_yen_have_no_minor_unit() -> None:
    def yen(amount: str) -> dict[str, Any]:
        return {"shopMoney": {"amount": amount, "currencyCode": "JPY"}}

    node = order(
        currencyCode="JPY",
        totalTipReceivedSet=yen("0.0"),
        shippingLines={"nodes": []},
        lineItems={"nodes": [line(11, originalUnitPriceSet=yen("1200.0"))]},
    )
    assert from_graphql(node).head.lines[0].net_minor == 3600


@pytest.mark.parametrize("missing", ["updatedAt", "lineItems", "currencyCode"])
def test_incomplete_node_is_an_error_and_no_guess(missing: str) -> None:
    node = order()
    del node[missing]
    with pytest.raises(KeyError):
        from_graphql(node)


def test_ids_and_times() -> None:
    assert legacy_id("gid://shopify/Order/81?a=b") == 81
    assert utc("2026-11-22T09:00:00+02:00") == datetime(2026, 11, 22, 7, tzinfo=UTC)
