"""Hypothesis strategies for valid Protobuf schemas.

A :class:`Model` says what a schema means: presence, packing, UTF-8 and the like stand resolved at each field, whatever
syntax the text is in. How it is spelled (which syntax, which file, which order, which of the many ways to write a name
or a feature) is a question for later: :mod:`tests.protobuf_spelling`.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hypothesis import strategies as st

DrawFn = st.DrawFn

PACKAGES: Final = ("pa", "pb", "pa.pc", "")
SYNTAXES: Final = ("proto3", "proto2", "2023")
FIELD_NAMES: Final = ("a", "b", "c", "d", "e", "g", "h", "i", "j", "k")
MESSAGE_NAMES: Final = ("M", "N", "G", "H", "Q", "R", "S", "T", "U", "V", "W")
ENUM_NAMES: Final = ("E", "F", "D", "K", "L")
ONEOFS: Final = ("oa", "ob")
INTEGERS: Final = (
    "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64", "bool",
)  # fmt: skip
SCALARS: Final = (*INTEGERS, "float", "double", "string", "bytes")
WELL_KNOWN: Final = {
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Int32Value": "wrappers",
    "google.protobuf.StringValue": "wrappers",
    "google.protobuf.Struct": "struct",
}
"""Well-known types, each with the file that has it."""
FIRST_EXTENSION: Final = 100
LAST_EXTENSION: Final = 119

DEFAULTS: Final = {
    "bool": ("true", "false"),
    "float": ("0.1", "inf", "nan", "-1.5", "0", "1e10"),
    "double": ("0.1", "-inf", "nan", "1e300", "-0"),
    "string": ('"a"', '""', r'"\303\244"', r'"q\"\\"'),
    "bytes": ('"a"', r'"\377\000"', '""'),
}
NUMBERS: Final = ("5", "0", "1", "127")


@dataclass(slots=True)
class Field:
    """One field; what has no meaning for its type is false or empty."""

    name: str
    number: int
    type: str
    """A scalar, a key of :attr:`Model.types`, or a well-known type."""
    many: str = ""
    """``repeated``, ``map`` or nothing."""
    key: str = "string"
    """The type of a map's keys."""
    presence: str = "explicit"
    """``implicit``, ``explicit`` or ``required``, of a single field."""
    packed: bool = False
    delimited: bool = False
    verifies: bool = False
    """Whether text must be UTF-8."""
    default: str = ""
    """As it is written; of an enum the name of a value."""
    oneof: str = ""
    json: str = ""
    extension: str = ""
    """Where an extension is declared: beside the message it extends (``file``) or in it (``message``)."""


@dataclass(slots=True)
class Message:
    """A message; ``ranges`` keeps the numbers from 100 to 119 for extensions, ``is_set`` makes it a message set."""

    name: str
    parent: str = ""
    """The key of the message around it."""
    fields: list[Field] = field(default_factory=list)
    reserved: list[int] = field(default_factory=list)
    reserved_names: list[str] = field(default_factory=list)
    ranges: bool = False
    is_set: bool = False


class Place(NamedTuple):
    """A field and its message."""

    message: Message
    field: Field


@dataclass(slots=True)
class Enum:
    """An enum; values are pairs of name and number, in their order."""

    name: str
    parent: str = ""
    values: list[tuple[str, int]] = field(default_factory=list)
    closed: bool = False
    reserved: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Model:
    """A schema before it is spelled."""

    syntax: str
    """What it is written in, as far as that can say what is meant."""
    package: str
    types: dict[str, Message | Enum]
    """By a key that a type keeps for its life, whatever it is called and wherever it moves."""
    root: str = "M"
    """The key of the event's message."""

    def copy(self) -> "Model":
        """The same, to be changed."""
        return deepcopy(self)

    @property
    def messages(self) -> dict[str, Message]:
        """The messages by key."""
        return {key: type_ for key, type_ in self.types.items() if isinstance(type_, Message)}

    @property
    def enums(self) -> dict[str, Enum]:
        """The enums by key."""
        return {key: type_ for key, type_ in self.types.items() if isinstance(type_, Enum)}

    def is_message(self, type_: str) -> bool:
        """Whether a field of the type holds messages."""
        return type_ in WELL_KNOWN or isinstance(self.types.get(type_), Message)

    def full_name(self, key: str) -> str:
        """The full name of a type, without the dot before it."""
        if key in WELL_KNOWN:
            return key
        parts = [self.types[one].name for one in (*reversed(list(self.outer(key))), key)]
        return ".".join([self.package, *parts] if self.package else parts)

    def outer(self, key: str) -> Iterator[str]:
        """The messages around a type, the innermost first."""
        while key := self.types[key].parent:
            yield key


_KINDS: Final = ("NE", "N", "NEG", "NFG", "", "E", "NG", "EF", "NEFG")
"""The types beside the root; those of ``ENUM_NAMES`` are enums."""
_RARELY: Final = st.sampled_from((False,) * 5 + (True,))
_COUNTS: Final = st.sampled_from((2, 3, 1, 4, 5, 3, 0))


