"""The Admin API: parse, check, price, throttle and execute one request with graphql-core."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from importlib.resources import files

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute,
    parse,
    validate,
)

from devshop.graphql_call import Call
from devshop.graphql_cost import MAX_QUERY_COST, Bucket, actual_cost, requested_cost
from devshop.graphql_roots import MUTATIONS, QUERIES, refusal

Json = dict[str, object]


@functools.cache
def schema() -> GraphQLSchema:
    """The subset of Admin API 2026-10 with its resolvers. Every root field must have one."""
    built = build_schema(files("devshop").joinpath("schema.graphql").read_text())
    for root, resolvers in ((built.query_type, QUERIES), (built.mutation_type, MUTATIONS)):
        for name, field in (root.fields if root else {}).items():
            field.resolve = _guarded(name, resolvers[name])
    return built


def _guarded(name: str, resolver: Callable[..., object]) -> Callable[..., object]:
    def resolve(_root: object, info: GraphQLResolveInfo[Call], **arguments: object) -> object:
        call = info.context
        fault = call.faults.take(("refuse",), (name, call.operation, "graphql"))
        if fault is not None:
            return refusal(info, fault)
        return resolver(call, info, **arguments)

    return resolve


def names_of(document: DocumentNode, operation_name: str | None) -> list[str]:
    """The operation's name and its root fields: what faults can be matched with."""
    operation = _operation(document, operation_name)
    if operation is None:
        return []
    fields = [node.name.value for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    return [*([operation.name.value] if operation.name else []), *fields]


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    found = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if name:
        found = [d for d in found if d.name and d.name.value == name]
    return found[0] if found else None


@functools.lru_cache(maxsize=256)
def read(text: str) -> DocumentNode | Json:
    """The parsed document, or the answer that says why there is none."""
    try:
        return parse(text)
    except GraphQLError as error:
        return {"errors": [error.formatted]}


@functools.lru_cache(maxsize=256)
def _complaints(text: str) -> list[GraphQLError]:
    """What the schema says against a document; the app sends the same few again and again."""
    return validate(schema(), parse(text))


def throttled(bucket: Bucket, requested: int) -> Json:
    return {
        "errors": [
            {
                "message": "Throttled",
                "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/limits"},
            }
        ],
        "extensions": bucket.extension(requested, None),
    }


def answer(
    call: Call,
    text: str,
    document: DocumentNode,
    variables: Mapping[str, object],
    operation_name: str | None,
    bucket: Bucket,
    throttle: bool,
) -> Json:
    """Executes one operation. Always HTTP 200: errors, THROTTLED too, stand in the body."""
    errors = _complaints(text)
    operation = _operation(document, operation_name)
    if errors or operation is None:
        return {"errors": [error.formatted for error in errors] or [{"message": "No operation to execute"}]}
    requested = requested_cost(schema(), document, operation, variables)
    bucket.refill()
    if requested > MAX_QUERY_COST:
        text = f"Query cost is {requested}, which exceeds the single query max cost limit ({MAX_QUERY_COST})."
        return {
            "errors": [
                {
                    "message": text,
                    "extensions": {
                        "code": "MAX_COST_EXCEEDED",
                        "cost": requested,
                        "maxCost": MAX_QUERY_COST,
                        "documentation": "https://shopify.dev/api/usage/rate-limits",
                    },
                }
            ]
        }
    if throttle or requested > bucket.available:
        return throttled(bucket, requested)
    result = execute(
        schema(),
        document,
        context_value=call,
        variable_values=dict(variables),
        operation_name=operation_name,
    )
    assert not hasattr(result, "__await__")
    actual = actual_cost(requested, result.data)
    bucket.available -= actual
    body: Json = {}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    if result.data is not None or not result.errors:
        body["data"] = result.data
    body["extensions"] = bucket.extension(requested, actual)
    return body


def is_mutation(document: DocumentNode, operation_name: str | None) -> bool:
    operation = _operation(document, operation_name)
    return operation is not None and operation.operation is OperationType.MUTATION
