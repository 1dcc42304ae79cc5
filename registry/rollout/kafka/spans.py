"""Where the partitions of a topic begin, where their committed data ends, and where they end."""

from collections.abc import Collection

from registry.rollout.errors import BrokerUnavailable
from registry.rollout.evidence import Span
from registry.rollout.kafka.client import Client


def read_spans(client: Client, topic: str, wanted: Collection[int] | None = None) -> dict[int, Span]:
    """The offsets of each partition, or of those that are wanted; empty for a topic that does not exist.

    Raises :class:`BrokerUnavailable`, also where a wanted partition does not exist.
    """
    numbers = _find_partitions(client, topic, wanted)
    low = client.list_offsets(topic, numbers, latest=False)
    # Before the end: an offset below it that is committed now was so when the end was asked for.
    stable = client.list_offsets(topic, numbers, latest=True, committed=True)
    high = client.list_offsets(topic, numbers, latest=True)
    return {number: Span(low[number], stable[number], high[number]) for number in numbers}


def read_ends(client: Client, topic: str, wanted: Collection[int]) -> dict[int, int]:
    """Where the partitions end now. Raises as :func:`read_spans`."""
    return client.list_offsets(topic, _find_partitions(client, topic, wanted), latest=True)


def _find_partitions(client: Client, topic: str, wanted: Collection[int] | None) -> list[int]:
    if wanted is not None and not wanted:
        return []
    numbers = client.find_partitions(topic)
    if wanted is None:
        return numbers
    if strange := sorted(set(wanted) - set(numbers)):
        raise BrokerUnavailable(
            f"the cluster {client.name} has no partition {strange[0]} of {topic}",
            "was the topic made anew? what is known of its old partitions proves nothing then",
        )
    return sorted(wanted)
