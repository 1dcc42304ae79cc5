"""Protobuf messages -> the classes of their typed view.

:mod:`registry.serde.protobuf` turns protoc's messages into objects of these classes and back, by the same rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from registry.codegen.classes import Attribute, EnumClass, Member, RecordClass, VersionClasses
from registry.codegen.code import NONE, NOTHING, Class, Code, Either, Generic, Known, Table, Text
from registry.codegen.envelope import Hidden, find_hidden, find_references
from registry.codegen.names import Nameable, meeting, name_classes
from registry.codegen.order import sort_records
from registry.codegen.plan import StubPlan, StubVersion
from registry.codegen.protobuf_comments import find_comments, strip_sources
from registry.errors import Flaw
from registry.frozen import replace
from registry.schema import Array, Enum, Field, Map, Named, Primitive, Record, Ref, Schema, Symbol, Type
from registry.serde.naming import attribute_name, member_name

__all__ = ["find_classes", "strip_sources"]

_TEXT: Final = Known("str")
_BYTES: Final = Known("bytes")
_NUMBER: Final = Known("int")
_FLOAT: Final = Known("float")
_FLAG: Final = Known("bool")

SCALARS: Final[Mapping[str, tuple[Code, Text]]] = {
    "double": (_FLOAT, Text("0.0")),
    "float": (_FLOAT, Text("0.0")),
    "bool": (_FLAG, Text("False")),
    "string": (_TEXT, Text('""')),
    "bytes": (_BYTES, Text('b""')),
    **{
        name: (_NUMBER, Text("0"))
        for name in (
            *("int32", "int64", "uint32", "uint64", "sint32", "sint64"),
            *("fixed32", "fixed64", "sfixed32", "sfixed64"),
        )
    },
}
"""The annotation of each scalar, and what it reads as where it is absent (protobuf.dev, "Scalar Value Types")."""

WELL_KNOWN: Final[Mapping[str, Code]] = {
    "google.protobuf.Timestamp": Known("datetime"),
    "google.protobuf.Duration": Known("timedelta"),
    "google.protobuf.DoubleValue": _FLOAT,
    "google.protobuf.FloatValue": _FLOAT,
    "google.protobuf.Int64Value": _NUMBER,
    "google.protobuf.UInt64Value": _NUMBER,
    "google.protobuf.Int32Value": _NUMBER,
    "google.protobuf.UInt32Value": _NUMBER,
    "google.protobuf.BoolValue": _FLAG,
    "google.protobuf.StringValue": _TEXT,
    "google.protobuf.BytesValue": _BYTES,
}
"""Messages that stand for a value of Python; all others are classes."""

_RENAME: Final = "rename it (the wire knows only its number), release that, and pin the new version"


def find_classes(plan: StubPlan, version: StubVersion, suffix: str) -> VersionClasses:
    """The classes of one version of an event; ``suffix`` is ``V1`` for an older one, empty for the newest."""
    schema = version.schema
    root = schema.resolve(schema.root)
    assert isinstance(root, Record)  # what an event is
    hidden = find_hidden(version)
    if hidden.flaws:
        return VersionClasses("", (), (), hidden.flaws)
    fields = _find_fields(schema, root, hidden)
    types = [schema.types[name] for name in _find_types(schema, root, fields)]
    names, clashes = name_classes([_nameable(type_) for type_ in types], plan.event, suffix)
    view = _View(schema, names, find_comments(schema.descriptors), fields)
    order = sort_records(root.name, {name: list(_find_uses(schema, each)) for name, each in fields.items()})
    records = tuple(view.record(name) for name in order)
    enums = tuple(view.enum(type_) for type_ in types if isinstance(type_, Enum))
    flaws = (*(replace(flaw, help=_RENAME) for flaw in clashes), *view.flaws)
    return VersionClasses(names[root.name], records, enums, flaws)


def _nameable(type_: Named) -> Nameable:
    """A nested message is named with those around it: ``Order.Line`` is ``OrderLine``."""
    steps = type_.at.pointer.strip("/").split("/")
    namespace = type_.name.removesuffix(".".join(steps)).rstrip(".")
    return Nameable(type_.name, "".join(steps), namespace, type_.at)


def _find_fields(schema: Schema, root: Record, hidden: Hidden) -> dict[str, list[Field]]:
    """The attributes of each message that the event's class holds, at any depth: extensions are in ``meta.message``,
    the envelope is in ``meta``."""
    found: dict[str, list[Field]] = {}
    waiting = [root]
    while waiting:
        record = waiting.pop()
        if record.name not in found:
            visible = hidden.visible(record)
            found[record.name] = [each for each in visible if each.wire is None or not each.wire.extension]
            inner = (schema.types[name] for name in _find_uses(schema, found[record.name]))
            waiting += [each for each in inner if isinstance(each, Record)]
    return found


def _find_uses(schema: Schema, fields: Sequence[Field]) -> Iterator[str]:
    """The messages that stand in fields, as classes of their own."""
    for field in fields:
        for name in find_references(field.type):
            if name not in WELL_KNOWN and isinstance(schema.types[name], Record):
                yield name


def _find_types(schema: Schema, root: Record, fields: Mapping[str, Sequence[Field]]) -> list[str]:
    """Every message and enum that gets a class, in the order in which the fields name them."""
    found: dict[str, None] = {}
    waiting = [root.name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            named = [ref for field in fields.get(name, ()) for ref in find_references(field.type)]
            waiting += reversed([ref for ref in named if ref not in WELL_KNOWN])
    return list(found)


class _View:
    """Makes the classes, once their names are known."""

    def __init__(
        self,
        schema: Schema,
        names: Mapping[str, str],
        comments: Mapping[str, str],
        fields: Mapping[str, Sequence[Field]],
    ) -> None:
        self._schema = schema
        self._names = names
        self._comments = comments
        self._fields = fields
        self.flaws: list[Flaw] = []

    def record(self, name: str) -> RecordClass:
        """The class of a message."""
        fields = self._fields[name]
        self._find_clashes("attribute", [(attribute_name(field.name), field) for field in fields], name)
        attributes = tuple(self._attribute(name, field) for field in fields)
        return RecordClass(name, self._names[name], attributes, self._comments.get(name, ""))

    def enum(self, enum: Enum) -> EnumClass:
        """The class of an enum; two names of one number are one member with an alias, as in Python."""
        self._find_clashes("member", [(member_name(symbol.name), symbol) for symbol in enum.symbols], enum.name)
        private = f"_{self._names[enum.name].lstrip('_')}__"
        for symbol in enum.symbols:
            if member_name(symbol.name).startswith(private):
                message = f"'{symbol.name}' cannot be a member of the class {self._names[enum.name]}"
                help_ = f"Python takes it for a private name: {_RENAME}"
                self.flaws.append(Flaw("invalid", message, symbol.at, help_))
        members = tuple(
            Member(member_name(symbol.name), symbol.number, self._comments.get(f"{enum.name}.{symbol.name}", ""))
            for symbol in enum.symbols
        )
        return EnumClass(enum.name, self._names[enum.name], members, self._comments.get(enum.name, ""))

    def _attribute(self, record: str, field: Field) -> Attribute:
        wire = field.wire
        assert wire is not None  # every field of Protobuf has a number
        annotation, default = self._annotate(field.type)
        if wire.presence == "required":
            default = None
        elif wire.presence == "explicit":
            annotation, default = Either((*_parts(annotation), NONE)), NONE
        doc = self._describe(record, field)
        return Attribute(attribute_name(field.name), annotation, default, isinstance(field.type, Map), doc)

    def _annotate(self, type_: Type) -> tuple[Code, Code | None]:
        """How a value is annotated, and what it reads as where nothing was written."""
        match type_:
            case Array(items):
                return Generic(Known("Sequence"), (self._annotate(items)[0],)), NOTHING
            case Map(values, _, Primitive() as keys):
                arguments = (self._annotate(keys)[0], self._annotate(values)[0])
                return Generic(Known("Mapping"), arguments), Table(())
            case Primitive(name):
                return SCALARS[name]
            case Ref(name) if name in WELL_KNOWN:
                return WELL_KNOWN[name], NONE
            case Ref(name):
                return self._annotate_named(self._schema.types[name])
        raise AssertionError(type_)  # Protobuf has no unions

    def _annotate_named(self, type_: Named) -> tuple[Code, Code | None]:
        here = Class(self._names[type_.name])
        if not isinstance(type_, Enum):
            return here, NONE
        zero = next((symbol for symbol in type_.symbols if not symbol.number), type_.symbols[0])
        default = Class(here.name, member_name(zero.name))
        return (here, default) if type_.closed else (Either((here, _NUMBER)), default)

    def _describe(self, record: str, field: Field) -> str:
        """The comment; what else a caller must know of the field is a paragraph behind it."""
        wire = field.wire
        assert wire is not None
        parts = [self._comments.get(f"{record}.{field.name}", "")]
        if wire.oneof is not None:
            together = [each for each in self._fields[record] if each.wire and each.wire.oneof == wire.oneof]
            others = [attribute_name(each.name) for each in together]
            about = self._comments.get(f"{record}.{wire.oneof}", "")
            # Those of one oneof say the same: the comment stands at the first of them.
            parts.append(about if field is together[0] else "")
            parts.append(f"Oneof {wire.oneof}: at most one of {', '.join(others)}.")
        if wire.deprecated:
            parts.append("Deprecated.")
        return "\n\n".join(part for part in parts if part)

    def _find_clashes(self, what: str, named: Sequence[tuple[str, Field | Symbol]], of: str) -> None:
        first: dict[str, Field | Symbol] = {}
        for name, each in named:
            other = first.setdefault(name, each)
            if other is not each:
                flaw = meeting(f"the {what} {name} of {of}", f"'{other.name}'", other.at, f"'{each.name}'", each.at)
                self.flaws.append(replace(flaw, help=_RENAME))


def _parts(code: Code) -> tuple[Code, ...]:
    return code.parts if isinstance(code, Either) else (code,)
