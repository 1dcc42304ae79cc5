"""Observers are told, and what they raise stops nothing."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from registry.kafka.observer import Observer, Observers
from registry.serde.delivery import Delivery

LOG: Final = logging.getLogger("registry.kafka")

Calls = tuple[Callable[..., Any], ...]
"""The same method of several observers."""
Entered = list[tuple[Callable[..., Any], AbstractContextManager[object]]]
"""What surrounds an attempt, each with the method that gave it."""


def render_error(error: BaseException) -> str:
    """``ValueError: no stock``, for a line of its own."""
    text = find_text(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def find_text(error: BaseException) -> str:
    """What an error says. A handler's own class of errors may fail to tell, and that is told instead."""
    try:
        return str(error)
    except Exception as flaw:
        return f"no text, since its __str__ raised {type(flaw).__name__}"


def find_calls(observers: Observers, name: str) -> Calls:
    """The methods of this name that do something: those that an observer left as they are cost nothing."""
    idle = getattr(Observer, name)
    return tuple(getattr(each, name) for each in observers if getattr(type(each), name, idle) is not idle)


def tell(calls: Calls, *facts: object) -> None:
    """Calls each; what one raises is logged."""
    for call in calls:
        try:
            call(*facts)
        except Exception:
            _log(call)


@contextmanager
def watching(calls: Calls, delivery: Delivery) -> Iterator[None]:
    """Surrounds one attempt with what ``handling`` of each observer gives; it sees what the attempt raises."""
    entered: Entered = []
    for call in calls:
        try:
            manager = call(delivery)
            manager.__enter__()
            entered.append((call, manager))
        except Exception:
            _log(call)
    try:
        yield
    except BaseException as error:
        _leave(entered, error)
        raise
    _leave(entered, None)


def _leave(entered: Entered, error: BaseException | None) -> None:
    for call, manager in reversed(entered):
        try:
            manager.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
        except Exception as raised:
            if raised is not error:  # a generator's manager lets pass what it was given
                _log(call)


def _log(call: Callable[..., Any]) -> None:
    LOG.exception("the observer %r raised, and what it watches goes on", getattr(call, "__self__", call))
