"""Features of editions, resolved: what a file, message, field or enum means whatever its syntax is called.

A table of our own over protobuf.dev/editions/features, because the libraries keep theirs private. The numbers are those
of google/protobuf/descriptor.proto.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from registry.formats.protobuf.descriptors import Node

EXPLICIT, IMPLICIT, LEGACY_REQUIRED = 1, 2, 3
OPEN, CLOSED = 1, 2
PACKED, EXPANDED = 1, 2
VERIFY, NONE = 2, 3
LENGTH_PREFIXED, DELIMITED = 1, 2


class Features(NamedTuple):
    """The features that decide about bytes."""

    field_presence: int
    enum_type: int
    repeated_field_encoding: int
    utf8_validation: int
    message_encoding: int


_PROTO2: Final = Features(EXPLICIT, CLOSED, EXPANDED, NONE, LENGTH_PREFIXED)
_PROTO3: Final = Features(IMPLICIT, OPEN, PACKED, VERIFY, LENGTH_PREFIXED)
_2023: Final = Features(EXPLICIT, OPEN, PACKED, VERIFY, LENGTH_PREFIXED)

_EDITIONS: Final[Mapping[int, Features]] = {998: _PROTO2, 999: _PROTO3, 1000: _2023, 1001: _2023}
"""Defaults by the number of the edition; 2024 changed none of these five."""


def file_features(file: Node) -> Features | None:
    """What holds in a file where nothing else is said; ``None`` for an edition that is newer than the table."""
    edition = file.get("edition") or (999 if file.get("syntax") == "proto3" else 998)
    defaults = _EDITIONS.get(edition)
    return None if defaults is None else inherit(defaults, file)


def inherit(outer: Features, node: Node) -> Features:
    """The features of something inside: those around it, except where its own options say otherwise."""
    own = node.get("options", {}).get("features")
    return outer._replace(**own) if own else outer
