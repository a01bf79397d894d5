"""The Admin API: reading orders, paging, searching, scopes, protected data, cost, metafields, metaobjects, tags."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from devshop.shop import DevPlatform, DevShop
from tests.devshop.conftest import Admin, Clock
from tests.devshop.scenario import make_code

CUP = [{"title": "Cup", "price": 1000}]
SET = (
    "mutation($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) {"
    " metafields { key namespace jsonValue compareDigest } userErrors { code field elementIndex } } }"
)
UPSERT = (
    "mutation($h: MetaobjectHandleInput!, $m: MetaobjectUpsertInput!) { metaobjectUpsert(handle: $h, metaobject: $m)"
    " { metaobject { id handle fields { key value } } userErrors { code elementKey } } }"
)


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def test_an_order_reads_as_its_webhook_says(shop: DevShop, admin: Admin, platform: DevPlatform) -> None:
    make_code(admin, "FIVE", {"discountAmount": {"amount": "5.00"}})
    order = shop.place_order(
        shop.create_customer(),
        [{"title": "A", "price": 1234, "quantity": 3}],
        discount_codes=["FIVE"],
        tip=100,
    )
    shop.refund(order, lines=[(order.lines[0], 1)])
    read = admin.ask(
        """query($id: ID!) { order(id: $id) { legacyResourceId discountCodes
            currentSubtotalPriceSet { shopMoney { amount currencyCode } } totalTipReceivedSet { shopMoney { amount } }
            lineItems(first: 5) { nodes { currentQuantity originalUnitPriceSet { shopMoney { amount } }
              discountAllocations { allocatedAmountSet { shopMoney { amount } } discountApplication {
                ... on DiscountCodeApplication { code value { ... on MoneyV2 { amount } } } } } } }
            refunds(first: 5) { refundLineItems(first: 5) { nodes { quantity subtotalSet { shopMoney { amount } } } } }
        } }""",
        id=gid("Order", order.id),
    )["order"]
    body = json.loads(platform.queue[-1].body)
    assert read["legacyResourceId"] == str(body["id"])
    assert float(read["currentSubtotalPriceSet"]["shopMoney"]["amount"]) == float(
        body["current_subtotal_price"]
    )
    line, paid = read["lineItems"]["nodes"][0], body["line_items"][0]
    assert line["currentQuantity"] == paid["current_quantity"] == 2
    allocation = line["discountAllocations"][0]
    assert allocation["discountApplication"] == {"code": "FIVE", "value": {"amount": "5.0"}}
    assert allocation["allocatedAmountSet"]["shopMoney"]["amount"] == "5.0"
    refunded = read["refunds"][0]["refundLineItems"]["nodes"][0]
    assert (
        float(refunded["subtotalSet"]["shopMoney"]["amount"])
        == body["refunds"][0]["refund_line_items"][0]["subtotal"]
    )


def test_a_long_order_is_read_page_by_page(shop: DevShop, admin: Admin) -> None:
    order = shop.place_order(None, [{"title": f"T{n}", "price": n} for n in range(120)])
    query = (
        "query($id: ID!, $after: String) { order(id: $id) { lineItems(first: 50, after: $after) {"
        " nodes { title } pageInfo { hasNextPage endCursor } } } }"
    )
    titles: list[str] = []
    after: str | None = None
    for _ in range(3):
        page = admin.ask(query, id=gid("Order", order.id), after=after)["order"]["lineItems"]
        titles += [node["title"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert titles == [f"T{n}" for n in range(120)]
    assert page["pageInfo"]["hasNextPage"] is False


def test_orders_by_update_survive_an_update_between_pages(shop: DevShop, admin: Admin, clock: Clock) -> None:
    orders = []
    for _ in range(5):
        orders.append(shop.place_order(None, CUP))
        clock.ahead(minutes=1)
    query = (
        "query($q: String, $after: String) { orders(first: 2, after: $after, query: $q, sortKey: UPDATED_AT) {"
        " nodes { name } pageInfo { hasNextPage endCursor } } }"
    )
    since = "updated_at:>='2026-11-22T08:01:00Z' AND test:false"
    first = admin.ask(query, q=since, after=None)["orders"]
    shop.refund(orders[1], amount=1)
    second = admin.ask(query, q=since, after=first["pageInfo"]["endCursor"])["orders"]
    third = admin.ask(query, q=since, after=second["pageInfo"]["endCursor"])["orders"]
    names = [node["name"] for page in (first, second, third) for node in page["nodes"]]
    assert names == ["#1002", "#1003", "#1004", "#1005", "#1002"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("financial_status:pending", ["#1002"]),
        ("name:#1001", ["#1001"]),
        ("customer_id:1", []),
        ("created_at:<'2026-11-22T08:00:01Z' financial_status:paid", ["#1001"]),
    ],
)
def test_searches(shop: DevShop, admin: Admin, query: str, names: list[str]) -> None:
    shop.place_order(None, CUP)
    shop.place_order(None, CUP, paid=False)
    found = admin.ask("query($q: String) { orders(first: 9, query: $q) { nodes { name } } }", q=query)
    assert [node["name"] for node in found["orders"]["nodes"]] == names


@pytest.mark.parametrize("query", ["shoe_size:42", "lovely orders", "updated_at:>yesterday"])
def test_a_search_it_does_not_know_is_an_error(admin: Admin, query: str) -> None:
    errors = admin.errors("query($q: String) { orders(first: 9, query: $q) { nodes { name } } }", q=query)
    assert errors[0]["extensions"]["code"] == "BAD_REQUEST"


def test_sixty_days_without_the_scope_for_all_orders(shop: DevShop, admin: Admin, clock: Clock) -> None:
    order = shop.place_order(None, CUP)
    clock.time += timedelta(days=61)
    query = "query($id: ID!) { order(id: $id) { name } }"
    assert admin.ask(query, id=gid("Order", order.id))["order"] is None
    shop.approve_scopes("read_all_orders")
    assert admin.ask(query, id=gid("Order", order.id))["order"] == {"name": "#1001"}


def test_a_page_needs_a_size_and_a_true_cursor(admin: Admin) -> None:
    for query in (
        "{ orders { nodes { id } } }",
        "{ orders(first: 251) { nodes { id } } }",
        '{ orders(first: 5, after: "nonsense") { nodes { id } } }',
    ):
        assert admin.errors(query)[0]["extensions"]["code"] == "BAD_REQUEST"


def test_scopes_are_asked_for(platform: DevPlatform) -> None:
    shop = platform.create_shop("b.myshopify.com")
    shop.install(scopes=["read_orders"])
    admin = Admin(platform, shop)
    order = shop.place_order(shop.create_customer(), CUP)
    answer = admin.send(
        "query($id: ID!) { order(id: $id) { name customer { id } } }", id=gid("Order", order.id)
    ).json()
    assert answer["data"]["order"] == {"name": "#1001", "customer": None}
    assert answer["errors"][0]["extensions"]["requiredAccess"] == "`read_customers` access scope."
    denied = admin.errors(
        'mutation { discountCodeDelete(id: "gid://shopify/DiscountCodeNode/1") { userErrors { code } } }'
    )
    assert denied[0]["extensions"]["code"] == "ACCESS_DENIED"


def test_protected_fields_are_null_with_an_error(platform: DevPlatform) -> None:
    shop = platform.create_shop("b.myshopify.com", protected_data=("email",))
    shop.install()
    customer = shop.create_customer()
    answer = (
        Admin(platform, shop)
        .send(
            "query($id: ID!) { customer(id: $id) { firstName defaultEmailAddress { emailAddress } } }",
            id=gid("Customer", customer.id),
        )
        .json()
    )
    assert answer["data"]["customer"] == {
        "firstName": None,
        "defaultEmailAddress": {"emailAddress": customer.email},
    }
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_a_wrong_token_version_or_document(admin: Admin) -> None:
    assert admin.send("{ shop { id } }", token="shpat_wrong").status_code == 401
    assert admin.post("/admin/api/2020-01/graphql.json", query="{ shop { id } }").status_code == 404
    assert "Cannot query field" in admin.errors("{ shop { shoeSize } }")[0]["message"]
    assert "Syntax Error" in admin.errors("{ shop {")[0]["message"]


def test_the_bucket_empties_and_throttles(platform: DevPlatform) -> None:
    shop = platform.create_shop("b.myshopify.com", points_per_second=1)
    shop.install()
    admin = Admin(platform, shop)
    for _ in range(12):
        shop.place_order(None, CUP)
    query = "{ orders(first: 12) { nodes { id } } }"
    first = admin.send(query).json()
    assert first["extensions"]["cost"]["requestedQueryCost"] == 14
    assert first["extensions"]["cost"]["throttleStatus"]["maximumAvailable"] == 20.0
    second = admin.send(query)
    assert second.status_code == 200
    assert second.json()["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in second.json()


def test_a_query_that_is_too_dear_is_refused(admin: Admin) -> None:
    query = "{ orders(first: 100) { nodes { lineItems(first: 100) { nodes { id } } } } }"
    assert admin.errors(query)[0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_a_code_is_taken_whatever_its_case(admin: Admin) -> None:
    assert make_code(admin, "LOY-9", {"percentage": 0.1})["userErrors"] == []
    errors: Any = make_code(admin, "loy-9", {"percentage": 0.1})["userErrors"]
    assert (errors[0]["code"], errors[0]["field"]) == ("TAKEN", ["basicCodeDiscount", "code"])


@pytest.mark.parametrize(
    ("gets", "more", "code"),
    [
        ({"percentage": 10.0}, {}, "VALUE_OUTSIDE_RANGE"),
        ({"discountAmount": {"amount": "0"}}, {}, "GREATER_THAN"),
        ({"percentage": 0.1}, {"endsAt": "2026-10-01T00:00:00Z"}, "END_DATE_BEFORE_START_DATE"),
        ({"percentage": 0.1}, {"title": ""}, "BLANK"),
        ({"percentage": 0.1}, {"context": {"customers": {"add": ["gid://shopify/Customer/1"]}}}, "INVALID"),
    ],
)
def test_a_wrong_discount_is_refused(
    admin: Admin, gets: dict[str, object], more: dict[str, object], code: str
) -> None:
    errors: Any = make_code(admin, "X", gets, **more)["userErrors"]
    assert [error["code"] for error in errors] == [code]


def test_a_code_is_stopped_and_deleted(admin: Admin) -> None:
    node: Any = make_code(admin, "X", {"percentage": 0.1})["codeDiscountNode"]
    admin.ask("mutation($id: ID!) { discountCodeDeactivate(id: $id) { userErrors { code } } }", id=node["id"])
    read = '{ codeDiscountNodeByCode(code: "X") { codeDiscount { ... on DiscountCodeBasic { status } } } }'
    assert admin.ask(read)["codeDiscountNodeByCode"]["codeDiscount"] == {"status": "EXPIRED"}
    delete = (
        "mutation($id: ID!) { discountCodeDelete(id: $id) { deletedCodeDiscountId userErrors { message } } }"
    )
    assert admin.ask(delete, id=node["id"])["discountCodeDelete"]["deletedCodeDiscountId"] == node["id"]
    assert admin.ask(read)["codeDiscountNodeByCode"] is None
    assert admin.ask(delete, id=node["id"])["discountCodeDelete"]["userErrors"] != []


def test_metafields_are_set_compared_and_deleted(shop: DevShop, admin: Admin, platform: DevPlatform) -> None:
    customer = shop.create_customer()
    platform.queue.clear()
    owner = gid("Customer", customer.id)
    field = {"ownerId": owner, "key": "loyalty", "type": "json", "value": '{"points": 3}'}
    kept = admin.ask(SET, m=[field])["metafieldsSet"]["metafields"][0]
    assert (kept["namespace"], kept["jsonValue"]) == ("app--1000001", {"points": 3})
    assert [one.topic for one in platform.queue] == ["customers/update"]
    stale = admin.ask(SET, m=[{**field, "compareDigest": None}])["metafieldsSet"]["userErrors"]
    assert stale[0]["code"] == "STALE_OBJECT"
    good = admin.ask(SET, m=[{**field, "compareDigest": kept["compareDigest"], "value": "{}"}])
    assert good["metafieldsSet"]["userErrors"] == []
    gone = admin.ask(
        "mutation($m: [MetafieldIdentifierInput!]!) { metafieldsDelete(metafields: $m) { deletedMetafields { key } } }",
        m=[{"ownerId": owner, "namespace": "$app", "key": key} for key in ("loyalty", "other")],
    )
    assert gone["metafieldsDelete"]["deletedMetafields"] == [{"key": "loyalty"}, None]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"value": "{"}, "INVALID_VALUE"),
        ({"type": "number_integer", "value": "1.5"}, "INVALID_VALUE"),
        ({"type": None}, "BLANK"),
        ({"ownerId": "gid://shopify/Customer/1"}, "INVALID"),
    ],
)
def test_a_wrong_metafield_stops_the_whole_call(
    shop: DevShop, admin: Admin, change: dict[str, object], code: str
) -> None:
    owner = gid("Customer", shop.create_customer().id)
    good = {"ownerId": owner, "key": "a", "type": "json", "value": "{}"}
    answer = admin.ask(SET, m=[good, {**good, "key": "b", **change}])["metafieldsSet"]
    assert [(error["code"], error["elementIndex"]) for error in answer["userErrors"]] == [(code, 1)]
    read = 'query($id: ID!) { customer(id: $id) { metafield(key: "a") { value } } }'
    assert admin.ask(read, id=owner)["customer"]["metafield"] is None


def test_a_definition_gives_the_type(shop: DevShop, admin: Admin) -> None:
    create = (
        "mutation($d: MetafieldDefinitionInput!) { metafieldDefinitionCreate(definition: $d) {"
        " createdDefinition { namespace type { name } } userErrors { code } } }"
    )
    definition = {"name": "Points", "key": "points", "ownerType": "CUSTOMER", "type": "number_integer"}
    assert admin.ask(create, d=definition)["metafieldDefinitionCreate"]["userErrors"] == []
    assert admin.ask(create, d=definition)["metafieldDefinitionCreate"]["userErrors"] == [{"code": "TAKEN"}]
    owner = gid("Customer", shop.create_customer().id)
    kept = admin.ask(SET, m=[{"ownerId": owner, "key": "points", "value": "420"}])["metafieldsSet"]
    assert kept["metafields"][0]["jsonValue"] == 420


def test_a_metaobject_is_made_changed_and_deleted(shop: DevShop, admin: Admin) -> None:
    handle = {"type": "$app:answer", "handle": "order-1"}
    missing = admin.ask(UPSERT, h=handle, m={"fields": []})["metaobjectUpsert"]["userErrors"]
    assert missing == [{"code": "UNDEFINED_OBJECT_TYPE", "elementKey": None}]
    fields = [
        {"key": "score", "type": "number_integer", "required": True},
        {"key": "words", "type": "multi_line_text_field"},
    ]
    admin.ask(
        "mutation($d: MetaobjectDefinitionCreateInput!) {"
        " metaobjectDefinitionCreate(definition: $d) { userErrors { code } } }",
        d={"type": "$app:answer", "fieldDefinitions": fields},
    )
    wrong = admin.ask(UPSERT, h=handle, m={"fields": [{"key": "shoe", "value": "42"}]})["metaobjectUpsert"]
    assert {error["code"] for error in wrong["userErrors"]} == {
        "UNDEFINED_OBJECT_FIELD",
        "OBJECT_FIELD_REQUIRED",
    }
    first = admin.ask(UPSERT, h=handle, m={"fields": [{"key": "score", "value": "9"}]})["metaobjectUpsert"]
    second = admin.ask(UPSERT, h=handle, m={"fields": [{"key": "words", "value": "Fine"}]})[
        "metaobjectUpsert"
    ]
    assert second["metaobject"]["id"] == first["metaobject"]["id"]
    assert {one["key"]: one["value"] for one in second["metaobject"]["fields"]} == {
        "score": "9",
        "words": "Fine",
    }
    delete = "mutation($id: ID!) { metaobjectDelete(id: $id) { deletedId userErrors { code } } }"
    assert admin.ask(delete, id=first["metaobject"]["id"])["metaobjectDelete"]["userErrors"] == []
    again = admin.ask(delete, id=first["metaobject"]["id"])["metaobjectDelete"]["userErrors"]
    assert again == [{"code": "RECORD_NOT_FOUND"}]


def test_tags_of_customers_and_orders(shop: DevShop, admin: Admin) -> None:
    customer, order = shop.create_customer(tags=["Old"]), shop.place_order(None, CUP)
    add = "mutation($id: ID!, $t: [String!]!) { tagsAdd(id: $id, tags: $t) { userErrors { message } } }"
    remove = add.replace("tagsAdd", "tagsRemove")
    for _ in range(2):
        admin.ask(add, id=gid("Customer", customer.id), t=["gold", "OLD"])
    assert customer.tags == ["Old", "gold"]
    admin.ask(remove, id=gid("Customer", customer.id), t=["GOLD", "never"])
    assert customer.tags == ["Old"]
    admin.ask(add, id=gid("Order", order.id), t=["checked"])
    assert order.tags == ["checked"]
    assert admin.ask(add, id=gid("Customer", 1), t=["x"])["tagsAdd"]["userErrors"] != []


def test_nodes_and_a_delivery_event(shop: DevShop, admin: Admin) -> None:
    customer = shop.create_customer()
    order = shop.place_order(customer, CUP)
    parcel = shop.fulfil(order)
    event = admin.ask(
        "mutation($e: FulfillmentEventInput!) { fulfillmentEventCreate(fulfillmentEvent: $e) {"
        " fulfillmentEvent { status happenedAt } userErrors { message } } }",
        e={
            "fulfillmentId": gid("Fulfillment", parcel.id),
            "status": "DELIVERED",
            "happenedAt": "2026-11-24T10:00:00Z",
        },
    )["fulfillmentEventCreate"]
    assert event["fulfillmentEvent"] == {"status": "DELIVERED", "happenedAt": "2026-11-24T10:00:00Z"}
    wanted = [
        gid("Order", order.id),
        gid("Customer", customer.id),
        gid("Customer", 1),
        gid("Fulfillment", parcel.id),
    ]
    nodes = admin.ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Fulfillment { displayStatus deliveredAt } } }",
        ids=wanted,
    )["nodes"]
    assert [node and node["id"] for node in nodes] == [wanted[0], wanted[1], None, wanted[3]]
    assert (nodes[3]["displayStatus"], nodes[3]["deliveredAt"]) == ("DELIVERED", "2026-11-24T10:00:00Z")
