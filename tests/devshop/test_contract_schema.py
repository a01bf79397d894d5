"""The development shop's Admin API is a part of Shopify's: every type, field, argument and value of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_client_schema,
    build_schema,
    is_required_argument,
    is_required_input_field,
    is_specified_scalar_type,
    parse,
    validate,
)

from devshop.graphql_server import schema as our_schema
from plugin.shopify.documents import document, names
from tests.npm import admin_schema

GraphQLNamed = object


def shopifys() -> GraphQLSchema:
    return build_client_schema(admin_schema("2026-10"), assume_valid=True)  # type: ignore[arg-type]


def differences(ours: GraphQLSchema, theirs: GraphQLSchema) -> Iterator[str]:
    """One line for everything of ours that Shopify has not, or has otherwise."""
    for name, kind in ours.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(kind):
            continue
        real = theirs.type_map.get(name)
        if real is None or type(real) is not type(kind):
            yield f"{name}: no such {type(kind).__name__}"
        elif isinstance(kind, GraphQLEnumType) and isinstance(real, GraphQLEnumType):
            yield from (f"{name}.{value}: no such value" for value in kind.values if value not in real.values)
        elif isinstance(kind, GraphQLUnionType) and isinstance(real, GraphQLUnionType):
            members = {member.name for member in real.types}
            yield from (f"{name}: {one.name} is no member" for one in kind.types if one.name not in members)
        elif isinstance(kind, GraphQLInputObjectType) and isinstance(real, GraphQLInputObjectType):
            yield from _inputs(kind, real)
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and isinstance(
            real, GraphQLObjectType | GraphQLInterfaceType
        ):
            yield from _fields(kind, real)


def _inputs(kind: GraphQLInputObjectType, real: GraphQLInputObjectType) -> Iterator[str]:
    for name, field in kind.fields.items():
        if name not in real.fields:
            yield f"{kind.name}.{name}: no such input field"
        elif str(field.type) != str(real.fields[name].type):
            yield f"{kind.name}.{name}: {field.type}, not {real.fields[name].type}"
    for name, wanted in real.fields.items():
        if is_required_input_field(wanted) and name not in kind.fields:
            yield f"{kind.name}.{name}: required by Shopify and missing here"


def _fields(
    kind: GraphQLObjectType | GraphQLInterfaceType, real: GraphQLObjectType | GraphQLInterfaceType
) -> Iterator[str]:
    known = {interface.name for interface in real.interfaces}
    yield from (f"{kind.name}: is no {one.name}" for one in kind.interfaces if one.name not in known)
    for name, field in kind.fields.items():
        if name not in real.fields:
            yield f"{kind.name}.{name}: no such field"
            continue
        wanted = real.fields[name]
        if str(field.type) != str(wanted.type):
            yield f"{kind.name}.{name}: {field.type}, not {wanted.type}"
        for argument, given in field.args.items():
            if argument not in wanted.args or str(given.type) != str(wanted.args[argument].type):
                yield f"{kind.name}.{name}({argument}): not Shopify's argument"
            elif given.default_value != wanted.args[argument].default_value:
                yield f"{kind.name}.{name}({argument}): another default"
        for argument, needed in wanted.args.items():
            if is_required_argument(needed) and argument not in field.args:
                yield f"{kind.name}.{name}({argument}): required by Shopify and missing here"


def test_our_schema_is_a_part_of_shopifys() -> None:
    assert list(differences(our_schema(), shopifys())) == []
    assert len(our_schema().type_map) > 100


@pytest.mark.parametrize(
    ("text", "difference"),
    [
        ("type Order { shoeSize: Int }", "Order.shoeSize: no such field"),
        ("type Order { test: Boolean }", "Order.test: Boolean, not Boolean!"),
        ("type Order { lineItems(page: Int): Int }", "Order.lineItems(page): not Shopify's argument"),
        ("type Elephant { id: ID! }", "Elephant: no such GraphQLObjectType"),
        ("enum DiscountStatus { SLEEPING }", "DiscountStatus.SLEEPING: no such value"),
        ("input MetaobjectFieldInput { key: String! }", "MetaobjectFieldInput.value: required by Shopify"),
        ("union DiscountCode = Order type Order { id: ID! }", "DiscountCode: Order is no member"),
    ],
)
def test_a_difference_is_seen(text: str, difference: str) -> None:
    ours = build_schema(text, assume_valid=True)
    assert any(found.startswith(difference) for found in differences(ours, shopifys()))


@pytest.mark.parametrize("name", names())
def test_the_shop_answers_every_document_of_the_app(name: str) -> None:
    assert [error.message for error in validate(our_schema(), parse(document(name).text))] == []
