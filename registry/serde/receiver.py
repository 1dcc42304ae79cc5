"""From a record to the handler that wants it: what a Kafka client and the transport in memory do alike."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from registry.frozen import replace
from registry.serde.async_consumer import AsyncConsumer
from registry.serde.bundle import Bundle
from registry.serde.consumer import Consumer
from registry.serde.delivery import PLAIN, Delivery, note, place
from registry.serde.envelope import TYPE_HEADER
from registry.serde.errors import DecodeError, SerdeError, UnknownSchema
from registry.serde.fallback import Fallback
from registry.serde.framing import SCHEMA_HEADER, Writer, pairs_of, parse_frame
from registry.serde.meta import ROLES, Meta
from registry.serde.naming import handler_name
from registry.serde.quick_reader import QuickReader
from registry.serde.record import Record
from registry.serde.serde import Serde, bytes_of
from registry.serde.steering import Steering
from registry.serde.stubs import check_reader

_LATER: Final = {0x20: "a generator", 0x80: "a coroutine", 0x100: "a coroutine", 0x200: "an async generator"}
"""Flags of the code of functions that do nothing yet when they are called (inspect.CO_GENERATOR and its like)."""


_ASYNC: Final = 0x80
"""The flag of a coroutine function (inspect.CO_COROUTINE)."""
_PAIRS: Final[frozenset[type]] = frozenset({tuple, list})

AnyConsumer = Consumer | AsyncConsumer
_BASES: Final = (Consumer, AsyncConsumer)


class _Handling:
    """One event, and the object that handles it."""

    def __init__(
        self,
        consumer: AnyConsumer,
        stub: type,
        bundle: Bundle,
        fallback: Fallback | None,
        steering: Steering | None,
        quick: QuickReader,
    ) -> None:
        self.consumer = consumer
        self._quick = quick
        self.serde = Serde(bundle, fallback=fallback, steering=steering)
        self.serde.prepare_reading()
        name = handler_name(bundle.event.rpartition(".")[2])
        self._newest = _find_handler(consumer, name)
        self._number = bundle.newest.number
        self._older: dict[int, tuple[type, Callable[[Any, Meta], object], int]] = {
            version.number: (version.event, _find_handler(consumer, f"{name}_v{version.number}"), version.number)
            for version in bundle.versions
            if version.event is not None and _overrides(type(consumer), stub, f"{name}_v{version.number}")
        }
        _refuse_leftover(type(consumer), name, bundle)
        self.type = bundle.event.encode()

    def read(self, record: Record, value: bytes, held: Mapping[str, bytes | None]) -> Delivery:
        """Decodes a record as the version that a handler wants. ``held`` is a dict of its headers, which are pairs."""
        serde, handler, read_as, number = self.serde, self._newest, None, self._number
        if self._older:
            written = serde.find_writer(value, record.headers).number
            read_as, handler, number = self._older.get(written, (None, handler, number))
        event, meta = serde.decode_headed(value, record.headers, held, read_as)
        meta.read_as = number
        _locate(meta, record)
        frame = value[: serde.width]
        plan = serde.find_reading(frame, read_as)
        if plan is not None and len(plan[2]) == len(ROLES) and plan[1] and SCHEMA_HEADER not in held:
            # Not for a writer without the whole envelope, or one that is a stand-in: those need a closer look.
            self._quick.learn(record, frame, serde.bundle, plan[0], plan[1], handler, number)
        return Delivery(event, meta, handler, record)


class Receiver:
    """The consumers of one service, ready for records of their topics.

    ``fallback`` is asked for schemas that the stubs do not know, and ``steering``, a service's rollouts, before it.
    Raises :class:`SerdeError` where two of them handle one event, for what handles none, for a coroutine as handler and
    for the handler of a version that the service does not read, where Protobuf comes without its library; and
    :class:`registry.serde.errors.UnfitStub` where the stubs are another service's, or do not hold together.
    """

    def __init__(
        self,
        *consumers: AnyConsumer,
        service: str | None = None,
        fallback: Fallback | None = None,
        steering: Steering | None = None,
    ) -> None:
        self.service = ""
        self.asynchronous = all(isinstance(consumer, AsyncConsumer) for consumer in consumers)
        """Whether the handlers are coroutines: then :meth:`registry.serde.delivery.Delivery.run` is awaited."""
        self._by_event: dict[str, _Handling] = {}
        self._by_topic: dict[str, list[_Handling]] = {}
        self._quick = QuickReader(self._read_otherwise)
        if not consumers:
            raise SerdeError("no consumer was given: nobody would handle anything")
        if not self.asynchronous and any(isinstance(consumer, AsyncConsumer) for consumer in consumers):
            raise SerdeError(
                "some of the consumers are asynchronous and some are not", help="one subscription for each"
            )
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
                handling = _Handling(consumer, stub, bundle, fallback, steering, self._quick)
                self._by_event[bundle.event] = handling
                self._by_topic.setdefault(bundle.topic, []).append(handling)
            _find_handler(consumer, "on_tombstone")

    @property
    def serdes(self) -> tuple[Serde, ...]:
        """What reads each of them."""
        return tuple(handling.serde for handling in self._by_event.values())

    @property
    def bundles(self) -> tuple[Bundle, ...]:
        """The contracts that the consumers want to read, in their order."""
        return tuple(handling.serde.bundle for handling in self._by_event.values())

    @property
    def topics(self) -> frozenset[str]:
        """The topics that the consumers want to read."""
        return frozenset(self._by_topic)

    def receive(self, record: Record) -> Meta | None:
        """Calls the handler of a record, with its correlation id in force; ``None`` where nobody here wants it.

        A topic may hold further events of its entity: those that the service does not subscribe to are passed over.
        Raises what the handler raises, and what :meth:`read` does.
        """
        delivery = self.read(record)
        return delivery() if delivery else None

    @property
    def read(self) -> Callable[[Record], Delivery | None]:
        """The first half of :meth:`receive`: decodes a record; to call what comes back calls its handler.

        So that an error of reading is not taken for one of the handler, which may raise the same when it publishes.
        Raises what :meth:`Serde.decode` does: :class:`UnknownSchema` for a schema that nobody here can tell the event
        of, and :class:`DecodeError` for bytes that name none.
        """
        return self._quick.read

    def _read_otherwise(self, record: Record) -> Delivery | None:
        """The same for the first record of a kind, for one by another producer, and for what is wrong."""
        try:
            value = record.value
            if value is None:
                return _bury(record, self._by_topic.get(record.topic, []))
            if record.headers.__class__ not in _PAIRS:
                record = replace(record, headers=tuple(pairs_of(record.headers)))
            handling = self._choose(record, value, self._by_topic.get(record.topic, []))
            if handling is None:
                return None
            return handling.read(record, bytes_of(value, handling.serde.bundle.event), dict(pairs_of(record.headers)))
        except Exception as error:
            note(error, f"while a record was read, {place(record)}")
            raise

    def _choose(self, record: Record, value: bytes, handlings: list[_Handling]) -> _Handling | None:
        said = None
        try:
            for name, held in record.headers:
                if name == TYPE_HEADER and held:
                    said = held if held.__class__ is bytes else str(held).encode()
                    break
        except (TypeError, ValueError):
            pairs_of(record.headers)  # says what they are not
            raise
        for handling in handlings:
            if said == handling.type:
                return handling
        if len(handlings) == 1 and not said and not handlings[0].serde.bundle.siblings:
            return handlings[0]
        for handling in handlings:
            if _knows(handling.serde, record, value):
                return handling
        if said or not handlings or any(_is_sibling(handling.serde, record, value) for handling in handlings):
            return None
        if len(handlings) == 1:
            return handlings[0]
        if _find_writer(record, value) is None:
            parse_frame(value, record.headers, False)  # raises: bytes without a frame are nobody's, now and later
        known = ", ".join(handling.serde.bundle.event for handling in handlings)
        raise UnknownSchema(
            f"a record of {record.topic} is none of {known}: nobody knows its schema, and no {TYPE_HEADER} names it",
            help="if another event of this topic is written without headers, let its owner write them",
        )


def _knows(serde: Serde, record: Record, value: bytes) -> bool:
    writer = _find_writer(record, value)
    return writer is not None and serde.versions.knows(writer)


def _is_sibling(serde: Serde, record: Record, value: bytes) -> bool:
    """Whether a record is of another event of the topic, which the service does not read."""
    writer = _find_writer(record, value)
    return writer is not None and writer.kind != "crc" and writer.value in serde.bundle.siblings


def _find_writer(record: Record, value: bytes) -> Writer | None:
    """The schema that a record names, if its frame is one. A sibling's may be of another schema language."""
    for indexed in (True, False):
        try:
            return parse_frame(value, record.headers, indexed).writer
        except DecodeError:
            continue
    return None


