"""Connections: first/after and last/before over anything, with cursors that survive changes in between."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from devshop.graphql_call import Resolver, View, bad_request

T = TypeVar("T")
Key = tuple[str | int, ...]
MAX_PAGE = 250


def connection(
    items: Callable[[], Sequence[T]],
    view: Callable[[T], View],
    key: Callable[[T], Key] | None = None,
) -> Resolver:
    """A resolver for a connection field. Without `key` the items keep their order."""

    def resolve(_info: object, **arguments: object) -> View:
        if key is None:
            keyed: list[tuple[Key, T]] = [((index,), item) for index, item in enumerate(items())]
        else:
            keyed = sorted(((key(item), item) for item in items()), key=lambda pair: pair[0])
        return page(keyed, view, arguments)

    return resolve


def page(keyed: list[tuple[Key, T]], view: Callable[[T], View], arguments: dict[str, object]) -> View:
    """One page of items sorted by their keys. Raises BAD_REQUEST without first or last, or above 250."""
    first, last = arguments.get("first"), arguments.get("last")
    size = first if isinstance(first, int) else last
    if not isinstance(size, int):
        raise bad_request("you must provide one of first or last")
    if not 0 <= size <= MAX_PAGE:
        raise bad_request(f"first and last must be between 0 and {MAX_PAGE}, got {size}")
    backwards = bool(arguments.get("reverse"))
    if backwards:
        keyed = keyed[::-1]
    chosen = keyed
    if isinstance(after := arguments.get("after"), str):
        mark = _key(after)
        chosen = [pair for pair in chosen if (pair[0] < mark if backwards else pair[0] > mark)]
    if isinstance(before := arguments.get("before"), str):
        mark = _key(before)
        chosen = [pair for pair in chosen if (pair[0] > mark if backwards else pair[0] < mark)]
    shown = chosen[:size] if isinstance(first, int) else chosen[len(chosen) - min(size, len(chosen)) :]
    edges = [{"cursor": _cursor(mark), "node": view(item)} for mark, item in shown]
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": {
            "hasNextPage": bool(shown) and shown[-1][0] != keyed[-1][0],
            "hasPreviousPage": bool(shown) and shown[0][0] != keyed[0][0],
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }


def _cursor(key: Key) -> str:
    return base64.b64encode(json.dumps(list(key)).encode()).decode()


def _key(cursor: str) -> Key:
    try:
        parts = json.loads(base64.b64decode(cursor, validate=True))
    except ValueError as error:
        raise bad_request("Invalid cursor for current pagination sort.") from error
    if not isinstance(parts, list) or not all(isinstance(part, (str, int)) for part in parts):
        raise bad_request("Invalid cursor for current pagination sort.")
    return tuple(parts)
