"""The cluster in memory obeys the laws of Kafka that rollouts rely on."""

from datetime import UTC, datetime, timedelta
from inspect import signature

import pytest

from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.heartbeat import Heartbeat
from registry.rollout.broker import Broker, Progress, Wanted
from registry.rollout.errors import BrokerUnavailable, Fenced
from registry.rollout.evidence import Span
from tests.rollout_cluster import READ, WRITE, Denied, MemoryCluster
from tests.rollout_services import frame

TOPIC = "content.items"
GUID = "6f1e7c60-0000-4000-8000-000000000002"
WANTED = Wanted("content.ContentPublished", {1001: 1, 1002: 2, GUID: 2}, frozenset({4711}))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def cluster() -> MemoryCluster:
    made = MemoryCluster(Clock())
    made.add_topic(TOPIC)
    return made


def test_it_answers_every_question_of_the_protocol() -> None:
    questions = [name for name in vars(Broker) if not name.startswith("_")]
    assert questions
    for name in questions:
        asked, answered = signature(getattr(Broker, name)), signature(getattr(MemoryCluster, name))
        assert list(asked.parameters) == list(answered.parameters), name


# Logs.


def test_a_marker_takes_an_offset_and_is_no_record(cluster: MemoryCluster) -> None:
    producer = cluster.begin()
    cluster.write(TOPIC, frame(1), producer=producer)
    cluster.commit(producer)
    assert cluster.read_partitions(TOPIC) == {0: Span(0, 2, 2)}
    assert [slot.offset for slot in cluster.topics[TOPIC][0].read(0)] == [0]
    assert cluster.find_last_data(TOPIC, {0: 2}) == {0: (0, 0)}
    assert cluster.topics[TOPIC][0].find_next(0) == 2  # past the marker: no eternal lag of 1


def test_a_transaction_without_a_record_leaves_no_marker(cluster: MemoryCluster) -> None:
    cluster.commit(cluster.begin())
    assert cluster.read_partitions(TOPIC) == {0: Span(0, 0, 0)}


def test_committed_data_ends_where_the_oldest_open_transaction_begins(cluster: MemoryCluster) -> None:
    cluster.write(TOPIC, frame(1))
    hung = cluster.begin()
    cluster.write(TOPIC, frame(1), producer=hung)
    cluster.write(TOPIC, frame(2))
    assert cluster.read_partitions(TOPIC) == {0: Span(0, 1, 3)}
    seen = cluster.scan(TOPIC, {0: 0}, WANTED)[0]
    assert (seen.end, seen.stable, seen.last_data, seen.last_committed_data) == (3, 1, 2, 0)
    assert (seen.versions[1].count, seen.versions[1].committed) == (2, 1)
    assert (seen.versions[2].count, seen.versions[2].committed) == (1, 0)
    cluster.abort(hung)
    assert cluster.read_partitions(TOPIC) == {0: Span(0, 4, 4)}
    assert cluster.scan(TOPIC, {0: 0}, WANTED)[0].versions[2].committed == 1


def test_aborted_records_are_data_and_not_committed(cluster: MemoryCluster) -> None:
    one = cluster.begin()
    cluster.write(TOPIC, frame(2), key="a", producer=one)
    cluster.abort(one)
    cluster.write(TOPIC, frame(1), key="b")
    seen = cluster.scan(TOPIC, {0: 0}, WANTED)[0]
    assert (seen.versions[2].count, seen.versions[2].committed, seen.versions[2].last_committed) == (1, 0, -1)
    assert (seen.versions[1].last, seen.versions[1].last_committed) == (2, 2)
    assert cluster.find_last_data(TOPIC, {0: 2}) == {0: (-1, 0)}
    assert [slot.key for slot in cluster.topics[TOPIC][0].read(0)] == [b"b"]
    assert [slot.key for slot in cluster.topics[TOPIC][0].read(0, committed=False)] == [b"a", b"b"]


