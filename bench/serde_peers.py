"""The peers, each used as its documentation says: no network, caches warm, the same values as everybody else."""

import json
from dataclasses import asdict
from io import BytesIO
from types import GenericAlias
from typing import Any

import msgspec  # type: ignore[import-not-found,unused-ignore]  # in the environment of the benchmark only
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from serde_events import AVRO, EVENTS, VALUES, Author, Content, Large, Small, Trade, Visibility
from serde_protobuf import protobuf_rows
from serde_rows import Row, Work, result_of

ASDICT, BY_HAND = "confluent Avro + dataclasses.asdict", "confluent Avro + conversion by hand"
BARE, STRUCT = "fastavro, bare dict", "msgspec msgpack, Struct"
PROTO, STUB_TYPES = "protobuf (upb) + conversion by hand", "protobuf (upb), to the types of our stub"
SETTINGS = {
    "auto.register.schemas": False,
    "subject.name.strategy": topic_subject_name_strategy,
}


def content_to_dict(event: Content, _: object = None) -> dict[str, Any]:
    """By hand, as fastavro wants it: it writes UUID, datetime and Decimal itself."""
    author = event.author
    return {
        "content_id": event.content_id,
        "revision": event.revision,
        "slug": event.slug,
        "title": event.title,
        "locale": event.locale,
        "author": {"author_id": author.author_id, "display_name": author.display_name},
        "visibility": event.visibility.value,
        "price": event.price,
        "tags": event.tags,
        "published_at": event.published_at,
    }


def content_from_dict(value: dict[str, Any], _: object = None) -> Content:
    """And back: fastavro has made UUID, datetime and Decimal."""
    author = value["author"]
    return Content(
        content_id=value["content_id"],
        revision=value["revision"],
        slug=value["slug"],
        title=value["title"],
        locale=value["locale"],
        author=Author(author_id=author["author_id"], display_name=author["display_name"]),
        visibility=Visibility(value["visibility"]),
        price=value["price"],
        tags=tuple(value["tags"]),
        published_at=value["published_at"],
    )


def small_to_dict(event: Small, _: object = None) -> dict[str, Any]:
    """By hand."""
    return {
        "device": event.device,
        "sequence": event.sequence,
        "count": event.count,
        "reading": event.reading,
        "valid": event.valid,
    }


def small_from_dict(value: dict[str, Any], _: object = None) -> Small:
    """And back."""
    return Small(
        device=value["device"],
        sequence=value["sequence"],
        count=value["count"],
        reading=value["reading"],
        valid=value["valid"],
    )


def large_to_dict(event: Large, _: object = None) -> dict[str, Any]:
    """By hand."""
    return {
        "trades": [
            {
                "symbol": trade.symbol,
                "quantity": trade.quantity,
                "venue": trade.venue,
                "price": trade.price,
                "buy": trade.buy,
            }
            for trade in event.trades
        ]
    }


def large_from_dict(value: dict[str, Any], _: object = None) -> Large:
    """And back."""
    return Large(
        trades=tuple(
            [
                Trade(
                    symbol=trade["symbol"],
                    quantity=trade["quantity"],
                    venue=trade["venue"],
                    price=trade["price"],
                    buy=trade["buy"],
                )
                for trade in value["trades"]
            ]
        )
    )


TO_DICT: dict[str, Any] = {"content": content_to_dict, "small": small_to_dict, "large": large_to_dict}
FROM_DICT: dict[str, Any] = {"content": content_from_dict, "small": small_from_dict, "large": large_from_dict}


def confluent_rows() -> dict[str, Row]:
    """`confluent_kafka`'s serializer and deserializer, with `asdict` and with conversions by hand.

    The registry's client is the library's own one for tests: it answers from memory. The deserializer is given no
    reader schema, which is its quickest way.
    """
    with_asdict, by_hand = {}, {}
    for event in EVENTS:
        client = SchemaRegistryClient.new_client({"url": f"mock://{event}"})
        client.register_schema(f"{event}-value", Schema(AVRO[event], "AVRO"))
        names = {"event": VALUES[event], "context": SerializationContext(event, MessageField.VALUE)}

        def serializer(to_dict: Any, event: str = event, client: Any = client) -> Any:
            return AvroSerializer(client, AVRO[event], to_dict, SETTINGS)

        slow = {**names, "serialize": serializer(lambda value, _: asdict(value))}
        quick = {**names, "serialize": serializer(TO_DICT[event])}
        quick["deserialize"] = AvroDeserializer(client, None, FROM_DICT[event])
        quick["data"] = result_of(("serialize(event, context)", quick))
        with_asdict[event] = Work(("serialize(event, context)", slow))
        by_hand[event] = Work(("serialize(event, context)", quick), ("deserialize(data, context)", quick))
    return {ASDICT: with_asdict, BY_HAND: by_hand}


def fastavro_row() -> Row:
    """Dictionaries and nothing else: no frame, no classes."""
    row = {}
    for event in EVENTS:
        schema, value, out = parse_schema(json.loads(AVRO[event])), TO_DICT[event](VALUES[event]), BytesIO()
        schemaless_writer(out, schema, value)
        names = {
            "BytesIO": BytesIO,
            "write": schemaless_writer,
            "read": schemaless_reader,
            "schema": schema,
            "value": value,
            "data": out.getvalue(),
        }
        encode = "out = BytesIO(); write(out, schema, value); out.getvalue()"
        row[event] = Work((encode, names), ("read(BytesIO(data), schema, None)", names))
    return row


def msgspec_row() -> Row:
    """msgpack by msgspec, into its own Struct: what a core in C does without a schema language."""
    row = {}
    for event in EVENTS:
        struct = msgspec.defstruct
        author = struct("Author", list(Author.__annotations__.items()))
        trade = struct("Trade", list(Trade.__annotations__.items()))
        kinds: dict[Any, Any] = {Author: author}
        of = {"content": Content, "small": Small, "large": Large}[event]
        fields = [(name, kinds.get(kind, kind)) for name, kind in of.__annotations__.items()]
        if event == "large":
            fields = [("trades", GenericAlias(tuple, (trade, ...)))]
        made = struct(of.__name__, fields)
        value = msgspec.convert(asdict(VALUES[event]), made)
        names = {
            "write": msgspec.msgpack.Encoder().encode,
            "read": msgspec.msgpack.Decoder(made).decode,
            "value": value,
        }
        names["data"] = msgspec.msgpack.encode(value)
        assert msgspec.msgpack.decode(names["data"], type=made) == value
        row[event] = Work(("write(value)", names), ("read(data)", names))
    return row


def peer_rows() -> dict[str, Row]:
    """Every peer, by the name of its row."""
    return {**confluent_rows(), BARE: fastavro_row(), **protobuf_rows(PROTO, STUB_TYPES), STRUCT: msgspec_row()}
