"""An order in five versions, three of them behind converters, with the stubs of a service that may know any of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

from registry import serde
from registry.frozen import replace

EVENT = "shop.OrderPlaced"
TOPIC = "shop.orders"
ENVELOPE = {
    "correlation_id": ("correlation_id",),
    "schema_version": ("schema_version",),
    "event_id": ("event_id",),
    "occurred_at": ("occurred_at",),
}


class StateV1(Enum):
    OPEN = "OPEN"
    DONE = "DONE"


class State(Enum):
    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    LOST = "LOST"


@dataclass(slots=True, kw_only=True)
class OrderV1:
    order_id: str
    state: StateV1
    cents: int


@dataclass(slots=True, kw_only=True)
class OrderV2:
    """By converters: other states, and an amount in a currency."""

    order_id: str
    state: State
    amount: Decimal
    currency: str


@dataclass(slots=True, kw_only=True)
class OrderV3:
    """Natively: a note. The version that was abandoned."""

    order_id: str
    state: State
    amount: Decimal
    currency: str
    note: str = ""


@dataclass(slots=True, kw_only=True)
class OrderV4:
    """By converters: the note is a remark."""

    order_id: str
    state: State
    amount: Decimal
    currency: str
    remark: str


@dataclass(slots=True, kw_only=True)
class OrderV5:
    """By converters: several remarks, or none. The newest: every version is handed over as this one."""

    order_id: str
    state: State
    amount: Decimal
    currency: str
    remarks: tuple[str, ...]


Order = OrderV1 | OrderV2 | OrderV3 | OrderV4 | OrderV5
CLASSES: dict[int, tuple[type, type]] = {
    1: (OrderV1, StateV1),
    2: (OrderV2, State),
    3: (OrderV3, State),
    4: (OrderV4, State),
    5: (OrderV5, State),
}


def field(name: str, type_: object, **more: object) -> dict[str, object]:
    return {"name": name, "type": type_, **more}


def states(*symbols: str) -> dict[str, object]:
    return field("state", {"type": "enum", "name": "State", "symbols": list(symbols)})


NEW = states("PENDING", "COMPLETED", "LOST")
AMOUNT = field("amount", {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2})
OWN: Mapping[int, Sequence[dict[str, object]]] = {
    1: (states("OPEN", "DONE"), field("cents", "long")),
    2: (NEW, AMOUNT, field("currency", "string")),
    3: (NEW, AMOUNT, field("currency", "string"), field("note", "string", default="")),
    4: (NEW, AMOUNT, field("currency", "string"), field("remark", "string")),
    5: (NEW, AMOUNT, field("currency", "string"), field("remarks", {"type": "array", "items": "string"})),
}
UPGRADES: Mapping[int, dict[str, Any]] = {
    2: {
        "up": [
            {"enum": {"field": "state", "map": {"OPEN": "PENDING", "DONE": "COMPLETED"}}},
            {"scale": {"field": "cents", "to": "amount", "by": "0.01", "places": 2}},
            {"set": {"field": "currency", "value": "EUR"}},
        ],
        "unrepresentable": {"down": [{"when": {"currency": {"not": "EUR"}}, "then": "hold"}]},
    },
    4: {"up": [{"rename": {"note": "remark"}}]},
    5: {"up": [{"wrap": {"field": "remark", "to": "remarks"}}]},
}


def schema(number: int) -> str:
    start = [field("correlation_id", "string"), field("schema_version", "int"), field("event_id", "string")]
    start.append(field("occurred_at", {"type": "long", "logicalType": "timestamp-millis"}))
    fields = [*start, field("order_id", "string"), *OWN[number]]
    return json.dumps({"type": "record", "name": EVENT, "fields": fields})


def version(number: int, *, plain: bool = False, upgrade: str | None = None) -> serde.BundledVersion:
    """A version; a plain one has no classes, as where a service never sees it as one of its own."""
    event, state = CLASSES[number]
    return serde.BundledVersion(
        number=number,
        schema_id=number,
        guid=f"00000000-0000-0000-0000-{number:012}",
        root="a.avsc",
        files={"a.avsc": schema(number)},
        shape=serde.Shape(types={} if plain else {EVENT: event, "shop.State": state}, envelope=ENVELOPE),
        event=None if plain else event,
        upgrade=(json.dumps(UPGRADES[number]) if number in UPGRADES else "") if upgrade is None else upgrade,
    )


def bundle(*versions: serde.BundledVersion, reads: tuple[int, ...] = (), topic: str = TOPIC) -> serde.Bundle:
    numbers = tuple(each.number for each in versions)
    return serde.Bundle(
        EVENT, "avro", "shop-api", "shop-api", "", topic, "order_id", versions, reads or numbers, numbers
    )


ALL = bundle(*map(version, CLASSES))


class Newer:
    """A fallback that knows every version, as the control record tells it."""

    def find(self, event: str, writer: int | str) -> serde.BundledVersion | None:
        return next((each for each in map(self._version, CLASSES) if writer in (each.schema_id, each.guid)), None)

    def find_number(self, event: str, number: int) -> serde.BundledVersion | None:
        return self._version(number) if number in CLASSES else None

    def _version(self, number: int) -> serde.BundledVersion:
        return version(number, plain=True)


def consumer_of(known: serde.Bundle) -> Any:
    """An object that keeps what it is given: the state by order, and each event with its envelope."""

    class Stubs(serde.Consumer):
        @classmethod
        def bundle(cls) -> serde.Bundle:
            return known

        def on_order_placed(self, event: Any, meta: serde.Meta) -> None:
            raise NotImplementedError

    class Orders(Stubs):
        def __init__(self) -> None:
            self.state: dict[str, Any] = {}
            self.seen: list[tuple[Any, serde.Meta]] = []

        def on_order_placed(self, event: Any, meta: serde.Meta) -> None:
            self.seen.append((event, meta))
            self.state[event.order_id] = event

        def on_tombstone(self, key: bytes, meta: serde.Meta) -> None:
            self.state.pop(key.decode(), None)

    return Orders()


def spell(order_id: str, *, done: bool, cents: int, note: str, number: int) -> Order:
    """One fact, as a version says it; versions before the third cannot say the note."""
    if number == 1:
        return OrderV1(order_id=order_id, state=StateV1.DONE if done else StateV1.OPEN, cents=cents)
    state, amount = State.COMPLETED if done else State.PENDING, Decimal(cents).scaleb(-2)
    both: dict[str, Any] = {"order_id": order_id, "state": state, "amount": amount, "currency": "EUR"}
    more: dict[int, dict[str, Any]] = {2: {}, 3: {"note": note}, 4: {"remark": note}, 5: {"remarks": (note,)}}
    return CLASSES[number][0](**both, **more[number])  # type: ignore[no-any-return]  # of the table


@cache
def writer_of(number: int) -> serde.Serde:
    """What writes one version: a build for each, made once."""
    return serde.Serde(ALL, active=number)


def encode(event: Order, number: int, topic: str = TOPIC, partition: int = -1) -> serde.Record:
    """The record of an event, written by a build whose active version it is."""
    from datetime import UTC, datetime

    meta = serde.Meta()
    meta.correlation_id, meta.event_id = "request-1", f"event of {event.order_id}"
    meta.occurred_at = datetime(2026, 11, 23, tzinfo=UTC)
    value, headers = writer_of(number).encode(event, meta)
    record = serde.Record(topic, event.order_id.encode(), value, tuple(headers))
    return record if partition < 0 else replace(record, partition=partition)
