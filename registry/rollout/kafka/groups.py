"""Every consumer group that has offsets or members on a topic: of the classic protocol, of KIP-848, and others."""

import warnings
from collections.abc import Iterable, Mapping
from time import monotonic, sleep
from typing import Any, Final

from registry.rollout.errors import BrokerUnavailable
from registry.rollout.evidence import Group
from registry.rollout.kafka.client import Client, admin_nouns, has_controller

_SETTLE: Final = 3.0
"""Seconds to wait for a group that hands out its partitions just now: until it is done, nobody sees of which topics."""
_PAUSE: Final = 0.2
_MOVING: Final = frozenset({"PREPARING_REBALANCING", "COMPLETING_REBALANCING"})
_GONE: Final = frozenset({"GROUP_ID_NOT_FOUND", "INVALID_GROUP_ID"})

_STATES: Final[Mapping[str, str]] = {
    "STABLE": "Stable",
    "EMPTY": "Empty",
    "DEAD": "Dead",
    "PREPARING_REBALANCING": "PreparingRebalance",
    "COMPLETING_REBALANCING": "CompletingRebalance",
    "ASSIGNING": "Assigning",
    "RECONCILING": "Reconciling",
}
"""librdkafka's names for the states, and the broker's."""
_OTHER: Final = "unknown type: a share or streams group, whose topics this client is not told"


def read_groups(client: Client, topic: str) -> list[Group]:
    """The groups of a topic by name. Raises :class:`BrokerUnavailable`, also where some may be hidden from us."""
    failed = "does not list its groups"
    check_sight(client, failed)
    listing = client.ask(failed, lambda: client.admin.list_consumer_groups(request_timeout=client.patience).result())
    for error in listing.errors or ():  # of one broker: its groups would be missing
        raise client.explain(failed, error)
    names = sorted(each.group_id for each in listing.valid)
    committed = _read_offsets(client, topic, names)
    described = _describe(client, names)
    found = [
        group
        for name in names
        if name in described and (group := _judge(described[name], topic, committed.get(name, {}))) is not None
    ]
    return sorted((*found, *_find_others(client, set(names))), key=lambda group: group.name)


def check_sight(client: Client, failed: str) -> None:
    """Raises :class:`BrokerUnavailable` where this principal may not DESCRIBE the cluster.

    A broker answers it all the same: with the groups that it may see. And a refused listing of ACLs is an empty one to
    librdkafka 2.16, without an error.
    """
    metadata = client.ask("does not answer", lambda: client.admin.list_topics(timeout=client.patience))
    if not has_controller(metadata):
        raise BrokerUnavailable(
            f"the cluster {client.name} {failed}: it has no controller, as librdkafka's mock cluster",
            "`contracts dev --broker apache` starts one that answers",
        )
    cluster = client.ask(
        failed,
        lambda: client.admin.describe_cluster(
            include_authorized_operations=True, request_timeout=client.patience
        ).result(),
    )
    if admin_nouns().AclOperation.DESCRIBE not in (cluster.authorized_operations or ()):
        raise BrokerUnavailable(
            f"the cluster {client.name} {failed}: this principal may not DESCRIBE the cluster, and what it must not see"
            " would be missing",
            "allow it DESCRIBE on the cluster",
        )


def _read_offsets(client: Client, topic: str, names: Iterable[str]) -> dict[str, dict[int, int]]:
    """Group to partition to the committed offset."""
    from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition

    places = [TopicPartition(topic, number) for number in client.find_partitions(topic)]
    failed = "does not tell the offsets of its groups"

    def ask() -> list[tuple[str, Any]]:
        # The client takes one group at a time; all are asked before the first answer is waited for.
        return [
            future
            for name in names
            for future in client.admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(name, places)], request_timeout=client.patience
            ).items()
        ]

    found: dict[str, dict[int, int]] = {}
    for name, future in client.ask(failed, ask) if places else ():
        try:
            answer = future.result()
        except KafkaException as error:
            if error.args[0].name() in _GONE:
                continue
            raise client.explain(f"does not tell the offsets of the group {name}", error.args[0]) from None
        for place in answer.topic_partitions:
            if place.error is not None:
                raise client.explain(f"does not tell the offsets of the group {name}", place.error)
        found[name] = {place.partition: place.offset for place in answer.topic_partitions if place.offset >= 0}
    return found


def _describe(client: Client, names: list[str]) -> dict[str, Any]:
    """The groups with their members; those that are about to hand out partitions are given some seconds."""
    found = _ask_members(client, names)
    end = monotonic() + _SETTLE
    while (moving := [name for name, each in found.items() if each.state.name in _MOVING]) and monotonic() < end:
        sleep(_PAUSE)
        found |= _ask_members(client, moving)
    return found


def _ask_members(client: Client, names: list[str]) -> dict[str, Any]:
    from confluent_kafka import KafkaException

    if not names:
        return {}
    failed = "does not describe its groups"
    futures = client.ask(failed, lambda: client.admin.describe_consumer_groups(names, request_timeout=client.patience))
    found = {}
    for name, future in futures.items():
        try:
            found[name] = future.result()
        except KafkaException as error:
            if error.args[0].name() not in _GONE:
                raise client.explain(f"does not describe the group {name}", error.args[0]) from None
    return found


def _judge(described: Any, topic: str, committed: Mapping[int, int]) -> Group | None:
    """What a group has to do with the topic; ``None`` for nothing.

    A member without partitions waits for some: of this topic where the group has to do with it, and perhaps where the
    group has handed out none at all.
    """
    held = [[*find_topics(member)] for member in described.members]
    idle = sum(not topics for topics in held)
    assigned = sum(topic in topics for topics in held)
    state = described.state.name
    if not (assigned or committed or (state in _MOVING and held and idle == len(held))):
        return None
    return Group(described.group_id, _STATES.get(state, state), assigned + idle, committed)


def find_topics(member: Any) -> set[str]:
    """The topics of the partitions that a member has, or is about to get."""
    places = list(member.assignment.topic_partitions)
    if member.target_assignment is not None:
        places += member.target_assignment.topic_partitions
    return {place.topic for place in places}


def _find_others(client: Client, known: set[str]) -> list[Group]:
    """Groups that are no consumer groups: an older question lists them too, without a type.

    Those of a worker cluster (Kafka Connect) or a registry coordinate something else, and read nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what replaces it hides them
        listed = client.ask("does not list its groups", lambda: client.admin.list_groups(timeout=client.patience))
    return [Group(each.id, _OTHER, 0, {}) for each in listed if each.id not in known and not each.protocol_type]
