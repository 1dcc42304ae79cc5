"""The same serializer over Protobuf: message indexes in the frame, two versions, the envelope in its fields."""

from dataclasses import dataclass
from enum import Enum

import pytest
import serde_orders as orders

from registry import serde
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
