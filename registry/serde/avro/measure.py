"""How often a record stands in a plan, and how few bytes a value takes: the reader's source depends on both."""

from collections.abc import Iterator
from typing import Final

from registry.serde.avro.plan import (
    Branches,
    Entries,
    Items,
    Node,
    Object,
    Parts,
    Plan,
    Refused,
    Scalar,
    Sized,
)

MAX_INLINE: Final = 8
"""Fields of a record without records in it, which stands in line wherever it is used."""
MAX_DEPTH: Final = 50
"""Records inside each other that are counted; the rest is taken for nothing."""
_LEAST: Final = {"null": 0, "float": 4, "double": 8}
"""Bytes of primitives, where they are not one at least."""


class Measure:
    """The counts of one plan."""

    __slots__ = ("_least", "_plan", "_shared")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._least: dict[int, int] = {}
        uses = [0] * len(plan.records)
        for node in find_nodes(plan):
            if isinstance(node, Object):
                uses[node.number] += 1
        # Each circle of records is entered somewhere, and that one is used twice.
        self._shared = frozenset(
            number for number, parts in enumerate(plan.records) if uses[number] > 1 and not _is_small(parts)
        )

    def is_shared(self, number: int) -> bool:
        """Whether a record has a function of its own."""
        return number in self._shared

    def least(self, node: Node, depth: int = 0) -> int:
        """The fewest bytes of a value; a guess that is too low costs time and does no harm."""
        if isinstance(node, Scalar):
            return _LEAST.get(node.written, 1)
        if isinstance(node, Sized):
            return node.size
        if not isinstance(node, Object):
            return 0 if isinstance(node, Refused) else 1
        if node.number not in self._least:
            self._least[node.number] = 0  # while it is counted, for what goes in circles
            if depth < MAX_DEPTH:
                written = self._plan.records[node.number].written
                self._least[node.number] = sum(self.least(part.node, depth + 1) for part in written)
        return self._least[node.number]


def find_nodes(plan: Plan) -> Iterator[Node]:
    """Every place of a node: the root, and all that stands in records."""
    yield from find_inner(plan.root)
    for parts in plan.records:
        for part in parts.written:
            yield from find_inner(part.node)


def find_inner(node: Node) -> Iterator[Node]:
    """The node and those in it; records are not entered."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Items):
            stack.append(node.item)
        elif isinstance(node, Entries):
            stack.append(node.value)
        elif isinstance(node, Branches):
            stack += node.nodes


def _is_small(parts: Parts) -> bool:
    return len(parts.written) + len(parts.filled) <= MAX_INLINE and not any(
        isinstance(node, Object) for part in parts.written for node in find_inner(part.node)
    )
