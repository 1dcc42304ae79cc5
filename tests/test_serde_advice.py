"""The commonest wrong values, and what the error says to write instead; in both schema languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
import serde_orders as orders
import test_serde_runtime_protobuf as payments
from serde_orders import BUNDLE, OrderPlaced, State

from registry import frozen, serde
from registry.serde.advice import advise, describe_classes, describe_given
from tests.avro_shorthand import decimal, enum, field, fixed, logical, record
from tests.serde_avro_writing import refuse

ID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


class Tier(Enum):
    GOLD = "GOLD"
    class_ = "class"


Many = Enum("Many", [f"M{number}" for number in range(20)])  # type: ignore[misc]  # too many to write down

CASES: list[tuple[object, type, str]] = [
    (ID, UUID, f"UUID('{ID}')"),
    (b"\0" * 16, UUID, "UUID(bytes=…)"),
    (1.99, Decimal, "Decimal('1.99'): a float is not exactly what it looks like"),
    ("1.99", Decimal, "Decimal('1.99')"),
    (5, Decimal, "Decimal(5)"),
    (datetime(2026, 1, 1), datetime, "give it a zone, as datetime.now(UTC) has one"),
    (date(2026, 1, 1), datetime, "a day is no moment: datetime(…, tzinfo=UTC)"),
    (1767225600, datetime, "datetime.fromtimestamp(…, UTC)"),
    ("2026-01-01T00:00:00Z", datetime, "datetime.fromisoformat(…), with a zone"),
    (datetime(2026, 1, 1, tzinfo=UTC), date, "its .date()"),
    ("2026-01-01", date, "date.fromisoformat('2026-01-01')"),
    ("10:00", time, "time.fromisoformat('10:00')"),
    (60, timedelta, "timedelta(seconds=…)"),
    ("abc", bytes, "encode() makes bytes of a text"),
    (bytearray(b"abc"), bytes, "bytes(…)"),
    (UUID(ID), bytes, "its .bytes"),
    (UUID(ID), str, "str(…)"),
    (b"abc", str, "decode() makes a text of it"),
    (Tier.GOLD, str, "its .value"),
    (1.0, int, "int(…), if that is what is meant"),
    (Decimal(1), float, "float(…), if that is what is meant"),
    ("GOLD", Tier, "Tier.GOLD"),
    ("class", Tier, "Tier.class_"),
    ("class_", Tier, "Tier.class_"),
    ("PLATINUM", Tier, "one of Tier.GOLD, Tier.class_"),
    (1, Many, "Many.M0"),
    ("M20", Many, ""),
    (True, int, ""),
    (True, Tier, ""),
    (object(), int, ""),
    (None, str, ""),
    ([], Tier, "one of Tier.GOLD, Tier.class_"),
]


@pytest.mark.parametrize(("value", "expected", "advice"), CASES)
def test_what_to_write_instead(value: object, expected: type, advice: str) -> None:
    assert advise(value, expected) == advice


def test_a_class_is_named_where_the_value_looks_right() -> None:
    assert describe_given(ID, UUID) == f"the str '{ID}'"
    assert describe_given(UUID(ID), str) == f"the UUID {ID}"
    assert describe_given(1.5, Decimal) == "the float 1.5"
    assert describe_given("1", int) == "'1'"
    assert describe_given(1.5, int) == "1.5"


def test_two_classes_of_one_name_are_told_apart_by_their_modules() -> None:
    other = type("OrderPlaced", (), {"__module__": "events.order_confirmed"})
    assert describe_classes(other(), OrderPlaced) == (
        "an object of events.order_confirmed.OrderPlaced is no serde_orders.OrderPlaced"
    )
    assert advise(other(), OrderPlaced) == ("import OrderPlaced from serde_orders: each event has classes of its own")


AVRO: list[tuple[object, object, str, str]] = [
    (logical("string", "uuid"), ID, f"the str '{ID}' is no uuid", f"UUID('{ID}')"),
    (["null", logical("string", "uuid")], ID, f"the str '{ID}' is no uuid", f"UUID('{ID}')"),
    (
        decimal(4, 2),
        1.5,
        "the float 1.5 is no decimal(4, 2)",
        "Decimal('1.5'): a float is not exactly what it looks like",
    ),
    (
        logical("long", "timestamp-millis"),
        datetime(2026, 1, 1),
        "2026-01-01 00:00:00 has no time zone, which timestamp-millis needs",
        "give it a zone, as datetime.now(UTC) has one",
    ),
    (
        logical("long", "timestamp-millis"),
        datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        "2026-01-01 00:00:00.000001+00:00 has microseconds, which timestamp-millis cannot hold",
        "",
    ),
    (
        logical("long", "local-timestamp-millis"),
        datetime(2026, 1, 1, tzinfo=UTC),
        "2026-01-01 00:00:00+00:00 has a time zone, which local-timestamp-millis cannot hold",
        "",
    ),
    (enum("OPEN", "CLOSED"), "OPEN", "'OPEN' is no State", "State.OPEN"),
    (fixed(2), "DE", "'DE' is no bytes (fixed a.F)", "encode() makes bytes of a text"),
    ("string", UUID(ID), f"the UUID {ID} is no string", "str(…)"),
    ("int", 2**40, "1099511627776 does not fit in 32 bits", ""),
]


@pytest.mark.parametrize(("schema", "value", "fact", "help"), AVRO)
def test_avro_says_what_to_write(schema: object, value: object, fact: str, help: str) -> None:
    error = refuse(record(field("x", schema)), R(value), SHAPE)
    assert (error.fact, error.path, error.help) == (fact, "/x", help)


@dataclass(slots=True)
class R:
    x: Any


SHAPE = serde.Shape(types={"a.R": R, "a.E": State})


def test_avro_names_the_modules_of_two_classes_of_one_name() -> None:
    other = type("R", (), {"__module__": "events.order_confirmed"})
    error = refuse(record(field("x", "int")), other(), SHAPE)
    assert error.fact == f"an object of events.order_confirmed.R is no {__name__}.R"
    assert error.help == f"import R from {__name__}: each event has classes of its own"


PAYMENTS: list[tuple[Mapping[str, object], str, str]] = [
    ({"payment_id": UUID(ID)}, f"the UUID {ID} is no string at /payment_id", "str(…)"),
    ({"cents": 7.0}, "7.0 is no int64 at /cents", "int(…), if that is what is meant"),
    ({"cents": Decimal(7)}, "the Decimal 7 is no int64 at /cents", "int(…), if that is what is meant"),
    ({"state": "OPEN"}, "'OPEN' is no State at /state", "State.OPEN"),
    ({"state": payments.StateV1.OPEN}, "<StateV1.OPEN: 1> is no State at /state", ""),
]


@pytest.mark.parametrize(("changes", "message", "help"), PAYMENTS)
def test_protobuf_says_what_to_write(changes: Mapping[str, Any], message: str, help: str) -> None:
    event = payments.Paid(**{"payment_id": "p-1", **changes})
    with pytest.raises(serde.EncodeError) as caught:
        serde.Serde(payments.BUNDLE, active=2).encode(event, orders.meta())
    assert str(caught.value) == f"shop.Paid v2: {message}"
    if help or not isinstance(changes.get("state"), Enum):
        assert caught.value.help == help


def test_protobuf_names_the_modules_of_two_classes_of_one_name() -> None:
    other = Enum("State", {"OPEN": 1}, module="events.refunded")  # type: ignore[misc]  # another of that name
    event = payments.Paid(payment_id="p-1", state=other.OPEN)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(serde.EncodeError) as caught:
        serde.Serde(payments.BUNDLE, active=2).encode(event, orders.meta())
    assert caught.value.fact == f"an object of events.refunded.State is no {payments.__name__}.State"
    assert caught.value.help == f"import State from {payments.__name__}: each event has classes of its own"


def test_the_message_of_a_whole_event_has_its_place_and_advice() -> None:
    bundle = frozen.replace(BUNDLE)
    event = OrderPlaced(order_id="o-1", state="DONE")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(serde.EncodeError) as caught:
        serde.Serde(bundle, active=3).encode(event, orders.meta())
    assert str(caught.value) == "shop.OrderPlaced v3: 'DONE' is no State at /state"
    assert caught.value.__notes__ == ["help: State.DONE"]


def test_an_id_that_is_an_object_is_told_as_one() -> None:
    producer = orders.OrderPlacedProducer(serde.InMemory(), service="shop-api", active=3)
    event = OrderPlaced(order_id="o-1", state=State.DONE)
    with pytest.raises(serde.EnvelopeError) as caught:
        producer.publish(event, correlation_id=UUID(ID))  # type: ignore[arg-type]  # that is the point
    assert str(caught.value) == (
        f"shop.OrderPlaced: correlation_id is a text that is not empty, not the UUID {ID} at /correlation_id"
    )
    assert caught.value.help == "str(…)"
