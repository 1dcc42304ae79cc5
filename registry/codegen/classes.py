"""The classes of one version of an event: what every schema language makes of its types."""

from collections.abc import Callable, Mapping

from registry.codegen.code import Code
from registry.codegen.plan import StubPlan, StubVersion
from registry.errors import Flaw
from registry.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Attribute:
    """One field of a record class."""

    name: str
    """As :func:`registry.serde.naming.attribute_name` spells it."""
    annotation: Code
    default: Code | None = None
    """Its default as an expression; ``None`` where the field must be given."""
    fresh: bool = False
    """The default is made anew for each object (it is mutable, or not known yet where the class is made)."""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class RecordClass:
    """A dataclass."""

    full_name: str
    """As the schema has it."""
    name: str
    attributes: tuple[Attribute, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an enum."""

    name: str
    """As :func:`registry.serde.naming.member_name` spells it."""
    value: str | int
    """Avro: the symbol. Protobuf: the number."""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class EnumClass:
    """An ``enum.Enum``."""

    full_name: str
    name: str
    members: tuple[Member, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class VersionClasses:
    """All classes of one version."""

    root: str
    """Name of the event's own class."""
    records: tuple[RecordClass, ...]
    """In the order of the module: those that others are made of come first, where there is such an order."""
    enums: tuple[EnumClass, ...]
    flaws: tuple[Flaw, ...] = ()
    """What has no name of its own, or cannot be told apart. Where there are any, nothing is generated."""

    @property
    def types(self) -> Mapping[str, str]:
        """Full name in the schema to class, as :attr:`registry.serde.shape.Shape.types` has them."""
        enums = {each.full_name: each.name for each in self.enums}
        return enums | {each.full_name: each.name for each in self.records}


FindClasses = Callable[[StubPlan, StubVersion, str], VersionClasses]
"""What a language offers; the text is the suffix of every class name, ``V1`` for an older version, empty for the newest
one. A language names its classes by :func:`registry.codegen.names.name_classes`."""
