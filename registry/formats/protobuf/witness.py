"""A value that shows a mismatch: encoded by the writer's message, decoded by the reader's, and not the same.

The value leads along the path of the mismatch and holds nothing beside it but what either side requires. At its end a
few candidates are tried, the smallest first; the first one that fails at that place, or reads as something else there,
is the witness.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple, cast

from registry.formats.mismatch import Mismatch, Pair, Step
from registry.formats.protobuf.candidates import Leaf, Scene, find_leaves
from registry.formats.protobuf.elements import package_of, wire_of
from registry.formats.protobuf.grafts import find_shared_number, graft_enum, graft_extension
from registry.formats.protobuf.meaning import find_halves, is_same_field, list_elements
from registry.formats.protobuf.pruning import prune
from registry.formats.protobuf.reference import (
    MAX_DEPTH,
    DecodeError,
    EncodeError,
    UnusableDescriptors,
    Value,
    decode,
    default_of,
    encode,
    find_missing,
    key_of,
    make_any,
)
from registry.formats.protobuf.shown import render_default, render_value
from registry.formats.protobuf.steering import Around, Course, build, find_courses, find_elements, find_root_enums, look
from registry.formats.protobuf.values import Smallest, Unwritable
from registry.formats.witness import Witness
from registry.frozen import replace
from registry.schema import MISSING, Map, Record, Ref, Schema

MAX_TRIES: Final = 2000
"""Candidates that are tried for one mismatch: enums of many values ask for more than a few."""

_OF_MESSAGES: Final = frozenset({"oneof_value_lost", "message_set_changed"})
"""Kinds whose path leads to a message, and not to one of its fields."""
_MOST_MISSING: Final = 100


class Attempt(NamedTuple):
    """What became of one value."""

    value: Value
    data: bytes
    read: Value | None = None
    failure: str = ""
    missing: tuple[str, ...] = ()
    """Required fields elsewhere that the reader misses as well."""


def find_witness(mismatch: Mismatch) -> Witness:
    """The smallest value that shows a mismatch of step break or lossy, or the reason why there is none.

    The cost grows with the size of the two schemas. Raises :class:`ModuleNotFoundError` where protobuf is missing.
    """
    pair = mismatch.pair
    if mismatch.step is Step.SOURCE:
        return _no(pair, "the bytes are the same")
    if mismatch.kind.startswith("confluent_"):
        return _no(pair, "the wire allows it; Confluent's registry rejects it")
    if not (pair.reader.roots and pair.writer.roots):
        return _no(pair, "one of the two schemas is gone")
    mismatch = prune(mismatch)
    try:
        if mismatch.kind == "message_renamed":
            return _show_name(mismatch)
        grafted, remark = _graft(mismatch)
        witness = _show_value(grafted)
        return replace(witness, note="; ".join(filter(None, (witness.note, remark)))) if witness.read else witness
    except (UnusableDescriptors, Unwritable, EncodeError) as error:
        return _no(pair, str(error))


def _no(pair: Pair, reason: str) -> Witness:
    return Witness(pair.writer_label, pair.reader_label, reason=reason)


def _show_value(mismatch: Mismatch) -> Witness:
    pair = mismatch.pair
    if mismatch.path.count("/") > MAX_DEPTH:
        return _no(pair, f"it lies deeper than {MAX_DEPTH} messages, where no reader looks")
    halves = find_halves(pair.reader, pair.writer)
    smallest = Smallest(pair.writer, pair.reader)
    reason = "no value leads there"
    for course in find_courses(mismatch, halves, to_message=mismatch.kind in _OF_MESSAGES):
        scene = Scene(mismatch, halves, _rename(mismatch, course), smallest)
        for leaf in islice(find_leaves(scene), MAX_TRIES):
            try:
                attempt = _try(scene, leaf)
            except EncodeError as error:
                reason = str(error)
                continue
            if attempt.failure or _is_shown(scene, leaf, attempt.read or {}):
                return _tell(scene, leaf, attempt)
            reason = "every value that was tried reads as it was written"
    if find_root_enums(mismatch) is None and mismatch.kind == "message_type_changed" and reason.endswith("there"):
        reason = "an enum has no bytes of its own: what refers to the message does not compile"
    return _no(pair, reason)


def _rename(mismatch: Mismatch, course: Course) -> Course:
    """A field that has another number than before is compared with itself, and not with what has its number now."""
    if mismatch.kind != "field_renumbered":
        return course
    name = mismatch.path.rpartition("/")[2]
    mine, theirs = (
        next((field for field in record.fields if field.name == name), None)
        for record in (course.leaf.reader, course.leaf.writer)
    )
    return course._replace(leaf=Around(course.leaf.reader, course.leaf.writer, mine, theirs))


def _try(scene: Scene, leaf: Leaf) -> Attempt:
    """Write and read a value. Raises :class:`EncodeError`."""
    pair, course = scene.mismatch.pair, scene.course
    value = build(course, leaf, scene.smallest)
    data = encode(pair.writer, course.roots[1], value)
    try:
        read = decode(pair.reader, course.roots[0], data, partial=True)
    except DecodeError as error:
        return Attempt(value, data, failure=str(error))
    numbers = course.numbers
    elsewhere = []
    for path, found in islice(find_missing(pair.reader, course.roots[0], read), _MOST_MISSING):
        if course.leaf.mine is not None and found[: len(numbers)] == numbers:
            return Attempt(value, data, read, f"required field is missing at {path}")
        elsewhere.append(path)
    return Attempt(value, data, read, missing=tuple(elsewhere))


def _is_shown(scene: Scene, leaf: Leaf, read: Value) -> bool:
    """Whether what was read differs at the place of the mismatch, in the way that the mismatch says."""
    around = scene.course.leaf
    found = look(scene.course, read)
    if found is None:
        return True
    if scene.mismatch.kind in _OF_MESSAGES:
        numbers = {wire_of(field).number: field for field in around.reader.fields}
        fields = [field for field in around.writer.fields if key_of(field) in leaf]
        return any(
            key_of(mine) not in found
            or not is_same_field(scene.halves, (around.reader, mine), (around.writer, theirs), found, leaf)
            for theirs in fields
            if (mine := numbers.get(wire_of(theirs).number)) is not None
        )
    mine, theirs = around.mine, around.theirs
    if mine is None or theirs is None:
        return False
    special = _SHOWN.get(scene.mismatch.kind)
    if special is not None and special(scene, leaf, found):
        return True
    written = {key: held for key, held in leaf.items() if held is not MISSING}
    return not is_same_field(scene.halves, (around.reader, mine), (around.writer, theirs), found, written)


def _has_another_name(scene: Scene, leaf: Leaf, found: Value) -> bool:
    mine, theirs = scene.course.leaf.mine, scene.course.leaf.theirs
    return (
        mine is not None
        and theirs is not None
        and mine.name != theirs.name
        and key_of(mine) in found
        and leaf.get(key_of(theirs), MISSING) is not MISSING
    )


def _is_another_message(scene: Scene, leaf: Leaf, found: Value) -> bool:
    """Whether it is shown under other names, or means something else because its type is well-known."""
    mine, theirs = scene.course.leaf.mine, scene.course.leaf.theirs
    if mine is None or theirs is None or leaf.get(key_of(theirs), MISSING) is MISSING:
        return False
    here, there = list_elements(mine, found), list_elements(theirs, leaf)
    if isinstance(mine.type, Map) and isinstance(theirs.type, Map):
        here, there = ([cast(Value, entry)["value"] for entry in entries] for entries in (here, there))
    return bool(_find_well_known(scene)) or any(
        isinstance(got, Mapping) and isinstance(sent, Mapping) and set(got) != set(sent)
        for got, sent in zip(here, there, strict=False)
    )


def _find_well_known(scene: Scene) -> str:
    """The well-known type that only one side has."""
    mine, theirs = scene.course.leaf.mine, scene.course.leaf.theirs
    elements = find_elements(scene.halves, mine, theirs) if mine is not None and theirs is not None else ()
    return next((element.well_known for element in elements if element.well_known), "")


_SHOWN: Final[Mapping[str, Callable[[Scene, Leaf, Value], bool]]] = {
    "field_number_reused": _has_another_name,
    "message_type_changed": _is_another_message,
}


def _tell(scene: Scene, leaf: Leaf, attempt: Attempt) -> Witness:
    pair, course = scene.mismatch.pair, scene.course
    written = render_value(pair.writer, course.roots[1], attempt.value)
    keys = course.written_keys + ((next(iter(leaf)),) if len(leaf) == 1 else ())
    excerpt = render_value(pair.writer, course.roots[1], attempt.value, keys)
    witness = Witness(pair.writer_label, pair.reader_label, attempt.data, written, excerpt=_shorter(excerpt, written))
    if attempt.failure or attempt.read is None:
        return replace(witness, failure=attempt.failure)
    read = render_value(pair.reader, course.roots[0], attempt.read)
    mine = course.leaf.mine
    way = course.read_keys + ((key_of(mine),) if mine is not None and len(leaf) == 1 else ())
    excerpt = render_value(pair.reader, course.roots[0], attempt.read, way)
    missing = ", ".join(attempt.missing[:3])
    notes = [_remark(scene, leaf, attempt.read), f"{missing} is required and missing as well" if missing else ""]
    return replace(witness, read=read, read_excerpt=_shorter(excerpt, read), note="; ".join(filter(None, notes)))


def _shorter(excerpt: str, text: str) -> str:
    return excerpt if len(excerpt) < len(text) else ""


def _remark(scene: Scene, leaf: Leaf, read: Value) -> str:
    """What does not meet the eye: a field that is absent, and what it reads as then."""
    pair, around = scene.mismatch.pair, scene.course.leaf
    found = look(scene.course, read)
    mine, theirs = around.mine, around.theirs
    if mine is None:
        return _remark_lost(scene, leaf, found or {})
    if found is None:
        return f"'{mine.name}' is absent, and what is around it"
    if key_of(mine) in found:
        if scene.mismatch.kind == "unverified_utf8":
            return f"'{mine.name}' is text that is not UTF-8"
        if scene.mismatch.kind == "message_type_changed" and (name := _find_well_known(scene)):
            return f"{name} has a meaning of its own"
        return ""
    if theirs is None or wire_of(mine).presence == "repeated" or _holds_message(pair.reader, mine.type):
        return f"'{mine.name}' is absent"
    now = default_of(pair.reader, around.reader, mine)
    shown = render_default(pair.reader, mine, now)
    if leaf.get(key_of(theirs), MISSING) is MISSING:
        former = render_default(pair.writer, theirs, default_of(pair.writer, around.writer, theirs))
        return f"'{mine.name}' is absent: {former} to {pair.writer_label}, {shown} to {pair.reader_label}"
    if wire_of(mine).presence == "implicit":
        return f"'{mine.name}' is absent, that is {shown}"
    return f"'{mine.name}' is absent{f', and reads as {shown}' if now else ''}"


def _remark_lost(scene: Scene, leaf: Leaf, found: Value) -> str:
    numbers = {wire_of(field).number: field for field in scene.course.leaf.reader.fields}
    for theirs in scene.course.leaf.writer.fields:
        mine = numbers.get(wire_of(theirs).number)
        if key_of(theirs) in leaf and mine is not None and key_of(mine) not in found:
            return f"'{mine.name}' is absent"
    return ""


def _holds_message(schema: Schema, type_: object) -> bool:
    return isinstance(type_, Ref) and isinstance(schema.types[type_.name], Record)


def _graft(mismatch: Mismatch) -> tuple[Mismatch, str]:
    """The same mismatch between schemas that have a place for it, and what to say of that: an enum by itself is in no
    message, and a message that only others extend holds nothing."""
    pair = mismatch.pair
    enums = find_root_enums(mismatch)
    if enums is not None:
        reader, writer = graft_enum(pair.reader, enums[0]), graft_enum(pair.writer, enums[1])
        return replace(mismatch, pair=replace(pair, reader=reader, writer=writer), path="/value"), (
            f"it stands for any field of {enums[1].name}"
        )
    if mismatch.kind != "message_set_changed":
        return mismatch, ""
    for course in find_courses(mismatch, find_halves(pair.reader, pair.writer), to_message=True):
        mine, theirs = course.leaf.reader, course.leaf.writer
        if any(wire_of(field).extension for field in theirs.fields):
            return mismatch, ""
        number = find_shared_number(mine, theirs)
        if number is not None:
            reader, writer = (
                graft_extension(schema, record, number)
                for schema, record in ((pair.reader, mine), (pair.writer, theirs))
            )
            return replace(
                mismatch, pair=replace(pair, reader=reader, writer=writer)
            ), f"it stands for any extension of {theirs.name}"
    return mismatch, ""


def _show_name(mismatch: Mismatch) -> Witness:
    """What tells messages of two names apart: the URL that an ``Any`` carries. Their own bytes are the same."""
    pair = mismatch.pair
    for theirs, mine in _find_renamed(mismatch):
        value = Smallest(pair.writer, pair.reader).message(theirs, mine)
        data, refused = make_any(pair.writer, theirs.name, pair.reader, mine.name, value)
        if not refused:
            continue
        body = render_value(pair.writer, theirs.name, value)[1:-1]
        url = f'"@type": "type.googleapis.com/{theirs.name}"'
        written = f"{{{', '.join(filter(None, (url, body)))}}}"
        failure = f"an Any of type.googleapis.com/{theirs.name} is no {mine.name}"
        return Witness(pair.writer_label, pair.reader_label, data, written, failure=failure)
    return _no(pair, "the bytes are the same; the names of topics and types differ")


def _find_renamed(mismatch: Mismatch) -> Iterator[tuple[Record, Record]]:
    """The messages (writer, reader) that a mismatch says were renamed: one, or those of a package."""
    pair = mismatch.pair
    mine, theirs = (_find_roots(schema) for schema in (pair.reader, pair.writer))
    if len(pair.reader.roots) == len(pair.writer.roots) == 1:
        yield from zip(theirs, mine, strict=False)
        return
    packages = [
        {package_of(type_) for type_ in schema.types.values() if type_.at.path == at.path}
        for schema, at in ((pair.writer, mismatch.writer), (pair.reader, mismatch.reader))
    ]
    for before in theirs:
        for after in mine:
            if before.at.pointer != after.at.pointer or before.name == after.name:
                continue
            if mismatch.writer.pointer not in ("", before.at.pointer):
                continue
            if package_of(before) in packages[0] and package_of(after) in packages[1]:
                yield before, after


def _find_roots(schema: Schema) -> list[Record]:
    found = (schema.types[root.name] for root in schema.roots if isinstance(root, Ref))
    return [type_ for type_ in found if isinstance(type_, Record)]
