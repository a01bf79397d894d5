"""Metafields and their definitions: app-reserved namespaces, types, compare-and-swap."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from devshop.graphql_call import Call, View, utc
from devshop.graphql_paging import connection
from devshop.ids import gid, number_of
from devshop.order_records import Customer
from devshop.records import Definition, Metafield

MAX_PER_CALL = 25
MAX_JSON_BYTES = 128 * 1024
_OWNER_TYPES = {"Customer": "CUSTOMER", "Order": "ORDER", "Shop": "SHOP", "AppInstallation": "API_PERMISSION"}
_SCOPES = {"Customer": "write_customers", "Order": "write_orders"}


def namespace_of(call: Call, given: object) -> str:
    """$app and $app:x stand for the app's own namespaces; leaving it out means $app."""
    if given is None or given == "$app":
        return call.app_namespace
    text = str(given)
    return f"{call.app_namespace}--{text[5:]}" if text.startswith("$app:") else text


def _slot(owner: str, namespace: str, key: str) -> str:
    return f"{owner} {namespace} {key}"


def metafield_fields(call: Call, owner: str) -> View:
    """The fields `metafield` and `metafields` of an owner."""

    def one(_info: object, key: str, namespace: str | None = None) -> View | None:
        found = call.desk.shop.metafields.get(_slot(owner, namespace_of(call, namespace), key))
        return None if found is None else metafield_view(found)

    def several(info: object, **arguments: object) -> object:
        namespace, keys = arguments.pop("namespace", None), arguments.pop("keys", None)
        wanted = None if namespace is None else namespace_of(call, namespace)
        return connection(
            lambda: [
                field
                for field in call.desk.shop.metafields.values()
                if field.owner == owner
                and (wanted is None or field.namespace == wanted)
                and (
                    not isinstance(keys, list)
                    or field.key in keys
                    or f"{field.namespace}.{field.key}" in keys
                )
            ],
            metafield_view,
            lambda field: (field.id,),
        )(info, **arguments)

    return {"metafield": one, "metafields": several}


def metafield_view(field: Metafield) -> View:
    return {
        "__typename": "Metafield",
        "id": gid("Metafield", field.id),
        "legacyResourceId": str(field.id),
        "namespace": field.namespace,
        "key": field.key,
        "type": field.type,
        "value": field.value,
        "jsonValue": json_value(field.type, field.value),
        "compareDigest": digest(field),
        "createdAt": utc(field.created_at),
        "updatedAt": utc(field.updated_at),
        "ownerType": _OWNER_TYPES.get(field.owner.split("/")[3], "SHOP"),
        "sizeInBytes": len(field.value.encode()),
    }


def digest(field: Metafield) -> str:
    return hashlib.sha256(field.value.encode()).hexdigest()


def json_value(kind: str, value: str) -> object:
    if kind in ("json", "number_integer", "number_decimal", "boolean", "rating", "money") or kind.startswith(
        "list."
    ):
        return json.loads(value) if kind != "number_decimal" else value
    return value


def check_value(kind: str, value: str) -> str | None:
    """Why a value does not fit its type, or None."""
    if not value:
        return "can't be blank."
    try:
        parsed = json_value(kind, value)
    except ValueError:
        return f"is not a valid {kind}."
    if kind == "number_integer" and (isinstance(parsed, bool) or not isinstance(parsed, int)):
        return "must be an integer."
    if kind == "boolean" and not isinstance(parsed, bool):
        return "must be true or false."
    if kind == "json" and len(value.encode()) > MAX_JSON_BYTES:
        return f"is too big, the limit is {MAX_JSON_BYTES} bytes."
    return None


def metafields_set(call: Call, given: Sequence[dict[str, object]]) -> View:
    """metafieldsSet: up to 25, all or none."""
    errors: list[View] = []
    if len(given) > MAX_PER_CALL:
        errors.append(
            _error(
                None,
                "LESS_THAN_OR_EQUAL_TO",
                f"Exceeded the maximum metafields input limit of {MAX_PER_CALL}.",
            )
        )
    for index, one in enumerate(given):
        errors += _refusals(call, index, one)
    if errors:
        return {"metafields": None, "userErrors": errors}
    kept = [_write(call, one) for one in given]
    for owner in dict.fromkeys(str(one["ownerId"]) for one in given):
        record = call.desk.shop.customers.get(number_of(owner, "Customer") or 0)
        if record is not None:
            _touch(call, record)
    return {"metafields": [metafield_view(field) for field in kept], "userErrors": []}


def _touch(call: Call, record: Customer) -> None:
    from devshop.customers import touch

    touch(call.desk, record)


def _error(index: int | None, code: str, message: str, field: str | None = None) -> View:
    path = ["metafields"] if index is None else ["metafields", str(index), *([field] if field else [])]
    return {"field": path, "code": code, "message": message, "elementIndex": index}


