"""One attempt at one record: decode it, look who wrote it, and call its handler, once for each event."""

from collections.abc import Callable
from time import perf_counter
from typing import Final

from registry.kafka.consuming.policy import Failure, Stage
from registry.kafka.consuming.reading import UNREADABLE, make_unreadable
from registry.kafka.consuming.sources import Sources, check_source
from registry.kafka.errors import ForeignWriter
from registry.kafka.inbox import EventKey, Inbox
from registry.kafka.inbox.errors import InboxUnavailable
from registry.kafka.observer import Observers
from registry.kafka.observing import find_calls, tell, watching
from registry.serde.delivery import Delivery, place
from registry.serde.record import Record

Reading = Callable[[Record], Delivery | None]
"""As :meth:`registry.serde.receiver.Receiver.read`."""


class Attempt:
    """What a subscription does with each record, ready to be called for it."""

    __slots__ = ("_bare", "_group", "_handled", "_handling", "_inbox", "_read", "_repeated", "_sources")

    def __init__(
        self, read: Reading, sources: Sources, *, group: str, inbox: Inbox | None, observers: Observers
    ) -> None:
        self._read = read
        self._sources = sources
        self._group = group
        self._inbox = inbox
        self._handling = find_calls(observers, "handling")
        self._handled = find_calls(observers, "handled")
        self._repeated = find_calls(observers, "repeated")
        self._bare: Final = inbox is None and not self._handling and not self._handled

    def __call__(self, record: Record) -> Failure | None:
        """``None`` where the record is done with: handled, handled before, or of an event that nobody here reads.

        What is no :class:`Exception` (a person's interrupt, the end of the process) goes through.
        """
        try:
            if record.headers is UNREADABLE:
                raise make_unreadable()
            delivery = self._read(record)
            if delivery is None:
                return None
            if not delivery.owned and self._sources:
                check_source(delivery.record, self._sources)
        except Exception as error:
            return Failure("read", find_cause(record, self._sources, error))
        if not self._bare:
            return self._call(delivery)
        try:
            delivery.call()
        except Exception as error:
            return Failure("handle", error)
        return None

    def _call(self, delivery: Delivery) -> Failure | None:
        started, inside, new = perf_counter(), False, True
        try:
            if self._inbox is None:
                with watching(self._handling, delivery):
                    delivery()
            else:
                with self._inbox.once(find_key(delivery, self._group)) as new:
                    inside = True
                    if new:
                        with watching(self._handling, delivery):
                            delivery()
        except Exception as error:
            return Failure(find_stage(inside, self._inbox is not None, error), error)
        if new:
            tell(self._handled, delivery, perf_counter() - started)
        else:
            tell(self._repeated, delivery)
        return None


def find_cause(record: Record, sources: Sources, error: Exception) -> Exception:
    """A record that cannot be read and is a stranger's: that is the reason, and no schema is waited for."""
    try:
        check_source(record, sources)
    except ForeignWriter as foreign:
        foreign.__cause__ = error
        return foreign
    except Exception:  # headers that are none: the first error says so
        return error
    return error


def find_stage(inside: bool, stored: bool, error: Exception) -> Stage:
    """Whom an error is to be laid to: the handler, or the store that was asked before it was called."""
    return "keep" if stored and (not inside or isinstance(error, InboxUnavailable)) else "handle"


def find_key(delivery: Delivery, group: str) -> EventKey:
    """What an inbox knows an event by."""
    meta = delivery.meta
    return EventKey(group, meta.contract, meta.event_id or place(delivery.record))
