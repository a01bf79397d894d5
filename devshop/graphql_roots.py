"""The root fields of the Admin API, one line each, and what a refusal on demand answers."""

from __future__ import annotations

from collections.abc import Callable

from graphql import GraphQLEnumType, GraphQLError, GraphQLObjectType, GraphQLResolveInfo, get_named_type

from devshop import (
    graphql_app,
    graphql_bulk,
    graphql_customers,
    graphql_discounts,
    graphql_fulfilments,
    graphql_metafields,
    graphql_metaobjects,
    graphql_tenders,
)
from devshop.errors import DevshopError
from devshop.faults import Fault
from devshop.graphql_call import Call, View
from devshop.graphql_orders import order_view
from devshop.graphql_paging import connection
from devshop.graphql_parts import product_view
from devshop.graphql_refunds import refund_view, return_view
from devshop.graphql_search import orders_connection, visible
from devshop.ids import number_of

Root = Callable[..., object]


def _order(call: Call, _info: object, id: str) -> View | None:
    call.need("read_orders", "order")
    found = graphql_app.find_order(call, id)
    return None if found is None else order_view(call, found)


def _orders(call: Call, info: object, **arguments: object) -> object:
    return orders_connection(call, lambda: visible(call.desk), lambda one: order_view(call, one))(
        info, **arguments
    )


def _product(call: Call, _info: object, id: str) -> View | None:
    call.need("read_products", "product")
    found = call.desk.shop.products.get(number_of(id, "Product") or 0)
    return None if found is None else product_view(call, found)


def _refund(call: Call, _info: object, id: str) -> View | None:
    call.need("read_orders", "refund")
    pair = graphql_app.find_refund(call, id)
    return None if pair is None else refund_view(call, *pair)


def _fulfilment(call: Call, _info: object, id: str) -> View | None:
    call.need("read_orders", "fulfillment")
    try:
        return graphql_fulfilments.fulfilment_view(
            call, *call.desk.fulfilment(number_of(id, "Fulfillment") or 0)
        )
    except DevshopError:
        return None


def _return(call: Call, _info: object, id: str) -> View | None:
    call.need("read_returns", "return")
    try:
        return return_view(call, *call.desk.return_(number_of(id, "Return") or 0))
    except DevshopError:
        return None


def _metaobject(call: Call, _info: object, id: str) -> View | None:
    call.need("read_metaobjects", "metaobject")
    found = call.desk.shop.metaobjects.get(number_of(id, "Metaobject") or 0)
    return None if found is None else graphql_metaobjects.view(call, found)


def _metaobject_by_handle(call: Call, _info: object, handle: dict[str, object]) -> View | None:
    call.need("read_metaobjects", "metaobjectByHandle")
    kind = graphql_metaobjects.type_of(call, handle["type"])
    found = graphql_metaobjects.find(call, kind, str(handle["handle"]))
    return None if found is None else graphql_metaobjects.view(call, found)


def _metaobject_type(call: Call, _info: object, type: str) -> View | None:
    found = call.desk.shop.metaobject_types.get(graphql_metaobjects.type_of(call, type))
    return None if found is None else graphql_metaobjects.definition_view(found)


def _definitions(call: Call, info: object, **arguments: object) -> object:
    owner, namespace = arguments.pop("ownerType"), arguments.pop("namespace", None)
    key = arguments.pop("key", None)
    wanted = None if namespace is None else graphql_metafields.namespace_of(call, namespace)
    return connection(
        lambda: [
            one
            for one in call.desk.shop.definitions
            if one.owner_type == owner and wanted in (None, one.namespace) and key in (None, one.key)
        ],
        graphql_metafields.definition_view,
        lambda one: (one.id,),
    )(info, **arguments)


QUERIES: dict[str, Root] = {
    "order": _order,
    "orders": _orders,
    "customer": lambda call, _info, id: graphql_customers.customer(call, id),
    "customers": lambda call, info, **arguments: graphql_customers.customer_list(call, info, arguments),
    "product": _product,
    "refund": _refund,
    "fulfillment": _fulfilment,
    "return": _return,
    "node": lambda call, _info, id: graphql_app.any_node(call, id),
    "nodes": lambda call, _info, ids: [graphql_app.any_node(call, id) for id in ids],
    "shop": lambda call, _info: graphql_app.shop_view(call),
    "shopLocales": lambda call, _info, published=False: graphql_app.locales(call),
    "currentAppInstallation": lambda call, _info: graphql_app.installation_view(call),
    "bulkOperation": lambda call, _info, id: graphql_bulk.by_id(call, id),
    "codeDiscountNode": lambda call, _info, id: graphql_discounts.by_id(call, id),
    "codeDiscountNodeByCode": lambda call, _info, code: graphql_discounts.by_code(call, code),
    "giftCard": lambda call, _info, id: graphql_tenders.card(call, id),
    "giftCards": lambda call, info, **arguments: graphql_tenders.cards(call, info, arguments),
    "metaobject": _metaobject,
    "metaobjectByHandle": _metaobject_by_handle,
    "metafieldDefinitions": _definitions,
    "metaobjectDefinitionByType": _metaobject_type,
}