def _bury(record: Record, handlings: list[_Handling]) -> Delivery:
    """A tombstone has no schema: it is told to each consumer of its topic, once."""
    consumers = list({id(handling.consumer): handling.consumer for handling in handlings}.values())

    def tell(key: bytes, meta: Meta) -> None:
        for consumer in consumers:
            consumer.on_tombstone(key, meta)

    async def tell_later(key: bytes, meta: Meta) -> None:
        for consumer in consumers:
            await consumer.on_tombstone(key, meta)  # type: ignore[misc]  # a Receiver has consumers of one kind

    later = any(isinstance(consumer, AsyncConsumer) for consumer in consumers)
    meta = Meta()
    _locate(meta, record)
    return Delivery(record.key or b"", meta, tell_later if later else tell, record)


def _locate(meta: Meta, record: Record) -> None:
    meta.topic, meta.partition, meta.offset = record.topic, record.partition, record.offset
    meta.key, meta._timestamp = record.key, record._timestamp


def _refuse_leftover(kind: type, name: str, bundle: Bundle) -> None:
    """Handlers that nothing calls: of a version that the service read once, or that it never did."""
    stubs = [each for each in kind.__mro__ if "bundle" in vars(each)]
    for method in sorted(dir(kind)):
        number = method.removeprefix(f"{name}_v")
        if number == method or not number.isdecimal() or any(method in vars(stub) for stub in stubs):
            continue
        if number in {str(version.number) for version in bundle.versions if version.number in bundle.reads}:
            continue
        raise SerdeError(
            f"{kind.__name__}.{method} handles version {number}, which {bundle.service} does not read "
            f"(reads: {list(bundle.reads)})",
            help=f"take the method out; or add {number} to `reads` in ownership.yaml, and run `contracts gen`",
        )


