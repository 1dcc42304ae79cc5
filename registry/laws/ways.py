"""Ways from one version to the other, as the runtime goes them: through converters, to bytes that are read."""

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final, Protocol

from registry.frozen import dataclass, field
from registry.laws.places import find_differences, look
from registry.laws.side import Side
from registry.serde.conversion import Conversion, Inconvertible
from registry.serde.conversion.conversion import Direction
from registry.serde.errors import CodecError
from registry.source import Location
from registry.upgrade import Upgrade

DECLARED: Final = "declared"
"""A case of ``unrepresentable`` stops the event, as it should."""
VALUE: Final = "value"
"""An operation, or the schema, refuses this value; at run time the record holds."""
SHAPE: Final = "shape"
"""No event of this shape comes through."""
CRASH: Final = "crash"
"""A converter raised what it never may."""

_SHAPES: Final = re.compile(
    r"there is (?:no|a) field |there is no record |field '.*' is missing|record .* has no field "
    r"|.* is no (?:record|array|map)$|'.*' is no field of "
)
"""Facts about the shape of an event and not about a value: one such event is as good as any other of its shape."""
_EXTRA: Final = re.compile(r"has no field '(?P<name>\w+)'$|^'(?P<other>\w+)' is no field of ")
"""A field that the target does not have; as each language says it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an event did not become one of the other version."""

    kind: str
    fact: str
    path: str = ""
    at: Location | None = field(default=None, compare=False)
    """In upgrade.yaml."""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of an event: another one, as the target's readers see it, or a failure."""

    made: Any = None
    failure: Failure | None = None


class Way(Protocol):
    """One direction between two versions."""

    @property
    def source(self) -> Side:
        """The version whose events go this way."""

    @property
    def target(self) -> Side:
        """The version that they become."""

    def go(self, event: Any) -> Arrival:
        """What becomes of an event of the source, which stays as it was."""

    def replaces(self, event: Any) -> bool:
        """Whether a declared case reads this event as if it said something else."""


@dataclass(frozen=True, slots=True)
class Converted:
    """Through the converters of one version."""

    source: Side
    target: Side
    name: str
    """``up`` or ``down``."""
    direction: Direction
    convert: Callable[[Any], Any]
    upgrade: Upgrade
    edits: tuple[str, ...]
    """Where each edit of the direction stands in the document."""
    find_place: Callable[[str], Location]
    """Where the operation stands that a path of an event belongs to."""

    def go(self, event: Any) -> Arrival:
        """What becomes of an event of the source."""
        if event is None:
            return Arrival(self.convert(None))
        try:
            made = self.convert(event)
        except Inconvertible as error:
            return Arrival(failure=self._explain(event, error))
        except CodecError as error:
            return Arrival(failure=self._refuse(None, error))
        except Exception as error:  # whatever it is, it is the finding
            fact = f"{type(error).__name__}: {error}"
            return Arrival(failure=Failure(CRASH, fact, at=self.upgrade.at(self._find_edit(event)[0])))
        try:
            return Arrival(self.target.read(self.target.write(made)))
        except CodecError as error:
            return Arrival(failure=self._refuse(made, error))

    def replaces(self, event: Any) -> bool:
        """Whether a declared case reads this event as if it said something else."""
        copied = deepcopy(event)
        try:
            for condition in self.direction.conditions:
                condition.apply(copied)
        except Inconvertible:
            return False
        return next(find_differences(event, copied), None) is not None

    def _explain(self, event: Any, error: Inconvertible) -> Failure:
        pointer, declared = self._find_edit(event)
        kind = DECLARED if declared else SHAPE if _SHAPES.match(error.fact) else VALUE
        return Failure(kind, error.fact, error.path, self.upgrade.at(pointer), error.help)

    def _refuse(self, made: Any, error: CodecError) -> Failure:
        kind, help_ = SHAPE if _SHAPES.match(error.fact) else VALUE, error.help
        extra = _EXTRA.search(error.fact)
        place = self.find_place(error.path)
        if kind == SHAPE and extra is not None:
            path = f"{error.path}/{extra['name'] or extra['other']}"
            place = self.find_place(path)
            if look(made, tuple(path.split("/")[1:])) is None:  # nothing could be moved out of a record that is null
                kind = VALUE
                help_ = f"say what becomes of it: unrepresentable: {{{self.name}: [{{when: {{{path[1:]}: null}}}}]}}"
        return Failure(kind, error.fact, error.path, place, help_)

    def _find_edit(self, event: Any) -> tuple[str, bool]:
        """Where in the document an event stops, and whether it is a declared case that stops it."""
        copied = deepcopy(event)
        for index, condition in enumerate(self.direction.conditions):
            try:
                condition.apply(copied)
            except Exception as error:  # found once already, and looked for again
                declared = isinstance(error, Inconvertible) and not _SHAPES.match(error.fact)
                return f"/unrepresentable/{self.name}/{index}", declared
        for pointer, edit in zip(self.edits, self.direction.edits or (), strict=True):
            try:
                edit(copied)
            except Exception:  # the same
                return pointer, False
        return f"/{self.name}", False


