"""The same serializer over Protobuf: message indexes in the frame, two versions, the envelope in its fields."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest
import serde_orders as orders

from registry import frozen, serde
from registry.formats import load_format

pytest.importorskip("google.protobuf")

HEAD = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
message Other { string text = 1; }
"""
BODY = """
  string correlation_id = 1;
  int32 schema_version = 2;
  string event_id = 3;
  google.protobuf.Timestamp occurred_at = 4;
  optional string causation_id = 5;
  string payment_id = 6;
  State state = 7;
"""
TEXTS = {
    1: f"{HEAD} enum State {{ UNSET = 0; OPEN = 1; }} message Paid {{ {BODY} }}",
    2: f"{HEAD} enum State {{ UNSET = 0; OPEN = 1; DONE = 2; }} message Paid {{ {BODY} int64 cents = 8; }}",
}


class StateV1(Enum):
    UNSET = 0
    OPEN = 1


class State(Enum):
    UNSET = 0
    OPEN = 1
    DONE = 2


@dataclass(slots=True, kw_only=True)
class PaidV1:
    payment_id: str = ""
    state: StateV1 | int = StateV1.UNSET


@dataclass(slots=True, kw_only=True)
class Paid:
    payment_id: str = ""
    state: State | int = State.UNSET
    cents: int = 0


CLASSES: dict[int, tuple[type, type]] = {1: (PaidV1, StateV1), 2: (Paid, State)}


def version(number: int) -> serde.BundledVersion:
    files = {"shop/paid.proto": TEXTS[number]}
    event, state = CLASSES[number]
    return serde.BundledVersion(
        number=number,
        schema_id=number,
        guid=f"00000000-0000-0000-0000-{number:012}",
        root="shop/paid.proto",
        files=files,
        descriptors=load_format("protobuf").parse(files, ["shop/paid.proto"], "shop.Paid").descriptors,
        shape=serde.Shape(types={"shop.Paid": event, "shop.State": state}, envelope=orders.ENVELOPE),
        event=event,
    )


BUNDLE = serde.Bundle(
    event="shop.Paid",
    language="protobuf",
    service="shop-api",
    owner="shop-api",
    contact="",
    topic="shop.payments",
    key="payment_id",
    versions=(version(1), version(2)),
    reads=(1, 2),
    writes=(1, 2),
)
PAID = Paid(payment_id="p-1", state=State.OPEN, cents=7)


class PaidProducer(serde.Producer[Paid | PaidV1]):
    @classmethod
    def bundle(cls) -> serde.Bundle:
        return BUNDLE


class PaidConsumer(serde.Consumer):
    @classmethod
    def bundle(cls) -> serde.Bundle:
        return BUNDLE

    def on_paid(self, event: Paid, meta: serde.Meta) -> None:
        self.seen = (event, meta)


def test_an_event_goes_round_with_its_message_index_and_envelope() -> None:
    transport, consumer = serde.InMemory(), PaidConsumer()
    transport.subscribe(consumer)
    sent = PaidProducer(transport, service="shop-api", active=2).publish(PAID, correlation_id="r")
    (record,) = transport.records("shop.payments")
    assert (record.value or b"")[:7] == bytes.fromhex("00 00000002 02 02"), "the second message of its file"
    assert transport.deliver() == 1
    event, meta = consumer.seen
    assert event == PAID
    assert (meta.event_id, meta.occurred_at, meta.schema_version, meta.version) == (
        sent.event_id,
        sent.occurred_at,
        2,
        2,
    )
    assert type(meta.message).__name__ == "Paid"


def test_every_framing_but_avros_own_is_written() -> None:
    for _ in range(2):
        value, headers = serde.Serde(BUNDLE, framing="confluent-header", active=2).encode(PAID, orders.meta())
        assert headers == (("__value_schema_id", bytes.fromhex("01" + "00" * 15 + "02" + "0202")),)
        assert serde.Serde(BUNDLE, active=2).decode(value, headers)[0] == PAID
    with pytest.raises(serde.SerdeError, match="single-object is Avro's own framing"):
        serde.Serde(BUNDLE, framing="single-object")


def test_versions_read_each_other() -> None:
    runtime = serde.Serde(BUNDLE, active=2)
    newer, _ = runtime.encode(PAID, orders.meta())
    older, _ = serde.Serde(BUNDLE, active=1).encode(PaidV1(payment_id="p-1", state=StateV1.OPEN), orders.meta())
    assert runtime.decode(newer, read_as=PaidV1)[0] == PaidV1(payment_id="p-1", state=StateV1.OPEN)
    assert runtime.decode(older)[0] == Paid(payment_id="p-1", state=State.OPEN)


def test_the_older_version_is_written_while_it_is_active() -> None:
    value, _ = serde.Serde(BUNDLE, active=1).encode(PAID, orders.meta())
    event, meta = serde.Serde(BUNDLE, active=2).decode(value, read_as=1)
    assert (event, meta.version, meta.schema_version) == (PaidV1(payment_id="p-1", state=StateV1.OPEN), 1, 1)


