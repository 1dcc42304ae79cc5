"""The classes of an Avro schema."""

from collections.abc import Iterator, Mapping

from registry.codegen.avro_defaults import Expressions
from registry.codegen.avro_types import annotate, find_lookalikes
from registry.codegen.avro_words import describe_field
from registry.codegen.classes import Attribute, EnumClass, Member, RecordClass, VersionClasses
from registry.codegen.envelope import Hidden, find_hidden, find_references
from registry.codegen.names import Nameable, meeting, name_classes
from registry.codegen.order import sort_records
from registry.codegen.plan import StubPlan, StubVersion
from registry.errors import Flaw
from registry.formats.avro.names import namespace_of, short_name
from registry.schema import Enum, Field, Record, Schema
from registry.serde.naming import attribute_name, member_name


def find_classes(plan: StubPlan, version: StubVersion, suffix: str) -> VersionClasses:
    """Every record and enum that the event holds, beside the envelope."""
    schema = version.schema
    root = schema.resolve(schema.root)
    assert isinstance(root, Record)  # `contracts gen` refuses an event that is none
    hidden = find_hidden(version)
    fields, enums = _find_reachable(schema, root, hidden)
    order = sort_records(root.name, {name: _find_uses(schema, each) for name, each in fields.items()})
    types = (*fields, *(each.name for each in enums))
    nameable = [Nameable(name, short_name(name), namespace_of(name), schema.types[name].at) for name in types]
    names, flaws = name_classes(nameable, plan.event, suffix)
    expressions = Expressions(schema, names, hidden)
    flaws += hidden.flaws
    records: list[RecordClass] = []
    for name in order:
        attributes = tuple(_find_attributes(schema, fields[name], expressions, names))
        records.append(RecordClass(name, names[name], attributes, schema.types[name].doc))
    flaws += [flaw for name in order for flaw in _find_flaws(schema, fields[name], name)]
    flaws += [flaw for each in enums for flaw in _find_enum_flaws(each, names[each.name])]
    return VersionClasses(
        names[root.name],
        tuple(records),
        tuple(EnumClass(each.name, names[each.name], tuple(_find_members(each)), each.doc) for each in enums),
        tuple(flaws),
    )


def _find_reachable(schema: Schema, root: Record, hidden: Hidden) -> tuple[dict[str, tuple[Field, ...]], list[Enum]]:
    """Records with the fields that become attributes, and enums, in the order in which the event comes upon them."""
    fields = {root.name: hidden.visible(root)}
    enums: dict[str, Enum] = {}
    waiting = [root.name]
    while waiting:
        for field in fields[waiting.pop()]:
            for name in find_references(field.type):
                named = schema.types[name]
                if isinstance(named, Enum):
                    enums[name] = named
                elif isinstance(named, Record) and name not in fields:
                    fields[name] = hidden.visible(named)
                    waiting.append(name)
    return fields, list(enums.values())


def _find_uses(schema: Schema, fields: tuple[Field, ...]) -> list[str]:
    return [name for field in fields for name in find_references(field.type) if isinstance(schema.types[name], Record)]


def _find_attributes(
    schema: Schema, fields: tuple[Field, ...], expressions: Expressions, names: Mapping[str, str]
) -> Iterator[Attribute]:
    for field in fields:
        default = expressions.find_default(field)
        annotation = annotate(schema, field.type, names)
        expression, fresh = default if default is not None else (None, False)
        yield Attribute(attribute_name(field.name), annotation, expression, fresh, describe_field(schema, field))


def _find_members(enum: Enum) -> Iterator[Member]:
    for symbol in enum.symbols:
        yield Member(member_name(symbol.name), symbol.name)


def _find_flaws(schema: Schema, fields: tuple[Field, ...], record: str) -> Iterator[Flaw]:
    seen: dict[str, Field] = {}
    for field in fields:
        name = attribute_name(field.name)
        other = seen.setdefault(name, field)
        if other is not field:
            yield meeting(f"the attribute {name} of {record}", f"'{other.name}'", other.at, f"'{field.name}'", field.at)
        yield from find_lookalikes(schema, field)


def _find_enum_flaws(enum: Enum, class_: str) -> Iterator[Flaw]:
    seen: dict[str, tuple[str, int]] = {}
    private = f"_{class_.lstrip('_')}__"
    for i, symbol in enumerate(enum.symbols):
        name = member_name(symbol.name)
        other, first = seen.setdefault(name, (symbol.name, i))
        if first != i:
            at = enum.symbols[first].at
            yield meeting(f"the member {name} of {enum.name}", f"'{other}'", at, f"'{symbol.name}'", symbol.at)
        if name.startswith(private):
            message = f"'{name}' cannot be a member of the class {class_}: Python takes it for a private name"
            yield Flaw("invalid", message, symbol.at, "rename the symbol or the enum, and release that")
