"""The scan: partitions read from an offset to where they end now, their versions counted.

All data is read with ``read_uncommitted``, as a rogue writer's record counts although its transaction was aborted. What
is committed is told by the same reading where no offset is missing up to the end of the log: then no transaction has
ended there, and all before the open ones is committed. Otherwise the partition is read once more, ``read_committed``.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any, Final

from registry.rollout.broker import Progress, Wanted
from registry.rollout.errors import BrokerUnavailable
from registry.rollout.evidence import PartitionScan, Span
from registry.rollout.kafka.client import Client
from registry.rollout.kafka.lookup import Lookup
from registry.rollout.kafka.runs import FETCHING, offset_of, read_runs
from registry.rollout.kafka.spans import read_ends, read_spans
from registry.rollout.kafka.tally import Tally, note_all, note_committed

TICK: Final = 0.25
"""Seconds between two words on how far it is."""
FIRST_LOOK: Final = 100
"""Offsets that are looked through first for the last record of data."""


class Part:
    """One partition's part of a scan: what is to be read, and what is known so far."""

    def __init__(
        self, number: int, start: int, end: int, span: Span, resume: Progress | None = None, twice: bool = False
    ) -> None:
        self.number = number
        self.end = end
        self.stable = min(span.stable, end)
        self.beyond = end if twice else max(span.high, end)
        """How far the reading goes: the marker of a transaction that ended lies before it."""
        start = min(max(start, span.low), end)
        before = resume.found.get(number) if resume else None
        self.twice = twice or before is not None
        """Whether offsets may be missing without anybody's having seen it."""
        self._known = before or PartitionScan(start, start, min(start, self.stable))
        self._tallies: list[tuple[Tally, int]] = []
        self._tally: Tally | None = None
        self._reached = self._known.end

    @property
    def scan(self) -> PartitionScan:
        """What is known so far."""
        if self._tallies:
            (below, _), (above, _), _ = self._tallies
            return note_all(note_all(self._known, below, self._reached), above, self._reached)
        if self._tally is not None:
            return note_committed(self._known, self._tally, self._tally.next)
        return self._known

    def begin(self, lookup: Lookup) -> tuple[int, int]:
        """Makes ready to take all data, and says from where to where."""
        start = self._known.end
        self._tallies = [
            (Tally(lookup, max(start, first)), bound)
            for first, bound in ((start, self.stable), (self.stable, self.end), (self.end, self.beyond))
        ]
        """Of committed data, of what comes before the end besides, and of what lies beyond, where only gaps count."""
        return start, self.beyond

    def take(self, messages: list[Any], over: bool) -> None:
        """Counts a run of all data; when it is over ``twice`` says whether committed data must be read by itself."""
        if messages:
            self._reached = min(offset_of(messages[-1]) + 1, self.end)
        for tally, bound in self._tallies:
            if messages:
                cut = len(messages) if offset_of(messages[-1]) < bound else bisect_left(messages, bound, key=offset_of)
                tally.add(messages[:cut])
                messages = messages[cut:]
            if over:
                tally.close(bound)
        if over:
            self._reached = self.end
            self.twice |= any(tally.gaps for tally, _ in self._tallies)
            below, _ = self._tallies[0]
            self._known, self._tallies = self.scan, []
            if not self.twice:
                self._known = note_committed(self._known, below, self.stable)

    def begin_committed(self, lookup: Lookup) -> tuple[int, int]:
        """Makes ready to take committed data."""
        self._tally = Tally(lookup, self._known.stable)
        return self._known.stable, self.stable

    def take_committed(self, messages: list[Any], over: bool) -> None:
        """Counts a run of committed data."""
        assert self._tally is not None
        self._tally.add(messages)
        if over:
            self._tally.close(self.stable)
            self._known, self._tally = note_committed(self._known, self._tally, self.stable), None


def read_parts(
    client: Client, topic: str, parts: Iterable[Part], wanted: Wanted, tell: Callable[[Progress], None]
) -> dict[int, PartitionScan]:
    """Reads all data of the parts, then what is committed of those where that is not clear."""
    lookup, all_parts = Lookup(wanted), {part.number: part for part in parts}
    ends = MappingProxyType({number: part.end for number, part in all_parts.items()})

    def look() -> Progress:
        found = {number: part.scan for number, part in all_parts.items()}
        done = {number: scan.end for number, scan in found.items()}
        return Progress(MappingProxyType(done), ends, MappingProxyType(found))

    def read(committed: bool, spans: Mapping[int, tuple[int, int]]) -> None:
        told = monotonic()
        consumer = client.open_consumer(committed, **FETCHING)
        try:
            for run in read_runs(client, consumer, topic, spans):
                part = all_parts[run.number]
                if committed:
                    part.take_committed(run.messages, run.over)
                else:
                    part.take(run.messages, run.over)
                if monotonic() - told > TICK:
                    tell(look())
                    told = monotonic()
        finally:
            consumer.close()

    tell(look())
    read(False, {number: part.begin(lookup) for number, part in all_parts.items()})
    if again := {number: part.begin_committed(lookup) for number, part in all_parts.items() if part.twice}:
        read(True, again)
    tell(look())
    return {number: part.scan for number, part in all_parts.items()}


def scan(
    client: Client,
    topic: str,
    starts: Mapping[int, int],
    wanted: Wanted,
    tell: Callable[[Progress], None],
    resume: Progress | None = None,
) -> dict[int, PartitionScan]:
    """As :meth:`registry.rollout.broker.Broker.scan`."""
    # In this order: what was open at the end and is committed now has its marker before the span's high.
    ends = resume.ends if resume else {}
    ends = {**read_ends(client, topic, set(starts) - set(ends)), **ends}
    spans = read_spans(client, topic, starts)
    for number, span in spans.items():
        if max(starts[number], ends[number]) > span.high:
            raise BrokerUnavailable(
                f"{topic}[{number}] on the cluster {client.name} ends at {span.high}, and reached"
                f" {max(starts[number], ends[number])} before",
                "was the topic made anew? what is known of its old records proves nothing then",
            )
    parts = [Part(number, start, ends[number], spans[number], resume) for number, start in starts.items()]
    return read_parts(client, topic, parts, wanted, tell)


def find_last_data(client: Client, topic: str, before: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """As :meth:`registry.rollout.broker.Broker.find_last_data`: looks into ever larger pieces, backwards."""
    spans = read_spans(client, topic, before)
    found = dict.fromkeys(before, (-1, -1))
    tops = {number: min(offset, spans[number].high) for number, offset in before.items()}
    size = FIRST_LOOK
    while pieces := {
        number: (max(spans[number].low, top - size), top)
        for number, top in tops.items()
        if top > spans[number].low and -1 in found[number]
    }:
        parts = [
            # Always read twice: a marker that stands after the piece would not be missed.
            Part(number, start, top, spans[number], twice=True)
            for number, (start, top) in pieces.items()
        ]
        for number, seen in read_parts(client, topic, parts, Wanted("", {}), lambda _: None).items():
            committed, everything = found[number]
            found[number] = (
                seen.last_committed_data if committed < 0 else committed,
                seen.last_data if everything < 0 else everything,
            )
        tops.update({number: start for number, (start, _) in pieces.items()})
        size *= 10
    return found
