"""From a record to the handler that wants it: what a Kafka client and the transport in memory do alike."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from registry.frozen import replace
from registry.serde.bundle import Bundle
from registry.serde.consumer import Consumer
from registry.serde.context import HANDLED
from registry.serde.envelope import TYPE_HEADER
from registry.serde.errors import DecodeError, SerdeError, UnknownSchema
from registry.serde.fallback import Fallback
from registry.serde.framing import Writer, pairs_of, parse_frame
from registry.serde.meta import Meta
from registry.serde.naming import handler_name
from registry.serde.record import Record
from registry.serde.serde import Serde
from registry.serde.stubs import check_reader

_LATER: Final = {0x20: "a generator", 0x80: "a coroutine", 0x100: "a coroutine", 0x200: "an async generator"}
"""Flags of the code of functions that do nothing yet when they are called (inspect.CO_GENERATOR and its like)."""


_UNDONE: Final = ("__await__", "__next__", "__anext__")
"""What coroutines and generators have: a handler that gives one back was decorated, and has done nothing yet."""
_PAIRS: Final[frozenset[type]] = frozenset({tuple, list})
_PLAIN: Final = "make it a plain method; run coroutines from it with asyncio.run_coroutine_threadsafe"


class _Handling:
    """One event, and the object that handles it."""

    def __init__(self, consumer: Consumer, stub: type[Consumer], bundle: Bundle, fallback: Fallback | None) -> None:
        self.consumer = consumer
        self.serde = Serde(bundle, fallback=fallback)
        self.serde.prepare_reading()
        name = handler_name(bundle.event.rpartition(".")[2])
        self._newest = _find_handler(consumer, name)
        self._older: dict[int, tuple[type, Callable[[Any, Meta], object]]] = {
            version.number: (version.event, _find_handler(consumer, f"{name}_v{version.number}"))
            for version in bundle.versions
            if version.event is not None and _overrides(type(consumer), stub, f"{name}_v{version.number}")
        }
        _refuse_leftover(type(consumer), name, bundle)
        self.type = bundle.event.encode()

    def read(self, record: Record, value: bytes) -> Callable[[], Meta]:
        """Decodes a record as the version that a handler wants; what comes back calls that handler."""
        serde, handler, read_as = self.serde, self._newest, None
        if self._older:
            written = serde.find_writer(value, record.headers).number
            read_as, handler = self._older.get(written, (None, handler))
        event, meta = serde.decode(value, record.headers, read_as)
        return partial(_call, handler, event, meta, record)


class Receiver:
    """The consumers of one service, ready for records of their topics.

    Raises :class:`SerdeError` where two of them handle one event, for what handles none, for a coroutine as handler and
    for the handler of a version that the service does not read, where Protobuf comes without its library; and
    :class:`registry.serde.errors.UnfitStub` where the stubs are another service's, or do not hold together.
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
        Raises what the handler raises, and what :meth:`read` does.
        """
        call = self.read(record)
        return call() if call else None

    def read(self, record: Record) -> Callable[[], Meta] | None:
        """The first half of :meth:`receive`: decodes a record; what comes back calls its handler.

        So that an error of reading is not taken for one of the handler, which may raise the same when it publishes.
        Raises what :meth:`Serde.decode` does: :class:`UnknownSchema` for a record that nobody here can tell the event
        of.
        """
        handlings = self._by_topic.get(record.topic, [])
        value = record.value
        if value is None:
            return partial(_bury, record, handlings)
        try:
            if record.headers.__class__ not in _PAIRS:
                record = replace(record, headers=tuple(pairs_of(record.headers)))
            handling = self._choose(record, value, handlings)
            return handling.read(record, value) if handling else None
        except Exception as error:
            _note(error, f"while a record was read, {_place(record)}")
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
        answer = handler(event, meta)
    except Exception as error:
        what = f"{meta.contract} v{meta.version}" if meta.contract else "a tombstone"
        _note(error, f"while {what} was handled, {_place(record)}")
        raise
    finally:
        HANDLED.reset(token)
    if answer is not None and any(hasattr(answer, name) for name in _UNDONE):
        if close := getattr(answer, "close", None):
            close()  # without a warning of its own
        raise SerdeError(
            f"the handler of {meta.contract} gave back a {type(answer).__name__}: nobody here would run it",
            help=_PLAIN,
        )
    return meta


def _note(error: Exception, note: str) -> None:
    """Tells a traceback where it happened, once: some programs raise the same object again and again."""
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _place(record: Record) -> str:
    return f"{record.topic}[{record.partition}]@{record.offset}"


def _refuse_leftover(kind: type[Consumer], name: str, bundle: Bundle) -> None:
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
    kind = next((kind for flag, kind in _LATER.items() if code is not None and code.co_flags & flag), "")
    if kind:
        verb = "await" if kind == "a coroutine" else "run"
        raise SerdeError(f"{type(consumer).__name__}.{name} is {kind}: nobody here would {verb} it", help=_PLAIN)
    return handler


def _overrides(kind: type[Consumer], stub: type[Consumer], name: str) -> bool:
    return getattr(kind, name, None) is not getattr(stub, name, None)
