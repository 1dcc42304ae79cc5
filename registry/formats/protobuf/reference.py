"""Values to bytes and back, by protobuf's own messages: what really happens to an event.

The messages are made from the descriptors that a schema was compiled to, in a pool of their own, so that two revisions
of one type never meet. A value is a mapping of field name to what is set: an absent field has no key. An extension
stands under its full name in brackets, as in JSON. Enums are numbers, maps are mappings, and a string that is not UTF-8
is its bytes, where the language lets such a string pass.

Nothing on the way of a hook imports this: ``google.protobuf`` costs more than the whole check.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from registry.formats.protobuf.elements import wire_of
from registry.formats.protobuf.malformed import find_fault, split_fields
from registry.formats.protobuf.scalars import LENGTH
from registry.schema import Array, Enum, Field, Map, Record, Ref, Schema, Type

Value = Mapping[str, object]
"""A message: what is set, by field name."""

MAX_DEPTH: Final = 100
"""Messages within each other that protobuf's decoders accept, unless told otherwise."""


class CodecError(ValueError):
    """A value that cannot be written, or bytes that cannot be read: ``fact``, at ``path``."""

    def __init__(self, fact: str, path: str) -> None:
        super().__init__(f"{fact} at {path or '/'}")
        self.fact = fact
        self.path = path or "/"


class EncodeError(CodecError):
    """A value that the writer's schema does not allow."""


class DecodeError(CodecError):
    """Bytes that the reader's schema refuses."""


class UnusableDescriptors(RuntimeError):
    """The installed protobuf does not take what protoc wrote: it is older, or it lacks a feature."""


def key_of(field: Field) -> str:
    """The key of a field in a value."""
    return f"[{field.name}]" if wire_of(field).extension else field.name


def encode(schema: Schema, root: str, value: Value) -> bytes:
    """The bytes of a value of the message ``root``, the same ones each time.

    Fields that are required may be absent: whether they are is the reader's question. Enums may also be given by name.
    Raises :class:`EncodeError`, and :class:`UnusableDescriptors`.
    """
    messages = _messages_of(schema)
    message = messages.make(root)
    messages.fill(message, _record(schema, root), value, "", schema)
    return cast(bytes, message.SerializePartialToString(deterministic=True))


def decode(schema: Schema, root: str, data: bytes, *, partial: bool = False) -> dict[str, object]:
    """What the message ``root`` makes of bytes; what it does not know is left out.

    With ``partial``, required fields may be missing. Raises :class:`DecodeError` where bytes are malformed, text is not
    UTF-8 and the schema verifies it, or a required field is missing; and :class:`UnusableDescriptors`.
    """
    from google.protobuf.message import DecodeError as Malformed

    messages = _messages_of(schema)
    message, record = messages.make(root), _record(schema, root)
    try:
        message.MergeFromString(data)
    except Malformed as error:
        path, fact = find_fault(schema, record, data)
        raise DecodeError(fact, path) from error
    value = messages.plain(message, record, schema)
    if not partial and not message.IsInitialized():
        for path, _ in find_missing(schema, root, value):
            raise DecodeError("required field is missing", path)
    return value


def find_missing(schema: Schema, root: str, value: Value) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The required fields that a decoded value lacks: the path of each, with positions, and its field numbers."""
    waiting: list[tuple[Record, Value, str, tuple[int, ...]]] = [(_record(schema, root), value, "", ())]
    while waiting:
        record, held, path, numbers = waiting.pop()
        for field in record.fields:
            key, number = key_of(field), wire_of(field).number
            here, down = f"{path}/{field.name}", (*numbers, number)
            if key not in held:
                if wire_of(field).presence == "required":
                    yield here, down
                continue
            inner = _message_of(field.type, schema)
            if inner is not None:
                waiting.extend((inner, each, here + suffix, down) for suffix, each in _items(field, held[key]))


def default_of(schema: Schema, record: Record, field: Field) -> object:
    """What a field without presence, or one that is absent, reads as; of messages and repeated fields nothing is."""
    if record.name not in schema.types:  # stands for the entries of a map, which no pool knows
        return _zero(field.type, schema)
    messages = _messages_of(schema)
    return messages.default(record, field)


def _zero(type_: Type, schema: Schema) -> object:
    resolved = schema.resolve(type_)
    if isinstance(resolved, Enum):
        return resolved.symbols[0].number
    return {"string": "", "bytes": b"", "bool": False, "float": 0.0, "double": 0.0}.get(
        getattr(resolved, "name", ""), 0
    )


def _items(field: Field, value: object) -> Iterator[tuple[str, Value]]:
    """The messages in a field, each with what stands after the field's name in a path."""
    if isinstance(field.type, Map):
        for key, each in cast(Mapping[object, Value], value).items():
            yield f"{{{key}}}", each
    elif isinstance(field.type, Array):
        for index, each in enumerate(cast(Sequence[Value], value)):
            yield f"[{index}]", each
    else:
        yield "", cast(Value, value)


