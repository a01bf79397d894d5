"""Customers and tags in the Admin API."""

from __future__ import annotations

from collections.abc import Sequence

from devshop import customers, orders
from devshop.graphql_call import Call, View, money, protected, utc
from devshop.graphql_metafields import metafield_fields
from devshop.graphql_orders import order_view, spent
from devshop.graphql_paging import connection
from devshop.graphql_search import orders_connection
from devshop.graphql_tenders import accounts_of
from devshop.ids import gid, number_of
from devshop.order_records import Customer


def customer_view(call: Call, record: Customer) -> View:
    shop = call.desk.shop
    placed = [order for order in shop.orders.values() if order.customer_id == record.id]
    marketing = "SUBSCRIBED" if record.accepts_marketing else "NOT_SUBSCRIBED"
    email = (
        {"emailAddress": record.email, "marketingState": marketing, "validFormat": True}
        if record.email
        else None
    )
    phone = {"phoneNumber": record.phone} if record.phone else None
    return {
        "__typename": "Customer",
        "id": gid("Customer", record.id),
        "legacyResourceId": str(record.id),
        "firstName": protected(call, "name", "firstName", record.first_name),
        "lastName": protected(call, "name", "lastName", record.last_name),
        "displayName": protected(call, "name", "displayName", f"{record.first_name} {record.last_name}"),
        "defaultEmailAddress": protected(call, "email", "defaultEmailAddress", email),
        "defaultPhoneNumber": protected(call, "phone", "defaultPhoneNumber", phone),
        "locale": record.locale,
        "note": record.note or None,
        "state": record.state.upper(),
        "tags": sorted(record.tags),
        "numberOfOrders": str(len(placed)),
        "verifiedEmail": record.verified_email,
        "amountSpent": lambda _info: money(spent(placed), shop.currency),
        "createdAt": utc(record.created_at),
        "updatedAt": utc(record.updated_at),
        "orders": orders_connection(call, lambda: placed, lambda order: order_view(call, order)),
        "storeCreditAccounts": accounts_of(call, record.id),
        **metafield_fields(call, gid("Customer", record.id)),
    }


def customer(call: Call, id: str) -> View | None:
    """Query customer(id): also null for a customer that was merged away or deleted."""
    call.need("read_customers", "customer")
    record = call.desk.shop.customers.get(number_of(id, "Customer") or 0)
    return None if record is None else customer_view(call, record)


def customer_list(call: Call, info: object, arguments: dict[str, object]) -> object:
    call.need("read_customers", "customers")
    return connection(
        lambda: list(call.desk.shop.customers.values()),
        lambda one: customer_view(call, one),
        lambda one: (one.id,),
    )(info, **arguments)


def tags(call: Call, id: str, given: Sequence[str], remove: bool) -> View:
    """tagsAdd and tagsRemove for customers and orders."""
    field = "tagsRemove" if remove else "tagsAdd"
    if (number := number_of(id, "Customer")) is not None:
        call.need("write_customers", field)
        record = call.desk.shop.customers.get(number)
        if record is not None:
            customers.tag(call.desk, record, add=() if remove else given, remove=given if remove else ())
            return {"node": customer_view(call, record), "userErrors": []}
    elif (number := number_of(id, "Order")) is not None:
        call.need("write_orders", field)
        order = call.desk.shop.orders.get(number)
        if order is not None:
            order.tags = [one for one in order.tags if not remove or one not in given]
            orders.tag(call.desk, order, [] if remove else given)
            return {"node": order_view(call, order), "userErrors": []}
    return {"node": None, "userErrors": [{"field": ["id"], "message": "Resource does not exist"}]}
