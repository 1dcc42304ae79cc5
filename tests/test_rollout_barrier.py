"""The barrier, and who has read past it: markers, aborted records, idle partitions, holes, hung transactions (S12).

Offsets are drawn as a log: ``o`` a record of version 1, ``n`` one of version 2, ``a``/``b`` the same of aborted
transactions, ``x`` another event's, ``t`` a tombstone, ``m`` a marker of a transaction, ``.`` a hole of compaction, and
``|`` where the new version was prepared.
"""

from collections import defaultdict
from collections.abc import Mapping

import pytest

from registry.rollout.barrier import Crossing, find_positions, plan_barrier, plan_probe
from registry.rollout.evidence import Group, PartitionScan, Seen, Span
from registry.rollout.rollout import Mark
from tests.rollout_evidence import group, seen

LETTERS = {"o": (1, True), "n": (2, True), "a": (1, False), "b": (2, False), "x": (None, True)}


class Log:
    """One drawn partition. ``low`` is the first offset that is kept, ``stable`` where an open transaction begins."""

    def __init__(self, drawing: str, low: int = 0, stable: int | None = None) -> None:
        self.start = drawing.index("|") if "|" in drawing else 0
        self.letters = drawing.replace("|", "")
        self.low, self.high = low, len(self.letters)
        self.span = Span(low, self.high if stable is None else stable, self.high)

    def scan(self) -> PartitionScan:
        """From where the new version was prepared, or from the first record that is kept."""
        start = max(self.start, self.low)
        found: defaultdict[int, list[tuple[int, bool]]] = defaultdict(list)
        for offset in range(start, self.high):
            version, committed = LETTERS.get(self.letters[offset], (None, False))
            if version is not None:
                found[version].append((offset, committed and offset < self.span.stable))
        return PartitionScan(
            start,
            self.high,
            self.span.stable,
            {version: self._see(offsets) for version, offsets in found.items()},
            self.letters[start:].count("t"),
            self._last("onabx", start, self.high),
            self._last("onx", start, self.high),
        )

    def probe(self, before: int) -> tuple[int, int]:
        """As :meth:`registry.rollout.broker.Broker.find_last_data`."""
        return self._last("onx", self.low, before), self._last("onabx", self.low, before)

    def _last(self, letters: str, start: int, end: int) -> int:
        return max((offset for offset in range(start, end) if self.letters[offset] in letters), default=-1)

    @staticmethod
    def _see(offsets: list[tuple[int, bool]]) -> Seen:
        kept = [offset for offset, committed in offsets if committed] or [-1]
        number = sum(committed for _, committed in offsets)
        return Seen(len(offsets), number, offsets[0][0], offsets[-1][0], kept[0], kept[-1])


def mark_of(log: Log, old: int = 1, new: int = 2) -> Mark:
    starts, tail = {0: log.start}, {0: log.scan()}
    before = {number: log.probe(offset) for number, offset in plan_probe(starts, tail, old).items()}
    return plan_barrier(starts, tail, before, old, new)[0]


# Where the barrier is.


@pytest.mark.parametrize(
    ("drawing", "committed", "everything", "first_new"),
    [
        ("oo|oonn", 4, 4, 4),  # one past the last old record that came after the preparation
        ("oo|nonn", 4, 4, 2),  # old ones between the first new ones: allowed until all have converged
        ("oo|nn", 2, 2, 2),  # no old record since: one past the last one before
        ("oo|", 2, 2, -1),  # an idle partition
        ("|", 0, 0, -1),  # an empty one: nothing lies before it
        ("|nn", 0, 0, 0),  # an empty one that only ever saw the new version
        ("oom|nm", 2, 2, 3),  # a marker at the end: no group commits past it, and none has to
        ("oo|oomnm", 4, 4, 5),
        ("oo|aamnm", 2, 4, 5),  # aborted old records: not for groups, but somebody wrote them
        ("ooaam|nm", 2, 4, 5),  # the same before the preparation
        ("o...|.n", 1, 1, 5),  # holes of compaction
        ("..t.|n", 0, 0, 4),  # nothing but tombstones and holes
        ("oott|n", 2, 2, 4),  # tombstones have no version
        ("oox|xn", 3, 3, 4),  # the last record is another event's: it is data all the same
        ("oo|bbmo", 6, 6, -1),  # a new one that was aborted is not there
    ],
)
def test_the_barrier(drawing: str, committed: int, everything: int, first_new: int) -> None:
    log = Log(drawing)
    assert mark_of(log) == Mark(log.start, committed, everything, first_new)


def test_of_a_revert_the_barrier_is_behind_the_last_new_record() -> None:
    assert mark_of(Log("oo|nnoo"), old=2, new=1) == Mark(2, 4, 4, 4)


def test_only_partitions_without_an_old_record_are_probed() -> None:
    tail = {0: Log("oo|on").scan(), 1: Log("oo|nn").scan(), 2: Log("oo|an").scan()}
    assert plan_probe({0: 2, 1: 2, 2: 2}, tail, 1) == {1: 2, 2: 2}


