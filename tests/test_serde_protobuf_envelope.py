"""The envelope in Protobuf payloads: fields that the event's class does not have."""

from datetime import UTC, datetime
from typing import Any

import pytest

from registry.serde.errors import EncodeError, UnfitStub
from registry.serde.meta import Meta
from registry.serde.protobuf import compile_decoder, compile_encoder
from registry.serde.shape import Shape
from tests.serde_protobuf import load_text, make_shape

HEAD = 'syntax = "proto3"; package p; import "google/protobuf/timestamp.proto"; '
FLAT = HEAD + (
    "message M { string correlation_id = 1; int32 schema_version = 2; string event_id = 3;"
    " google.protobuf.Timestamp occurred_at = 4; optional string causation_id = 5; string name = 6; }"
)
NESTED = HEAD + (
    "message M { Metadata metadata = 1; string name = 2; Context context = 3; }"
    " message Metadata { string correlation_id = 1; uint64 version = 2; google.protobuf.Timestamp at = 3; }"
    " message Context { Metadata inner = 1; string tenant = 2; string cause = 3; }"
)
ROLES = ("correlation_id", "schema_version", "event_id", "occurred_at", "causation_id")
NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def make_meta(**values: Any) -> Meta:
    meta = Meta()
    for name, value in values.items():
        setattr(meta, name, value)
    return meta


FULL = {"correlation_id": "c", "schema_version": 3, "event_id": "e", "occurred_at": NOW, "causation_id": "x"}


def facts(meta: Meta) -> dict[str, Any]:
    """What was set of it, but for the message itself."""
    blank = Meta()
    held = ((name, getattr(meta, name)) for name in Meta.__slots__)
    return {name: value for name, value in held if name != "message" and value != getattr(blank, name)}


def test_the_envelope_travels_in_the_payload_and_is_no_attribute() -> None:
    messages = load_text(FLAT)
    shape = make_shape(messages, **{role: (role,) for role in ROLES})
    event = shape.types["p.M"](name="n")
    assert [*event.__slots__] == ["name"]
    data = compile_encoder(messages, shape)(event, b"", make_meta(**FULL))
    meta = Meta()
    assert compile_decoder(messages, messages, shape)(data, 0, meta) == event
    assert facts(meta) == FULL
    assert compile_decoder(messages, messages)(data, 0, None) == {**FULL, "name": "n"}


def test_without_a_meta_the_envelope_is_read_over_and_not_written() -> None:
    messages = load_text(FLAT)
    shape = make_shape(messages, correlation_id=("correlation_id",))
    data = compile_encoder(messages)({"correlation_id": "c", "name": "n"}, b"", None)
    assert compile_decoder(messages, messages, shape)(data, 0, None).name == "n"
    with pytest.raises(EncodeError, match="there is no envelope to write"):
        compile_encoder(messages, shape)(shape.types["p.M"](name="n"), b"", None)


def test_what_the_payload_does_not_say_stays_as_it_is() -> None:
    messages = load_text(FLAT)
    shape = make_shape(messages, **{role: (role,) for role in ROLES})
    meta = Meta()
    compile_decoder(messages, messages, shape)(b"", 0, meta)
    assert (meta.correlation_id, meta.schema_version, meta.event_id) == ("", 0, "")
    assert meta.occurred_at is None and meta.causation_id is None
    written = compile_encoder(messages, shape)(shape.types["p.M"](name=""), b"", Meta())
    assert written == b""


def test_plain_events_have_no_envelope_where_one_is_given() -> None:
    messages = load_text(FLAT)
    shape = Shape(envelope={role: (role,) for role in ROLES})
    data = compile_encoder(messages, shape)({"name": "n"}, b"", make_meta(**FULL))
    assert compile_decoder(messages, messages, shape)(data, 0, Meta()) == {"name": "n"}
    with pytest.raises(EncodeError, match=r"'event_id' is no field of p\.M"):
        compile_encoder(messages, shape)({"event_id": "x"}, b"", Meta())


