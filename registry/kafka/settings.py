"""The settings of librdkafka's clients: defaults that lose nothing, and a refusal of those that would.

The caller writes settings by librdkafka's own names (its CONFIGURATION.md); what is not given is filled in here. One
dict may serve producers and consumers: what only the other kind knows is left out.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from registry.kafka.client_log import LOG
from registry.kafka.errors import MissingLibrary, SettingsError

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient

PRODUCER: Final[Mapping[str, object]] = {
    # Retries neither repeat nor reorder (KIP-98); it makes acks=all as well.
    "enable.idempotence": True,
    # Java's partitioner. librdkafka's own default hashes by CRC32: a topic written by it cannot be joined with one
    # that Java, Connect or ksqlDB wrote, as equal keys lie in partitions of different numbers.
    "partitioner": "murmur2_random",
    # What one waits for others to share its batch, as in Kafka 4's own clients (KIP-1030); flush() does not wait.
    "linger.ms": 5,
    # The headers of events of one type repeat each other; the client compresses outside of Python's lock.
    "compression.type": "lz4",
    # librdkafka would hold 1 GB, which ends small containers before send() ever waits.
    "queue.buffering.max.kbytes": 65536,
    # A connection that a load balancer dropped in silence is found before the next event needs it.
    "socket.keepalive.enable": True,
}
"""What a producer gets that was not given."""

CONSUMER: Final[Mapping[str, object]] = {
    # A record counts as read when it was handled, and not when it was fetched.
    "enable.auto.offset.store": False,
    "enable.auto.commit": True,
    # A new group, and one whose offsets expired, begins with what is there; "latest" would pass over it in silence.
    "auto.offset.reset": "earliest",
    # Partitions that stay where they are go on while others move (KIP-429).
    "partition.assignment.strategy": "cooperative-sticky",
    "socket.keepalive.enable": True,
}
"""What a consumer gets that was not given."""

_ALIASES: Final[Mapping[str, str]] = {
    "metadata.broker.list": "bootstrap.servers",
    "request.required.acks": "acks",
    "queue.buffering.max.ms": "linger.ms",
    "compression.codec": "compression.type",
    "message.timeout.ms": "delivery.timeout.ms",
    "message.send.max.retries": "retries",
    "max.in.flight.requests.per.connection": "max.in.flight",
    "fetch.message.max.bytes": "max.partition.fetch.bytes",
}
"""Second names: a default must not meet the caller's value under another name."""

_CONSUMERS_ONLY: Final = """
    auto.commit.interval.ms auto.offset.reset check.crcs coordinator.query.interval.ms enable.auto.commit
    enable.auto.offset.store enable.partition.eof fetch.error.backoff.ms fetch.max.bytes fetch.min.bytes
    fetch.queue.backoff.ms fetch.wait.max.ms group.id group.instance.id group.protocol group.protocol.type
    group.remote.assignor heartbeat.interval.ms isolation.level max.partition.fetch.bytes max.poll.interval.ms
    offset.store.method on_commit partition.assignment.strategy queued.max.messages.kbytes queued.min.messages
    session.timeout.ms
"""
_PRODUCERS_ONLY: Final = """
    acks batch.num.messages batch.size compression.level compression.type delivery.report.only.error
    delivery.timeout.ms dr_cb enable.gapless.guarantee enable.idempotence linger.ms on_delivery partitioner
    queue.buffering.backpressure.threshold queue.buffering.max.kbytes queue.buffering.max.messages queuing.strategy
    request.timeout.ms retries sticky.partitioning.linger.ms transaction.timeout.ms transactional.id
"""

_BOTH: Final = """
    bootstrap.servers client.id message.max.bytes security.protocol sasl.mechanism sasl.username sasl.password
    ssl.ca.location ssl.certificate.location ssl.key.location ssl.key.password
"""
_NAMES: Final = (*f"{_CONSUMERS_ONLY} {_PRODUCERS_ONLY} {_BOTH}".split(), *_ALIASES)
"""What a misspelt name may have meant; not all that there is."""

_SECRET: Final = ("password", "secret", "passphrase", ".pem", "sasl.oauthbearer.config")
"""Parts of the names of settings whose values are never printed."""

