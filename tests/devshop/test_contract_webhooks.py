"""Every body the shop sends against the schema that npm `shopify-webhook-schemas` holds for its topic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from devshop.shop import DevPlatform, DevShop
from devshop.webhooks_out import TOPICS
from tests.devshop.conftest import Admin, Clock, Received
from tests.devshop.scenario import live_through
from tests.npm import package

# The schemas are inferred from single samples. What a sample happened not to show is loosened here:
# fields that Shopify documents as nullable, and a whole number where any number is meant.
NULLABLE = {
    "customer",  # an order without a customer
    "email",
    "contact_email",
    "billing_address",
    "shipping_address",
    "destination",
    "tracking_company",
    "tracking_number",
    "tracking_url",
    "fulfillment_status",  # of the lines of a fulfilment that was called off
    "name",  # of a return
    "location_id",
}
NUMBERS = {"rate"}


def newest() -> Path:
    return max((package("shopify-webhook-schemas") / "schemas").iterdir())


def schema_of(topic: str) -> dict[str, Any]:
    path = newest() / f"{topic}.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return loosened(found)


def loosened(schema: dict[str, Any], name: str = "") -> dict[str, Any]:
    """The schema as far as a single sample can be trusted: fields and types, not emptiness and not format."""
    kept = {key: value for key, value in schema.items() if key != "format"}
    if kept.get("items") is False:  # the sample's list was empty
        del kept["items"]
    if name in NUMBERS:
        kept["type"] = "number"
    if name in NULLABLE and "type" in kept:
        kinds = kept["type"] if isinstance(kept["type"], list) else [kept["type"]]
        kept["type"] = [*kinds, "null", *(["string"] if kinds == ["null"] else [])]
        kept["type"] = list(dict.fromkeys(kept["type"]))
    if "properties" in kept:
        kept["properties"] = {key: loosened(value, key) for key, value in kept["properties"].items()}
    if isinstance(kept.get("items"), dict):
        kept["items"] = loosened(kept["items"], name)
    return kept


def problems(topic: str, body: object) -> list[str]:
    """What a body lacks or has otherwise, and top-level fields that Shopify does not send."""
    schema = schema_of(topic)
    found = [
        f"{topic} {'/'.join(map(str, error.absolute_path))}: {error.message[:160]}"
        for error in Draft202012Validator(schema).iter_errors(body)
    ]
    if schema.get("properties") and isinstance(body, dict):
        found += [f"{topic} {key}: not Shopify's" for key in body if key not in schema["properties"]]
    return found


@pytest.fixture
def lived(platform: DevPlatform, shop: DevShop, admin: Admin, clock: Clock, received: Received) -> Received:
    live_through(platform, shop, admin, clock)
    platform.flush()
    return received


def test_every_topic_is_sent_and_every_body_has_its_fields(lived: Received) -> None:
    assert set(lived.topics) == set(TOPICS)
    assert len(lived.deliveries) > 60
    found = [
        problem for _, topic, _, body in lived.deliveries for problem in problems(topic, json.loads(body))
    ]
    assert found == []


def test_order_bodies_have_the_keys_of_the_official_sample(lived: Received) -> None:
    folder = package("shopify-webhook-schemas") / "metadatas" / newest().name
    for topic in ("orders/create", "refunds/create", "fulfillments/create", "customers/create"):
        sample = json.loads((folder / f"{topic}.json").read_text())["response"]
        for body in lived.bodies(topic):
            assert set(sample) - set(body) == set()
            for line, wanted in zip(body.get("line_items", []), sample.get("line_items", []), strict=False):
                assert set(wanted) - set(line) == set()


@pytest.mark.parametrize("change", ["drop", "retype", "invent"])
def test_a_wrong_body_is_seen(lived: Received, change: str) -> None:
    body = lived.bodies("orders/paid")[0]
    if change == "drop":
        del body["line_items"][0]["price_set"]
    elif change == "retype":
        body["total_price"] = 12.5
    else:
        body["shoe_size"] = 42
    assert len(problems("orders/paid", body)) == 1


def test_a_body_without_protected_data_keeps_its_fields(clock: Clock, received: Received) -> None:
    platform = DevPlatform(now=clock)
    platform.deliver = received
    shop = platform.create_shop("shy.myshopify.com", protected_data=())
    shop.install()
    customer = shop.create_customer()
    shop.place_order(customer, [{"title": "Cup", "price": 990}])
    platform.flush()
    body = received.bodies("orders/create")[0]
    assert body["email"] is None
    assert body["customer"]["id"] == customer.id
    assert body["customer"]["first_name"] is None
    assert body["shipping_address"]["address1"] is None
    assert body["shipping_address"]["country_code"] == "CH"
    assert customer.email not in json.dumps([json.loads(body) for *_, body in received.deliveries])
