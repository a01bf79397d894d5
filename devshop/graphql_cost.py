"""What a query costs, and the bucket that throttles: points per second for each app and shop."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

MAX_QUERY_COST = 1000
MUTATION_COST = 10
BUCKET_SECONDS = 20  # the bucket holds twenty seconds' worth of points: 100/s, 2000


@dataclass(slots=True)
class Bucket:
    """A leaky bucket by real time."""

    rate: int
    available: float
    at: float

    @classmethod
    def full(cls, rate: int) -> Bucket:
        return cls(rate, rate * BUCKET_SECONDS, time.monotonic())

    @property
    def size(self) -> int:
        return self.rate * BUCKET_SECONDS

    def refill(self) -> None:
        now = time.monotonic()
        self.available = min(self.size, self.available + (now - self.at) * self.rate)
        self.at = now

    def extension(self, requested: int, actual: int | None) -> dict[str, object]:
        """extensions.cost as every answer carries it."""
        return {
            "cost": {
                "requestedQueryCost": requested,
                "actualQueryCost": actual,
                "throttleStatus": {
                    "maximumAvailable": float(self.size),
                    "currentlyAvailable": int(self.available),
                    "restoreRate": float(self.rate),
                },
            }
        }


def requested_cost(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, object],
) -> int:
    """Scalars 0, objects 1, connections times their page size, mutations 10 on top."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    root = schema.mutation_type if operation.operation is OperationType.MUTATION else schema.query_type
    counter = _Counter(schema, fragments, variables)
    base = MUTATION_COST if operation.operation is OperationType.MUTATION else 0
    return max(1, base + counter.selections(root, operation.selection_set))


@dataclass(frozen=True, slots=True)
class _Counter:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, object]

    def selections(self, parent: object, chosen: SelectionSetNode | None) -> int:
        cost = 0
        for node in chosen.selections if chosen else ():
            if isinstance(node, FieldNode):
                cost += self._field(parent, node)
            elif isinstance(node, InlineFragmentNode):
                named = (
                    self.schema.get_type(node.type_condition.name.value) if node.type_condition else parent
                )
                cost += self.selections(named, node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                cost += self.selections(
                    self.schema.get_type(fragment.type_condition.name.value), fragment.selection_set
                )
        return cost

    def _field(self, parent: object, node: FieldNode) -> int:
        fields = getattr(parent, "fields", {})
        if node.selection_set is None or node.name.value not in fields:
            return 0
        named = get_named_type(fields[node.name.value].type)
        inner = self.selections(named, node.selection_set)
        if isinstance(named, GraphQLObjectType) and named.name.endswith("Connection"):
            return 2 + self._size(node) * max(0, inner)
        if (named is not None and named.name in ("PageInfo", "MoneyV2")) or (
            named is not None and named.name.endswith("Edge")
        ):
            return inner  # they come with what holds them
        return 1 + inner

    def _size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
                if isinstance(argument.value, VariableNode):
                    value = self.variables.get(argument.value.name.value)
                    if isinstance(value, int):
                        return value
        return 1


def actual_cost(requested: int, data: object) -> int:
    """What was really there: one point per object, at most what was asked for."""
    return min(requested, max(1, _objects(data)))


def _objects(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(_objects(inner) for inner in value.values() if isinstance(inner, (dict, list)))
    if isinstance(value, list):
        return sum(_objects(inner) for inner in value)
    return 0
