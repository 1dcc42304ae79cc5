"""The nouns of a schema: one neutral tree for every schema language.

Named types (records, enums, fixed) are held once, in :attr:`Schema.types`, and pointed to by :class:`Ref`; the tree is
therefore never recursive, and a pair of names is all that a walk has to remember. What only Protobuf knows of a field
stands in :class:`Wire`.
"""

from collections.abc import Mapping
from enum import Enum as _Enum
from types import MappingProxyType
from typing import Final

from registry.errors import Flaw
from registry.frozen import dataclass, field
from registry.source import Location


class CompatibilityMode(_Enum):
    """What a contract promises when it changes (Confluent's names)."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"
    FULL = "FULL"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"

    @property
    def backward(self) -> bool:
        """New readers read what old writers wrote."""
        return self.value.startswith(("BACKWARD", "FULL"))

    @property
    def forward(self) -> bool:
        """Old readers read what new writers write."""
        return self.value.startswith(("FORWARD", "FULL"))

    @property
    def transitive(self) -> bool:
        """The promise holds against every readable version, not only against the latest."""
        return self.value.endswith("_TRANSITIVE")


class Missing(_Enum):
    """Stands where a field has no default: ``None`` would be Avro's ``null``."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Logical:
    """An Avro logical type; precision and scale only for ``decimal``."""

    name: str
    precision: int = 0
    scale: int = 0

    def __str__(self) -> str:
        return f"decimal({self.precision}, {self.scale})" if self.name == "decimal" else self.name


@dataclass(frozen=True, slots=True)
class Primitive:
    """A type without parts, by the name its language gives it (``long``, ``sint32``)."""

    name: str
    at: Location
    logical: Logical | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """The use of a named type; ``name`` is a full name and a key of :attr:`Schema.types`."""

    name: str
    at: Location


@dataclass(frozen=True, slots=True)
class Array:
    """A list: Avro's ``array``, Protobuf's ``repeated``."""

    items: "Type"
    at: Location


@dataclass(frozen=True, slots=True)
class Map:
    """A map; Avro's keys are always strings."""

    values: "Type"
    at: Location
    keys: Primitive | None = None


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types. Protobuf has none: its oneofs are a property of fields."""

    branches: tuple["Type", ...]
    at: Location


Type = Primitive | Ref | Array | Map | Union


@dataclass(frozen=True, slots=True)
class Wire:
    """What Protobuf knows of a field beyond its name and type, with the features of editions resolved."""

    number: int
    presence: str
    """``implicit``, ``explicit``, ``required`` or ``repeated``."""
    packed: bool = False
    delimited: bool = False
    """A group, or ``message_encoding = DELIMITED``."""
    verifies_utf8: bool = False
    oneof: str | None = None
    """The name of the real oneof it is a member of (a synthetic one of ``optional`` is none)."""
    json_name: str = ""
    extension: bool = False
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record. ``default`` is the JSON value of Avro, or the declared default of proto2 as text."""

    name: str
    type: Type
    at: Location
    default: object = MISSING
    aliases: tuple[str, ...] = ()
    doc: str = ""
    wire: Wire | None = None


@dataclass(frozen=True, slots=True)
class Reserved:
    """Numbers and names that a Protobuf message or enum keeps from being used again; ranges include both ends."""

    ranges: tuple[tuple[int, int], ...] = ()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Record:
    """Avro's record or error, Protobuf's message."""

    name: str
    fields: tuple[Field, ...]
    at: Location
    aliases: tuple[str, ...] = ()
    doc: str = ""
    reserved: Reserved = Reserved()
    extension_ranges: tuple[tuple[int, int], ...] = ()
    message_set: bool = False


@dataclass(frozen=True, slots=True)
class Symbol:
    """One value of an enum; in Avro the number is its position, which no wire carries across versions."""

    name: str
    number: int
    at: Location


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum. Avro's are closed and may have a ``default`` for symbols they do not know."""

    name: str
    symbols: tuple[Symbol, ...]
    at: Location
    default: str | None = None
    aliases: tuple[str, ...] = ()
    doc: str = ""
    closed: bool = True
    reserved: Reserved = Reserved()


@dataclass(frozen=True, slots=True)
class Fixed:
    """Avro's fixed: ``size`` bytes."""

    name: str
    size: int
    at: Location
    logical: Logical | None = None
    aliases: tuple[str, ...] = ()
    doc: str = ""


Named = Record | Enum | Fixed


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema with all it refers to, read from files of one revision.

    Equality is by identity of the parts; two schemas that mean the same have the same canonical form.
    """

    format: str
    """``avro`` or ``protobuf``, a key of :data:`registry.formats.FORMATS`."""
    roots: tuple[Type, ...]
    """What is judged: the event's type; for a whole Protobuf file each of its top-level types."""
    types: Mapping[str, Named] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[Flaw, ...] = ()
    """What was accepted all the same, and deserves a word."""
    descriptors: bytes = b""
    """Protobuf: the FileDescriptorSet of protoc that the tree was read from; its messages can be built of it."""

    @property
    def root(self) -> Type:
        """The one type that is judged."""
        return self.roots[0]

    def resolve(self, type_: Type) -> "Primitive | Array | Map | Union | Named":
        """The type itself, with a reference followed."""
        return self.types[type_.name] if isinstance(type_, Ref) else type_


@dataclass(frozen=True, slots=True)
class Outline:
    """What a file defines and what it needs from others: enough to find a contract's files without parsing them all."""

    defines: tuple[str, ...] = ()
    """Full names of the types in the file, the first one first."""
    refers: tuple[str, ...] = ()
    """Avro: full names that the file uses and does not define. Protobuf: imported paths."""
    error: bool = False
    """The file could not be read as a schema; a full parse says why."""
