"""Records, enums and fixed: one definition each, with what Avro forbids in it."""

from typing import Final

from registry.formats.avro.build import Build
from registry.formats.avro.names import RECORDS, is_dotted_name, namespace_of, qualify
from registry.formats.avro.names_in_files import GRAMMAR, Place, judge_plain_name, shorten
from registry.schema import MISSING, Enum, Field, Fixed, Named, Record, Symbol
from registry.source import Location

MAX_FIXED_SIZE: Final = 2**31 - 1
"""Bytes of a fixed: what an ``int`` of any language holds."""


def build_wanted(build: Build) -> None:
    """Every named type that the build wants, and those that these want in turn."""
    for place in build.find_waiting():
        build.types[place.definition.name] = _named(build, place)


def _named(build: Build, place: Place) -> Named:
    """The type that stands at a place."""
    kind = place.definition.kind
    if kind in RECORDS:
        return _record(build, place)
    return _enum(build, place) if kind == "enum" else _fixed(build, place)


def _record(build: Build, place: Place) -> Record:
    definition, at = place
    name, value = definition.name, definition.value
    build.logical(value, definition.kind, at)
    listed = value.get("fields")
    if not isinstance(listed, list):
        build.flaw(f"record {name} has no 'fields', which is an array", at)
        listed = []
    namespace = namespace_of(name)
    fields = [
        field
        for i, item in enumerate(listed)
        if (field := _field(build, item, Location(at.path, f"{at.pointer}/fields/{i}", at.find), namespace))
    ]
    _judge_field_names(build, name, fields)
    return Record(name, tuple(fields), at, _aliases(build, place), _doc(value))


def _field(build: Build, value: object, at: Location, namespace: str) -> Field | None:
    if not isinstance(value, dict):
        build.flaw("a field is an object with 'name' and 'type'", at)
        return None
    name = value.get("name")
    if flaw := judge_plain_name(name, "field", at.at("name") if "name" in value else at):
        build.flaws.append(flaw)
        return None
    if "type" not in value:
        build.flaw(f"field '{name}' has no type", at)
        return None
    if "logicalType" in value:
        build.note_beside(value, value["type"], at)
    aliases = _field_aliases(build, value["aliases"], at) if "aliases" in value else ()
    type_ = build.type(value["type"], Location(at.path, f"{at.pointer}/type", at.find), namespace)
    field = Field(str(name), type_, at, value.get("default", MISSING), aliases, _doc(value))
    if field.default is not MISSING:
        build.defaulted.append(field)
    return field


def _field_aliases(build: Build, listed: object, at: Location) -> tuple[str, ...]:
    if not isinstance(listed, list):
        build.flaw("'aliases' is an array of names", at.at("aliases"))
        return ()
    for i, alias in enumerate(listed):
        if flaw := judge_plain_name(alias, "field", at.at("aliases", i)):
            build.flaws.append(flaw)
    return tuple(dict.fromkeys(str(alias) for alias in listed))


def _judge_field_names(build: Build, record: str, fields: list[Field]) -> None:
    """Two fields that would take one field of a writer: the same name, an alias that is a name, the same alias."""
    owners: dict[str, Field] = {}
    for field in fields:
        first = owners.setdefault(field.name, field)
        if first is not field:
            build.flaw(f"field '{field.name}' stands twice in {record}, first at {first.at}", field.at)
    for field in fields:
        for alias in field.aliases:
            owner = owners.setdefault(alias, field)
            if owner is not field and owner.name != field.name:
                what = "the name" if owner.name == alias else "an alias"
                message = f"alias '{alias}' of field '{field.name}' is also {what} of field '{owner.name}'"
                help_ = "both would take the same field of a writer: remove the alias from one of them"
                build.flaw(message, field.at.at("aliases"), help_)


def _enum(build: Build, place: Place) -> Enum:
    definition, at = place
    name, value = definition.name, definition.value
    build.logical(value, "enum", at)
    listed = value.get("symbols")
    if not isinstance(listed, list):
        build.flaw(f"enum {name} has no 'symbols', which is an array", at)
        listed = []
    symbols: dict[str, Symbol] = {}
    for i, symbol in enumerate(listed):
        here = Location(at.path, f"{at.pointer}/symbols/{i}", at.find)
        if flaw := judge_plain_name(symbol, "symbol", here):
            build.flaws.append(flaw)
        elif symbol in symbols:
            build.flaw(f"symbol '{symbol}' stands twice in enum {name}, first at {symbols[symbol].at}", here)
        else:
            symbols[symbol] = Symbol(symbol, i, here)
    default = value.get("default")
    if "default" in value and (not isinstance(default, str) or default not in symbols):
        build.flaw(f"the default {shorten(default)} is no symbol of enum {name}", at.at("default"))
    symbol_default = default if isinstance(default, str) else None
    return Enum(name, tuple(symbols.values()), at, symbol_default, _aliases(build, place), _doc(value))


def _fixed(build: Build, place: Place) -> Fixed:
    definition, at = place
    value, size = definition.value, definition.value.get("size")
    if type(size) is not int or not 0 <= size <= MAX_FIXED_SIZE:  # a bool is no size
        what = f"size {shorten(size)}, which is no number" if "size" in value else "no size, a number"
        build.flaw(f"fixed {definition.name} has {what} from 0 to {MAX_FIXED_SIZE}", at.at("size"))
        size = 0
    logical = build.logical(value, "fixed", at, size)
    return Fixed(definition.name, size, at, logical, _aliases(build, place), _doc(value))


def _aliases(build: Build, place: Place) -> tuple[str, ...]:
    """Qualified by the namespace of the name they stand for."""
    definition, at = place
    if "aliases" not in definition.value:
        return ()
    listed = definition.value["aliases"]
    if not isinstance(listed, list):
        build.flaw("'aliases' is an array of names", at.at("aliases"))
        return ()
    for i, alias in enumerate(listed):
        if not isinstance(alias, str) or not is_dotted_name(alias):
            build.flaw(f"{shorten(alias)} is no name", at.at("aliases", i), GRAMMAR)
    namespace = namespace_of(definition.name)
    return tuple(dict.fromkeys(qualify(str(alias), namespace) for alias in listed))


def _doc(value: dict[str, object]) -> str:
    doc = value.get("doc", "")
    return doc if isinstance(doc, str) else ""
