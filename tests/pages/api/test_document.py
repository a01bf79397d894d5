"""The OpenAPI document: valid, complete, and the same as what the routes do."""

from __future__ import annotations

import json

import jsonschema
import pytest

from plugin.flows.api_keys import SCOPES
from plugin.pages.api import ROUTES
from plugin.pages.api.route import Route
from tests.pages.scene import Scene


def test_the_document_is_served_to_everyone_and_names_every_route(light: Scene) -> None:
    answer = light.client().get("/api/v1/openapi.json")
    document = answer.json
    assert document is not None
    assert (answer.status_code, document["openapi"]) == (200, "3.1.0")
    assert document["servers"] == [{"url": "https://regulars.test/api/v1"}]
    named = {
        (method.upper(), path, operation["operationId"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert named >= {(route.method, route.path, route.name) for route in ROUTES}
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_every_reference_leads_somewhere_and_every_schema_is_one(light: Scene) -> None:
    document = light.client().get("/api/v1/openapi.json").json
    assert document is not None
    schemas = document["components"]["schemas"]
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in schemas
        assert "." not in name, "two types share a name"
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_scope_opens_something_and_every_route_has_one() -> None:
    used = {route.scope for route in ROUTES}
    assert used <= SCOPES.keys()
    # Personal data is what a key sees more of.
    assert SCOPES.keys() - used == {"read_personal_data"}
    assert len({route.name for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_says_what_it_does_and_what_it_asks(light: Scene, route: Route) -> None:
    document = light.client().get("/api/v1/openapi.json").json
    assert document is not None
    operation = document["paths"][route.path][route.method.lower()]
    assert len(operation["summary"]) > 10
    assert route.scope in operation["description"]
    names = [parameter["name"] for parameter in operation["parameters"]]
    assert ("Idempotency-Key" in names) is (route.method == "POST" and route.moves)
    assert set(route.numbers) <= set(names)
    assert ("requestBody" in operation) is (route.given is not None and route.method in ("POST", "PUT"))
