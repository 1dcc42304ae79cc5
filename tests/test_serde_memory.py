"""A service runs for months: what an event needs is given back with it, and strangers leave nothing behind."""

import gc
import tracemalloc
from collections.abc import Callable
from itertools import count

import pytest

from registry.serde import Bundle, BundledVersion, DecodeError, EncodeError, Meta, Serde, Shape, UnknownSchema

V1 = '{"type": "record", "name": "E", "fields": [{"name": "correlation_id", "type": "string"}, %s]}'
TEXTS = (
    V1 % '{"name": "tags", "type": {"type": "array", "items": "string"}}',
    V1 % '{"name": "tags", "type": {"type": "array", "items": "string"}}, {"name": "n", "type": "long", "default": 0}',
)
VERSIONS = tuple(
    BundledVersion(
        number=number,
        schema_id=number,
        guid=f"00000000-0000-0000-0000-{number:012}",
        root="E.avsc",
        files={"E.avsc": text},
        shape=Shape(envelope={"correlation_id": ("correlation_id",)}),
    )
    for number, text in enumerate(TEXTS, 1)
)
BUNDLE = Bundle(
    event="E",
    language="avro",
    service="s",
    owner="s",
    contact="",
    topic="t",
    key="",
    versions=VERSIONS,
    reads=(1, 2),
    writes=(1, 2),
)
EVENT = {"tags": ["a", "b"], "n": 7}
OLDER = {"tags": ["a", "b"]}
MANY = 2_000
KEPT = 60_000
"""Bytes that may be left, which is less than the smallest object for each call."""


class Nobody:
    """A fallback that knows no schema."""

    def find(self, event: str, writer: int | str) -> BundledVersion | None:
        return None

    def find_number(self, event: str, number: int) -> BundledVersion | None:
        return None


def measure_kept(work: Callable[[], object]) -> int:
    """Bytes that are held after many calls, and were not before; the first call fills the caches."""
    work()
    gc.collect()
    tracemalloc.start()
    for _ in range(20):
        work()
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(MANY):
        work()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before


def make_meta() -> Meta:
    meta = Meta()
    meta.correlation_id = "c-1"
    return meta


def test_events_that_were_written_leave_nothing_behind() -> None:
    serde = Serde(BUNDLE, active=2)
    assert measure_kept(lambda: serde.encode(EVENT, make_meta())) < KEPT


def test_events_that_were_read_leave_nothing_behind_whatever_their_version() -> None:
    serde = Serde(BUNDLE, active=2)
    older, newer = Serde(BUNDLE, active=1).encode(OLDER, make_meta())[0], serde.encode(EVENT, make_meta())[0]
    assert measure_kept(lambda: (serde.decode(older), serde.decode(newer))) < KEPT
    assert serde.decode(older)[0]["n"] == 0


@pytest.mark.parametrize("fallback", [None, Nobody()])
def test_strange_schema_ids_leave_little_behind(fallback: Nobody | None) -> None:
    serde = Serde(BUNDLE, active=2, fallback=fallback)
    ids = count(1000)

    def read_strange() -> None:
        with pytest.raises(UnknownSchema):
            serde.decode(b"\0" + next(ids).to_bytes(4, "big") + b"x")

    # What a fallback does not have is remembered for a while: a bounded number of ids.
    assert measure_kept(read_strange) < (KEPT if fallback is None else 400_000)


def test_what_cannot_be_read_or_written_leaves_nothing_behind() -> None:
    serde = Serde(BUNDLE, active=2)
    cut = serde.encode(EVENT, make_meta())[0][:-1]

    def fail() -> None:
        with pytest.raises(DecodeError):
            serde.decode(cut)
        with pytest.raises(EncodeError):
            serde.encode({"tags": [1], "n": 7}, make_meta())

    assert measure_kept(fail) < KEPT
