"""Changes of enums, of messages as a whole, and of all of a schema: half of :mod:`tests.protobuf_mutations`."""

from copy import deepcopy

from hypothesis import strategies as st

from tests.protobuf_schemas import (
    ENUM_NAMES,
    MESSAGE_NAMES,
    PACKAGES,
    SYNTAXES,
    DrawFn,
    Enum,
    Message,
    Model,
    Place,
    apply_syntax,
    draw_enum,
    draw_field,
    free_key,
)

# Enums


def add_value(draw: DrawFn, _model: Model, enum: Enum) -> None:
    number = draw(st.sampled_from((0, 1, 2, 3, 4, 5, 6, -1, -2, 2**31 - 1, -(2**31))))
    _insert(draw, enum, (_value_name(enum), number))


def _insert(draw: DrawFn, enum: Enum, value: tuple[str, int]) -> None:
    enum.values.insert(draw(st.integers(0, len(enum.values))), value)


def _value_name(enum: Enum) -> str:
    first, taken = enum.values[0][0].partition("_")[0], dict(enum.values)
    return next(name for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if (name := f"{first}_{letter}") not in taken)


def remove_value(draw: DrawFn, _model: Model, enum: Enum) -> None:
    if len(enum.values) > 1:
        _, number = enum.values.pop(draw(st.integers(0, len(enum.values) - 1)))
        if draw(st.booleans()):
            enum.reserved.append(number)


def rename_value(draw: DrawFn, _model: Model, enum: Enum) -> None:
    index = _draw_index(draw, enum)
    enum.values[index] = _value_name(enum), enum.values[index][1]


def renumber_value(draw: DrawFn, _model: Model, enum: Enum) -> None:
    index = _draw_index(draw, enum)
    enum.values[index] = enum.values[index][0], draw(st.sampled_from((0, 1, 2, 3, 7)))


def alias_value(draw: DrawFn, _model: Model, enum: Enum) -> None:
    _insert(draw, enum, (_value_name(enum), draw(st.sampled_from(enum.values))[1]))


def swap_values(draw: DrawFn, _model: Model, enum: Enum) -> None:
    one, other = _draw_index(draw, enum), _draw_index(draw, enum)
    (name, number), (other_name, other_number) = enum.values[one], enum.values[other]
    enum.values[one], enum.values[other] = (name, other_number), (other_name, number)


def reorder_values(draw: DrawFn, _model: Model, enum: Enum) -> None:
    enum.values[:] = draw(st.permutations(enum.values))


def _draw_index(draw: DrawFn, enum: Enum) -> int:
    return draw(st.integers(0, len(enum.values) - 1))


def toggle_closed(_draw: DrawFn, _model: Model, enum: Enum) -> None:
    enum.closed = not enum.closed


# Types


def add_type(draw: DrawFn, model: Model, _place: None) -> None:
    if draw(st.booleans()):
        key = free_key(model, ENUM_NAMES)
        model.types[key] = draw_enum(draw, model, key)
    else:
        key = free_key(model, MESSAGE_NAMES)
        model.types[key] = made = Message(key)
        made.fields.append(draw_field(draw, model, made))


def replace_type(draw: DrawFn, model: Model, place: Place) -> None:
    """Another type of the same shape, its values named otherwise."""
    old = model.types[place.field.type]
    key = free_key(model, ENUM_NAMES if isinstance(old, Enum) else MESSAGE_NAMES)
    model.types[key] = made = deepcopy(old)
    made.name = key
    if isinstance(made, Enum):
        made.values = [(f"{key}{name[1:]}", number) for name, number in made.values]
    else:
        for each in made.fields:
            each.name += "y" * bool(each.extension)
    place.field.type = key


def rename_type(_draw: DrawFn, model: Model, key: str) -> None:
    type_ = model.types[key]
    type_.name = free_key(model, ENUM_NAMES if isinstance(type_, Enum) else MESSAGE_NAMES)


def move_type(draw: DrawFn, model: Model, key: str) -> None:
    """Into another message or out of one, or into another file: out is what is not inside."""
    inside = [other for other in model.messages if other != key and key not in model.outer(other)]
    model.types[key].parent = draw(st.sampled_from(["", *inside]))


def reserve(draw: DrawFn, _model: Model, type_: Message | Enum) -> None:
    drop: bool = draw(st.booleans())
    if type_.reserved and drop:
        type_.reserved.pop()
    else:
        type_.reserved.append(draw(st.integers(1, 15)))


def change_package(draw: DrawFn, model: Model, _place: None) -> None:
    model.package = draw(st.sampled_from(PACKAGES))


def change_root(draw: DrawFn, model: Model, _place: None) -> None:
    """The event is another message: all that can be said of two that have nothing to do with each other."""
    if draw(st.booleans()):
        model.root = draw(st.sampled_from(tuple(model.messages)))
    else:
        rename_type(draw, model, model.root)


def change_syntax(draw: DrawFn, model: Model, _place: None) -> None:
    """Another syntax line, without a thought of what it means for each field and enum."""
    model.syntax = draw(st.sampled_from([syntax for syntax in SYNTAXES if syntax != model.syntax]))
    for message in model.messages.values():
        if model.syntax == "proto3":
            message.ranges = message.is_set = False
        for each in message.fields:
            if not (model.syntax == "2023" and each.presence == "required"):
                apply_syntax(model, each)
            each.default = "" if model.syntax == "proto3" else each.default
    for enum in model.enums.values():
        enum.closed = model.syntax == "proto2"
