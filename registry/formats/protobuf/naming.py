"""What stands at a place, in words: both sides of a mismatch that is not about types have one all the same."""

from collections.abc import Iterable, Iterator, Mapping

from registry.formats.mismatch import Mismatch
from registry.formats.protobuf.elements import full_name, wire_of, words_of
from registry.frozen import replace
from registry.schema import Enum, Field, Named, Record, Schema
from registry.source import Location

_PARTS = frozenset({"type", "name", "number", "features.enum_type"})
"""Steps of a pointer that lead into an element (:class:`registry.formats.protobuf.places.Places`)."""


class Namer:
    """Adds to mismatches what stands at their places; each schema is looked through once, when one is asked for."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, Mapping[tuple[str, str], str]] = {}

    def name(self, mismatch: Mismatch) -> Mismatch:
        """The same with the types of both sides in words; empty stays what is only a file."""
        if mismatch.reader_type or mismatch.writer_type:
            return mismatch
        pair = mismatch.pair
        reader_type, writer_type = self._find(pair.reader, mismatch.reader), self._find(pair.writer, mismatch.writer)
        return replace(mismatch, reader_type=reader_type, writer_type=writer_type)

    def _find(self, schema: Schema, at: Location) -> str:
        known = self._known.get(id(schema))
        if known is None:
            known = self._known[id(schema)] = dict(_find_words(schema.types.values()))
        around, _, step = at.pointer.rpartition("/")
        if step in _PARTS and (at.path, at.pointer) not in known:  # a field may be called `type`
            return known.get((at.path, around), "")
        return known.get((at.path, at.pointer), "")


def _find_words(types: Iterable[Named]) -> Iterator[tuple[tuple[str, str], str]]:
    for type_ in types:
        noun = "enum" if isinstance(type_, Enum) else "message"
        yield (type_.at.path, type_.at.pointer), f"{noun} {full_name(type_)}"
        if isinstance(type_, Record):
            for field in type_.fields:
                yield (field.at.path, field.at.pointer), _describe(field)
        elif isinstance(type_, Enum):
            for symbol in type_.symbols:
                yield (symbol.at.path, symbol.at.pointer), f"{symbol.name} = {symbol.number}"


def _describe(field: Field) -> str:
    """The type as it is written, with ``required`` where that is said."""
    return f"{'required ' if wire_of(field).presence == 'required' else ''}{words_of(field.type)}"
