"""The checkout: who, where to, which codes, what it costs in which money; and the page that says thank you."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from flask import Blueprint, Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from devshop import checkout
from devshop.checkout import Basics, Item
from devshop.errors import CheckoutRefused, DevshopError
from devshop.faces.storefront import shown, title_of
from devshop.faces.visitor import Visitor, remember_attributes, remember_cart, remember_codes
from devshop.money import total
from devshop.order_records import Order
from devshop.totals import Figures, figures, line_net, taxes_of

if TYPE_CHECKING:
    from devshop.shop import DevPlatform

MAX_NOTE = 500


def register(site: Blueprint, platform: DevPlatform) -> None:
    """Adds checkout and thank-you page."""

    # Named after its path; the module of the same name is what computes.
    @site.get("/checkout", endpoint="checkout")
    def show() -> Answer:
        if not g.visitor.cart:
            return redirect(url_for("faces.cart"))
        return _page(platform, g.visitor, None)

    @site.post("/checkout")
    def buy() -> Answer:
        visitor: Visitor = g.visitor
        if not visitor.cart:
            return redirect(url_for("faces.cart"))
        email = request.form.get("email", "").strip()
        if visitor.customer is None and "@" not in email:
            return _page(platform, visitor, "Give an e-mail address, so that we know who you are.", 422)
        try:
            order = _place(visitor, email)
        except DevshopError as error:
            return _page(platform, visitor, str(error), 422)
        answer = redirect(url_for("faces.thanks", token=order.token))
        remember_cart(answer, {})
        remember_codes(answer, [])
        remember_attributes(answer, {})
        return answer

    @site.get("/thank-you/<token>")
    def thanks(token: str) -> str:
        order = next((one for one in g.shop.orders.values() if one.token == token), None)
        if order is None:
            abort(404, "There is no such order.")
        return shown(
            platform, "thanks.html", "checkout", page_title="Thank you", **_summary(order, g.visitor)
        )


def _items(visitor: Visitor) -> list[Item]:
    return [
        Item(
            product=line.product.id,
            variant=line.variant.id if line.product.variants else None,
            quantity=line.quantity,
        )
        for line in visitor.cart
    ]


def _place(visitor: Visitor, email: str) -> Order:
    later = request.form.get("payment") == "invoice"
    basics = _basics(visitor)
    if visitor.customer is None:
        basics["email"] = email
    note = request.form.get("note", "").strip()[:MAX_NOTE]
    return visitor.shop.place_order(
        visitor.customer,
        _items(visitor),
        discount_codes=quoted(visitor)[1],
        paid=not later,
        gateway="invoice" if later else "bogus",
        note=note or None,
        **basics,
    )


def _basics(visitor: Visitor) -> dict[str, Any]:
    return {
        "currency": visitor.currency,
        "attributes": visitor.attributes,
        "client_ip": request.remote_addr,
        "user_agent": request.user_agent.string or None,
    }


def quoted(visitor: Visitor) -> tuple[Order, list[str], list[str]]:
    """The order as it would be placed, the codes that count, and why others do not."""
    basics = msgspec.convert(_basics(visitor), Basics)
    good: list[str] = []
    refusals: list[str] = []
    for code in visitor.codes:
        try:
            checkout.quote(visitor.shop.desk, visitor.customer, _items(visitor), [*good, code], basics)
            good.append(code)
        except CheckoutRefused as refused:
            refusals.append(str(refused))
    order = checkout.quote(visitor.shop.desk, visitor.customer, _items(visitor), good, basics)
    return order, good, refusals


def _page(platform: DevPlatform, visitor: Visitor, problem: str | None, status: int = 200) -> Answer:
    """The checkout. A code that does not fit is told once and then let go, so that it never looks applied."""
    with platform.lock:
        order, good, refusals = quoted(visitor)
    text = shown(
        platform,
        "checkout.html",
        "checkout",
        page_title="Checkout",
        problem=problem,
        refusals=refusals,
        codes=good,
        **_summary(order, visitor),
    )
    answer = Response(text, status, content_type="text/html; charset=utf-8")
    if refusals:
        remember_codes(answer, good)
    return answer


def _summary(order: Order, visitor: Visitor) -> dict[str, Any]:
    sums: Figures = figures(order)
    products = visitor.shop.desk.shop.products
    return {
        "order": order,
        "currency": order.presentment_currency,
        "sums": sums,
        "tax": total(tax.amount for tax in taxes_of(order)).presentment,
        "rows": [
            {
                "title": title_of(products[line.product_id], visitor)
                if line.product_id in products
                else line.title,
                "product": products.get(line.product_id or 0),
                "line": line,
                "price": line.price.times(line.quantity).presentment,
                "net": line_net(line).presentment,
            }
            for line in order.lines
        ],
        "applied": [(one.code, one.amount.presentment) for one in order.applications],
    }
