"""Records that nobody should have written, as a subscriber with the stubs of `contracts gen` meets them."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from registry import serde
from registry.serde import (
    CodecError,
    DecodeError,
    EnvelopeError,
    InMemory,
    Record,
    Serde,
    UnknownSchema,
)
from tests.serde_bad_contracts import Party, import_stubs

Parties = dict[str, dict[str, Party]]
TOPIC: Final = "shop.orders"


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    with import_stubs(tmp_path_factory.mktemp("shops")) as made:
        yield made


@pytest.fixture(params=["avro", "protobuf"])
def both(parties: Parties, request: pytest.FixtureRequest) -> tuple[Party, Party]:
    """The stubs of the owner and of a subscriber."""
    return parties["shop"][request.param], parties["billing"][request.param]


@pytest.fixture
def owner(both: tuple[Party, Party]) -> Party:
    return both[0]


@pytest.fixture
def reader(both: tuple[Party, Party]) -> Party:
    return both[1]


def write(owner: Party, version: int = 2, **options: Any) -> Record:
    """A record of an event that has all its fields set."""
    return owner.produce(InMemory(), version, **options).encode(
        owner.fill(version), correlation_id="c-1", causation_id="e-0"
    )


def body_of(owner: Party, record: Record) -> int:
    """Where the body begins: Protobuf's event is the second message of its file."""
    return 5 if owner.language == "avro" else 7


def bend(record: Record, value: bytes | None, *headers: tuple[str, bytes | None]) -> Record:
    """The record with another value and headers."""
    return Record(record.topic, record.key, value, headers)


def refuse(reader: Party, record: Record, kind: type[CodecError] = DecodeError) -> CodecError:
    """The error of a delivery, which no handler sees; the record waits, and what a partition holds besides is read."""
    transport = InMemory(partitions=2)
    consumer, seen = reader.consume()
    subscription = transport.subscribe(consumer, service="billing", unknown="raise")
    transport.send(Record(record.topic, record.key, record.value, record.headers, partition=1))
    caught = []
    for _ in range(2):
        with pytest.raises(CodecError) as error:
            transport.deliver()
        caught.append(error.value)
    assert [type(each) for each in caught] == [kind, kind]
    assert str(caught[0]) == str(caught[1])
    assert (seen, subscription.offsets) == ([], {})
    assert serde.current_correlation() is None
    return caught[0]


def find_error(reader: Party, value: bytes) -> CodecError | None:
    try:
        Serde(reader.bundle).decode(value)
    except (DecodeError, EnvelopeError) as error:
        return error
    return None


def test_what_is_written_is_read_by_the_subscriber(both: tuple[Party, Party]) -> None:
    owner, reader = both
    transport = InMemory()
    consumer, seen = reader.consume()
    transport.subscribe(consumer, service="billing", unknown="raise")
    for version in (1, 2):
        transport.send(write(owner, version))
    assert transport.deliver() == 2
    assert seen[1] == reader.fill()
    assert seen[0] == reader.fill(1).upgrade()


def test_a_record_that_is_cut_is_told_with_the_event_and_its_version(owner: Party, reader: Party) -> None:
    record = write(owner)
    value = record.value or b""
    start = body_of(owner, record)
    found = [find_error(reader, value[:end]) for end in range(start, len(value))]
    refused = [error for error in found if error]
    # A message may end after any of its fields, and says nothing of those that it lacks.
    assert len(refused) == len(found) if owner.language == "avro" else len(refused) > len(found) // 2
    assert {error.subject for error in refused} == {f"{owner.event} v2"}
    assert all(error.path for error in refused) or owner.language == "protobuf"
    error = refuse(reader, bend(record, value[:-1]))
    assert error.subject == f"{owner.event} v2"


