"""Protobuf: the messages of a ``.proto`` file, read by protoc in this process and judged as descriptors."""

from registry.formats.protobuf.canonical import canonical_form, self_contained
from registry.formats.protobuf.outline import outline
from registry.formats.protobuf.parse import parse
from registry.formats.protobuf.reservations import find_dropped_reservations, find_unreserved
from registry.formats.protobuf.resolution import find_mismatches

__all__ = [
    "canonical_form",
    "find_dropped_reservations",
    "find_mismatches",
    "find_unreserved",
    "outline",
    "parse",
    "self_contained",
]
