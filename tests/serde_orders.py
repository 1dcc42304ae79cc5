"""A contract as stubs carry it, written by hand: an order in three versions of Avro, with its classes."""

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from registry import serde

EVENT = "shop.OrderPlaced"
ENVELOPE_1 = {"correlation_id": ("correlation_id",), "schema_version": ("schema_version",)}
ENVELOPE = ENVELOPE_1 | {
    "event_id": ("event_id",),
    "occurred_at": ("occurred_at",),
    "causation_id": ("causation_id",),
}


class StateV1(Enum):
    OPEN = "OPEN"
    DONE = "DONE"


@dataclass(slots=True, kw_only=True)
class OrderPlacedV1:
    order_id: str
    state: StateV1

    def upgrade(self) -> "OrderPlaced":
        return serde.upgrade(BUNDLE, self, OrderPlaced)


class StateV2(Enum):
    OPEN = "OPEN"
    DONE = "DONE"
    HELD = "HELD"


@dataclass(slots=True, kw_only=True)
class OrderPlacedV2:
    order_id: str
    state: StateV2
    note: str = ""


class State(Enum):
    OPEN = "OPEN"
    DONE = "DONE"
    HELD = "HELD"


@dataclass(slots=True, kw_only=True)
class OrderPlaced:
    order_id: str
    state: State
    note: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def schema(*fields: object, symbols: tuple[str, ...]) -> str:
    """The record with its envelope's first two fields, its id and its state; ``fields`` come between."""
    state: dict[str, object] = {"type": "enum", "name": "State", "symbols": symbols, "default": "OPEN"}
    own = [{"name": "order_id", "type": "string"}, {"name": "state", "type": state}]
    start = [{"name": "correlation_id", "type": "string"}, {"name": "schema_version", "type": "int"}]
    record = {"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [*start, *fields, *own]}
    return json.dumps(record)


_LATER = (
    {"name": "event_id", "type": "string", "default": ""},
    {"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0},
    {"name": "causation_id", "type": ["null", "string"], "default": None},
)
_NOTE = {"name": "note", "type": "string", "default": ""}
_LABELS = {"name": "labels", "type": {"type": "map", "values": "string"}, "default": {}}

TEXTS = {
    1: schema(symbols=("OPEN", "DONE")),
    2: schema(*_LATER, _NOTE, symbols=("OPEN", "DONE", "HELD")),
    3: schema(*_LATER, _NOTE, _LABELS, symbols=("OPEN", "DONE", "HELD")),
}
CLASSES: dict[int, tuple[type, type]] = {
    1: (OrderPlacedV1, StateV1),
    2: (OrderPlacedV2, StateV2),
    3: (OrderPlaced, State),
}


def version(number: int, *, upgrade: str = "", plain: bool = False, text: str = "") -> serde.BundledVersion:
    """A version of the contract, with its classes unless it is plain. Its schema id is 100 and its number."""
    event, state = CLASSES.get(number, (OrderPlaced, State))
    return serde.BundledVersion(
        number=number,
        schema_id=100 + number,
        guid=f"00000000-0000-0000-0000-{number:012}",
        root="shop/OrderPlaced.avsc",
        files={"shop/OrderPlaced.avsc": text or TEXTS[number]},
        shape=serde.Shape(
            types={} if plain else {EVENT: event, "shop.State": state}, envelope=ENVELOPE_1 if number == 1 else ENVELOPE
        ),
        event=None if plain else event,
        upgrade=upgrade,
    )


def bundle(
    *versions: serde.BundledVersion,
    service: str = "shop-api",
    reads: tuple[int, ...] | None = None,
    writes: tuple[int, ...] = (),
    others: Mapping[int, int] | None = None,
) -> serde.Bundle:
    """The contract for one service; it reads all its versions unless said otherwise."""
    return serde.Bundle(
        event=EVENT,
        language="avro",
        service=service,
        owner="shop-api",
        contact="team shop, #team-shop",
        topic="shop.orders",
        key="order_id",
        versions=versions,
        reads=tuple(each.number for each in versions) if reads is None else reads,
        writes=writes,
        others=others or {},
    )


BUNDLE = bundle(version(1), version(2), version(3), writes=(1, 2, 3))


class OrderPlacedProducer(serde.Producer[OrderPlaced | OrderPlacedV2 | OrderPlacedV1]):
    @classmethod
    def bundle(cls) -> serde.Bundle:
        return BUNDLE


class OrderPlacedAsyncProducer(serde.AsyncProducer[OrderPlaced | OrderPlacedV2 | OrderPlacedV1]):
    @classmethod
    def bundle(cls) -> serde.Bundle:
        return BUNDLE


class OrderPlacedConsumer(serde.Consumer):
    @classmethod
    def bundle(cls) -> serde.Bundle:
        return BUNDLE

    @abstractmethod
    def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None: ...

    def on_order_placed_v1(self, event: OrderPlacedV1, meta: serde.Meta) -> None:
        self.on_order_placed(event.upgrade(), meta)

    def on_order_placed_v2(self, event: OrderPlacedV2, meta: serde.Meta) -> None:
        self.on_order_placed(serde.upgrade(BUNDLE, event, OrderPlaced), meta)


class OrderPlacedAsyncConsumer(serde.AsyncConsumer):
    @classmethod
    def bundle(cls) -> serde.Bundle:
        return BUNDLE

    @abstractmethod
    async def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None: ...

    async def on_order_placed_v1(self, event: OrderPlacedV1, meta: serde.Meta) -> None:
        await self.on_order_placed(event.upgrade(), meta)

    async def on_order_placed_v2(self, event: OrderPlacedV2, meta: serde.Meta) -> None:
        await self.on_order_placed(serde.upgrade(BUNDLE, event, OrderPlaced), meta)


class Orders(OrderPlacedConsumer):
    """Keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[tuple[OrderPlaced, serde.Meta]] = []

    def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:
        self.seen.append((event, meta))


class AsyncOrders(OrderPlacedAsyncConsumer):
    """Keeps what it was given, for asyncio."""

    def __init__(self) -> None:
        self.seen: list[tuple[OrderPlaced, serde.Meta]] = []

    async def on_order_placed(self, event: OrderPlaced, meta: serde.Meta) -> None:
        self.seen.append((event, meta))


def meta(correlation_id: str = "request-1", **facts: object) -> serde.Meta:
    """A complete envelope."""
    from datetime import UTC, datetime

    made = serde.Meta()
    made.correlation_id, made.event_id, made.occurred_at = correlation_id, "event-1", datetime(2026, 1, 2, tzinfo=UTC)
    for name, value in facts.items():
        setattr(made, name, value)
    return made
