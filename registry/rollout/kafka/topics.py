"""The two topics that rollouts keep on a cluster: how they must be set, and how they come to be."""

from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from registry.kafka.rollout.control import CONTROL_TOPIC
from registry.kafka.rollout.heartbeat import HEARTBEAT_TOPIC
from registry.kafka.settings import producer_settings, start_producer
from registry.rollout.errors import BrokerSilent, BrokerUnavailable
from registry.rollout.kafka.client import Client, admin_nouns, has_controller

TIME: Final = "message.timestamp.type"
BROKERS_TIME: Final = "LogAppendTime"

TOPICS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        CONTROL_TOPIC: {"cleanup.policy": "compact"},
        HEARTBEAT_TOPIC: {"cleanup.policy": "compact,delete", TIME: BROKERS_TIME},
    }
)
"""Each topic with the settings that it does not work without."""

_FURTHER: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        CONTROL_TOPIC: {},
        # The last word of an instance that was killed is evidence for as long as anybody asks for (quiet: 7 days).
        # Small segments: only closed ones are compacted, and each look reads what is left.
        HEARTBEAT_TOPIC: {
            "retention.ms": str(14 * 86_400_000),
            "segment.ms": str(10 * 60_000),
            "min.cleanable.dirty.ratio": "0.1",
        },
    }
)
"""What they are created with besides; who set it otherwise knows why."""


def create_topics(client: Client) -> tuple[str, ...]:
    """Creates those that are missing, with one partition and as many replicas as the cluster gives a topic.

    A line for each one that was created, and for each setting of one that exists which is not as it must be. Raises
    :class:`BrokerUnavailable`.
    """
    metadata = client.ask("does not answer", lambda: client.admin.list_topics(timeout=client.patience))
    missing = [name for name in TOPICS if name not in metadata.topics]
    if not has_controller(metadata):
        producer = start_producer(producer_settings(client.settings))
        for name in missing:  # the mock makes each topic that a producer asks for
            client.ask("does not answer", partial(producer.list_topics, name, client.patience))
        return ()
    if missing:
        _create(client, missing)
    made = [f"created the topic {name} on the cluster {client.name}" for name in missing]
    return (*made, *_find_flaws(client, [name for name in TOPICS if name not in missing]))


def find_senders_time(client: Client) -> str:
    """Why the times of heartbeats prove nothing: they are the senders'. Empty where they are the broker's, and where
    nobody may ask for the topic's settings.
    """
    try:
        metadata = client.ask("does not answer", lambda: client.admin.list_topics(timeout=client.patience))
        if HEARTBEAT_TOPIC not in metadata.topics or not has_controller(metadata):
            return ""
        held = _read_settings(client, HEARTBEAT_TOPIC).get(TIME, BROKERS_TIME)
    except BrokerSilent:
        raise
    except BrokerUnavailable:
        return ""
    if held == BROKERS_TIME:
        return ""
    return (
        f"{HEARTBEAT_TOPIC} on the cluster {client.name} has {TIME}={held}, so that heartbeats are as old as their "
        f"senders say; set it: kafka-configs --alter --entity-type topics --entity-name {HEARTBEAT_TOPIC} "
        f"--add-config {TIME}={BROKERS_TIME}"
    )


def has_brokers_time(client: Client) -> bool:
    """Whether the heartbeats' topic exists and has the broker's time rather than the senders'."""
    try:
        metadata = client.ask("does not answer", lambda: client.admin.list_topics(timeout=client.patience))
        if HEARTBEAT_TOPIC not in metadata.topics or not has_controller(metadata):
            return False
        return _read_settings(client, HEARTBEAT_TOPIC)[TIME] == BROKERS_TIME
    except BrokerUnavailable:
        return False


def _create(client: Client, names: list[str]) -> None:
    from confluent_kafka import KafkaException

    wanted = [
        admin_nouns().NewTopic(name, num_partitions=1, replication_factor=-1, config={**TOPICS[name], **_FURTHER[name]})
        for name in names
    ]
    failed = "does not create the topics of rollouts"
    futures = client.ask(
        failed,
        lambda: client.admin.create_topics(wanted, operation_timeout=client.patience, request_timeout=client.patience),
    )
    for future in futures.values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":  # another operator was quicker
                refusal = client.explain(failed, error.args[0])
                raise BrokerUnavailable(refusal.message, render_way_out(names)) from None


def render_way_out(names: list[str]) -> str:
    """What a person tells Kafka instead."""
    settings = {name: {**TOPICS[name], **_FURTHER[name]} for name in names}
    return "create it, with one partition: " + "; ".join(
        f"{name} ({', '.join(f'{key}={value}' for key, value in held.items())})" for name, held in settings.items()
    )


def _find_flaws(client: Client, names: list[str]) -> Iterator[str]:
    for name in names:
        try:
            held = _read_settings(client, name)
        except BrokerUnavailable as error:
            yield error.message
            continue
        for key, value in TOPICS[name].items():
            if set(held.get(key, "").split(",")) != set(value.split(",")):
                yield f"{name} on the cluster {client.name} has {key}={held.get(key)}: it must be {value}"


def _read_settings(client: Client, topic: str) -> dict[str, str]:
    resource = admin_nouns().ConfigResource
    asked = [resource(resource.Type.TOPIC, topic)]
    told = client.gather(
        f"does not tell the settings of {topic}",
        lambda: client.admin.describe_configs(asked, request_timeout=client.patience),
    )
    return {name: str(entry.value) for each in told.values() for name, entry in each.items()}
