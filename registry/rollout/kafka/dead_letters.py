"""Dead letters of a contract that still wait: by topic and version."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from registry.kafka.consuming.dead_letters import NoDeadLetter, parse_dead_letter
from registry.rollout.broker import Wanted
from registry.rollout.kafka.client import Client
from registry.rollout.kafka.lookup import Lookup
from registry.rollout.kafka.reading import read_records


def count_dead_letters(client: Client, topics: Sequence[str], wanted: Wanted) -> dict[str, dict[int, int]]:
    """As :meth:`registry.rollout.broker.Broker.count_dead_letters`.

    A letter that was redriven lies before the offset of its group's redrive, ``<group>.redrive``; where that one has
    expired, all its letters count as waiting.
    """
    lookup = Lookup(wanted)
    return {topic: _count(client, topic, lookup) for topic in topics if client.find_partitions(topic)}


def _count(client: Client, topic: str, lookup: Lookup) -> dict[int, int]:
    counts: Counter[int] = Counter()
    redriven: dict[str, dict[int, int]] = {}
    for record in read_records(client, topic):
        if record.value is None:
            continue
        try:
            letter = parse_dead_letter(record)
        except NoDeadLetter:
            continue  # somebody else's record, which no redrive would hand to anybody
        version = lookup.find(record.value, partial(tuple, letter.record.headers))
        if version <= 0:
            continue
        if letter.group not in redriven:
            redriven[letter.group] = read_committed(client, topic, f"{letter.group}.redrive")
        if record.offset >= redriven[letter.group].get(record.partition, 0):
            counts[version] += 1
    return dict(sorted(counts.items()))


def read_committed(client: Client, topic: str, group: str) -> dict[int, int]:
    """Partition to the offset that a group has committed. Nobody joins it."""
    from confluent_kafka import TopicPartition

    places = [TopicPartition(topic, number) for number in client.find_partitions(topic)]
    consumer = client.open_consumer(committed=True, **{"group.id": group})
    try:
        known = client.ask(
            f"does not tell the offsets of the group {group}",
            partial(consumer.committed, places, timeout=client.patience),
        )
    finally:
        consumer.close()
    return {place.partition: place.offset for place in known if place.offset >= 0}
