"""The converters between two versions, as two functions."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from registry.described import describe_python
from registry.frozen import dataclass, replace
from registry.schema import Schema
from registry.serde.conversion.conditions import Condition, parse_condition
from registry.serde.conversion.document import Part, parse_document
from registry.serde.conversion.errors import BadConversion, Inconvertible
from registry.serde.conversion.operations import Edit, Losses, Operation, make_removal, parse_operation

_DOWN: Final = ("derived", "none")
_Whole = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Direction:
    """One way: first the cases, then the edits, then what the schema adds."""

    conditions: tuple[Condition, ...]
    edits: tuple[Edit, ...] | None
    """None where there is no way."""
    complete: _Whole | None = None

    def apply(self, event: Any) -> Any:
        """The event of the other version. Raises :class:`Inconvertible`; the event that is given stays as it was."""
        if event is None:  # a tombstone says of its key that there is nothing, in any version
            return None
        if not isinstance(event, dict):
            raise Inconvertible(f"{describe_python(event)} is no event with fields")
        event = dict(event)
        for condition in self.conditions:
            condition.apply(event)
        if self.edits is None:
            raise Inconvertible("no way back to the older version is declared", help="declare `down` in upgrade.yaml")
        for edit in self.edits:
            edit(event)
        return self.complete(event) if self.complete else event


@dataclass(frozen=True, slots=True)
class Conversion:
    """The converters between a version and the one before it.

    Both functions take events as the codecs read them without classes, with all their fields, and make new ones; they
    depend on nothing else. What they make is checked by whoever encodes it.
    """

    rising: Direction
    falling: Direction
    older: frozenset[str]
    """Paths of the fields that are named: those of the older version."""
    newer: frozenset[str]

    def up(self, event: Any) -> Any:
        """An event of the older version as one of the newer. Raises :class:`Inconvertible`."""
        return self.rising.apply(event)

    def down(self, event: Any) -> Any:
        """An event of the newer version as one of the older. Raises :class:`Inconvertible`."""
        return self.falling.apply(event)


def load_conversion(text: str) -> Conversion:
    """The converters of a document, by themselves: no schema adds defaults. Raises :class:`BadConversion`."""
    return _parse(parse_document(text))


def compile_conversion(text: str, older: object, newer: object) -> Conversion:
    """The converters of a document between two schemas, as the ``load`` of their language gives them.

    Fields that are new and that the document does not name have the schema's default. Raises :class:`BadConversion`,
    also for Avro unions whose branches look the same without their names.
    """
    conversion = load_conversion(text)
    if not isinstance(older, Schema) or not isinstance(newer, Schema):
        return conversion  # a field that Protobuf does not find has its default already
    from registry.serde.conversion.completion import compile_completion, find_lookalikes

    for schema in (older, newer):
        for fact in find_lookalikes(schema):
            raise BadConversion(fact, help="give the branches different fields; converters see values, not names")
    return replace(
        conversion,
        rising=replace(conversion.rising, complete=compile_completion(newer)),
        falling=replace(conversion.falling, complete=compile_completion(older)),
    )


def _parse(document: Part) -> Conversion:
    if document.value is None:
        document.refuse("the document is empty", "declare at least `up`, a list of operations")
    parts = document.fields(("up",), ("down", "loss", "unrepresentable"))
    losses = _parse_losses(parts.get("loss"))
    rising = [parse_operation(part, losses) for part in parts["up"].items()]
    conditions = {way: tuple(map(parse_condition, cases)) for way, cases in _by_way(parts.get("unrepresentable"))}
    down = parts.get("down", Part("derived"))
    falling: Sequence[Edit] | None
    if isinstance(down.value, list):
        declared = [parse_operation(part, Losses(losses.down, losses.up)) for part in down.items()]
        falling = [each.up for each in declared]
        named = [Operation(each.down, each.up, each.newer, each.older) for each in declared]
    else:
        way = down.one_of(_DOWN) if isinstance(down.value, str) else down.refuse("`down` is derived, none or a list")
        falling, named = [each.down for each in reversed(rising)] if way == "derived" else None, []
    all_named = rising + named
    older = frozenset(path.text for each in all_named for path in each.older)
    newer = frozenset(path.text for each in all_named for path in each.newer)
    lost_up = [make_removal(part.path()) for text, part in losses.up.items() if text not in older]
    lost_down = [make_removal(part.path()) for text, part in losses.down.items() if text not in newer]
    return Conversion(
        Direction(conditions.get("up", ()), (*lost_up, *(each.up for each in rising))),
        Direction(conditions.get("down", ()), None if falling is None else (*lost_down, *falling)),
        older | losses.up.keys(),
        newer | losses.down.keys(),
    )


def _parse_losses(part: Part | None) -> Losses:
    found: dict[str, dict[str, Part]] = {"up": {}, "down": {}}
    for way, entries in _by_way(part):
        for entry in entries:
            field = entry.fields(("field",))["field"]
            path = field.path()
            if not path.single:
                field.refuse(f"{path.text} is no field, but the items of one")
            found[way][path.text] = field
    return Losses(found["up"], found["down"])


def _by_way(part: Part | None) -> list[tuple[str, list[Part]]]:
    if part is None:
        return []
    return [(way, entry.items()) for way, entry in part.fields((), ("up", "down")).items() if way != "because"]