@st.composite
def schemas(draw: DrawFn) -> Model:
    """A valid schema, with messages that may hold each other in a circle."""
    model = Model(draw(st.sampled_from(SYNTAXES)), draw(st.sampled_from(PACKAGES)), {"M": Message("M")})
    for key in draw(st.sampled_from(_KINDS)):
        parent = draw(st.sampled_from(("", "", *model.messages)))
        model.types[key] = draw_enum(draw, model, key) if key in ENUM_NAMES else Message(key)
        model.types[key].parent = parent
    for message in model.messages.values():
        message.ranges = model.syntax != "proto3" and draw(_RARELY)
        for _ in range(draw(_COUNTS)):
            message.fields.append(draw_field(draw, model, message))
        if message.ranges and draw(st.booleans()):
            become_set(draw, model, message)
        if draw(_RARELY):
            message.reserved = draw(st.lists(st.integers(1, 12), max_size=3, unique=True))
            message.reserved_names = draw(st.lists(st.sampled_from(FIELD_NAMES), max_size=1))
    _use_all(draw, model)
    repair(model)
    return model


def _use_all(draw: DrawFn, model: Model) -> None:
    """Let most types be needed by one before them, so that changes of them are changes of the event."""
    keys = list(model.types)
    for index, key in enumerate(keys[1:], 1):
        used = {each.type for message in model.messages.values() for each in message.fields}
        if key not in used and not draw(_RARELY):
            around = draw(st.sampled_from([each for each in keys[:index] if each in model.messages]))
            message = model.messages[around]
            message.fields.append(draw_field(draw, model, message))
            message.fields[-1].type = key


def draw_enum(draw: DrawFn, model: Model, key: str) -> Enum:
    """An enum with one to four values; those of one that is open begin with zero."""
    closed = model.syntax == "proto2" or (model.syntax == "2023" and draw(_RARELY))
    numbers = draw(st.lists(st.sampled_from((0, 1, 2, 3, 5, -1, 2**31 - 1)), min_size=1, max_size=4, unique=True))
    if not closed:
        numbers = [0, *(number for number in numbers if number)]
    values = [(f"{key}_{letter}", number) for letter, number in zip("ABCD", numbers, strict=False)]
    return Enum(key, "", [*values, *([(f"{key}_X", numbers[-1])] if draw(_RARELY) else [])], closed)


def draw_type(draw: DrawFn, model: Model) -> str:
    """Any type there is."""
    kind = draw(st.sampled_from(("scalar", "scalar", "scalar", "named", "named", "well-known")))
    if kind == "scalar" or (kind == "well-known" and draw(st.booleans())):
        return draw(st.sampled_from(SCALARS))
    return draw(st.sampled_from(tuple(model.types if kind == "named" else WELL_KNOWN)))


def draw_field(draw: DrawFn, model: Model, message: Message) -> Field:
    """A field with a name and number that are free; :func:`repair` makes it fit the rest."""
    made = Field(draw_name(draw, message), draw_number(draw, message), draw_type(draw, model))
    made.many = draw(st.sampled_from(("", "", "", "repeated", "map")))
    made.key = draw(st.sampled_from(("string", *INTEGERS)))
    apply_syntax(model, made)
    edition = model.syntax == "2023"
    if model.syntax == "proto3":
        made.presence = draw(st.sampled_from(("implicit", "implicit", "explicit")))
    elif draw(_RARELY):
        made.presence = draw(st.sampled_from(("required", "implicit" if edition else "required")))
    if draw(_RARELY):
        made.packed = not made.packed
    if model.syntax != "proto3" and draw(_RARELY):
        made.delimited, made.name = True, made.type.lower() if made.type in ("G", "H") else made.name
    if edition and draw(_RARELY):
        made.verifies = False
    if model.syntax != "proto3" and not draw(st.integers(0, 2)):
        made.default = draw_default(draw, model, made.type)
    made.oneof = draw(st.sampled_from(("", "", "", "", ONEOFS[0], ONEOFS[0], ONEOFS[1])))
    if draw(_RARELY):
        made.json = f"json{made.number}"
    if message.ranges and draw(st.booleans()):
        made.extension = draw(st.sampled_from(("file", "message")))
    return made


def become_set(draw: DrawFn, model: Model, message: Message) -> None:
    """Leave nothing in a message but what a message set may hold, and let it be one or not."""
    message.ranges, message.is_set = True, draw(st.booleans())
    for each in message.fields:
        each.extension, each.many, each.type = "file", "", draw(st.sampled_from(tuple(model.messages)))


def apply_syntax(model: Model, made: Field) -> None:
    """What the field is in the model's syntax where nothing is said of it."""
    made.presence = "implicit" if model.syntax == "proto3" else "explicit"
    made.packed = made.verifies = model.syntax != "proto2"
    made.delimited = False