def test_one_producer_may_abort_and_then_commit(cluster: MemoryCluster) -> None:
    producer = cluster.begin()
    cluster.write(TOPIC, frame(1), producer=producer)
    cluster.abort(producer)
    cluster.write(TOPIC, frame(1), producer=producer)
    cluster.commit(producer)
    assert [slot.offset for slot in cluster.topics[TOPIC][0].read(0)] == [2]


def test_compaction_leaves_holes_and_cold_keys(cluster: MemoryCluster) -> None:
    for key, version in (("cold", 1), ("hot", 1), ("hot", 2), ("hot", 2), ("gone", 1)):
        cluster.write(TOPIC, frame(version), key=key)
    cluster.write(TOPIC, None, key="gone")
    cluster.write(TOPIC, frame(2), key="last")
    cluster.topics[TOPIC][0].compact()
    assert [slot.offset for slot in cluster.topics[TOPIC][0].read(0)] == [0, 3, 6]
    assert cluster.read_partitions(TOPIC) == {0: Span(0, 7, 7)}
    seen = cluster.scan(TOPIC, {0: 0}, WANTED)[0]
    assert (seen.versions[1].count, seen.versions[1].keys) == (1, ("cold",))
    assert cluster.find_last_data(TOPIC, {0: 6}) == {0: (3, 3)}


def test_what_was_aborted_hides_no_older_record_from_compaction(cluster: MemoryCluster) -> None:
    cluster.write(TOPIC, frame(1), key="a")
    one = cluster.begin()
    cluster.write(TOPIC, frame(2), key="a", producer=one)
    cluster.abort(one)
    cluster.write(TOPIC, frame(2), key="z")
    cluster.topics[TOPIC][0].compact()
    assert [(slot.offset, slot.key) for slot in cluster.topics[TOPIC][0].read(0)] == [(0, b"a"), (3, b"z")]


def test_nothing_behind_an_open_transaction_is_cleaned(cluster: MemoryCluster) -> None:
    hung = cluster.begin()
    cluster.write(TOPIC, frame(1), key="x", producer=hung)
    cluster.write(TOPIC, frame(1), key="a")
    cluster.write(TOPIC, frame(1), key="a")
    cluster.write(TOPIC, frame(1), key="b")
    cluster.topics[TOPIC][0].compact()
    assert len(cluster.topics[TOPIC][0].slots) == 4


def test_a_tombstone_has_no_version(cluster: MemoryCluster) -> None:
    cluster.write(TOPIC, frame(1), key="a")
    cluster.write(TOPIC, None, key="a")
    seen = cluster.scan(TOPIC, {0: 0}, WANTED)[0]
    assert (seen.tombstones, seen.last_data, set(seen.versions)) == (1, 0, {1})


def test_retention_moves_the_start_of_the_log(cluster: MemoryCluster) -> None:
    for _ in range(3):
        cluster.write(TOPIC, frame(1))
    cluster.topics[TOPIC][0].delete_before(2)
    assert cluster.read_partitions(TOPIC) == {0: Span(2, 3, 3)}
    assert cluster.scan(TOPIC, {0: 0}, WANTED)[0].start == 2


def test_partitions_are_added_empty(cluster: MemoryCluster) -> None:
    cluster.write(TOPIC, frame(1))
    cluster.add_topic(TOPIC, partitions=2)
    assert cluster.read_partitions(TOPIC) == {0: Span(0, 1, 1), 1: Span(0, 0, 0)}


def test_a_topic_that_does_not_exist_has_no_partitions(cluster: MemoryCluster) -> None:
    assert cluster.read_partitions("nobody") == {}
    assert cluster.scan("nobody", {0: 0}, WANTED) == {}


# Scans.