@dataclass(frozen=True, slots=True)
class Native:
    """By the schema language's own resolution: a version that declares no converters."""

    source: Side
    target: Side
    at: Location
    decode: Callable[[bytes, int, None], Any]

    def go(self, event: Any) -> Arrival:
        """What becomes of an event of the source."""
        try:
            return Arrival(self.decode(self.source.write(event), 0, None))
        except CodecError as error:
            return Arrival(failure=Failure(VALUE, error.fact, error.path, self.at, error.help))

    def replaces(self, event: Any) -> bool:
        """A schema has no cases."""
        return False


@dataclass(frozen=True, slots=True)
class Along:
    """Several ways, one after another."""

    source: Side
    target: Side
    ways: tuple[Way, ...]

    def go(self, event: Any) -> Arrival:
        """What becomes of an event of the source, at the end of all ways or where it stops."""
        arrival = Arrival(event)
        for way in self.ways:
            arrival = way.go(arrival.made)
            if arrival.failure is not None:
                break
        return arrival

    def replaces(self, event: Any) -> bool:
        """Whether a case on the way does."""
        for way in self.ways:
            if way.replaces(event):
                return True
            arrival = way.go(event)
            if arrival.failure is not None:
                return False
            event = arrival.made
        return False


def make_ways(
    upgrade: Upgrade, conversion: Conversion, older: Side, newer: Side, find_place: Callable[[str], Location]
) -> tuple[Converted, Converted | None]:
    """Both ways of one version's converters; no way down where the document says so."""
    from json import loads

    document = loads(upgrade.text)
    operations = [f"/up/{index}" for index in range(len(document["up"]))]
    up, down = conversion.rising, conversion.falling
    rising = Converted(older, newer, "up", up, conversion.up, upgrade, _number("up", operations, up), find_place)
    if down.edits is None:
        return rising, None
    own = document.get("down")
    back = [f"/down/{index}" for index in range(len(own))] if isinstance(own, list) else operations[::-1]
    return rising, Converted(
        newer, older, "down", down, conversion.down, upgrade, _number("down", back, down), find_place
    )


def _number(name: str, operations: list[str], direction: Direction) -> tuple[str, ...]:
    """The removals of declared losses come before the operations."""
    lost = len(direction.edits or ()) - len(operations)
    return (*[f"/loss/{name}"] * lost, *operations)


def make_native(older: Side, newer: Side, at: Location) -> tuple[Native, Native]:
    """Both ways between versions without converters."""
    up = older.codec.compile_decoder(newer.schema, older.schema)
    down = older.codec.compile_decoder(older.schema, newer.schema)
    return Native(older, newer, at, up), Native(newer, older, at, down)
