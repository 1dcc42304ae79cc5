"""Every change that makes one valid Protobuf schema into another: :data:`MUTATIONS`.

Each names the places it applies to, so that one is drawn only where there is such a place. What it breaks elsewhere is
for :func:`tests.protobuf_schemas.repair`.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from tests.protobuf_schemas import (
    INTEGERS,
    MESSAGE_NAMES,
    ONEOFS,
    SCALARS,
    WELL_KNOWN,
    DrawFn,
    Enum,
    Field,
    Message,
    Model,
    Place,
    apply_syntax,
    could_be_set,
    draw_default,
    draw_field,
    draw_name,
    draw_number,
    draw_type,
    free_key,
)
from tests.protobuf_type_mutations import (
    add_type,
    add_value,
    alias_value,
    change_package,
    change_root,
    change_syntax,
    move_type,
    remove_value,
    rename_type,
    rename_value,
    renumber_value,
    reorder_values,
    replace_type,
    reserve,
    swap_values,
    toggle_closed,
)


class Mutation(NamedTuple):
    """One change: where it applies, and how it is made there."""

    find_places: Callable[[Model], Iterator[Any]]
    apply: Callable[[DrawFn, Model, Any], None]


# Places


def _model(_model: Model) -> Iterator[None]:
    yield None


def _messages(model: Model) -> Iterator[Message]:
    yield from model.messages.values()


def _could_be_sets(model: Model) -> Iterator[Message]:
    return (message for message in model.messages.values() if message.fields and could_be_set(model, message))


def _enums(model: Model) -> Iterator[Enum]:
    yield from model.enums.values()


def _fields(model: Model) -> Iterator[Place]:
    return (Place(message, each) for message in model.messages.values() for each in message.fields)


def _where(test: Callable[[Model, Field], object]) -> Callable[[Model], Iterator[Place]]:
    return lambda model: (place for place in _fields(model) if test(model, place.field))


def _is_named(model: Model, each: Field) -> bool:
    return each.type in model.types


def _is_entries(model: Model, each: Field) -> bool:
    """Whether the field could be a map: its messages have two fields, and the first one may be a key."""
    entry = model.types.get(each.type)
    if each.many != "repeated" or not isinstance(entry, Message) or each.extension:
        return False
    fields = {one.number: one for one in entry.fields}
    return {*fields} == {1, 2} and not fields[2].many and fields[1].type in ("string", *INTEGERS)


def _named(model: Model) -> Iterator[Message | Enum]:
    yield from model.types.values()


def _movable(model: Model) -> Iterator[str]:
    return (key for key in model.types if key != model.root)


# Fields


def _add_field(draw: DrawFn, model: Model, message: Message) -> None:
    message.fields.insert(draw(st.integers(0, len(message.fields))), draw_field(draw, model, message))


def _remove_field(draw: DrawFn, _model: Model, place: Place) -> None:
    place.message.fields.remove(place.field)
    if draw(st.booleans()) and not place.field.extension:
        place.message.reserved.append(place.field.number)
        place.message.reserved_names.append(place.field.name)


def _retype(draw: DrawFn, model: Model, place: Place) -> None:
    place.field.type = draw_type(draw, model)


_FAMILIES: Final = (
    ("int32", "int64", "uint32", "uint64", "bool"),
    ("sint32", "sint64"),
    ("fixed32", "sfixed32"),
    ("fixed64", "sfixed64"),
    ("string", "bytes"),
)
"""Types that read each other's bytes, as far as the values fit."""


def _retype_nearby(draw: DrawFn, model: Model, place: Place) -> None:
    """Another type of the family, of the field or of the keys of a map."""
    each = place.field
    families = {name: family for family in _FAMILIES for name in family} | dict.fromkeys(model.enums, _FAMILIES[0])
    if each.many == "map" and (each.type not in families or draw(st.booleans())):
        others = [name for name in families[each.key] if name not in (each.key, "bytes")]
        each.key = draw(st.sampled_from(others or ["string"]))
    else:
        each.type = draw(st.sampled_from([name for name in families[each.type] if name != each.type]))


def _is_near_others(model: Model, each: Field) -> bool:
    return each.many == "map" or each.type in (*INTEGERS, "string", "bytes", *model.enums)


def _retype_integer(draw: DrawFn, model: Model, place: Place) -> None:
    place.field.type = draw(st.sampled_from((*INTEGERS, *model.enums)))


def _retype_length(draw: DrawFn, model: Model, place: Place) -> None:
    place.field.type = draw(st.sampled_from(("string", "bytes", *model.messages, *WELL_KNOWN)))


