"""Writes the OpenAPI 3.1 document of the API from its table of routes and the types of their bodies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from plugin.flows.api_keys import SCOPES
from plugin.pages.api.programme import DOCUMENTS
from plugin.pages.api.route import PREFIX, Route

_REF = "#/components/schemas/{name}"
_ID = {"type": "string", "pattern": "^[1-9][0-9]{0,18}$"}
_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": True,
    "description": "New for each thing you want done, the same when you try again: then the first answer comes again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}  # fmt: skip
_INTRODUCTION = (
    "Members, points, rewards, the programme and surveys of one shop. Every request carries a key of the shop, made "
    "under Settings in the admin: `Authorization: Bearer rgk_…`. A key may do what its scopes say. Ids are whole "
    "numbers as text, times are UTC (RFC 3339), money is in minor units. Lists go on with `cursor`. Every POST that "
    "changes something carries an `Idempotency-Key`. A key may ask 120 times at once and 10 times a second after that; "
    "`RateLimit-Remaining` says how many are left."
)
# Status, when, and whether it concerns a request that sends a body.
_FAULTS = {
    400: "The request cannot be read, or its Idempotency-Key is missing",
    401: "No key, a wrong one, or one that was revoked",
    403: "The key lacks the scope, or the shop does not run the app any more",
    404: "There is no such thing in this shop",
    409: "Not possible as things stand",
    413: "The body is larger than {largest} bytes",
    415: "The body is not application/json",
    422: "A field does not fit",
    429: "Too many requests; Retry-After says how many seconds to wait",
    503: "The database was busy; nothing was done. Try again",
}


class ErrorDetail(Struct, frozen=True):
    """What went wrong: a code for programs, a sentence that says what to do, the field to change if there is one."""

    code: str
    message: str
    field: str = ""
    reference: str = ""


class Error(Struct, frozen=True):
    """The one shape of every error."""

    error: ErrorDetail


def document(routes: Sequence[Route], server: str) -> dict[str, Any]:
    """The OpenAPI document of these routes, served below `server`."""
    types = [Error]
    for route in routes:
        types += [kind for kind in (_asked(route), route.answer) if kind is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    by_type = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_type, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Regulars API", "version": "1", "description": _INTRODUCTION},
        "servers": [{"url": f"{server}{PREFIX}"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Scopes:\n"
                    + "\n".join(f"- `{name}`: {what}" for name, what in SCOPES.items()),
                }
            },
        },
    }


def _asked(route: Route) -> Any:
    return DOCUMENTS.get(route.name, route.given)


def _operation(route: Route, by_type: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.path.split("/")[1]],
        "summary": route.says,
        "description": f"Scope: `{route.scope}`.",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": _ID} for name in route.numbers
        ],
        "responses": _responses(route, by_type),
    }
    if route.repeatable:
        found["parameters"].append(_KEY)
    asked = _asked(route)
    if asked is not None and route.method == "GET":
        found["parameters"] += _query(by_type[repr(asked)], components)
    elif asked is not None:
        found["requestBody"] = {"required": True, "content": _json(by_type[repr(asked)])}
    return found


def _query(schema: dict[str, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a query's type as parameters; one that may be left out is never null in an address."""
    kind = components[schema["$ref"].rpartition("/")[2]]
    found = []
    for name, field in kind["properties"].items():
        kinds = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
        plain = {key: value for key, value in kinds[0].items() if key not in ("default", "description")}
        if "enum" in plain:
            plain["enum"] = [value for value in plain["enum"] if value is not None]
        said = next((one["description"] for one in [field, *kinds] if "description" in one), None)
        shown = {"name": name, "in": "query", "required": False, "schema": plain}
        found.append(shown | ({"description": said} if said else {}))
    return found


def _responses(route: Route, by_type: dict[str, Any]) -> dict[str, Any]:
    statuses = [400, 401, 403, 422, 429, 503]
    statuses += [404] if route.numbers else []
    statuses += [413, 415] if route.method in ("POST", "PUT") else []
    statuses += [404, 409] if route.moves and route.method in ("POST", "PUT") else []
    good: dict[str, Any] = {"description": "Done" if route.method != "GET" else "Found"}
    if route.answer is not None:
        good["content"] = _json(by_type[repr(route.answer)])
    status = route.status if route.answer is not None else 204
    shown = _json({"$ref": _REF.format(name="Error")})
    faults = {
        str(one): {"description": _FAULTS[one].format(largest=route.largest), "content": shown}
        for one in sorted(set(statuses))
    }
    return {str(status): good} | faults


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def flask_path(route: Route) -> str:
    """The address as Flask writes it."""
    return PREFIX + re.sub(r"{([a-z_]+)}", r"<\1>", route.path)