@pytest.mark.parametrize(
    ("frame", "fact"),
    [
        ("00 00000002", "the frame ends inside its message indexes: 00 00 00 00 02"),
        ("00 00000002 00", "the frame points to message [0] of the file, and the event is [1]"),
        ("00 00000002 04 02 00", "the frame points to message [1, 0] of the file, and the event is [1]"),
        ("C301 0000000000000000", "the value has no frame: it begins with C3, not with 00 (id), 01 (GUID) or C3 01"),
    ],
)
def test_a_frame_that_leads_elsewhere_says_so(frame: str, fact: str) -> None:
    with pytest.raises(serde.DecodeError) as caught:
        serde.Serde(BUNDLE, active=2).decode(bytes.fromhex(frame))
    assert caught.value.fact == fact


def test_an_empty_message_has_no_envelope_and_is_refused() -> None:
    with pytest.raises(serde.EnvelopeError, match=r"shop\.Paid v2: the correlation id is empty at /correlation_id"):
        serde.Serde(BUNDLE, active=2).decode(bytes.fromhex("00 00000002 02 02"))


def test_broken_bytes_name_the_event_and_version() -> None:
    with pytest.raises(serde.DecodeError) as caught:
        serde.Serde(BUNDLE, active=2).decode(bytes.fromhex("00 00000001 02 02 0A FF"))
    assert caught.value.subject == "shop.Paid v1"


OLD = frozen.replace(BUNDLE, versions=(version(1),), reads=(1,), writes=())
NAMED = (("ce_type", b"shop.Paid"), ("ce_schemaversion", b"2"))


def newer(framing: serde.Framing = "confluent") -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    return serde.Serde(BUNDLE, active=2, framing=framing).encode(PAID, orders.meta())


def test_an_old_reader_stops_before_a_newer_version_unless_it_says_otherwise() -> None:
    value, _ = newer()
    with pytest.raises(serde.UnknownSchema, match=r"v2 \(schema id 2\) is newer than these stubs \(v1\)") as caught:
        serde.Serde(OLD).decode(value, NAMED)
    assert "fallback=Compatible() reads it" in caught.value.help


@pytest.mark.parametrize("framing", ["confluent", "confluent-header"])
def test_an_old_reader_may_choose_to_read_what_it_knows_of_a_newer_version(framing: serde.Framing) -> None:
    value, frame = newer(framing)
    old = serde.Serde(OLD, fallback=serde.Compatible())
    for _ in range(2):
        event, meta = old.decode(value, frame + NAMED)
        assert event == PaidV1(payment_id="p-1", state=StateV1.OPEN)
        assert (meta.version, meta.schema_version, meta.correlation_id) == (0, 2, "request-1")
    assert old.find_writer(value, frame + NAMED).number == 0


@pytest.mark.parametrize(
    "headers",
    [(), NAMED[1:], (("ce_type", b"shop.Refunded"),), (NAMED[0], ("ce_schemaversion", b"1"))],
)
def test_only_a_header_that_names_the_event_and_no_known_version_lets_it(
    headers: tuple[tuple[str, bytes], ...],
) -> None:
    with pytest.raises(serde.UnknownSchema):
        serde.Serde(OLD, fallback=serde.Compatible()).decode(newer()[0], headers)


def test_another_fallback_is_asked_first_and_its_reasons_stand_in_no_way(tmp_path: Path) -> None:
    old = serde.Serde(OLD, fallback=serde.Compatible(serde.Folder(Path(__file__).parents[1] / "contracts/versions")))
    assert old.decode(newer()[0], NAMED)[0] == PaidV1(payment_id="p-1", state=StateV1.OPEN)
    framings: tuple[serde.Framing, ...] = ("confluent", "confluent-header")
    for framing in framings:
        avro = serde.Serde(orders.bundle(orders.version(1)), fallback=serde.Compatible(serde.Folder(tmp_path)))
        value, frame = serde.Serde(orders.BUNDLE, active=3, framing=framing).encode(
            orders.OrderPlaced(order_id="o-1", state=orders.State.OPEN), orders.meta()
        )
        with pytest.raises(serde.UnknownSchema, match="is newer than these stubs"):
            avro.decode(value, (*frame, ("ce_type", b"shop.OrderPlaced"), ("ce_schemaversion", b"3")))


def test_what_stands_in_for_unknown_schemas_is_bounded() -> None:
    old = serde.Serde(OLD, fallback=serde.Compatible())
    body = newer()[0][5:]
    for number in range(10, 1010):
        old.find_writer(b"\0" + number.to_bytes(4, "big") + body, NAMED)
    with pytest.raises(serde.UnknownSchema):
        old.find_writer(b"\0" + (2000).to_bytes(4, "big") + body, NAMED)
