"""What a control record means for a build: who may join, what is written, which of two records counts."""

from itertools import pairwise

import pytest

from registry.frozen import replace
from registry.kafka.rollout.admission import Choice, choose, find_newer, find_refusal, find_required
from registry.kafka.rollout.control import ControlRecord
from tests.kafka_rollout_shop import control

EXPANDING = control("production", 1, 1, (1,))
PREPARED = control("production", 2, 1, (1, 2), prepare=2, stored=(1, 2))
SWITCHED = control("production", 2, 2, (1, 2), stored=(1, 2))
REVERTED = control("production", 3, 1, (1, 2), stored=(1, 2))
RETIRED = control("production", 4, 2, (2,), stored=(1, 2))
GONE = control("production", 5, 2, (2,), stored=(2,))

JOIN = [
    # (reads, served, record, refused for)
    ((1,), (), None, ""),
    ((1,), (), EXPANDING, ""),
    ((1,), (), PREPARED, "v2"),
    ((1,), (2,), PREPARED, ""),
    ((1, 2), (), PREPARED, ""),
    ((1,), (), SWITCHED, "v2"),
    ((1,), (2,), SWITCHED, ""),
    ((2,), (), SWITCHED, "v1"),
    ((2,), (1,), SWITCHED, ""),
    ((1,), (), REVERTED, "v2"),  # a revert does not un-write
    ((2,), (), RETIRED, "v1"),
    ((2,), (), GONE, ""),
    ((3,), (), SWITCHED, "v1 and v2"),
    ((), (), SWITCHED, ""),  # no reader at all
]


@pytest.mark.parametrize(("reads", "served", "record", "missing"), JOIN)
def test_who_may_join(
    reads: tuple[int, ...], served: tuple[int, ...], record: ControlRecord | None, missing: str
) -> None:
    refusal = find_refusal(reads, served, record)
    if missing:
        assert refusal.startswith(f"cannot read {missing} (reads: {sorted(reads)}): ")
    else:
        assert refusal == ""


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (PREPARED, "v2 is about to be written in production since epoch 2"),
        (SWITCHED, "v2 may lie in the log in production since epoch 2"),
        (replace(SWITCHED, stored=(1,)), "v2 is written in production since epoch 2"),
    ],
)
def test_a_refusal_says_why(record: ControlRecord | None, why: str) -> None:
    assert find_refusal((1,), (), record) == f"cannot read v2 (reads: [1]): {why}"


def test_what_must_be_read_is_what_may_lie_in_the_log() -> None:
    assert [find_required(each) for each in (EXPANDING, PREPARED, GONE)] == [(1,), (1, 2), (2,)]
    assert find_required(replace(EXPANDING, stored=())) == (1,)


WRITE = [
    # (writes, known, record, version, trouble)
    ((1, 2), 1, None, 1, ""),
    ((1, 2), 2, None, 2, ""),
    ((1, 2), 1, PREPARED, 1, ""),
    ((1, 2), 1, SWITCHED, 2, ""),
    ((1, 2), 2, REVERTED, 1, ""),
    ((1,), 1, SWITCHED, 1, "goes on with v1"),
    ((1,), 1, RETIRED, 0, "refuses to write"),
    ((1,), 0, REVERTED, 1, ""),
    ((1, 2), 1, control("production", 5, 3, (2, 3)), 2, "writes v2"),
    ((), 0, SWITCHED, 0, ""),
]


@pytest.mark.parametrize(("writes", "known", "record", "version", "trouble"), WRITE)
def test_what_is_written(
    writes: tuple[int, ...], known: int, record: ControlRecord | None, version: int, trouble: str
) -> None:
    choice = choose(writes, known, record)
    assert choice.version == version
    assert choice.trouble.endswith(trouble) and bool(choice.trouble) == bool(trouble)


def test_the_trouble_names_what_is_asked_and_what_is_done() -> None:
    assert choose((1,), 1, SWITCHED) == Choice(1, "cannot write v2, which is active (writes: [1]); goes on with v1")


def test_the_higher_rank_counts_and_prepare_comes_before_what_it_prepares() -> None:
    in_order = [EXPANDING, PREPARED, SWITCHED, REVERTED, RETIRED]
    for older, newer in pairwise(in_order):
        assert find_newer(older, newer) is newer
        assert find_newer(newer, older) is newer
    again = replace(SWITCHED, by="bob")
    assert find_newer(SWITCHED, again) is again
    assert find_newer(None, SWITCHED) is find_newer(SWITCHED, None) is SWITCHED
    assert find_newer(None, None) is None