def test_a_message_of_the_envelope_alone_is_no_attribute() -> None:
    messages = load_text(NESTED)
    envelope = {
        "correlation_id": ("metadata", "correlation_id"),
        "schema_version": ("metadata", "version"),
        "occurred_at": ("metadata", "at"),
        "causation_id": ("context", "cause"),
    }
    shape = Shape(envelope=envelope)
    write, read = compile_encoder(messages, shape), compile_decoder(messages, messages, shape)
    values = {"correlation_id": "c", "schema_version": 3, "occurred_at": NOW, "causation_id": "x"}
    inner = {"correlation_id": "kept", "version": 7, "at": None}
    event = {"name": "n", "context": {"inner": inner, "tenant": "t"}}
    meta = Meta()
    data = write(event, b"", make_meta(**values))
    assert read(data, 0, meta) == event
    assert facts(meta) == values
    assert compile_decoder(messages, messages)(data, 0, None)["metadata"]["version"] == 3
    data = write({"name": "n"}, b"", make_meta(**values))
    assert read(data, 0, None) == {"name": "n", "context": {"inner": None, "tenant": ""}}


def test_typed_classes_lack_what_is_of_the_envelope_at_its_place() -> None:
    messages = load_text(NESTED.replace("Metadata inner = 1;", ""))
    shape = make_shape(messages, correlation_id=("metadata", "correlation_id"), causation_id=("context", "cause"))
    types: Any = shape.types
    event = types["p.M"](metadata=types["p.Metadata"](version=5), name="n", context=types["p.Context"](tenant="t"))
    data = compile_encoder(messages, shape)(event, b"", make_meta(correlation_id="c", causation_id="x"))
    meta = Meta()
    assert compile_decoder(messages, messages, shape)(data, 0, meta) == event
    assert facts(meta) == {"correlation_id": "c", "causation_id": "x"}


@pytest.mark.parametrize(
    ("values", "path", "fact"),
    [
        ({"correlation_id": 5}, "/correlation_id", "5 is no string"),
        ({"correlation_id": "\ud800"}, "/correlation_id", "'\\ud800' holds half a surrogate pair, at index 0"),
        ({"schema_version": True}, "/schema_version", "True is no int32"),
        ({"schema_version": 2**31}, "/schema_version", "2147483648 is out of the range of int32"),
        (
            {"occurred_at": datetime(2026, 1, 1)},
            "/occurred_at",
            "2026-01-01 00:00:00 is a datetime without a time zone",
        ),
        ({"causation_id": b"x"}, "/causation_id", "b'x' is no string"),
    ],
)
def test_an_envelope_of_other_types_is_refused(values: dict[str, Any], path: str, fact: str) -> None:
    messages = load_text(FLAT)
    shape = make_shape(messages, **{role: (role,) for role in ROLES})
    with pytest.raises(EncodeError) as caught:
        compile_encoder(messages, shape)(shape.types["p.M"](name=""), b"", make_meta(**values))
    assert (caught.value.path, caught.value.fact) == (path, fact)


@pytest.mark.parametrize(
    "envelope",
    [
        {"correlation_id": ("missing",)},
        {"correlation_id": ("schema_version",)},
        {"schema_version": ("name",)},
        {"occurred_at": ("name",)},
        {"correlation_id": ("name", "deeper")},
        {"correlation_id": ("tags",)},
        {"correlation_id": ("left",)},
        {"other": ("name",)},
    ],
)
def test_a_field_that_cannot_hold_its_role_is_no_fault_of_the_event(envelope: dict[str, tuple[str, ...]]) -> None:
    text = FLAT.replace(
        "string name = 6;", "string name = 6; repeated string tags = 7; oneof o { string left = 8; string r = 9; }"
    )
    with pytest.raises(UnfitStub, match=r"cannot hold the envelope's \w+"):
        compile_encoder(load_text(text), Shape(envelope=envelope))
