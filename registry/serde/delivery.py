"""One event on its way to its handler."""

from collections.abc import Callable
from typing import Any

from registry.serde.context import HANDLED, TRACE
from registry.serde.errors import SerdeError
from registry.serde.meta import Meta
from registry.serde.record import Record

_UNDONE = ("__await__", "__next__", "__anext__")
"""What coroutines and generators have: a handler that gives one back was decorated, and has done nothing yet."""
PLAIN = "make it a plain method; for coroutines inherit the asynchronous consumer that `contracts gen` writes beside it"


class Delivery:
    """A record that was read, with the handler that wants it. :meth:`registry.serde.receiver.Receiver.read` makes it.

    Call it, or :meth:`call`, to call the handler; where the consumers are asynchronous, await :meth:`run`. Either may
    be done again, if the handler raised.
    """

    __slots__ = ("event", "handler", "meta", "owned", "record")

    def __init__(
        self, event: Any, meta: Meta, handler: Callable[[Any, Meta], Any], record: Record, owned: bool = False
    ) -> None:
        self.event = event
        """The event, as the version that the handler asked for; the key's bytes for a tombstone."""
        self.meta = meta
        self.handler = handler
        self.record = record
        self.owned = owned
        """Whether the record was seen to name the owner of its event as its source; otherwise nobody has looked yet."""

    def call(self) -> Meta:
        """Calls the handler, with the correlation id of the record in force. Raises what it raises."""
        meta = self.meta
        correlation = meta.correlation_id
        token = HANDLED.set((correlation, meta.event_id or None) if correlation else None)
        trace = meta.trace
        traced = TRACE.set(trace) if trace or TRACE.get() else None
        try:
            answer = self.handler(self.event, meta)
        except Exception as error:
            note(error, f"while {self._name()} was handled, {place(self.record)}")
            raise
        finally:
            if traced:
                TRACE.reset(traced)
            HANDLED.reset(token)
        if answer is not None and any(hasattr(answer, name) for name in _UNDONE):
            if close := getattr(answer, "close", None):
                close()  # without a warning of its own
            raise SerdeError(
                f"the handler of {meta.contract} gave back a {type(answer).__name__}: nobody here would run it",
                help=PLAIN,
            )
        return meta

    __call__ = call  # Python finds a method by its name in half of the time

    async def run(self) -> Meta:
        """Awaits the handler, with the correlation id of the record in force. Raises what it raises."""
        meta = self.meta
        correlation = meta.correlation_id
        token = HANDLED.set((correlation, meta.event_id or None) if correlation else None)
        trace = meta.trace
        traced = TRACE.set(trace) if trace or TRACE.get() else None
        try:
            await self.handler(self.event, meta)
        except Exception as error:
            note(error, f"while {self._name()} was handled, {place(self.record)}")
            raise
        finally:
            if traced:
                TRACE.reset(traced)
            HANDLED.reset(token)
        return meta

    def _name(self) -> str:
        return f"{self.meta.contract} v{self.meta.version}" if self.meta.contract else "a tombstone"


def note(error: Exception, text: str) -> None:
    """Tells a traceback where it happened, once: some programs raise the same object again and again."""
    if text not in getattr(error, "__notes__", ()):
        error.add_note(text)


def place(record: Record) -> str:
    """``shop.orders[2]@1041``."""
    return f"{record.topic}[{record.partition}]@{record.offset}"
