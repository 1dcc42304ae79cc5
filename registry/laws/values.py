"""Events to try converters on: what the schema alone brings, what the converters make one think of, and each field by
itself.

A generator of values that covers a schema in few of them varies many fields at once; an event that stops at the first
hides what the second would have done. So each place of an event that comes through is varied alone as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain, zip_longest
from json import loads
from typing import Any, Final
from uuid import UUID

from registry.laws.places import NOTHING, Place, cost_of, find_places, fits, kind_of, look, put
from registry.laws.ways import Way
from registry.serde.conversion.kinds import are_same
from registry.serde.conversion.paths import Path, parse_path

_LONG: Final = 50
"""Items of a long array."""
_MOST_PLACES: Final = 300
_MOST_MIXED: Final = 5_000
_IN_VAIN: Final = 200
"""Mixes in a row that bring nothing new: a small schema has few events, and all are found."""
_AT_ONCE: Final = 5
"""Places of a mix."""

_TEXTS: Final = (
    "1", "-1", "0", "007", "1.5", "1.50", "true", "false", "A", "2026-01-02", "20260102", "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05+01:00", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
)  # fmt: skip
_SAMPLES: Final[Mapping[type, tuple[object, ...]]] = {
    str: _TEXTS,
    int: (1, 2, -1, 7, 100, 101, 1999, 1_767_323_045, 1_767_323_045_001),
    float: (1.0, 0.5, 0.1, -2.5, 1e22),
    bytes: (b"a", UUID(int=7).bytes, b"\xff"),
    Decimal: tuple(map(Decimal, ("1", "0.1", "0.01", "0.001", "0.0001", "19.99"))),
    datetime: (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 5, 6007, tzinfo=UTC)),
    date: (date(2026, 1, 2),),
    UUID: (UUID(int=7),),
}
"""Values that operations can work on, by the kind of what stands at their field."""


def find_events(
    way: Way,
    most: int,
    named: Sequence[Path] = (),
    words: Sequence[object] = (),
    images: Sequence[Any] = (),
    meant: Sequence[tuple[Path, object]] = (),
) -> list[Any]:
    """Up to ``most`` events of the source of a way, the smallest first; the same ones each time.

    ``named`` are the paths that the converters name on this side, ``words`` the values that stand in them; ``images``
    are events of the source that came the other way, and so come back if any do; ``meant`` says what some fields
    must say together, or nothing comes through.
    """
    side = way.source
    made = side.made
    if not made:
        return []
    fitting = [_fit(event, meant) for event in made] if meant else []
    bases = _find_bases(way, [*images, *fitting, *made])
    pool = _collect([*made, *images], named, words)
    edges = chain.from_iterable(_find_alone(base, pool, named) for base in reversed(bases))
    found: dict[bytes, Any] = {}

    def take(event: Any) -> bool:
        """Whether it is one more."""
        before, settled = len(found), side.settle(event)
        if settled is not None:
            found.setdefault(side.write(settled), settled)
        return len(found) > before

    for event in chain(made[:1], bases, made[1 : most // 3], edges, made, images):
        if len(found) >= most:
            break
        take(event)
    # Of everything else there is only so much; random mixes have no end.
    in_vain = 0
    for event in _find_mixed(bases, pool):
        if len(found) >= most or in_vain == _IN_VAIN:
            break
        in_vain = 0 if take(event) else in_vain + 1
    return sorted(found.values(), key=cost_of)


def find_words(text: str) -> list[object]:
    """The values that stand in a document of converters, as events may have them."""
    found: list[object] = []
    waiting: list[object] = [loads(text, parse_float=Decimal)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
            found.append([str(each) for each in value] if value and isinstance(value[0], str) else value)
        elif type(value) is int or isinstance(value, Decimal):
            found += [value, value + 1, value - 1, Decimal(value), str(value)]
            found += [int(value), float(value)] if isinstance(value, Decimal) else [float(value)]
        elif value is not None:
            found.append(value)
    return found


def _find_bases(way: Way, made: Sequence[Any]) -> list[Any]:
    """The smallest event that comes through, and the one with most in it; where none does, of all."""
    through = [event for event in made if way.go(event).failure is None] or list(made)
    smallest, richest = min(through, key=cost_of), max(through, key=_count)
    return [smallest] if richest is smallest else [smallest, richest]


def _fit(event: Any, meant: Sequence[tuple[Path, object]]) -> Any:
    """The event with the values that the document gives to some of its fields."""
    for path, value in meant:
        for place, _ in list(find_places(event)):
            if kind_of(place) == path.steps:
                event = put(event, place, value)
    return event


def _count(event: Any) -> int:
    return sum(1 for _, value in find_places(event, items=1) if value not in (None, [], {}))


def _collect(made: Sequence[Any], named: Sequence[Path], words: Sequence[object]) -> dict[tuple[str, ...], list[Any]]:
    """What has been seen at each place, in any event; of the places that converters name also what fits them."""
    pool: dict[tuple[str, ...], dict[str, Any]] = {}
    for event in made:
        for place, value in find_places(event):
            seen = pool.setdefault(kind_of(place), {})
            if len(seen) < _LONG:
                seen.setdefault(f"{type(value).__name__} {value!r}", value)
    found = {steps: list(seen.values()) for steps, seen in pool.items()}
    for steps, values in found.items():
        for value in [each for each in values if isinstance(each, list) and each][:1]:
            values.insert(0, (value * _LONG)[:_LONG])
        if not any(fits(steps, path) for path in named):
            continue
        kinds = {type(value) for value in values}
        samples = [sample for kind in kinds for sample in _SAMPLES.get(kind, ())]
        meant = [each for each in words if type(each) in kinds] + samples
        turns = zip_longest(values, meant, fillvalue=NOTHING)
        values[:] = [value for turn in turns for value in turn if value is not NOTHING]
    return found


def _find_alone(base: Any, pool: Mapping[tuple[str, ...], Sequence[Any]], named: Sequence[Path]) -> Iterator[Any]:
    """Events that differ from one that comes through at one place only; all places by turns."""
    places = [place for place, _ in find_places(base, items=1)][:_MOST_PLACES]
    places.sort(key=lambda place: not any(fits(kind_of(place), path) for path in named))
    for turn in zip_longest(*(_vary(base, place, pool.get(kind_of(place), ())) for place in places), fillvalue=NOTHING):
        yield from (event for event in turn if event is not NOTHING)


def _find_mixed(bases: Sequence[Any], pool: Mapping[tuple[str, ...], Sequence[Any]]) -> Iterator[Any]:
    """Events that differ from one that comes through at a few places, by dice that fall the same each time."""
    from random import Random

    random = Random(0)
    for _ in range(_MOST_MIXED):
        event = random.choice(bases)
        for _ in range(random.randint(2, _AT_ONCE)):
            place, _now = random.choice(list(find_places(event)) or [((), event)])
            values = pool.get(kind_of(place), ())
            if values:
                event = put(event, place, random.choice(values))
        yield event


def _vary(base: Any, place: Place, values: Sequence[Any]) -> Iterator[Any]:
    now = look(base, place)
    for value in values:
        if not are_same(value, now):
            yield put(base, place, value)


def parse_paths(texts: Sequence[str]) -> list[Path]:
    """The paths of texts that are some."""
    found = []
    for text in texts:
        try:
            found.append(parse_path(text))
        except ValueError:
            continue
    return found
