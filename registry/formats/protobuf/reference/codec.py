"""A value of a message to its bytes, and bytes to a value, required fields checked.

A value is a mapping of field name to what is set: an absent field has no key. An extension stands under its full name
in brackets, as in JSON. Enums are numbers, maps are mappings, and a string that is not UTF-8 is its bytes, where the
language lets such a string pass.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from registry.formats.protobuf.elements import wire_of
from registry.formats.protobuf.reference.errors import DecodeError, EncodeError
from registry.formats.protobuf.reference.pool import Value, find_message, key_of, load_messages
from registry.schema import Array, Enum, Field, Map, Record, Schema, Type


def encode(schema: Schema, root: str, value: Value) -> bytes:
    """The bytes of a value of the message ``root``, the same ones each time.

    Fields that are required may be absent: whether they are is the reader's question. Enums may also be given by name.
    Raises :class:`EncodeError`, and :class:`UnusableDescriptors`.
    """
    messages = load_messages(schema)
    message = messages.make(root)
    messages.fill(message, _record(schema, root), value, "", schema)
    return cast(bytes, message.SerializePartialToString(deterministic=True))


def decode(schema: Schema, root: str, data: bytes, *, partial: bool = False) -> dict[str, object]:
    """What the message ``root`` makes of bytes; what it does not know is left out.

    With ``partial``, required fields may be missing. Raises :class:`DecodeError` where bytes are malformed, text is not
    UTF-8 and the schema verifies it, or a required field is missing; and :class:`UnusableDescriptors`.
    """
    from google.protobuf.message import DecodeError as Refused

    messages = load_messages(schema)
    message, record = messages.make(root), _record(schema, root)
    try:
        message.MergeFromString(data)
    except Refused as error:
        from registry.formats.protobuf.reference.malformed import find_fault

        path, fact = find_fault(schema, record, data)
        raise DecodeError(fact, path) from error
    value = messages.plain(message, record, schema)
    # FindInitializationErrors would say where, but upb 7.36 crashes on the key of a map that is not UTF-8.
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
            inner = find_message(field.type, schema)
            if inner is not None:
                waiting.extend((inner, each, here + suffix, down) for suffix, each in _items(field, held[key]))


def default_of(schema: Schema, record: Record, field: Field) -> object:
    """What a field without presence, or one that is absent, reads as; of messages and repeated fields nothing is."""
    if record.name not in schema.types:  # stands for the entries of a map, which no pool knows
        return _zero(field.type, schema)
    messages = load_messages(schema)
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
