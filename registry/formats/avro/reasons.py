"""One reason, put into words: what the walk saw becomes a :class:`~registry.formats.mismatch.Mismatch`."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from registry.errors import Fix
from registry.formats.avro.advice import CONSEQUENCES, WAYS_OUT
from registry.formats.avro.kinds import KINDS
from registry.formats.avro.names import short_name
from registry.formats.avro.words import describe, describe_value
from registry.formats.mismatch import Direction, Mismatch, Pair
from registry.schema import Enum, Field, Fixed, Logical, Named, Primitive, Record, Ref, Symbol, Type, Union
from registry.source import Location

MAX_STEPS: Final = 200
"""Steps of a path that are written out; of a longer one only the end is."""
MAX_SYMBOLS: Final = 5
"""Symbols that a message names."""


class Trail(NamedTuple):
    """The way to a value, from the inside out: written as a path only when a reason is found."""

    outer: "Trail | None"
    step: str
    """``/name``, ``[]`` for the items of an array, ``{}`` for the values of a map."""


def render_path(trail: Trail | None) -> str:
    """The path of a value, ``/items[]/price``; empty for the event itself."""
    steps: list[str] = []
    while trail is not None and len(steps) < MAX_STEPS:
        steps.append(trail.step)
        trail = trail.outer
    if trail is not None:
        steps.append("/…")
    return "".join(reversed(steps))


class Reasons:
    """The words of one pair of schemas."""

    __slots__ = ("_lost", "_pair", "_upgrade")

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._lost: dict[tuple[str, str], list[Field]] = {}
        root = pair.reader.root
        event = short_name(root.name) if isinstance(root, Ref) else "<Event>"
        self._upgrade = f"{event}.upgrade.yaml"

    def no_default(
        self, reader: Record, writer: Record, field: Field, renamed: Field | None, trail: Trail | None
    ) -> Mismatch:
        """A field that the writer has not, and that has no default."""
        special, other, null_first = "", "", ""
        if renamed is not None:
            special, other = "renamed_field", renamed.name
        elif isinstance(field.type, Union) and any(_is_null(branch) for branch in field.type.branches):
            special = "nullable_field"
            null_first = "" if _is_null(field.type.branches[0]) else ', and put "null" first in its union'
        elif isinstance(enum := self._pair.reader.resolve(field.type), Enum) and enum.default is not None:
            special, other = "enum_field", short_name(enum.name)
        elif before := self._former(reader, writer, field):
            special, other = "perhaps_renamed", before.name
        fact = f"field '{field.name}' has no default"
        if renamed is not None:
            fact += f", and {writer.name} has it under the name '{renamed.name}'"
        return self._mismatch(
            "reader_field_missing_default_value",
            (field.at, renamed.at if renamed else writer.at),
            Trail(trail, f"/{field.name}"),
            fact,
            self._words(field.type, renamed.type if renamed else writer),
            special=special,
            fix=self._fix_absent(reader, writer, field, renamed, special),
            name=field.name,
            other=other,
            null_first=null_first,
        )

    def _fix_absent(
        self, reader: Record, writer: Record, field: Field, renamed: Field | None, special: str
    ) -> Fix | None:
        """An alias that the older schema vouches for; null where nothing hints at a rename that null would hide."""
        if self._pair.direction is Direction.FORWARD:
            return None
        if renamed is not None:
            return Fix("alias", (field.name, renamed.name))
        alone = special == "nullable_field" and not self._find_lost(reader, writer)
        return Fix("null_default", (field.name,)) if alone else None

    def _former(self, reader: Record, writer: Record, field: Field) -> Field | None:
        """The one field of the writer that the reader lost, if the new one has its type: then it may be a rename."""
        lost = self._find_lost(reader, writer)
        types = self._pair.reader.types, self._pair.writer.types
        is_same = len(lost) == 1 and describe(lost[0].type, types[1]) == describe(field.type, types[0])
        return lost[0] if is_same else None

    def _find_lost(self, reader: Record, writer: Record) -> list[Field]:
        """Fields of the writer that the reader has not: none, one, or more than one."""
        key = (reader.name, writer.name)
        if key not in self._lost:
            kept = {name for each in reader.fields for name in (each.name, *each.aliases)}
            self._lost[key] = [each for each in writer.fields if kept.isdisjoint((each.name, *each.aliases))][:2]
        return self._lost[key]

    def defaulted(self, field: Field, renamed: Field, trail: Trail | None) -> Mismatch:
        """A field that the writer has under another name, so that its default stands for what was written."""
        return self._mismatch(
            "renamed_field_defaulted",
            (field.at, renamed.at),
            Trail(trail, f"/{field.name}"),
            f"field '{field.name}' is written as '{renamed.name}', and the default of '{field.name}' hides that",
            self._words(field.type, renamed.type),
            fix=None if self._pair.direction is Direction.FORWARD else Fix("alias", (field.name, renamed.name)),
            name=field.name,
            other=renamed.name,
            default=describe_value(field.default),
        )

    def default_changed(self, reader: Field, writer: Field, trail: Trail | None) -> Mismatch:
        """Both have a default, and not the same."""
        values = describe_value(reader.default), describe_value(writer.default)
        old, new = values if self._pair.direction is Direction.FORWARD else values[::-1]
        return self._mismatch(
            "default_changed",
            (reader.at.at("default"), writer.at.at("default")),
            Trail(trail, f"/{reader.name}"),
            f"the default of field '{reader.name}' was {old} and is {new}",
            self._words(reader.type, writer.type),
        )

    def enum_default_changed(self, reader: Enum, writer: Enum, trail: Trail | None) -> Mismatch:
        """Symbols that neither knows read differently."""
        values = reader.default, writer.default
        old, new = values if self._pair.direction is Direction.FORWARD else values[::-1]
        return self._mismatch(
            "default_changed",
            (reader.at.at("default"), writer.at.at("default")),
            trail,
            f"the default of enum {reader.name} was '{old}' and is '{new}'",
            self._words(reader, writer),
            consequence="symbols at {path} that the reader does not know read differently",
        )

    def unknown_symbols(self, reader: Enum, writer: Enum, unknown: Sequence[Symbol], trail: Trail | None) -> Mismatch:
        """Symbols that the reader's enum does not have, without a default of the enum."""
        names = " and ".join(f"'{symbol.name}'" for symbol in unknown[:MAX_SYMBOLS])
        more = f" and {len(unknown) - MAX_SYMBOLS} more" if len(unknown) > MAX_SYMBOLS else ""
        are = "is" if len(unknown) == 1 else "are"
        symbols = f"symbol{'s' if len(unknown) > 1 else ''} {names}{more}"
        return self._mismatch(
            "missing_enum_symbols",
            (reader.at.at("symbols"), unknown[0].at),
            trail,
            f"{symbols} {are} unknown to enum {short_name(reader.name)}",
            (f"enum {reader.name}", f"enum {writer.name}"),
            name=short_name(reader.name),
            symbols=f"{names}{more}",
        )

    def resized(self, reader: Fixed, writer: Fixed, trail: Trail | None) -> Mismatch:
        """The same fixed with another size."""
        return self._mismatch(
            "fixed_size_mismatch",
            (reader.at.at("size"), writer.at.at("size")),
            trail,
            f"fixed {reader.name} is written with {writer.size} bytes and read with {reader.size}",
            self._words(reader, writer),
        )

    def renamed(
        self, reader: Named, writer: Named, reader_use: Type, writer_use: Type, trail: Trail | None
    ) -> Mismatch:
        """Named types meet, and neither name nor alias joins them."""
        return self._mismatch(
            "name_mismatch",
            (_name_at(reader, reader_use), _name_at(writer, writer_use)),
            trail,
            f"{_place(trail)} is written as {writer.name} and read as {reader.name}",
            self._words(reader, writer),
            name=reader.name,
            other=writer.name,
        )

    def moved(self, reader: Named, writer: Named, trail: Trail | None) -> Mismatch:
        """The same short name in another namespace."""
        return self._mismatch(
            "namespace_changed",
            (reader.at, writer.at),
            trail,
            f"the namespace differs: {writer.name} is written and {reader.name} is read",
            self._words(reader, writer),
        )

    def no_branch(self, union: Union, writer: Type, trail: Trail | None, chosen: Sequence[Type]) -> Mismatch:
        """No branch of the reader's union takes a written type, or several could."""
        words = describe(union, self._pair.reader.types), describe(writer, self._pair.writer.types)
        if chosen:
            listed = " and ".join(describe(branch, self._pair.reader.types) for branch in chosen[:MAX_SYMBOLS])
            fact = f"{words[1]} at {_place(trail)} could be {listed}: no full name decides"
        else:
            fact = f"{words[1]} is written at {_place(trail)}, and no branch of {words[0]} reads it"
        named = writer.name if isinstance(writer, Ref) else words[1]
        special = "ambiguous_branch" if chosen else "written_null" if _is_null(writer) else ""
        return self._mismatch(
            "missing_union_branch", (union.at, writer.at), trail, fact, words, special=special, other=named, name=named
        )

    def retyped(
        self,
        kind: str,
        reader: Type | Fixed,
        writer: Type | Fixed,
        trail: Trail | None,
        union: Union | None = None,
    ) -> Mismatch:
        """One type is written and another is read."""
        words = self._words(reader, writer)
        special, fact = "", f"{_place(trail)} is written as {words[1]} and read as {words[0]}"
        if union is not None:
            branch = next(i for i, branch in enumerate(union.branches, 1) if branch is writer)
            special = "written_null" if _is_null(writer) else "written_branch"
            fact = f"{words[1]} is written at {_place(trail)}, as branch {branch} of a union, and {words[0]} is read"
        return self._mismatch(
            kind,
            (reader.at, writer.at),
            trail,
            fact,
            words,
            special=special if kind == "type_mismatch" else "",
            consequence=_uuid_consequence(reader) if kind == "logical_type_mismatch" else "",
            limit="2^24" if isinstance(reader, Primitive) and reader.name == "float" else "2^53",
        )

    def _words(self, reader: Type | Named, writer: Type | Named) -> tuple[str, str]:
        return describe(reader, self._pair.reader.types), describe(writer, self._pair.writer.types)

    def _mismatch(
        self,
        kind: str,
        places: tuple[Location, Location],
        trail: Trail | None,
        fact: str,
        words: tuple[str, str] = ("", ""),
        *,
        special: str = "",
        consequence: str = "",
        fix: Fix | None = None,
        **gaps: str,
    ) -> Mismatch:
        """``places`` and ``words`` are the reader's and the writer's; ``special`` is a row of ways out of its own."""
        pair, path = self._pair, render_path(trail)
        old, new = words if pair.direction is Direction.FORWARD else words[::-1]
        gaps |= {
            "path": path or "the top",
            "reader": pair.reader_label,
            "writer": pair.writer_label,
            "reader_type": words[0],
            "writer_type": words[1],
            "old_type": old,
            "new_type": new,
            "upgrade": self._upgrade,
        }
        ways_out = WAYS_OUT[pair.direction]
        return Mismatch(
            kind,
            KINDS[kind],
            pair,
            places[0],
            places[1],
            path,
            fact,
            (consequence or CONSEQUENCES[kind]).format_map(gaps),
            tuple(way.format_map(gaps) for way in ways_out.get(special or kind, ())),
            words[0],
            words[1],
            fix,
        )


def _name_at(named: Named, use: Type) -> Location:
    """The name itself where the type is defined in the place it is used in; else the use, which chose another type."""
    return use.at.at("name") if use.at == named.at else use.at


def _place(trail: Trail | None) -> str:
    return render_path(trail) or "the event"


def _is_null(type_: Type | Fixed) -> bool:
    return isinstance(type_, Primitive) and type_.name == "null"


def _uuid_consequence(reader: Type | Fixed) -> str:
    is_uuid = isinstance(reader, Primitive) and reader.logical == Logical("uuid")
    return "{reader} fails at {path} where the string is no UUID" if is_uuid else ""
