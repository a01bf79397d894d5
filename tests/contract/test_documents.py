"""Every GraphQL document against the Admin schema that Shopify publishes, and the price of a query."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    build_client_schema,
    parse,
    validate,
)
from graphql.validation import NoDeprecatedCustomRule

from plugin.config import API_VERSION
from plugin.shopify import order_details, orders
from plugin.shopify.documents import document, names
from tests.npm import admin_schema

# One query may ask for this many points (shopify.dev/docs/api/usage/limits).
DEAREST = 1000
USED_SIZES: dict[str, dict[str, Any]] = {
    "order": orders.FIRST_READ,
    "order_lines": {"lines": orders.MORE_LINES},
    "refund": orders.MORE_REFUND,
    "fulfilment": orders.MORE_PARCEL,
    "orders_updated": {"first": orders.CHANGED_PER_PAGE},
    "order_details": order_details.PAGE,
    "product_collections": {"first": order_details.MORE_COLLECTIONS},
}


@cache
def schema() -> GraphQLSchema:
    # assume_valid: Shopify deprecates fields that its interfaces still have
    # graphql-core types the introspection as a TypedDict; ours was read from a file.
    return build_client_schema(admin_schema(API_VERSION), assume_valid=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", names())
def test_document_is_valid_and_uses_nothing_deprecated(name: str) -> None:
    parsed = parse(document(name).text)
    assert [error.message for error in validate(schema(), parsed)] == []
    assert [error.message for error in validate(schema(), parsed, [NoDeprecatedCustomRule])] == []


@pytest.mark.parametrize("name", names())
def test_document_says_itself_what_it_is(name: str) -> None:
    operations = [d for d in parse(document(name).text).definitions if isinstance(d, OperationDefinitionNode)]
    assert [operation.operation.value for operation in operations] == [document(name).kind]


@pytest.mark.parametrize("name", names())
def test_every_mutation_asks_for_its_user_errors(name: str) -> None:
    if document(name).kind == "mutation":
        operation = next(
            d for d in parse(document(name).text).definitions if isinstance(d, OperationDefinitionNode)
        )
        for field in operation.selection_set.selections:
            assert isinstance(field, FieldNode)
            assert field.selection_set is not None
            asked = {f.name.value for f in field.selection_set.selections if isinstance(f, FieldNode)}
            assert "userErrors" in asked
    else:
        assert "userErrors" not in document(name).text


@pytest.mark.parametrize("name", names())
def test_query_costs_no_more_than_one_may(name: str) -> None:
    """Priced the old, dear way: an object is 1 point, a list with `first` that many times its node."""
    parsed = parse(document(name).text)
    assert 0 < price(parsed, USED_SIZES.get(name, {})) <= DEAREST


def test_the_price_counts_sizes() -> None:
    text = "query Q($n: Int!) { orders(first: $n) { nodes { id customer { id } } pageInfo { hasNextPage } } }"
    # ten nodes with a customer each; connection and pageInfo are bookkeeping
    assert price(parse(text), {"n": 10}) == 20


def test_no_document_is_left_unused() -> None:
    """A document nobody sends is a document nobody tests."""
    folder = Path(orders.__file__).parent
    sources = "".join(path.read_text() for path in folder.glob("*.py"))
    assert [name for name in names() if f'"{name}"' not in sources] == []


def price(parsed: DocumentNode, sizes: dict[str, Any]) -> int:
    fragments = {d.name.value: d for d in parsed.definitions if isinstance(d, FragmentDefinitionNode)}
    operation = next(d for d in parsed.definitions if isinstance(d, OperationDefinitionNode))
    return _price(operation.selection_set, sizes, fragments)


def _price(
    selections: SelectionSetNode, sizes: dict[str, Any], fragments: dict[str, FragmentDefinitionNode]
) -> int:
    total = 0
    for part in selections.selections:
        if isinstance(part, FragmentSpreadNode):
            total += _price(fragments[part.name.value].selection_set, sizes, fragments)
        elif isinstance(part, InlineFragmentNode):
            total += _price(part.selection_set, sizes, fragments)
        elif isinstance(part, FieldNode) and part.selection_set is not None and part.name.value != "pageInfo":
            inside = _price(part.selection_set, sizes, fragments)
            first = next((a.value for a in part.arguments or () if a.name.value == "first"), None)
            if part.name.value == "nodes" or first is None:
                total += 1 + inside
            else:
                size = sizes[first.name.value] if isinstance(first, VariableNode) else int(first.value)  # type: ignore[attr-defined]
                connection = any(
                    isinstance(f, FieldNode) and f.name.value == "nodes"
                    for f in part.selection_set.selections
                )
                total += size * (inside if connection else 1 + inside)
    return total