def _rename_field(draw: DrawFn, _model: Model, place: Place) -> None:
    place.field.name = draw_name(draw, place.message)


def _renumber_field(draw: DrawFn, _model: Model, place: Place) -> None:
    place.field.number = draw_number(draw, place.message)


def _swap_fields(draw: DrawFn, _model: Model, place: Place) -> None:
    other = draw(st.sampled_from(place.message.fields))
    what = draw(st.sampled_from(("number", "name", "type")))
    mine, theirs = getattr(place.field, what), getattr(other, what)
    setattr(place.field, what, theirs)
    setattr(other, what, mine)


def _replace_field(draw: DrawFn, _model: Model, place: Place) -> None:
    """The field is renamed, and another one takes its name under a new number."""
    new = deepcopy(place.field)
    new.number = draw_number(draw, place.message)
    place.field.name = draw_name(draw, place.message)
    place.message.fields.append(new)


def _reorder_fields(draw: DrawFn, _model: Model, message: Message) -> None:
    message.fields[:] = draw(st.permutations(message.fields))


def _move_field(draw: DrawFn, model: Model, place: Place) -> None:
    """Into another message, under the same number and name if those are free."""
    place.message.fields.remove(place.field)
    draw(st.sampled_from(list(model.messages.values()))).fields.append(place.field)


def _change_many(draw: DrawFn, _model: Model, place: Place) -> None:
    place.field.many = draw(st.sampled_from([many for many in ("", "repeated") if many != place.field.many]))


def _change_map(draw: DrawFn, _model: Model, place: Place) -> None:
    place.field.many = "map"
    place.field.key = draw(st.sampled_from(("string", *INTEGERS)))


def _map_to_entries(draw: DrawFn, model: Model, place: Place) -> None:
    key, each = free_key(model, MESSAGE_NAMES), place.field
    made = Message(key, fields=[Field("key", 1, each.key), Field("value", 2, each.type)])
    for inner in made.fields:
        apply_syntax(model, inner)
        inner.presence = draw(st.sampled_from((inner.presence, "explicit")))
        inner.verifies = each.verifies
    model.types[key] = made
    each.type, each.many = key, "repeated"


def _entries_to_map(_draw: DrawFn, model: Model, place: Place) -> None:
    first, second = sorted(model.messages[place.field.type].fields, key=lambda each: each.number)
    place.field.key, place.field.type, place.field.many = first.type, second.type, "map"
    place.field.verifies = first.verifies or second.verifies


def _toggle(attribute: str) -> Callable[[DrawFn, Model, Place], None]:
    def apply(_draw: DrawFn, _model: Model, place: Place) -> None:
        setattr(place.field, attribute, not getattr(place.field, attribute))

    return apply


def _change_presence(draw: DrawFn, _model: Model, place: Place) -> None:
    others = [presence for presence in ("implicit", "explicit", "required") if presence != place.field.presence]
    place.field.presence = draw(st.sampled_from(others))


def _change_default(draw: DrawFn, model: Model, place: Place) -> None:
    place.field.default = draw(st.sampled_from((draw_default(draw, model, place.field.type), "")))


def _into_oneof(draw: DrawFn, _model: Model, place: Place) -> None:
    place.field.oneof = draw(st.sampled_from([name for name in (*ONEOFS, "oc") if name != place.field.oneof]))


def _out_of_oneof(_draw: DrawFn, _model: Model, place: Place) -> None:
    place.field.oneof = ""


def _rename_oneof(_draw: DrawFn, _model: Model, place: Place) -> None:
    for each in place.message.fields:
        each.oneof = "oc" if each.oneof == place.field.oneof else each.oneof


def _change_json(draw: DrawFn, _model: Model, place: Place) -> None:
    place.field.json = draw(st.sampled_from(("", "jsonA")))


def _change_extension(draw: DrawFn, _model: Model, place: Place) -> None:
    place.message.ranges = True
    place.field.extension = "" if place.field.extension else draw(st.sampled_from(("file", "message")))


def _extension_to_field(_draw: DrawFn, model: Model, place: Place) -> None:
    """Every extension of the message becomes a field under its number, which no range keeps any more."""
    place.message.ranges = False


def _toggle_set(_draw: DrawFn, _model: Model, message: Message) -> None:
    message.is_set = not message.is_set


def _wrap(draw: DrawFn, model: Model, place: Place) -> None:
    """What the field holds moves into a message of its own."""
    key = free_key(model, MESSAGE_NAMES)
    inner = deepcopy(place.field)
    inner.number, inner.extension, inner.oneof = 1, "", ""
    model.types[key] = Message(key, fields=[inner])
    place.field.type, place.field.many = key, draw(st.sampled_from(("", place.field.many)))


