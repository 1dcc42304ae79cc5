"""What stands at each place of an event by its schema alone, as a tree that operations can work on.

Where values alone say what stands there (a union of several types), nothing is claimed: such a node is murky.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Final

from registry.schema import MISSING, Array, Enum, Field, Fixed, Map, Primitive, Record, Ref, Schema, Type, Union
from registry.serde.conversion.paths import ITEMS, VALUES, Path

_COUNTS: Final = frozenset({"int", "seconds", "millis", "micros"})
_KINDS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("int", "long"), _COUNTS),
    **dict.fromkeys(("int32", "int64", "uint32", "uint64", "sint32", "sint64"), _COUNTS),
    **dict.fromkeys(("fixed32", "fixed64", "sfixed32", "sfixed64"), _COUNTS),
    **dict.fromkeys(("float", "double"), frozenset({"float"})),
    **dict.fromkeys(("boolean", "bool"), frozenset({"bool"})),
    "string": frozenset({"string"}),
    "bytes": frozenset({"bytes"}),
}
"""By the name of a primitive, as what the operations ``scale`` and ``convert`` may read it."""
_LOGICAL: Final[dict[str, frozenset[str]]] = {
    "uuid": frozenset({"uuid"}),
    "decimal": frozenset({"decimal"}),
    "date": frozenset({"date"}),
    "timestamp-millis": frozenset({"timestamp"}),
    "timestamp-micros": frozenset({"timestamp"}),
}
_TIMESTAMP: Final = "google.protobuf.Timestamp"


class Node:
    """One place. What lies below is made when it is first looked at, because records may hold themselves."""

    __slots__ = (
        "_fields", "_items", "_schema", "_type", "_values",
        "kinds", "murky", "nullable", "optional", "pointer", "record", "symbols", "words",
    )  # fmt: skip

    def __init__(self, schema: Schema | None = None, type_: Type | None = None) -> None:
        self._schema = schema
        self._type = type_
        self._fields: dict[str, Node] | None = None
        self._items: Node | None = None
        self._values: Node | None = None
        self.kinds: frozenset[str] = frozenset()
        self.symbols: dict[str, str] | None = None
        """Of an enum, each symbol with the place of the operation that made it."""
        self.words = "a value"
        self.murky = type_ is None
        """Whether it takes a value to say what stands here."""
        self.nullable = False
        self.optional = False
        """Whether an event may lack it: it has a default."""
        self.pointer = ""
        """Where the operation stands that had to do with it last."""
        self.record = ""
        """The full name of a record that is as its schema has it."""
        if schema is not None and type_ is not None:
            self._describe(schema, type_)

    @property
    def is_untouched(self) -> bool:
        """Whether nobody looked inside, and so no operation changed anything there."""
        return self._fields is None and self._items is None and self._values is None

    @property
    def fields(self) -> "dict[str, Node] | None":
        """By name; nothing where this is no record."""
        if self._fields is None and self._schema is not None and self._type is not None:
            record = self._schema.resolve(self._type)
            if isinstance(record, Record):
                self._fields = {field.name: _grow(self._schema, field) for field in record.fields}
        return self._fields

    @property
    def items(self) -> "Node | None":
        """Of an array."""
        if self._items is None and self._schema is not None and isinstance(self._type, Array):
            self._items = Node(self._schema, self._type.items)
        return self._items

    @property
    def values(self) -> "Node | None":
        """Of a map."""
        if self._values is None and self._schema is not None and isinstance(self._type, Map):
            self._values = Node(self._schema, self._type.values)
        return self._values

    @classmethod
    def empty(cls, pointer: str) -> "Node":
        """A record without fields, which an operation made."""
        made = cls()
        made._fields, made.murky, made.words, made.pointer = {}, False, "a record", pointer
        return made

    def become(self, kinds: frozenset[str], words: str, pointer: str) -> None:
        """Another kind of value."""
        self._type = self._fields = self._items = self._values = self.symbols = None
        self.kinds, self.words, self.pointer, self.murky, self.record = kinds, words, pointer, not kinds, ""

    def _describe(self, schema: Schema, type_: Type) -> None:
        if isinstance(type_, Union):
            branches = [branch for branch in type_.branches if not _is_null(branch)]
            self.nullable = len(branches) < len(type_.branches)
            if len(branches) != 1:
                self.murky, self.words = bool(branches), "one of several types" if branches else "null"
                self._type = None
                return
            self._type = type_ = branches[0]
        plain = schema.resolve(type_)
        if isinstance(plain, Enum):
            self.kinds, self.symbols = frozenset({"enum"}), {symbol.name: "" for symbol in plain.symbols}
            self.words = f"the enum {plain.name.rpartition('.')[2]}"
        elif isinstance(plain, Record):
            self.record, self.words = plain.name, f"the record {plain.name.rpartition('.')[2]}"
            if plain.name.startswith("google.protobuf."):
                self.kinds = frozenset({"timestamp"}) if plain.name == _TIMESTAMP else frozenset()
                self.murky, self._type, self.words = not self.kinds, None, plain.name
        elif isinstance(plain, Array | Map):
            self.words = "an array" if isinstance(plain, Array) else "a map"
        elif isinstance(plain, Primitive | Fixed):
            logical = plain.logical.name if plain.logical else ""
            name = "bytes" if isinstance(plain, Fixed) else plain.name
            word = logical or name
            self.words = f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
            self.kinds = _LOGICAL.get(logical, frozenset()) if logical else _KINDS.get(name, frozenset())
            self.murky = not self.kinds


def _grow(schema: Schema, field: Field) -> Node:
    node = Node(schema, field.type)
    node.optional = field.default is not MISSING
    if field.wire is not None:
        node.optional = field.wire.presence != "required"
        is_message = isinstance(field.type, Ref) and isinstance(schema.resolve(field.type), Record)
        node.nullable = not isinstance(field.type, Array | Map) and (
            is_message or field.wire.presence == "explicit" or field.wire.oneof is not None
        )
    return node


def _is_null(type_: Type) -> bool:
    return isinstance(type_, Primitive) and type_.name == "null"


def root_of(tree: Schema, event: str) -> Node:
    """The event itself."""
    return Node(tree, Ref(event, tree.root.at) if tree.format == "protobuf" else tree.root)


class Astray(Exception):
    """A path that leads nowhere: the fact, and the names that are there instead."""

    def __init__(self, fact: str, name: str = "", known: Any = ()) -> None:
        super().__init__(fact)
        self.fact = fact
        self.name = name
        self.known = tuple(known)


def walk(root: Node, path: Path, label: str, end: int | None = None) -> Node | None:
    """What stands at a path, or after its first steps. Raises :class:`Astray`; nothing where only values can say."""
    node: Node | None = root
    for index, step in enumerate(path.steps[:end]):
        assert node is not None
        if node.murky:
            return None
        inner = node.items if step == ITEMS else node.values if step == VALUES else None
        if step not in (ITEMS, VALUES) and node.fields is not None:
            inner = node.fields.get(step)
        if inner is None:
            if index in path.loose:
                return None
            raise _stray(node, path, index, label)
        node = inner
    return node


def _stray(node: Node, path: Path, index: int, label: str) -> Astray:
    step = path.steps[index]
    around = spell_steps(path.steps[:index])
    if step in (ITEMS, VALUES) or node.fields is None:
        wanted = {ITEMS: "array", VALUES: "map"}.get(step, "record")
        return Astray(f"'{around}' of {label} is {node.words}, and no {wanted}")
    where = f"'{around}' of {label}" if around else label
    return Astray(f"{where} has no field '{step}'", step, node.fields)


def spell_steps(steps: tuple[str, ...]) -> str:
    """``levels[]/delta``, as documents of converters write it."""
    return "".join(step if step in (ITEMS, VALUES) else f"/{step}" for step in steps).removeprefix("/")


def nearest(word: str, known: Iterable[str]) -> str:
    """What was probably meant, as a question."""
    close = get_close_matches(word, list(known), 1)
    return f"did you mean {close[0]}?" if close else ""


def suggest(stray: Astray) -> str:
    """The way out of a path that leads nowhere."""
    known = ", ".join(stray.known[:12])
    return nearest(stray.name, stray.known) or (f"there are {known}" if known else "")


def find_pairs(mine: Node, theirs: Node) -> Iterator[tuple[str, Node | None, Node | None]]:
    """The fields of two records, by name."""
    ours, others = mine.fields or {}, theirs.fields or {}
    for name in dict.fromkeys([*ours, *others]):
        yield name, ours.get(name), others.get(name)
