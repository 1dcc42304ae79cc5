"""Values of a schema, made to reach every branch, symbol and edge with few of them.

Types are reached from the root along a tree; each of its places counts what has not been shown yet from there on, and a
union turns to where something is left. So the number of values follows the edges and not their combinations, and what
stands beside the way is as small as it can be. Some random ones come last, which nest deeper.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from registry.formats.avro.reference import Branch
from registry.formats.avro.values.leaves import find_edges, random_leaf
from registry.formats.avro.values.smallest import Smallest
from registry.schema import Array, Enum, Fixed, Map, Primitive, Record, Ref, Schema, Type, Union

MAX_LEVELS: Final = 128
"""Records, arrays and maps inside each other; half of what the codec takes."""
BYTES_A_PART: Final = 8
"""Bytes of text or of a fixed that count as much as a part."""
MAX_VALUES: Final = 1_000
"""Values of one schema."""
MAX_RANDOM: Final = 16
"""Random ones among them."""
MAX_TOTAL: Final = 600_000
"""Size of all values together, as :class:`Smallest` counts it, beyond which none is begun."""
MAX_EXTRA: Final = 40_000
"""Of one value, beyond its smallest size."""
MAX_RANDOM_EXTRA: Final = 1_000
"""The same of a random value."""
RANDOM_LEVELS: Final = 6
"""Records, arrays and maps inside each other that a random value has of its own accord."""

_KEYS: Final = ("", "ü😀", "k")
_COUNTS: Final = (1, 2, 0)
"""Items of an array or a map, in the order in which they are shown."""

_TypeKey = str | int
"""A named type's name, or the identity of any other."""


def find_values(schema: Schema, *, seed: int = 0) -> Iterator[object]:
    """Values that the schema can write, always the same ones for a seed; what a union holds is a :class:`Branch`.

    Numbers that Python's dates cannot hold are ``int``, as they are read. Values share parts: do not change them.
    Nothing, if the schema has no finite value, or none that is small enough (:class:`Smallest`, :data:`MAX_LEVELS`).
    """
    smallest = Smallest(schema, max_levels=MAX_LEVELS, bytes_a_part=BYTES_A_PART)
    root = smallest.find(schema.root)
    if root is None:
        return
    cover = _Cover(schema, smallest)
    count = total = 0
    while cover.wants_more and count < MAX_VALUES - MAX_RANDOM and total < MAX_TOTAL:
        yield cover.make()
        count += 1
        total += root.size + cover.extra
    chance = _Chance(schema, smallest, Random(seed))
    for _ in range(MAX_RANDOM if total < MAX_TOTAL else 0):
        yield chance.make()


def _type_key(type_: Type) -> _TypeKey:
    return type_.name if isinstance(type_, Ref) else id(type_)


def _find_parts(type_: Record | Union | Array | Map) -> Iterator[Type]:
    """The types that stand directly in a type."""
    if isinstance(type_, Record):
        yield from (field.type for field in type_.fields)
    elif isinstance(type_, Union):
        yield from type_.branches
    else:
        yield type_.items if isinstance(type_, Array) else type_.values


