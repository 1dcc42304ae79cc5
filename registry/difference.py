"""What a change of a schema means, in words: two schemas -> what was added, removed and changed; nothing is judged.

Named types are paired once and compared once, and types are spelled without recursion: a schema that refers to itself,
or nests deeply, costs no more than its text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

from registry.frozen import dataclass
from registry.pairing import pair_fields, pair_names, pair_symbols
from registry.schema import MISSING, Enum, Field, Fixed, Named, Record, Ref, Schema, Symbol, Type, Union, Wire
from registry.source import Location
from registry.spelling import cut, describe_default, describe_field, describe_label, describe_type, with_logical

Sign = Literal["+", "-", "~"]
Ranges = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was."""

    sign: Sign
    path: str
    """What it is about, for programs: the full name of a type, then ``/`` and a field or symbol: ``a.Order/amount``."""
    words: str
    """The same for people: ``field amount: int -> long``."""
    location: Location
    """Where it stands now; of what was removed (``-``), where it stood."""


def find_differences(before: Schema, after: Schema) -> Iterator[Difference]:
    """All that differs: types, fields, defaults, symbols, branches, aliases, reservations; docs as a count per file.

    Of two languages there is only one line: their types have nothing in common to be paired by.
    """
    if before.format != after.format and before.roots:
        place = next(root.at for root in (*after.roots, *before.roots))
        yield Difference("~", "", f"language: {before.format} -> {after.format}", place)
        return
    sides = _Sides(before, after)
    yield from _find_root_changes(sides)
    for name, new in after.types.items():
        old_name = sides.old_names.get(name)
        if old_name is None:
            yield from _find_unpaired("+", sides, after, new)
        else:
            yield from _find_in_type(sides, before.types[old_name], new)
    for name, old in before.types.items():
        if name not in sides.new_names:
            yield from _find_unpaired("-", sides, before, old)
    docs: dict[str, list[Location]] = {}
    for place in _find_docs(sides):
        docs.setdefault(place.path, []).append(place)
    for places in docs.values():
        yield Difference("~", "", f"{len(places)} doc{'s' if len(places) > 1 else ''} changed", places[0])


class _Sides:
    """Two schemas, with their types paired and the names that people call them by."""

    def __init__(self, before: Schema, after: Schema) -> None:
        self.before = before
        self.after = after
        self.protobuf = after.format == "protobuf"
        self.new_names = pair_names(before, after)
        self.old_names = {new: old for old, new in self.new_names.items()}
        self.roots = {root.name for side in (before, after) for root in side.roots if isinstance(root, Ref)}
        self._alone = max(len(before.roots), len(after.roots)) == 1
        seen: dict[str, set[str]] = {}
        for name in (*before.types, *after.types):
            seen.setdefault(name.rpartition(".")[2], set()).add(name)
        self._short = {name: short for short, names in seen.items() if len(names) == 1 for name in names}

    def name(self, full: str) -> str:
        """The short name, if only one type has it."""
        return self._short.get(full, full)

    def kind(self, type_: Named) -> str:
        """What the language calls such a type."""
        if isinstance(type_, Record):
            return "message" if self.protobuf else "record"
        return "enum" if isinstance(type_, Enum) else "fixed"

    def of(self, type_: Named) -> str:
        """`` of Author``; nothing for the event's own record, which needs no name."""
        return "" if self._alone and type_.name in self.roots else f" of {self.name(type_.name)}"

    def spell(self, schema: Schema, type_: Type) -> str:
        """A type for people."""
        return cut(describe_type(schema, type_, self.name))

    def old_key(self, type_: Type) -> str:
        """A type of the older side under the names of the newer one: equal texts are equal types."""
        return describe_type(self.before, type_, lambda name: self.new_names.get(name, name))

    def new_key(self, type_: Type) -> str:
        """A type of the newer side, to be compared with :meth:`old_key`."""
        return describe_type(self.after, type_)


def _find_root_changes(sides: _Sides) -> Iterator[Difference]:
    """An Avro file whose type is no named one: a union of records, an array."""
    match sides.before.roots, sides.after.roots:
        case (old,), (new,) if not (isinstance(old, Ref) and isinstance(new, Ref)):
            yield from _find_type_change(sides, "", "the schema", (old, ""), (new, ""))


def _find_unpaired(sign: Sign, sides: _Sides, schema: Schema, type_: Named) -> Iterator[Difference]:
    if schema.format == "protobuf" and type_.name.startswith("google.protobuf."):
        return  # everybody has them; the field that uses one says so
    what = f"{sides.kind(type_)} {sides.name(type_.name)}"
    if type_.name not in sides.roots:
        if sides.before.roots and sides.after.roots:  # of what is new as a whole, the fields say it
            yield Difference(sign, type_.name, f"use of {what}", type_.at)
        return
    parts = {Record: "field", Enum: "symbol"}.get(type(type_), "")
    count = len(type_.fields) if isinstance(type_, Record) else len(getattr(type_, "symbols", ()))
    size = f" with {count} {parts}{'' if count == 1 else 's'}" if parts else ""
    yield Difference(sign, type_.name, f"{what}{size}", type_.at)


