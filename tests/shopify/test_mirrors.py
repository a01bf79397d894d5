"""Mirrors against the development shop: the whole present every time, nothing of a customer left after erasing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from devshop.ids import gid
from devshop.shop import Customer, DevPlatform, DevShop
from plugin.shopify.admin import AdminClient
from plugin.shopify.errors import Throttled, Unavailable
from plugin.shopify.perform import (
    TAG_PREFIX,
    MemberState,
    ShopFacts,
    SurveyAnswer,
    customer_seen,
    customer_tags,
    erase_customer,
    mirror_digest,
    mirror_members,
    mirror_response,
    set_tier_tag,
    shop_facts,
)

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ANSWER = SurveyAnswer("order-81", "#1081", 9, "Lovely tea", NOW)


@pytest.fixture
def robin(shop: DevShop) -> Customer:
    return shop.create_customer(first_name="Robin", last_name="Roe", email="robin@example.com")


def state(customer_id: int, available: int = 120) -> MemberState:
    return MemberState(customer_id, True, available, 30, NOW, 30, "gold", None, 4, available)


def mirrored(shop: DevShop, owner: str) -> dict[str, Any]:
    """The metafields an owner has, by key, as JSON."""
    kept = shop.desk.shop.metafields.values()
    return {one.key: json.loads(one.value) for one in kept if one.owner == owner}


def answers(shop: DevShop) -> list[dict[str, Any]]:
    return [dict(one.fields) for one in shop.desk.shop.metaobjects.values()]


def test_members_are_mirrored_and_mirrored_again(shop: DevShop, client: AdminClient) -> None:
    people = [
        shop.create_customer(first_name=f"N{n}", last_name="X", email=f"n{n}@example.com") for n in range(30)
    ]
    for available in (120, 90):
        result = mirror_members(client, [state(one.id, available) for one in people])
        assert (len(result.written), result.skipped) == (30, ())
        for one in people:
            assert mirrored(shop, gid("Customer", one.id))["loyalty"]["available"] == available


def test_a_customer_who_is_gone_does_not_cost_the_others_their_mirror(
    shop: DevShop, client: AdminClient
) -> None:
    people = [
        shop.create_customer(first_name=f"N{n}", last_name="X", email=f"n{n}@example.com") for n in range(5)
    ]
    for one in (people[0], people[3]):
        shop.delete_customer(one)
    result = mirror_members(client, [state(one.id) for one in people])
    assert result.written == tuple(people[n].id for n in (1, 2, 4))
    assert [customer_id for customer_id, _ in result.skipped] == [people[0].id, people[3].id]
    assert mirrored(shop, gid("Customer", people[4].id))["loyalty"]["tier"] == "gold"


@pytest.mark.parametrize(
    ("fault", "error"),
    [("timeout_after", Unavailable), ("timeout_before", Unavailable), ("http_500", Unavailable)],
)
def test_mirror_that_got_no_answer_may_simply_be_repeated(
    platform: DevPlatform,
    shop: DevShop,
    client: AdminClient,
    robin: Customer,
    fault: str,
    error: type[Exception],
) -> None:
    platform.faults.add(fault, "metafieldsSet")
    with pytest.raises(error):
        mirror_members(client, [state(robin.id)])
    assert mirror_members(client, [state(robin.id, 7)]).written == (robin.id,)
    assert mirrored(shop, gid("Customer", robin.id))["loyalty"]["available"] == 7


def test_mirror_without_budget_comes_back_later(
    platform: DevPlatform, client: AdminClient, robin: Customer
) -> None:
    platform.faults.add("throttle", "metafieldsSet", times=None)
    with pytest.raises(Throttled):
        mirror_members(client, [state(robin.id)])


def test_digest_stands_where_liquid_reads_it(shop: DevShop, client: AdminClient) -> None:
    installation = shop_facts(client).installation_gid
    for rate in (1, 2):
        mirror_digest(client, installation, {"version": 4, "points": rate, "name": "Überschuß"})
        [kept] = [one for one in shop.desk.shop.metafields.values() if one.owner == installation]
        assert (kept.namespace, kept.key, kept.type) == ("storefront", "digest", "json")
        assert json.loads(kept.value) == {"version": 4, "points": rate, "name": "Überschuß"}


def test_tier_tag_replaces_the_old_one_and_leaves_the_merchants_tags(
    shop: DevShop, client: AdminClient, robin: Customer
) -> None:
    # One of a tier that no programme names any more, in the spelling a merchant may have given it.
    shop.tag_customer(robin, ["vip", "Regulars:Retired"])
    silver, gold = f"{TAG_PREFIX}silver", f"{TAG_PREFIX}gold"
    assert set_tier_tag(client, robin.id, silver)
    for _ in range(2):
        assert set_tier_tag(client, robin.id, gold)
        assert sorted(shop.customers[robin.id].tags) == [gold, "vip"]
    assert set_tier_tag(client, robin.id, None)
    assert shop.customers[robin.id].tags == ["vip"]


def test_tier_tag_of_a_customer_who_is_gone(shop: DevShop, client: AdminClient, robin: Customer) -> None:
    shop.delete_customer(robin)
    assert not set_tier_tag(client, robin.id, f"{TAG_PREFIX}gold")


def test_answer_is_one_object_however_often_it_is_written(
    platform: DevPlatform, shop: DevShop, client: AdminClient
) -> None:
    platform.faults.add("timeout_after", "metaobjectUpsert")
    with pytest.raises(Unavailable):
        mirror_response(client, ANSWER)
    first = mirror_response(client, ANSWER)
    changed = SurveyAnswer("order-81", "#1081", 3, None, NOW)
    assert mirror_response(client, changed) == first
    [kept] = answers(shop)
    assert kept["score"] == "3"
    assert kept["order_name"] == "#1081"
    assert not kept["comment"]


def test_erasing_leaves_nothing_of_ours_and_all_of_the_merchants(
    platform: DevPlatform, shop: DevShop, client: AdminClient, robin: Customer
) -> None:
    kim = shop.create_customer(first_name="Kim", last_name="Poe", email="kim@example.com")
    mirror_members(client, [state(robin.id), state(kim.id)])
    shop.tag_customer(robin, ["vip", "Regulars:Gold", f"{TAG_PREFIX}old-tier"])
    mirror_response(client, ANSWER)
    mirror_response(client, SurveyAnswer("order-82", "#1082", 10, None, NOW))
    for fault in ("metaobjectDelete", "tagsRemove", "metafieldsDelete"):
        platform.faults.add("timeout_after", fault)
        with pytest.raises(Unavailable):
            erase_customer(client, robin.id, ["order-81", "order-99"])
    for _ in range(2):
        erase_customer(client, robin.id, ["order-81", "order-99"])
        assert shop.customers[robin.id].tags == ["vip"]
        assert mirrored(shop, gid("Customer", robin.id)) == {}
        assert [one["order_name"] for one in answers(shop)] == ["#1082"]
    assert "loyalty" in mirrored(shop, gid("Customer", kim.id))


def test_erasing_a_customer_who_is_gone_still_deletes_the_answers(
    shop: DevShop, client: AdminClient, robin: Customer
) -> None:
    mirror_response(client, ANSWER)
    shop.delete_customer(robin)
    erase_customer(client, robin.id, ["order-81"])
    assert answers(shop) == []


def test_shop_facts(shop: DevShop, client: AdminClient) -> None:
    facts = shop_facts(client)
    assert facts == ShopFacts(
        gid=f"gid://shopify/Shop/{shop.id}",
        name="Dev One",
        currency="CHF",
        timezone="Europe/Zurich",
        taxes_included=True,
        partner_development=True,
        installation_gid=f"gid://shopify/AppInstallation/{shop.desk.shop.installation_id}",
        scopes=facts.scopes,
    )
    assert {"read_orders", "write_discounts"} <= set(facts.scopes)


def test_customer_seen(shop: DevShop, client: AdminClient, robin: Customer) -> None:
    seen = customer_seen(client, robin.id)
    assert seen is not None
    assert (seen.customer_id, seen.email, seen.first_name) == (robin.id, "robin@example.com", "Robin")
    shop.desk.shop.protected_data = []
    seen = customer_seen(client, robin.id)
    assert seen is not None
    assert (seen.customer_id, seen.email, seen.first_name) == (robin.id, None, None)
    shop.delete_customer(robin)
    assert customer_seen(client, robin.id) is None


def test_customer_tags(shop: DevShop, client: AdminClient, robin: Customer) -> None:
    shop.tag_customer(robin, ["vip", "b2b"])
    assert sorted(customer_tags(client, robin.id) or ()) == ["b2b", "vip"]
    shop.delete_customer(robin)
    assert customer_tags(client, robin.id) is None
