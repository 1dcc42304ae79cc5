"""The scalar types: how they travel, and which numbers they hold (protobuf.dev/programming-guides/encoding)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

VARINT, FIXED64, LENGTH, GROUP, FIXED32 = 0, 1, 2, 3, 5


class Scalar(NamedTuple):
    """``family``: types of one family read each other's bytes as the same number, as far as it fits."""

    family: str
    wire: int
    bits: int = 0
    low: int = 0
    high: int = 0


def _integer(family: str, wire: int, bits: int, signed: bool) -> Scalar:
    return Scalar(family, wire, bits, -(1 << bits - 1) if signed else 0, (1 << bits - signed) - 1)


SCALARS: Final[Mapping[str, Scalar]] = {
    "bool": _integer("varint", VARINT, 1, False),
    "int32": _integer("varint", VARINT, 32, True),
    "int64": _integer("varint", VARINT, 64, True),
    "uint32": _integer("varint", VARINT, 32, False),
    "uint64": _integer("varint", VARINT, 64, False),
    "sint32": _integer("zigzag", VARINT, 32, True),
    "sint64": _integer("zigzag", VARINT, 64, True),
    "fixed32": _integer("fixed32", FIXED32, 32, False),
    "sfixed32": _integer("fixed32", FIXED32, 32, True),
    "fixed64": _integer("fixed64", FIXED64, 64, False),
    "sfixed64": _integer("fixed64", FIXED64, 64, True),
    "float": Scalar("float", FIXED32),
    "double": Scalar("double", FIXED64),
    "string": Scalar("string", LENGTH),
    "bytes": Scalar("bytes", LENGTH),
}

TYPE_NAMES: Final[Mapping[int, str]] = {
    1: "double",
    2: "float",
    3: "int64",
    4: "uint64",
    5: "int32",
    6: "fixed64",
    7: "fixed32",
    8: "bool",
    9: "string",
    12: "bytes",
    13: "uint32",
    15: "sfixed32",
    16: "sfixed64",
    17: "sint32",
    18: "sint64",
}
"""FieldDescriptorProto.Type of the scalars."""
TYPE_GROUP, TYPE_MESSAGE, TYPE_ENUM = 10, 11, 14
