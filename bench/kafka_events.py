"""What `bench/kafka.py` sends: events of 64 keys, as our stubs write them and as confluent's serializers do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from serde_events import TITLES, VALUES
from serde_ours import add_envelope
from serde_peers import FROM_DICT, SETTINGS, TO_DICT

from registry import frozen
from registry.serde import Bundle, Consumer, Producer

EVENTS = ("content", "small")
KEYS = {"content": "content_id", "small": "device"}
MANY = 64
CORRELATION = "6f1c0f0e-53d4-4b8e-9f56-0d5a5d7c9a01"
VERSION = 2
"""The number of the version that :func:`serde_ours.add_envelope` makes."""

Pairs = list[tuple[str, bytes]]


def make_events(kind: str) -> list[Any]:
    """Events that differ in their keys alone."""
    event, name = VALUES[kind], KEYS[kind]
    keys = [
        UUID(int=event.content_id.int + number) if kind == "content" else f"sensor-{number:06}"
        for number in range(MANY)
    ]
    return [replace(event, **{name: key}) for key in keys]


class Counter:
    """What every loop ends in: counts events, and takes the time of the first and the last."""

    def __init__(self, many: int, clock: Callable[[], float], done: Callable[[], None] = lambda: None) -> None:
        self.seen = 0
        self.began = self.ended = 0.0
        self.many, self._clock, self._done = many, clock, done

    def count(self, _event: object, _meta: object) -> None:
        """One more."""
        self.seen += 1
        if self.seen == 1:
            self.began = self._clock()
        elif self.seen == self.many:
            self.ended = self._clock()
            self._done()


# Ours: what the stubs would be


def find_bundle(kind: str, topic: str) -> Bundle:
    """The contract in a topic, with the five fields of the envelope in its payload."""
    return frozen.replace(add_envelope(kind), topic=topic, key=KEYS[kind])


def make_producer(kind: str, topic: str) -> type[Producer[Any]]:
    """The class that `contracts gen` would write."""
    bundle = find_bundle(kind, topic)
    return type("BenchProducer", (Producer,), {"bundle": classmethod(lambda _: bundle)})


def make_consumer(kind: str, topic: str, counter: Counter) -> Consumer:
    """A handler that counts, and nothing else: its class has the method of its counter."""
    bundle, handler = find_bundle(kind, topic), f"on_{TITLES[kind].rpartition('.')[2].lower()}"
    consumer: Consumer = type("BenchConsumer", (Consumer,), {"bundle": classmethod(lambda _: bundle), handler: None})()
    setattr(consumer, handler, counter.count)
    return consumer


# Theirs: the same dataclasses, converted by hand


@dataclass(slots=True)
class Envelope:
    """The five fields that we write as well. Ids are texts when they are written; fastavro reads them as UUIDs."""

    correlation_id: UUID | str
    schema_version: int
    event_id: UUID | str
    occurred_at: datetime
    causation_id: UUID | str | None = None


def make_envelope(correlation_id: str) -> Envelope:
    """A new one."""
    return Envelope(correlation_id, VERSION, str(uuid4()), datetime.now(UTC))


def is_mirrored(envelope: Envelope, held: Mapping[str, bytes | None]) -> bool:
    """Whether the headers say what the payload says."""
    moment = held["ce_time"] or b""
    return (
        held["ce_id"] == str(envelope.event_id).encode()
        and held["ce_correlationid"] == str(envelope.correlation_id).encode()
        and held["ce_schemaversion"] == b"%d" % envelope.schema_version
        and datetime.fromisoformat(moment.decode()) == envelope.occurred_at
    )


def render_headers(envelope: Envelope, fixed: Pairs) -> Pairs:
    """CloudEvents, as we write them."""
    return [
        *fixed,
        ("ce_id", str(envelope.event_id).encode()),
        ("ce_correlationid", str(envelope.correlation_id).encode()),
        ("ce_schemaversion", b"%d" % envelope.schema_version),
        ("ce_time", envelope.occurred_at.isoformat().encode()),
    ]


def find_fixed(kind: str) -> Pairs:
    """Those that all events of a kind have."""
    return [("ce_specversion", b"1.0"), ("ce_type", TITLES[kind].encode()), ("ce_source", b"bench")]


Serialize = Callable[[tuple[Any, Envelope]], bytes]
Deserialize = Callable[[bytes], tuple[Any, Envelope]]


def make_serializers(kind: str) -> tuple[Serialize, Deserialize]:
    """`AvroSerializer` and `AvroDeserializer`, with a registry that answers from memory."""
    bundle, to_dict, from_dict = add_envelope(kind), TO_DICT[kind], FROM_DICT[kind]
    text = bundle.newest.files[bundle.newest.root]
    client = SchemaRegistryClient.new_client({"url": f"mock://kafka-{kind}"})
    client.register_schema(f"{kind}-value", Schema(text, "AVRO"))
    context = SerializationContext(kind, MessageField.VALUE)

    def write(pair: tuple[Any, Envelope], _: object) -> dict[str, Any]:
        event, envelope = pair
        value: dict[str, Any] = to_dict(event)
        value["correlation_id"] = envelope.correlation_id
        value["schema_version"] = envelope.schema_version
        value["event_id"] = envelope.event_id
        value["occurred_at"] = envelope.occurred_at
        value["causation_id"] = envelope.causation_id
        return value

    def read(value: dict[str, Any], _: object) -> tuple[Any, Envelope]:
        envelope = Envelope(
            value["correlation_id"],
            value["schema_version"],
            value["event_id"],
            value["occurred_at"],
            value["causation_id"],
        )
        return from_dict(value), envelope

    serializer = AvroSerializer(client, text, write, SETTINGS)
    deserializer = AvroDeserializer(client, None, read)
    return (lambda pair: serializer(pair, context)), (lambda value: deserializer(value, context))
