"""The scan of `contracts rollout` beside a plain loop over the same records, in one run: a part of `make bench`.

`python bench/scan.py [number of records] [rounds]`

Both read all partitions of one topic of a real Kafka from their beginnings to their ends. The plain loop is the one of
confluent-kafka's documentation: it consumes in batches, and looks at each message's error and value. The scan counts
versions, finds the first and the last of each, and samples keys. Rounds take turns in who begins, and what is asked is
the median of their ratios, as a neighbour of the machine disturbs both of a round. Python's collector rests for all of
them: `contracts` runs without it, and the plain loop gains by that too.
"""

import gc
import platform
import sys
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

import confluent_kafka

from registry.brokers import Broker, kind_of
from registry.kafka.settings import producer_settings
from registry.rollout.broker import Wanted
from registry.rollout.kafka.cluster import KafkaCluster
from registry.rollout.kafka.runs import FETCHING

PARTITIONS = 4
IN_VALUE, IN_HEADER = "the id in the value", "the GUID in a header"
TOPICS = {IN_VALUE: "bench-scan", IN_HEADER: "bench-scan-headed"}
ASKED = 0.8
"""Records a second, as a ratio of the plain loop's: for each kind of frame, and in the median of rounds."""
NUMBERS: dict[int | str, int] = {
    0x51AD0001: 1,
    0x51AD0002: 2,
    "00000000-0000-0000-0000-000000000001": 1,
    "00000000-0000-0000-0000-000000000002": 2,
}
WANTED = Wanted("bench.Content", NUMBERS)
BATCH = 1000
SIZE = 8
"""Of a body, in lines of 42 bytes."""
HEADERS: list[tuple[str, str | bytes | None]] = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"6b1f7a34-4c5e-4a67-9d59-0d1a3f6c9e11"),
    ("ce_type", b"playconnect.content.ContentPublished"),
    ("ce_source", b"content-api"),
    ("ce_time", b"2026-05-01T12:00:00.000000Z"),
    ("ce_correlationid", b"1f0f6f52-7d0b-4a39-8f5c-2f6f6a1f2b10"),
    ("content-type", b"application/avro"),
]

Loop = Callable[[str, str, int], int]
"""Of a broker's address, a topic and a number of records; how many it saw."""


