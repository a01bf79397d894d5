"""The order admin for people: a list, one order with everything one can do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from devshop.errors import DevshopError
from devshop.faces import order_forms
from devshop.faces.account import loyalty_of, sent
from devshop.order_records import Order
from devshop.refunds import refundable
from devshop.totals import current_quantity, figures, financial_status, fulfillable

if TYPE_CHECKING:
    from devshop.shop import DevPlatform

PAGE = 40
FILTERS = {
    "all": "All",
    "unpaid": "Unpaid",
    "preparing": "To send",
    "on its way": "On the way",
    "delivered": "Delivered",
    "cancelled": "Cancelled",
}


def register(site: Blueprint, platform: DevPlatform) -> None:
    """Adds the list, the detail and the form that acts."""

    @site.get("/shop-admin/orders")
    def orders() -> str:
        return _list()

    @site.get("/shop-admin/orders/<int:number>")
    def order(number: int) -> str:
        return _detail(platform, _found(number))

    @site.post("/shop-admin/orders/<int:number>")
    def act_on_order(number: int) -> Answer:
        found = _found(number)
        name = request.form.get("action", "")
        if name not in order_forms.ACTIONS:
            abort(400, "There is no such action.")
        try:
            flash(order_forms.ACTIONS[name](g.shop, found, request.form), "done")
        except DevshopError as error:
            flash(str(error), "problem")
        except ValueError:
            flash("An amount or a number could not be read. Write amounts such as 12.50.", "problem")
        gone = number not in g.shop.orders
        return redirect(url_for("faces.orders") if gone else url_for("faces.order", number=number))


def _found(number: int) -> Order:
    order: Order | None = g.shop.orders.get(number)
    if order is None:
        abort(404, "There is no such order.")
    return order


def _list() -> str:
    wanted, chosen = request.args.get("q", "").strip(), request.args.get("show", "all")
    page = request.args.get("page", "1")
    start = (min(int(page), 10_000) - 1) * PAGE if page.isascii() and page.isdigit() and int(page) else 0
    rows = [row for row in map(_row, _newest_first()) if _matches(row, wanted, chosen)]
    return render_template(
        "orders.html",
        page_title="Orders",
        rows=rows[start : start + PAGE],
        total=len(rows),
        start=start,
        more=len(rows) > start + PAGE,
        page=start // PAGE + 1,
        filters=FILTERS,
        chosen=chosen,
        wanted=wanted,
    )


def _newest_first() -> list[Order]:
    return sorted(g.shop.orders.values(), key=lambda one: (one.processed_at, one.number), reverse=True)


def _row(order: Order) -> dict[str, Any]:
    customer = g.shop.customers.get(order.customer_id) if order.customer_id else None
    sums = figures(order)
    return {
        "order": order,
        "customer": customer,
        "total": sums.current_total,
        "paid": financial_status(order, sums),
        "sent": sent(order),
        "units": sum(line.quantity for line in order.lines),
    }


def _matches(row: dict[str, Any], wanted: str, chosen: str) -> bool:
    order, customer = row["order"], row["customer"]
    name = f"{customer.first_name} {customer.last_name} {customer.email}" if customer else order.email
    if wanted and wanted.casefold() not in f"{order.name} {name}".casefold():
        return False
    if chosen == "unpaid":
        return row["paid"] in ("pending", "authorized", "partially_paid")
    return chosen not in FILTERS or chosen == "all" or row["sent"] == chosen


def _detail(platform: DevPlatform, order: Order) -> str:
    customer = g.shop.customers.get(order.customer_id) if order.customer_id else None
    sums = figures(order)
    lines = {line.id: line for line in order.lines}
    webhooks = [
        one
        for one in platform.journal.entries(g.shop.domain, "webhook")
        if one.delivery is not None and str(order.id).encode() in one.delivery.body
    ]
    return render_template(
        "order.html",
        page_title=f"Order {order.name}",
        order=order,
        customer=customer,
        loyalty=loyalty_of(platform, g.shop, customer) if customer else None,
        sums=sums,
        lines=lines,
        net=refundable(order),
        paid=financial_status(order, sums),
        sent=sent(order),
        left={line.id: fulfillable(line) for line in order.lines},
        here={line.id: current_quantity(line) for line in order.lines},
        carriers=order_forms.CARRIERS,
        events=order_forms.EVENTS,
        products=list(g.shop.desk.shop.products.values()),
        webhooks=webhooks[:20],
    )
