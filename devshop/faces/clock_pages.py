"""The clock of the demo: a day, a week, or to the next thing that happens; parcels arrive on the way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, abort, flash, g, redirect, request
from werkzeug.wrappers import Response as Answer

from devshop.faces.account import loyalty_of
from devshop.faces.figures import moment
from devshop.faces.storefront import back
from devshop.order_records import Customer, Fulfilment, Order

if TYPE_CHECKING:
    from devshop.shop import DevPlatform, DevShop

CARRIER_DAYS = 2  # a parcel arrives two days after it was sent, when somebody moves to the next event
QUESTION_DAYS = 2  # the app asks its question two days after the last parcel (its default)
STEPS = {"day": timedelta(days=1), "week": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Happening:
    """The next thing that time brings. `parcel` is set where the carrier has to do something."""

    at: datetime
    what: str
    parcel: Fulfilment | None = None


def register(site: Blueprint, platform: DevPlatform) -> None:
    """Adds the one form behind the buttons of the top bar."""

    @site.post("/shop-admin/clock")
    def move_clock() -> Answer:
        move = platform.move_clock
        if move is None:
            abort(409, "This shop has no clock of its own. Start it with `regulars demo`.")
        by = request.form.get("by", "")
        if by in STEPS:
            flash(f"It is now {moment(g.shop.desk, move(STEPS[by]), 'time')}.", "done")
        elif by == "event":
            _to_next(platform, g.shop, g.visitor.customer)
        else:
            abort(400, "There is no such step.")
        return redirect(back())


def _to_next(platform: DevPlatform, shop: DevShop, customer: Customer | None) -> None:
    coming = upcoming(platform, shop, customer)
    if coming is None:
        whose = f"{customer.first_name}'s orders" if customer else "this shop"
        flash(f"Nothing is on its way for {whose}. Place and send an order first.", "problem")
        return
    # A few seconds past it, so that whatever falls due at that very moment is due.
    wait = coming.at - shop.desk.now() + timedelta(seconds=5)
    assert platform.move_clock is not None
    then = platform.move_clock(max(wait, timedelta(seconds=1)))
    if coming.parcel is not None:
        shop.deliver_parcel(coming.parcel)
    flash(f"{moment(shop.desk, then, 'time')}: {coming.what}", "done")


def upcoming(platform: DevPlatform, shop: DevShop, customer: Customer | None) -> Happening | None:
    """What happens next to a customer, or to anybody: a parcel, points that open or end, the question."""
    now = shop.desk.now()
    found = [
        one
        for order in shop.orders.values()
        if customer is None or order.customer_id == customer.id
        for one in _of_order(shop, order, now)
    ]
    for person in [customer] if customer else shop.customers.values():
        state = loyalty_of(platform, shop, person) or {}
        if state.get("next_at"):
            what = "points become available" if state.get("next_delta", 0) > 0 else "points expire"
            found.append(
                Happening(datetime.fromisoformat(state["next_at"]), f"{person.first_name}'s {what}.")
            )
    return min((one for one in found if one.at > now or one.parcel), key=lambda one: one.at, default=None)


def _of_order(shop: DevShop, order: Order, now: datetime) -> list[Happening]:
    parcels = [one for one in order.fulfilments if one.status == "success"]
    found = [
        Happening(
            max(one.created_at + timedelta(days=CARRIER_DAYS), now),
            f"The parcel of order {order.name} arrived.",
            one,
        )
        for one in parcels
        if one.delivered_at is None
    ]
    arrived = [one.delivered_at for one in parcels if one.delivered_at is not None]
    if arrived and not found and order.customer_id is not None:
        asked = max(arrived) + timedelta(days=QUESTION_DAYS)
        found.append(Happening(asked, f"The question about order {order.name} is due."))
    return found