def test_a_partition_that_was_added_meanwhile_begins_where_its_scan_did() -> None:
    tail = {0: Log("oo|on").scan(), 1: Log("onn").scan()}
    marks = plan_barrier({0: 2}, tail, {}, 1, 2)
    assert marks[1] == Mark(0, 1, 1, 1)


def test_a_probe_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        plan_barrier({0: 2}, {0: Log("oo|nn").scan()}, {}, 1, 2)


# Who has crossed it.


def crossing(
    drawing: str | Log, committed: int | None, *, mark: Mark | None = None, scanned: bool = True, known: bool = True
) -> Crossing:
    log = Log(drawing) if isinstance(drawing, str) else drawing
    marks: Mapping[int, Mark] = {0: mark or mark_of(log)} if known else {}
    one = group("edge-cache", committed={} if committed is None else {0: committed})
    tail = {0: log.scan()} if scanned else {}
    [position] = find_positions(one, marks, {0: log.span}, tail, 1, 2)
    return position.crossing


@pytest.mark.parametrize(
    ("drawing", "committed", "expected"),
    [
        ("oo|oonn", 6, Crossing.CROSSED),
        ("oo|oonn", 5, Crossing.CROSSED),
        ("oo|oonn", 4, Crossing.BEFORE_NEW),
        ("oo|oonn", 3, Crossing.BEHIND),
        ("oo|oonn", 0, Crossing.BEHIND),
        ("oo|oonn", None, Crossing.UNKNOWN),  # S11: did its offset expire?
        ("oo|", 2, Crossing.CROSSED),  # idle: no new record exists, so none has to be read
        ("oo|", 1, Crossing.BEHIND),
        ("oom|", 2, Crossing.CROSSED),  # no eternal lag of 1 before the marker
        ("oo|oomnm", 6, Crossing.CROSSED),  # nor before the last one
        ("oo|aam", 2, Crossing.CROSSED),  # nor before aborted records
        ("oo|bbm", 2, Crossing.CROSSED),  # a new record that was aborted cannot be waited for
        ("oo|oot", 4, Crossing.CROSSED),  # nor a tombstone
        ("o...|", 1, Crossing.CROSSED),  # nor before a hole of compaction
        ("|", None, Crossing.CROSSED),  # an empty partition has nothing to commit
        ("m|m", None, Crossing.CROSSED),  # nor one that holds markers alone
    ],
)
def test_who_has_crossed(drawing: str, committed: int | None, expected: Crossing) -> None:
    assert crossing(drawing, committed) is expected


def test_compaction_that_took_what_lay_before_the_barrier_holds_up_nobody() -> None:
    """The barrier was 4; since then compaction has taken all that the group had not read, and nothing came after it."""
    assert crossing(Log("o|....."), 1, mark=Mark(1, 4, 4, -1)) is Crossing.CROSSED


def test_without_a_scan_the_mark_alone_decides() -> None:
    assert crossing("oo|oonn", 4, mark=Mark(2, 4, 4, 4), scanned=False) is Crossing.BEFORE_NEW
    assert crossing("oo|oonn", 3, mark=Mark(2, 4, 4, 4), scanned=False) is Crossing.BEHIND


def test_what_retention_deleted_need_not_be_read() -> None:
    log = Log("oooo|onn", low=5)
    assert crossing(log, 1, mark=Mark(4, 5, 5, 5)) is Crossing.BEFORE_NEW  # it goes on at the first that is kept
    assert crossing(log, 6, mark=Mark(4, 5, 5, 5)) is Crossing.CROSSED


def test_a_first_new_record_that_compaction_took_is_not_waited_for() -> None:
    assert crossing(Log("oo|o.."), 3, mark=Mark(2, 3, 3, 4)) is Crossing.CROSSED
    assert crossing(Log("oo|o.n"), 3, mark=Mark(2, 3, 3, 4)) is Crossing.BEFORE_NEW


def test_of_a_partition_that_was_added_since_every_old_record_must_be_read() -> None:
    assert crossing(Log("|oon"), 1, known=False) is Crossing.BEHIND
    assert crossing(Log("|oon"), 3, known=False) is Crossing.CROSSED
    assert crossing(Log("|"), None, known=False) is Crossing.CROSSED


def test_each_partition_is_judged_by_itself() -> None:
    logs = {0: Log("oo|on"), 1: Log("oo|"), 2: Log("oo|on")}
    marks = {number: mark_of(log) for number, log in logs.items()}
    one: Group = group("edge-cache", committed={0: 4, 1: 2})
    found = find_positions(one, marks, {n: log.span for n, log in logs.items()}, {}, 1, 2)
    assert [each.crossing for each in found] == [Crossing.CROSSED, Crossing.CROSSED, Crossing.UNKNOWN]


def test_the_builders_agree_on_what_is_seen() -> None:
    assert Log("|oo").scan().versions[1] == seen(0, 1)