def test_bytes_that_are_left_over_are_refused(owner: Party, reader: Party) -> None:
    record = write(owner)
    error = refuse(reader, bend(record, (record.value or b"") + b"\0"))
    assert error.subject == f"{owner.event} v2"


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        (b"", "the value is empty: it has no frame"),
        (b"\0\0", "the value ends inside its frame: 00 00 has 2 of 5 bytes"),
        (b'{"order_id": "o-1"}', "the value has no frame: it begins with 7B, not with 00 (id), 01 (GUID) or C3 01"),
        (b"\x02" + bytes(30), "the value has no frame: it begins with 02, not with 00 (id), 01 (GUID) or C3 01"),
        (b"\x01\x02", "the value ends inside its frame: 01 02 has 2 of 17 bytes"),
    ],
)
def test_a_value_without_a_frame_is_refused(owner: Party, reader: Party, value: bytes, fact: str) -> None:
    error = refuse(reader, bend(write(owner), value))
    assert (error.subject, error.fact) == (owner.event, fact)


def test_a_frame_that_leads_to_another_message_is_refused(parties: Parties) -> None:
    owner, reader = (parties[service]["protobuf"] for service in ("shop", "billing"))
    record = write(owner)
    value = record.value or b""
    assert value[5:7] == b"\x02\x02"
    error = refuse(reader, bend(record, value[:5] + b"\0" + value[7:]))
    assert error.fact == "the frame points to message [0] of the file, and the event is [1]"
    assert error.subject == "shop.Paid v2"
    for indexes in (b"\x02\x04", b"\x04\x02\x02", b"\x80\x80\x80\x80\x80\x01", b"\x01", b"\xfe\xff\xff\xff\x0f"):
        refuse(reader, bend(record, value[:5] + indexes + value[7:]))


def test_a_record_of_a_schema_that_nobody_knows_waits_and_says_why(owner: Party, reader: Party) -> None:
    record = write(owner)
    strange = b"\0\0\0\0\x07" + (record.value or b"")[5:]
    error = refuse(reader, bend(record, strange), UnknownSchema)
    assert (error.subject, error.fact) == (owner.event, "schema id 7 is none of v1, v2")
    assert error.help == "run `contracts gen`, or give a fallback"
    transport = InMemory(partitions=2)
    consumer, seen = reader.consume()
    subscription = transport.subscribe(consumer, service="billing", unknown="pause")
    transport.send(Record(TOPIC, b"o-1", strange, partition=0))
    transport.send(Record(TOPIC, b"o-1", record.value, partition=0))
    transport.send(Record(TOPIC, b"o-2", record.value, partition=1))
    for handled in (1, 0):
        assert transport.deliver() == handled
        assert str(subscription.paused[TOPIC, 0]) == f"{owner.event}: schema id 7 is none of v1, v2"
        assert seen == [reader.fill()]


def test_the_body_of_one_version_under_the_id_of_another(parties: Parties) -> None:
    owner, reader = (parties[service]["avro"] for service in ("shop", "billing"))
    old, new = write(owner, 1), write(owner, 2)
    cut = refuse(reader, bend(new, (new.value or b"")[:5] + (old.value or b"")[5:]))
    assert (cut.subject, cut.path) == ("shop.Ordered v2", "/note")
    longer = refuse(reader, bend(old, (old.value or b"")[:5] + (new.value or b"")[5:]))
    assert (longer.subject, longer.fact[-18:]) == ("shop.Ordered v1", "bytes are left over"[-18:])


