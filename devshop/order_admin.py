"""The order admin as JSON under /dev: everything a person at the shop can do, for scripts and for later pages."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from flask import Flask, Response, g, redirect, request
from werkzeug.wrappers import Response as PlainResponse

from devshop.checkout import Basics
from devshop.errors import DevshopError
from devshop.money import Bag
from devshop.order_records import Order
from devshop.totals import figures, financial_status, fulfilment_status

if TYPE_CHECKING:
    from devshop.shop import DevPlatform, DevShop

Given = Mapping[str, object]
Action = Callable[["DevShop", int, Given], object]


def _count(given: Given, name: str) -> int | None:
    value = given.get(name)
    return None if value is None else int(str(value))


def _flag(given: Given, name: str, otherwise: bool) -> bool:
    return bool(given.get(name, otherwise))


def _units(given: Given, name: str) -> list[tuple[int, int]] | None:
    """[{"line": id, "quantity": n}], or None if absent."""
    value = given.get(name)
    if not isinstance(value, list):
        return None
    return [(int(str(one["line"])), int(str(one.get("quantity", 1)))) for one in value]


def _basket(given: Given, name: str) -> list[dict[str, object]]:
    value = given.get(name)
    lines = [dict(one) for one in value] if isinstance(value, list) else []
    for one in lines:
        if "product" in one:
            one["product"] = int(str(one["product"]))
    return lines


def _moment(given: Given, name: str) -> datetime | None:
    value = given.get(name)
    return None if value is None else datetime.fromisoformat(str(value))


ORDER_ACTIONS: dict[str, Action] = {
    "pay": lambda shop, id, given: shop.pay(id, amount=_count(given, "amount")),
    "authorize": lambda shop, id, given: shop.authorize(id),
    "edit": lambda shop, id, given: shop.edit(
        id,
        add=_basket(given, "add"),
        increase=_units(given, "increase") or (),
        remove=_units(given, "remove") or (),
    ),
    "fulfil": lambda shop, id, given: shop.fulfil(
        id, lines=_units(given, "lines"), carrier=str(given.get("carrier", "Swiss Post"))
    ),
    "refund": lambda shop, id, given: shop.refund(
        id,
        lines=_units(given, "lines") or (),
        amount=_count(given, "amount"),
        shipping=_count(given, "shipping"),
        to_store_credit=_flag(given, "to_store_credit", False),
        note=str(given.get("note", "")),
    ),
    "return": lambda shop, id, given: shop.return_(
        id, _units(given, "lines") or [], requested=_flag(given, "requested", False)
    ),
    "cancel": lambda shop, id, given: shop.cancel(
        id, reason=str(given.get("reason", "customer")), refund=_flag(given, "refund", True)
    ),
    "delete": lambda shop, id, given: shop.delete_order(id),
    "attach_customer": lambda shop, id, given: shop.attach_customer(id, _count(given, "customer")),
}
FULFILMENT_ACTIONS: dict[str, Action] = {
    "deliver": lambda shop, id, given: shop.deliver_parcel(id, happened_at=_moment(given, "happened_at")),
    "event": lambda shop, id, given: shop.shipment_event(
        id, str(given.get("status", "")), happened_at=_moment(given, "happened_at")
    ),
    "cancel": lambda shop, id, given: shop.cancel_fulfilment(id),
}
CUSTOMER_ACTIONS: dict[str, Action] = {
    "update": lambda shop, id, given: shop.update_customer(id, **given),
    "delete": lambda shop, id, given: shop.delete_customer(id),
    "merge": lambda shop, id, given: shop.merge_customers(
        id, int(str(given.get("gone", 0))), failed=_flag(given, "failed", False)
    ),
    "data_request": lambda shop, id, given: shop.request_data(id),
    "redact": lambda shop, id, given: shop.redact_customer(id),
}


def _place(shop: DevShop, given: Given) -> Order:
    customer, codes = _count(given, "customer"), given.get("discount_codes")
    known = {name: given[name] for name in Basics.__struct_fields__ if name in given}
    basics = msgspec.convert(known, Basics, strict=False)
    return shop.place_order(
        customer,
        lines=_basket(given, "lines"),
        paid=_flag(given, "paid", True),
        discount_codes=[str(code) for code in codes] if isinstance(codes, list) else (),
        **{name: getattr(basics, name) for name in known},
    )


def _shop_actions(platform: DevPlatform) -> dict[str, Callable[[DevShop, Given], object]]:
    return {
        "install": lambda shop, given: {"launch_url": shop.install()},
        "launch": lambda shop, given: {"launch_url": shop.launch_url()},
        "uninstall": lambda shop, given: shop.uninstall(),
        "redact": lambda shop, given: shop.redact(),
        "scopes": lambda shop, given: shop.approve_scopes(
            *msgspec.convert(given.get("scopes", []), list[str])
        ),
        "expire_tokens": lambda shop, given: shop.expire_tokens(),
        "orders": _place,
        "customers": lambda shop, given: shop.create_customer(**given),
        "products": lambda shop, given: shop.create_product(
            str(given.get("title", "Product")), _count(given, "price") or 0
        ),
        "flush": lambda shop, given: [
            msgspec.to_builtins(one)
            for one in platform.flush(
                shuffle=random.Random(_count(given, "seed")) if "seed" in given else None,
                duplicate=float(str(given.get("duplicate", 0))),
                drop=float(str(given.get("drop", 0))),
            )
        ],
        "retry": lambda shop, given: [msgspec.to_builtins(one) for one in platform.retry_failed()],
        "faults": lambda shop, given: platform.faults.add(
            str(given.get("kind")), str(given.get("match", "*")), _count(given, "times") or 1
        ),
    }


def register(app: Flask, platform: DevPlatform) -> None:
    """Adds the routes. Every POST must be JSON, so that no foreign page can send one through a form."""
    actions = _shop_actions(platform)

    @app.get("/dev/shops")
    def list_shops() -> Response:
        return _json(list(platform.shops))

    @app.get("/dev/launch")
    def open_app() -> PlainResponse:
        """The app as the merchant's admin opens it, with a fresh id token."""
        return redirect(g.shop.launch_url())

    @app.get("/dev/orders")
    def list_orders() -> Response:
        return _json([_shown(order) for order in g.shop.desk.shop.orders.values()])

    @app.get("/dev/orders/<int:number>")
    def one_order(number: int) -> Response:
        return _tried(lambda: _shown(g.shop.desk.order(number)))

    @app.get("/dev/<any(customers, products, discounts, metaobjects, metafields):kind>")
    def list_records(kind: str) -> Response:
        return _json([msgspec.to_builtins(one) for one in getattr(g.shop.desk.shop, kind).values()])

    @app.get("/dev/webhooks")
    def list_webhooks() -> Response:
        return _json(
            {
                "queue": [_delivery(one.topic, one.webhook_id) for one in platform.queue],
                "failed": [_delivery(one.topic, one.webhook_id) for one in platform.failed],
                "log": [msgspec.to_builtins(one) for one in platform.log[-200:]],
            }
        )

    @app.post("/dev/<any(orders, fulfilments, customers):kind>/<int:number>/<action>")
    def act(kind: str, number: int, action: str) -> Response:
        table = {"orders": ORDER_ACTIONS, "fulfilments": FULFILMENT_ACTIONS, "customers": CUSTOMER_ACTIONS}[
            kind
        ]
        if action not in table:
            return _json({"error": "action_unknown", "message": f"Use one of {', '.join(table)}."}, 404)
        return _tried(lambda: table[action](g.shop, number, _given()))

    @app.post("/dev/returns/<int:number>/<step>")
    def step_return(number: int, step: str) -> Response:
        return _tried(lambda: g.shop.step_return(number, step))

    @app.post("/dev/<action>")
    def act_on_shop(action: str) -> Response:
        if action not in actions:
            return _json({"error": "action_unknown", "message": f"Use one of {', '.join(actions)}."}, 404)
        return _tried(lambda: actions[action](g.shop, _given()))


