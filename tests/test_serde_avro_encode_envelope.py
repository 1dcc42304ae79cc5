"""The envelope comes from `Meta`, wherever in the payload it stands."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from registry.formats.avro.reference import encode
from registry.serde.avro.explain_value import encode_carefully
from registry.serde.meta import Meta
from registry.serde.shape import Shape
from tests.avro_shorthand import ID, field, fixed, logical, parse, record
from tests.serde_avro_writing import MOMENT, refuse, write

# The envelope

ENVELOPE = {role: (role,) for role in ("correlation_id", "schema_version", "event_id", "occurred_at", "causation_id")}
STAMPED = record(
    field("correlation_id", logical("string", "uuid")),
    field("schema_version", "int"),
    field("event_id", fixed(16, logicalType="uuid")),
    field("occurred_at", logical("long", "timestamp-millis")),
    field("causation_id", ["null", logical("string", "uuid")]),
    field("title", "string"),
    name="a.Stamped",
)


@dataclass(slots=True, kw_only=True)
class Stamped:
    title: str


def make_meta(**changes: object) -> Meta:
    meta = Meta()
    known = {"correlation_id": ID, "schema_version": 3, "event_id": ID.upper(), "occurred_at": MOMENT}
    for name, value in (known | changes).items():
        setattr(meta, name, value)
    return meta


@pytest.mark.parametrize("causation", [None, ID])
def test_the_envelope_comes_from_meta(causation: str | None) -> None:
    meta = make_meta(causation_id=causation)
    data = encode(
        parse(STAMPED),
        {
            "correlation_id": ID,
            "schema_version": 3,
            "event_id": UUID(ID),
            "occurred_at": MOMENT,
            "causation_id": causation,
            "title": "t",
        },
    )
    typed = Shape(types={"a.Stamped": Stamped}, envelope=ENVELOPE)
    assert write(STAMPED, Stamped(title="t"), typed, meta) == data
    assert write(STAMPED, {"title": "t"}, Shape(envelope=ENVELOPE), meta) == data
    assert encode_carefully(parse(STAMPED), typed, Stamped(title="t"), meta) == data


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"correlation_id": ""}, "'' is no text of a UUID at /correlation_id"),
        ({"correlation_id": UUID(ID)}, f"the UUID {ID} is no text of a UUID at /correlation_id"),
        ({"event_id": ID.replace("-", "")}, f"'{ID.replace('-', '')}' is no text of a UUID at /event_id"),
        ({"occurred_at": None}, "None is no timestamp-millis at /occurred_at"),
        (
            {"occurred_at": MOMENT.replace(tzinfo=None)},
            "2024-02-29 12:30:15.123000 has no time zone, which timestamp-millis needs at /occurred_at",
        ),
        ({"schema_version": "3"}, "'3' is no int at /schema_version"),
        ({"causation_id": "x"}, "'x' is no text of a UUID at /causation_id"),
    ],
)
def test_an_envelope_that_does_not_fit_the_schema_is_refused(changes: dict[str, object], message: str) -> None:
    typed = Shape(types={"a.Stamped": Stamped}, envelope=ENVELOPE)
    assert str(refuse(STAMPED, Stamped(title="t"), typed, make_meta(**changes))) == message
    assert str(refuse(STAMPED, {"title": "t"}, Shape(envelope=ENVELOPE), make_meta(**changes))) == message


def test_an_event_with_an_envelope_is_not_written_without_one() -> None:
    typed = Shape(types={"a.Stamped": Stamped}, envelope=ENVELOPE)
    error = refuse(STAMPED, Stamped(title="t"), typed, None)
    assert str(error) == "there is no envelope to take the value from at /correlation_id"


INNER = record(field("correlation_id", "string"), field("schema_version", "long"), name="a.Inner")
PATHS = {"correlation_id": ("metadata", "correlation_id"), "schema_version": ("metadata", "schema_version")}


@dataclass(slots=True, kw_only=True)
class Outer:
    title: Any


@dataclass(slots=True, kw_only=True)
class Mixed:
    title: Any
    metadata: Any


@dataclass(slots=True, kw_only=True)
class Rest:
    note: Any


@pytest.mark.parametrize("metadata", [INNER, ["null", INNER], [INNER, "null"]])
def test_a_record_of_nothing_but_the_envelope_has_no_object(metadata: object) -> None:
    schema = record(field("metadata", metadata), field("title", "string"), name="a.Outer")
    shape = Shape(types={"a.Outer": Outer}, envelope=PATHS)
    full = {"metadata": {"correlation_id": ID, "schema_version": 3}, "title": "t"}
    data = encode(parse(schema), full)
    assert write(schema, Outer(title="t"), shape, make_meta()) == data
    assert write(schema, {"title": "t"}, Shape(envelope=PATHS), make_meta()) == data
    assert encode_carefully(parse(schema), shape, Outer(title="t"), make_meta()) == data
    error = refuse(schema, Outer(title="t"), shape, make_meta(correlation_id=None))
    assert error.path == "/metadata/correlation_id"


@pytest.mark.parametrize("nullable", [False, True])
def test_a_record_with_more_than_the_envelope_has_the_rest(nullable: bool) -> None:
    inner = record(*INNER["fields"], field("note", "string"), name="a.Inner")  # type: ignore[misc]  # a list of fields
    schema = record(field("metadata", ["null", inner] if nullable else inner), field("title", "string"), name="a.Mixed")
    shape = Shape(types={"a.Mixed": Mixed, "a.Inner": Rest}, envelope=PATHS)
    full = {"metadata": {"correlation_id": ID, "schema_version": 3, "note": "n"}, "title": "t"}
    event = Mixed(title="t", metadata=Rest(note="n"))
    assert write(schema, event, shape, make_meta()) == encode(parse(schema), full)
    assert encode_carefully(parse(schema), shape, event, make_meta()) == encode(parse(schema), full)
    absent = Mixed(title="t", metadata=None)
    if nullable:
        assert write(schema, absent, shape, make_meta()) == b"\0\2t"
    else:
        assert str(refuse(schema, absent, shape, make_meta())) == "None is no Rest at /metadata"


def test_a_role_whose_field_a_version_lacks_is_passed_over() -> None:
    schema = record(field("title", "string"), name="a.Stamped")
    assert write(schema, Stamped(title="t"), Shape(types={"a.Stamped": Stamped}, envelope=ENVELOPE)) == b"\2t"
