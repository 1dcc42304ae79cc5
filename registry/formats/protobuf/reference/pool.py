"""Protobuf's messages for one schema, and values put into them and taken out again."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

from registry.formats.protobuf.elements import wire_of
from registry.formats.protobuf.reference.chunks import make_chunk, make_field, split_fields
from registry.formats.protobuf.reference.errors import EncodeError, UnusableDescriptors
from registry.json_names import forget_json_names
from registry.schema import Array, Enum, Field, Map, Record, Ref, Schema, Type

Value = Mapping[str, object]
"""A message: what is set, by field name."""

MAX_DEPTH: Final = 100
"""Messages within each other that protobuf's decoders accept, unless told otherwise."""

_NAME, _SOURCE = 1, 9
"""Fields of a file in descriptor.proto: its name, and the positions in its source."""
_MOST_READY: Final = 8
_READY: Final[dict[bytes, "Messages"]] = {}
"""Messages by their descriptors, those of the last few schemas."""


def key_of(field: Field) -> str:
    """The key of a field in a value."""
    return f"[{field.name}]" if wire_of(field).extension else field.name


def _single(type_: Type) -> Type:
    return type_.items if isinstance(type_, Array) else type_.values if isinstance(type_, Map) else type_


def find_message(type_: Type, schema: Schema) -> Record | None:
    """The message that one element of a type is."""
    resolved = schema.resolve(_single(type_))
    return resolved if isinstance(resolved, Record) else None


def load_messages(schema: Schema) -> "Messages":
    """The messages of a schema, ready for the next value. Raises :class:`UnusableDescriptors`."""
    found = _READY.get(schema.descriptors)
    if found is None:
        if len(_READY) >= _MOST_READY:
            del _READY[next(iter(_READY))]
        found = _READY[schema.descriptors] = Messages(schema)
    return found


def _load_library() -> Any:
    """The C library by itself, or nothing. The modules ``descriptor_pool`` and ``message_factory`` that stand before it
    load the library in Python as well, and that takes six times as long as all that is needed here."""
    try:
        library = import_module("google._upb._message")
    except ImportError:  # an installation without it, or one that keeps it elsewhere
        return None
    # These names are not public: a protobuf that lacks one is asked by the front door.
    return library if hasattr(library, "DescriptorPool") and hasattr(library, "MessageMeta") else None


def _make_pool(library: Any) -> Any:
    if library is None:
        from google.protobuf import descriptor_pool

        library = descriptor_pool
    return library.DescriptorPool()


def _find_class(library: Any, descriptor: Any) -> Any:
    """The class of a message; there is one of each in a pool."""
    if library is None:
        from google.protobuf.message_factory import GetMessageClass

        return GetMessageClass(descriptor)
    from google.protobuf.message import Message

    attributes = {"DESCRIPTOR": descriptor, "__module__": __name__}
    made = getattr(descriptor, "_concrete_class", None)  # as a part of another one
    return made or library.MessageMeta(descriptor.name, (Message,), attributes)


def _has_shared_names(record: Record) -> bool:
    """Whether a field is named for JSON as another one is: old syntaxes let them be, and the library takes one of them
    for the other."""
    numbers: dict[str, int] = {}
    plain = (wire_of(field) for field in record.fields if not wire_of(field).extension)
    return any(numbers.setdefault(wire.json_name, wire.number) != wire.number for wire in plain) or any(
        numbers.get(field.name, wire_of(field).number) != wire_of(field).number for field in record.fields
    )


