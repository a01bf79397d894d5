"""Facts about orders in few words, for the tests of domain, store and flows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from plugin.domain.facts import (
    CustomerFact,
    Fulfilment,
    FulfilmentSeen,
    Line,
    OrderHead,
    OrderSeen,
    ParcelEvent,
    Refund,
    RefundLine,
    RefundMade,
)
from plugin.domain.orders import Order, merge
from plugin.domain.programme import EarningRule, Programme, Reward, Tier
from plugin.domain.values import Rate, Ratio

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def programme(**changes: Any) -> Programme:
    """1 point per franc, 50 for joining, two tiers, two rewards; without a return window unless told."""
    given: dict[str, Any] = {
        "version": 1,
        "currency": "CHF",
        "earning": (EarningRule(Rate(1, 100)),),
        "signup_points": 50,
        "tiers": (Tier("bronze", "Bronze", 0), Tier("silver", "Silver", 500, Ratio(5, 4))),
        "rewards": (
            Reward("five_off", "amount_off", "5 off", 100, value_minor=500),
            Reward("shipping", "free_shipping", "Free shipping", 150),
        ),
    }
    return Programme(**{**given, **changes})


def line(line_id: int = 1, net: int = 10_000, quantity: int = 1, **changes: Any) -> Line:
    """`net` is the whole line's money in minor units."""
    given: dict[str, Any] = {
        "removed": 0,
        "tax_minor": 0,
        "gift_card": False,
        "requires_shipping": True,
    }
    return Line(line_id=line_id, quantity=quantity, net_minor=net, **{**given, **changes})


def head(*lines: Line, at: datetime = T0, **changes: Any) -> OrderHead:
    """A paid web order of customer 7 in a shop whose prices hold tax."""
    given: dict[str, Any] = {
        "origin": "webhook",
        "name": "#1001",
        "customer_id": 7,
        "currency": "CHF",
        "processed_at": T0,
        "taxes_included": True,
        "financial_status": "paid",
        "source_name": "web",
        "test": False,
        "cancelled_at": None,
    }
    return OrderHead(updated_at=at, lines=lines or (line(),), **{**given, **changes})


def seen(
    order_id: int,
    *lines: Line,
    at: datetime = T0,
    refunds: tuple[Refund, ...] = (),
    parcels: tuple[Fulfilment, ...] = (),
    delivered: tuple[tuple[int, datetime], ...] = (),
    email: str | None = None,
    **changes: Any,
) -> OrderSeen:
    """A snapshot of an order as a webhook or a read states it."""
    stated = head(*lines, at=at, **changes)
    customer = (
        None if stated.customer_id is None else CustomerFact(stated.customer_id, at, email, "Ada", "Lovelace")
    )
    return OrderSeen(order_id, stated, refunds, parcels, delivered, customer)


def order(*facts: Any, order_id: int = 1) -> Order:
    """The projection after these facts."""
    made = Order(order_id)
    for fact in facts:
        made = merge(made, fact)
    return made


def refund(
    refund_id: int = 1, *lines: RefundLine, paid: int = 0, shipping: int = 0, at: datetime = T0
) -> Refund:
    """A refund; what `paid` exceeds its lines and shipping by is an amount without lines."""
    return Refund(refund_id, at, lines, paid, shipping)


def back(line_id: int, quantity: int, subtotal: int, tax: int = 0) -> RefundLine:
    """Units of a line that came back."""
    return RefundLine(line_id, quantity, subtotal, tax)


def refunded(order_id: int, made: Refund) -> RefundMade:
    """refunds/create."""
    return RefundMade(order_id, made)


def parcel(
    parcel_id: int = 1,
    lines: tuple[tuple[int, int], ...] = ((1, 1),),
    *,
    at: datetime = T0 + DAY,
    status: str = "success",
    delivered_at: datetime | None = None,
) -> Fulfilment:
    """A parcel with units of lines in it."""
    return Fulfilment(parcel_id, at, at, status, lines, delivered_at)


def sent(order_id: int, what: Fulfilment) -> FulfilmentSeen:
    """fulfillments/create or update."""
    return FulfilmentSeen(order_id, what)


def arrived(order_id: int, parcel_id: int = 1, at: datetime = T0 + 3 * DAY) -> ParcelEvent:
    """The carrier handed the parcel over."""
    return ParcelEvent(order_id, parcel_id, "delivered", at)
