"""What was counted of one partition: versions, tombstones, the last record, and whether offsets are missing."""

from collections.abc import Callable, Mapping, Sequence, Set
from operator import itemgetter, methodcaller
from types import MappingProxyType
from typing import Any, Final

from registry.frozen import replace
from registry.rollout.evidence import PartitionScan, Seen
from registry.rollout.kafka.lookup import PREFIX, SIBLING, Lookup

KEYS: Final = 5
"""How many keys of a version are kept as samples."""
_LOOKS: Final = 50
"""Records of a batch that are looked at for further keys."""

_TRIES: Final = 6
"""Known beginnings that are counted before each record is looked at."""

_prefix_of: Final[Any] = itemgetter(slice(0, PREFIX))
_offset_of: Final[Any] = methodcaller("offset")


class Tally:
    """Counts records of one partition, given in batches and in the order of their offsets."""

    def __init__(self, lookup: Lookup, start: int) -> None:
        self._lookup = lookup
        self._recent = list(lookup.quick)
        from confluent_kafka import Message

        self._value_of: Any = Message.value
        self.next = start
        """The offset of the record that must come next, if none is missing."""
        self.gaps = False
        """Whether offsets were missing: a transaction's marker, what compaction took, what expired."""
        self.tombstones = 0
        self.last_data = -1
        self.versions: dict[int, Seen] = {}
        """Their ``count``, ``first``, ``last`` and ``keys`` alone."""

    def close(self, end: int) -> None:
        """Notes that nothing else comes before an offset."""
        self.gaps |= self.next < end
        self.next = max(self.next, end)

    def add(self, batch: Sequence[Any]) -> None:
        """Counts the client's messages; each was looked at for an error."""
        if not batch:
            return
        first, last = _offset_of(batch[0]), _offset_of(batch[-1])
        whole = last - first + 1 == len(batch)
        self.gaps |= first != self.next or not whole
        self.next = last + 1
        offsets: Sequence[int] = range(first, last + 1) if whole else list(map(_offset_of, batch))
        values = list(map(self._value_of, batch))
        try:
            prefixes = list(map(_prefix_of, values))
        except TypeError:  # a tombstone has none
            prefixes = [value if value is None else _prefix_of(value) for value in values]
        self._note_last(values, offsets)
        # Mostly a batch has the versions of the one before: to count equal bytes takes a tenth of looking up each.
        left, found = len(prefixes), []
        for prefix in self._recent[:_TRIES]:
            if count := prefixes.count(prefix):
                found.append(prefix)
                self._note_alike(prefix, count, prefixes, batch, offsets)
                if not (left := left - count):
                    break
        if left:
            self._note_each(frozenset(found), batch, values, prefixes, offsets)
        elif found[0] != self._recent[0]:
            self._recent = [*found, *(prefix for prefix in self._recent if prefix not in found)]

    def _note_last(self, values: Sequence[bytes | None], offsets: Sequence[int]) -> None:
        for index in range(len(values) - 1, -1, -1):
            if values[index] is not None:
                self.last_data = offsets[index]
                return

    def _note_alike(
        self, prefix: bytes, count: int, prefixes: list[bytes], batch: Sequence[Any], offsets: Sequence[int]
    ) -> None:
        """All records of a batch that begin alike."""
        if (number := self._lookup.quick[prefix]) == SIBLING:
            return
        first, last = prefixes.index(prefix), len(prefixes) - 1 - prefixes[::-1].index(prefix)
        looked = range(first, min(last, first + _LOOKS) + 1) if self._wants_keys(number) else ()
        keys = [batch[index].key() for index in looked if prefixes[index] == prefix]
        self._note(number, count, offsets[first], offsets[last], keys)

    def _note_each(
        self,
        known: Set[bytes],
        batch: Sequence[Any],
        values: Sequence[bytes | None],
        prefixes: Sequence[bytes | None],
        offsets: Sequence[int],
    ) -> None:
        """Records that must be looked at one by one: tombstones, headers, ids that are small, new here or unknown."""
        quick, find = self._lookup.quick, self._lookup.find
        found: dict[int, list[int]] = {}
        for index, (value, prefix) in enumerate(zip(values, prefixes, strict=True)):
            if value is None or prefix is None:
                self.tombstones += 1
                continue
            if prefix in known:
                continue
            number = quick.get(prefix)
            if number is None:
                number = find(value, batch[index].headers)
            elif prefix not in self._recent[:_TRIES]:
                self._recent = [prefix, *(other for other in self._recent if other != prefix)]
            if number != SIBLING:
                found.setdefault(number, []).append(index)
        for number, indexes in found.items():
            looked = indexes[:_LOOKS] if self._wants_keys(number) else ()
            keys = [batch[index].key() for index in looked]
            self._note(number, len(indexes), offsets[indexes[0]], offsets[indexes[-1]], keys)

    def _wants_keys(self, number: int) -> bool:
        return len(self.versions.get(number, _NONE).keys) < KEYS

    def _note(self, number: int, count: int, first: int, last: int, keys: Sequence[bytes | None]) -> None:
        seen = self.versions.get(number, _NONE)
        texts = [text for key in keys if (text := render_key(key)) is not None]
        self.versions[number] = Seen(
            count=seen.count + count,
            first=first if seen.first < 0 else min(first, seen.first),
            last=max(last, seen.last),
            keys=join_keys(seen.keys, texts) if texts else seen.keys,
        )


_NONE: Final = Seen()


def render_key(key: bytes | str | None) -> str | None:
    """A key as text; bytes that are none in hexadecimal digits."""
    if key is None or isinstance(key, str):
        return key
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return key.hex()
    return text if text.isprintable() else key.hex()


def join_keys(*several: Sequence[str]) -> tuple[str, ...]:
    """The first few of them, each once."""
    return tuple(dict.fromkeys(key for keys in several for key in keys))[:KEYS]


def note_all(scan: PartitionScan, tally: Tally, end: int) -> PartitionScan:
    """A scan that goes on to ``end``, with what was counted of all data on the way."""
    return replace(
        scan,
        end=end,
        versions=_join(scan.versions, tally.versions, _add_all),
        tombstones=scan.tombstones + tally.tombstones,
        last_data=max(scan.last_data, tally.last_data),
    )


def note_committed(scan: PartitionScan, tally: Tally, stable: int) -> PartitionScan:
    """A scan that knows up to ``stable`` what is committed, with what was counted of it on the way."""
    return replace(
        scan,
        stable=stable,
        versions=_join(scan.versions, tally.versions, _add_committed),
        last_committed_data=max(scan.last_committed_data, tally.last_data),
    )


def _join(
    known: Mapping[int, Seen], counted: Mapping[int, Seen], add: Callable[[Seen, Seen], Seen]
) -> Mapping[int, Seen]:
    joined = {number: add(known.get(number, _NONE), more) for number, more in counted.items()}
    return MappingProxyType({**known, **joined})


def _add_all(seen: Seen, more: Seen) -> Seen:
    return replace(
        seen,
        count=seen.count + more.count,
        first=more.first if seen.first < 0 else seen.first,
        last=more.last,
        keys=join_keys(seen.keys, more.keys),
    )


def _add_committed(seen: Seen, more: Seen) -> Seen:
    return replace(
        seen,
        committed=seen.committed + more.count,
        first_committed=more.first if seen.first_committed < 0 else seen.first_committed,
        last_committed=more.last,
        keys=join_keys(more.keys, seen.keys),
    )
