"""The scan: which versions lie in which partition, of all data and of the committed, whatever else lies there."""

from collections.abc import Iterator
from random import Random
from time import monotonic

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from registry.brokers import apache
from registry.rollout.broker import Progress, Wanted
from registry.rollout.errors import BrokerUnavailable
from registry.rollout.evidence import PartitionScan, Seen, Span
from registry.serde.framing import SCHEMA_HEADER
from tests.kafka_clusters import DEADLINE, KIND, Cluster
from tests.rollout_kafka import (
    CRC,
    FOREIGN,
    FOREIGN_ID,
    GUIDS,
    NEW,
    OLD,
    SIBLING,
    SIBLING_ID,
    SMALL_ID,
    WANTED,
    asked,
    framed,
    start_transaction,
    transact,
    transaction,
    write,
    write_keyed,
)

only_real = pytest.mark.skipif(KIND == "mock", reason="the mock isolates no transactions and compacts nothing")


def scan(cluster: Cluster, topic: str, starts: dict[int, int] | None = None) -> dict[int, PartitionScan]:
    return dict(asked(cluster).scan(topic, starts or {0: 0}, WANTED))


@pytest.fixture
def topic(cluster: Cluster) -> str:
    """An empty one of two partitions."""
    made = cluster.topic("shop.orders")
    cluster.create(made, partitions=2)
    return made


def test_each_version_is_counted_with_its_first_and_last_offset(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD, OLD, NEW, OLD, NEW)
    (seen,) = scan(cluster, topic).values()
    assert seen == PartitionScan(
        start=0,
        end=5,
        stable=5,
        versions={
            1: Seen(count=3, committed=3, first=0, last=3, first_committed=0, last_committed=3, keys=("order-1",)),
            2: Seen(count=2, committed=2, first=2, last=4, first_committed=2, last_committed=4, keys=("order-1",)),
        },
        last_data=4,
        last_committed_data=4,
    )


def test_siblings_are_data_and_no_version_and_what_nobody_knows_is_version_0(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, SIBLING, FOREIGN, b"no frame", b"", SIBLING)
    (seen,) = scan(cluster, topic).values()
    assert {number: (found.first, found.last, found.count) for number, found in seen.versions.items()} == {0: (1, 3, 3)}
    assert seen.last_data == 4


def test_a_tombstone_has_no_version_and_is_no_data(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD, None, None)
    (seen,) = scan(cluster, topic).values()
    assert (seen.versions[1].count, seen.tombstones, seen.last_data, seen.end) == (1, 2, 0, 3)


def test_a_header_tells_the_version_and_wins_over_what_the_value_begins_with(cluster: Cluster, topic: str) -> None:
    for number, guid in GUIDS.items():
        write(cluster, topic, b"body", headers=[("ce_type", b"x"), (SCHEMA_HEADER, b"\x01" + guid.bytes)] * number)
    # A body that begins like the frame of version 3.
    write(cluster, topic, framed(SMALL_ID), headers=[(SCHEMA_HEADER, b"\x01" + GUIDS[1].bytes + b"\x00")])
    (seen,) = scan(cluster, topic).values()
    assert {number: found.count for number, found in seen.versions.items()} == {1: 2, 2: 1, 3: 1}


def test_an_imported_id_and_a_fingerprint_tell_the_version_too(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, framed(SMALL_ID), b"\xc3\x01" + CRC.to_bytes(8, "little") + b"body", b"\xc3\x01short")
    (seen,) = scan(cluster, topic).values()
    assert {number: found.last for number, found in seen.versions.items()} == {3: 0, 1: 1, 0: 2}


