"""How a Kafka for a laptop is set up: as a ``server.properties``, or as the environment of its image."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from registry.frozen import dataclass

Settings = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where a node listens, and what it says of it. The names of listeners are PLAINTEXT, HOST and CONTROLLER."""

    listen: str
    advertise: str
    voters: Sequence[str]
    """The address of each node's controller, in the order of the nodes."""


def replicas_of(nodes: int) -> int:
    """How many nodes hold each partition."""
    return min(3, nodes)


def settings_of(number: int, listeners: Listeners, data: str, extra: Settings = MappingProxyType({})) -> Settings:
    """The settings of one node, which is both broker and controller; ``data`` is its folder.

    ``extra`` stands over what is said here.
    """
    replicas = replicas_of(len(listeners.voters))
    safe = max(1, replicas - 1)
    return {
        "process.roles": "broker,controller",
        "node.id": number,
        "controller.quorum.voters": ",".join(f"{each}@{at}" for each, at in enumerate(listeners.voters, 1)),
        "listeners": listeners.listen,
        "advertised.listeners": listeners.advertise,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,HOST:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": data,
        "auto.create.topics.enable": "false",  # a misspelt topic is an error, as in production
        "default.replication.factor": replicas,
        "min.insync.replicas": safe,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": safe,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": safe,
        "share.coordinator.state.topic.num.partitions": 4,
        # Nothing goes for its age, a week unless told: an event with the time of long ago would be gone after minutes.
        "log.retention.ms": -1,
        # A group's first consumer begins at once, and one that was killed is missed soon if its client wants that.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 500,
        # A node that was killed may come back when its session has ended: nine seconds unless told.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
        **extra,
    }


def render_properties(settings: Settings) -> str:
    """The text of a ``server.properties``."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def environment_of(settings: Settings) -> dict[str, str]:
    """The same for the image ``apache/kafka``: it takes a setting as KAFKA_ and its name in capitals."""
    return {f"KAFKA_{name.upper().replace('.', '_')}": str(value) for name, value in settings.items()}
