"""What may show a mismatch: values of one field, or of the fields of one message, the smallest and plainest first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from registry.formats.protobuf.elements import element_of, is_entry, wire_of
from registry.formats.protobuf.reference import key_of
from registry.formats.protobuf.scalars import SCALARS
from registry.formats.protobuf.smallest import Unwritable, find_unknown, first_key, single_type, zero_of
from registry.formats.protobuf.witness.scene import Leaf, Scene
from registry.formats.protobuf.witness.steering import find_number
from registry.schema import MISSING, Array, Enum, Field, Map, Primitive, Record, Type

_MOST: Final = 1000
"""Values of one enum that are tried."""
_SINGLES: Final = 4
"""Fields of a message that are tried, each alone."""
_EDGES: Final = frozenset({"integer_narrowed", "integer_sign_changed", "map_key_narrowed"})
_RAW: Final = frozenset({"invalid_utf8_refused", "unverified_utf8"})
_PLAIN: Final[Mapping[str, Sequence[object]]] = {
    "bool": (True, False),
    "float": (1.0, 1.5, -1.0),
    "double": (1.0, 1.5, -1.0),
    "string": ("a", "b", "ä", "\x08\x01", ""),
    "bytes": (b"a", b"b", b"\xff", b"\x08\x01", b""),
}
_INTEGERS: Final = (1, 2, -1, 200)


def find_leaves(scene: Scene) -> Iterator[Leaf]:
    """Values to try, those first that suit the kind."""
    special = _SPECIAL.get(scene.mismatch.kind)
    if special is not None:
        yield from special(scene)
    mine, theirs = scene.course.leaf.mine, scene.course.leaf.theirs
    if theirs is not None:
        for held in _find_held(scene, mine, theirs):
            yield {key_of(theirs): held}
        if wire_of(theirs).presence != "required":
            yield {key_of(theirs): MISSING}


def _find_held(scene: Scene, mine: Field | None, theirs: Field) -> Iterator[object]:
    """What the writer's field may hold."""
    other = single_type(mine.type) if mine is not None else None
    elements = list(_find_elements(scene, theirs, single_type(theirs.type), other))
    if isinstance(theirs.type, Map):
        yield from _find_maps(scene, mine, theirs, theirs.type, elements)
    elif isinstance(theirs.type, Array):
        alone = [[element] for element in elements]
        pairs = [[first, second] for first in elements[:3] for second in elements[:3] if first is not second]
        pairs += [[element, element] for element in elements[:1]]
        merges = scene.mismatch.kind == "repeated_read_as_singular" and isinstance(elements[0], Mapping)
        several = merges or scene.mismatch.kind == "repeated_last_wins"
        yield from (*pairs, *alone) if several else (*alone, *pairs)
    else:
        yield from elements


def _find_maps(
    scene: Scene, mine: Field | None, theirs: Field, map_: Map, elements: Sequence[object]
) -> Iterator[object]:
    keys = map_.keys or Primitive("string", map_.at)
    other = mine.type.keys if mine is not None and isinstance(mine.type, Map) else None
    candidates = list(_find_elements(scene, theirs, keys, other))
    on_keys = ({key: element} for key in candidates for element in elements[:1])
    on_values = ({first_key(map_): element} for element in elements)
    if scene.mismatch.kind == "map_key_narrowed" or (other is not None and other.name == "bool"):
        yield from _find_collisions(keys, other, elements)
        yield from on_keys
    yield from on_values
    yield from on_keys
    if mine is None or not isinstance(mine.type, Map):  # each entry is one of several elements
        yield from (dict.fromkeys(candidates[:2], element) for element in elements[:1])


def _find_collisions(keys: Primitive, other: Primitive | None, elements: Sequence[object]) -> Iterator[object]:
    """Two keys that the reader takes for one."""
    if other is None or not elements:
        return
    span = 1 << SCALARS[other.name].bits
    first, second = 1, 2 if other.name == "bool" else 1 + span
    if SCALARS[keys.name].low <= second <= SCALARS[keys.name].high:
        yield {first: elements[0], second: elements[min(1, len(elements) - 1)]}


def _find_elements(scene: Scene, field: Field, type_: Type, other: Type | None) -> Iterator[object]:
    """Values of one element of the writer's ``type_``, that the reader reads as ``other``."""
    theirs = scene.halves.writer.schema.resolve(type_)
    mine = scene.halves.reader.schema.resolve(other) if other is not None else None
    if isinstance(theirs, Record):
        yield from _find_messages(scene, theirs, mine)
    elif isinstance(theirs, Enum):
        yield from _find_symbols(scene, theirs, mine)
    elif isinstance(theirs, Primitive):
        yield from _find_scalars(scene.mismatch.kind, field, theirs, mine)