def _record(schema: Schema, name: str) -> Record:
    record = schema.types[name]
    if not isinstance(record, Record):
        raise EncodeError(f"{name} is no message", "")
    return record


def _single(type_: Type) -> Type:
    return type_.items if isinstance(type_, Array) else type_.values if isinstance(type_, Map) else type_


def _message_of(type_: Type, schema: Schema) -> Record | None:
    resolved = schema.resolve(_single(type_))
    return resolved if isinstance(resolved, Record) else None


def _messages_of(schema: Schema) -> "_Messages":
    return _prepare(schema.descriptors)


@lru_cache(maxsize=8)
def _prepare(descriptors: bytes) -> "_Messages":
    return _Messages(descriptors)


def _forget_json(file: Any) -> None:
    """Give each field its own name for JSON: protobuf refuses names that meet, protoc lets old syntaxes have them."""
    waiting = list(file.message_type)
    while waiting:
        message = waiting.pop()
        for field in message.field:
            field.json_name = field.name
        waiting.extend(message.nested_type)


class _Messages:
    """A pool of one schema's own, and the classes that were asked of it."""

    def __init__(self, descriptors: bytes) -> None:
        from google.protobuf.descriptor_pb2 import FileDescriptorSet
        from google.protobuf.descriptor_pool import DescriptorPool

        self._pool: Any = DescriptorPool()
        self._classes: dict[str, Any] = {}
        self._fields: dict[str, dict[str, Field]] = {}
        self._numbers: dict[str, dict[int, Field]] = {}
        for file in FileDescriptorSet.FromString(descriptors).file:
            file.ClearField("source_code_info")
            _forget_json(file)
            try:
                self._pool.AddSerializedFile(file.SerializeToString())
            except TypeError as error:
                fact = str(error).rpartition("descriptor pool: ")[2]
                raise UnusableDescriptors(f"the installed protobuf does not take {file.name}: {fact}") from error

    def make(self, name: str) -> Any:
        """An empty message."""
        from google.protobuf.message_factory import GetMessageClass

        if name not in self._classes:
            self._classes[name] = GetMessageClass(self._pool.FindMessageTypeByName(name))
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
                inner = _message_of(field.type, schema)
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
                message.MergeFromString(_chunk(wire_of(field).number, made.SerializePartialToString()))
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

    def _entry(self, message: Any, field: Field) -> Any:
        """The class of the message that stands for the entries of a map."""
        from google.protobuf.message_factory import GetMessageClass

        descriptor = message.DESCRIPTOR.fields_by_number[wire_of(field).number]
        return GetMessageClass(descriptor.message_type)

    def _merge_entries(self, message: Any, field: Field, held: Mapping[object, object]) -> None:
        for key, each in held.items():
            made = self._make_entry(message, field, {1: key, 2: each})
            message.MergeFromString(_chunk(wire_of(field).number, made.SerializeToString()))

    def _make_entry(self, message: Any, field: Field, held: Mapping[int, object]) -> Any:
        """An entry of a map with scalars by number; text may be bytes that are not UTF-8."""
        made = self._entry(message, field)()
        for number, each in held.items():
            descriptor = made.DESCRIPTOR.fields_by_number[number]
            if isinstance(each, bytes) and descriptor.type == descriptor.TYPE_STRING:
                if wire_of(field).verifies_utf8:
                    each.decode()  # says what is wrong
                made.MergeFromString(_chunk(number, each))
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
            inner = _message_of(field.type, schema)
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
            entry, number = self._entry(message, field), wire_of(field).number
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
    message.MergeFromString(_chunk(wire_of(field).number, text))


def _chunk(number: int, data: bytes) -> bytes:
    """A length-prefixed field."""
    return _varint(number << 3 | LENGTH) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def make_any(writer: Schema, written: str, reader: Schema, read: str, value: Value) -> tuple[bytes, bool]:
    """The bytes of a ``google.protobuf.Any`` that holds a value of the writer's message ``written``, and whether the
    reader's message ``read`` refuses to be unpacked from it."""
    from google.protobuf.any_pb2 import Any as AnyMessage

    packed = AnyMessage(type_url=f"type.googleapis.com/{written}", value=encode(writer, written, value))
    target = _messages_of(reader).make(read)
    return packed.SerializeToString(), not AnyMessage.FromString(packed.SerializeToString()).Unpack(target)
