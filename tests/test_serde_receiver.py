"""The quick way through headers, and the careful one behind it: whatever takes which, nobody can tell from outside."""

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from traceback import format_exception
from typing import Any
from uuid import UUID

import pytest
import serde_orders as orders
from hypothesis import given, settings
from hypothesis import strategies as st
from serde_orders import (
    AsyncOrders,
    OrderPlaced,
    OrderPlacedConsumer,
    OrderPlacedProducer,
    OrderPlacedV1,
    OrderPlacedV2,
    Orders,
    State,
    StateV1,
    StateV2,
)

from registry import frozen, serde
from registry.serde.context import HANDLED, TRACE
from registry.serde.message_key import compile_key
from registry.serde.record import make_record

ORDER = OrderPlaced(order_id="o-1", state=State.HELD, note="later")
PARENT, STATE = ("traceparent", b"00-1-2-01"), ("tracestate", b"a=b")
Pairs = tuple[tuple[str, bytes | None], ...]


def record(active: int = 3, **options: Any) -> serde.Record:
    """An order as it comes from a topic."""
    producer = OrderPlacedProducer(serde.InMemory(), service="shop-api", active=active)
    made = producer.encode(ORDER, correlation_id="request-1", **options)
    return frozen.replace(made, partition=2, offset=7, timestamp=datetime(2026, 1, 2, tzinfo=UTC))


def caused() -> serde.Record:
    """One that another event led to, with a trace."""
    handled, traced = HANDLED.set(("request-1", "event-0")), TRACE.set((PARENT, STATE))
    try:
        return record()
    finally:
        TRACE.reset(traced)
        HANDLED.reset(handled)


def facts(meta: serde.Meta) -> dict[str, object]:
    return {name: getattr(meta, name) for name in serde.Meta.__slots__}


def swap(*changes: tuple[str, bytes | None]) -> Callable[[Pairs], Pairs]:
    """Headers with other values."""
    return lambda headers: tuple((name, dict(changes).get(name, held)) for name, held in headers)


