"""Defaults that contain themselves: no reader can ever make such a value.

``{}`` for a record leaves out its fields, whose defaults stand for them; where one of these is the default we began
with, there is no end.
"""

from collections.abc import Iterator, Mapping

from registry.formats.avro.defaults import Defaults
from registry.schema import MISSING, Array, Field, Map, Named, Record, Ref, Type, Union

Place = tuple[str, str]
"""A field, by the full name of its record and its own."""


def find_endless(types: Mapping[str, Named], defaults: Defaults) -> Iterator[Field]:
    """The fields whose default comes back to itself, one for each circle; every default of the types fits."""
    fields = {
        (record.name, field.name): field
        for record in types.values()
        if isinstance(record, Record)
        for field in record.fields
        if isinstance(field.default, dict | list)
    }
    done: set[Place] = set()
    for start in fields:
        open_: set[Place] = set()
        waiting = [(start, False)]
        while waiting:
            place, is_made = waiting.pop()
            if is_made:
                open_.discard(place)
                done.add(place)
            elif place in open_:
                yield fields[place]
            elif place in fields and place not in done:
                open_.add(place)
                field = fields[place]
                waiting.append((place, True))
                waiting += [(inner, False) for inner in _find_left_out(field.type, field.default, types, defaults)]


def _find_left_out(type_: Type, value: object, types: Mapping[str, Named], defaults: Defaults) -> Iterator[Place]:
    """The fields that a default leaves to their own defaults; it nests as deep as defaults may."""
    if isinstance(type_, Union):
        branch = defaults.fitting_branch(type_, value)
        if branch is not None:
            yield from _find_left_out(type_.branches[branch], value, types, defaults)
    elif isinstance(type_, Array) and isinstance(value, list):
        for item in value:
            yield from _find_left_out(type_.items, item, types, defaults)
    elif isinstance(value, dict) and isinstance(type_, Map):
        for inner in value.values():
            yield from _find_left_out(type_.values, inner, types, defaults)
    elif isinstance(value, dict) and isinstance(type_, Ref):
        record = types[type_.name]
        assert isinstance(record, Record)  # the default fits
        for field in record.fields:
            if field.name in value:
                yield from _find_left_out(field.type, value[field.name], types, defaults)
            elif field.default is not MISSING:
                yield record.name, field.name
