"""Timing: from when on the points of an order may be spent, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta

from plugin.domain.orders import Arrival, Order
from plugin.domain.programme import Programme
from plugin.domain.values import months_later


def opens_at(order: Order, programme: Programme, came: Arrival | None) -> datetime | None:
    """When the points open, or None while nobody can say: after delivery and window, after payment, or at once."""
    head, rules = order.head, programme.orders
    if head is None:
        return None
    paid_at = order.paid_at or head.processed_at
    if rules.opens == "at_once":
        return paid_at
    if rules.opens == "paid":
        return paid_at + timedelta(days=rules.paid_days)
    return over_at(order, came, programme.return_window_days)


def over_at(order: Order, came: Arrival | None, days: int) -> datetime | None:
    """When an order that was paid has been there for so many days; None while something is on its way."""
    if came is None or order.head is None:
        return None
    return max(came.at, order.paid_at or order.head.processed_at) + timedelta(days=days)


def ends_at(opens: datetime | None, programme: Programme) -> datetime | None:
    """When points that open then run out; None: never, or not known yet."""
    if opens is None or programme.expiry_months is None:
        return None
    return months_later(opens, programme.expiry_months)