FORMS: dict[str, Callable[[Pairs], Any]] = {
    "as they are": lambda headers: headers,
    "a list": list,
    "a dict": dict,
    "the other way round": lambda headers: headers[::-1],
    "one more in front": lambda headers: (("x-relay", b"1"), *headers),
    "one more behind": lambda headers: (*headers, ("x-relay", b"1")),
    "one without a value behind": lambda headers: (*headers, ("x-relay", None)),
    "one twice and the same": lambda headers: (*headers, headers[3]),
    "without a source": lambda headers: headers[:2] + headers[3:],
    "the source without a value": swap(("ce_source", None)),
    "another specversion": swap(("ce_specversion", b"1.1")),
    "the specversion without a value": swap(("ce_specversion", None)),
    "the time in another spelling": lambda headers: tuple(
        (name, held[:-1] + b"+00:00" if name == "ce_time" and held else held) for name, held in headers
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", [record, caused])
def test_however_the_headers_come_the_envelope_is_the_same(make: Callable[[], serde.Record], form: str) -> None:
    made, receiver = make(), serde.Receiver(Orders())
    usual = [receiver.read(made) for _ in range(3)][-1]
    assert usual is not None
    given: Any = FORMS[form](made.headers)
    read = receiver.read(frozen.replace(made, headers=given))
    assert read is not None
    assert read.event == usual.event == ORDER
    pairs = given.items() if isinstance(given, dict) else given
    assert tuple(read.meta.headers) == tuple((name, held or b"") for name, held in pairs)
    read.meta.headers = usual.meta.headers
    assert facts(read.meta) == facts(usual.meta)


def test_the_quick_way_finds_all_that_there_is() -> None:
    made, receiver = caused(), serde.Receiver(Orders())
    first, again = (receiver.read(made) for _ in range(2))
    assert first is not None
    assert again is not None
    assert facts(first.meta) == facts(again.meta)
    meta = again.meta
    assert (meta.correlation_id, meta.causation_id, meta.trace) == ("request-1", "event-0", (PARENT, STATE))
    assert (meta.contract, meta.version, meta.read_as, meta.schema_version) == ("shop.OrderPlaced", 3, 3, 3)
    assert (meta.topic, meta.partition, meta.offset, meta.key) == ("shop.orders", 2, 7, b"o-1")
    assert meta.timestamp == datetime(2026, 1, 2, tzinfo=UTC)
    assert again.record is made


def test_it_is_known_of_a_record_that_came_the_quick_way_that_its_owner_wrote_it() -> None:
    made, receiver = record(), serde.Receiver(Orders())
    foreign = frozen.replace(made, headers=swap(("ce_source", b"attacker"))(made.headers))
    asked = (foreign, foreign, made, made, foreign)  # what a stranger wrote is never learned from
    assert [read.owned for each in asked if (read := receiver.read(each))] == [False, False, False, True, False]


LIES: dict[str, tuple[str, bytes]] = {
    "ce_id": ("the header ce_id says", b"another"),
    "ce_correlationid": ("the header ce_correlationid says 'another', the payload 'request-1'", b"another"),
    "ce_schemaversion": ("the header ce_schemaversion says 2, the payload 3", b"2"),
    "ce_time": ("the header ce_time says", b"2020-01-02T00:00:00Z"),
    "ce_causationid": ("the header ce_causationid says 'another', the payload 'event-0'", b"another"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_header_that_contradicts_the_payload_is_found_on_both_ways(name: str) -> None:
    fact, said = LIES[name]
    made, receiver = caused(), serde.Receiver(Orders())
    wrong = frozen.replace(made, headers=swap((name, said))(made.headers))
    texts = []
    for _ in range(2):  # before and after a good one made the way known
        with pytest.raises(serde.EnvelopeError) as caught:
            receiver.read(wrong)
        texts.append(str(caught.value))
        assert "another exception" not in "".join(format_exception(caught.value))
        assert "while a record was read, shop.orders[2]@7" in caught.value.__notes__
        receiver.read(made)
    assert texts[0] == texts[1]
    assert fact in texts[0]


@pytest.mark.parametrize("name", ["ce_id", "ce_correlationid", "ce_time", "ce_causationid"])
def test_a_header_twice_that_differs_is_an_error_behind_the_usual_ones_too(name: str) -> None:
    made, receiver = caused(), serde.Receiver(Orders())
    receiver.read(made)
    with pytest.raises(serde.EnvelopeError):
        receiver.read(frozen.replace(made, headers=(*made.headers, (name, b"2020-01-02T00:00:00Z"))))


CAUSED = caused()
HELD: list[bytes | None] = [None, b"", b"3", b"2", b"another", b"2026-01-02T00:00:00Z", b"\xff"]
ODD = st.tuples(
    st.sampled_from([*dict(CAUSED.headers), "x-relay", "__value_schema_id"]),
    st.sampled_from([*HELD, *dict(CAUSED.headers).values()]),
)


def read_or_refuse(receiver: serde.Receiver, record: serde.Record) -> object:
    try:
        read = receiver.read(record)
    except serde.SerdeError as error:
        return type(error), str(error), error.__notes__
    return read and (read.event, facts(read.meta), read.record)


@settings(max_examples=150)
@given(st.data())
def test_whatever_the_headers_are_both_ways_say_the_same(data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, len(CAUSED.headers)))
    headers = list(CAUSED.headers[:kept])
    for odd in data.draw(st.lists(ODD, max_size=2)):
        at = data.draw(st.integers(0, len(headers)))
        headers[at : at + data.draw(st.integers(0, 1))] = [odd]
    odd_record = frozen.replace(CAUSED, headers=tuple(headers))
    knowing = serde.Receiver(Orders())
    knowing.read(CAUSED)
    assert read_or_refuse(knowing, odd_record) == read_or_refuse(serde.Receiver(Orders()), odd_record)


def test_broken_bytes_say_the_same_before_and_after_a_good_record() -> None:
    made, receiver = record(), serde.Receiver(Orders())
    cut = frozen.replace(made, value=(made.value or b"")[:-1])
    texts = []
    for _ in range(2):
        with pytest.raises(serde.DecodeError) as caught:
            receiver.read(cut)
        texts.append(str(caught.value))
        receiver.read(made)
    assert texts[0] == texts[1]
    assert texts[0].startswith("shop.OrderPlaced v3: ")


def test_a_value_that_is_no_bytes_is_read_or_refused_as_before() -> None:
    made, receiver = record(), serde.Receiver(Orders())
    given: Any
    for _ in range(2):
        for given in (bytearray(made.value or b""), memoryview(made.value or b"")):
            read = receiver.read(frozen.replace(made, value=given))
            assert read is not None
            assert read.event == ORDER
        given = "text"
        with pytest.raises(serde.DecodeError, match="the value is no bytes"):
            receiver.read(frozen.replace(made, value=given))


def test_each_version_goes_to_its_handler_however_often_it_comes() -> None:
    class Careful(OrderPlacedConsumer):
        def __init__(self) -> None:
            self.seen: list[tuple[int, object, int]] = []

        def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:
            self.seen.append((3, event, meta.read_as))

        def on_order_placed_v2(self, event: OrderPlacedV2, meta: serde.Meta) -> None:
            self.seen.append((2, event, meta.read_as))

        def on_order_placed_v1(self, event: OrderPlacedV1, meta: serde.Meta) -> None:
            self.seen.append((1, event, meta.read_as))

    consumer = Careful()
    receiver = serde.Receiver(consumer)
    records = {number: record(number) for number in (1, 2, 3) if number > 1}
    producer = OrderPlacedProducer(serde.InMemory(), service="shop-api", active=1)
    records[1] = producer.encode(OrderPlacedV1(order_id="o-1", state=StateV1.OPEN), correlation_id="r")
    events: dict[int, object] = {
        1: OrderPlacedV1(order_id="o-1", state=StateV1.OPEN),
        2: OrderPlacedV2(order_id="o-1", state=StateV2.HELD, note="later"),
        3: ORDER,
    }
    for number in (3, 1, 2, 2, 1, 3, 3, 2, 1):
        receiver.receive(records[number])
        assert consumer.seen.pop() == (number, events[number], number)


def test_the_handlers_of_a_service_are_told_by_their_contracts() -> None:
    assert serde.Receiver(Orders()).bundles == (orders.BUNDLE,)


def test_a_tombstone_handler_of_the_wrong_kind_is_refused_at_the_start() -> None:
    class Later(Orders):
        async def on_tombstone(self, key: bytes, meta: serde.Meta) -> None:  # type: ignore[override]
            """Nobody would await it."""

    class Now(AsyncOrders):
        def on_tombstone(self, key: bytes, meta: serde.Meta) -> None:  # type: ignore[override]
            """Its None would be awaited."""

    with pytest.raises(serde.SerdeError, match=r"Later\.on_tombstone is a coroutine"):
        serde.Receiver(Later())
    with pytest.raises(serde.SerdeError, match=r"Now\.on_tombstone is no coroutine"):
        serde.Receiver(Now())


# Records and times


SENT = 1_767_312_000_123
MOMENT = datetime(2026, 1, 2, 0, 0, 0, 123000, UTC)


def test_a_record_that_was_made_quickly_is_one_as_any_other() -> None:
    quick = make_record("t", b"k", b"v", (("a", b"1"),), 1, 2, SENT)
    plain = serde.Record("t", b"k", b"v", (("a", b"1"),), 1, 2, MOMENT)
    assert type(quick) is serde.Record
    assert quick == plain
    assert (hash(quick), repr(quick)) == (hash(plain), repr(plain))
    for same in (pickle.loads(pickle.dumps(quick)), copy.copy(quick), copy.deepcopy(quick), frozen.replace(quick)):
        assert same == plain
    for name in serde.Record.__slots__:
        with pytest.raises(AttributeError, match="Record is frozen"):
            setattr(quick, name, None)
    assert make_record("t", None, None, ()) == serde.Record("t", None, None)


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        (SENT, MOMENT),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (MOMENT, MOMENT),
        (None, None),
        (2**62, None),
        (-(2**62), None),
    ],
)
def test_a_time_is_looked_at_when_it_is_asked_for(sent: Any, moment: datetime | None) -> None:
    assert make_record("t", None, b"", (), 0, 0, sent).timestamp == moment
    meta = serde.Meta()
    meta.timestamp = sent
    assert meta.timestamp == moment
    assert pickle.loads(pickle.dumps(meta)).timestamp == copy.copy(meta).timestamp == moment
    assert (f"timestamp={moment!r}" in repr(meta)) is (moment is not None)
    assert serde.Meta().timestamp is None


# Keys


class Size(Enum):
    LARGE = "L"


NUMBER = UUID("0f9d6a52-6a0e-4c0f-8a77-1d7c2f1b9a30")


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("o-1", b"o-1"),
        ("ä", "ä".encode()),
        (NUMBER, b"0f9d6a52-6a0e-4c0f-8a77-1d7c2f1b9a30"),
        (UUID(int=0), b"00000000-0000-0000-0000-000000000000"),
        (0, b"0"),
        (-17, b"-17"),
        (b"\x00", b"\x00"),
        (date(2026, 1, 2), b"2026-01-02"),
        (Size.LARGE, b"L"),
    ],
)
def test_a_key_has_one_spelling_however_often_it_is_written(value: Any, key: bytes) -> None:
    find = compile_key(orders.BUNDLE)
    assert find is not None
    for _ in range(3):
        assert find(OrderPlaced(order_id=value, state=State.OPEN), serde.Meta()) == key
        assert find({"order_id": value}, serde.Meta()) == key


def test_a_contract_without_a_key_has_none() -> None:
    assert compile_key(frozen.replace(orders.BUNDLE, key="")) is None
