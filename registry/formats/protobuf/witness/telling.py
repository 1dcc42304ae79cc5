"""What became of a value, in words: a witness."""

from registry.formats.protobuf.elements import wire_of
from registry.formats.protobuf.reference import Value, default_of, key_of
from registry.formats.protobuf.witness.difference import find_giver, find_well_known
from registry.formats.protobuf.witness.scene import Attempt, Leaf, Scene
from registry.formats.protobuf.witness.shown import render_default, render_value
from registry.formats.protobuf.witness.steering import look
from registry.formats.witness import Witness
from registry.frozen import replace
from registry.schema import MISSING, Record, Ref, Schema


def make_witness(scene: Scene, leaf: Leaf, attempt: Attempt) -> Witness:
    """The witness that an attempt is."""
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
        if scene.mismatch.kind == "message_type_changed" and (name := find_well_known(scene)):
            return f"{name} has a meaning of its own"
        giver = find_giver(scene)
        return f"'{mine.name}' is what was written as '{giver.name}'" if giver is not None else ""
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