def _find_in_type(sides: _Sides, old: Named, new: Named) -> Iterator[Difference]:
    here = f"{sides.kind(new)} {sides.name(new.name)}"
    if old.name != new.name:
        how = "" if sides.protobuf else " (by alias)" if old.name in new.aliases else " (without an alias)"
        words = f"{sides.kind(old)} {sides.name(old.name)} renamed to {sides.name(new.name)}{how}"
        yield Difference("~", new.name, words, new.at)
    match old, new:
        case Record(), Record():
            yield from _find_in_record(sides, old, new)
        case Enum(), Enum():
            yield from _find_in_enum(sides, old, new)
        case Fixed(), Fixed():
            was, now = (with_logical(f"{each.size} bytes", each.logical) for each in (old, new))
            if was != now:
                yield Difference("~", new.name, f"{here}: {was} -> {now}", new.at)
        case _:
            words = f"{sides.name(new.name)}: {sides.kind(old)} -> {sides.kind(new)}"
            yield Difference("~", new.name, words, new.at)
    yield from _find_aliases(new.name, here, (old.aliases, old.at), (new.aliases, new.at), {old.name})


def _find_aliases(
    path: str,
    what: str,
    before: tuple[Sequence[str], Location],
    after: tuple[Sequence[str], Location],
    told: set[str],
) -> Iterator[Difference]:
    """Aliases gained and lost; ``told`` is the old name, of which a line about the renaming tells."""
    for alias in after[0]:
        if alias not in before[0] and alias not in told:
            yield Difference("+", path, f"alias {alias} of {what}", after[1])
    for alias in before[0]:
        if alias not in after[0]:
            yield Difference("-", path, f"alias {alias} of {what}", before[1])


def _find_in_record(sides: _Sides, old: Record, new: Record) -> Iterator[Difference]:
    of = sides.of(new)
    pairs = pair_fields(old.fields, new.fields)
    for was, now in pairs:
        if was is not None and now is not None:
            yield from _find_in_field(sides, f"{new.name}/{now.name}", of, was, now)
        elif now is not None:
            words = f"field {now.name}{of}: {describe_field(sides.after, now, sides.name)}"
            yield Difference("+", f"{new.name}/{now.name}", words, now.at)
        elif was is not None:
            words = f"field {was.name}{of}: {describe_field(sides.before, was, sides.name)}"
            yield Difference("-", f"{new.name}/{was.name}", words, was.at)
    yield from _find_order(sides, new, "fields", old.fields, [was for was, now in pairs if was and now])
    yield from _find_reserved(of, old, new)
    yield from _find_ranges("extensions", of, (old, old.extension_ranges), (new, new.extension_ranges))
    if old.message_set != new.message_set:
        yield Difference("~", new.name, f"message_set_wire_format{of}: {old.message_set} -> {new.message_set}", new.at)


def _find_order(
    sides: _Sides, new: Named, what: str, old: Sequence[Field | Symbol], kept: Sequence[Field | Symbol]
) -> Iterator[Difference]:
    """Avro writes fields and counts symbols in their order; in Protobuf it means nothing."""
    kept_ids = {id(part) for part in kept}
    if not sides.protobuf and [id(part) for part in old if id(part) in kept_ids] != [id(part) for part in kept]:
        yield Difference("~", new.name, f"order of the {what}{sides.of(new)}", new.at)


def _find_in_field(sides: _Sides, path: str, of: str, old: Field, new: Field) -> Iterator[Difference]:
    here = f"field {new.name}{of}"
    if old.name != new.name:
        how = "by alias" if new.wire is None else f"number {new.wire.number}"
        yield Difference("~", path, f"field {old.name}{of} renamed to {new.name} ({how})", new.at)
    was, now = (old.type, describe_label(sides.before, old)), (new.type, describe_label(sides.after, new))
    retyped = list(_find_type_change(sides, path, here, was, now))
    yield from retyped
    yield from _find_default_change(path, here, old, new)
    yield from _find_aliases(path, here, (old.aliases, old.at), (new.aliases, new.at), {old.name})
    if old.wire is not None and new.wire is not None:
        implied = {"JSON name"} if old.name != new.name else set()
        implied |= _OF_TYPE if retyped else set()
        for what, spell in _WIRE.items():
            if what in implied:
                continue
            facts = spell(old.wire), spell(new.wire)
            if facts[0] != facts[1]:
                yield Difference("~", path, f"{here}: {what} {facts[0]} -> {facts[1]}", new.at)


