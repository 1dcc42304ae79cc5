"""Can this reader read what that writer writes? The walk over both schemas (Avro 1.12, "Schema Resolution").

Pairs of types wait on a stack; pairs of names are judged once. So recursive schemas end, a chain of a hundred thousand
records needs no call stack, and the cost follows the pairs that really meet.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from registry.errors import Flaw, InvalidSchema
from registry.formats.avro.canonical import value_text
from registry.formats.avro.kinds import KINDS
from registry.formats.avro.names import short_name
from registry.formats.avro.reasons import Reasons, Trail
from registry.formats.avro.scalars import judge_scalars
from registry.formats.avro.unions import Branches
from registry.formats.avro.words import describe
from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.schema import MISSING, Array, Enum, Field, Fixed, Map, Named, Primitive, Record, Ref, Type, Union

MAX_PAIRS: Final = 200_000
"""Pairs of named types that one walk judges: more than any schema has, and some seconds of work."""

Resolved = Primitive | Array | Map | Named


class _Meeting(NamedTuple):
    """A type of the reader and one of the writer at one place."""

    reader: Type
    writer: Type
    trail: Trail | None
    union: Union | None = None
    """The writer's union that the writer's type is a branch of."""


def find_mismatches(pair: Pair) -> Iterator[Mismatch]:
    """Every reason why the reader of the pair cannot read its writer, once, in the order of the reader's text.

    A new schema without a root is one that was removed. Raises :class:`InvalidSchema` beyond :data:`MAX_PAIRS`.
    """
    if pair.reader.roots and pair.writer.roots:
        if pair.reader is not pair.writer:
            yield from _Walk(pair).run()
        return
    old = pair.writer if pair.direction is Direction.BACKWARD else pair.reader
    for root in old.roots:
        words = describe(root, old.types)
        ways_out = (f"keep {words} until nobody reads what was written with it",)
        fact = f"{words} was removed"
        sides = ("", words) if pair.direction is Direction.BACKWARD else (words, "")
        yield Mismatch(
            "schema_removed",
            KINDS["schema_removed"],
            pair,
            root.at,
            root.at,
            "",
            fact,
            help=ways_out,
            reader_type=sides[0],
            writer_type=sides[1],
        )


class _Walk:
    """One walk: what waits, and what was judged already."""

    __slots__ = ("_branches", "_judged", "_reasons", "_stack", "pair", "readers", "writers")

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.readers = pair.reader.types
        self.writers = pair.writer.types
        self._reasons = Reasons(pair)
        self._stack = [_Meeting(pair.reader.root, pair.writer.root, None)]
        self._judged: set[tuple[str, str]] = set()
        self._branches: dict[int, Branches] = {}

    def run(self) -> Iterator[Mismatch]:
        """Judges what waits until nothing does."""
        while self._stack:
            meeting = self._stack.pop()
            reader, writer = meeting.reader, meeting.writer
            if isinstance(writer, Union):
                branches = [_Meeting(reader, branch, meeting.trail, writer) for branch in writer.branches]
                self._stack += reversed(branches)
            elif isinstance(reader, Union):
                yield from self._choose(reader, meeting)
            elif isinstance(reader, Ref) and isinstance(writer, Ref):
                yield from self._named(reader, writer, meeting)
            elif isinstance(reader, Array) and isinstance(writer, Array):
                self._stack.append(_Meeting(reader.items, writer.items, Trail(meeting.trail, "[]")))
            elif isinstance(reader, Map) and isinstance(writer, Map):
                self._stack.append(_Meeting(reader.values, writer.values, Trail(meeting.trail, "{}")))
            else:
                yield from self._scalars(meeting)

    def _choose(self, union: Union, meeting: _Meeting) -> Iterator[Mismatch]:
        """A reader's union takes a written type by one of its branches."""
        branches = self._branches.get(id(union))
        if branches is None:
            branches = self._branches[id(union)] = Branches(union, self.readers)
        chosen = branches.choose(self._written(meeting.writer))
        if len(chosen) == 1:
            self._stack.append(meeting._replace(reader=chosen[0]))
        else:
            yield self._reasons.no_branch(union, meeting.writer, meeting.trail, chosen)

    def _written(self, type_: Type) -> Resolved:
        resolved = self.pair.writer.resolve(type_)
        assert not isinstance(resolved, Union)  # its branches were taken apart before
        return resolved

    def _named(self, reader_ref: Ref, writer_ref: Ref, meeting: _Meeting) -> Iterator[Mismatch]:
        key = (reader_ref.name, writer_ref.name)
        if key in self._judged:
            return
        self._judged.add(key)
        if len(self._judged) > MAX_PAIRS:
            message = f"meets more than {MAX_PAIRS} pairs of types when it reads {self.pair.writer_label}"
            raise InvalidSchema([Flaw("invalid", message, self.pair.reader.root.at, "give fewer types one short name")])
        reader, writer = self.readers[reader_ref.name], self.writers[writer_ref.name]
        judge = _JUDGES.get(type(reader)) if type(reader) is type(writer) else None
        if judge is None:
            yield from self._scalars(meeting)
            return
        if reader.name != writer.name and writer.name not in reader.aliases:
            if short_name(reader.name) != short_name(writer.name):
                yield self._reasons.renamed(reader, writer, meeting.reader, meeting.writer, meeting.trail)
                return
            yield self._reasons.moved(reader, writer, meeting.trail)
        yield from judge(self, reader, writer, meeting.trail)

    def _scalars(self, meeting: _Meeting) -> Iterator[Mismatch]:
        """Primitives and fixed; whatever else meets here cannot be read at all."""
        reader, writer = self.pair.reader.resolve(meeting.reader), self._written(meeting.writer)
        if isinstance(reader, Primitive | Fixed) and isinstance(writer, Primitive | Fixed):
            kind = judge_scalars(reader, writer)
        else:
            kind = "type_mismatch"
        if kind:
            yield self._reasons.retyped(kind, meeting.reader, meeting.writer, meeting.trail, meeting.union)

    def judge_records(self, reader: Named, writer: Named, trail: Trail | None) -> Iterator[Mismatch]:
        """Fields meet by name, then by an alias of the reader; the writer's others are skipped."""
        assert isinstance(reader, Record) and isinstance(writer, Record)
        written = {field.name: field for field in writer.fields}
        renamed: dict[str, Field] | None = None
        waiting: list[_Meeting] = []
        for field in reader.fields:
            match = written.get(field.name)
            if match is None:
                match = next((written[alias] for alias in field.aliases if alias in written), None)
            if match is None:
                if renamed is None:
                    renamed = {alias: other for other in writer.fields for alias in other.aliases}
                now = renamed.get(field.name)
                if field.default is MISSING:
                    yield self._reasons.no_default(reader, writer, field, now, trail)
                elif now is not None and not self._is_always(now.type, field.default):
                    yield self._reasons.defaulted(field, now, trail)
                continue
            if MISSING not in (field.default, match.default) and _differ(field.default, match.default):
                yield self._reasons.default_changed(field, match, trail)
            if not _are_same_primitive(field.type, match.type):
                waiting.append(_Meeting(field.type, match.type, Trail(trail, f"/{field.name}")))
        self._stack += reversed(waiting)

    def _is_always(self, written: Type, default: object) -> bool:
        """Whether a type has one value only, and a default is that: then the default takes nothing away."""
        resolved = self.pair.writer.resolve(written)
        if isinstance(resolved, Enum):
            return [symbol.name for symbol in resolved.symbols] == [default]
        if isinstance(resolved, Fixed):
            return resolved.size == 0 and default == ""
        return isinstance(resolved, Primitive) and resolved.name == "null" and default is None

    def judge_enums(self, reader: Named, writer: Named, trail: Trail | None) -> Iterator[Mismatch]:
        """A symbol that the reader does not know is its enum's default, if it has one."""
        assert isinstance(reader, Enum) and isinstance(writer, Enum)
        if reader.default is None:
            known = {symbol.name for symbol in reader.symbols}
            unknown = [symbol for symbol in writer.symbols if symbol.name not in known]
            if unknown:
                yield self._reasons.unknown_symbols(reader, writer, unknown, trail)
        elif writer.default is not None and reader.default != writer.default:
            yield self._reasons.enum_default_changed(reader, writer, trail)

    def judge_fixed(self, reader: Named, writer: Named, trail: Trail | None) -> Iterator[Mismatch]:
        """The size first: bytes of another length have no logical type."""
        assert isinstance(reader, Fixed) and isinstance(writer, Fixed)
        if reader.size != writer.size:
            yield self._reasons.resized(reader, writer, trail)
        elif kind := judge_scalars(reader, writer):
            yield self._reasons.retyped(kind, reader, writer, trail)


_JUDGES: Final[Mapping[type, Callable[[_Walk, Named, Named, Trail | None], Iterator[Mismatch]]]] = {
    Record: _Walk.judge_records,
    Enum: _Walk.judge_enums,
    Fixed: _Walk.judge_fixed,
}


def _are_same_primitive(reader: Type, writer: Type) -> bool:
    """The common case, which needs no meeting."""
    return (
        isinstance(reader, Primitive)
        and isinstance(writer, Primitive)
        and reader.name == writer.name
        and reader.logical == writer.logical
    )


def _differ(reader: object, writer: object) -> bool:
    """Whether two defaults differ as JSON, where ``true`` is not 1, and 1.0 is."""
    return reader is not writer and value_text(reader) != value_text(writer)
