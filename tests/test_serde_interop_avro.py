"""Confluent's Avro serializer and deserializer read what this project writes, and the other way round."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer

from registry.serde import Bundle, BundledVersion, Duration, Meta, Serde
from registry.serde.avro import compile_decoder
from registry.serde.hooks import from_avro, to_avro
from registry.serde.serde import Serde as PlainSerde
from tests.serde_interop import CONF, WRITING, OfflineRegistry, context, find_events, import_bundles, make_registry


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("stubs")
    found = [each for service in ("content-api", "session-service") for each in import_bundles(folder, service)]
    return {each.event.rpartition(".")[2]: each for each in found if each.language == "avro"}


EVENTS = ["ContentPublished", "ContentUpdated", "UserLoggedIn"]


def cases(bundle: Bundle) -> Iterator[tuple[BundledVersion, Any, Meta]]:
    for version in bundle.versions:
        events = list(find_events(bundle, version))
        assert len(events) > 3
        for event, meta in events:
            yield version, event, meta


@pytest.mark.parametrize("event", EVENTS)
def test_confluent_reads_what_the_stubs_write(event: str, bundles: dict[str, Bundle]) -> None:
    bundle = bundles[event]
    registry, _ = make_registry(bundle)
    read = AvroDeserializer(registry, conf=CONF)
    serde = Serde(bundle)
    for version, given, meta in cases(bundle):
        if version.number != serde.active:
            continue
        value, _ = serde.encode(given, meta)
        schema = serde.versions.schema(version)
        assert read(value, context()) == compile_decoder(schema, schema)(value, 5, None)


@pytest.mark.parametrize("event", EVENTS)
def test_the_stubs_read_what_confluent_writes(event: str, bundles: dict[str, Bundle]) -> None:
    bundle = bundles[event]
    registry, schemas = make_registry(bundle)
    serde = Serde(bundle)
    for number in bundle.writes:
        write = AvroSerializer(registry, schemas[number], to_avro(bundle, number), WRITING)
        version = serde.versions.by_number[number]
        for given, meta in find_events(bundle, version):
            value = write((given, meta), context())
            assert serde.decode(value, (), version.event)[0] == given
            serde.activate(number)
            assert value == serde.encode(given, meta)[0], "the same bytes"


@pytest.mark.parametrize("event", EVENTS)
def test_the_frame_may_be_in_a_header(event: str, bundles: dict[str, Bundle]) -> None:
    bundle = bundles[event]
    registry, schemas = make_registry(bundle)
    serde = Serde(bundle, framing="confluent-header")
    read = AvroDeserializer(registry, conf=CONF)
    conf = {**WRITING, "schema.id.serializer": header_schema_id_serializer}
    write = AvroSerializer(registry, schemas[serde.active], to_avro(bundle), conf)
    version = serde.versions.by_number[serde.active]
    schema = serde.versions.schema(version)
    for given, meta in find_events(bundle, version):
        value, headers = serde.encode(given, meta)
        assert read(value, context(list(headers))) == compile_decoder(schema, schema)(value, 0, None)
        ctx = context()
        written = write((given, meta), ctx)
        assert (written, tuple(ctx.headers)) == (value, headers)
        assert serde.decode(written, ctx.headers, version.event)[0] == given


def test_confluent_reads_an_older_version_as_a_newer_one_through_the_hooks(bundles: dict[str, Bundle]) -> None:
    bundle = bundles["ContentPublished"]
    registry, schemas = make_registry(bundle)
    serde = Serde(bundle)
    newest = bundle.newest
    read = AvroDeserializer(registry, schemas[newest.number], from_avro(bundle), return_record_name=True, conf=CONF)
    for number in bundle.reads:
        version = serde.versions.by_number[number]
        for given, meta in find_events(bundle, version):
            value = b"\0" + version.schema_id.to_bytes(4, "big") + encode_as(bundle, version, given, meta)
            event, found = read(value, context())
            expected, wanted = serde.decode(value)
            assert event == expected
            assert (found.correlation_id, found.event_id) == (wanted.correlation_id, wanted.event_id)
            assert found.schema_version == number


def encode_as(bundle: Bundle, version: BundledVersion, event: Any, meta: Meta) -> bytes:
    from registry.serde.avro import compile_encoder, load

    return compile_encoder(load(version, bundle.event), version.shape)(event, b"", meta)


# fastavro by itself, and each logical type

LOGICAL = {
    "type": "record",
    "name": "t.All",
    "fields": [
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {
            "name": "fixed_amount",
            "type": {"type": "fixed", "name": "Eight", "size": 8, "logicalType": "decimal", "precision": 9, "scale": 3},
        },
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at_millis", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "at_micros", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "millis", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "micros", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "nanos", "type": {"type": "long", "logicalType": "timestamp-nanos"}},
        {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}},
        {"name": "color", "type": {"type": "enum", "name": "Color", "symbols": ["RED", "BLUE"]}},
        {"name": "maybe", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
        {"name": "numbers", "type": {"type": "map", "values": {"type": "array", "items": "double"}}},
        {"name": "single", "type": "float"},
        {"name": "flag", "type": "boolean"},
        {"name": "raw", "type": "bytes"},
        {"name": "big", "type": "long"},
    ],
}
VALUE = {
    "amount": Decimal("-12.34"),
    "fixed_amount": Decimal("999999.999"),
    "id": UUID("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
    "day": date(1969, 7, 20),
    "at_millis": time(23, 59, 59, 999_000),
    "at_micros": time(0, 0, 0, 1),
    "millis": datetime(1969, 12, 31, 23, 59, 59, 1000, UTC),
    "micros": datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC),
    "nanos": 1_700_000_000_000_000_001,
    "local": datetime(2026, 1, 2, 3, 4, 5, 678_901),
    "hash": b"\0\x01\xfe\xff",
    "color": "BLUE",
    "maybe": None,
    "numbers": {"a": [1.5, -0.25], "": []},
    "single": 0.5,
    "flag": True,
    "raw": b"\0\xff",
    "big": -(2**63),
}


def plain_bundle(schema: object, event: str) -> Bundle:
    version = BundledVersion(1, 77, "9a3f1c52-7b0d-4a56-8d3e-1f2a3b4c5d6e", "t.avsc", {"t.avsc": json.dumps(schema)})
    return Bundle(event, "avro", "a", "a", "", "t", "", (version,), (1,), (1,))


@pytest.mark.parametrize("maybe", [None, datetime(2026, 5, 6, 7, 8, 9, 123_456, UTC)])
def test_fastavro_writes_and_reads_the_same_bytes(maybe: datetime | None) -> None:
    value = {**VALUE, "maybe": maybe}
    bundle = plain_bundle(LOGICAL, "t.All")
    serde = PlainSerde(bundle, framing="confluent-header")
    ours, _ = serde.encode(value, Meta())
    parsed = fastavro.parse_schema(json.loads(json.dumps(LOGICAL)))
    theirs = io.BytesIO()
    fastavro.schemaless_writer(theirs, parsed, value)
    assert ours == theirs.getvalue()
    assert fastavro.schemaless_reader(io.BytesIO(ours), parsed, None) == value
    schema = serde.versions.schema(bundle.newest)
    assert compile_decoder(schema, schema)(theirs.getvalue(), 0, None) == value


def test_confluent_and_a_plain_serde_agree_on_every_logical_type() -> None:
    bundle = plain_bundle(LOGICAL, "t.All")
    registry, schemas = make_registry(bundle)
    serde = Serde(bundle)
    value, _ = serde.encode(VALUE, Meta())
    assert AvroSerializer(registry, schemas[1], None, WRITING)(VALUE, context()) == value
    assert AvroDeserializer(registry, conf=CONF)(value, context()) == VALUE
    assert serde.decode(value)[0] == VALUE


def test_a_body_of_five_bytes_or_fewer_with_its_frame_in_a_header_is_read_though_confluent_refuses_it() -> None:
    small = {"type": "record", "name": "t.Small", "fields": [{"name": "n", "type": "int"}]}
    bundle = plain_bundle(small, "t.Small")
    serde = Serde(bundle, framing="confluent-header")
    value, headers = serde.encode({"n": 1}, Meta())
    assert len(value) == 1
    assert serde.decode(value, headers)[0] == {"n": 1}
    registry, _ = make_registry(bundle)
    with pytest.raises(Exception, match="Expecting data framing of length 6"):
        AvroDeserializer(registry, conf=CONF)(value, context(list(headers)))


def test_a_schema_of_confluents_own_making_is_read_by_its_id(tmp_path: Path) -> None:
    registry = OfflineRegistry()
    text = json.dumps({"type": "record", "name": "t.Small", "fields": [{"name": "n", "type": "int"}]})
    registry.put("t.Small", Schema(text, "AVRO"), 1, 5, "9a3f1c52-7b0d-4a56-8d3e-1f2a3b4c5d6e")
    value = AvroSerializer(registry, Schema(text, "AVRO"), None, WRITING)({"n": 300}, context())
    version = BundledVersion(1, 5, "9a3f1c52-7b0d-4a56-8d3e-1f2a3b4c5d6e", "t.avsc", {"t.avsc": text})
    bundle = Bundle("t.Small", "avro", "b", "a", "", "t", "", (version,), (1,), ())
    assert Serde(bundle).decode(value)[0] == {"n": 300}


def test_a_duration_passes_as_its_twelve_bytes() -> None:
    schema = {
        "type": "record",
        "name": "t.Lasting",
        "fields": [{"name": "d", "type": {"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}}],
    }
    bundle = plain_bundle(schema, "t.Lasting")
    serde = Serde(bundle, framing="confluent-header")
    body, _ = serde.encode({"d": Duration(1, 2, 3)}, Meta())
    assert fastavro.schemaless_reader(io.BytesIO(body), fastavro.parse_schema(schema), None) == {"d": body}
    assert serde.versions.schema(bundle.newest) is not None
