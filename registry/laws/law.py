"""The laws of converters, as functions of what was seen of one event."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from registry.described import describe_python
from registry.frozen import dataclass
from registry.laws.places import NOTHING, Index, Place, find_differences, is_within, look, spell
from registry.laws.ways import CRASH, DECLARED, SHAPE, Arrival, Failure, Way
from registry.serde.conversion.kinds import are_same
from registry.serde.conversion.paths import Path
from registry.source import Location


@dataclass(frozen=True, slots=True)
class Passage:
    """What an event of one version meets: the way there, the way back, and what may be lost."""

    name: str
    """``up`` or ``down``: the way there."""
    there: Way
    back: Way | None
    lost: tuple[Path, ...] = ()
    """Fields of the source for which a loss is declared."""
    keys: tuple[Place, Place] = ((), ())
    """Where the message's key stands in the source and in the target; empty where that is not known."""
    find_place: Callable[[str], Location | None] = lambda _path: None
    """Where in upgrade.yaml the operation stands that a path belongs to, of either side."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One event, and what became of it."""

    passage: Passage
    event: Any
    """A copy, made before anything was done with it."""
    used: Any
    """What was given to the converters."""
    arrival: Arrival
    again: Arrival
    """The same a second time."""
    back: Arrival | None
    """What became of what arrived, on the way back; nothing where there is none, or where nothing arrived."""


@dataclass(frozen=True, slots=True)
class Breach:
    """How an event breaks a law."""

    kind: str
    """Breaches of one kind have one cause, so that a smaller event shows the same."""
    fact: str
    path: str = ""
    at: Location | None = None
    help: str = ""


def see(passage: Passage, event: Any) -> Seen:
    """Take an event there and back, twice there."""
    copied = deepcopy(event)
    arrival = passage.there.go(event)
    again = passage.there.go(event)
    back = passage.back.go(arrival.made) if passage.back is not None and arrival.failure is None else None
    return Seen(passage, copied, event, arrival, again, back)


# One law, one function


def find_partial(seen: Seen) -> Breach | None:
    """An event for which there is no answer: one of a shape that no converter takes, or one that makes it fall over."""
    failure = seen.arrival.failure
    return breach_of(failure) if failure is not None and failure.kind in (SHAPE, CRASH) else None


def find_changed_return(seen: Seen) -> Breach | None:
    """There and back is another event, beyond what is declared."""
    back = seen.back
    if back is None or seen.passage.there.replaces(seen.event):
        return None
    if back.failure is not None:
        if back.failure.kind == DECLARED:
            return None
        return breach_of(back.failure)
    if seen.passage.back is not None and seen.passage.back.replaces(seen.arrival.made):
        return None
    for place in find_differences(seen.event, back.made):
        if not any(is_within(place, path) for path in seen.passage.lost):
            return _describe_change(seen, place, back.made)
    return None


def find_touched_envelope(seen: Seen) -> Breach | None:
    """What everybody follows an event by is another one afterwards: its key, its ids, its time."""
    if seen.arrival.failure is not None:
        return None
    source, target = seen.passage.there.source, seen.passage.there.target
    was, now = source.read_meta(seen.event), target.read_meta(seen.arrival.made)
    for role in was.keys() & now.keys():
        if not are_same(was[role], now[role]):
            fact = f"its {role} was {describe_python(was[role])} and is {describe_python(now[role])}"
            return _at_place(seen, f"envelope {role}", fact, spell(target.envelope[role]))
    mine, theirs = seen.passage.keys
    if mine and theirs:
        key, other = look(seen.event, mine), look(seen.arrival.made, theirs)
        if _spell_key(key) != _spell_key(other):
            fact = f"its key was {describe_python(key)} and is {_describe(other)}"
            return _at_place(seen, "key", fact, spell(theirs))
    return None


def find_impurity(seen: Seen) -> Breach | None:
    """The converters wrote to what they were given, or answered otherwise the second time."""
    for place in find_differences(seen.event, seen.used):
        return _at_place(seen, "written", "the converters wrote to the event that they were given", spell(place))
    if seen.arrival.failure != seen.again.failure:
        return _at_place(seen, "again", "the second answer is not the first one", "")
    for place in find_differences(seen.arrival.made, seen.again.made):
        return _at_place(seen, "again", "the second answer is not the first one", spell(place))
    return None


def breach_of(failure: Failure) -> Breach:
    """A failure as what breaks a law."""
    return Breach(failure.kind, failure.fact, failure.path, failure.at, failure.help)


def _describe_change(seen: Seen, place: Place, back: Any) -> Breach:
    path = spell(place)
    was, now = look(seen.event, place), look(back, place)
    fields = "/".join(str(step) for step in place if not isinstance(step, Index))
    fact = f"{_describe(was)} comes back as {_describe(now)}"
    help_ = f"let the operations undo each other, or declare it: loss: {{{seen.passage.name}: [{{field: {fields}}}]}}"
    return _at_place(seen, f"changed {fields}", fact, path, help_)


def _at_place(seen: Seen, kind: str, fact: str, path: str, help: str = "") -> Breach:
    return Breach(kind, fact, path, seen.passage.find_place(path), help)


def _describe(value: object) -> str:
    return "nothing" if value is NOTHING else describe_python(value)


def _spell_key(value: object) -> object:
    """As the record's key is spelled: a text and the id that it names are one key."""
    from datetime import date, datetime
    from uuid import UUID

    if isinstance(value, bytes):
        return value
    plain = isinstance(value, str | int | UUID | date) and not isinstance(value, bool | datetime)
    return str(value).encode() if plain else repr(value)


# All of them


@dataclass(frozen=True, slots=True)
class Law:
    """What every converter keeps."""

    name: str
    meaning: str
    sentence: str = ""
    """What is said of an event that breaks it; nothing where the fact says it all."""
    find: Callable[[Seen], Breach | None] | None = None
    """Looks at one event; laws without it are about the document as a whole."""
    ways: tuple[str, ...] = ("up", "down")


LAWS: Final[Mapping[str, Law]] = {
    law.name: law
    for law in (
        Law("types", "each operation fits both schemas"),
        Law(
            "total",
            "each event becomes one of the other version, or stops by its name",
            "an event of {source} does not become one of {target}",
            find_partial,
        ),
        Law(
            "back",
            "what went up comes down as it was, up to the declared losses",
            "an event of {source} does not come back from {target} as it was",
            find_changed_return,
            ("up",),
        ),
        Law(
            "forth",
            "what went down comes up as it was, up to the declared losses",
            "an event of {source} does not come back from {target} as it was",
            find_changed_return,
            ("down",),
        ),
        Law(
            "envelope",
            "key, ids and time are untouched",
            "an event of {source} has another envelope as one of {target}",
            find_touched_envelope,
        ),
        Law(
            "pure",
            "the event that is given stays as it was, and the answer is the same twice",
            "an event of {source} does not become one of {target} by itself alone",
            find_impurity,
        ),
        Law("tombstone", "a tombstone stays one", "a tombstone of {source} is none of {target}"),
        Law("losses", "each declared loss loses something"),
        Law("chain", "read at once or version by version: the same event", "an event of {source} is two of {target}"),
    )
}
"""By name, in the order in which they are told."""
