"""Which event followed from which: the records of one correlation id as a tree, told from their headers alone.

No schema is needed, so that a person can follow an event through topics that nobody here has stubs for.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from registry.frozen import dataclass
from registry.serde.delivery import place
from registry.serde.record import Record

_DEAD: Final = "dl_reason"
"""The header that makes a record a dead letter (:mod:`registry.kafka.consuming.dead_letters`)."""
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""Stands for a moment that nobody told: after all others."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the headers of one record tell."""

    event: str
    """The full name of the event, or what was in its place."""
    version: str
    source: str
    """The service that wrote it."""
    event_id: str
    correlation_id: str
    causation_id: str
    occurred_at: datetime | None
    place: str
    """``content.items[1]@1041``."""
    dead: str = ""
    """Of a dead letter: whose it is, and why."""
    reader: str = ""
    """Of a dead letter: the service and the consumer group that could not handle the event."""


def parse_told(record: Record) -> Told:
    """What the headers of a record tell; empty where they say nothing."""
    said = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
    find = said.get
    dead = ""
    if _DEAD in said:
        attempts = find("dl_attempts", "")
        tries = f" after {attempts} attempts" if attempts not in ("", "0", "1") else ""
        reason = find(_DEAD, "")
        if reason.startswith("registry."):  # ours, whose class says it all
            reason = reason.rpartition(".")[2]
        dead = f"dead letter of {find('dl_service', '?')}{tries}: {reason}: {find('dl_message', '')}"
    return Told(
        event=find("ce_type", "?"),
        version=find("ce_schemaversion", "?"),
        source=find("ce_source", "?"),
        event_id=find("ce_id", ""),
        correlation_id=find("ce_correlationid", ""),
        causation_id=find("ce_causationid", ""),
        occurred_at=_parse_moment(find("dl_at" if dead else "ce_time", "")),
        place=place(record),
        dead=dead,
        reader=f"{find('dl_service', '')} {find('dl_group', '')}" if dead else "",
    )


def _parse_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.utcoffset() is not None else None


@dataclass(frozen=True, slots=True)
class Step:
    """One event in the tree, which is told from top to bottom."""

    told: Told
    again: int
    """How often it lies in the topics beyond the first time: at least once is what a relay promises, and an event that
    fails again when it is redriven leaves one more dead letter."""
    branch: tuple[bool, ...]
    """For each level from the top to this event, whether it is the last one there."""
    since: datetime | None
    """When the event happened that this one follows from."""


def find_steps(records: Iterable[Record], correlation_id: str) -> Iterator[Step]:
    """The events of a correlation id, each below the one that caused it, and in the order of their times.

    An event whose cause is not among the records stands at the top. Records without an event id are steps of their own.
    Of the dead letters of one event and one reader the latest stands for all.
    """
    shown: dict[str, Told] = {}
    again: dict[str, int] = {}
    below: dict[str, list[str]] = {}
    ours = (told for record in records if (told := parse_told(record)).correlation_id == correlation_id)
    for told in sorted(ours, key=_find_rank):
        name, cause = told.event_id or told.place, told.causation_id
        if told.dead:
            name, cause = f"{told.reader} {name}", told.event_id
        if name in shown:
            again[name] = again.get(name, 0) + 1
            if told.dead:
                shown[name] = told
            continue
        shown[name] = told
        below.setdefault(cause, []).append(name)
    placed: set[str] = set()
    tops = [name for cause, names in below.items() if cause not in shown for name in names]
    # Events that claim to have caused each other hang below nothing: they come last, at the top.
    for start in (tops, list(shown)):
        waiting = _place(start, (), None, placed)
        while waiting:
            name, branch, since = waiting.pop()
            told = shown[name]
            yield Step(told, again.get(name, 0), branch, since)
            waiting += _place(below.get(name, ()), branch, told.occurred_at, placed)


_Waiting = list[tuple[str, tuple[bool, ...], datetime | None]]


def _place(names: Iterable[str], branch: tuple[bool, ...], since: datetime | None, placed: set[str]) -> _Waiting:
    """The events of one level, the first one at the end of the list, where it is taken from."""
    fresh = [name for name in dict.fromkeys(names) if name not in placed]
    placed.update(fresh)
    return [(name, (*branch, name == fresh[-1]), since) for name in reversed(fresh)]


def _find_rank(told: Told) -> tuple[bool, datetime, int, str]:
    """Dead letters after all events, then by time; of one moment by place: the shorter one has the smaller offset."""
    return bool(told.dead), told.occurred_at or _NEVER, len(told.place), told.place


def render_steps(correlation_id: str, steps: Iterable[Step]) -> Iterator[str]:
    """The tree as lines of text: event, version, who wrote it, where it lies, and the time since what it follows from.

    The times are those of the writers' clocks, which may differ.
    """
    yield f"correlation {correlation_id}"
    for step in steps:
        *above, last = step.branch
        yield "".join("   " if each else "│  " for each in above) + ("└─ " if last else "├─ ") + _render(step)


def _render(step: Step) -> str:
    told, moment, since = step.told, step.told.occurred_at, step.since
    when = ""
    if moment is not None:
        when = f"  {moment:%H:%M:%S}" if since is None else f"  {(moment - since).total_seconds() * 1000:+.0f} ms"
    times = f"  ({step.again + 1} times)" if step.again else ""
    if told.dead:
        return f"✗ {told.dead}  {told.place}{when}{times}"
    return f"{told.event.rpartition('.')[2]} v{told.version}  {told.source}  {told.place}{when}{times}"
