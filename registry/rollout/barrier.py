"""The barrier: from which offset on a partition holds no old record, and which groups have read past it. Pure.

It is told by the versions of the records, never by the end of the log: what stands there may be a transaction's marker,
an aborted record, or a hole that compaction left, and a group that has read everything never commits past those.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from registry.frozen import dataclass
from registry.rollout.evidence import Group, PartitionScan, Seen, Span
from registry.rollout.rollout import Mark

NOTHING: Final = Seen()


def plan_probe(starts: Mapping[int, int], tail: Mapping[int, PartitionScan], old: int) -> dict[int, int]:
    """Partitions whose last data record before an offset must be looked for, because the scan saw no old record there.

    ``starts`` are those of the marks; a partition that came later begins where its scan did.
    """
    return {
        number: starts.get(number, scan.start)
        for number, scan in sorted(tail.items())
        if scan.versions.get(old, NOTHING).last_committed < 0
    }


def plan_barrier(
    starts: Mapping[int, int],
    tail: Mapping[int, PartitionScan],
    before: Mapping[int, tuple[int, int]],
    old: int,
    new: int,
) -> dict[int, Mark]:
    """The mark of each partition that was scanned.

    ``before`` answers :func:`plan_probe`: the last committed data record before the start, and the last of all; -1 for
    none. ``old`` is the version that is no longer written: of a revert that is the step's new one. Raises
    :class:`KeyError` for a partition that had to be probed and was not.
    """
    marks = {}
    for number, scan in sorted(tail.items()):
        left, written = scan.versions.get(old, NOTHING), scan.versions.get(new, NOTHING)
        committed, everything = left.last_committed, left.last
        if committed < 0:
            committed, every = before[number]
            everything = max(everything, every, committed)
        marks[number] = Mark(
            start=starts.get(number, scan.start),
            committed=_after(committed),
            everything=_after(max(everything, committed)),
            first_new=written.first_committed,
        )
    return marks


def _after(offset: int) -> int:
    return offset + 1  # 0 where there is no such record: nothing lies before it


class Crossing(StrEnum):
    """Where a group stands on a partition."""

    CROSSED = "crossed"
    """It has read every old record."""
    BEHIND = "behind"
    """An old record may still lie before it."""
    BEFORE_NEW = "before-new"
    """It has read every old record, and no new one, though there is one."""
    UNKNOWN = "unknown"
    """It has no committed offset, and the partition holds data."""


@dataclass(frozen=True, slots=True)
class Position:
    """One group on one partition."""

    partition: int
    crossing: Crossing
    committed: int
    """What it reads next; -1 where it never committed, or its offset expired."""
    barrier: int
    first_new: int = -1


def find_positions(
    group: Group,
    marks: Mapping[int, Mark],
    spans: Mapping[int, Span],
    tail: Mapping[int, PartitionScan],
    old: int,
    new: int,
) -> Iterator[Position]:
    """Where a group stands on each partition of the topic as it is now.

    ``tail`` is what a scan from the marks' starts sees today; partitions that it lacks are judged by their marks alone.
    A partition without a mark was added since: every old record in it lies before its barrier.
    """
    for number in sorted(spans):
        scan = tail.get(number)
        mark = marks.get(number) or _mark_added(scan, old)
        committed = group.committed.get(number, -1)
        first_new = _find_first_new(mark, new, spans[number], scan)
        yield Position(
            number,
            _judge(committed, mark, first_new, spans[number], scan),
            committed,
            mark.committed,
            first_new,
        )


def _mark_added(scan: PartitionScan | None, old: int) -> Mark:
    seen = scan.versions.get(old, NOTHING) if scan else NOTHING
    return Mark(scan.start if scan else 0, _after(seen.last_committed), _after(seen.last))


def _judge(committed: int, mark: Mark, first_new: int, span: Span, scan: PartitionScan | None) -> Crossing:
    if _is_empty(mark, span, scan):
        return Crossing.CROSSED
    if committed < 0:
        return Crossing.UNKNOWN
    # A group that stands before the first record that is kept goes on there: what lay between is deleted.
    at = max(committed, span.low)
    if at < mark.committed and not _nothing_lies_at(at, scan):
        return Crossing.BEHIND
    if first_new >= 0 and at <= first_new:
        return Crossing.BEFORE_NEW
    return Crossing.CROSSED


def _is_empty(mark: Mark, span: Span, scan: PartitionScan | None) -> bool:
    """Whether there is nothing that a group could have read: no record, or none but markers, tombstones and holes."""
    if span.low >= span.high:
        return True
    return scan is not None and mark.committed <= span.low and scan.last_committed_data < span.low


def _nothing_lies_at(offset: int, scan: PartitionScan | None) -> bool:
    """Whether the scan covers the offset and saw no committed data from there on: all that follows is no data."""
    return scan is not None and scan.start <= offset and scan.last_committed_data < offset


def _find_first_new(mark: Mark, new: int, span: Span, scan: PartitionScan | None) -> int:
    """The first new record as the log holds it now: compaction may have taken the one that the mark knew."""
    if scan is not None:
        return scan.versions.get(new, NOTHING).first_committed
    return mark.first_new if mark.first_new >= span.low else -1