def _refusals(call: Call, index: int, one: dict[str, object]) -> list[View]:
    owner = str(one["ownerId"])
    kind = owner.split("/")[3] if len(owner.split("/")) == 5 else ""
    if kind in _SCOPES:
        call.need(_SCOPES[kind], "metafieldsSet")
    if not _exists(call, owner, kind):
        return [_error(index, "INVALID", "Owner does not exist.", "ownerId")]
    namespace = namespace_of(call, one.get("namespace"))
    definition = definition_of(call, kind, namespace, str(one["key"]))
    type_ = one.get("type") or (definition.type if definition else None)
    found = call.desk.shop.metafields.get(_slot(owner, namespace, str(one["key"])))
    type_ = type_ or (found.type if found else None)
    if type_ is None:
        return [_error(index, "BLANK", "Type can't be blank when there is no definition.", "type")]
    if definition is not None and type_ != definition.type:
        return [_error(index, "INVALID_TYPE", f"Type must be {definition.type}.", "type")]
    if trouble := check_value(str(type_), str(one["value"])):
        return [_error(index, "INVALID_VALUE", f"Value {trouble}", "value")]
    wanted = one.get("compareDigest", ...)
    if wanted is not ... and wanted != (digest(found) if found else None):
        return [
            _error(
                index, "STALE_OBJECT", "The resource has been updated since it was loaded.", "compareDigest"
            )
        ]
    return []


def _exists(call: Call, owner: str, kind: str) -> bool:
    shop, number = call.desk.shop, number_of(owner) or 0
    return {
        "Customer": number in shop.customers,
        "Order": number in shop.orders,
        "Shop": number == shop.id,
        "AppInstallation": number == shop.installation_id,
    }.get(kind, False)


def _write(call: Call, one: dict[str, object]) -> Metafield:
    desk, owner = call.desk, str(one["ownerId"])
    namespace, key, now = namespace_of(call, one.get("namespace")), str(one["key"]), call.desk.now()
    slot = _slot(owner, namespace, key)
    definition = definition_of(call, owner.split("/")[3], namespace, key)
    found = desk.shop.metafields.get(slot)
    if found is None:
        found = desk.shop.metafields[slot] = Metafield(
            id=desk.ids.number("Metafield"),
            owner=owner,
            namespace=namespace,
            key=key,
            type="",
            value="",
            created_at=now,
            updated_at=now,
        )
    found.type = str(one.get("type") or (definition.type if definition else found.type))
    found.value, found.updated_at = str(one["value"]), now
    return found


def metafields_delete(call: Call, given: Sequence[dict[str, object]]) -> View:
    """metafieldsDelete: what is not there is null in the answer."""
    gone: list[View | None] = []
    for one in given:
        owner, namespace, key = str(one["ownerId"]), namespace_of(call, one["namespace"]), str(one["key"])
        kind = owner.split("/")[3] if len(owner.split("/")) == 5 else ""
        if kind in _SCOPES:
            call.need(_SCOPES[kind], "metafieldsDelete")
        found = call.desk.shop.metafields.pop(_slot(owner, namespace, key), None)
        gone.append(None if found is None else {"ownerId": owner, "namespace": namespace, "key": key})
    return {"deletedMetafields": gone, "userErrors": []}


def definition_of(call: Call, owner_kind: str, namespace: str, key: str) -> Definition | None:
    owner_type = _OWNER_TYPES.get(owner_kind, owner_kind)
    return next(
        (
            one
            for one in call.desk.shop.definitions
            if (one.owner_type, one.namespace, one.key) == (owner_type, namespace, key)
        ),
        None,
    )


def definition_view(one: Definition) -> View:
    return {
        "__typename": "MetafieldDefinition",
        "id": gid("MetafieldDefinition", one.id),
        "name": one.name,
        "namespace": one.namespace,
        "key": one.key,
        "ownerType": one.owner_type,
        "type": {"name": one.type, "category": one.type.split("_")[0].upper()},
        "access": {"admin": one.admin, "storefront": one.storefront, "customerAccount": one.customer_account},
    }


def definition_create(call: Call, given: dict[str, object]) -> View:
    """metafieldDefinitionCreate; TAKEN if the namespace and key are in use for that owner type."""
    owner_type, key = str(given["ownerType"]), str(given["key"])
    namespace = namespace_of(call, given.get("namespace"))
    if definition_of(call, owner_type, namespace, key) is not None:
        return {
            "createdDefinition": None,
            "userErrors": [
                {
                    "field": ["definition", "key"],
                    "code": "TAKEN",
                    "elementIndex": None,
                    "elementKey": None,
                    "message": f"Key is in use for {owner_type} metafields on the '{namespace}' namespace.",
                }
            ],
        }
    access = given.get("access")
    rights = access if isinstance(access, dict) else {}
    kept = Definition(
        id=call.desk.ids.number("MetafieldDefinition"),
        owner_type=owner_type,
        namespace=namespace,
        key=key,
        name=str(given["name"]),
        type=str(given["type"]),
        admin=rights.get("admin") or "MERCHANT_READ",
        storefront=rights.get("storefront") or "NONE",
        customer_account=rights.get("customerAccount") or "NONE",
    )
    call.desk.shop.definitions.append(kept)
    return {"createdDefinition": definition_view(kept), "userErrors": []}