MUTATIONS: dict[str, Root] = {
    "discountCodeBasicCreate": lambda call, _info, basicCodeDiscount: graphql_discounts.create(
        call, "basicCodeDiscount", basicCodeDiscount
    ),
    "discountCodeFreeShippingCreate": lambda call, _info, freeShippingCodeDiscount: graphql_discounts.create(
        call, "freeShippingCodeDiscount", freeShippingCodeDiscount
    ),
    "discountCodeBxgyCreate": lambda call, _info, bxgyCodeDiscount: graphql_discounts.create(
        call, "bxgyCodeDiscount", bxgyCodeDiscount
    ),
    "discountCodeBasicUpdate": lambda call, _info, id, basicCodeDiscount: graphql_discounts.change(
        call, "basicCodeDiscount", id, basicCodeDiscount
    ),
    "discountCodeFreeShippingUpdate": lambda call, _info, id, freeShippingCodeDiscount: (
        graphql_discounts.change(call, "freeShippingCodeDiscount", id, freeShippingCodeDiscount)
    ),
    "discountCodeBxgyUpdate": lambda call, _info, id, bxgyCodeDiscount: graphql_discounts.change(
        call, "bxgyCodeDiscount", id, bxgyCodeDiscount
    ),
    "giftCardCreate": lambda call, _info, input: graphql_tenders.create_card(call, input),
    "giftCardDeactivate": lambda call, _info, id: graphql_tenders.deactivate_card(call, id),
    "storeCreditAccountCredit": lambda call, _info, id, creditInput: graphql_tenders.credit(
        call, id, creditInput
    ),
    "discountCodeDeactivate": lambda call, _info, id: graphql_discounts.deactivate(call, id),
    "discountCodeDelete": lambda call, _info, id: graphql_discounts.delete(call, id),
    "bulkOperationRunQuery": lambda call, _info, query, groupObjects: graphql_bulk.run(
        call, query, groupObjects
    ),
    "tagsAdd": lambda call, _info, id, tags: graphql_customers.tags(call, id, tags, remove=False),
    "tagsRemove": lambda call, _info, id, tags: graphql_customers.tags(call, id, tags, remove=True),
    "metafieldsSet": lambda call, _info, metafields: graphql_metafields.metafields_set(call, metafields),
    "metafieldsDelete": lambda call, _info, metafields: graphql_metafields.metafields_delete(
        call, metafields
    ),
    "metafieldDefinitionCreate": lambda call, _info, definition: graphql_metafields.definition_create(
        call, definition
    ),
    "metaobjectDefinitionCreate": lambda call, _info, definition: graphql_metaobjects.definition_create(
        call, definition
    ),
    "metaobjectUpsert": lambda call, _info, handle, metaobject=None: graphql_metaobjects.upsert(
        call, handle, metaobject or {}
    ),
    "metaobjectDelete": lambda call, _info, id: graphql_metaobjects.delete(call, id),
    "appRevokeAccessScopes": lambda call, _info, scopes: graphql_app.revoke_scopes(call, scopes),
    "fulfillmentEventCreate": lambda call, _info, fulfillmentEvent: (
        graphql_fulfilments.fulfillment_event_create(call, fulfillmentEvent)
    ),
}


def refusal(info: GraphQLResolveInfo[Call], fault: Fault) -> View:
    """What a `refuse` fault answers: userErrors for a mutation, ACCESS_DENIED for a query or when asked for."""
    named = get_named_type(info.return_type)
    if info.operation.operation.value == "query" or fault.code == "ACCESS_DENIED":
        raise GraphQLError(fault.message, extensions={"code": "ACCESS_DENIED"})
    assert isinstance(named, GraphQLObjectType)
    error_type = get_named_type(named.fields["userErrors"].type)
    assert isinstance(error_type, GraphQLObjectType)
    code = None
    if "code" in error_type.fields:
        codes = get_named_type(error_type.fields["code"].type)
        assert isinstance(codes, GraphQLEnumType)
        code = next((one for one in (fault.code, "INTERNAL_ERROR", "INVALID") if one in codes.values), None)
    error: View = {"field": None, "message": fault.message, "code": code, "extraInfo": None}
    return {**dict.fromkeys(named.fields), "userErrors": [error]}
