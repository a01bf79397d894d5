"""Bulk operations: one query run over everything, its result as a file of one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    execute,
    parse,
    validate,
    visit,
)

from devshop import bodies_shop
from devshop.graphql_call import Call, View, utc
from devshop.graphql_paging import MAX_PAGE
from devshop.ids import gid, number_of
from devshop.records import BulkOperation

MAX_CONNECTIONS = 5


def run(call: Call, query: str, group: bool) -> View:
    """bulkOperationRunQuery: here the operation has ended when the mutation answers, and the webhook follows."""
    problem = _problem(query)
    if problem:
        return {
            "bulkOperation": None,
            "userErrors": [{"field": ["query"], "message": problem, "code": "INVALID"}],
        }
    desk = call.desk
    number = desk.ids.number("BulkOperation")
    lines: list[str] = []
    roots, error = 0, None
    try:
        for node in _roots(call, query):
            roots += 1
            lines += _flat(node, None)
    except GraphQLError as denied:
        error, lines, roots = str((denied.extensions or {}).get("code") or "INTERNAL_SERVER_ERROR"), [], 0
    if not group:
        # Not grouped means in no order that one may rely on.
        lines.sort(key=len)
    done = BulkOperation(number, query, "".join(lines), desk.now(), roots, len(lines), error)
    desk.shop.bulk_operations[number] = done
    status = "completed" if error is None else "failed"
    desk.announce(("bulk_operations/finish", bodies_shop.bulk_body(desk, number, desk.now(), status)))
    # The answer to the mutation still says that it was only begun.
    return {"bulkOperation": {**view(call, done), "status": "CREATED", "url": None}, "userErrors": []}


def by_id(call: Call, id: str) -> View | None:
    found = call.desk.shop.bulk_operations.get(number_of(id, "BulkOperation") or 0)
    return None if found is None else view(call, found)


def view(call: Call, one: BulkOperation) -> View:
    address = f"https://{call.desk.shop.domain}/bulk-results/{one.id}.jsonl"
    return {
        "__typename": "BulkOperation",
        "id": gid("BulkOperation", one.id),
        "status": "COMPLETED" if one.error is None else "FAILED",
        "type": "QUERY",
        "errorCode": one.error,
        "objectCount": one.objects,
        "rootObjectCount": one.roots,
        "fileSize": len(one.result.encode()),
        "createdAt": utc(one.created_at),
        "completedAt": utc(one.created_at),
        "query": one.query,
        "url": address if one.result and one.error is None else None,
        "partialDataUrl": None,
    }


def _problem(query: str) -> str:
    from devshop.graphql_server import schema

    try:
        document = parse(query)
    except GraphQLError as error:
        return f"Invalid bulk query: {error.message}"
    operation = _operation(document)
    if operation is None or len(document.definitions) != 1 or operation.operation.value != "query":
        return "Invalid bulk query: give one query without fragments."
    if operation.variable_definitions:
        return "Invalid bulk query: variables are not supported."
    found = sum(_is_connection(one) for one in _fields(operation.selection_set))
    if not 1 <= found <= MAX_CONNECTIONS:
        return f"Bulk queries must contain at least one connection and at most {MAX_CONNECTIONS}."
    errors = validate(schema(), document)
    return f"Invalid bulk query: {errors[0].message}" if errors else ""


def _operation(document: DocumentNode) -> OperationDefinitionNode | None:
    return next((d for d in document.definitions if isinstance(d, OperationDefinitionNode)), None)


def _fields(chosen: SelectionSetNode | None) -> Iterator[FieldNode]:
    for node in chosen.selections if chosen else ():
        if isinstance(node, FieldNode):
            yield node
            yield from _fields(node.selection_set)


def _is_connection(node: FieldNode) -> bool:
    return node.selection_set is not None and any(
        isinstance(inner, FieldNode) and inner.name.value == "edges"
        for inner in node.selection_set.selections
    )


def _roots(call: Call, query: str) -> Iterator[dict[str, object]]:
    """Every node of the outermost connection, read page by page as an app without bulk operations would."""
    from devshop.graphql_server import schema

    after: str | None = None
    while True:
        document = visit(parse(query), _Paged(after))
        operation = _operation(document)
        assert operation is not None
        outer = next(iter(_fields(operation.selection_set)))
        result = execute(schema(), document, context_value=call)
        assert not hasattr(result, "__await__")
        for error in result.errors or ():
            if not error.path or len(error.path) < 3:
                raise error
        page = (result.data or {})[outer.name.value]
        yield from (edge["node"] for edge in page["edges"])
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


class _Paged(Visitor):
    """Gives every connection a page size, and the outermost one its place and what to go on with."""

    def __init__(self, after: str | None) -> None:
        super().__init__()
        self._after = after

    def leave_field(
        self, node: FieldNode, _key: object, _parent: object, _path: object, ancestors: list[object]
    ) -> FieldNode | None:
        if not _is_connection(node) or node.selection_set is None:
            return None
        arguments = [*(node.arguments or ()), _argument("first", IntValueNode(value=str(MAX_PAGE)))]
        chosen = node.selection_set
        if not any(isinstance(one, FieldNode) for one in ancestors):
            if self._after is not None:
                arguments.append(_argument("after", StringValueNode(value=self._after)))
            more = parse("{ pageInfo { hasNextPage endCursor } }").definitions[0]
            assert isinstance(more, OperationDefinitionNode)
            chosen = SelectionSetNode(selections=(*chosen.selections, *more.selection_set.selections))
        return FieldNode(
            name=node.name, alias=node.alias, arguments=tuple(arguments), directives=node.directives,
            selection_set=chosen,
        )  # fmt: skip


def _argument(name: str, value: IntValueNode | StringValueNode) -> ArgumentNode:
    return ArgumentNode(name=NameNode(value=name), value=value)


def _flat(node: dict[str, object], parent: str | None) -> Iterator[str]:
    """The node as a line, without its connections, whose nodes follow with `__parentId`."""
    own, children = {}, []
    for name, value in deepcopy(node).items():
        if isinstance(value, dict) and "edges" in value:
            children += [edge["node"] for edge in value["edges"]]
        else:
            own[name] = value
    if parent is not None:
        own["__parentId"] = parent
    yield json.dumps(own, ensure_ascii=False) + "\n"
    for child in children:
        yield from _flat(child, str(node["id"]))
