"""The log of one partition, as Kafka keeps it: data, tombstones, the markers of transactions, and holes.

What a rollout relies on is modelled and nothing else: offsets are never used twice, a marker takes an offset, committed
data ends where the oldest open transaction begins, compaction leaves holes and removes what was aborted.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from registry.rollout.broker import Wanted
from registry.rollout.evidence import PartitionScan, Seen, Span
from registry.serde.errors import DecodeError
from registry.serde.framing import Headers, parse_frame

MARKER: Final = "marker"
TOMBSTONE: Final = "tombstone"
DATA: Final = "data"
_KEYS: Final = 3
"""How many keys of a version a scan keeps."""


class Slot(NamedTuple):
    """What lies at one offset."""

    offset: int
    kind: str
    key: bytes
    value: bytes
    headers: Headers
    schema: int | str
    """The id or the GUID that the record names; an empty text where it names none."""
    producer: int
    """Of the transaction that wrote it; 0 outside of transactions."""
    at: datetime


class Log:
    """One partition."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.low = 0
        self.high = 0
        self.open: dict[int, int] = {}
        """Transactions under way: producer to the offset of its first record."""
        self.aborted: list[tuple[int, int, int]] = []
        """Transactions that were aborted: producer, first offset, offset of the marker."""

    @property
    def stable(self) -> int:
        """The last stable offset: readers of committed data come no further."""
        return min(self.open.values(), default=self.high)

    @property
    def span(self) -> Span:
        return Span(self.low, self.stable, self.high)

    def append(self, key: bytes, value: bytes | None, headers: Headers, producer: int, at: datetime) -> int:
        """Where the record lies now. ``None`` for a value is a tombstone."""
        if producer:
            self.open.setdefault(producer, self.high)
        schema = "" if value is None else find_schema(value, headers)
        kind = TOMBSTONE if value is None else DATA
        return self._place(Slot(self.high, kind, key, value or b"", headers, schema, producer, at))

    def end(self, producer: int, committed: bool, at: datetime) -> None:
        """Writes the marker of a transaction; nothing where it wrote nothing here."""
        first = self.open.pop(producer, None)
        if first is None:
            return
        if not committed:
            self.aborted.append((producer, first, self.high))
        self._place(Slot(self.high, MARKER, b"", b"", (), "", producer, at))

    def _place(self, slot: Slot) -> int:
        self.slots.append(slot)
        self.high += 1
        return slot.offset

    def is_aborted(self, slot: Slot) -> bool:
        return slot.producer != 0 and any(
            producer == slot.producer and first <= slot.offset < last for producer, first, last in self.aborted
        )

    def read(self, start: int, *, committed: bool = True) -> Iterator[Slot]:
        """What a consumer is handed from an offset on: data and tombstones."""
        end = self.stable if committed else self.high
        for slot in self.slots[self._index(start) :]:
            if slot.offset >= end:
                return
            if slot.kind != MARKER and not (committed and self.is_aborted(slot)):
                yield slot

    def _index(self, start: int) -> int:
        """Where the offset stands among the slots, or the first that comes after it."""
        from bisect import bisect_left

        return bisect_left(self.slots, start, key=lambda slot: slot.offset)

    def find_next(self, start: int) -> int:
        """Where a reader of committed data stands once it has read all: past markers and holes, before open ones."""
        return max(start, self.stable)

    def compact(self, *, tombstones: bool = True) -> None:
        """Keeps the last record of each key; what was aborted goes, and ``tombstones`` unless they are to stay.

        What lies behind an open transaction is never cleaned, and neither is the record at the end (it stands for the
        active segment). Offsets stay as they are: what goes leaves a hole.
        """
        end = min(self.stable, self.high - 1)
        last = {slot.key: slot.offset for slot in self.slots if slot.kind != MARKER and not self.is_aborted(slot)}

        def stays(slot: Slot) -> bool:
            if slot.offset >= end:
                return True
            if slot.kind == MARKER or self.is_aborted(slot) or last[slot.key] != slot.offset:
                return False
            return slot.kind == DATA or not tombstones

        self.slots = [slot for slot in self.slots if stays(slot)]

    def delete_before(self, offset: int) -> None:
        """Retention: the log begins here now."""
        self.low = max(self.low, min(offset, self.stable))
        self.slots = [slot for slot in self.slots if slot.offset >= self.low]

    def scan(self, start: int, wanted: Wanted) -> PartitionScan:
        """What :class:`registry.rollout.evidence.PartitionScan` asks for."""
        begin, stable = max(start, self.low), self.stable
        seen: dict[int, _Count] = {}
        tombstones = 0
        last_data = last_committed = -1
        for slot in self.slots[self._index(begin) :]:
            if slot.kind == TOMBSTONE:
                tombstones += 1
            if slot.kind != DATA:
                continue
            committed = slot.offset < stable and not self.is_aborted(slot)
            last_data = slot.offset
            if committed:
                last_committed = slot.offset
            if slot.schema not in wanted.siblings:
                number = wanted.numbers.get(slot.schema, 0)
                seen.setdefault(number, _Count()).add(slot, committed)
        versions = {number: count.close() for number, count in seen.items()}
        return PartitionScan(begin, self.high, stable, versions, tombstones, last_data, last_committed)

    def find_last_data(self, before: int) -> tuple[int, int]:
        """The last data record before an offset: committed, and of all; -1 for none."""
        last = -1
        for slot in reversed(self.slots[: self._index(before)]):
            if slot.kind == DATA:
                last = max(last, slot.offset)
                if slot.offset < self.stable and not self.is_aborted(slot):
                    return slot.offset, last
        return -1, last


class _Count:
    """What a scan has seen of one version so far."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.committed: list[int] = []
        self.keys: dict[bool, dict[str, None]] = {True: {}, False: {}}

    def add(self, slot: Slot, committed: bool) -> None:
        self.offsets.append(slot.offset)
        if committed:
            self.committed.append(slot.offset)
        if len(self.keys[committed]) < _KEYS:
            self.keys[committed][slot.key.decode(errors="replace")] = None

    def close(self) -> Seen:
        all_of, committed = self.offsets, self.committed
        first, last = (committed[0], committed[-1]) if committed else (-1, -1)
        keys = tuple(self.keys[True] | self.keys[False])[:_KEYS]
        return Seen(len(all_of), len(committed), all_of[0], all_of[-1], first, last, keys)


def find_schema(value: bytes, headers: Headers) -> int | str:
    """The schema id, GUID or CRC-64 (16 hex digits) that a record names; an empty text where it names none."""
    try:
        writer = parse_frame(value, headers, False).writer
    except DecodeError:
        return ""
    return f"{writer.value:016x}" if writer.kind == "crc" else writer.value


def merge(before: PartitionScan, after: PartitionScan) -> PartitionScan:
    """Two scans of one partition, the second of which began where the first ended."""
    versions = dict(before.versions)
    for number, seen in after.versions.items():
        old = versions.get(number)
        versions[number] = seen if old is None else _add(old, seen)
    return PartitionScan(
        before.start,
        after.end,
        after.stable,
        versions,
        before.tombstones + after.tombstones,
        max(before.last_data, after.last_data),
        max(before.last_committed_data, after.last_committed_data),
    )


def _add(old: Seen, new: Seen) -> Seen:
    return Seen(
        old.count + new.count,
        old.committed + new.committed,
        old.first,
        new.last,
        new.first_committed if old.first_committed < 0 else old.first_committed,
        max(old.last_committed, new.last_committed),
        _first((*old.keys, *new.keys)),
    )


def _first(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))[:_KEYS]