class Messages:
    """A pool of one schema's own, and the classes that were asked of it; each message keeps its pool alive."""

    def __init__(self, schema: Schema) -> None:
        self._library = _load_library()
        self._pool = _make_pool(self._library)
        self._classes: dict[str, Any] = {}
        self._fields: dict[str, dict[str, Field]] = {}
        self._numbers: dict[str, dict[int, Field]] = {}
        forget = any(_has_shared_names(type_) for type_ in schema.types.values() if isinstance(type_, Record))
        for _, _, file in split_fields(schema.descriptors):
            parts = [each for each in split_fields(file) if each[0] != _SOURCE]
            data = b"".join(make_field(*each) for each in parts)
            try:
                self._add(data, forget=forget)
            except TypeError as error:
                fact = str(error).rpartition("descriptor pool: ")[2]
                name = next((raw.decode() for number, _, raw in parts if number == _NAME), "")
                raise UnusableDescriptors(f"the installed protobuf does not take {name}: {fact}") from error

    def _add(self, data: bytes, *, forget: bool) -> None:
        if not forget:
            try:
                self._pool.AddSerializedFile(data)
                return
            except TypeError:  # perhaps because of the names of a message that is no part of the schema
                pass
        self._pool.AddSerializedFile(forget_json_names(data))

    def make(self, name: str) -> Any:
        """An empty message."""
        if name not in self._classes:
            self._classes[name] = _find_class(self._library, self._pool.FindMessageTypeByName(name))
        return self._classes[name]()

    def default(self, record: Record, field: Field) -> object:
        """What the field reads as in an empty message."""
        return self._read(self.make(record.name), field)

    def _read(self, message: Any, field: Field) -> Any:
        if wire_of(field).extension:
            return message.Extensions[self._pool.FindExtensionByName(field.name)]
        return getattr(message, field.name)

    def _assign(self, message: Any, field: Field, value: object) -> None:
        if wire_of(field).extension:
            message.Extensions[self._pool.FindExtensionByName(field.name)] = value
        else:
            setattr(message, field.name, value)

    def fill(self, message: Any, record: Record, value: Value, path: str, schema: Schema, depth: int = 0) -> None:
        """Set the fields of a message."""
        if depth > MAX_DEPTH:
            raise EncodeError(f"messages are nested deeper than {MAX_DEPTH}", path)
        if record.name not in self._fields:
            self._fields[record.name] = {key_of(field): field for field in record.fields}
        known = self._fields[record.name]
        for key, held in value.items():
            field = known.get(key)
            if field is None:
                raise EncodeError(f"message {record.name} has no field '{key}'", path)
            here = f"{path}/{field.name}"
            try:
                inner = find_message(field.type, schema)
                if inner is None:
                    self._set(message, field, held, schema)
                else:
                    for suffix, made, each in self._make_inner(message, field, held):
                        self.fill(made, inner, each, here + suffix, schema, depth + 1)
            except EncodeError:
                raise
            except (TypeError, ValueError, AttributeError) as error:
                raise EncodeError(f"not a value of the field: {error}", here) from error

    def _make_inner(self, message: Any, field: Field, held: Any) -> Iterator[tuple[str, Any, Value]]:
        """The messages in a field, each made, with its place and its value."""
        container = self._read(message, field)
        if isinstance(field.type, Map):
            for key, each in held.items():
                if not isinstance(key, bytes):
                    yield f"{{{key}}}", container[key], each
                    continue
                made = self._make_entry(message, field, {1: key})
                made.value.SetInParent()
                yield f"{{{key!r}}}", made.value, each  # whoever asks for the next one has filled it
                message.MergeFromString(make_chunk(wire_of(field).number, made.SerializePartialToString()))
        elif isinstance(field.type, Array):
            for index, each in enumerate(held):
                yield f"[{index}]", container.add(), each
        else:
            container.SetInParent()
            yield "", container, held

    def _set(self, message: Any, field: Field, held: Any, schema: Schema) -> None:
        """Set a field that holds no messages."""
        type_ = field.type
        if isinstance(type_, Map):
            if _has_raw(held):
                self._merge_entries(message, field, held)
                return
            container = self._read(message, field)
            for key, each in held.items():
                container[key] = _number_of(each, type_.values, schema)
        elif isinstance(type_, Array):
            container = self._read(message, field)
            for each in held:
                if isinstance(each, bytes) and _is_text(type_):
                    _merge_raw(message, field, each)
                else:
                    container.append(_number_of(each, type_.items, schema))
        elif isinstance(held, bytes) and _is_text(type_):
            _merge_raw(message, field, held)
        else:
            self._assign(message, field, _number_of(held, type_, schema))

    def _find_entry(self, message: Any, field: Field) -> Any:
        """The class of the message that stands for the entries of a map."""
        descriptor = message.DESCRIPTOR.fields_by_number[wire_of(field).number]
        return _find_class(self._library, descriptor.message_type)

    def _merge_entries(self, message: Any, field: Field, held: Mapping[object, object]) -> None:
        for key, each in held.items():
            made = self._make_entry(message, field, {1: key, 2: each})
            message.MergeFromString(make_chunk(wire_of(field).number, made.SerializeToString()))

    def _make_entry(self, message: Any, field: Field, held: Mapping[int, object]) -> Any:
        """An entry of a map with scalars by number; text may be bytes that are not UTF-8."""
        made = self._find_entry(message, field)()
        for number, each in held.items():
            descriptor = made.DESCRIPTOR.fields_by_number[number]
            if isinstance(each, bytes) and descriptor.type == descriptor.TYPE_STRING:
                if wire_of(field).verifies_utf8:
                    each.decode()  # says what is wrong
                made.MergeFromString(make_chunk(number, each))
            else:
                setattr(made, descriptor.name, each)
        return made

    def plain(self, message: Any, record: Record, schema: Schema) -> dict[str, object]:
        """What is set in a message; keys of maps in order, because the library's order changes from run to run."""
        if record.name not in self._numbers:
            self._numbers[record.name] = {wire_of(field).number: field for field in record.fields}
        numbers = self._numbers[record.name]
        value: dict[str, object] = {}
        for descriptor, held in message.ListFields():
            field = numbers.get(descriptor.number)
            if field is None:
                continue
            inner = find_message(field.type, schema)
            if isinstance(field.type, Map):
                pairs = sorted(
                    self._pairs(message, field, held), key=lambda pair: (isinstance(pair[0], bytes), pair[0])
                )
                value[key_of(field)] = {
                    key: each if inner is None else self.plain(each, inner, schema) for key, each in pairs
                }
            elif isinstance(field.type, Array):
                value[key_of(field)] = [each if inner is None else self.plain(each, inner, schema) for each in held]
            else:
                value[key_of(field)] = held if inner is None else self.plain(held, inner, schema)
        return value

    def _pairs(self, message: Any, field: Field, held: Any) -> list[tuple[Any, Any]]:
        try:
            return [(key, held[key]) for key in held]
        except UnicodeDecodeError:  # the container wants text as keys; the message of an entry takes what it gets
            entry, number = self._find_entry(message, field), wire_of(field).number
            data = message.SerializePartialToString(deterministic=True)
            entries = [entry.FromString(raw) for found, _, raw in split_fields(data) if found == number]
            return [(each.key, each.value) for each in entries]


def _has_raw(held: Mapping[object, object]) -> bool:
    return any(isinstance(each, bytes) for pair in held.items() for each in pair)


def _is_text(type_: Type) -> bool:
    return getattr(_single(type_), "name", "") == "string"


def _number_of(value: Any, type_: Type, schema: Schema) -> Any:
    """The number of an enum's value that is given by name; everything else as it is."""
    if isinstance(value, str) and isinstance(type_, Ref):
        resolved = schema.resolve(type_)
        if isinstance(resolved, Enum):
            found = next((symbol.number for symbol in resolved.symbols if symbol.name == value), None)
            if found is None:
                raise ValueError(f"enum {resolved.name} has no value '{value}'")
            return found
    return value


def _merge_raw(message: Any, field: Field, text: bytes) -> None:
    """Set a string to bytes that may not be UTF-8, which the library takes from the wire only."""
    if wire_of(field).verifies_utf8:
        text.decode()  # says what is wrong
    message.MergeFromString(make_chunk(wire_of(field).number, text))
