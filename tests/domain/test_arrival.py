"""When everything the shopper keeps was in their hands, and how we know."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.domain.facts import OrderFact
from plugin.domain.orders import Arrival, Order, arrival
from tests.facts import DAY, T0, arrived, back, line, order, parcel, refund, refunded, seen, sent

TWO = (line(1, 6_000, 2), line(2, 4_000, 1))
DIGITAL = line(3, 900, requires_shipping=False)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param([], None, id="nothing sent"),
        pytest.param([sent(1, parcel(1, ((1, 2),)))], None, id="the second line is still here"),
        pytest.param([sent(1, parcel(1, ((1, 1), (2, 1))))], None, id="one unit is still here"),
        pytest.param(
            [sent(1, parcel(1, ((1, 2), (2, 1)))), arrived(1, 1, T0 + 3 * DAY)],
            Arrival(T0 + 3 * DAY, "delivered"),
            id="one parcel",
        ),
        pytest.param(
            [
                sent(1, parcel(1, ((1, 2),))),
                sent(1, parcel(2, ((2, 1),))),
                arrived(1, 2, T0 + 9 * DAY),
                arrived(1, 1, T0 + 3 * DAY),
            ],
            Arrival(T0 + 9 * DAY, "delivered"),
            id="two parcels: the last",
        ),
        pytest.param(
            [sent(1, parcel(1, ((1, 2),))), sent(1, parcel(2, ((2, 1),))), arrived(1, 1, T0 + 3 * DAY)],
            Arrival(T0 + 22 * DAY, "assumed"),  # the silent parcel left on day 1 and counts 21 days later
            id="one of two parcels was never reported",
        ),
        pytest.param(
            [sent(1, parcel(1, ((1, 2), (2, 1))))], Arrival(T0 + 22 * DAY, "assumed"), id="no delivery ever reported"
        ),
        pytest.param(
            [sent(1, parcel(1, ((1, 2), (2, 1)), delivered_at=T0 + 4 * DAY))],
            Arrival(T0 + 4 * DAY, "platform"),
            id="the parcel itself says so",
        ),
        pytest.param(
            [sent(1, parcel(1, ((1, 2), (2, 1)), delivered_at=T0 + 4 * DAY)), arrived(1, 1, T0 + 3 * DAY)],
            Arrival(T0 + 3 * DAY, "delivered"),
            id="the event is more exact than the parcel",
        ),
        pytest.param(
            [sent(1, parcel(1, ((1, 2), (2, 1)), status="cancelled")), arrived(1, 1, T0 + 3 * DAY)],
            None,
            id="a cancelled parcel delivers nothing",
        ),
        pytest.param(
            [
                sent(1, parcel(1, ((1, 2), (2, 1)), status="cancelled")),
                arrived(1, 1, T0 + 2 * DAY),
                sent(1, parcel(2, ((1, 2), (2, 1)), at=T0 + 5 * DAY)),
                arrived(1, 2, T0 + 7 * DAY),
            ],
            Arrival(T0 + 7 * DAY, "delivered"),
            id="sent again",
        ),
        pytest.param(
            [
                sent(1, parcel(1, ((1, 2),))),
                arrived(1, 1, T0 + 3 * DAY),
                refunded(1, refund(1, back(2, 1, 4_000))),
            ],
            Arrival(T0 + 3 * DAY, "delivered"),
            id="what was refunded need not arrive",
        ),
        pytest.param(
            [refunded(1, refund(1, back(1, 2, 6_000), back(2, 1, 4_000)))],
            Arrival(T0, "nothing_to_ship"),
            id="everything refunded before it was sent",
        ),
    ],
)  # fmt: skip
def test_arrival_of_goods(facts: list[OrderFact], expected: Arrival | None) -> None:
    for told in (facts, facts[::-1]):
        assert arrival(order(seen(1, *TWO, DIGITAL), *told), no_delivery_days=21) == expected
        assert arrival(order(*told, seen(1, *TWO, DIGITAL)), no_delivery_days=21) == expected


def test_an_edit_adds_something_to_wait_for() -> None:
    delivered = [seen(1, TWO[0]), sent(1, parcel(1, ((1, 2),))), arrived(1)]
    assert arrival(order(*delivered), no_delivery_days=21) == Arrival(T0 + 3 * DAY, "delivered")
    edited = seen(1, *TWO, at=T0 + 5 * DAY)
    assert arrival(order(*delivered, edited), no_delivery_days=21) is None


def test_nothing_to_ship_arrives_with_the_payment() -> None:
    paid_later = order(seen(1, DIGITAL, financial_status="pending"), seen(1, DIGITAL, at=T0 + DAY))
    assert arrival(paid_later, no_delivery_days=21) == Arrival(T0 + DAY, "nothing_to_ship")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Arrival(T0, "handed_over")),
        ({"shipping_minor": 700}, None),  # sold at the till, sent home
        ({"source_name": "web"}, None),
    ],
)
def test_a_sale_at_the_till_is_handed_over(change: dict[str, Any], expected: Arrival | None) -> None:
    stated = seen(1, *TWO, **{"source_name": "pos", **change})
    assert arrival(order(stated), no_delivery_days=21) == expected


def test_the_fulfilment_that_the_till_writes_changes_nothing() -> None:
    stated = seen(1, *TWO, source_name="pos")
    handed = Arrival(T0, "handed_over")
    assert arrival(order(stated, sent(1, parcel(1, ((1, 2), (2, 1))))), no_delivery_days=21) == handed


def test_a_parcel_of_which_nothing_was_kept_is_not_waited_for() -> None:
    facts = [
        seen(1, *TWO), sent(1, parcel(1, ((1, 2),))), sent(1, parcel(2, ((2, 1),))), arrived(1, 1, T0 + 3 * DAY),
        refunded(1, refund(1, back(2, 1, 4_000))),
    ]  # fmt: skip
    assert arrival(order(*facts), no_delivery_days=21) == Arrival(T0 + 3 * DAY, "delivered")


def test_an_order_never_seen_has_not_arrived() -> None:
    assert arrival(Order(1), no_delivery_days=21) is None