def test_versions_are_told_by_id_and_by_guid_and_siblings_are_none_of_ours(cluster: MemoryCluster) -> None:
    header = (("__value_schema_id", b"\x01" + bytes.fromhex(GUID.replace("-", ""))),)
    cluster.write(TOPIC, b"body", key="by-guid", headers=header)
    cluster.write(TOPIC, b"\x00" + (4711).to_bytes(4, "big"), key="sibling")
    cluster.write(TOPIC, b"\x00" + (99).to_bytes(4, "big"), key="stranger")
    cluster.write(TOPIC, b"text", key="unframed")
    seen = cluster.scan(TOPIC, {0: 0}, WANTED)[0]
    assert {number: found.keys for number, found in seen.versions.items()} == {
        2: ("by-guid",),
        0: ("stranger", "unframed"),
    }
    assert seen.last_data == 3


def test_a_scan_goes_on_where_it_was_interrupted(cluster: MemoryCluster) -> None:
    for version in (1, 2):
        cluster.write(TOPIC, frame(version), key=f"v{version}")
    told: list[Progress] = []
    cluster.scan(TOPIC, {0: 0}, WANTED, told.append)
    cluster.write(TOPIC, frame(1), key="later")
    again = cluster.scan(TOPIC, {0: 0}, WANTED, told.append, told[-1])
    assert again == cluster.scan(TOPIC, {0: 0}, WANTED)
    assert again[0].versions[1].keys == ("v1", "later")


def test_letters_that_were_redriven_are_not_counted(cluster: MemoryCluster) -> None:
    cluster.add_topic("search-index.dead-letters")
    cluster.write("search-index.dead-letters", frame(1))
    cluster.write("search-index.dead-letters", frame(2))
    topics = ["search-index.dead-letters", "edge-cache.dead-letters"]
    assert cluster.count_dead_letters(topics, WANTED) == {"search-index.dead-letters": {1: 1, 2: 1}}
    cluster.find_group("search.redrive").commit("search-index.dead-letters", 0, 1)
    assert cluster.count_dead_letters(topics, WANTED) == {"search-index.dead-letters": {2: 1}}


# Groups and ACLs.


def test_a_group_shows_while_it_has_offsets_or_members(cluster: MemoryCluster) -> None:
    group = cluster.find_group("search")
    assert cluster.read_groups(TOPIC) == []
    group.join("pod-1", TOPIC)
    (found,) = cluster.read_groups(TOPIC)
    assert (found.state, found.members, found.committed) == ("Stable", 1, {})
    group.commit(TOPIC, 0, 7)
    group.leave("pod-1")
    (found,) = cluster.read_groups(TOPIC)
    assert (found.state, found.members, found.committed) == ("Empty", 0, {0: 7})
    group.expire()
    assert cluster.read_groups(TOPIC) == []


def test_super_users_write_and_no_listing_shows_it(cluster: MemoryCluster) -> None:
    cluster.allow("User:content-api", WRITE, TOPIC)
    cluster.allow("User:search-index", READ, TOPIC)
    cluster.super_users = ("User:root",)
    with pytest.raises(Denied):
        cluster.write(TOPIC, frame(1), principal="User:search-index")
    cluster.write(TOPIC, frame(1), principal="User:content-api")
    cluster.write(TOPIC, frame(1), principal="User:root")
    access = cluster.read_access(TOPIC)
    assert (access.readers, access.writers) == (frozenset({"User:search-index"}), frozenset({"User:content-api"}))
    assert (access.super_users, access.everyone) == (None, None)
    cluster.tells_settings = True
    assert cluster.read_access(TOPIC).super_users == ("User:root",)


def test_a_topic_without_acls_is_open_to_everybody_where_the_brokers_say_so(cluster: MemoryCluster) -> None:
    assert not cluster.allows("User:x", WRITE, TOPIC)
    cluster.everyone = True
    assert cluster.allows("User:x", WRITE, TOPIC)
    cluster.allow("User:content-api", WRITE, TOPIC)
    assert not cluster.allows("User:x", WRITE, TOPIC)


