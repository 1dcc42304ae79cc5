"""Our rows: what the stubs call, and the bare core below it, in both languages."""

from importlib import import_module
from typing import Any

from serde_events import (
    AVRO,
    EVENTS,
    OLDER_AVRO,
    PROTO,
    PROTO_VALUES,
    TITLES,
    VALUES,
    Access,
    Author,
    Content,
    Item,
    Large,
    Small,
    Trade,
    Visibility,
    Writer,
)
from serde_rows import Row, Work, result_of

from registry.frozen import replace
from registry.serde import Bundle, BundledVersion, Meta, Producer, Serde, Shape
from registry.serde.meta import ROLES

AVRO_TYPES = {
    "bench.Content": Content,
    "bench.Author": Author,
    "bench.Visibility": Visibility,
    "bench.Small": Small,
    "bench.Large": Large,
    "bench.Trade": Trade,
}
TYPES = {
    "avro": AVRO_TYPES,
    "protobuf": {**AVRO_TYPES, "bench.Content": Item, "bench.Author": Writer, "bench.Visibility": Access},
}
CORRELATION = "6f1c0f0e-53d4-4b8e-9f56-0d5a5d7c9a01"
ENVELOPE = """
    {"name": "correlation_id", "type": {"type": "string", "logicalType": "uuid"}},
    {"name": "schema_version", "type": "int"},
    {"name": "event_id", "type": {"type": "string", "logicalType": "uuid"}},
    {"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "causation_id", "type": ["null", {"type": "string", "logicalType": "uuid"}], "default": null}"""
FRAME = b"\0\0\0\0\7"
ASKED = {"avro": VALUES, "protobuf": PROTO_VALUES}


def compile_proto() -> bytes:
    """The FileDescriptorSet of the schema, by protoc, with what it imports."""
    from registry.formats.protobuf.compile import compile_files

    return compile_files({"events.proto": PROTO}, ["events.proto"])[0]


def make_bundle(language: str, event: str, descriptors: bytes = b"") -> Bundle:
    """What the stubs of an event would carry: two versions in Avro, and one in Protobuf, if need be by protoc."""
    if language == "avro":
        texts = [("event.avsc", OLDER_AVRO[event], b""), ("event.avsc", AVRO[event], b"")]
    else:
        texts = [("events.proto", PROTO, descriptors or compile_proto())]
    versions = tuple(
        BundledVersion(
            number=number,
            schema_id=number,
            guid=f"00000000-0000-0000-0000-{number:012}",
            root=root,
            files={root: text},
            descriptors=compiled,
            shape=Shape(types=TYPES[language]),
            event=TYPES[language][TITLES[event]] if number == len(texts) else None,
        )
        for number, (root, text, compiled) in enumerate(texts, 1)
    )
    return Bundle(
        event=TITLES[event],
        language=language,
        service="bench",
        owner="bench",
        contact="team bench",
        topic="bench",
        key="",
        versions=versions,
        reads=tuple(range(1, len(texts) + 1)),
        writes=(len(texts),),
    )


def core_row(language: str) -> Row:
    """A compiled plan with its frame: found by the frame of a record, given the frame of an event; no Meta is made."""
    return {event: _bare(language, event) for event in EVENTS}


def _bare(language: str, event: str) -> Work:
    core, version = import_module(f"registry.serde.{language}"), make_bundle(language, event).newest
    schema = core.load(version, TITLES[event])
    names = {
        "encode": core.compile_encoder(schema, version.shape),
        "decode": core.compile_decoder(schema, schema, version.shape),
        "event": ASKED[language][event],
        "frame": FRAME,
        "size": len(FRAME),
    }
    names["plans"] = {FRAME: names["decode"]}
    return _both(names, "encode(event, frame, None)", "plans[data[:size]](data, size, None)")


def serde_row(language: str) -> Row:
    """As a producer and a consumer call it: framed, checked, with the event's Meta."""
    row = {}
    for event in EVENTS:
        serde = Serde(make_bundle(language, event))
        names: dict[str, Any] = {"serde": serde, "event": ASKED[language][event], "meta": Meta()}
        names["data"] = result_of(("serde.encode(event, meta)[0]", names))
        assert result_of(("serde.decode(data)[0]", names)) == names["event"]
        row[event] = Work(("serde.encode(event, meta)", names), ("serde.decode(data)", names))
    return row


def service_row() -> Row:
    """With an envelope in the payload, mirrored in headers: what a producer's `encode` and a consumer do."""
    row = {}
    for event in EVENTS:
        made = type("BenchProducer", (Producer,), {"bundle": classmethod(lambda _, event=event: add_envelope(event))})
        producer = made(None, service="bench")
        names: dict[str, Any] = {"producer": producer, "serde": Serde(add_envelope(event)), "event": VALUES[event]}
        names["record"] = result_of((f"producer.encode(event, correlation_id={CORRELATION!r})", names))
        assert result_of(("serde.decode(record.value, record.headers)[0]", names)) == names["event"]
        encode, decode = (
            f"producer.encode(event, correlation_id={CORRELATION!r})",
            "serde.decode(record.value, record.headers)",
        )
        row[event] = Work((encode, names), (decode, names))
    return row


def add_envelope(event: str) -> Bundle:
    """The bundle of one version, whose schema has the five fields of an envelope before its own."""
    bundle = make_bundle("avro", event)
    version = bundle.newest
    text = AVRO[event].replace('"fields": [', f'"fields": [{ENVELOPE},', 1)
    shape = Shape(types=version.shape.types, envelope={role: (role,) for role in ROLES})
    return replace(bundle, versions=(replace(version, files={version.root: text}, shape=shape),), reads=(2,))


def resolved_row() -> Row:
    """What the version before wrote, read as today's class: one field is stepped over, one has its default."""
    return {event: _resolved(event) for event in EVENTS}


def _resolved(event: str) -> Work:
    core, (older, newer) = import_module("registry.serde.avro"), make_bundle("avro", event).versions
    writer, reader = (core.load(version, TITLES[event]) for version in (older, newer))
    names: dict[str, Any] = {"decode": core.compile_decoder(reader, writer, newer.shape), "size": len(FRAME)}
    names["data"] = write_older(event)
    names["plans"] = {names["data"][: len(FRAME)]: names["decode"]}
    call = "plans[data[:size]](data, size, None)"
    assert result_of((call, names)) == VALUES[event]
    return Work(decode=(call, names))


def write_older(event: str) -> bytes:
    """An event of the version before, in its frame."""
    core, (older, newer) = import_module("registry.serde.avro"), make_bundle("avro", event).versions
    schema = core.load(newer, TITLES[event])
    data = core.compile_encoder(schema, newer.shape)(VALUES[event], b"", None)
    value: dict[str, Any] = core.compile_decoder(schema, schema)(data, 0, None)
    if event == "large":
        value = {"trades": [{**trade, "desk": 7} for trade in value["trades"]]}
        for trade in value["trades"]:
            del trade["venue"]
    else:
        added, gone = {"content": ({"views": 90210}, "locale"), "small": ({"retries": 4711}, "count")}[event]
        value |= added
        del value[gone]
    written: bytes = core.compile_encoder(core.load(older, TITLES[event]))(value, b"\0\0\0\0\1", None)
    return written


def _both(names: dict[str, Any], encode: str, decode: str) -> Work:
    names["data"] = result_of((encode, names))
    assert result_of((decode, names)) == names["event"], decode
    return Work((encode, names), (decode, names))
