"""What is being handled: the correlation id and the event that everything published now is caused by.

It travels by a context variable: asyncio tasks inherit it, threads do not, so work for another thread goes through
:func:`bind` or :class:`registry.serde.executor.ContextExecutor`. The consumer sets it for each record.
"""

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any, Final, ParamSpec, TypeVar

from registry.serde.errors import EnvelopeError
from registry.serde.identity import new_id
from registry.serde.meta import Meta

_P = ParamSpec("_P")
_T = TypeVar("_T")

Cause = tuple[str, str | None]
"""A correlation id, and the id of the event being handled, if one is."""

HANDLED: Final[ContextVar[Cause | None]] = ContextVar("registry.serde.handled", default=None)

Trace = tuple[tuple[str, bytes], ...]
"""Trace context as headers: ``traceparent``, and ``tracestate`` where there is one (W3C Trace Context)."""

TRACE_HEADERS: Final = ("traceparent", "tracestate")
TRACE: Final[ContextVar[Trace]] = ContextVar("registry.serde.trace", default=())
"""Those of the record being handled; they are passed on as they came, and never made up."""
_TRACERS: Final[list[Callable[[Meta], Trace]]] = []


_Before = tuple[Cause | None, Any]
"""What was in force before, and what before that: the rest of them is of this type too."""
_BEFORE: Final[ContextVar[_Before | None]] = ContextVar("registry.serde.before", default=None)


def current_correlation() -> str | None:
    """The correlation id in force here; ``None`` outside of any."""
    cause = HANDLED.get()
    return cause[0] if cause else None


def trace_with(find: Callable[[Meta], Trace] | None) -> None:
    """Lets a tracer say which trace context an event carries, instead of that of the record being handled.

    The function is given the envelope of each event that is written. There is one in a process; ``None`` takes it away.
    """
    _TRACERS[:] = [find] if find else []


def find_trace(meta: Meta) -> Trace:
    """The trace context that an event written here carries; empty for none."""
    return _TRACERS[0](meta) if _TRACERS else TRACE.get()


class correlation:  # used like a function, as contextlib's managers are
    """``with correlation(request_id):`` everything published inside belongs to it.

    For the edge of the system: a request that came in, a job that was started. Without an id a new one is made;
    ``with correlation() as made`` tells which. Raises :class:`EnvelopeError` for an id that is empty or no text.
    """

    __slots__ = ("_id",)

    def __init__(self, id: str | None = None) -> None:
        made = new_id() if id is None else id
        if not isinstance(made, str) or not made:
            raise EnvelopeError(f"a correlation id is a text that is not empty, not {made!r}")
        self._id = made

    def __enter__(self) -> str:
        within = HANDLED.get()
        # What was before is kept in the context too: threads and tasks may enter one manager at the same time.
        _BEFORE.set((within, _BEFORE.get()))
        HANDLED.set((self._id, within[1] if within else None))
        return self._id

    def __exit__(self, *_: object) -> None:
        before, further = _BEFORE.get() or (None, None)
        HANDLED.set(before)
        _BEFORE.set(further)


def bind(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """The function, to be called from any thread in the context of here and now.

    The whole context is carried, as :func:`asyncio.to_thread` does; what the function changes in it stays its own.
    """
    context = copy_context()

    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        # A context can be entered by one thread at a time, and the function may be called by many.
        return context.copy().run(function, *args, **kwargs)

    wrapped: Any = run
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        if (value := getattr(function, name, None)) is not None:
            setattr(wrapped, name, value)
    return run
