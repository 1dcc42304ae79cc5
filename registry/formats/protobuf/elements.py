"""What one element of a field is on the wire, and what a reader of another type makes of it."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from registry.formats.protobuf.scalars import GROUP, LENGTH, SCALARS, VARINT, Scalar
from registry.schema import Array, Enum, Field, Map, Named, Primitive, Record, Ref, Type, Wire

_INT32: Final = SCALARS["int32"]
_INTEGERS: Final = frozenset({"varint", "zigzag", "fixed32", "fixed64"})
_NO_WIRE: Final = Wire(0, "explicit")


class Numbers(NamedTuple):
    """The values of an enum, ready to be asked."""

    by_name: Mapping[str, int]
    known: frozenset[int]
    low: int
    high: int


class Side:
    """The types of one schema, with what was worked out about its enums: many fields ask the same of large enums."""

    def __init__(self, types: Mapping[str, Named]) -> None:
        self.types = types
        self._numbers: dict[str, Numbers] = {}
        self._covers: dict[tuple[str, str], bool] = {}
        self._akin: dict[tuple[str, str], bool] = {}

    def numbers_of(self, enum: Enum) -> Numbers:
        """The values of an enum of this side."""
        found = self._numbers.get(enum.name)
        if found is None:
            by_name = {symbol.name: symbol.number for symbol in enum.symbols}
            known = frozenset(by_name.values())
            found = self._numbers[enum.name] = Numbers(by_name, known, min(known), max(known))
        return found

    def covers(self, mine: "Element", theirs: "Element") -> bool:
        """Whether a closed enum of this side knows each number that the other side's element can be."""
        key = (mine.words, theirs.words)
        if key not in self._covers:
            self._covers[key] = _covers(mine, theirs)
        return self._covers[key]

    def is_akin(self, mine: Record, theirs: Record) -> bool:
        """Whether a message of this side may stand for one of the other: by its name, or by a field of both.

        Numbers alone agree by accident: nearly every message has a number 1, and many an integer there.
        """
        if mine.name == theirs.name or not (mine.fields and theirs.fields) or is_entry(mine) or is_entry(theirs):
            return True
        key = (mine.name, theirs.name)
        if key not in self._akin:
            known = {(wire_of(field).number, field.name) for field in mine.fields}
            self._akin[key] = any((wire_of(field).number, field.name) in known for field in theirs.fields)
        return self._akin[key]

    def take_heir(self, mine: Named, theirs: Named) -> None:
        """Know one type for another under a new name, whatever it holds."""
        self._akin[mine.name, theirs.name] = True


class Element(NamedTuple):
    """One element of a field's type. A map's element is the message that stands for its entries."""

    words: str
    scalar: Scalar | None = None
    enum: Enum | None = None
    record: Record | None = None
    delimited: bool = False
    verifies_utf8: bool = False
    numbers: Numbers | None = None
    """Of an enum."""

    @property
    def wire(self) -> int:
        """The wire type of one element."""
        if self.scalar is not None:
            return self.scalar.wire
        return VARINT if self.enum is not None else GROUP if self.delimited else LENGTH

    @property
    def well_known(self) -> str:
        """The name of a well-known type, or nothing."""
        name = self.record.name if self.record else ""
        return name if name.startswith("google.protobuf.") else ""


def wire_of(field: Field) -> Wire:
    """What Protobuf knows of a field; every field that this format parsed has it."""
    return field.wire or _NO_WIRE


def is_entry(record: Record) -> bool:
    """Whether the message stands for the entries of a map."""
    return record.name.startswith("map<")


def holds_more(record: Record) -> bool:
    """Whether a message may hold anything but a key (1) and a value (2): upb takes no such entry into a map."""
    return bool(record.extension_ranges) or any(wire_of(field).number not in (1, 2) for field in record.fields)


def full_name(type_: Named) -> str:
    """A type in words: its name with the package; of a map's entry without the place, which tells it from others."""
    return type_.name.partition(" at ")[0]


def title(type_: Named) -> str:
    """A type in words: its name without the package."""
    if type_.name.startswith("map<"):
        return full_name(type_)
    return type_.at.pointer.strip("/").replace("/", ".") or type_.name


def package_of(type_: Named) -> str:
    """The package of a type: its name without what its pointer says."""
    return type_.name.removesuffix(type_.at.pointer.replace("/", ".")[1:]).removesuffix(".")


def label(field: Field, record: Record, *, numbered: bool = True) -> str:
    """A field in words, with its message."""
    noun = "extension" if wire_of(field).extension else "field"
    return f"{noun} '{field.name}'{f' ({wire_of(field).number})' if numbered else ''} of {title(record)}"


def element_of(field: Field, side: Side) -> Element:
    """The element of a field."""
    wire = wire_of(field)
    type_ = field.type
    if isinstance(type_, Map):
        return Element(f"an entry of {words_of(type_)}", record=_entry(type_, wire.verifies_utf8))
    if isinstance(type_, Array):
        type_ = type_.items
    return plain_element(type_, side, wire)


def plain_element(type_: Type, side: Side, wire: Wire) -> Element:
    """The element that a type without lists and maps is."""
    words = words_of(type_)
    if isinstance(type_, Primitive):
        return Element(words, SCALARS[type_.name], verifies_utf8=wire.verifies_utf8)
    named = side.types[type_.name] if isinstance(type_, Ref) else None
    if isinstance(named, Enum):
        return Element(f"enum {words}", enum=named, numbers=side.numbers_of(named))
    return Element(words, record=named if isinstance(named, Record) else None, delimited=wire.delimited)


