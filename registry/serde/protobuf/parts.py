"""The fields of a message, as far as values care: kind, presence, oneof."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from registry.frozen import dataclass
from registry.serde.naming import attribute_name
from registry.serde.protobuf.classes import find_class, find_method

TIMESTAMP: Final = "google.protobuf.Timestamp"
DURATION: Final = "google.protobuf.Duration"
WRAPPED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "google.protobuf.DoubleValue": "double",
        "google.protobuf.FloatValue": "float",
        "google.protobuf.Int64Value": "int64",
        "google.protobuf.UInt64Value": "uint64",
        "google.protobuf.Int32Value": "int32",
        "google.protobuf.UInt32Value": "uint32",
        "google.protobuf.BoolValue": "bool",
        "google.protobuf.StringValue": "string",
        "google.protobuf.BytesValue": "bytes",
    }
)
"""The well-known types that stand for a scalar that may be absent."""

_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "DOUBLE": "double",
        "FLOAT": "float",
        "INT32": "int32",
        "SINT32": "int32",
        "SFIXED32": "int32",
        "INT64": "int64",
        "SINT64": "int64",
        "SFIXED64": "int64",
        "UINT32": "uint32",
        "FIXED32": "uint32",
        "UINT64": "uint64",
        "FIXED64": "uint64",
        "BOOL": "bool",
        "STRING": "string",
        "BYTES": "bytes",
        "ENUM": "enum",
        "MESSAGE": "message",
        "GROUP": "message",
    }
)

_WIRES: Final[Mapping[int, int]] = MappingProxyType({1: 1, 2: 5, 6: 1, 7: 5, 15: 5, 16: 1})
"""Wire types of numbers that are no varints, by the type's number in descriptor.proto."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field; of a map, its values."""

    name: str
    number: int
    attribute: str
    holds: str
    """``implicit``, ``explicit`` or ``required`` presence, ``repeated`` or ``map``."""
    kind: str
    """A scalar by the Python values it takes (``int32`` for ``sfixed32`` too), ``enum``, ``message``, ``timestamp``,
    ``duration`` or ``wrapper``."""
    type: Any = None
    """The descriptor of the message or enum."""
    wrapped: str = ""
    """The kind inside of a wrapper."""
    key: str = ""
    """The kind of a map's keys."""
    oneof: str = ""
    """The oneof that it is in, where that has further members."""
    default: object = None
    """What the library reads where the field is absent, of scalars and enums."""
    wire: int = 0
    """The wire type of one value of its own, of scalars and enums."""
    verified: bool = True
    """Whether the library refuses text that is not UTF-8."""

    @property
    def is_single(self) -> bool:
        """Whether it is neither repeated nor a map."""
        return self.holds not in ("repeated", "map")


def find_parts(message: Any) -> Iterator[Part]:
    """The fields of a message, in the order of the file; extensions are none of them."""
    class_ = find_class(message)
    empty = class_()
    kinds = (
        {getattr(message.fields[0], f"TYPE_{name}"): kind for name, kind in _KINDS.items()} if message.fields else {}
    )
    for field in message.fields:
        around = field.containing_oneof
        holds = _find_holding(field, empty)
        element = field.message_type.fields_by_name["value"] if holds == "map" else field
        kind, type_, wrapped = _find_kind(element, kinds)
        yield Part(
            name=field.name,
            number=field.number,
            attribute=attribute_name(field.name),
            holds=holds,
            kind=kind,
            type=type_,
            wrapped=wrapped,
            key=kinds[field.message_type.fields_by_name["key"].type] if holds == "map" else "",
            oneof=around.name if around is not None and len(around.fields) > 1 else "",
            default=field.default_value if type_ is None or kind == "enum" else None,
            wire=_WIRES.get(field.type, 0),
            verified=_is_verified(class_, field, holds == "map"),
        )


def _find_kind(field: Any, kinds: Mapping[int, str]) -> tuple[str, Any, str]:
    kind = kinds[field.type]
    if kind == "enum":
        return kind, field.enum_type, ""
    if kind != "message":
        return kind, None, ""
    type_ = field.message_type
    special = {TIMESTAMP: "timestamp", DURATION: "duration"}.get(type_.full_name)
    wrapped = WRAPPED.get(type_.full_name, "")
    return special or ("wrapper" if wrapped else kind), type_, wrapped


def _find_holding(field: Any, empty: Any) -> str:
    # `label` was dropped by later libraries, and the properties instead of it are missing in earlier ones.
    repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    if repeated:
        # What only a map's container has: asking for the option of the entry's message loads far more.
        return "map" if hasattr(getattr(empty, field.name), "GetEntryClass") else "repeated"
    if field.is_required if hasattr(field, "is_required") else field.label == field.LABEL_REQUIRED:
        return "required"
    return "explicit" if field.has_presence else "implicit"


def _is_verified(class_: Any, field: Any, is_map: bool) -> bool:
    """Tried out: which of the syntaxes and features is in force is nothing that all libraries tell."""
    from google.protobuf.message import DecodeError

    inner = [*field.message_type.fields] if is_map else [field]
    if all(each.type != each.TYPE_STRING for each in inner):
        return True
    for each in inner:
        if each.type != each.TYPE_STRING:
            continue
        wrong = bytes((each.number << 3 | 2, 1, 0xFF)) if is_map else b"\x01\xff"
        data = _tag(field.number) + (bytes((len(wrong),)) + wrong if is_map else wrong)
        try:
            find_method(class_, "MergeFromString")(class_(), data)
        except (DecodeError, UnicodeDecodeError):  # the second from the library's make in Python
            continue
        return False
    return True


def _tag(number: int) -> bytes:
    tag, out = number << 3 | 2, bytearray()
    while tag >= 0x80:
        out.append(tag & 0x7F | 0x80)
        tag >>= 7
    out.append(tag)
    return bytes(out)
