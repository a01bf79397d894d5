"""Customer accounts: sign in as anybody in one click, see one's orders and what the shop knows of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from devshop.faces.storefront import back, shown
from devshop.faces.visitor import CUSTOMER_COOKIE, remember
from devshop.ids import gid
from devshop.order_records import Customer, Order
from devshop.totals import figures, financial_status, fulfilment_status

if TYPE_CHECKING:
    from devshop.shop import DevPlatform, DevShop

LISTED = 48


def register(site: Blueprint, platform: DevPlatform) -> None:
    """Adds sign-in and the account page."""

    @site.get("/account/login")
    def login() -> str:
        wanted = request.args.get("q", "").strip()
        people = _matching(g.shop, wanted)
        return shown(
            platform,
            "login.html",
            "customers/login",
            page_title="Sign in",
            wanted=wanted,
            people=[_person(platform, one) for one in people[:LISTED]],
            total=len(people),
            return_to=request.args.get("return_to", ""),
        )

    @site.post("/account/login")
    def sign_in() -> Answer:
        number = request.form.get("customer", "")
        if not number.isascii() or not number.isdigit() or int(number) not in g.shop.customers:
            abort(404, "There is no such customer.")
        return _signed_in(int(number))

    @site.post("/account/register")
    def sign_up() -> Answer:
        first, last = request.form.get("first_name", "").strip(), request.form.get("last_name", "").strip()
        email = request.form.get("email", "").strip()
        if not (first and "@" in email and len(first + last + email) < 300):
            abort(400, "Give a first name and an e-mail address.")
        fields = {"first_name": first, "last_name": last, "email": email, "locale": g.visitor.language}
        return _signed_in(g.shop.create_customer(**fields).id)

    @site.post("/account/logout")
    def sign_out() -> Answer:
        answer = redirect(url_for("faces.home"))
        remember(answer, CUSTOMER_COOKIE, "")
        return answer

    @site.get("/account")
    def account() -> Answer | str:
        customer = g.visitor.customer
        if customer is None:
            return redirect(url_for("faces.login"))
        placed = [one for one in g.shop.orders.values() if one.customer_id == customer.id]
        return shown(
            platform,
            "account.html",
            "customers/account",
            page_title="Account",
            customer=customer,
            orders=[
                order_line(one) for one in sorted(placed, key=lambda one: one.processed_at, reverse=True)
            ],
            fields=known_of(platform, g.shop, customer),
        )


def _signed_in(number: int) -> Answer:
    answer = redirect(back() if request.form.get("return_to") else url_for("faces.account"))
    remember(answer, CUSTOMER_COOKIE, str(number))
    return answer


def _matching(shop: DevShop, wanted: str) -> list[Customer]:
    """Customers whose name or address holds the words, the latest buyers first."""
    last: dict[int, int] = {}
    for order in shop.orders.values():
        if order.customer_id is not None:
            last[order.customer_id] = max(last.get(order.customer_id, 0), order.number)
    words = wanted.casefold().split()
    found = [
        one
        for one in shop.customers.values()
        if all(word in f"{one.first_name} {one.last_name} {one.email}".casefold() for word in words)
    ]
    return sorted(found, key=lambda one: (-last.get(one.id, 0), one.id))


def _person(platform: DevPlatform, customer: Customer) -> dict[str, Any]:
    loyalty = loyalty_of(platform, g.shop, customer)
    placed = sum(1 for one in g.shop.orders.values() if one.customer_id == customer.id)
    return {"customer": customer, "orders": placed, "loyalty": loyalty}


def loyalty_of(platform: DevPlatform, shop: DevShop, customer: Customer) -> dict[str, Any] | None:
    """What the app has written about a customer: its JSON metafield, or None."""
    slot = f"{gid('Customer', customer.id)} app--{platform.app.app_id} loyalty"
    field = shop.desk.shop.metafields.get(slot)
    value = json.loads(field.value) if field is not None and field.type == "json" else None
    return value if isinstance(value, dict) else None


def known_of(platform: DevPlatform, shop: DevShop, customer: Customer) -> list[tuple[str, str]]:
    """Every metafield of a customer as (name, text), JSON laid out."""
    owner, own = gid("Customer", customer.id), f"app--{platform.app.app_id}"
    found = []
    for field in shop.desk.shop.metafields.values():
        if field.owner == owner:
            text = field.value
            if field.type == "json":
                text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
            found.append((f"{field.namespace.replace(own, '$app')}.{field.key}", text))
    return found


def order_line(order: Order) -> dict[str, Any]:
    """One order as its buyer sees it in a list."""
    sums = figures(order)
    return {
        "order": order,
        "total": sums.current_total.presentment,
        "paid": financial_status(order, sums),
        "sent": sent(order),
    }


def sent(order: Order) -> str:
    """Where the parcels are: preparing, partly sent, on its way, delivered or cancelled."""
    if order.cancelled_at is not None:
        return "cancelled"
    status = fulfilment_status(order)
    if status is None:
        return "preparing"
    parcels = [one for one in order.fulfilments if one.status == "success"]
    if status == "partial":
        return "partly sent"
    return "delivered" if all(one.delivered_at for one in parcels) else "on its way"
