"""Versions with declared converters between them: step by step, both ways, and checked after each step."""

import json
from dataclasses import dataclass
from enum import Enum

import pytest
import serde_orders as orders
from serde_orders import OrderPlacedV1, StateV1

from registry import serde

ENVELOPE = {"correlation_id": ("correlation_id",), "schema_version": ("schema_version",)}


class StateV2(Enum):
    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    LOST = "LOST"


@dataclass(slots=True, kw_only=True)
class OrderV2:
    """Version 2 renames the id and the states, and adds a currency."""

    number: str
    state: StateV2
    currency: str = "EUR"


@dataclass(slots=True, kw_only=True)
class OrderV3:
    """Version 3 adds a note, natively."""

    number: str
    state: StateV2
    currency: str = "EUR"
    note: str = ""


@dataclass(slots=True, kw_only=True)
class OrderV4:
    """Version 4 renames the note."""

    number: str
    state: StateV2
    currency: str = "EUR"
    remark: str = ""


def record(*fields: object) -> str:
    start = [{"name": "correlation_id", "type": "string"}, {"name": "schema_version", "type": "int"}]
    return json.dumps({"type": "record", "name": "shop.OrderPlaced", "fields": [*start, *fields]})


def text(name: str, default: object = None) -> dict[str, object]:
    return {"name": name, "type": "string"} | ({} if default is None else {"default": default})


STATE = {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["PENDING", "COMPLETED", "LOST"]}}
TEXTS = {
    1: record(
        text("order_id"), {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "DONE"]}}
    ),
    2: record(text("number"), STATE, text("currency")),
    3: record(text("number"), STATE, text("currency"), text("note", "")),
    4: record(text("number"), STATE, text("currency"), text("remark")),
}
UPGRADES = {
    2: {
        "up": [
            {"rename": {"order_id": "number"}},
            {"enum": {"field": "state", "map": {"OPEN": "PENDING", "DONE": "COMPLETED"}}},
            {"set": {"field": "currency", "value": "EUR", "because": "version 1 was EUR only"}},
        ],
        "down": "derived",
        "unrepresentable": {"down": [{"when": {"currency": {"not": "EUR"}}, "then": "hold"}]},
    },
    4: {"up": [{"rename": {"note": "remark"}}]},
}
EVENTS: dict[int, tuple[type, type]] = {
    1: (OrderPlacedV1, StateV1),
    2: (OrderV2, StateV2),
    3: (OrderV3, StateV2),
    4: (OrderV4, StateV2),
}


def version(number: int, *, plain: bool = False) -> serde.BundledVersion:
    event, state = EVENTS[number]
    types = {} if plain else {"shop.OrderPlaced": event, "shop.State": state}
    return serde.BundledVersion(
        number=number,
        schema_id=number,
        guid=f"00000000-0000-0000-0000-{number:012}",
        root="a.avsc",
        files={"a.avsc": TEXTS[number]},
        shape=serde.Shape(types=types, envelope=ENVELOPE),
        event=None if plain else event,
        upgrade=json.dumps(UPGRADES[number]) if number in UPGRADES else "",
    )


ALL = orders.bundle(*map(version, (1, 2, 3, 4)), writes=(1, 2, 3, 4))
V1 = OrderPlacedV1(order_id="o-1", state=StateV1.DONE)
V2 = OrderV2(number="o-1", state=StateV2.COMPLETED)
V3 = OrderV3(number="o-1", state=StateV2.COMPLETED, note="")
V4 = OrderV4(number="o-1", state=StateV2.COMPLETED, remark="")
NUMBERED = {1: V1, 2: V2, 3: V3, 4: V4}


@pytest.mark.parametrize("written", [1, 2, 3, 4])
@pytest.mark.parametrize("read", [1, 2, 3, 4])
def test_each_version_is_read_as_each_other(written: int, read: int) -> None:
    value, _ = serde.Serde(ALL, active=written).encode(NUMBERED[written], orders.meta())
    event, meta = serde.Serde(ALL).decode(value, read_as=type(NUMBERED[read]))
    assert event == NUMBERED[read]
    assert (meta.version, meta.schema_version, meta.correlation_id) == (written, written, "request-1")


@pytest.mark.parametrize("active", [1, 2, 3, 4])
@pytest.mark.parametrize("published", [1, 2, 3, 4])
def test_each_version_is_written_as_each_other(published: int, active: int) -> None:
    value, _ = serde.Serde(ALL, active=active).encode(NUMBERED[published], orders.meta())
    event, meta = serde.Serde(ALL).decode(value, read_as=active)
    assert event == NUMBERED[active]
    assert (meta.version, meta.schema_version) == (active, active)


