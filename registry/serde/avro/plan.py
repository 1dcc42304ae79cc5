"""What is read of a writer's bytes, and what a reader makes of it, decided before a byte is seen.

A :class:`Plan` follows the writer's order. The fast reader is source made of it (:mod:`registry.serde.avro.reading`),
the careful one walks over it (:mod:`registry.serde.avro.careful`); neither knows a schema.
"""

from collections.abc import Mapping
from typing import Final

from registry.frozen import dataclass
from registry.schema import Logical


@dataclass(frozen=True, slots=True)
class Scalar:
    """A primitive."""

    written: str
    """The writer's primitive."""
    read: str
    """The reader's, which it is promoted to."""
    logical: Logical | None = None
    """What the value means, after that."""
    is_id: bool = False
    """It belongs to the envelope: a UUID is checked, and stays a text."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A fixed."""

    size: int
    name: str
    logical: Logical | None = None
    is_id: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands for a symbol of the writer that the reader does not know."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Symbols:
    """An enum: what each of the writer's symbols is, by position."""

    name: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """An array."""

    item: "Node"


@dataclass(frozen=True, slots=True)
class Entries:
    """A map."""

    value: "Node"


@dataclass(frozen=True, slots=True)
class Branches:
    """A union of the writer's: how each branch is read. The reader's unions are decided in the plan."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Object:
    """A record: the number of its :class:`Parts`, so that a plan may go in circles."""

    number: int


@dataclass(frozen=True, slots=True)
class Refused:
    """What no reader of this schema can read; an error when a value meets it."""

    fact: str
    step: str = ""


Node = Scalar | Sized | Symbols | Items | Entries | Branches | Object | Refused


@dataclass(frozen=True, slots=True)
class Part:
    """A field that was written."""

    step: str
    """Its place in messages: ``/name``."""
    node: Node
    key: str = ""
    """The reader's field that takes it; empty for one that is dropped, or belongs to the envelope."""
    role: str = ""
    """The attribute of :class:`registry.serde.meta.Meta` that takes it."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A field that was not written, and has its default."""

    step: str
    value: object
    """The default; a :class:`Refused` where it has none that fits."""
    key: str = ""
    role: str = ""
    count: int = 1
    """Values in the default; each record has its own."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a record is read from: what was written, in the writer's order, and the rest."""

    written: tuple[Part, ...]
    filled: tuple[Filled, ...] = ()
    order: tuple[str, ...] = ()
    """The keys of a dict, in the reader's order."""
    cls: type | None = None
    """The class that is made, or a dict."""
    attributes: Mapping[str, str] | None = None
    """Key to attribute, where there is a class."""
    refused: Refused | None = None
    """Why nothing of it is read."""
    dropped: bool = False
    """Nobody wants the record itself."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How events of a writer are read."""

    root: Node
    records: tuple[Parts, ...]
    typed: bool
    """Arrays are tuples, and a date that Python does not have is an error; else lists, and the number as it stands."""


NOTHING: Final = Parts((), dropped=True)
"""A record while its plan is being made."""
