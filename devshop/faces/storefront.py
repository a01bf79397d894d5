"""The storefront: home, collections, products, and the small things a theme offers to scripts."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, g, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from devshop.faces import catalogue, theme
from devshop.faces.catalogue import Ware, ware_of
from devshop.faces.figures import money_in, presented
from devshop.faces.visitor import (
    COUNTRIES,
    COUNTRY_COOKIE,
    LANGUAGE_COOKIE,
    LANGUAGES,
    Visitor,
    remember,
    variants_of,
)
from devshop.order_records import Product

if TYPE_CHECKING:
    from devshop.shop import DevPlatform

COLLECTIONS = {"all": "Everything", catalogue.TEA: "Tea", catalogue.OUTDOOR: "Outdoor"}


# The Customer Privacy API as Shopify's own scripts load it on demand; here every visitor has agreed.
_CONSENT = """window.Shopify.loadFeatures = (wanted, done) => {
  window.Shopify.customerPrivacy = { preferencesProcessingAllowed: () => true };
  done();
};
"""


def register(site: Blueprint, platform: DevPlatform) -> None:
    """Adds the pages anybody may see."""

    @site.get("/")
    def home() -> str:
        products = list(g.shop.desk.shop.products.values())
        return shown(
            platform, "home.html", "index", products=_cards(products, g.visitor), page_title="Alpine Tea"
        )

    @site.get("/collections/<name>")
    def collection(name: str) -> str:
        if name not in COLLECTIONS:
            abort(404, "There is no such collection.")
        products = [
            product for product in g.shop.desk.shop.products.values() if name == "all" or name in product.tags
        ]
        return shown(
            platform,
            "collection.html",
            "collection",
            products=_cards(products, g.visitor),
            page_title=COLLECTIONS[name],
            collections=COLLECTIONS,
            name=name,
        )

    @site.get("/products/<handle>")
    def product(handle: str) -> str:
        return _product(platform, g.visitor, handle)

    @site.get("/devshop/theme.js")
    def theme_script() -> Response:
        return _theme_script(g.visitor)

    @site.get("/ext/<extension>/assets/<name>")
    def asset(extension: str, name: str) -> Response:
        return theme.asset(platform, extension, name)

    @site.post("/localization")
    def localization() -> Answer:
        answer = redirect(back())
        if request.form.get("language") in LANGUAGES:
            remember(answer, LANGUAGE_COOKIE, request.form["language"])
        if request.form.get("country") in COUNTRIES:
            remember(answer, COUNTRY_COOKIE, request.form["country"])
        return answer


def back() -> str:
    """The page of ours that a form was sent from, else the home page."""
    target = request.form.get("return_to", "")
    safe = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return f"{request.script_root}{target}" if safe else url_for("faces.home")


def shown(
    platform: DevPlatform, template: str, kind: str, product: Product | None = None, **values: Any
) -> str:
    """A page of the storefront with the app's blocks in it: embeds in the body, blocks beside the product."""
    g.themed = True
    placed = theme.render(platform, g.visitor, kind, product)
    priced = functools.partial(money_in, language=g.visitor.language, country=g.visitor.country)
    return render_template(template, placed=placed, product=product, money=priced, **values)


def _cards(products: list[Product], visitor: Visitor) -> list[dict[str, Any]]:
    return [
        {
            "product": product,
            "ware": ware_of(product),
            "title": title_of(product, visitor),
            "from_price": presented(min(v.price for v in variants_of(product)), visitor.rate),
            "several": len({v.price for v in variants_of(product)}) > 1,
        }
        for product in products
    ]


def title_of(product: Product, visitor: Visitor) -> str:
    """The product's name in the visitor's language; what a merchant renamed stays as they wrote it."""
    ware: Ware = ware_of(product)
    translated = visitor.language == "de" and product.title == ware.title
    return ware.german_title if translated else product.title


def _product(platform: DevPlatform, visitor: Visitor, handle: str) -> str:
    found = next((p for p in g.shop.desk.shop.products.values() if p.handle == handle), None)
    if found is None:
        abort(404, "There is no such product.")
    variants = variants_of(found)
    asked = request.args.get("variant", "")
    chosen = next((v for v in variants if str(v.id) == asked), variants[0])
    ware = ware_of(found)
    others = [p for p in g.shop.desk.shop.products.values() if p.id != found.id and p.tags == found.tags]
    return shown(
        platform,
        "product.html",
        "product",
        found,
        page_title=title_of(found, visitor),
        ware=ware,
        variants=variants,
        chosen=chosen,
        price=presented(chosen.price, visitor.rate),
        prices={v.id: presented(v.price, visitor.rate) for v in variants},
        others=_cards(others[:4], visitor),
    )


def _theme_script(visitor: Visitor) -> Response:
    """window.Shopify as Online Store pages have it: shop, locale, currency, country, routes."""
    record = visitor.shop.desk.shop
    values = {
        "shop": record.domain,
        "locale": visitor.language,
        "currency": {"active": visitor.currency, "rate": visitor.rate if visitor.rate != "1" else "1.0"},
        "country": visitor.country,
        "routes": {"root": f"{request.script_root}/"},
        "designMode": False,
    }
    told = jsonify(values).get_data(as_text=True).strip()
    text = f"window.Shopify = Object.assign(window.Shopify || {{}}, {told});\n{_CONSENT}"
    return Response(
        text, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-store"}
    )
