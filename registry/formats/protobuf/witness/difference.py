"""Whether what was read differs at the place of a mismatch, in the way that the mismatch says."""

from collections.abc import Callable, Mapping
from typing import Final, cast

from registry.formats.protobuf.elements import wire_of
from registry.formats.protobuf.reference import Value, key_of
from registry.formats.protobuf.witness.meaning import is_same_field, list_elements
from registry.formats.protobuf.witness.scene import Attempt, Leaf, Scene
from registry.formats.protobuf.witness.steering import find_elements, look
from registry.schema import MISSING, Field, Map

OF_MESSAGES: Final = frozenset({"oneof_value_lost", "message_set_changed"})
"""Kinds whose path leads to a message, and not to one of its fields."""


def is_shown(scene: Scene, leaf: Leaf, attempt: Attempt) -> bool:
    """Whether an attempt shows the mismatch."""
    if scene.mismatch.kind == "required_field_missing":
        return bool(attempt.failure) and attempt.read is not None  # and not because of the bytes
    if attempt.failure or attempt.read is None:
        return True
    around = scene.course.leaf
    found = look(scene.course, attempt.read)
    if found is None:
        return True
    if scene.mismatch.kind in OF_MESSAGES:
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


def _takes_another(scene: Scene, _leaf: Leaf, found: Value) -> bool:
    mine = scene.course.leaf.mine
    return mine is not None and find_giver(scene) is not None and key_of(mine) in found


def find_giver(scene: Scene) -> Field | None:
    """The writer's other field, which has the number of the reader's field that was renumbered; perhaps none."""
    mine, theirs = scene.course.leaf.mine, scene.course.leaf.theirs
    if scene.mismatch.kind != "field_renumbered" or mine is None or theirs is None:
        return None
    number = wire_of(mine).number
    return next((field for field in scene.course.leaf.writer.fields if wire_of(field).number == number), None)


def _is_another_message(scene: Scene, leaf: Leaf, found: Value) -> bool:
    """Whether it is shown under other names, or means something else because its type is well-known."""
    mine, theirs = scene.course.leaf.mine, scene.course.leaf.theirs
    if mine is None or theirs is None or leaf.get(key_of(theirs), MISSING) is MISSING:
        return False
    here, there = list_elements(mine, found), list_elements(theirs, leaf)
    if isinstance(mine.type, Map) and isinstance(theirs.type, Map):
        here, there = ([cast(Value, entry)["value"] for entry in entries] for entries in (here, there))
    return bool(find_well_known(scene)) or any(
        isinstance(got, Mapping) and isinstance(sent, Mapping) and set(got) != set(sent)
        for got, sent in zip(here, there, strict=False)
    )


def find_well_known(scene: Scene) -> str:
    """The well-known type that only one side has."""
    mine, theirs = scene.course.leaf.mine, scene.course.leaf.theirs
    elements = find_elements(scene.halves, mine, theirs) if mine is not None and theirs is not None else ()
    return next((element.well_known for element in elements if element.well_known), "")


_SHOWN: Final[Mapping[str, Callable[[Scene, Leaf, Value], bool]]] = {
    "field_number_reused": _has_another_name,
    "field_renumbered": _takes_another,
    "message_type_changed": _is_another_message,
}
