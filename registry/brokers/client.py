"""What is asked of a running broker, through confluent_kafka."""

import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

from registry.brokers.broker import BrokerError

_QUICK: Final = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "log_level": 0}


def find_missing_client() -> BrokerError | None:
    """That confluent_kafka is not installed, if so."""
    if find_spec("confluent_kafka"):
        return None
    return BrokerError("missing: confluent-kafka, the client of Kafka", "pip install 'event-contracts[kafka]'")


def is_ready(address: str, nodes: int, seconds: float) -> bool:
    """Whether so many nodes answer a client within so many seconds."""
    from confluent_kafka import KafkaException

    try:
        return len(_new_admin(address).list_topics(timeout=seconds).brokers) >= nodes
    except KafkaException:
        return False


def wait_for_producers(address: str, patience: float) -> None:
    """Wait until a producer is served. Raises :class:`BrokerError`.

    A node fetches the numbers that it gives to producers when the first one asks, and puts that one off: its client
    logs an error and waits for half a second. Here it is ours.
    """
    from confluent_kafka import KafkaException, Producer

    producer = Producer({"bootstrap.servers": address, "transactional.id": "contracts-dev", **_QUICK})
    try:
        producer.init_transactions(patience)
    except KafkaException as error:
        raise BrokerError(f"{address} serves no producer within {patience:g} s: {error.args[0].str()}") from error


def create_topics(
    address: str,
    topics: Mapping[str, int],
    *,
    replicas: int = 1,
    settings: Mapping[str, str] | None = None,
    patience: float = 30.0,
) -> None:
    """Create topics by name with their partitions; what exists stays.

    Returns when every node that ``address`` names knows who leads each partition. Raises :class:`BrokerError`, also
    where that takes more than ``patience`` seconds.
    """
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.cimpl import NewTopic

    if not topics:
        return
    admin = _new_admin(address)
    wanted = [
        NewTopic(name, count, replication_factor=replicas, config=dict(settings or {}))
        for name, count in topics.items()
    ]
    for name, future in admin.create_topics(wanted, operation_timeout=patience, request_timeout=patience).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise BrokerError(f"the topic {name} was not created: {error.args[0].str()}") from error
    for each in address.split(","):  # a node learns of a topic in its own time
        _wait_for_leaders(each, set(topics), patience)


def _wait_for_leaders(address: str, names: set[str], patience: float) -> None:
    from confluent_kafka import KafkaException

    end = time.monotonic() + patience
    while True:
        try:
            seen = _new_admin(address).list_topics(timeout=patience).topics
        except KafkaException as error:
            raise BrokerError(f"{address} does not answer: {error.args[0].str()}") from error
        waiting = {name for name in names if name not in seen or not _has_leaders(seen[name])}
        if not waiting:
            return
        if time.monotonic() > end:
            raise BrokerError(f"after {patience:g} s {address} knows no leader of: {', '.join(sorted(waiting))}")
        time.sleep(0.02)  # the broker tells nobody when it is done; it has to be asked


def _has_leaders(topic: Any) -> bool:
    return bool(topic.partitions) and all(each.leader >= 0 for each in topic.partitions.values())


def _new_admin(address: str) -> Any:
    from confluent_kafka.admin import AdminClient

    return AdminClient({"bootstrap.servers": address, **_QUICK})
