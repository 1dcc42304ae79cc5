"""Heartbeats and control records, read to the end as it is now."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from registry.kafka.errors import MessagingError
from registry.kafka.rollout.control import CONTROL_TOPIC, ControlRecord
from registry.kafka.rollout.documents import find_higher, parse_control, parse_heartbeat
from registry.kafka.rollout.errors import UnreadableDocument
from registry.kafka.rollout.heartbeat import HEARTBEAT_TOPIC, Heartbeat
from registry.kafka.scan import read_topics
from registry.kafka.settings import producer_settings, start_producer
from registry.rollout.errors import BrokerUnavailable
from registry.rollout.kafka.client import Client
from registry.rollout.kafka.topics import find_senders_time, has_brokers_time
from registry.serde.record import Record

_LOG: Final = logging.getLogger("registry.rollout")
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_CLOCK: Final = b"_clock"
"""The key of the records whose acknowledgement tells the broker's time; they are tombstones, and no instance's."""


def read_records(client: Client, topic: str) -> Iterator[Record]:
    """The committed records of a topic; none where it does not exist. Raises :class:`BrokerUnavailable`."""
    if not client.find_partitions(topic):
        return
    try:
        yield from read_topics({**client.settings, "isolation.level": "read_committed"}, [topic])
    except MessagingError as error:
        raise BrokerUnavailable(f"the cluster {client.name}: {error.message}", error.help) from None


def read_heartbeats(client: Client, environment: str) -> list[Heartbeat]:
    """The last heartbeat of each instance of an environment; one that has left is not there.

    One that cannot be read is passed over and logged: its instance counts as silent. Raises
    :class:`BrokerUnavailable`, also where their times are not the broker's: who is alive nobody can tell then.
    """
    if distrust := find_senders_time(client):
        raise BrokerUnavailable(distrust)
    found: dict[bytes, Heartbeat] = {}
    for key, record in _find_last(client, HEARTBEAT_TOPIC, environment, _later).items():
        try:
            found[key] = parse_heartbeat(record.value or b"", record.timestamp)
        except UnreadableDocument as error:
            _LOG.warning("a heartbeat of %s is passed over: %s", key.decode(errors="replace"), error)
    return sorted(found.values(), key=lambda heartbeat: heartbeat.key)


def read_control(client: Client, environment: str) -> dict[str, ControlRecord]:
    """The control records of an environment by contract. Raises :class:`BrokerUnavailable`, also for an unreadable one:
    nobody may publish over what he does not understand.
    """
    found = {}
    for key, record in _find_last(client, CONTROL_TOPIC, environment, _higher).items():
        try:
            control = parse_control(record.value or b"")
        except UnreadableDocument as error:
            fact = f"the control record {key.decode(errors='replace')} of the cluster {client.name} cannot be read"
            raise BrokerUnavailable(f"{fact}: {error.message}", error.help) from None
        found[control.contract] = control
    return dict(sorted(found.items()))


def _find_last(
    client: Client, topic: str, environment: str, choose: Callable[[Record, Record], Record]
) -> dict[bytes, Record]:
    """The last record of each key of an environment that is no tombstone.

    A topic should have one partition. Where it was given more, a key has moved, and the partitions come in any order:
    of the last records that they hold of it, ``choose`` says which counts.
    """
    last: dict[tuple[bytes, int], Record] = {}
    start = f"{environment}/".encode()
    for record in read_records(client, topic):
        if record.key is not None and record.key.startswith(start):
            last[record.key, record.partition] = record
    found: dict[bytes, Record] = {}
    for (key, _), record in last.items():
        found[key] = choose(found[key], record) if key in found else record
    return {key: record for key, record in found.items() if record.value is not None}


def _later(one: Record, other: Record) -> Record:
    """Of two heartbeats of one instance the younger; a tombstone says that it has left."""
    return max(other, one, key=lambda record: record.timestamp or _NEVER)


def _higher(one: Record, other: Record) -> Record:
    """Of two control records of one contract the one of higher rank, as runtimes have it; a tombstone has none."""
    if one.value is None or other.value is None:
        return other if one.value is None else one
    return one if find_higher(one.value, other.value) is one.value else other


def read_now(client: Client) -> datetime:
    """The broker's time, from its acknowledgement of a tombstone; where it gives none, that of this machine."""
    answers: list[Any] = []
    if has_brokers_time(client):
        settings = {**client.settings, "delivery.timeout.ms": int(client.patience * 1000), "linger.ms": 0}
        try:
            producer = start_producer(producer_settings(settings))
            producer.produce(HEARTBEAT_TOPIC, None, _CLOCK, on_delivery=lambda *told: answers.append(told))
            producer.flush(client.patience)
        except MessagingError as error:
            raise BrokerUnavailable(f"the cluster {client.name} does not tell the time: {error.message}") from None
    from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME

    for failure, message in answers:
        kind, milliseconds = message.timestamp()
        if failure is None and kind == TIMESTAMP_LOG_APPEND_TIME:
            return datetime.fromtimestamp(milliseconds / 1000, UTC)
    return datetime.now(UTC)
