"""One attempt at one record in an event loop: decode it, see who wrote it, await its handler, once for each event."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from time import perf_counter
from typing import Final

from registry.kafka.consuming.attempt import Reading, find_cause, find_key, find_stage
from registry.kafka.consuming.policy import Failure
from registry.kafka.consuming.reading import UNREADABLE, make_unreadable
from registry.kafka.consuming.sources import Sources, check_source
from registry.kafka.errors import HandlerTimeout, MessagingError, Reject
from registry.kafka.inbox import AsyncInbox, Inbox
from registry.kafka.observer import Observers
from registry.kafka.observing import find_calls, tell, watching
from registry.serde.delivery import Delivery
from registry.serde.record import Record


class HandlerCancelled(MessagingError):
    """A handler ended as if it had been cancelled, and nobody had: something that it awaited was."""


class AsyncAttempt:
    """As :class:`.attempt.Attempt`, for handlers that are coroutines. ``timeout`` is in seconds."""

    __slots__ = (
        "_group",
        "_handled",
        "_handling",
        "_inbox",
        "_observed",
        "_one",
        "_read",
        "_repeated",
        "_sources",
        "_timeout",
    )

    def __init__(
        self,
        read: Reading,
        sources: Sources,
        *,
        group: str,
        inbox: Inbox | AsyncInbox | None,
        observers: Observers,
        timeout: float,
    ) -> None:
        self._read = read
        self._sources = sources
        self._group = group
        self._inbox = inbox
        self._timeout = timeout
        self._handling = find_calls(observers, "handling")
        self._handled = find_calls(observers, "handled")
        self._repeated = find_calls(observers, "repeated")
        self._observed: Final = bool(self._handling or self._handled)
        self._one = asyncio.Lock()
        """An inbox for threads has one transaction at a time: then one handler runs at a time."""

    async def __call__(self, record: Record) -> Failure | None:
        """``None`` where the record is done with: handled, handled before, or of an event that nobody here reads.

        What is no :class:`Exception` goes through: the cancellation of this task, the end of the process.
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
        started, inside, new = perf_counter(), False, True
        try:
            if self._inbox is None:
                await self._run(delivery)
            else:
                async with self._once(self._inbox, delivery) as new:
                    inside = True
                    if new:
                        await self._run(delivery)
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            return Failure("handle", _explain_cancelled(delivery, error))
        except Exception as error:
            return Failure(find_stage(inside, self._inbox is not None, error), find_leaf(error))
        if not new:
            tell(self._repeated, delivery)
        elif self._observed:
            tell(self._handled, delivery, perf_counter() - started)
        return None

    async def _run(self, delivery: Delivery) -> None:
        if not self._handling:
            await self._run_in_time(delivery)
            return
        with watching(self._handling, delivery):
            await self._run_in_time(delivery)

    async def _run_in_time(self, delivery: Delivery) -> None:
        try:
            async with asyncio.timeout(self._timeout) as limit:
                await delivery.run()
        except TimeoutError as error:
            if not limit.expired():
                raise  # the handler's own
            raise HandlerTimeout(
                f"the handler of {delivery.meta.contract or 'a tombstone'} took longer than {self._timeout:g} s",
                help="timeout= is how long it may take; what it awaits should have a shorter one",
            ) from error

    @asynccontextmanager
    async def _once(self, inbox: Inbox | AsyncInbox, delivery: Delivery) -> AsyncIterator[bool]:
        context = inbox.once(find_key(delivery, self._group))
        if isinstance(context, AbstractContextManager):
            async with self._one:
                with context as new:
                    yield new
        else:
            async with context as new:
                yield new


def find_leaf(error: Exception) -> Exception:
    """What a group of exceptions is laid to: the one that it holds, or a :class:`Reject` among them; else the group.

    A handler that works in a task group raises such groups.
    """
    if not isinstance(error, ExceptionGroup):
        return error
    leaves = list(_find_leaves(error))
    rejected = (leaf for leaf in leaves if isinstance(leaf, Reject))
    leaf = leaves[0] if len(leaves) == 1 else next(rejected, None)
    if leaf is None:
        return error
    for note in getattr(error, "__notes__", ()):
        if note not in getattr(leaf, "__notes__", ()):
            leaf.add_note(note)
    return leaf


def _find_leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for each in group.exceptions:
        if isinstance(each, ExceptionGroup):
            yield from _find_leaves(each)
        else:
            yield each


def _is_cancelled() -> bool:
    """Whether it is this task that was cancelled, and not something that its handler awaited."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _explain_cancelled(delivery: Delivery, error: BaseException) -> HandlerCancelled:
    cancelled = HandlerCancelled(
        f"the handler of {delivery.meta.contract or 'a tombstone'} was cancelled from within",
        help="something that it awaited was cancelled: a task of its own, a connection that closed",
    )
    cancelled.__cause__ = error
    return cancelled