_HELP: Final = "https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md has each name and its values"

_TRUE: Final = frozenset({"true", "t", "1"})

_Check = Callable[[Mapping[str, object]], tuple[str, str] | None]


def _is_true(value: object) -> bool:
    return str(value).lower() in _TRUE


def _check_place(given: Mapping[str, object]) -> tuple[str, str] | None:
    if given.get("bootstrap.servers") or given.get("test.mock.num.brokers"):
        return None
    meant = next((name for name in given if _find_meant(name) == "bootstrap.servers"), None)
    return (
        f"bootstrap.servers is not set{f', but {meant}' if meant else ''}",
        "did you mean bootstrap.servers?" if meant else "name a few brokers: 'kafka-1:9092,kafka-2:9092'",
    )


def _find_meant(name: str) -> str | None:
    """The setting that a name is a slip of; none for a right name, and where nothing is near."""
    near = get_close_matches(name.replace("_", "."), _NAMES, 1, 0.85)
    return near[0] if near and near[0] != name else None


def _check_acks(given: Mapping[str, object]) -> tuple[str, str] | None:
    if str(given.get("acks", "all")).lower() in {"all", "-1"}:
        return None
    return (
        f"acks={given['acks']} counts events as sent that a broker may still lose",
        "leave acks out: all replicas in sync acknowledge",
    )


def _check_order(given: Mapping[str, object]) -> tuple[str, str] | None:
    if _is_true(given["enable.idempotence"]) or str(given.get("max.in.flight", "")) == "1":
        return None
    return (
        "without enable.idempotence a retry repeats events, and reorders those of one key",
        "leave it on; for a broker that does not know it, set max.in.flight to 1, which keeps the order at least",
    )


def _check_reports(given: Mapping[str, object]) -> tuple[str, str] | None:
    name = next((each for each in ("on_delivery", "dr_cb", "delivery.report.only.error") if each in given), None)
    if name is None:
        return None
    return f"{name} would hide from the transport what arrived", "give send() a callable, or the transport an observer"


def _check_modes(given: Mapping[str, object]) -> tuple[str, str] | None:
    modes = {"transactional.id": "transactional_id=", "enable.gapless.guarantee": "gapless="}
    name = next((each for each in modes if each in given), None)
    return (f"{name} is no setting of its own here", f"say {modes[name]} to the transport") if name else None


def _check_store(given: Mapping[str, object]) -> tuple[str, str] | None:
    if not _is_true(given["enable.auto.offset.store"]):
        return None
    return (
        "enable.auto.offset.store counts records as read before they were handled: a crash loses them",
        "leave it out: offsets are stored when the handler came to its end",
    )


def _check_commit(given: Mapping[str, object]) -> tuple[str, str] | None:
    if not _is_true(given["enable.auto.commit"]):
        return (
            "without enable.auto.commit nothing would be committed",
            "leave it on: only offsets of handled records are committed, how often is auto.commit.interval.ms",
        )
    if str(given.get("auto.commit.interval.ms", "")).strip() != "0":
        return None
    return (
        "auto.commit.interval.ms=0 commits nothing before the end: after a crash all of it comes again",
        "leave it out, which is every 5 seconds, or give a number of milliseconds",
    )


_PRODUCER_CHECKS: Final[tuple[_Check, ...]] = (_check_place, _check_acks, _check_order, _check_reports, _check_modes)
_CONSUMER_CHECKS: Final[tuple[_Check, ...]] = (_check_place, _check_store, _check_commit)


def producer_settings(given: Mapping[str, object]) -> dict[str, object]:
    """Settings of a producer: the caller's over :data:`PRODUCER`; settings of consumers are left out.

    Raises :class:`SettingsError` where events would be lost, repeated or reordered.
    """
    return _merge(PRODUCER, given, _CONSUMERS_ONLY, _PRODUCER_CHECKS)