def test_without_an_authorizer_the_listing_proves_nothing(cluster: MemoryCluster) -> None:
    cluster.authorizer = False
    assert cluster.allows("User:x", WRITE, TOPIC)
    assert cluster.read_access(TOPIC).unlisted == "the cluster has no authorizer"


# Heartbeats and control.


def beat(instance: str, at: datetime = NOON) -> Heartbeat:
    return Heartbeat("production", "search-index", instance, "b1", (), at, at, 10.0, {})


def test_the_cluster_puts_its_own_time_on_a_heartbeat(cluster: MemoryCluster) -> None:
    skewed = NOON + timedelta(days=3)
    cluster.beat(beat("pod-1", skewed))
    (heard,) = cluster.read_heartbeats("production")
    assert (heard.observed_at, heard.started_at) == (NOON, skewed)
    assert cluster.read_heartbeats("staging") == []
    cluster.leave(heard.key)
    assert cluster.read_heartbeats("production") == []


def record(epoch: int, active: int = 1, prepare: int = 0) -> ControlRecord:
    return ControlRecord(WANTED.contract, "production", epoch, active, (1, 2), prepare)


def test_the_last_record_counts_whatever_its_epoch(cluster: MemoryCluster) -> None:
    for epoch in (2, 1):
        with cluster.open_control("production", WANTED.contract) as writer:
            writer.publish(record(epoch))
    assert cluster.read_control("production") == {WANTED.contract: record(1)}
    assert cluster.read_control("staging") == {}


def test_who_opens_control_later_takes_the_right_away(cluster: MemoryCluster) -> None:
    with cluster.open_control("production", WANTED.contract) as first:
        with cluster.open_control("production", WANTED.contract) as second:
            with pytest.raises(Fenced):
                first.publish(record(1))
            second.publish(record(2))
        with cluster.open_control("staging", WANTED.contract):
            pass
        with pytest.raises(Fenced):
            first.publish(record(3))
    assert cluster.published == [record(2)]


@pytest.mark.parametrize(("fate", "there", "later"), [("written", 1, 1), ("lost", 0, 0), ("late", 0, 1)])
def test_nobody_knows_what_became_of_a_publication(cluster: MemoryCluster, fate: str, there: int, later: int) -> None:
    cluster.uncertain = [fate]
    with cluster.open_control("production", WANTED.contract) as writer, pytest.raises(BrokerUnavailable):
        writer.publish(record(1))
    assert len(cluster.read_control("production")) == there
    with cluster.open_control("production", WANTED.contract):  # what is left open ends before the right is taken
        assert len(cluster.read_control("production")) == later


def test_a_runtime_follows_the_control_topic_and_starts_anew_in_a_new_one(cluster: MemoryCluster) -> None:
    cluster.place(record(1))
    cluster.place(record(2))
    position, found = cluster.follow_control((-1, 0))
    assert [each.epoch for each in found] == [1, 2]
    assert cluster.follow_control(position) == (position, [])
    cluster.control.set_back(1)
    assert cluster.read_control("production") == {WANTED.contract: record(1)}
    position, found = cluster.follow_control(position)
    assert [each.epoch for each in found] == [1]
    cluster.control.wipe()
    assert cluster.read_control("production") == {}


def test_a_cluster_that_is_down_answers_nothing(cluster: MemoryCluster) -> None:
    cluster.down = {"read_groups"}
    with pytest.raises(BrokerUnavailable):
        cluster.read_groups(TOPIC)
    assert cluster.read_partitions(TOPIC)
    cluster.down = {"*"}
    for question in (cluster.read_now, lambda: cluster.read_heartbeats("production")):
        with pytest.raises(BrokerUnavailable):
            question()
    with pytest.raises(BrokerUnavailable):
        cluster.write(TOPIC, frame(1))
    with pytest.raises(BrokerUnavailable):
        cluster.beat(beat("pod-1"))
