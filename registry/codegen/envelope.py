"""Fields of the envelope are no attributes of a class: ``Meta`` carries them."""

from collections.abc import Iterator, Mapping

from registry.codegen.plan import StubVersion
from registry.errors import Flaw
from registry.frozen import dataclass, field
from registry.schema import Array, Field, Map, Record, Ref, Schema, Type, Union


@dataclass(frozen=True, slots=True)
class Hidden:
    """What the classes of a version leave out."""

    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Full name of a record to its fields without an attribute."""
    flaws: tuple[Flaw, ...] = ()

    def visible(self, record: Record) -> tuple[Field, ...]:
        """The fields that become attributes."""
        hidden = self.fields.get(record.name)
        return tuple(each for each in record.fields if each.name not in hidden) if hidden else record.fields


def find_hidden(version: StubVersion) -> Hidden:
    """The fields of the envelope, and those whose record holds nothing else.

    A record with such a field looks otherwise than its schema, so the event may use it in that one place only.
    """
    if not version.envelope:
        return Hidden()
    schema = version.schema
    hidden: dict[str, set[str]] = {}
    steps: list[tuple[Record, Field, Record]] = []
    flaws: list[Flaw] = []
    for path in version.envelope.values():
        record = schema.resolve(schema.root)
        for name in path[:-1]:
            assert isinstance(record, Record)
            step = _find_field(record, name)
            inner = _find_record(schema, step.type)
            if inner is None:
                message = f"the envelope's {'.'.join(path)} lies in a type with several branches"
                flaws.append(Flaw("invalid", message, step.at, "make it a record, or one that may be null"))
                return Hidden({}, tuple(flaws))
            steps.append((record, step, inner))
            record = inner
        assert isinstance(record, Record)
        hidden.setdefault(record.name, set()).add(_find_field(record, path[-1]).name)
    for record, step, inner in reversed(steps):  # a path's steps lie in a row, so the inner ones come first
        if {each.name for each in inner.fields} <= hidden.get(inner.name, set()):
            hidden.setdefault(record.name, set()).add(step.name)
    places = {(inner.name, record.name, step.name) for record, step, inner in steps}
    flaws += _find_other_uses(schema, hidden, places)
    return Hidden({name: frozenset(fields) for name, fields in hidden.items()}, tuple(flaws))


def _find_field(record: Record, name: str) -> Field:
    return next(each for each in record.fields if each.name == name)


def _find_record(schema: Schema, type_: Type) -> Record | None:
    """The record that a field holds, perhaps beside null."""
    if isinstance(type_, Union):
        rest = [each for each in type_.branches if getattr(each, "name", "") != "null"]
        if len(rest) != 1:
            return None
        type_ = rest[0]
    named = schema.resolve(type_)
    return named if isinstance(named, Record) else None


def _find_other_uses(schema: Schema, hidden: Mapping[str, object], places: set[tuple[str, str, str]]) -> Iterator[Flaw]:
    for record in schema.types.values():
        if not isinstance(record, Record):
            continue
        for each in record.fields:
            for name in find_references(each.type):
                if name in hidden and (name, record.name, each.name) not in places:
                    message = f"{name} holds fields of the envelope, and is used again by field '{each.name}'"
                    help_ = "give the envelope a record that holds nothing else, used once"
                    yield Flaw("invalid", message, each.at, help_)


def find_references(type_: Type) -> Iterator[str]:
    """Full names of the named types in a type, in their order."""
    waiting = [type_]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Ref):
            yield each.name
        elif isinstance(each, Array):
            waiting.append(each.items)
        elif isinstance(each, Map):
            waiting.append(each.values)
        elif isinstance(each, Union):
            waiting += reversed(each.branches)