def _find_messages(scene: Scene, theirs: Record, mine: object) -> Iterator[Leaf]:
    """Messages with one field set, then with none."""
    least = scene.smallest.message(theirs, mine if isinstance(mine, Record) else None)
    plain = [field for field in theirs.fields if isinstance(single_type(field.type), Primitive)][:_SINGLES]
    others = [field for field in theirs.fields if not isinstance(single_type(field.type), Primitive)][:_SINGLES]
    for field in plain:
        held = next(_find_scalars("", field, single_type(field.type), None))
        yield {**least, key_of(field): _hold(field, held)}
    yield least
    for field in others:
        inner = scene.halves.writer.schema.resolve(single_type(field.type))
        if isinstance(inner, Enum):
            yield {**least, key_of(field): _hold(field, next(_find_symbols(scene, inner, None)))}
        elif isinstance(inner, Record):
            with suppress(Unwritable):
                yield {**least, key_of(field): _hold(field, scene.smallest.message(inner))}


def _find_symbols(scene: Scene, theirs: Enum, mine: object) -> Iterator[int]:
    numbers = list(dict.fromkeys(symbol.number for symbol in theirs.symbols))[:_MOST]
    known = {symbol.number for symbol in mine.symbols} if isinstance(mine, Enum) else set()
    closed = isinstance(mine, Enum) and mine.closed
    if scene.mismatch.kind in _EDGES and isinstance(mine, Primitive) and SCALARS[mine.name].bits:
        low, high = SCALARS[mine.name].low, SCALARS[mine.name].high
        yield from (number for number in numbers if not low <= number <= high)
        if not theirs.closed:
            yield from (edge for edge in (high + 1, low - 1) if -(1 << 31) <= edge < 1 << 31)
    if closed:
        yield from (number for number in numbers if number not in known)
    yield from (number for number in numbers if number)
    if not theirs.closed:
        yield find_unknown(known | set(numbers))
        yield -1
    yield from (number for number in numbers if not number)


def _find_scalars(kind: str, field: Field, theirs: Type, mine: object) -> Iterator[object]:
    name = theirs.name if isinstance(theirs, Primitive) else ""
    if kind in _RAW and (name == "bytes" or (name == "string" and not wire_of(field).verifies_utf8)):
        yield b"\xff"
    if name in _PLAIN:
        yield from _PLAIN[name]
        return
    scalar = SCALARS[name]
    numbers: list[int] = []
    if isinstance(mine, Enum) and mine.closed:
        numbers.append(find_unknown({symbol.number for symbol in mine.symbols}))
    if kind in _EDGES and isinstance(mine, Enum) and mine.closed:  # what becomes a number that the enum knows
        known = sorted((symbol.number for symbol in mine.symbols), key=lambda number: (not number, abs(number)))
        numbers = [(1 << 32) + number for number in known[:_MOST]] + numbers
    elif kind in _EDGES:
        low, high = -(1 << 31), (1 << 31) - 1
        if isinstance(mine, Primitive) and SCALARS[mine.name].bits:
            low, high = SCALARS[mine.name].low, SCALARS[mine.name].high
        numbers += [high + 1, low - 1]
    numbers += [*_INTEGERS, scalar.low, scalar.high, 0]
    yield from (number for number in dict.fromkeys(numbers) if scalar.low <= number <= scalar.high)


def _leave_absent(scene: Scene) -> Iterator[Leaf]:
    theirs, writer = scene.course.leaf.theirs, scene.course.leaf.writer
    yield {key_of(theirs): MISSING} if theirs is not None and wire_of(theirs).presence != "required" else {}
    key = find_number(writer, 1)
    if is_entry(writer) and key is not None:  # another key than 0 may be nothing that the reader reads
        yield {key_of(key): zero_of(key.type)}


def _write_zero(scene: Scene) -> Iterator[Leaf]:
    theirs = scene.course.leaf.theirs
    if theirs is not None:
        resolved = scene.halves.writer.schema.resolve(single_type(theirs.type))
        yield {key_of(theirs): 0 if isinstance(resolved, Enum) else zero_of(theirs.type)}