def test_many_ids_in_any_order_are_counted_as_one_by_one(cluster: Cluster, topic: str) -> None:
    """More than are counted at once, in batches that each begin with others."""
    numbers: dict[int | str, int] = {FOREIGN_ID + step: step for step in range(1, 12)}
    wanted = Wanted("shop.OrderPlaced", numbers, frozenset({SIBLING_ID}))
    choice = Random(6)
    values = [framed(FOREIGN_ID + number // 250 + choice.randrange(4)) for number in range(2500)] + [SIBLING, OLD, None]
    write(cluster, topic, *values)
    (seen,) = asked(cluster).scan(topic, {0: 0}, wanted).values()
    expected: dict[int, list[int]] = {}
    for offset, value in enumerate(values):
        if value is not None and value != SIBLING:
            number = numbers.get(int.from_bytes(value[1:5], "big"), 0)
            expected.setdefault(number, []).append(offset)
    assert {number: (found.count, found.first, found.last) for number, found in seen.versions.items()} == {
        number: (len(offsets), offsets[0], offsets[-1]) for number, offsets in expected.items()
    }
    assert seen.tombstones == values.count(None)


def test_two_headers_that_differ_are_no_version(cluster: Cluster, topic: str) -> None:
    headers = [(SCHEMA_HEADER, b"\x01" + GUIDS[number].bytes) for number in (1, 2)]
    write(cluster, topic, b"body", headers=headers)
    assert list(scan(cluster, topic)[0].versions) == [0]


def test_a_few_keys_are_kept_as_text(cluster: Cluster, topic: str) -> None:
    write_keyed(cluster, topic, [(f"order-{number % 9}", OLD) for number in range(30)])
    write(cluster, topic, NEW, key=None)
    (seen,) = scan(cluster, topic).values()
    assert seen.versions[1].keys == ("order-0", "order-1", "order-2", "order-3", "order-4")
    assert seen.versions[2].keys == ()


def test_partitions_are_read_from_their_starts_and_an_idle_one_is_empty(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD, NEW, NEW)
    seen = scan(cluster, topic, {0: 1, 1: 0})
    assert list(seen[0].versions) == [2]
    assert (seen[0].start, seen[0].end) == (1, 3)
    assert seen[1] == PartitionScan(start=0, end=0, stable=0)


def test_a_scan_from_the_end_sees_nothing(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD)
    assert scan(cluster, topic, {0: 1}) == {0: PartitionScan(start=1, end=1, stable=1)}


def test_a_start_beyond_the_end_says_that_the_topic_was_made_anew(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD)
    with pytest.raises(BrokerUnavailable, match=r"\[0\] on the cluster main ends at 1, and reached 9 before"):
        scan(cluster, topic, {0: 9})


def test_a_partition_that_is_not_there_is_told(cluster: Cluster, topic: str) -> None:
    with pytest.raises(BrokerUnavailable, match=r"the cluster main has no partition 7 of shop\.orders"):
        scan(cluster, topic, {0: 0, 7: 0})


def test_how_far_it_is_is_told_and_the_ends_are_those_of_the_beginning(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, *[OLD] * 20)
    write(cluster, topic, *[NEW] * 10, partition=1)
    told: list[Progress] = []
    seen = asked(cluster).scan(topic, {0: 0, 1: 0}, WANTED, told.append)
    assert {tuple(progress.ends.items()) for progress in told} == {((0, 20), (1, 10))}
    assert told[-1].done == {0: 20, 1: 10}
    assert told[-1].found == seen


def test_a_broken_scan_goes_on_where_it_was(cluster: Cluster, topic: str) -> None:
    told: list[Progress] = []
    write(cluster, topic, OLD, NEW, None)
    asked(cluster).scan(topic, {0: 0}, WANTED, told.append)
    write(cluster, topic, OLD, FOREIGN, NEW, partition=0)
    broken = Progress(told[-1].done, {0: 5}, told[-1].found)
    resumed = asked(cluster).scan(topic, {0: 0}, WANTED, told.append, broken)
    assert (resumed[0].end, resumed[0].stable) == (5, 5)  # as it was to be, though there is more now
    assert {number: (found.count, found.committed, found.last) for number, found in resumed[0].versions.items()} == {
        1: (2, 2, 3),
        2: (1, 1, 1),
        0: (1, 1, 4),
    }


def test_a_scan_that_raises_in_between_ends_its_threads(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, *[OLD] * 100)

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked(cluster).scan(topic, {0: 0, 1: 0}, WANTED, interrupt)


def test_a_cluster_that_is_gone_is_told_soon(cluster: Cluster, topic: str) -> None:
    cluster.stop_node()
    began = monotonic()
    with pytest.raises(BrokerUnavailable, match="the cluster main does not answer"):
        asked(cluster, patience=0.5).scan(topic, {0: 0}, WANTED)
    assert monotonic() - began < DEADLINE


def test_spans_of_a_topic_and_of_one_that_does_not_exist(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD, OLD)
    assert asked(cluster).read_partitions(topic) == {0: Span(0, 2, 2), 1: Span(0, 0, 0)}
    assert asked(cluster).read_partitions("shop.nothing") == {}
    assert "shop.nothing" not in AdminClient(cluster.settings).list_topics(timeout=DEADLINE).topics


@only_real
def test_the_marker_of_a_transaction_at_the_tail_holds_up_nothing(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD)
    transact(cluster, topic, NEW, NEW)
    (seen,) = scan(cluster, topic).values()
    assert (seen.end, seen.stable) == (4, 4)
    assert (seen.last_data, seen.last_committed_data) == (2, 2)  # 3 is the marker
    assert (seen.versions[2].count, seen.versions[2].committed) == (2, 2)


@only_real
def test_a_partition_with_nothing_but_markers_behind_its_start(cluster: Cluster, topic: str) -> None:
    transact(cluster, topic, NEW)
    assert scan(cluster, topic, {0: 1})[0] == PartitionScan(start=1, end=2, stable=2)


@only_real
def test_an_aborted_record_is_data_and_not_committed(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, NEW)
    transact(cluster, topic, OLD, OLD, commit=False)
    write(cluster, topic, NEW)
    (seen,) = scan(cluster, topic).values()
    assert seen.versions[1] == Seen(count=2, committed=0, first=1, last=2, keys=("order-1",))
    assert seen.versions[2] == Seen(
        count=2, committed=2, first=0, last=4, first_committed=0, last_committed=4, keys=("order-1",)
    )
    assert seen.last_committed_data == 4


@only_real
def test_an_aborted_record_at_the_tail_is_the_last_of_all_data_alone(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, NEW)
    transact(cluster, topic, OLD, commit=False)
    (seen,) = scan(cluster, topic).values()
    assert (seen.last_data, seen.last_committed_data, seen.end) == (1, 0, 3)


@only_real
def test_a_hung_transaction_ends_what_can_be_told_and_not_the_scan(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD)
    with transaction(cluster, topic, NEW, commit=False):
        write(cluster, topic, OLD)
        assert asked(cluster).read_partitions(topic)[0] == Span(low=0, stable=1, high=3)
        (seen,) = scan(cluster, topic).values()
        behind = scan(cluster, topic, {0: 2})[0]
    assert (seen.stable, seen.end) == (1, 3)
    assert (seen.versions[1].count, seen.versions[1].committed, seen.versions[1].last_committed) == (2, 1, 0)
    assert (seen.versions[2].count, seen.versions[2].committed) == (1, 0)
    assert (behind.start, behind.stable, behind.versions[1].count, behind.versions[1].committed) == (2, 1, 1, 0)


@only_real
def test_a_transaction_that_ended_behind_an_open_one_is_told_apart(cluster: Cluster, topic: str) -> None:
    """No offset is missing among what is committed; the marker that says otherwise lies behind it."""
    with transaction(cluster, topic, OLD, commit=False):  # 0, and its marker at 2
        second = start_transaction(cluster, f"{topic}.second", topic, NEW)  # 1
    assert asked(cluster).read_partitions(topic)[0] == Span(low=0, stable=1, high=3)
    (seen,) = scan(cluster, topic).values()
    second.abort_transaction(DEADLINE)
    assert (seen.versions[1].count, seen.versions[1].committed) == (1, 0)
    assert (seen.last_data, seen.last_committed_data) == (1, -1)


@only_real
def test_a_broken_scan_tells_aborted_records_of_both_halves(cluster: Cluster, topic: str) -> None:
    told: list[Progress] = []
    transact(cluster, topic, OLD, commit=False)
    write(cluster, topic, NEW)
    asked(cluster).scan(topic, {0: 0}, WANTED, told.append)
    transact(cluster, topic, OLD, commit=False)
    write(cluster, topic, NEW)
    broken = Progress(told[-1].done, {0: 6}, told[-1].found)
    resumed = asked(cluster).scan(topic, {0: 0}, WANTED, resume=broken)
    assert resumed == scan(cluster, topic)
    assert (resumed[0].versions[1].count, resumed[0].versions[1].committed) == (2, 0)
    assert (resumed[0].versions[2].count, resumed[0].versions[2].committed) == (2, 2)


@only_real
def test_what_expired_is_left_out_and_a_start_before_it_means_the_first_that_is_kept(
    cluster: Cluster, topic: str
) -> None:
    write(cluster, topic, OLD, OLD, NEW)
    admin = AdminClient(cluster.settings)
    for future in admin.delete_records([TopicPartition(topic, 0, 2)]).values():
        future.result()
    assert asked(cluster).read_partitions(topic)[0] == Span(2, 3, 3)
    (seen,) = scan(cluster, topic).values()
    assert (seen.start, list(seen.versions)) == (2, [2])


@only_real
def test_a_partition_that_was_added_meanwhile(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD)
    admin = AdminClient(cluster.settings)
    for future in admin.create_partitions([NewPartitions(topic, 3)]).values():
        future.result()
    spans = asked(cluster).read_partitions(topic)
    while len(spans) < 3:  # a node learns of it in its own time
        spans = asked(cluster).read_partitions(topic)
    write(cluster, topic, OLD, NEW, partition=2)
    seen = scan(cluster, topic, {0: 1, 1: 0, 2: 0})
    assert {number: tuple(found.versions) for number, found in seen.items()} == {0: (), 1: (), 2: (1, 2)}


@only_real
def test_the_last_data_before_an_offset(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD, NEW)
    transact(cluster, topic, OLD, commit=False)  # 2, and a marker
    write(cluster, topic, *[None] * 150)
    ends = {number: span.high for number, span in asked(cluster).read_partitions(topic).items()}
    assert ends == {0: 154, 1: 0}
    assert asked(cluster).find_last_data(topic, ends) == {0: (1, 2), 1: (-1, -1)}
    assert asked(cluster).find_last_data(topic, {0: 2}) == {0: (1, 1)}
    assert asked(cluster).find_last_data(topic, {0: 0}) == {0: (-1, -1)}


def test_the_last_data_where_no_transaction_is_around(cluster: Cluster, topic: str) -> None:
    write(cluster, topic, OLD, NEW, None)
    assert asked(cluster).find_last_data(topic, {0: 3, 1: 0}) == {0: (1, 1), 1: (-1, -1)}


@pytest.fixture(scope="module")
def compacting() -> Iterator[Cluster]:
    """A node of its own, whose cleaner looks for work ten times a second."""
    broker = apache.start(extra={"log.cleaner.backoff.ms": 100})
    try:
        yield Cluster(broker, "apache")
    finally:
        broker.close()


@only_real
def test_a_compacted_topic_with_keys_that_nobody_wrote_again(compacting: Cluster) -> None:
    topic = compacting.topic("shop.states")
    quick = {"cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.01"}
    admin = AdminClient(compacting.settings)
    for future in admin.create_topics([NewTopic(topic, 1, 1, config=quick)]).values():
        future.result()
    write_keyed(compacting, topic, [(f"cold-{number}", OLD) for number in range(3)])
    write_keyed(compacting, topic, [("hot", OLD)] * 20)
    transact(compacting, topic, OLD, commit=False)
    write_keyed(compacting, topic, [("hot", NEW)] * 20)
    deadline = monotonic() + DEADLINE
    while (seen := scan(compacting, topic)[0]).versions[1].count > 3:
        assert monotonic() < deadline, seen
        write_keyed(compacting, topic, [("hot", NEW)])  # a segment is closed by the next record
    assert seen.versions[1].count == seen.versions[1].committed == 3
    assert seen.versions[1].keys == ("cold-0", "cold-1", "cold-2")
    assert (seen.start, seen.end) == (0, seen.stable)
    assert seen.versions[2].last == seen.last_data == seen.end - 1
