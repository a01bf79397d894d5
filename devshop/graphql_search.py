"""The orders connection: search terms, sort keys, and the sixty days without read_all_orders."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from devshop.desk import Desk
from devshop.graphql_call import Call, Resolver, View, bad_request, utc
from devshop.graphql_paging import Key, connection
from devshop.ids import gid
from devshop.order_records import Order
from devshop.totals import figures, financial_status

_TERM = re.compile(r"(\w+):(>=|<=|>|<)?('[^']*'|\"[^\"]*\"|[^\s()]+)")
_TIMES = {"created_at": "created_at", "updated_at": "updated_at", "processed_at": "processed_at"}
WINDOW = timedelta(days=60)


def visible(desk: Desk) -> list[Order]:
    """Without read_all_orders an app sees the orders of the last 60 days."""
    if desk.may("read_all_orders"):
        return list(desk.shop.orders.values())
    since = desk.now() - WINDOW
    return [order for order in desk.shop.orders.values() if order.created_at >= since]


def orders_connection(
    call: Call, source: Callable[[], Sequence[Order]], view: Callable[[Order], View]
) -> Resolver:
    def resolve(info: object, **arguments: object) -> object:
        call.need("read_orders", "orders")
        query = arguments.pop("query", None)
        sort = arguments.pop("sortKey", None) or "PROCESSED_AT"
        test = _tests(query) if isinstance(query, str) else []
        allowed = {order.id for order in visible(call.desk)}
        kept = [order for order in source() if order.id in allowed and all(one(order) for one in test)]
        return connection(lambda: kept, view, _sort_key(str(sort)))(info, **arguments)

    return resolve


def _sort_key(name: str) -> Callable[[Order], Key]:
    keys: dict[str, Callable[[Order], Key]] = {
        "UPDATED_AT": lambda order: (utc(order.updated_at) or "", order.id),
        "CREATED_AT": lambda order: (utc(order.created_at) or "", order.id),
        "PROCESSED_AT": lambda order: (utc(order.processed_at) or "", order.id),
        "ORDER_NUMBER": lambda order: (order.number, order.id),
        "TOTAL_PRICE": lambda order: (figures(order).total.shop, order.id),
        "ID": lambda order: (order.id,),
    }
    if name not in keys:
        raise bad_request(f"The development shop cannot sort orders by {name}; use one of {', '.join(keys)}.")
    return keys[name]


def _tests(query: str) -> list[Callable[[Order], bool]]:
    """Terms joined by AND or blanks. Real Shopify ignores what it does not know; here it is an error."""
    rest = re.sub(r"\bAND\b", " ", _TERM.sub(" ", query)).strip()
    if rest:
        raise bad_request(
            f"The development shop does not understand the search {rest!r}; join field:value by AND."
        )
    return [_test(*match) for match in _TERM.findall(query)]


def _test(field: str, sign: str, raw: str) -> Callable[[Order], bool]:
    value = raw.strip("'\"")
    if field in _TIMES:
        return _time_test(_TIMES[field], sign, value)
    plain: dict[str, Callable[[Order], bool]] = {
        "id": lambda order: value in (str(order.id), gid("Order", order.id)),
        "name": lambda order: order.name == (value if value.startswith("#") else f"#{value}"),
        "customer_id": lambda order: str(order.customer_id) == value,
        "financial_status": lambda order: financial_status(order) == value.lower(),
        "source_name": lambda order: order.source_name == value,
        "test": lambda order: order.test == (value.lower() == "true"),
        "status": lambda order: value == "any" or (value == "cancelled") == (order.cancelled_at is not None),
        "tag": lambda order: value in order.tags,
        "discount_code": lambda order: any(
            one.code.casefold() == value.casefold() for one in order.applications
        ),
    }
    if field not in plain or sign:
        raise bad_request(f"The development shop cannot search orders by {field}{sign}.")
    return plain[field]


def _time_test(attribute: str, sign: str, value: str) -> Callable[[Order], bool]:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise bad_request(f"{value!r} is not a time; write it as 2026-11-21T00:00:00Z.") from error
    if moment.tzinfo is None:
        moment = datetime.fromisoformat(f"{value}+00:00" if "T" in value else f"{value}T00:00:00+00:00")

    def test(order: Order) -> bool:
        have: datetime = getattr(order, attribute)
        return {
            ">": have > moment,
            ">=": have >= moment,
            "<": have < moment,
            "<=": have <= moment,
            "": have == moment,
        }[sign]

    return test