def _unwrap(_draw: DrawFn, model: Model, place: Place) -> None:
    inner = model.types[place.field.type]
    if isinstance(inner, Message) and inner.fields:
        place.field.type, place.field.many = inner.fields[0].type, inner.fields[0].many


def _make_recursive(draw: DrawFn, model: Model, place: Place) -> None:
    place.field.type = next(key for key, type_ in model.types.items() if type_ is place.message)
    place.field.many = draw(st.sampled_from((place.field.many, "repeated")))


def _wrapper(draw: DrawFn, _model: Model, place: Place) -> None:
    known = {"google.protobuf.Int32Value": "int32", "google.protobuf.StringValue": "string"}
    known |= {"google.protobuf.Timestamp": "int64", "google.protobuf.Struct": "bytes"}
    place.field.type = known.get(place.field.type) or draw(st.sampled_from(tuple(known)))


_has_numbers = _where(lambda model, each: each.type in INTEGERS or each.type in model.enums)
_has_length = _where(lambda model, each: each.type in ("string", "bytes") or model.is_message(each.type))
_is_single = _where(lambda _model, each: not each.many and not each.extension)

MUTATIONS: Final[dict[str, Mutation]] = {
    "add a field": Mutation(_messages, _add_field),
    "remove a field": Mutation(_fields, _remove_field),
    "retype": Mutation(_fields, _retype),
    "retype nearby": Mutation(_where(_is_near_others), _retype_nearby),
    "retype a number": Mutation(_has_numbers, _retype_integer),
    "retype what has a length": Mutation(_has_length, _retype_length),
    "rename a field": Mutation(_fields, _rename_field),
    "renumber a field": Mutation(_fields, _renumber_field),
    "swap fields": Mutation(_fields, _swap_fields),
    "replace a field": Mutation(_fields, _replace_field),
    "reorder fields": Mutation(_messages, _reorder_fields),
    "move a field": Mutation(_fields, _move_field),
    "repeat": Mutation(_fields, _change_many),
    "map": Mutation(_where(lambda _model, each: not each.extension), _change_map),
    "map to entries": Mutation(_where(lambda _model, each: each.many == "map"), _map_to_entries),
    "entries to map": Mutation(_where(_is_entries), _entries_to_map),
    "pack": Mutation(_where(lambda _model, each: each.many == "repeated"), _toggle("packed")),
    "delimit": Mutation(_where(lambda model, each: model.is_message(each.type)), _toggle("delimited")),
    "verify UTF-8": Mutation(_where(lambda _model, each: "string" in (each.type, each.key)), _toggle("verifies")),
    "presence": Mutation(_is_single, _change_presence),
    "default": Mutation(
        _where(lambda model, each: not each.many and (each.type in SCALARS or each.type in model.enums)),
        _change_default,
    ),
    "into a oneof": Mutation(_is_single, _into_oneof),
    "out of a oneof": Mutation(_where(lambda _model, each: each.oneof), _out_of_oneof),
    "rename a oneof": Mutation(_where(lambda _model, each: each.oneof), _rename_oneof),
    "JSON name": Mutation(_where(lambda _model, each: not each.extension), _change_json),
    "extension": Mutation(_where(lambda model, each: model.syntax != "proto3"), _change_extension),
    "range removed": Mutation(_where(lambda _model, each: each.extension), _extension_to_field),
    "message set": Mutation(_could_be_sets, _toggle_set),
    "wrap": Mutation(_fields, _wrap),
    "unwrap": Mutation(_where(_is_named), _unwrap),
    "make recursive": Mutation(_fields, _make_recursive),
    "wrapper": Mutation(
        _where(lambda _model, each: each.type in ("int32", "string", "int64", "bytes", *WELL_KNOWN)), _wrapper
    ),
    "add a value": Mutation(_enums, add_value),
    "remove a value": Mutation(_enums, remove_value),
    "rename a value": Mutation(_enums, rename_value),
    "renumber a value": Mutation(_enums, renumber_value),
    "alias a value": Mutation(_enums, alias_value),
    "swap values": Mutation(_enums, swap_values),
    "reorder values": Mutation(_enums, reorder_values),
    "open or close": Mutation(_enums, toggle_closed),
    "add a type": Mutation(_model, add_type),
    "replace a type": Mutation(_where(_is_named), replace_type),
    "rename a type": Mutation(_movable, rename_type),
    "move a type": Mutation(_movable, move_type),
    "reserve": Mutation(_named, reserve),
    "change the package": Mutation(_model, change_package),
    "change the event": Mutation(_model, change_root),
    "change the syntax": Mutation(_model, change_syntax),
}