def consumer_settings(given: Mapping[str, object], group: str) -> dict[str, object]:
    """Settings of a consumer of a group: the caller's over :data:`CONSUMER`; settings of producers are left out.

    Raises :class:`SettingsError` for an empty group, one that differs from ``group.id``, and what would lose events.
    """
    if not group:
        raise SettingsError("the consumer group is empty", help="name it after the service that reads: edge-cache")
    if given.get("group.id", group) != group:
        raise SettingsError(
            f"the settings' group.id is {given['group.id']!r}, the group {group!r}", help="leave group.id out"
        )
    settings = _merge(CONSUMER, given, _PRODUCERS_ONLY, _CONSUMER_CHECKS)
    if str(settings.get("group.protocol", "")).lower() == "consumer" and "partition.assignment.strategy" not in given:
        del settings["partition.assignment.strategy"]  # the broker assigns (KIP-848), and refuses to be told how
    # The end of a partition comes as an error, and readers here take errors seriously.
    settings.pop("enable.partition.eof", None)
    return settings | {"group.id": group}


def _merge(
    defaults: Mapping[str, object], given: Mapping[str, object], others: str, checks: tuple[_Check, ...]
) -> dict[str, object]:
    if "default.topic.config" in given:
        raise SettingsError(
            "default.topic.config is not read here", help="write what it holds beside the other settings"
        )
    foreign = frozenset(others.split())
    for second, first in _ALIASES.items():
        if first not in foreign and second in given and given.get(first, given[second]) != given[second]:
            raise SettingsError(f"{second} and {first} are one setting, and differ", help="give one of them")
    named = {known: value for name, value in given.items() if (known := _ALIASES.get(name, name)) not in foreign}
    settings = {"logger": LOG, **defaults, **named}
    for check in checks:
        if flaw := check(settings):
            raise SettingsError(flaw[0], help=flaw[1])
    return settings


def start_producer(settings: Mapping[str, object]) -> "Producer":
    """A client of librdkafka. Raises :class:`SettingsError` with its own words, and :class:`MissingLibrary`."""
    made: Producer = _start("Producer", settings)
    return made


def start_consumer(settings: Mapping[str, object]) -> "Consumer":
    """A client of librdkafka. Raises :class:`SettingsError` with its own words, and :class:`MissingLibrary`."""
    made: Consumer = _start("Consumer", settings)
    return made


def start_admin(settings: Mapping[str, object]) -> "AdminClient":
    """A client that asks and orders; what only producers or consumers know is left out of the settings.

    Raises :class:`SettingsError` and :class:`MissingLibrary`.
    """
    # To ask for a topic must not create it, as some brokers do for whoever may be about to send.
    asked = _merge({"allow.auto.create.topics": False}, settings, _CONSUMERS_ONLY + _PRODUCERS_ONLY, (_check_place,))
    made: AdminClient = _start("AdminClient", asked)
    return made


def _start(kind: str, settings: Mapping[str, object]) -> Any:
    try:
        import confluent_kafka
    except ImportError as error:
        raise MissingLibrary("confluent-kafka is not installed", help="pip install 'event-contracts[kafka]'") from error
    try:
        home = import_module("confluent_kafka.admin") if kind == "AdminClient" else confluent_kafka
        return getattr(home, kind)(dict(settings))
    except (confluent_kafka.KafkaException, TypeError, ValueError) as error:
        told = error.args[0] if error.args else error
        fact = told.str() if isinstance(told, confluent_kafka.KafkaError) else str(told)
    # Outside of the handler: a traceback must not show the client's own words, which may hold a value.
    unknown = re.search('No such configuration property: "(.+)"', fact)
    meant = _find_meant(unknown[1]) if unknown else None
    raise SettingsError(
        f"the Kafka client refuses its settings: {_name_both(hide_secrets(fact.strip(), settings))}",
        help=f"did you mean {meant}?" if meant else _HELP,
    )


def _name_both(fact: str) -> str:
    """The client tells a setting by the older one of its two names; the caller has most likely written the other."""
    return re.sub(
        '"([a-z.]+)"', lambda name: f'"{_ALIASES[name[1]]}" ({name[1]})' if name[1] in _ALIASES else name[0], fact
    )


def hide_secrets(text: str, settings: Mapping[str, object]) -> str:
    """The text without the values of passwords, keys and tokens."""
    for name, value in settings.items():
        if isinstance(value, str) and value and any(part in str(name) for part in _SECRET):
            text = text.replace(value, "***")
    return text