def _delivery(topic: str, webhook_id: str) -> dict[str, str]:
    return {"topic": topic, "webhook_id": webhook_id}


def _given() -> Given:
    given = request.get_json()  # 415 unless the request is JSON
    return given if isinstance(given, dict) else {}


def _tried(action: Callable[[], object]) -> Response:
    try:
        result = action()
    except DevshopError as error:
        return _json({"error": error.code, "message": str(error)}, 422)
    except (msgspec.ValidationError, ValueError, KeyError, TypeError) as error:
        return _json({"error": "request_invalid", "message": f"The request does not fit: {error}"}, 400)
    return _json(_shown(result) if isinstance(result, Order) else result)


def _shown(order: Order) -> dict[str, object]:
    return {
        **msgspec.to_builtins(order),
        "financial_status": financial_status(order),
        "fulfilment_status": fulfilment_status(order),
        "figures": {
            name: {"shop": bag.shop, "presentment": bag.presentment}
            for name in figures(order).__slots__
            if isinstance(bag := getattr(figures(order), name), Bag)
        },
    }


def _json(value: object, status: int = 200) -> Response:
    plain = _ids_as_text(msgspec.to_builtins(value))
    return Response(msgspec.json.encode(plain), status, content_type="application/json")


def _ids_as_text(value: object) -> object:
    """Ids go out as strings: a browser would lose the digits of big ones."""
    if isinstance(value, dict):
        return {
            key: str(inner)
            if isinstance(inner, int) and (key == "id" or str(key).endswith("_id"))
            else _ids_as_text(inner)
            for key, inner in value.items()
        }
    return [_ids_as_text(one) for one in value] if isinstance(value, list) else value