_WIRE: Final[Mapping[str, Callable[[Wire], str]]] = {
    "number": lambda wire: str(wire.number),
    "oneof": lambda wire: wire.oneof or "none",
    "JSON name": lambda wire: wire.json_name,
    "packed": lambda wire: _yes(wire.packed),
    "delimited": lambda wire: _yes(wire.delimited),
    "checked UTF-8": lambda wire: _yes(wire.verifies_utf8),
    "extension": lambda wire: _yes(wire.extension),
}
"""What else Protobuf knows of a field, in words."""
_OF_TYPE: Final = {"packed", "delimited", "checked UTF-8"}
"""What another type brings with it."""


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _find_type_change(
    sides: _Sides, path: str, here: str, before: tuple[Type, str], after: tuple[Type, str]
) -> Iterator[Difference]:
    """A type became another one; of two unions, the branches that came and went. Each side is a type and its label."""
    (old, was_label), (new, now_label) = before, after
    if (sides.old_key(old), was_label) == (sides.new_key(new), now_label):
        return
    if isinstance(old, Union) and isinstance(new, Union):
        olds = {sides.old_key(branch): branch for branch in old.branches}
        news = {sides.new_key(branch): branch for branch in new.branches}
        for key, branch in news.items():
            if key not in olds:
                yield Difference("+", path, f"branch {sides.spell(sides.after, branch)} of {here}", branch.at)
        for key, branch in olds.items():
            if key not in news:
                yield Difference("-", path, f"branch {sides.spell(sides.before, branch)} of {here}", branch.at)
        if olds.keys() != news.keys():
            return
    was, now = was_label + sides.spell(sides.before, old), now_label + sides.spell(sides.after, new)
    yield Difference("~", path, f"{here}: {was} -> {now}", new.at)


def _find_default_change(path: str, here: str, old: Field, new: Field) -> Iterator[Difference]:
    was = None if old.default is MISSING else describe_default(old)
    now = None if new.default is MISSING else describe_default(new)
    if was == now:
        return
    if was is None:
        yield Difference("+", path, f"default of {here} = {cut(now or '')}", new.at)
    elif now is None:
        yield Difference("-", path, f"default of {here} = {cut(was)}", old.at)
    else:
        yield Difference("~", path, f"default of {here}: {cut(was)} -> {cut(now)}", new.at)


def _find_in_enum(sides: _Sides, old: Enum, new: Enum) -> Iterator[Difference]:
    of = f" of {sides.name(new.name)}"
    pairs = pair_symbols(old.symbols, new.symbols, numbered=sides.protobuf)
    for was, now in pairs:
        if was is None and now is not None:
            number = f", number {now.number}" if sides.protobuf else ""
            yield Difference("+", f"{new.name}/{now.name}", f"symbol {now.name}{of}{number}", now.at)
        elif was is not None and now is None:
            number = f", number {was.number}" if sides.protobuf else ""
            yield Difference("-", f"{new.name}/{was.name}", f"symbol {was.name}{of}{number}", was.at)
        elif was is not None and now is not None:
            path = f"{new.name}/{now.name}"
            if was.name != now.name:
                words = f"symbol {was.name}{of} renamed to {now.name} (number {now.number})"
                yield Difference("~", path, words, now.at)
            elif sides.protobuf and was.number != now.number:
                yield Difference("~", path, f"symbol {now.name}{of}: number {was.number} -> {now.number}", now.at)
    yield from _find_order(sides, new, "symbols", old.symbols, [was for was, now in pairs if was and now])
    for what, first, second in (
        ("default", old.default or "none", new.default or "none"),
        ("closed", _yes(old.closed), _yes(new.closed)),
    ):
        if first != second:
            yield Difference("~", new.name, f"enum {sides.name(new.name)}: {what} {first} -> {second}", new.at)
    yield from _find_reserved(of, old, new)


def _find_reserved(of: str, old: Record | Enum, new: Record | Enum) -> Iterator[Difference]:
    yield from _find_ranges("reserved", of, (old, old.reserved.ranges), (new, new.reserved.ranges))
    for name in sorted(new.reserved.names - old.reserved.names):
        yield Difference("+", new.name, f'reserved "{name}"{of}', new.at)
    for name in sorted(old.reserved.names - new.reserved.names):
        yield Difference("-", new.name, f'reserved "{name}"{of}', old.at)


def _find_ranges(what: str, of: str, before: tuple[Named, Ranges], after: tuple[Named, Ranges]) -> Iterator[Difference]:
    """Numbers that came and went, however the ranges are cut."""
    (old, was), (new, now) = before, after
    for first, last in _subtract(now, was):
        yield Difference("+", new.name, f"{what} {_spell_range(first, last)}{of}", new.at)
    for first, last in _subtract(was, now):
        yield Difference("-", new.name, f"{what} {_spell_range(first, last)}{of}", old.at)


def _spell_range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _subtract(ranges: Ranges, others: Ranges) -> Iterator[tuple[int, int]]:
    """The numbers of ``ranges`` that are in none of ``others``, as ranges in order."""
    for start, end in sorted(ranges):
        first = start
        for low, high in sorted(others):
            if high < first or low > end:
                continue
            if low > first:
                yield first, low - 1
            first = high + 1
        if first <= end:
            yield first, end


def _find_docs(sides: _Sides) -> Iterator[Location]:
    """The place of every type and field that is described in other words than before."""
    for old_name, new_name in sides.new_names.items():
        old, new = sides.before.types[old_name], sides.after.types[new_name]
        if old.doc != new.doc:
            yield new.at
        if isinstance(old, Record) and isinstance(new, Record):
            for was, now in pair_fields(old.fields, new.fields):
                if was is not None and now is not None and was.doc != now.doc:
                    yield now.at
