"""The cart: the page, the forms of a theme (/cart/add, /cart), the cart as scripts read it, and codes from links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, g, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from devshop.faces.figures import presented
from devshop.faces.storefront import back, shown, title_of
from devshop.faces.visitor import (
    MAX_UNITS,
    CartLine,
    Visitor,
    is_code,
    kept_attributes,
    remember_attributes,
    remember_cart,
    remember_codes,
    variants_of,
)

if TYPE_CHECKING:
    from devshop.shop import DevPlatform


def register(site: Blueprint, platform: DevPlatform) -> None:
    """Adds the cart's pages."""

    @site.get("/cart")
    def cart() -> str:
        return shown(
            platform, "cart.html", "cart", page_title="Cart", lines=_lines(g.visitor), total=_total(g.visitor)
        )

    @site.get("/cart.js")
    def cart_for_scripts() -> Response:
        return jsonify(as_json(g.visitor))

    @site.post("/cart/update.js")
    def update_by_script() -> Response:
        """The Ajax API's update, as far as scripts of ours use it: the cart's attributes."""
        given = request.get_json(silent=True) or {}
        attributes = kept_attributes(g.visitor.attributes | (given.get("attributes") or {}))
        answer = jsonify(as_json(g.visitor) | {"attributes": attributes})
        remember_attributes(answer, attributes)
        return answer

    @site.post("/cart/add")
    def add() -> Answer:
        wanted, count = _number("id"), max(1, _number("quantity", 1))
        known = {v.id for p in g.shop.desk.shop.products.values() for v in variants_of(p)}
        if wanted not in known:
            abort(404, "There is no such thing in this shop.")
        counts = _counts(g.visitor)
        counts[wanted] = counts.get(wanted, 0) + count
        answer = redirect(url_for("faces.cart"))
        remember_cart(answer, counts)
        return answer

    @site.post("/cart")
    def change() -> Answer:
        counts = _counts(g.visitor)
        for number in list(counts):
            counts[number] = _number(f"count-{number}", counts[number])
        removed = _number("remove")
        counts.pop(removed, None)
        answer = redirect(url_for("faces.checkout" if "checkout" in request.form else "faces.cart"))
        remember_cart(answer, counts)
        return answer

    @site.get("/discount/<code>")
    def discount(code: str) -> Answer:
        """A shareable discount link, as Shopify's: the code waits for the checkout."""
        target = request.args.get("redirect", "")
        safe = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
        answer = redirect(f"{request.script_root}{target}" if safe else url_for("faces.home"))
        remember_codes(answer, [*g.visitor.codes, code])
        return answer

    @site.post("/codes")
    def codes() -> Answer:
        """Adds a code to the checkout or takes one away."""
        kept = [code for code in g.visitor.codes if code != request.form.get("remove")]
        given = request.form.get("code", "").strip()
        if given and is_code(given):
            kept.append(given)
        answer = redirect(back())
        remember_codes(answer, kept)
        return answer


def _number(name: str, otherwise: int = 0) -> int:
    text = request.form.get(name, "")
    return min(int(text), 1 << 62) if text.isascii() and text.isdigit() and len(text) < 20 else otherwise


def _counts(visitor: Visitor) -> dict[int, int]:
    return {line.variant.id: min(line.quantity, MAX_UNITS) for line in visitor.cart}


def _lines(visitor: Visitor) -> list[dict[str, Any]]:
    return [
        {
            "line": line,
            "title": title_of(line.product, visitor),
            "price": presented(line.variant.price, visitor.rate),
            "sum": line_sum(line, visitor),
        }
        for line in visitor.cart
    ]


def line_sum(line: CartLine, visitor: Visitor) -> int:
    """What a line costs in presentment money."""
    return presented(line.variant.price, visitor.rate) * line.quantity


def _total(visitor: Visitor) -> int:
    return sum(line_sum(line, visitor) for line in visitor.cart)


def as_json(visitor: Visitor) -> dict[str, Any]:
    """The Ajax cart: the fields of Shopify's /cart.js that our scripts may read."""
    return {
        "token": "devshop",
        "note": "",
        "attributes": visitor.attributes,
        "item_count": visitor.units,
        "total_price": _total(visitor),
        "total_discount": 0,
        "original_total_price": _total(visitor),
        "currency": visitor.currency,
        "requires_shipping": any(line.product.requires_shipping for line in visitor.cart),
        "items": [
            {
                "id": line.variant.id,
                "variant_id": line.variant.id,
                "product_id": line.product.id,
                "product_title": title_of(line.product, visitor),
                "variant_title": line.variant.title,
                "handle": line.product.handle,
                "quantity": line.quantity,
                "price": presented(line.variant.price, visitor.rate),
                "final_line_price": line_sum(line, visitor),
                "line_price": line_sum(line, visitor),
                "gift_card": line.product.gift_card,
                "sku": line.variant.sku,
            }
            for line in visitor.cart
        ],
    }