def fill(address: str, many: int) -> None:
    """Records of two versions, of the size and with the headers of an event; framed in the value, and in a header."""
    bodies = [f"{number:06} A title of some words, by somebody, ".encode() * SIZE for number in range(100)]
    producer = confluent_kafka.Producer(producer_settings({"bootstrap.servers": address}))
    for number in range(many):
        body = bodies[number % len(bodies)]
        # The old version, then a time of both, then the new one, as a switch leaves it.
        version = 1 + (number % 2 if number * 10 // many in {4, 5} else number * 2 // many)
        guid = b"\x01" + bytes.fromhex(f"{version:032x}")
        for topic, value, headers in (
            ("bench-scan", b"\x00" + (0x51AD0000 + version).to_bytes(4, "big") + body, HEADERS),
            ("bench-scan-headed", body, [*HEADERS, ("__value_schema_id", guid)]),
        ):
            while True:
                try:
                    producer.produce(topic, value, f"key-{number % 5000}", number % PARTITIONS, headers=headers)
                    break
                except BufferError:
                    producer.poll(0.1)
        producer.poll(0)
    if left := producer.flush(60):
        raise RuntimeError(f"{left} records did not arrive")


def run_plain(address: str, topic: str, many: int, *, settings: Mapping[str, int] = {}, headed: bool = False) -> int:
    """confluent-kafka's consume() in batches; each error and each value looked at."""
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": address, "group.id": "bench", "enable.auto.commit": False, "log_level": 0, **settings}
    )
    consumer.assign([confluent_kafka.TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    seen = size = 0
    try:
        while seen < many:
            for message in consumer.consume(BATCH, 1.0):
                if message.error() is not None:
                    raise confluent_kafka.KafkaException(message.error())
                size += len(message.value() or b"")
                if headed:
                    size += len(message.headers() or ())
                seen += 1
    finally:
        consumer.close()
    return seen


def run_tuned(address: str, topic: str, many: int) -> int:
    """The same with the scan's settings: librdkafka's own wait for a second where its queue was full."""
    return run_plain(address, topic, many, settings=FETCHING)


def run_headed(address: str, topic: str, many: int) -> int:
    """The same, and each record's headers looked at, which the client makes when it is asked for them."""
    return run_plain(address, topic, many, settings=FETCHING, headed=True)


def run_scan(address: str, topic: str, _: int) -> int:
    """What `contracts rollout` does."""
    cluster = KafkaCluster({"bootstrap.servers": address, "log_level": 0}, "bench")
    scans = cluster.scan(topic, dict.fromkeys(range(PARTITIONS), 0), WANTED)
    return sum(seen.committed for scan in scans.values() for number, seen in scan.versions.items() if number)


OURS, PLAIN = "the scan", "a plain loop"
LOOPS: Mapping[str, Mapping[str, Loop]] = {
    IN_VALUE: {PLAIN: run_plain, "a plain loop with the scan's settings": run_tuned, OURS: run_scan},
    IN_HEADER: {
        PLAIN: run_plain,
        "a plain loop that looks at headers, with the scan's settings": run_headed,
        OURS: run_scan,
    },
}


def measure(broker: Broker, many: int, rounds: int) -> dict[tuple[str, str], list[float]]:
    """Records a second by kind of frame and loop, in each round."""
    found: dict[tuple[str, str], list[float]] = {}
    for round_ in range(rounds + 1):  # the first one warms the broker's cache
        for kind, topic in TOPICS.items():
            names = list(LOOPS[kind])
            for name in names if round_ % 2 else reversed(names):
                gc.collect()
                gc.disable()
                began = perf_counter()
                seen = LOOPS[kind][name](broker.address, topic, many)
                took = perf_counter() - began
                gc.enable()
                if seen != many:
                    raise RuntimeError(f"{name} saw {seen} of {many} records")
                if round_:
                    found.setdefault((kind, name), []).append(many / took)
        print(f"round {round_} of {rounds}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Print both, and the ratio."""
    kind = kind_of("apache")
    if missing := kind.find_missing():
        print(f"skipped: the scan ({missing})")
        return
    many, rounds = map(int, sys.argv[1:]) if sys.argv[1:] else (300_000, 5)
    print(
        f"\nthe scan of {many:,} records in {PARTITIONS} partitions ({kind.TITLE}), {rounds} rounds in turns, "
        f"Python {platform.python_version()}, librdkafka {confluent_kafka.libversion()[0]}: records a second",
        flush=True,
    )
    broker = kind.start()
    try:
        broker.create_topics(dict.fromkeys(TOPICS.values(), PARTITIONS))
        fill(broker.address, many)
        found = measure(broker, many, rounds)
    finally:
        broker.close()
    for frame, loops in LOOPS.items():
        ours = found[frame, OURS]
        print(f"  {frame}\n    {OURS:62}{max(ours):10,.0f} (median {median(ours):10,.0f})")
        for name in loops:
            if name == OURS:
                continue
            plain = found[frame, name]
            ratios = [one / other for one, other in zip(ours, plain, strict=True)]
            verdict = f"   asked {ASKED}   {'OK' if median(ratios) >= ASKED else 'short'}" if name == PLAIN else ""
            told = f"ratio {median(ratios):.2f} (of rounds {min(ratios):.2f} to {max(ratios):.2f})"
            print(f"    {name:62}{max(plain):10,.0f} (median {median(plain):10,.0f})   {told}{verdict}")


if __name__ == "__main__":
    main()
