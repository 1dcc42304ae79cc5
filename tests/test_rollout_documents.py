"""Control records and heartbeats as JSON: what goes out comes back, and what is none says why."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from registry.frozen import replace
from registry.kafka.rollout.documents import parse_control, parse_heartbeat, render_control, render_heartbeat
from registry.kafka.rollout.errors import NewerDocument, UnreadableDocument
from registry.kafka.rollout.heartbeat import Capability, Converted, Heartbeat
from tests.kafka_rollout_shop import AT, control, texts
from tests.serde_protobuf import make_version

RECORD = control("production", 3, 2, (1, 2), prepare=4, stored=(1, 2), versions=texts(1, 2, 3, 4))
CAPABILITY = Capability(
    reads=(1, 2),
    served=(4,),
    writes=(1, 2),
    active=2,
    epoch=3,
    prepared=True,
    waiting={1: 7, 2: 1},
    waiting_age=1.5,
    outbox="the outbox does not answer",
    converted=(Converted(2, 1, 9, AT),),
    trouble="cannot write v4",
)
HEARTBEAT = Heartbeat("production", "edge-cache", "pod-3", "b12", ("edge-cache",), AT, AT, 10.0, {"shop.Ö": CAPABILITY})


def test_a_control_record_comes_back_as_it_was() -> None:
    assert parse_control(render_control(RECORD)) == RECORD
    assert parse_control(render_control(RECORD).encode()) == RECORD
    bare = replace(RECORD, versions=(), prepare=0, at=None, by="")
    assert parse_control(render_control(bare)) == bare


def test_descriptors_of_protobuf_survive() -> None:
    version = make_version('syntax = "proto3"; message M { string ä = 1; }'.replace("ä", "a"), "M")
    (back,) = parse_control(render_control(replace(RECORD, versions=(version,)))).versions
    assert back.descriptors == version.descriptors != b""


def test_a_heartbeat_comes_back_as_it_was_and_the_brokers_clock_counts() -> None:
    assert parse_heartbeat(render_heartbeat(HEARTBEAT)) == HEARTBEAT
    later = AT + timedelta(seconds=3)
    assert parse_heartbeat(render_heartbeat(HEARTBEAT), later).observed_at == later
    assert HEARTBEAT.key == "production/edge-cache/pod-3"
    assert "\n" not in render_heartbeat(HEARTBEAT)


def test_times_are_those_of_utc_wherever_they_came_from() -> None:
    elsewhere = AT.astimezone(datetime.now().astimezone().tzinfo)
    assert '"at": "2026-11-23T12:00:00Z"' in render_control(replace(RECORD, at=elsewhere))
    assert parse_control(render_control(replace(RECORD, at=elsewhere))).at == AT.astimezone(UTC)


def test_what_a_later_library_adds_is_passed_over() -> None:
    held: dict[str, Any] = json.loads(render_control(RECORD))
    held["mood"] = "calm"
    held["versions"][0]["colour"] = 7
    assert parse_control(json.dumps(held)) == RECORD


def test_a_newer_format_is_told_apart_from_what_is_none() -> None:
    for parse, text in ((parse_control, render_control(RECORD)), (parse_heartbeat, render_heartbeat(HEARTBEAT))):
        with pytest.raises(NewerDocument, match="has format 2, and this library reads 1") as caught:
            parse(text.replace('"format": 1', '"format": 2'))
        assert caught.value.help == "pip install --upgrade event-contracts"


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"epoch": -1}, "epoch is -1"),
        ({"epoch": True}, "epoch is True"),
        ({"epoch": "3"}, "epoch is '3'"),
        ({"contract": None}, "contract is not there"),
        ({"writable": [0]}, r"writable is \[0\], no list of versions"),
        ({"writable": [1]}, r"active is 2, which is none of those that are writable: \[1\]"),
        ({"versions": [7]}, r"versions\[0\]. is no object"),
        ({"at": "yesterday"}, "at is 'yesterday', no point in time"),
        ({"at": "2026-11-23T12:00:00"}, "at is .*, no point in time"),
        ({"format": None}, "format is not there"),
    ],
)
def test_a_bad_control_record_says_what_is_bad(change: dict[str, object], fact: str) -> None:
    held = json.loads(render_control(RECORD)) | change
    with pytest.raises(UnreadableDocument, match=f"no control record: {fact}"):
        parse_control(json.dumps(held))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "[" * 100_000, "\xff", '{"format": 1}', "null"])
def test_what_is_no_document_at_all(text: str) -> None:
    for parse in (parse_control, parse_heartbeat):
        with pytest.raises(UnreadableDocument):
            parse(text)
        with pytest.raises(UnreadableDocument):
            parse(text.encode("latin-1"))


def test_bad_descriptors_are_no_descriptors() -> None:
    held = json.loads(render_control(RECORD))
    held["versions"][0]["descriptors"] = "%%%"
    with pytest.raises(UnreadableDocument):
        parse_control(json.dumps(held))
