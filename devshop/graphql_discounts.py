"""Discount codes in the Admin API."""

from __future__ import annotations

from devshop import discounts
from devshop.graphql_call import Call, View, moment, money, utc
from devshop.graphql_metafields import metafield_fields
from devshop.graphql_paging import connection
from devshop.ids import gid, number_of
from devshop.money import to_minor
from devshop.records import Discount

_KINDS = {"basic": "Basic", "free_shipping": "FreeShipping", "bxgy": "Bxgy"}
_OF_ARGUMENT = {
    "basicCodeDiscount": "basic",
    "freeShippingCodeDiscount": "free_shipping",
    "bxgyCodeDiscount": "bxgy",
}
_NEEDS = {
    "basic": ["customerGets"],
    "free_shipping": ["destination"],
    "bxgy": ["customerGets", "customerBuys"],
}
_COMBINES = {"orderDiscounts": "ORDER", "productDiscounts": "PRODUCT", "shippingDiscounts": "SHIPPING"}


def node(call: Call, discount: Discount) -> View:
    kind = f"DiscountCode{_KINDS[discount.kind]}"
    owner = gid("DiscountCodeNode", discount.id)
    return {
        "__typename": "DiscountCodeNode",
        "id": owner,
        "codeDiscount": {"__typename": kind, **_shared(call, discount)},
        **metafield_fields(call, owner),
    }


def _shared(call: Call, one: Discount) -> View:
    currency = call.desk.shop.currency
    code = {"id": gid("DiscountRedeemCode", one.redeem_id), "code": one.code, "asyncUsageCount": one.used}
    floor = (
        None
        if one.minimum_subtotal is None
        else {
            "__typename": "DiscountMinimumSubtotal",
            "greaterThanOrEqualToSubtotal": money(one.minimum_subtotal, currency),
        }
    )
    shipping = None if one.maximum_shipping is None else money(one.maximum_shipping, currency)
    return {
        "title": one.title,
        "status": discounts.status(one, call.desk.now()),
        "startsAt": utc(one.starts_at),
        "endsAt": utc(one.ends_at),
        "usageLimit": one.usage_limit,
        "asyncUsageCount": one.used,
        "appliesOncePerCustomer": one.once_per_customer,
        "tags": list(one.tags),
        "combinesWith": {name: group in one.combines_with for name, group in _COMBINES.items()},
        "context": _context(call, one),
        "codes": connection(lambda: [code], lambda item: item),
        "codesCount": {"count": 1, "precision": "EXACT"},
        "createdAt": utc(one.created_at),
        "updatedAt": utc(one.updated_at),
        "minimumRequirement": floor,
        "discountClasses": [discounts.class_of(one)],
        "summary": one.title,
        "customerGets": _gets(call, one),
        "maximumShippingPrice": shipping,
        "appliesOnSubscription": one.subscription,
        "appliesOnOneTimePurchase": one.one_time,
        "destinationSelection": {"__typename": "DiscountCountryAll", "allCountries": True},
    }


def _context(call: Call, one: Discount) -> View:
    if one.customers is None:
        return {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}
    bound = [
        call.desk.shop.customers[number] for number in one.customers if number in call.desk.shop.customers
    ]

    def customers(_info: object) -> list[View]:
        call.need("read_customers", "customers")
        from devshop.graphql_customers import customer_view

        return [customer_view(call, record) for record in bound]

    return {"__typename": "DiscountCustomers", "customers": customers}


def _gets(call: Call, one: Discount) -> View:
    value: View = {"__typename": "DiscountPercentage", "percentage": one.percentage}
    if one.amount is not None:
        amount = money(one.amount, call.desk.shop.currency)
        value = {"__typename": "DiscountAmount", "amount": amount, "appliesOnEachItem": False}
    return {
        "appliesOnOneTimePurchase": one.one_time,
        "appliesOnSubscription": one.subscription,
        "value": value,
        "items": {"__typename": "AllDiscountItems", "allItems": True},
    }


def by_code(call: Call, code: str) -> View | None:
    """codeDiscountNodeByCode: without regard to case."""
    call.need("read_discounts", "codeDiscountNodeByCode")
    found = discounts.by_code(call.desk, code)
    return None if found is None else node(call, found)


def by_id(call: Call, id: str) -> View | None:
    call.need("read_discounts", "codeDiscountNode")
    found = _found(call, id)
    return None if found is None else node(call, found)


def _found(call: Call, id: str) -> Discount | None:
    return call.desk.shop.discounts.get(number_of(id, "DiscountCodeNode") or 0)