def test_a_note_goes_all_the_way() -> None:
    noted = OrderV4(number="o-1", state=StateV2.PENDING, remark="gift")
    value, _ = serde.Serde(ALL, active=4).encode(noted, orders.meta())
    assert serde.Serde(ALL).decode(value, read_as=3)[0].note == "gift"
    assert serde.upgrade(ALL, OrderV3(number="o", state=StateV2.LOST, note="x"), OrderV4).remark == "x"
    assert serde.upgrade(ALL, V1, OrderV4) == V4


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (OrderV2(number="o-1", state=StateV2.PENDING, currency="USD"), "/currency"),
        (OrderV4(number="o-1", state=StateV2.LOST), "/state"),
    ],
)
def test_what_the_older_version_cannot_say_is_held_back_both_ways(event: object, path: str) -> None:
    written = 2 if isinstance(event, OrderV2) else 4
    with pytest.raises(serde.Unrepresentable) as writing:
        serde.Serde(ALL, active=1).encode(event, orders.meta())
    value, _ = serde.Serde(ALL, active=written).encode(event, orders.meta())
    with pytest.raises(serde.Unrepresentable) as reading:
        serde.Serde(ALL).decode(value, read_as=1)
    assert writing.value.path == reading.value.path == path
    assert reading.value.subject == f"shop.OrderPlaced v{written}"


class Newer:
    """A fallback that knows the later versions, with their converters."""

    def find(self, event: str, writer: int | str) -> serde.BundledVersion | None:
        return next((each for each in map(self.find_version, (2, 3, 4)) if writer == each.schema_id), None)

    def find_number(self, event: str, number: int) -> serde.BundledVersion | None:
        return self.find_version(number)

    def find_version(self, number: int) -> serde.BundledVersion:
        return version(number, plain=True)


OLD = orders.bundle(version(1), service="mailer")


class OldConsumer(serde.Consumer):
    @classmethod
    def bundle(cls) -> serde.Bundle:
        return OLD

    def on_order_placed(self, event: OrderPlacedV1, meta: serde.Meta) -> None:
        raise NotImplementedError


class Old(OldConsumer):
    """A build of the time when there was only version 1."""

    def __init__(self) -> None:
        self.seen: list[OrderPlacedV1] = []

    def on_order_placed(self, event: OrderPlacedV1, meta: serde.Meta) -> None:
        self.seen.append(event)


def test_an_old_build_reads_what_newer_ones_write_and_waits_before_what_it_cannot_express() -> None:
    transport, old = serde.InMemory(partitions=1), Old()
    subscription = transport.subscribe(old, service="mailer", fallback=Newer(), unknown="pause")
    dollars = OrderV2(number="o-2", state=StateV2.PENDING, currency="USD")
    for number, event in ((1, V1), (4, V4), (2, dollars), (3, V3)):
        value, _ = serde.Serde(ALL, active=number).encode(event, orders.meta())
        transport.send(serde.Record("shop.orders", b"k", value))
    assert transport.deliver() == 2
    assert old.seen == [V1, V1]
    (held,) = subscription.paused.values()
    assert isinstance(held, serde.Unrepresentable)
    assert (held.path, held.subject) == ("/currency", "shop.OrderPlaced v2")
    assert transport.deliver() == 0


def test_versions_in_between_may_be_known_without_classes() -> None:
    bundle = orders.bundle(
        version(1), version(2, plain=True), version(3, plain=True), version(4), service="mailer", reads=(1, 4)
    )
    value, _ = serde.Serde(ALL, active=1).encode(V1, orders.meta())
    assert serde.Serde(bundle).decode(value)[0] == V4


def test_a_step_that_is_missing_is_not_passed_over() -> None:
    bundle = orders.bundle(version(1), version(4), service="mailer")
    value, _ = serde.Serde(ALL, active=1).encode(V1, orders.meta())
    with pytest.raises(serde.UnknownSchema) as caught:
        serde.Serde(bundle).decode(value)
    assert caught.value.fact == "v4 is converted from v3, which the stubs do not carry"


def test_what_a_converter_makes_is_checked() -> None:
    bad = json.dumps({"up": [{"rename": {"order_id": "number"}}, {"set": {"field": "currency", "value": "EUR"}}]})
    two = version(2)
    broken = serde.BundledVersion(**{name: getattr(two, name) for name in two.__slots__} | {"upgrade": bad})
    bundle = orders.bundle(version(1), broken, service="mailer")
    value, _ = serde.Serde(ALL, active=1).encode(V1, orders.meta())
    with pytest.raises(serde.Unrepresentable) as caught:
        serde.Serde(bundle).decode(value)
    assert caught.value.fact.startswith("converted v1 -> v2: ")
    assert caught.value.path == "/state"
