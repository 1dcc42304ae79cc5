"""The careful reader: every byte checked, the place known, an error that says both.

It runs where the fast reader gave up: for bytes that are wrong, and for those that are right and rare (a length padded
with zeros, an array of ten thousand nulls), whose value it gives.
"""

from collections.abc import Callable, Mapping
from typing import Final

from registry.formats.avro.reference.binary import (
    MAX_FREE_VALUES,
    READ_PRIMITIVE,
    Input,
    read_blocks,
    read_string,
    show_key,
)
from registry.formats.avro.reference.binary import DecodeError as Refusal
from registry.schema import Logical
from registry.serde.avro.default_values import Renew
from registry.serde.avro.making import PROMOTE, make_logical
from registry.serde.avro.plan import (
    Branches,
    Entries,
    Filled,
    Items,
    Node,
    Object,
    Parts,
    Plan,
    Refused,
    Scalar,
    Sized,
    Symbols,
    Unknown,
)
from registry.serde.errors import DecodeError
from registry.serde.meta import Meta


def read_carefully(plan: Plan, renew: Renew, data: bytes, start: int, meta: Meta | None) -> object:
    """The event that begins at ``start``. Raises :class:`DecodeError` with the path."""
    if not 0 <= start <= len(data):
        raise DecodeError(f"the event begins at byte {start}, and the record has {len(data)} bytes")
    source = Input(data)
    source.at = start
    try:
        value = _Reader(plan, renew, source, meta).read("", plan.root)
        if source.at < len(data):
            source.fail(f"{len(data) - source.at} of {len(data) - start} bytes are left over")
    except Refusal as error:
        raise DecodeError(error.fact, "".join(error.steps)) from None
    except RecursionError:
        raise DecodeError("nests too deep for the stack that is left", "".join(source.path)) from None
    return value


class _Reader:
    """One event on its way from bytes."""

    __slots__ = ("_count", "_free", "_meta", "_plan", "_renew", "_source")

    def __init__(self, plan: Plan, renew: Renew, source: Input, meta: Meta | None) -> None:
        self._plan = plan
        self._renew = renew
        self._source = source
        self._meta = meta
        self._count = 0
        self._free = 0

    def read(self, step: str, node: Node) -> object:
        """The value that is one step further down."""
        source = self._source
        source.enter(step)
        self._count += 1
        if isinstance(node, Branches):
            node = node.nodes[source.index(len(node.nodes), "branches of the union")]
        try:
            value = _READERS[type(node)](self, node)
        except ValueError as error:
            source.fail_with(error)
        source.path.pop()
        return value

    def read_scalar(self, node: Node) -> object:
        assert isinstance(node, Scalar)
        value = READ_PRIMITIVE[node.written](self._source)
        if node.read != node.written:
            value = PROMOTE[node.read](value)
        return self._make(node.logical, value, node.is_id)

    def read_sized(self, node: Node) -> object:
        assert isinstance(node, Sized)
        return self._make(node.logical, self._source.take(node.size, f"fixed {node.name}"), node.is_id)

    def _make(self, logical: Logical | None, value: object, is_id: bool) -> object:
        return value if logical is None else make_logical(logical, value, is_id=is_id, exact=self._plan.typed)

    def read_symbol(self, node: Node) -> object:
        assert isinstance(node, Symbols)
        value = node.values[self._source.index(len(node.values), f"symbols of enum {node.name}")]
        if isinstance(value, Unknown):
            self._source.fail(f"unknown symbol '{value.symbol}'")
        return value

    def read_items(self, node: Node) -> object:
        assert isinstance(node, Items)
        items: list[object] = []
        for _ in read_blocks(self._source, "array"):
            start, before = self._source.at, self._count
            items.append(self.read(f"[{len(items)}]", node.item))
            if start == self._source.at:  # five bytes can ask for 2**32 of them
                self._free += self._count - before
            if self._free > MAX_FREE_VALUES:
                self._source.fail(f"more than {MAX_FREE_VALUES} values take no bytes")
        return tuple(items) if self._plan.typed else items

    def read_entries(self, node: Node) -> object:
        assert isinstance(node, Entries)
        values: dict[str, object] = {}
        for _ in read_blocks(self._source, "map"):
            key = read_string(self._source)
            values[key] = self.read(show_key(key), node.value)
        return values

    def read_object(self, node: Node) -> object:
        assert isinstance(node, Object)
        parts = self._plan.records[node.number]
        if parts.refused is not None:
            self._refuse(parts.refused)
        values: dict[str, object] = {}
        for part in parts.written:
            value = self.read(part.step, part.node)
            self._put(values, part.key, part.role, value)
        for filled in parts.filled:
            self._put(values, filled.key, filled.role, self._fill(filled))
        return _make_object(parts, values)

    def _fill(self, filled: Filled) -> object:
        if isinstance(filled.value, Refused):
            self._refuse(filled.value)
        self._count += filled.count
        return self._renew(filled.value)

    def _put(self, values: dict[str, object], key: str, role: str, value: object) -> None:
        if key:
            values[key] = value
        elif role and self._meta is not None:
            setattr(self._meta, role, value)

    def read_refused(self, node: Node) -> object:
        assert isinstance(node, Refused)
        self._refuse(node)
        return None

    def _refuse(self, node: Refused) -> None:
        raise Refusal(node.fact, (*self._source.path, node.step))


_READERS: Final[Mapping[type, Callable[[_Reader, Node], object]]] = {
    Scalar: _Reader.read_scalar,
    Sized: _Reader.read_sized,
    Symbols: _Reader.read_symbol,
    Items: _Reader.read_items,
    Entries: _Reader.read_entries,
    Object: _Reader.read_object,
    Refused: _Reader.read_refused,
}


def _make_object(parts: Parts, values: dict[str, object]) -> object:
    if parts.dropped:
        return None
    if parts.cls is None or parts.attributes is None:
        return {key: values[key] for key in parts.order}
    made: object = object.__new__(parts.cls)
    for key, name in parts.attributes.items():
        setattr(made, name, values[key])
    return made