def _set_both(scene: Scene) -> Iterator[Leaf]:
    """Members of one oneof of the reader that the writer can set together."""
    reader, writer = scene.course.leaf.reader, scene.course.leaf.writer
    for field in reader.fields:
        if field.at != scene.mismatch.reader:
            continue
        first = find_number(writer, wire_of(field).number)
        for other in reader.fields:
            second = find_number(writer, wire_of(other).number)
            if first is None or second is None or wire_of(other).oneof != wire_of(field).oneof:
                continue
            if first is not second and not _share_oneof(first, second):
                pair = sorted(((field, first), (other, second)), key=lambda each: wire_of(each[1]).number)
                yield {key_of(theirs): _find_plainest(scene, mine, theirs) for mine, theirs in pair}


def _find_plainest(scene: Scene, mine: Field, theirs: Field) -> object:
    held = next(_find_held(scene, mine, theirs), MISSING)
    resolved = scene.halves.writer.schema.resolve(theirs.type)
    return scene.smallest.message(resolved) if isinstance(resolved, Record) else held


def _share_oneof(first: Field, second: Field) -> bool:
    return wire_of(first).oneof is not None and wire_of(first).oneof == wire_of(second).oneof


def _write_symbol(scene: Scene) -> Iterator[Leaf]:
    """The value of an enum that stands where the writer's side of the mismatch is; then that of the reader's side."""
    theirs = scene.course.leaf.theirs
    enum = scene.halves.writer.schema.resolve(single_type(theirs.type)) if theirs is not None else None
    if theirs is None or not isinstance(enum, Enum):
        return
    for symbol in enum.symbols:
        if symbol.at == scene.mismatch.writer:
            yield {key_of(theirs): _hold(theirs, symbol.number)}
    mine = scene.course.leaf.mine
    other = scene.halves.reader.schema.resolve(single_type(mine.type)) if mine is not None else None
    if isinstance(other, Enum):
        known = {symbol.number for symbol in enum.symbols}
        for symbol in other.symbols:
            if symbol.at == scene.mismatch.reader and (symbol.number in known or not enum.closed):
                yield {key_of(theirs): _hold(theirs, symbol.number)}


def _write_unknown(scene: Scene) -> Iterator[Leaf]:
    """A value that the reader's closed enum does not know, and an open one has no name for."""
    mine, theirs = scene.course.leaf.mine, scene.course.leaf.theirs
    if mine is None or theirs is None:
        return
    known: set[int] = set()
    for field, half in zip((mine, theirs), scene.halves, strict=True):
        enum = half.schema.resolve(single_type(field.type))
        if isinstance(enum, Enum):
            known.update(symbol.number for symbol in enum.symbols)
    yield {key_of(theirs): _hold(theirs, find_unknown(known))}


def _hold(field: Field, element: object) -> object:
    if isinstance(field.type, Map):
        return {first_key(field.type): element}
    return [element] if isinstance(field.type, Array) else element


def _repeat_key(scene: Scene) -> Iterator[Leaf]:
    """Two entries with the same key."""
    mine, theirs = scene.course.leaf.mine, scene.course.leaf.theirs
    entry = element_of(theirs, scene.halves.writer.side).record if theirs is not None else None
    if mine is None or theirs is None or entry is None:
        return
    keys, values = find_number(entry, 1), find_number(entry, 2)
    both: list[dict[str, object]] = [{}, {}]
    if keys is not None:
        key = next(_find_held(scene, None, keys), MISSING)
        both = [{key_of(keys): key} for _ in both]
    if values is not None:
        held = list(_find_held(scene, None, values))
        both = [{**one, key_of(values): held[min(index, len(held) - 1)]} for index, one in enumerate(both) if held]
    yield {key_of(theirs): both}


def _write_extensions(scene: Scene) -> Iterator[Leaf]:
    for field in scene.course.leaf.writer.fields:
        if wire_of(field).extension:
            held = next(_find_held(scene, None, field), MISSING)
            yield {key_of(field): held}


_SPECIAL: Final[Mapping[str, Callable[[Scene], Iterator[Leaf]]]] = {
    "required_field_missing": _leave_absent,
    "implicit_default_changed": _leave_absent,
    "enum_default_removed": _leave_absent,
    "presence_lost": _write_zero,
    "oneof_value_lost": _set_both,
    "enum_value_renumbered": _write_symbol,
    "closed_enum_value_unknown": _write_symbol,
    "open_enum_read_as_closed": _write_unknown,
    "entries_read_as_map": _repeat_key,
    "message_set_changed": _write_extensions,
}