class _Cover:
    """What of a schema has been shown, and what is left."""

    __slots__ = ("_edges", "_left", "_outer", "_schema", "_shown", "_smallest", "extra")

    def __init__(self, schema: Schema, smallest: Smallest) -> None:
        self._schema = schema
        self._smallest = smallest
        self._outer: dict[_TypeKey, _TypeKey | None] = {}
        self._left: dict[_TypeKey, int] = {}
        self._shown: dict[_TypeKey, int] = {}
        self._edges: dict[_TypeKey, Sequence[object]] = {}
        self.extra = 0
        """How far the last value went beyond the smallest size."""
        self._plant()

    @property
    def wants_more(self) -> bool:
        """Whether another value would show something new."""
        return self._left[_type_key(self._schema.root)] > 0

    def make(self) -> object:
        """A value that shows as much that is new as one can."""
        self.extra = 0
        return self._make(self._schema.root)

    def _plant(self) -> None:
        """The tree, breadth first, so that the way to each type is short; then what is left, from the leaves up."""
        root = self._schema.root
        self._outer[_type_key(root)] = None
        waiting = deque([(root, 1)])
        while waiting:
            type_, level = waiting.popleft()
            key, plain = _type_key(type_), self._schema.resolve(type_)
            if isinstance(plain, Primitive | Enum | Fixed):
                self._edges[key] = find_edges(plain)
                self._left[key] = len(self._edges[key])
                continue
            self._edges[key] = self._turns(plain)
            self._left[key] = len(self._edges[key])
            inner = level + (not isinstance(plain, Union))
            for part in _find_parts(plain):
                found = self._smallest.find(part)
                if found is not None and _type_key(part) not in self._outer and level + found.levels <= MAX_LEVELS:
                    self._outer[_type_key(part)] = key
                    waiting.append((part, inner))
        for key in reversed(self._left):
            outer = self._outer[key]
            if outer is not None:
                self._left[outer] += self._left[key]

    def _turns(self, plain: Record | Union | Array | Map) -> Sequence[object]:
        """What is to be shown of a type itself: each branch, each count of items."""
        if isinstance(plain, Union):
            return [i for i, branch in enumerate(plain.branches) if self._smallest.find(branch) is not None]
        if isinstance(plain, Record):
            return ()
        (part,) = _find_parts(plain)
        return _COUNTS if self._smallest.find(part) is not None else (0,)

    def _make(self, type_: Type) -> object:
        key = _type_key(type_)
        if not self._left.get(key):
            return self._smallest.demand(type_).value
        plain = self._schema.resolve(type_)
        if isinstance(plain, Primitive | Enum | Fixed):
            return self._show(key)
        if isinstance(plain, Record):
            record: dict[str, object] = {}
            for field in plain.fields:
                record[field.name] = self._go(key, field.type)
            return record
        if isinstance(plain, Union):
            index = self._turn(key, plain)
            return Branch(index, self._go(key, plain.branches[index]))
        (part,) = _find_parts(plain)
        items: list[object] = []
        for _ in range(self._count(key, part)):
            items.append(self._go(key, part))  # noqa: PERF401 - a comprehension is one more frame on a deep stack
        return items if isinstance(plain, Array) else dict(zip(_KEYS, items, strict=False))

    def _go(self, key: _TypeKey, part: Type) -> object:
        """Down the tree; beside it whatever is smallest."""
        return self._make(part) if self._outer.get(_type_key(part)) == key else self._smallest.demand(part).value

    def _leads(self, key: _TypeKey, part: Type) -> bool:
        """Whether a part has something left to show, and this is the way to it."""
        return self._outer.get(_type_key(part)) == key and self._left[_type_key(part)] > 0

    def _show(self, key: _TypeKey) -> object:
        shown = self._shown.get(key, 0)
        self._shown[key] = shown + 1
        outer: _TypeKey | None = key
        while outer is not None:
            self._left[outer] -= 1
            outer = self._outer[outer]
        return self._edges[key][shown]

    def _turn(self, key: _TypeKey, union: Union) -> int:
        """The next branch of its own, then one that leads to something new."""
        edges, shown = self._edges[key], self._shown.get(key, 0)
        if shown < len(edges):
            index = edges[shown]
            assert isinstance(index, int)
            if self._afford(union.branches[index]):
                self._show(key)
                return index
        for i, branch in enumerate(union.branches):
            if self._leads(key, branch) and self._afford(branch):
                return i
        smallest = self._smallest.demand(union).value
        assert isinstance(smallest, Branch)
        return smallest.index

    def _count(self, key: _TypeKey, part: Type) -> int:
        edges, shown = self._edges[key], self._shown.get(key, 0)
        if shown < len(edges):
            count = edges[shown]
            assert isinstance(count, int)
            if not count or self._afford(part, count):
                self._show(key)
                return count
        return 1 if self._leads(key, part) and self._afford(part) else 0

    def _afford(self, part: Type, times: int = 1) -> bool:
        """Whether a value may hold this beyond its smallest size; the first such part always."""
        size = self._smallest.demand(part).size * times
        if self.extra and self.extra + size > MAX_EXTRA:
            return False
        self.extra += size
        return True


class _Chance:
    """Random values, a few levels deep."""

    __slots__ = ("_edges", "_extra", "_random", "_schema", "_smallest")

    def __init__(self, schema: Schema, smallest: Smallest, random: Random) -> None:
        self._schema = schema
        self._smallest = smallest
        self._random = random
        self._edges: dict[_TypeKey, Sequence[object]] = {}
        self._extra = 0

    def make(self) -> object:
        """Another value."""
        self._extra = 0
        return self._make(self._schema.root, RANDOM_LEVELS)

    def _make(self, type_: Type, levels: int) -> object:
        plain = self._schema.resolve(type_)
        if isinstance(plain, Primitive | Enum | Fixed):
            key = _type_key(type_)
            if key not in self._edges:
                self._edges[key] = find_edges(plain)
            return random_leaf(plain, self._edges[key], self._random)
        if levels <= 0 or self._extra > MAX_RANDOM_EXTRA:
            return self._smallest.demand(type_).value
        if isinstance(plain, Record):
            return {field.name: self._make(field.type, levels - 1) for field in plain.fields}
        affordable = [(i, part) for i, part in enumerate(_find_parts(plain)) if self._afford(part)]
        if isinstance(plain, Union):
            if not affordable:
                return self._smallest.demand(type_).value
            index, branch = self._random.choice(affordable)
            return Branch(index, self._make(self._spend(branch), levels))
        items: list[object] = []
        for _, part in affordable * self._random.randint(0, len(_KEYS)):
            items.append(self._make(self._spend(part), levels - 1))
        return items if isinstance(plain, Array) else dict(zip(_KEYS, items, strict=False))

    def _afford(self, part: Type) -> bool:
        found = self._smallest.find(part)
        return found is not None and self._extra + found.size <= MAX_RANDOM_EXTRA

    def _spend(self, part: Type) -> Type:
        self._extra += self._smallest.demand(part).size
        return part