def _entry(map_: Map, verifies: bool) -> Record:
    keys = map_.keys or Primitive("string", map_.at)
    return Record(
        f"{words_of(map_)} at {map_.at.path}{map_.at.pointer}",  # of this field alone: walks remember pairs by name
        (
            Field("key", keys, map_.at, wire=Wire(1, "explicit", verifies_utf8=verifies, json_name="key")),
            Field("value", map_.values, map_.at, wire=Wire(2, "explicit", verifies_utf8=verifies, json_name="value")),
        ),
        map_.at,
    )


def words_of(type_: Type) -> str:
    """A type as it is written in a .proto file, with full names."""
    if isinstance(type_, Array):
        return f"repeated {words_of(type_.items)}"
    if isinstance(type_, Map):
        return f"map<{type_.keys.name if type_.keys else 'string'}, {words_of(type_.values)}>"
    return type_.name if isinstance(type_, Primitive | Ref) else ""


def judge_elements(reader: Element, writer: Element) -> str | None:
    """The kind of mismatch, if the reader cannot hold each element of the writer. Nothing is looked into."""
    if reader.record is not None or writer.record is not None:
        return _judge_messages(reader, writer)
    if reader.enum is not None and writer.enum is not None:
        return None  # they are compared value by value
    mine, theirs = reader.scalar or _INT32, _numbers(writer)
    if mine.wire == theirs.wire == VARINT and theirs.low == theirs.high == 0:
        return None  # a closed enum with no value but 0, which is the same to all of them
    if mine.family == theirs.family:
        if mine.family == "string":
            return "invalid_utf8_refused" if reader.verifies_utf8 and not writer.verifies_utf8 else None
        return _judge_integers(reader, mine, theirs) if mine.family in _INTEGERS else None
    if mine.family == "string" and theirs.family == "bytes":
        return "invalid_utf8_refused" if reader.verifies_utf8 else "unverified_utf8"
    return None if mine.family == "bytes" and theirs.family == "string" else "field_type_changed"


def _judge_integers(reader: Element, mine: Scalar, theirs: Scalar) -> str | None:
    """What becomes of numbers that the reader's type does not hold; ``mine`` is that type, an enum is an int32."""
    if mine.low <= theirs.low and theirs.high <= mine.high:
        return None
    if mine.bits == 1:
        return "field_type_changed"  # an ordinary number reads as true
    if mine.bits < theirs.bits:
        return "integer_narrowed"
    if reader.numbers is not None and reader.enum is not None and reader.enum.closed and reader.numbers.low >= 0:
        return None  # what became negative is no value of the enum, which is told where enums are compared
    return "integer_sign_changed"


def _judge_messages(reader: Element, writer: Element) -> str | None:
    if reader.record is not None and writer.record is not None:
        if reader.well_known != writer.well_known:
            return "message_type_changed"
        return "message_encoding_changed" if reader.delimited != writer.delimited else None
    message, other = (reader, writer) if reader.record is not None else (writer, reader)
    if message.delimited or other.scalar is not SCALARS["bytes"]:
        return "field_type_changed"
    return "bytes_read_as_message" if message is reader else None


def _numbers(element: Element) -> Scalar:
    """The scalar that an element is on the wire; an enum is an int32, a closed one only as far as its values reach."""
    if element.scalar is not None:
        return element.scalar
    if element.numbers is None or element.enum is None or not element.enum.closed:
        return _INT32
    return _INT32._replace(low=element.numbers.low, high=element.numbers.high)


def _covers(mine: Element, theirs: Element) -> bool:
    known: frozenset[int] = mine.numbers.known if mine.numbers else frozenset()
    if theirs.numbers is not None and theirs.enum is not None and theirs.enum.closed:
        return theirs.numbers.known <= known
    return theirs.scalar is not None and theirs.scalar.bits == 1 and known >= {0, 1}


def tell_consequence(reader: Element, writer: Element, *, packed: bool, repeated: bool, entry: str = "") -> str:
    """What the reader sees where the types do not fit.

    ``packed``: the writer's numbers come in one piece; ``repeated``: the reader takes any number of them. ``entry``:
    what of a map they are, ``key`` or ``value``.
    """
    wire = LENGTH if packed else writer.wire
    empty = "every entry is left out" if entry else "reads as empty"
    if reader.wire in (LENGTH, GROUP):
        if reader.wire != wire:
            return empty
        if reader.record is not None:
            return "fails the whole event, or reads as garbage"
        return "reads as garbage, or fails the whole event" if reader.verifies_utf8 else "reads as garbage"
    in_pieces = wire == LENGTH and repeated and not entry
    if reader.wire != wire and not in_pieces:
        return empty
    if reader.scalar is not None and reader.scalar.bits == 1 and _numbers(writer).family == reader.scalar.family:
        collide = ", and of those with one key only the last is left" if entry == "key" else ""
        return f"every {entry or 'number'} but 0 reads as true{collide}"
    if in_pieces:
        return "reads as other numbers, or fails the whole event"
    return f"every {entry} reads as another number" if entry else "reads as another number"
