"""The smallest value of a type, and the smallest among those that a reader can read.

Knuth's generalisation of Dijkstra's algorithm: the smallest value that is not final yet is final, because whatever is
made of others is larger than each of them. So recursive types need no guess, and a record that must hold itself has no
value.
"""

from collections.abc import Iterable, Mapping
from heapq import heappop, heappush
from itertools import count
from typing import Final, NamedTuple

from registry.formats.avro.reference import (
    Branch,
    Chooser,
    EncodeError,
    Plain,
    are_matching,
    decode,
    encode,
    find_takers,
    find_untaken,
    read_logical,
)
from registry.formats.avro.values.leaves import SMALLEST
from registry.formats.avro.words import describe
from registry.frozen import replace
from registry.schema import MISSING, Array, Enum, Field, Fixed, Map, Primitive, Record, Ref, Schema, Type, Union

MAX_SIZE: Final = 200_000
"""Parts of a value, and its bytes beyond the first few: more than the widest record has, and a second of work."""


class Sized(NamedTuple):
    """A value, not to be changed: it may share parts with others."""

    value: object
    size: int
    """One for each part, and one for so many bytes as :class:`Smallest` was told."""
    levels: int
    """Records, arrays and maps inside each other."""


class _Rule(NamedTuple):
    """What the smallest value of a union (any of its parts) or of a record (all of them) is made of."""

    parts: tuple[tuple[Type | None, Type], ...]
    names: tuple[str, ...] | None
    """The fields of a record; none for a union."""


_Key = tuple[object, object]


class Smallest:
    """The smallest values that a writer writes, each found once; ``reader`` is only needed for what it can read.

    Text and bytes count as a part more for every ``bytes_a_part``.
    """

    __slots__ = ("_bytes_a_part", "_chooser", "_found", "_max_levels", "_outgrown", "_reader", "writer")

    def __init__(
        self, writer: Schema, reader: Schema | None = None, *, max_levels: int = MAX_SIZE, bytes_a_part: int = 1
    ) -> None:
        self.writer = writer
        self._reader = reader or writer
        self._max_levels = max_levels
        self._bytes_a_part = bytes_a_part
        self._chooser = Chooser(self._reader.types)
        self._found: dict[_Key, Sized | None] = {}
        self._outgrown = False

    def find(self, writer: Type) -> Sized | None:
        """The smallest value of a type, of two branches that are equally small null, then the first.

        None if there is none, or none up to :data:`MAX_SIZE` and ``max_levels``.
        """
        return self._find(None, writer)

    def find_readable(self, reader: Type, writer: Type) -> Sized | None:
        """The smallest of the values that ``reader`` reads."""
        return self._find(reader, writer)

    def demand(self, writer: Type) -> Sized:
        """The smallest value of a type. Raises :class:`EncodeError` if there is none."""
        found = self.find(writer)
        if found is not None:
            return found
        words = describe(writer, self.writer.types)
        if self._outgrown:
            raise EncodeError(f"the smallest value of {words} is larger than {MAX_SIZE} parts")
        raise EncodeError(f"{words} has no finite value")

    def _find(self, reader: Type | None, writer: Type) -> Sized | None:
        key = _key(reader, writer)
        if key not in self._found:
            self._solve(reader, writer)
        return self._found[key]

    def _solve(self, reader: Type | None, writer: Type) -> None:
        rules: dict[_Key, _Rule] = {}
        users: dict[_Key, list[tuple[_Key, int]]] = {}
        missing: dict[_Key, int] = {}
        order = count()  # values themselves have no order
        heap: list[tuple[int, int, int, int, _Key, Sized]] = []

        def offer(key: _Key, sized: Sized, rank: int = 0) -> None:
            if sized.size > MAX_SIZE or sized.levels > self._max_levels:
                self._outgrown = True
            else:
                heappush(heap, (sized.size, sized.levels, rank, next(order), key, sized))

        waiting: list[tuple[Type | None, Type]] = [(reader, writer)]
        seen = {_key(reader, writer)}
        while waiting:
            pair = waiting.pop()
            key = _key(*pair)
            rule = self._found[key] if key in self._found else self._rule(*pair)
            self._found.setdefault(key, None)
            if isinstance(rule, Sized):
                offer(key, rule)
            if not isinstance(rule, _Rule):
                continue
            rules[key], missing[key] = rule, len(rule.parts)
            for i, part in enumerate(rule.parts):
                inner = _key(*part)
                users.setdefault(inner, []).append((key, i))
                if inner not in seen:
                    seen.add(inner)
                    waiting.append(part)
        done: dict[_Key, Sized] = {}
        while heap:
            *_, key, sized = heappop(heap)
            if key in done:
                continue
            done[key] = sized
            for user, i in users.get(key, ()):
                rule = rules[user]
                missing[user] -= 1
                if rule.names is None:
                    branch = Sized(Branch(i, sized.value), sized.size + 1, sized.levels)
                    offer(user, branch, 0 if sized.value is None else i + 1)
                elif not missing[user]:
                    offer(user, _join(rule.names, [done[_key(*part)] for part in rule.parts]))
        self._found |= done

    def _rule(self, reader: Type | None, writer: Type) -> _Rule | Sized | None:
        written = self.writer.resolve(writer)
        if isinstance(written, Union):
            return _Rule(tuple((reader, branch) for branch in written.branches), None)
        if isinstance(reader, Union):
            reader = self._chooser.choose_one(reader, written)
            if reader is None:
                return None
        read = self._reader.resolve(reader) if reader is not None else None
        assert not isinstance(read, Union)  # a union has no union for a branch
        if read is not None and not are_matching(read, written):
            return None
        if isinstance(written, Array | Map):
            return Sized([] if isinstance(written, Array) else {}, 1, 1)
        if isinstance(written, Record):
            return _record_rule(read, written)
        if isinstance(written, Enum):
            return _first_symbol(read, written)
        if isinstance(written, Fixed) and written.size // self._bytes_a_part > MAX_SIZE:  # it may ask for two gigabytes
            self._outgrown = True
            return None
        return self._leaf(reader, writer, written)

    def _leaf(self, reader: Type | None, writer: Type, written: Primitive | Fixed) -> Sized | None:
        """The first that both sides take: an empty text is no UUID."""
        for base in (bytes(written.size),) if isinstance(written, Fixed) else SMALLEST[written.name]:
            try:
                value = read_logical(written.logical, base)
                if reader is not None:
                    writes, reads = replace(self.writer, roots=(writer,)), replace(self._reader, roots=(reader,))
                    decode(reads, writes, encode(writes, value))
            except ValueError:
                continue
            large = len(base) // self._bytes_a_part if isinstance(base, str | bytes) else base is not None
            return Sized(value, 1 + large, 0)
        return None


