"""The messages of one version, in a pool of their own: two versions of one file would collide in the library's."""

from collections.abc import Iterator
from typing import Any

from registry.json_names import forget_json_names
from registry.serde.bundle import BundledVersion
from registry.serde.errors import SerdeError, UnfitStub
from registry.serde.protobuf.classes import find_method
from registry.serde.protobuf.parts import Part, find_parts

_FILE = 0x0A
"""The tag of a file in a FileDescriptorSet: field 1, with a length."""

MAX_DEPTH = 100
"""Messages below an event, each in the one before, that protobuf's decoders take; an entry of a map is one."""


class Messages:
    """Protobuf's classes of one version, and which of them is the event."""

    __slots__ = ("_parts", "event", "indexes", "pool")

    def __init__(self, pool: Any, event: str) -> None:
        self.pool = pool
        self.event = pool.FindMessageTypeByName(event)
        """The descriptor of the event's message."""
        self.indexes = _find_indexes(self.event)
        """Where the event stands in its file: what Confluent's frame says of it."""
        self._parts: dict[str, tuple[Part, ...]] = {}

    def parts_of(self, message: Any) -> tuple[Part, ...]:
        """The fields of a message, by its descriptor."""
        found = self._parts.get(message.full_name)
        if found is None:
            found = self._parts[message.full_name] = tuple(find_parts(message))
        return found

    def below(self) -> Iterator[Any]:
        """The messages that an event can hold, and its own first; none of those that are values."""
        seen = {self.event.full_name: self.event}
        waiting = [self.event]
        for message in waiting:  # grows while it is read
            yield message
            for part in self.parts_of(message):
                if part.kind == "message" and part.type.full_name not in seen:
                    seen[part.type.full_name] = part.type
                    waiting.append(part.type)

    def has(self, message: Any, name: str) -> bool:
        """Whether a field of one of the messages is set, of those where that can be told."""
        return bool(find_method(type(message), "HasField")(message, name))


def load(version: BundledVersion, event: str) -> Messages:
    """The messages of a version. Raises :class:`SerdeError` without the library, and :class:`UnfitStub`."""
    try:
        from google.protobuf.descriptor_pool import DescriptorPool
    except ImportError as error:
        raise SerdeError(
            f"{event} is an event in Protobuf, and the library is not installed",
            "pip install 'event-contracts[protobuf]'",
        ) from error
    subject = f"{event} v{version.number}"
    try:
        files = list(_split(version.descriptors))
    except IndexError as error:
        raise UnfitStub(
            f"{subject}: the descriptors in the stubs are cut short", "make the stubs again: contracts gen"
        ) from error
    pool = DescriptorPool()
    if any(_has_shared_names(message) for message in _find_all(_fill(pool, files, subject))):
        pool = DescriptorPool()
        _fill(pool, [forget_json_names(file) for file in files], subject)
    try:
        return Messages(pool, event)
    except KeyError as error:
        raise UnfitStub(
            f"{subject}: the descriptors in the stubs have no such message", "make the stubs again: contracts gen"
        ) from error


def _fill(pool: Any, files: list[bytes], subject: str) -> list[Any]:
    """Adds the files; their descriptors."""
    added = []
    for file in files:
        try:
            added.append(pool.AddSerializedFile(file))
        except TypeError as error:
            try:  # two fields with one name in JSON, which old syntaxes allow
                added.append(pool.AddSerializedFile(forget_json_names(file)))
            except (TypeError, ValueError):
                fact = str(error).rpartition("descriptor pool: ")[2]
                raise UnfitStub(
                    f"{subject}: the installed protobuf does not take its descriptors: {fact}",
                    "install a protobuf as new as the protoc that made the stubs, or generate them again",
                ) from error
    return added


def _split(descriptors: bytes) -> Iterator[bytes]:
    """The files of a FileDescriptorSet, each after those it imports. Raises :class:`IndexError`."""
    at = 0
    while at < len(descriptors):
        tag, size, shift = descriptors[at], 0, 0
        at += 1
        while True:
            byte = descriptors[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if tag != _FILE or at + size > len(descriptors):
            raise IndexError(at)
        yield descriptors[at : at + size]
        at += size


def _find_all(files: list[Any]) -> Iterator[Any]:
    """Every message of the files."""
    for file in files:
        waiting = list(file.message_types_by_name.values())
        for message in waiting:  # grows while it is read
            yield message
            waiting.extend(message.nested_types)


def _has_shared_names(message: Any) -> bool:
    """Whether a field is named for JSON as another one is: the library takes one of them for the other."""
    names = {field.name: field.number for field in message.fields}
    return any(names.get(field.json_name, field.number) != field.number for field in message.fields)


def _find_indexes(message: Any) -> tuple[int, ...]:
    """The place of a message among its siblings, from the file down."""
    around = message.containing_type
    siblings = message.file.message_types_by_name.values() if around is None else around.nested_types
    place = next(index for index, each in enumerate(siblings) if each.full_name == message.full_name)
    return (place,) if around is None else (*_find_indexes(around), place)
