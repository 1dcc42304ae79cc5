"""A value that shows a mismatch: encoded by the writer's message, decoded by the reader's, and not the same.

The value leads along the path of the mismatch and holds nothing beside it but what either side requires. At its end a
few candidates are tried, the smallest first; the first one that fails at that place, or reads as something else there,
is the witness.
"""

from itertools import islice
from typing import Final

from registry.formats.mismatch import Mismatch, Pair, Step
from registry.formats.protobuf.reference import (
    MAX_DEPTH,
    DecodeError,
    EncodeError,
    UnusableDescriptors,
    decode,
    encode,
    find_missing,
)
from registry.formats.protobuf.smallest import Smallest, Unwritable
from registry.formats.protobuf.witness.candidates import find_leaves
from registry.formats.protobuf.witness.difference import OF_MESSAGES, is_shown
from registry.formats.protobuf.witness.grafts import graft
from registry.formats.protobuf.witness.meaning import find_halves
from registry.formats.protobuf.witness.names import show_name
from registry.formats.protobuf.witness.pruning import prune
from registry.formats.protobuf.witness.scene import Attempt, Leaf, Scene
from registry.formats.protobuf.witness.steering import Around, Course, build, find_courses, find_root_enums
from registry.formats.protobuf.witness.telling import make_witness
from registry.formats.witness import Witness
from registry.frozen import replace

MAX_TRIES: Final = 2000
"""Candidates that are tried for one mismatch: enums of many values ask for more than a few."""

_MOST_MISSING: Final = 100


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
            return show_name(mismatch)
        grafted, remark = graft(mismatch)
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
    for course in find_courses(mismatch, halves, to_message=mismatch.kind in OF_MESSAGES):
        scene = Scene(mismatch, halves, _rename(mismatch, course), smallest)
        for leaf in islice(find_leaves(scene), MAX_TRIES):
            try:
                attempt = _try(scene, leaf)
            except EncodeError as error:
                reason = str(error)
                continue
            if is_shown(scene, leaf, attempt):
                return make_witness(scene, leaf, attempt)
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
