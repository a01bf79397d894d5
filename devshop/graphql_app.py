"""The shop and the app's installation in the Admin API, and nodes of every kind."""

from __future__ import annotations

from collections.abc import Sequence

from devshop.bodies_shop import scopes_body
from devshop.errors import DevshopError
from devshop.graphql_call import Call, View, utc
from devshop.graphql_customers import customer_view
from devshop.graphql_discounts import node as discount_node
from devshop.graphql_fulfilments import fulfilment_view
from devshop.graphql_metafields import metafield_fields
from devshop.graphql_metaobjects import view as metaobject_view
from devshop.graphql_orders import order_view
from devshop.graphql_parts import product_view
from devshop.graphql_refunds import refund_view, return_view
from devshop.graphql_search import visible
from devshop.ids import gid, number_of
from devshop.order_records import Order, Refund
from devshop.webhooks_out import API_VERSION


def shop_view(call: Call) -> View:
    shop = call.desk.shop
    url = f"https://{shop.domain}"
    return {
        "__typename": "Shop",
        "id": gid("Shop", shop.id),
        "name": shop.name,
        "myshopifyDomain": shop.domain,
        "primaryDomain": {
            "__typename": "Domain",
            "id": gid("Domain", shop.id),
            "host": shop.domain,
            "url": url,
        },
        "email": shop.email,
        "contactEmail": shop.email,
        "currencyCode": shop.currency,
        "enabledPresentmentCurrencies": [shop.currency, *shop.rates],
        "ianaTimezone": shop.timezone,
        "taxesIncluded": shop.taxes_included,
        "taxShipping": True,
        "unitSystem": "METRIC_SYSTEM",
        "plan": {"publicDisplayName": shop.plan, "partnerDevelopment": True, "shopifyPlus": False},
        "customerAccountsV2": {
            "customerAccountsVersion": "NEW_CUSTOMER_ACCOUNTS",
            "loginRequiredAtCheckout": False,
            "url": f"{url}/account",
        },
        "shopAddress": {
            "__typename": "ShopAddress",
            "id": gid("ShopAddress", shop.id),
            "countryCodeV2": shop.country_code,
            "city": "Zurich",
            "country": "Switzerland",
        },
        "features": {"storefront": True},
        "createdAt": utc(shop.created_at),
        **metafield_fields(call, gid("Shop", shop.id)),
    }


def installation_view(call: Call) -> View:
    shop, app = call.desk.shop, call.app
    owner = gid("AppInstallation", shop.installation_id or 0)
    return {
        "__typename": "AppInstallation",
        "id": owner,
        "launchUrl": f"{app.app_url}/",
        "uninstallUrl": None,
        "accessScopes": [_scope(scope) for scope in shop.scopes],
        "app": {
            "__typename": "App",
            "id": gid("App", app.app_id),
            "handle": "regulars",
            "title": "Regulars",
            "apiKey": app.api_key,
            "webhookApiVersion": API_VERSION,
        },
        "activeSubscriptions": [],
        **metafield_fields(call, owner),
    }


def _scope(handle: str) -> View:
    return {"handle": handle, "description": handle.replace("_", " ").capitalize()}


def locales(call: Call) -> list[View]:
    return [{"locale": call.desk.shop.locale, "name": "English", "primary": True, "published": True}]


def revoke_scopes(call: Call, scopes: Sequence[str]) -> View:
    """appRevokeAccessScopes: optional scopes only; announces app/scopes_update."""
    shop = call.desk.shop
    for handle in scopes:
        code = "UNKNOWN_SCOPES" if handle not in shop.scopes else None
        code = "CANNOT_REVOKE_REQUIRED_SCOPES" if handle in shop.required_scopes else code
        if code is not None:
            text = f"The scope {handle} cannot be revoked."
            return {"revoked": None, "userErrors": [{"field": ["scopes"], "code": code, "message": text}]}
    before = list(shop.scopes)
    shop.scopes = [one for one in before if one not in scopes]
    call.desk.announce(("app/scopes_update", scopes_body(call.desk, before, list(shop.scopes))))
    return {"revoked": [_scope(handle) for handle in scopes], "userErrors": []}


def find_order(call: Call, id: str) -> Order | None:
    """An order the app may see: sixty days, unless read_all_orders is granted."""
    order = call.desk.shop.orders.get(number_of(id, "Order") or 0)
    return order if order is not None and any(one is order for one in visible(call.desk)) else None


def find_refund(call: Call, id: str) -> tuple[Order, Refund] | None:
    number = number_of(id, "Refund")
    for order in visible(call.desk):
        for refund in order.refunds:
            if refund.id == number:
                return order, refund
    return None


def any_node(call: Call, id: str) -> View | None:
    """node and nodes: whatever the id names, or null."""
    desk, number = call.desk, number_of(id) or 0
    kind = id.split("/")[3] if id.count("/") == 4 else ""
    if kind in ("Order", "Refund", "Fulfillment"):
        call.need("read_orders", "nodes")
    if kind == "Order":
        order = find_order(call, id)
        return None if order is None else order_view(call, order)
    if kind == "Refund":
        pair = find_refund(call, id)
        return None if pair is None else refund_view(call, *pair)
    if kind in ("Fulfillment", "Return"):
        return _part(call, kind, number)
    if kind == "Customer":
        call.need("read_customers", "nodes")
        record = desk.shop.customers.get(number)
        return None if record is None else customer_view(call, record)
    if kind == "DiscountCodeNode":
        call.need("read_discounts", "nodes")
        discount = desk.shop.discounts.get(number)
        return None if discount is None else discount_node(call, discount)
    if kind == "Product" and (product := desk.shop.products.get(number)):
        return product_view(call, product)
    if kind == "Metaobject" and (metaobject := desk.shop.metaobjects.get(number)):
        call.need("read_metaobjects", "nodes")
        return metaobject_view(call, metaobject)
    if kind == "Shop" and number == desk.shop.id:
        return shop_view(call)
    return (
        installation_view(call) if kind == "AppInstallation" and number == desk.shop.installation_id else None
    )


def _part(call: Call, kind: str, number: int) -> View | None:
    try:
        if kind == "Fulfillment":
            return fulfilment_view(call, *call.desk.fulfilment(number))
        call.need("read_returns", "nodes")
        return return_view(call, *call.desk.return_(number))
    except DevshopError:
        return None