CONTRADICTIONS: Final[dict[str, tuple[tuple[str, bytes], str, str]]] = {
    "another correlation": (("ce_correlationid", b"c-2"), "/correlation_id", "says 'c-2', the payload 'c-1'"),
    "another cause": (("ce_causationid", b"e-9"), "/causation_id", "says 'e-9', the payload 'e-0'"),
    "another id": (("ce_id", b"e-9"), "/event_id", "says 'e-9', the payload '"),
    "another version": (("ce_schemaversion", b"1"), "/schema_version", "says 1, the payload 2"),
    "another time": (("ce_time", b"2001-01-01T00:00:00Z"), "/occurred_at", "says '2001-01-01T00:00:00Z', the payload "),
    "no id": (("ce_id", b""), "", "is b'', which is no event_id"),
    "an id that is no text": (("ce_id", b"\xff"), "", "is b'\\xff', which is no event_id"),
    "a version that is no number": (("ce_schemaversion", b"two"), "", "is b'two', which is no schema_version"),
    "a version of many digits": (("ce_schemaversion", b"9" * 5000), "", "which is no schema_version"),
    "a time without a zone": (("ce_time", b"2001-01-01T00:00:00"), "", "which is no occurred_at"),
    "a time that is none": (("ce_time", b"tomorrow"), "", "is b'tomorrow', which is no occurred_at"),
    "a time after the last": (("ce_time", b"9999-12-31T23:59:59-23:00"), "", "which is no occurred_at"),
    "a time before the first": (("ce_time", b"0001-01-01T00:00:00+23:00"), "", "which is no occurred_at"),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_header_that_says_something_else_than_the_payload_is_refused(owner: Party, reader: Party, what: str) -> None:
    header, path, fact = CONTRADICTIONS[what]
    record = write(owner)
    error = refuse(reader, bend(record, record.value, header), EnvelopeError)
    assert (error.subject, error.path) == (f"{owner.event} v2", path)
    assert error.fact.startswith(f"the header {header[0]} ")
    assert fact in error.fact
    assert len(error.fact) < 200


@pytest.mark.parametrize("name", ["ce_id", "ce_correlationid", "ce_schemaversion", "ce_time", "__value_schema_id"])
def test_a_header_of_text_instead_of_bytes_is_told(owner: Party, reader: Party, name: str) -> None:
    record = write(owner)
    headers: Any = [(name, "text")]
    with pytest.raises((EnvelopeError, DecodeError), match=name):
        Serde(reader.bundle).decode(record.value or b"", headers)


@pytest.mark.parametrize(
    ("header", "fact"),
    [
        (None, "is empty"),
        (b"", "the header __value_schema_id is empty: it has no frame"),
        (b"\x00\x00", "the header __value_schema_id ends inside its frame: 00 00 has 2 of 5 bytes"),
        (b"\x01" + bytes(15), "ends inside its frame"),
        (b"\x07" + bytes(16), "the header __value_schema_id has no frame: it begins with 07"),
    ],
)
def test_a_schema_header_that_names_none_is_refused(
    owner: Party, reader: Party, header: bytes | None, fact: str
) -> None:
    record = write(owner, framing="confluent-header")
    error = refuse(reader, bend(record, record.value, ("__value_schema_id", header)))
    assert error.subject == owner.event
    assert fact in error.fact


def test_a_payload_without_its_envelope_is_refused(owner: Party, reader: Party) -> None:
    record = write(owner)
    value = record.value or b""
    start = body_of(owner, record)
    empty = b"" if owner.language == "protobuf" else b"\0" + value[start + 4 :]
    error = refuse(reader, bend(record, value[:start] + empty), EnvelopeError)
    assert (error.subject, error.path) == (f"{owner.event} v2", "/correlation_id")
    assert error.fact == "the correlation id is empty"


VALUES: Final[dict[str, Callable[[bytes], Any]]] = {"bytearray": bytearray, "memoryview": memoryview}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("headers", [[], [("x", b"y")]])
def test_bytes_of_another_class_are_read_each_time(
    owner: Party, reader: Party, kind: str, headers: list[tuple[str, bytes]]
) -> None:
    value = VALUES[kind](write(owner).value or b"")
    runtime = Serde(reader.bundle)
    for _ in range(3):
        event, meta = runtime.decode(value, headers)
        assert event == reader.fill()
        assert type(event.raw) is bytes
        assert runtime.find_writer(value, headers).number == meta.version == 2


@pytest.mark.parametrize("value", [None, "text", 7, [0]])
def test_a_value_that_is_no_bytes_is_refused(owner: Party, reader: Party, value: Any) -> None:
    runtime = Serde(reader.bundle)
    runtime.decode(write(owner).value or b"")
    for headers in ((), (("x", b"y"),)):
        with pytest.raises(DecodeError) as caught:
            runtime.decode(value, headers)
        assert caught.value.subject == owner.event


@pytest.mark.parametrize("read_as", [3, 0, "2", [], object(), str])
def test_what_is_no_version_cannot_be_asked_for(owner: Party, reader: Party, read_as: Any) -> None:
    runtime = Serde(reader.bundle)
    value = write(owner).value or b""
    runtime.decode(value)
    with pytest.raises(serde.SerdeError, match=f"{owner.event} cannot be read as "):
        runtime.decode(value, read_as=read_as)
