"""How the values of a schema look in Python, and what a schema language makes of that: two functions."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from registry.frozen import dataclass, field
from registry.serde.meta import Meta

Encoder = Callable[[Any, bytes, Meta | None], bytes]
"""Of an event, the bytes that shall stand before its own, and the envelope that goes into the payload.

Raises :class:`registry.serde.errors.EncodeError`.
"""
Decoder = Callable[[bytes, int, Meta | None], Any]
"""Of a record's bytes, where the event begins in them, and what takes the envelope.

Raises :class:`registry.serde.errors.DecodeError`; all bytes must be used.
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """The classes of the stubs. A type without one is plain: a record is a ``dict``, an enum's symbol a ``str``."""

    types: Mapping[str, type] = field(default_factory=lambda: MappingProxyType({}))
    """Record or enum, by the full name that the schema gives it. Attributes are named by
    :func:`registry.serde.naming.attribute_name`, members of enums by :func:`registry.serde.naming.member_name`."""
    envelope: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Role to path: fields of the payload that are attributes of :class:`Meta` and not of the event's class."""


PLAIN = Shape()
"""No classes and no envelope: every record is a ``dict``, with all its fields."""
