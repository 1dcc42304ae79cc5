"""From a record to the handler that wants it: what a Kafka client and the transport in memory do alike."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from registry.serde.bundle import Bundle
from registry.serde.consumer import Consumer
from registry.serde.context import HANDLED
from registry.serde.envelope import TYPE_HEADER
from registry.serde.errors import DecodeError, SerdeError, UnknownSchema
from registry.serde.fallback import Fallback
from registry.serde.framing import parse_frame
from registry.serde.meta import Meta
from registry.serde.naming import handler_name
from registry.serde.record import Record
from registry.serde.serde import Serde
from registry.serde.stubs import check_reader

_ASYNC: Final = 0x80
"""The flag of a coroutine function's code."""


class _Handling:
    """One event, and the object that handles it."""

    def __init__(self, consumer: Consumer, stub: type[Consumer], bundle: Bundle, fallback: Fallback | None) -> None:
        self.consumer = consumer
        self.serde = Serde(bundle, fallback=fallback)
        name = handler_name(bundle.event.rpartition(".")[2])
        self._newest = _find_handler(consumer, name)
        self._older: dict[int, tuple[type, Callable[[Any, Meta], object]]] = {
            version.number: (version.event, _find_handler(consumer, f"{name}_v{version.number}"))
            for version in bundle.versions
            if version.event is not None and _overrides(type(consumer), stub, f"{name}_v{version.number}")
        }

    def pass_on(self, record: Record, value: bytes) -> Meta:
        """Decodes a record as the version that a handler wants, and calls that handler."""
        serde, handler, read_as = self.serde, self._newest, None
        if self._older:
            written = serde.find_writer(value, record.headers).number
            read_as, handler = self._older.get(written, (None, handler))
        event, meta = serde.decode(value, record.headers, read_as)
        return _call(handler, event, meta, record)


class Receiver:
    """The consumers of one service, ready for records of their topics.

    Raises :class:`SerdeError` where two of them handle one event, for what handles none, for a coroutine as handler,
    and :class:`registry.serde.errors.UnfitStub` where the stubs are another service's.
    """

    def __init__(self, *consumers: Consumer, service: str | None = None, fallback: Fallback | None = None) -> None:
        self.service = ""
        self._by_event: dict[str, _Handling] = {}
        self._by_topic: dict[str, list[_Handling]] = {}
        if not consumers:
            raise SerdeError("no consumer was given: nobody would handle anything")
        for consumer in consumers:
            bundles = list(_find_bundles(type(consumer)))
            if not bundles:
                raise SerdeError(
                    f"{_name(consumer)} handles no event",
                    help="give an object of a class that inherits a consumer of `contracts gen`",
                )
            for stub, bundle in bundles:
                if bundle.event in self._by_event:
                    raise SerdeError(f"two consumers of one service handle {bundle.event}", help="give it one of them")
                named = check_reader(bundle, service)
                if self.service not in ("", named):
                    raise SerdeError(f"consumers of two services, {self.service} and {named}", help="one of each")
                self.service = named
                handling = _Handling(consumer, stub, bundle, fallback)
                self._by_event[bundle.event] = handling
                self._by_topic.setdefault(bundle.topic, []).append(handling)

    @property
    def topics(self) -> frozenset[str]:
        """The topics that the consumers want to read."""
        return frozenset(self._by_topic)

    def receive(self, record: Record) -> Meta | None:
        """Calls the handler of a record, with its correlation id in force; ``None`` where nobody here wants it.

        A topic may hold further events of its entity: those that the service does not subscribe to are passed over.
        Raises what the handler raises, and what :meth:`Serde.decode` does: :class:`UnknownSchema` for a record that
        nobody here can tell the event of.
        """
        handlings = self._by_topic.get(record.topic, [])
        if record.value is None:
            return _bury(record, handlings)
        handling = self._choose(record, record.value, handlings)
        return handling.pass_on(record, record.value) if handling else None

    def _choose(self, record: Record, value: bytes, handlings: list[_Handling]) -> _Handling | None:
        said = next(
            (held.decode(errors="replace") for name, held in record.headers if name == TYPE_HEADER and held), ""
        )
        for handling in handlings:
            if said == handling.serde.bundle.event:
                return handling
        if len(handlings) == 1 and not said:
            return handlings[0]
        for handling in handlings:
            if _knows(handling.serde, record, value):
                return handling
        if said or not handlings:
            return None
        known = ", ".join(handling.serde.bundle.event for handling in handlings)
        raise UnknownSchema(
            f"a record of {record.topic} is none of {known}: nobody knows its schema, and no {TYPE_HEADER} names it",
            help="if another event of this topic is written without headers, let its owner write them",
        )


def _knows(serde: Serde, record: Record, value: bytes) -> bool:
    try:
        frame = parse_frame(value, record.headers, serde.bundle.language == "protobuf")
    except DecodeError:
        return False
    return serde.versions.knows(frame.writer)


def _bury(record: Record, handlings: list[_Handling]) -> Meta:
    """A tombstone has no schema: it is told to each consumer of its topic, once."""
    meta = Meta()
    meta.topic = record.topic
    for consumer in {id(handling.consumer): handling.consumer for handling in handlings}.values():
        _call(consumer.on_tombstone, record.key or b"", meta, record)
    return meta


def _call(handler: Callable[[Any, Meta], object], event: object, meta: Meta, record: Record) -> Meta:
    meta.topic, meta.partition, meta.offset = record.topic, record.partition, record.offset
    meta.key, meta.timestamp = record.key, record.timestamp
    token = HANDLED.set((meta.correlation_id, meta.event_id or None) if meta.correlation_id else None)
    try:
        handler(event, meta)
    finally:
        HANDLED.reset(token)
    return meta


def _find_bundles(kind: type[Consumer]) -> Iterator[tuple[type[Consumer], Bundle]]:
    """The generated classes that a consumer inherits, each with its contract; an own ``bundle`` comes first."""
    seen: set[str] = set()
    for each in kind.__mro__:
        if each is not Consumer and issubclass(each, Consumer) and "bundle" in vars(each):
            bundle = each.bundle()
            if bundle.event not in seen:
                seen.add(bundle.event)
                yield each, bundle


def _name(consumer: object) -> str:
    return f"the class {consumer.__name__}" if isinstance(consumer, type) else f"a {type(consumer).__name__}"


def _find_handler(consumer: Consumer, name: str) -> Callable[[Any, Meta], object]:
    handler: Callable[[Any, Meta], object] | None = getattr(consumer, name, None)
    if handler is None:
        raise SerdeError(f"{type(consumer).__name__} has no {name}", help="inherit the consumer of `contracts gen`")
    code = getattr(getattr(handler, "__func__", handler), "__code__", None)
    if code is not None and code.co_flags & _ASYNC:
        raise SerdeError(
            f"{type(consumer).__name__}.{name} is a coroutine: nobody here would await it",
            help="make it a plain method; run coroutines from it with asyncio.run_coroutine_threadsafe",
        )
    return handler


def _overrides(kind: type[Consumer], stub: type[Consumer], name: str) -> bool:
    return getattr(kind, name, None) is not getattr(stub, name, None)