def create(call: Call, argument: str, given: dict[str, object]) -> View:
    """discountCodeBasicCreate, discountCodeFreeShippingCreate and discountCodeBxgyCreate."""
    kind = _OF_ARGUMENT[argument]
    call.need("write_discounts", f"discountCode{_KINDS[kind]}Create")
    errors = [
        discounts.problem(argument, name, "BLANK", f"{name} can't be blank")
        for name in ("startsAt", "context", *_NEEDS[kind])
        if not given.get(name)
    ]
    draft = None if errors else _draft(call, kind, given)
    if draft is not None:
        errors = discounts.problems(call.desk, argument, draft, draft.customers or [])
    if kind == "basic" and draft is not None and (draft.amount is None) == (draft.percentage is None):
        text = "A discount needs an amount or a percentage, and not both"
        errors.append(discounts.problem(argument, "customerGets.value", "INVALID", text))
    if errors or draft is None:
        return {"codeDiscountNode": None, "userErrors": errors}
    return {"codeDiscountNode": node(call, discounts.keep(call.desk, draft)), "userErrors": []}


def change(call: Call, argument: str, id: str, given: dict[str, object]) -> View:
    """discountCode…Update; only what it may be combined with is changed here."""
    call.need("write_discounts", f"discountCode{_KINDS[_OF_ARGUMENT[argument]]}Update")
    found = _found(call, id)
    if found is None or found.kind != _OF_ARGUMENT[argument]:
        return {"codeDiscountNode": None, "userErrors": [_missing()]}
    combines = _inside(given, "combinesWith")
    found.combines_with = [group for name, group in _COMBINES.items() if combines.get(name)]
    found.updated_at = call.desk.now()
    return {"codeDiscountNode": node(call, found), "userErrors": []}


def _things(given: dict[str, object]) -> tuple[list[int], list[int]]:
    products = _inside(given, "items", "products").get("productsToAdd")
    collections = _inside(given, "items", "collections").get("add")
    return (
        [number_of(str(one), "Product") or 0 for one in products] if isinstance(products, list) else [],
        [number_of(str(one), "Collection") or 0 for one in collections]
        if isinstance(collections, list)
        else [],
    )


def _draft(call: Call, kind: str, given: dict[str, object]) -> Discount:
    desk = call.desk
    now = desk.now()
    value = _inside(given, "customerGets", "value")
    amount = _inside(value, "discountAmount").get("amount")
    percentage = value.get("percentage")
    gets, buys = _inside(given, "customerGets"), _inside(given, "customerBuys")
    if kind == "bxgy":
        percentage = _inside(value, "discountOnQuantity", "effect").get("percentage")
    buys_amount = _inside(buys, "value").get("amount")
    on = given if kind == "free_shipping" else gets
    products, collections = _things(gets)
    buys_products, buys_collections = _things(buys)
    floor = _inside(given, "minimumRequirement", "subtotal").get("greaterThanOrEqualToSubtotal")
    added = _inside(given, "context", "customers").get("add")
    combines = _inside(given, "combinesWith")
    limit, ceiling, tags = given.get("usageLimit"), given.get("maximumShippingPrice"), given.get("tags")
    return Discount(
        id=desk.ids.number("DiscountCodeNode"),
        redeem_id=desk.ids.number("DiscountRedeemCode"),
        kind=kind,
        products=products,
        collections=collections,
        buys_products=buys_products,
        buys_collections=buys_collections,
        buys_amount=None if buys_amount is None else to_minor(buys_amount, desk.shop.currency),
        one_time=on.get("appliesOnOneTimePurchase") is not False,
        subscription=bool(on.get("appliesOnSubscription")),
        code=str(given.get("code") or ""),
        title=str(given.get("title") or ""),
        starts_at=moment(given["startsAt"]) or now,
        ends_at=moment(given.get("endsAt")),
        created_at=now,
        updated_at=now,
        customers=[number_of(one, "Customer") or 0 for one in added] if isinstance(added, list) else None,
        amount=None if amount is None else to_minor(amount, desk.shop.currency),
        percentage=float(percentage) if isinstance(percentage, (int, float)) else None,
        minimum_subtotal=None if floor is None else to_minor(floor, desk.shop.currency),
        maximum_shipping=None if ceiling is None else to_minor(ceiling, desk.shop.currency),
        usage_limit=limit if isinstance(limit, int) else None,
        once_per_customer=bool(given.get("appliesOncePerCustomer")),
        tags=[str(one) for one in tags] if isinstance(tags, list) else [],
        combines_with=[group for name, group in _COMBINES.items() if combines.get(name)],
    )


def _inside(given: dict[str, object], *path: str) -> dict[str, object]:
    for name in path:
        inner = given.get(name)
        given = inner if isinstance(inner, dict) else {}
    return given


def deactivate(call: Call, id: str) -> View:
    call.need("write_discounts", "discountCodeDeactivate")
    found = _found(call, id)
    if found is None:
        return {"codeDiscountNode": None, "userErrors": [_missing()]}
    discounts.deactivate(call.desk, found)
    return {"codeDiscountNode": node(call, found), "userErrors": []}


def delete(call: Call, id: str) -> View:
    call.need("write_discounts", "discountCodeDelete")
    found = _found(call, id)
    if found is None:
        return {"deletedCodeDiscountId": None, "userErrors": [_missing()]}
    discounts.delete(call.desk, found)
    return {"deletedCodeDiscountId": id, "userErrors": []}


def _missing() -> View:
    return {"field": ["id"], "code": "INVALID", "message": "Code discount does not exist.", "extraInfo": None}
