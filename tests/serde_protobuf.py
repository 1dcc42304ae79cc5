"""Protobuf versions for tests of the serializer, with classes such as the stubs have, made on the spot."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, make_dataclass
from enum import Enum
from typing import Any

from registry.formats.protobuf import parse
from registry.serde.bundle import BundledVersion
from registry.serde.naming import attribute_name, member_name
from registry.serde.protobuf import Messages, load
from registry.serde.shape import Shape

SPECIAL = ("google.protobuf.Timestamp", "google.protobuf.Duration")


def make_version(text: str, event: str, number: int = 1, **more: str) -> BundledVersion:
    """A version of one file, or of that and further ones (``common`` is ``common.proto``)."""
    files = {"event.proto": text} | {f"{name}.proto": each for name, each in more.items()}
    return version_of(parse(files, ["event.proto"], event).descriptors, number, files)


def version_of(descriptors: bytes, number: int = 1, files: Mapping[str, str] | None = None) -> BundledVersion:
    """A version with descriptors as protoc wrote them."""
    return BundledVersion(
        number=number, schema_id=number, guid="", root="event.proto", files=files or {}, descriptors=descriptors
    )


def load_text(text: str, event: str = "p.M", **more: str) -> Messages:
    """The messages of a file."""
    return load(make_version(text, event, 1, **more), event)


def make_shape(messages: Messages, **envelope: tuple[str, ...]) -> Shape:
    """A class for each message and enum below the event, without the fields of the envelope."""
    hidden = set(envelope.values())
    types: dict[str, type] = {}
    for message, path in _find_messages(messages):
        names = [attribute_name(field.name) for field in message.fields if (*path, field.name) not in hidden]
        if message.full_name not in types:
            title = message.full_name.removeprefix(f"{message.file.package}.").replace(".", "")
            types[message.full_name] = make_dataclass(
                title, [(name, Any, None) for name in names], kw_only=True, slots=True
            )
        for field in message.fields:
            for enum in {field.enum_type, _value_enum(field)} - {None}:
                members = [(member_name(value.name), value.number) for value in enum.values]
                types.setdefault(enum.full_name, Enum(enum.name, members))  # type: ignore[arg-type]  # made by a call
    return Shape(types=types, envelope=envelope)


def _value_enum(field: Any) -> Any:
    inner = field.message_type.fields_by_name.get("value") if field.message_type is not None else None
    return inner.enum_type if inner is not None else None


def _find_messages(messages: Messages) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Each message below the event, with the first way to it."""
    waiting: list[tuple[Any, tuple[str, ...]]] = [(messages.event, ())]
    seen = set()
    for message, path in waiting:  # grows while it is read
        if message.full_name in seen:
            continue
        seen.add(message.full_name)
        yield message, path
        waiting += [(part.type, (*path, part.name)) for part in messages.parts_of(message) if part.kind == "message"]


def plain_of(value: Any) -> Any:
    """What the plain decoder gives for a typed event."""
    if is_dataclass(value):
        return {field.name: plain_of(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return [plain_of(each) for each in value]
    if isinstance(value, dict):
        return {key: plain_of(each) for key, each in value.items()}
    return value
