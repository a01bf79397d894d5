"""What Liquid knows on a page: shop, customer with metafields, product, cart, localization, request, routes, app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request

from devshop.faces.catalogue import ware_of
from devshop.faces.figures import presented
from devshop.faces.visitor import COUNTRIES, LANGUAGES, Visitor, variants_of
from devshop.graphql_metafields import json_value
from devshop.ids import gid
from devshop.order_records import Product, Variant

if TYPE_CHECKING:
    from devshop.shop import DevPlatform, DevShop

Known = dict[str, Any]
_SYMBOLS = {"CHF": "CHF", "EUR": "€"}


def everything(platform: DevPlatform, visitor: Visitor, template: str, product: Product | None) -> Known:
    """The global objects, as the storefront of this visitor has them."""
    shop = visitor.shop
    installation = gid("AppInstallation", shop.desk.shop.installation_id or 0)
    return {
        "shop": _shop(visitor),
        "customer": _customer(platform, visitor),
        "product": None if product is None else _product(visitor, product),
        "cart": _cart(visitor),
        "localization": _localization(visitor),
        "request": _request(visitor, template),
        "routes": _routes(),
        "template": {"name": template, "suffix": None, "directory": None},
        "app": {"metafields": metafields(shop, installation, platform.app.app_id, public_only=False)},
    }


def metafields(
    shop: DevShop, owner: str, app_id: int, *, public_only: bool = True
) -> dict[str, dict[str, Known]]:
    """Metafields of one owner by namespace and key.

    The app's own namespace app--N is also called `app` (as app.toml declares it) and `$app`; so are those below it.
    An owner's fields of the app reach Liquid only with access.storefront = public_read.
    """
    own, record = f"app--{app_id}", shop.desk.shop
    public = {
        (one.namespace, one.key) for one in record.definitions if one.storefront.upper() == "PUBLIC_READ"
    }
    found: dict[str, dict[str, Known]] = {}
    for field in record.metafields.values():
        hidden = (
            public_only and field.namespace.startswith("app--") and (field.namespace, field.key) not in public
        )
        if field.owner != owner or hidden:
            continue
        value = {
            "value": json_value(field.type, field.value),
            "type": field.type,
            "list?": field.type.startswith("list."),
        }
        names = [field.namespace]
        if field.namespace == own:
            names += ["app", "$app"]
        elif field.namespace.startswith(f"{own}--"):
            names.append(f"$app:{field.namespace.removeprefix(f'{own}--')}")
        for name in names:
            found.setdefault(name, {})[field.key] = value
    return found


def _shop(visitor: Visitor) -> Known:
    record = visitor.shop.desk.shop
    return {
        "id": record.id,
        "name": record.name,
        "currency": record.currency,
        "domain": request.host,
        "permanent_domain": record.domain,
        "url": request.host_url.rstrip("/"),
        "secure_url": request.host_url.rstrip("/"),
        "email": record.email,
        "money_format": "CHF {{amount}}",
        "customer_accounts_enabled": True,
        "customer_accounts_optional": True,
        "enabled_currencies": [_currency(code) for code in (record.currency, *record.rates)],
    }


def _currency(code: str) -> Known:
    return {"iso_code": code, "name": code, "symbol": _SYMBOLS.get(code, code)}


def _customer(platform: DevPlatform, visitor: Visitor) -> Known | None:
    customer = visitor.customer
    if customer is None:
        return None
    placed = [one for one in visitor.shop.orders.values() if one.customer_id == customer.id]
    return {
        "id": customer.id,
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "name": f"{customer.first_name} {customer.last_name}".strip(),
        "tags": list(customer.tags),
        "orders_count": len(placed),
        "has_account": True,
        "accepts_marketing": customer.accepts_marketing,
        "metafields": metafields(visitor.shop, gid("Customer", customer.id), platform.app.app_id),
    }


def _product(visitor: Visitor, product: Product) -> Known:
    variants = [_variant(visitor, product, one) for one in variants_of(product)]
    chosen = next((one for one in variants if str(one["id"]) == request.args.get("variant", "")), None)
    prices = [one["price"] for one in variants]
    return {
        "id": product.id,
        "title": product.title,
        "handle": product.handle,
        "url": f"/products/{product.handle}",
        "vendor": product.vendor,
        "type": product.product_type,
        "tags": list(product.tags),
        "description": ware_of(product).english,
        "available": True,
        "gift_card?": product.gift_card,
        "price": min(prices),
        "price_min": min(prices),
        "price_max": max(prices),
        "price_varies": len(set(prices)) > 1,
        "variants": variants,
        "variants_count": len(variants),
        "has_only_default_variant": len(variants) == 1 and variants[0]["title"] == "Default Title",
        "selected_variant": chosen,
        "first_available_variant": variants[0],
        "selected_or_first_available_variant": chosen or variants[0],
        "collections": [
            {"id": index, "handle": tag, "title": tag} for index, tag in enumerate(product.tags, 1)
        ],
    }


def _variant(visitor: Visitor, product: Product, variant: Variant) -> Known:
    return {
        "id": variant.id,
        "title": variant.title,
        "price": presented(variant.price, visitor.rate),
        "compare_at_price": None,
        "sku": variant.sku,
        "available": True,
        "requires_shipping": product.requires_shipping,
        "taxable": product.taxable,
        "option1": variant.title,
        "url": f"/products/{product.handle}?variant={variant.id}",
    }


def _cart(visitor: Visitor) -> Known:
    items: list[Known] = [
        {
            "id": line.variant.id,
            "product_id": line.product.id,
            "variant_id": line.variant.id,
            "title": line.product.title,
            "quantity": line.quantity,
            "price": presented(line.variant.price, visitor.rate),
            "final_price": presented(line.variant.price, visitor.rate),
            "final_line_price": presented(line.variant.price, visitor.rate) * line.quantity,
            "gift_card": line.product.gift_card,
            "product": {
                "id": line.product.id,
                "gift_card?": line.product.gift_card,
                "tags": list(line.product.tags),
            },
        }
        for line in visitor.cart
    ]
    total = sum(one["final_line_price"] for one in items)
    return {
        "item_count": visitor.units,
        "items": items,
        "empty?": not items,
        "total_price": total,
        "original_total_price": total,
        "items_subtotal_price": total,
        "total_discount": 0,
        "currency": _currency(visitor.currency),
        "requires_shipping": any(line.product.requires_shipping for line in visitor.cart),
    }


def _localization(visitor: Visitor) -> Known:
    def country(code: str) -> Known:
        name, currency = COUNTRIES[code]
        return {"iso_code": code, "name": name, "currency": _currency(currency)}

    here = country(visitor.country)
    return {
        "language": _language(visitor.language),
        "country": {**here, "currency": _currency(visitor.currency)},
        "available_languages": [_language(code) for code in LANGUAGES],
        "available_countries": [country(code) for code in COUNTRIES],
        "market": {"handle": visitor.country.lower()},
    }


def _language(code: str) -> Known:
    return {
        "iso_code": code,
        "name": LANGUAGES[code],
        "endonym_name": LANGUAGES[code],
        "primary": code == "en",
        "root_url": "/",
    }


def _request(visitor: Visitor, template: str) -> Known:
    return {
        "locale": _language(visitor.language),
        "design_mode": False,
        "visual_preview_mode": False,
        "page_type": template,
        "host": request.host,
        "origin": request.host_url.rstrip("/"),
        "path": request.path,
    }


def _routes() -> Known:
    root = f"{request.script_root}/"
    return {
        "root_url": root,
        "account_url": f"{root}account",
        "account_login_url": f"{root}account/login",
        "account_register_url": f"{root}account/login",
        "account_logout_url": f"{root}account/logout",
        "storefront_login_url": f"{root}account/login",
        "cart_url": f"{root}cart",
        "cart_add_url": f"{root}cart/add",
        "cart_change_url": f"{root}cart",
        "all_products_collection_url": f"{root}collections/all",
        "collections_url": f"{root}collections/all",
    }