def draw_default(draw: DrawFn, model: Model, type_: str) -> str:
    """A default of a type, or nothing where there is none."""
    enum = model.types.get(type_)
    if isinstance(enum, Enum):
        return draw(st.sampled_from(enum.values))[0]
    if type_ not in SCALARS:
        return ""
    return draw(st.sampled_from(DEFAULTS.get(type_, NUMBERS)))


def draw_name(draw: DrawFn, message: Message) -> str:
    """A name that no field has."""
    taken = {each.name for each in message.fields}
    return draw(st.sampled_from([name for name in FIELD_NAMES if name not in taken][:5] or ["z"]))


def draw_number(draw: DrawFn, message: Message) -> int:
    """A number that no field has."""
    taken = {each.number for each in message.fields}
    return draw(st.sampled_from([number for number in range(1, 30) if number not in taken][:5]))


def free_key(model: Model, names: tuple[str, ...]) -> str:
    """A key that no type has, which is a name as well."""
    taken = {*model.types, *(type_.name for type_ in model.types.values())}
    return next((name for name in names if name not in taken), f"{names[0]}{len(model.types)}")


# Repair


def repair(model: Model) -> None:
    """Make the model one that compiles: what does not fit is left out, or becomes what is nearest."""
    _name_apart(model)
    for enum in model.enums.values():
        _repair_enum(enum)
    for message in model.messages.values():
        _repair_message(model, message)
    names = set[str]()
    for message in model.messages.values():
        for each in message.fields:
            while each.extension and each.name in names:  # those beside messages share the package
                each.name += "x"
            names.add(each.name if each.extension else "")


def _name_apart(model: Model) -> None:
    taken = set[tuple[str, str]]()
    for type_ in model.types.values():
        while (type_.parent, type_.name) in taken:
            type_.name += type_.name[0]
        taken.add((type_.parent, type_.name))


def _repair_enum(enum: Enum) -> None:
    values = list(dict(enum.values).items())
    if not enum.closed and values[0][1] != 0:
        zero = (next(name for name in ("ZERO", "NULL", "NIL") if f"{values[0][0][0]}_{name}" not in dict(values)), 0)
        zeros = [value for value in values if value[1] == 0] or [(f"{values[0][0][0]}_{zero[0]}", 0)]
        values = [*zeros, *(value for value in values if value not in zeros)]
    enum.values = values
    enum.reserved = sorted(set(enum.reserved) - {number for _, number in values})


def _repair_message(model: Model, message: Message) -> None:
    names, numbers = set[str](), set[int]()
    for each in message.fields:
        _repair_field(model, message, each)
        while each.name in names:
            each.name += each.name[0]
        low, high = FIRST_EXTENSION if each.extension else 1, LAST_EXTENSION
        if message.ranges and not each.extension:
            high = FIRST_EXTENSION - 1
        free = (number for number in range(low, high) if number not in numbers)
        if each.number in numbers or not low <= each.number <= high:
            each.number = next(free)
        names.add(each.name)
        numbers.add(each.number)
    message.is_set = message.is_set and could_be_set(model, message)
    jsons = [each.json for each in message.fields]
    for each in message.fields:
        if jsons.count(each.json) > 1:
            each.json = ""
    message.reserved = sorted(set(message.reserved) - numbers)
    message.reserved_names = sorted(set(message.reserved_names) - names)


def could_be_set(model: Model, message: Message) -> bool:
    """Whether the message may be a message set: it has nothing but extensions that are single messages."""
    return message.ranges and all(
        each.extension and not each.many and not each.delimited and model.is_message(each.type)
        for each in message.fields
    )


def _repair_field(model: Model, message: Message, each: Field) -> None:
    if each.type not in model.types and each.type not in WELL_KNOWN and each.type not in SCALARS:
        each.type = "int32"
    enum = model.types.get(each.type)
    if not message.ranges:
        each.extension = ""
    if each.extension:
        each.oneof = each.json = ""
        each.many = "repeated" if each.many == "map" else each.many
        each.presence = "explicit"
    if isinstance(enum, Enum) and enum.values[0][1] != 0 and each.many == "map":
        each.type, enum = "int32", None
    is_message = model.is_message(each.type)
    if each.many or each.presence == "required":
        each.oneof = ""
    if each.many or each.oneof:
        each.presence = "explicit"
    if each.presence == "implicit" and (is_message or (isinstance(enum, Enum) and enum.closed)):
        each.presence = "explicit"
    each.packed = each.packed and each.many == "repeated" and not is_message and each.type not in ("string", "bytes")
    each.delimited = each.delimited and is_message and each.many != "map"
    each.verifies = each.verifies and "string" in (each.type, each.key if each.many == "map" else "")
    each.key = each.key if each.many == "map" else "string"
    if each.many or each.presence == "implicit" or not _is_default(enum, each):
        each.default = ""


def _is_default(enum: Message | Enum | None, each: Field) -> bool:
    if isinstance(enum, Enum):
        return each.default in dict(enum.values)
    return each.default in DEFAULTS.get(each.type, NUMBERS if each.type in SCALARS else ())
