"""The commonest wrong values, and what to write instead: one line, for the error that refuses them."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, Final
from uuid import UUID

from registry.described import describe_python

_MOST_MEMBERS: Final = 8
_TELLING: Final = (UUID, Decimal, date, time, timedelta)
"""Classes whose values look in a message like a text or a number."""


def describe_given(value: object, expected: type | None) -> str:
    """A value that was refused; with its class, where it looks as if it were one of ``expected``."""
    shown = describe_python(value)
    looks_right = type(value) in (str, int, float) and expected in (*_TELLING, datetime)
    if (looks_right or type(value) in (UUID, Decimal)) and type(value) is not expected:
        return f"the {type(value).__name__} {shown}"
    return shown


def describe_classes(value: object, expected: type) -> str:
    """The sentence that an object is of another class: with the modules, where the two have one name."""
    given = type(value)
    if given.__name__ != expected.__name__:
        return f"{describe_given(value, expected)} is no {expected.__name__}"
    return f"an object of {given.__module__}.{given.__name__} is no {expected.__module__}.{expected.__name__}"


def advise(value: object, expected: type | None) -> str:
    """What to write instead of a value that is none of a class; empty where nobody can know."""
    if expected is None or isinstance(value, bool):
        return ""
    given = type(value)
    if given.__name__ == expected.__name__ and given is not expected:
        return f"import {expected.__name__} from {expected.__module__}: each event has classes of its own"
    if issubclass(expected, Enum):
        return _advise_member(value, expected)
    for wrong, advice in _ADVICE.get(expected, ()):
        if isinstance(value, wrong):
            return advice(value)
    if isinstance(value, dict) and expected.__module__ != "builtins":
        return f"make it of its class: {expected.__name__}(…)"
    return ""


def _advise_member(value: object, expected: type[Enum]) -> str:
    for member in expected:
        if _stands_for(value, member):
            return f"{expected.__name__}.{member.name}"
    names = [f"{expected.__name__}.{member.name}" for member in expected]
    return f"one of {', '.join(names)}" if 0 < len(names) <= _MOST_MEMBERS else ""


def _stands_for(value: object, member: Enum) -> bool:
    """Whether a value is what a member stands for, or its name."""
    return type(value) in (str, int) and value in (member.value, member.name)


def _call(name: str) -> Callable[[Any], str]:
    return lambda value: f"{name}({describe_python(value)})"


def _say(text: str) -> Callable[[Any], str]:
    return lambda _: text


_Wrong = type | UnionType
_ADVICE: Final[dict[type, tuple[tuple[_Wrong, Callable[[Any], str]], ...]]] = {
    UUID: ((str, _call("UUID")), (bytes, _say("UUID(bytes=…)"))),
    Decimal: (
        (float, lambda value: f"Decimal({str(value)!r}): a float is not exactly what it looks like"),
        (int | str, _call("Decimal")),
    ),
    datetime: (
        (datetime, _say("give it a zone, as datetime.now(UTC) has one")),
        (date, _say("a day is no moment: datetime(…, tzinfo=UTC)")),
        (int | float, _say("datetime.fromtimestamp(…, UTC)")),
        (str, _say("datetime.fromisoformat(…), with a zone")),
    ),
    date: ((datetime, _say("its .date()")), (str, _call("date.fromisoformat"))),
    time: ((datetime, _say("its .time()")), (str, _call("time.fromisoformat"))),
    timedelta: ((int | float, _say("timedelta(seconds=…)")),),
    bytes: (
        (str, _say("encode() makes bytes of a text")),
        (bytearray | memoryview, _say("bytes(…)")),
        (UUID, _say("its .bytes")),
    ),
    str: ((UUID, _say("str(…)")), (bytes, _say("decode() makes a text of it")), (Enum, _say("its .value"))),
    int: ((float | Decimal | str, _say("int(…), if that is what is meant")), (Enum, _say("its .value"))),
    float: ((Decimal | str, _say("float(…), if that is what is meant")),),
}
"""By the class that is wanted: wrong ones, with what helps."""