def _key(reader: Type | None, writer: Type) -> _Key:
    """Types live as long as their schema, so that their identities are good keys; names and primitives recur."""
    return _name(reader), _name(writer)


def _name(type_: Type | None) -> object:
    if isinstance(type_, Ref):
        return type_.name
    return (type_.name, type_.logical) if isinstance(type_, Primitive) else type_ and id(type_)


def _record_rule(reader: Plain | None, writer: Record) -> _Rule | Sized | None:
    takers: Mapping[str, Field] = {}
    if isinstance(reader, Record):
        takers = find_takers(reader, writer)
        if any(field.default is MISSING for field in find_untaken(reader, takers)):
            return None
    parts = [(takers[field.name].type if field.name in takers else None, field.type) for field in writer.fields]
    return _Rule(tuple(parts), tuple(field.name for field in writer.fields)) if parts else _join((), ())


def _join(names: Iterable[str], fields: Iterable[Sized]) -> Sized:
    """A record of its fields."""
    value: dict[str, object] = {}
    size = levels = 0
    for name, field in zip(names, fields, strict=True):
        value[name] = field.value
        size += field.size
        levels = max(levels, field.levels)
    return Sized(value, 1 + size, 1 + levels)


def _first_symbol(reader: Plain | None, writer: Enum) -> Sized | None:
    symbols = [symbol.name for symbol in writer.symbols]
    if isinstance(reader, Enum) and reader.default is None:
        known = {symbol.name for symbol in reader.symbols}
        symbols = [name for name in symbols if name in known]
    return Sized(symbols[0], 1, 0) if symbols else None
