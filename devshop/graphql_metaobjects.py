"""Metaobjects and their definitions in the Admin API."""

from __future__ import annotations

import re
from collections.abc import Sequence

from devshop.graphql_call import Call, View, utc
from devshop.graphql_metafields import check_value, json_value
from devshop.ids import gid, number_of
from devshop.records import Metaobject, MetaobjectType


def type_of(call: Call, given: object) -> str:
    """$app:x stands for a type that belongs to the app."""
    text = str(given)
    return f"{call.app_namespace}--{text[5:]}" if text.startswith("$app:") else text


def _error(field: Sequence[str], code: str, message: str, key: str | None = None) -> View:
    return {"field": list(field), "code": code, "message": message, "elementIndex": None, "elementKey": key}


def definition_create(call: Call, given: dict[str, object]) -> View:
    """metaobjectDefinitionCreate; TAKEN if the type exists."""
    call.need("write_metaobject_definitions", "metaobjectDefinitionCreate")
    kind = type_of(call, given["type"])
    if kind in call.desk.shop.metaobject_types:
        errors = [_error(["definition", "type"], "TAKEN", "Type has already been taken")]
        return {"metaobjectDefinition": None, "userErrors": errors}
    declared = given.get("fieldDefinitions")
    fields = [one for one in declared if isinstance(one, dict)] if isinstance(declared, list) else []
    kept = MetaobjectType(
        id=call.desk.ids.number("MetaobjectDefinition"),
        type=kind,
        name=str(given.get("name") or kind),
        fields={str(one["key"]): str(one["type"]) for one in fields},
        required=[str(one["key"]) for one in fields if one.get("required")],
    )
    call.desk.shop.metaobject_types[kind] = kept
    return {"metaobjectDefinition": definition_view(kept), "userErrors": []}


def definition_view(one: MetaobjectType) -> View:
    return {
        "__typename": "MetaobjectDefinition",
        "id": gid("MetaobjectDefinition", one.id),
        "name": one.name,
        "type": one.type,
        "fieldDefinitions": [
            {
                "key": key,
                "name": key,
                "required": key in one.required,
                "type": {"name": kind, "category": kind.split("_")[0].upper()},
            }
            for key, kind in one.fields.items()
        ],
    }


def view(call: Call, one: Metaobject) -> View:
    types = call.desk.shop.metaobject_types[one.type].fields

    def shown(key: str) -> View:
        value = one.fields.get(key)
        return {
            "key": key,
            "type": types[key],
            "value": value,
            "jsonValue": None if value is None else json_value(types[key], value),
        }

    def field(_info: object, key: str) -> View | None:
        return shown(key) if key in types else None

    return {
        "__typename": "Metaobject",
        "id": gid("Metaobject", one.id),
        "handle": one.handle,
        "type": one.type,
        "displayName": one.handle,
        "createdAt": utc(one.created_at),
        "updatedAt": utc(one.updated_at),
        "fields": [shown(key) for key in types],
        "field": field,
    }


def find(call: Call, type_: str, handle: str) -> Metaobject | None:
    return next(
        (one for one in call.desk.shop.metaobjects.values() if one.type == type_ and one.handle == handle),
        None,
    )


def upsert(call: Call, handle: dict[str, object], given: dict[str, object]) -> View:
    """metaobjectUpsert: makes or changes the metaobject of a type and handle; fields not named stay."""
    call.need("write_metaobjects", "metaobjectUpsert")
    desk, kind, name = call.desk, type_of(call, handle["type"]), str(handle["handle"])
    definition = desk.shop.metaobject_types.get(kind)
    if definition is None:
        text = f'No metaobject definition exists for type "{handle["type"]}"'
        return {"metaobject": None, "userErrors": [_error(["handle", "type"], "UNDEFINED_OBJECT_TYPE", text)]}
    listed = given.get("fields")
    fields = {str(one["key"]): str(one["value"]) for one in listed} if isinstance(listed, list) else {}
    found = find(call, kind, name)
    errors = _refusals(definition, {**(found.fields if found else {}), **fields})
    if not re.fullmatch(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", name):
        errors.append(
            _error(["handle", "handle"], "INVALID", "Handle must be lower case letters, digits and hyphens")
        )
    if errors:
        return {"metaobject": None, "userErrors": errors}
    if found is None:
        found = Metaobject(
            id=desk.ids.number("Metaobject"),
            type=kind,
            handle=name,
            fields={},
            created_at=desk.now(),
            updated_at=desk.now(),
        )
        desk.shop.metaobjects[found.id] = found
    found.fields.update(fields)
    found.updated_at = desk.now()
    return {"metaobject": view(call, found), "userErrors": []}


def _refusals(definition: MetaobjectType, fields: dict[str, str]) -> list[View]:
    errors: list[View] = []
    for key, value in fields.items():
        if key not in definition.fields:
            text = f'Field definition "{key}" does not exist'
            errors.append(_error(["metaobject", "fields"], "UNDEFINED_OBJECT_FIELD", text, key))
        elif value and (trouble := check_value(definition.fields[key], value)):
            errors.append(_error(["metaobject", "fields"], "INVALID_VALUE", f"Value {trouble}", key))
    for key in definition.required:
        if not fields.get(key):
            errors.append(_error(["metaobject"], "OBJECT_FIELD_REQUIRED", f"{key} can't be blank", key))
    return errors


def delete(call: Call, id: str) -> View:
    """metaobjectDelete; RECORD_NOT_FOUND if there is none."""
    call.need("write_metaobjects", "metaobjectDelete")
    gone = call.desk.shop.metaobjects.pop(number_of(id, "Metaobject") or 0, None)
    if gone is None:
        return {"deletedId": None, "userErrors": [_error(["id"], "RECORD_NOT_FOUND", "Record not found")]}
    return {"deletedId": id, "userErrors": []}