def _find_bundles(kind: type) -> Iterator[tuple[type, Bundle]]:
    """The generated classes that a consumer inherits, each with its contract; an own ``bundle`` comes first."""
    seen: set[str] = set()
    for each in kind.__mro__:
        if each not in _BASES and issubclass(each, _BASES) and "bundle" in vars(each):
            bundle = each.bundle()
            if bundle.event not in seen:
                seen.add(bundle.event)
                yield each, bundle


def _name(consumer: object) -> str:
    return f"the class {consumer.__name__}" if isinstance(consumer, type) else f"a {type(consumer).__name__}"


def _find_handler(consumer: AnyConsumer, name: str) -> Callable[[Any, Meta], object]:
    handler: Callable[[Any, Meta], object] | None = getattr(consumer, name, None)
    if handler is None:
        raise SerdeError(f"{type(consumer).__name__} has no {name}", help="inherit the consumer of `contracts gen`")
    code = getattr(getattr(handler, "__func__", handler), "__code__", None)
    if isinstance(consumer, AsyncConsumer):
        if code is not None and not code.co_flags & _ASYNC:
            raise SerdeError(f"{type(consumer).__name__}.{name} is no coroutine", help=f"write `async def {name}`")
        return handler
    kind = next((kind for flag, kind in _LATER.items() if code is not None and code.co_flags & flag), "")
    if kind:
        verb = "await" if kind == "a coroutine" else "run"
        raise SerdeError(f"{type(consumer).__name__}.{name} is {kind}: nobody here would {verb} it", help=PLAIN)
    return handler


def _overrides(kind: type, stub: type, name: str) -> bool:
    return getattr(kind, name, None) is not getattr(stub, name, None)
