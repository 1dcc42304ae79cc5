"""A value as JSON for people, the whole of it or what lies on a path; what JSON has no form for stands as its text."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Final
from uuid import UUID

from registry.formats.avro.reference import Duration

ITEM: Final = "[]"
"""The step to the first item of an array."""
ENTRY: Final = "{}"
"""The step to the first value of a map; every other step is the name of a field."""
MAX_END: Final = 60
"""Characters of what stands at the end of a path that are still written out."""
MAX_DIGITS: Final = 1000
"""Digits of a decimal that are written without an exponent."""

_INFINITE: Final = {float("inf"): '"Infinity"', float("-inf"): '"-Infinity"'}


def render_value(value: object) -> str:
    """The value as JSON: bytes as in Avro's own JSON encoding (``"\\u00ff"``), moments as in ISO 8601, decimals and
    what is no finite number as strings."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_quote(key)}: {render_value(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(render_value, value))}]"
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        return repr(value) if isfinite(value) else _INFINITE.get(value, '"NaN"')
    if isinstance(value, bytes):
        return json.dumps(value.decode("latin-1"))
    return _quote(_text(value))


def _quote(text: str) -> str:
    """A string whose letters stay as they are in every script; what cannot be seen is escaped."""
    if text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    inner = (json.dumps(char, ensure_ascii=not char.isprintable())[1:-1] for char in text)
    return f'"{"".join(inner)}"'


def _text(value: object) -> str:
    if isinstance(value, Duration):
        seconds, rest = divmod(value.milliseconds, 1000)
        return f"P{value.months}M{value.days}DT{seconds}{f'.{rest:03}' if rest else ''}S"
    if isinstance(value, Decimal):
        _, digits, exponent = value.as_tuple()
        is_short = isinstance(exponent, int) and len(digits) + abs(exponent) <= MAX_DIGITS
        return format(value, "f") if is_short else str(value)
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat(timespec=_precision(value))
        return text if value.tzinfo is None else f"{text}Z"
    if isinstance(value, time):
        return value.isoformat(_precision(value))
    if isinstance(value, date):
        return value.isoformat()
    assert isinstance(value, str | UUID)
    return str(value)


def _precision(moment: datetime | time) -> str:
    return "milliseconds" if moment.microsecond and moment.microsecond % 1000 == 0 else "auto"


def follow(value: object, path: Sequence[str]) -> Iterator[object]:
    """The value, and what lies inside it along a path; of arrays and maps the first."""
    yield value
    for step in path:
        if step == ITEM:
            assert isinstance(value, list)
            value = value[0]
        else:
            assert isinstance(value, dict)
            value = next(iter(value.values())) if step == ENTRY else value[step]
        yield value


def render_excerpt(value: object, path: Sequence[str]) -> str:
    """What lies on the path alone, with ``…`` for the rest: ``{"order": {"items": [{"price": 16777217}], …}}``."""
    *outer, end = follow(value, path)
    text = _render_end(end)
    for holder, step in zip(reversed(outer), reversed(path), strict=True):
        if step == ITEM:
            text = f"[{text}]"
        else:
            assert isinstance(holder, dict)
            key = next(iter(holder)) if step == ENTRY else step
            text = f"{{{_quote(key)}: {text}{', …' if len(holder) > 1 else ''}}}"
    return text


def _render_end(value: object) -> str:
    """A record at the end keeps its first fields as far as they are short: something should be seen of it."""
    whole = render_value(value)
    if len(whole) <= MAX_END or not isinstance(value, dict):
        return whole
    shown: list[str] = []
    room = MAX_END
    for name, inner in value.items():
        part = f"{_quote(name)}: {render_value(inner)}"
        room -= len(part) + 2
        if room < 0:
            break
        shown.append(part)
    return f"{{{', '.join([*shown, '…'])}}}"
