"""The verdict about two fields agrees with what protobuf's own decoder makes of the bytes."""

from typing import Any

import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from registry.formats.mismatch import Pair, Step
from registry.formats.protobuf import find_mismatches, parse
from registry.formats.protobuf.compile import compile_files
from registry.formats.protobuf.scalars import SCALARS
from registry.schema import Ref, Schema

TYPES = {**dict.fromkeys(SCALARS, ""), "Open": "o", "Closed": "c", "Inner": "m"}
LABELS = ("", "optional ", "repeated ", "map")

SAMPLES: dict[str, tuple[Any, ...]] = {
    "bool": (False, True),
    "float": (1.5, -2.0),
    "double": (1.5, -2.0),
    "string": ("abc", "\x08\x96\x01", "ü"),
    "bytes": (b"abc", b"\xff\xfe", b"\x08\x96\x01"),
    "Open": (0, 1, 7, -1),
    "Closed": (0, 1),
}


def _samples(type_: str) -> tuple[Any, ...]:
    if type_ in SAMPLES:
        return SAMPLES[type_]
    scalar = SCALARS[type_]
    return (0, 1, 200, scalar.low, scalar.high)


def _message(type_: str, label: str) -> str:
    name = f"{type_.capitalize()}_{label.strip() or 'implicit'}"
    declared = f"map<int32, {type_}>" if label == "map" else f"{label}{type_}"
    presence = " [features.field_presence = IMPLICIT]" if not label and type_ in {*SCALARS, "Open"} else ""
    declared = declared.removeprefix("optional ")
    return f"message {name} {{ {declared} f = 1{presence}; }}\n"


TEXT = (
    'edition = "2023";\npackage p;\nenum Open { ZERO = 0; ONE = 1; }\n'
    "enum Closed { option features.enum_type = CLOSED; NONE = 0; SOME = 1; }\n"
    "message Inner { int32 a = 1; int32 b = 2; }\n"
    + "".join(_message(type_, label) for type_ in TYPES for label in LABELS)
)
FILES = {"wire.proto": TEXT}
NAMES = [(f"{type_.capitalize()}_{label.strip() or 'implicit'}", type_, label) for type_ in TYPES for label in LABELS]


@pytest.fixture(scope="module")
def schema() -> Schema:
    return parse(FILES, ["wire.proto"])


@pytest.fixture(scope="module")
def pool() -> descriptor_pool.DescriptorPool:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    pool = descriptor_pool.DescriptorPool()
    pool.Add(FileDescriptorSet.FromString(compile_files(FILES, ["wire.proto"])[0]).file[0])
    return pool


def _write(message: Message, type_: str, label: str) -> list[tuple[Any, bytes]]:
    """Values of the field, each as the reader should see it, with its bytes."""
    written = []
    if type_ == "Inner":
        values: tuple[Any, ...] = ((1, 0), (0, 2), (3, 4))
    else:
        values = _samples(type_)
    for value in values:
        message.Clear()
        if label == "map":
            target = message.f[5] if type_ == "Inner" else None
            if target is None:
                message.f[5] = value
            else:
                target.a, target.b = value
        elif label == "repeated ":
            for each in (value, values[0]):
                if type_ == "Inner":
                    message.f.add(a=each[0], b=each[1])
                else:
                    message.f.append(each)
        elif type_ == "Inner":
            message.f.a, message.f.b = value
        else:
            message.f = value
        written.append((_plain(message, label), message.SerializeToString()))
    return written


def _plain(message: Message, label: str) -> Any:
    """The value of the field: a list of what is in it; an absent zero and a zero are the same."""
    value = message.f
    if label == "map":
        return [(key, _scalar(each)) for key, each in value.items()]
    each = [_scalar(item) for item in value] if label == "repeated " else [_scalar(value)]
    return [item for item in each if item] if label != "repeated " else each


def _scalar(value: object) -> object:
    if isinstance(value, Message):
        return {field.name: each for field, each in value.ListFields()}
    return value.encode() if isinstance(value, str) else value


@pytest.mark.parametrize(("writer", "type_", "label"), NAMES)
def test_a_verdict_is_what_happens_to_the_value(
    schema: Schema, pool: descriptor_pool.DescriptorPool, writer: str, type_: str, label: str
) -> None:
    classes = {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"p.{name}")) for name, _, _ in NAMES}
    wrong = []
    for reader, other, other_label in NAMES:
        if "map" in {label, other_label} and label != other_label:
            continue  # entries are messages of their own; the rows about them are in test_protobuf_resolution
        if "Inner" in {type_, other} and type_ != other and {type_, other} & {"bytes"}:
            continue  # likewise
        survives = True
        for value, data in _write(classes[writer](), type_, label):
            try:
                seen = _plain(classes[reader].FromString(data), other_label)
            except DecodeError:
                survives = False
                break
            expected = [each for each in value if each] if other_label != "repeated " and label != "map" else value
            if label != "repeated " and other_label == "repeated ":
                seen = [each for each in seen if each]  # an explicit zero is one element
            if seen != expected:
                survives = False
                break
        pair = Pair(_only(schema, reader), _only(schema, writer))
        kinds = {found.kind: found.step for found in find_mismatches(pair) if found.kind != "message_renamed"}
        if survives != all(step is Step.SOURCE for step in kinds.values()):
            wrong.append((reader, "survives" if survives else "changes", sorted(kinds)))
    assert wrong == []


def _only(schema: Schema, name: str) -> Schema:
    return Schema("protobuf", (Ref(f"p.{name}", schema.types[f"p.{name}"].at),), schema.types)
