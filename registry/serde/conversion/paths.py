"""Paths of converters: where in a plain value an operation works.

``author/name`` is a field of a record, ``levels[]/delta`` one of each item of an array, ``prices{}`` each value of a
map. What is null or absent on the way, or is no such container (another branch of a union), is passed over. Containers
are copied as they are entered, so that the value that was given stays as it was.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from registry.frozen import dataclass

ITEMS: Final = "[]"
VALUES: Final = "{}"
MAX_STEPS: Final = 32

_PART: Final = re.compile(r"([A-Za-z_]\w*|\[[\w.]+\])((?:\[\]|\{\})*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Path:
    """The steps to a value: names of fields, and :data:`ITEMS` or :data:`VALUES` for each one of many."""

    steps: tuple[str, ...]
    text: str

    @property
    def repeated(self) -> tuple[str, ...]:
        """The steps up to the last container of many; empty if there is none."""
        last = max((i + 1 for i, step in enumerate(self.steps) if step in (ITEMS, VALUES)), default=0)
        return self.steps[:last]

    @property
    def single(self) -> tuple[str, ...]:
        """The names after :attr:`repeated`; empty where the path ends in a container of many."""
        return self.steps[len(self.repeated) :]


def parse_path(text: str) -> Path:
    """The path that a text means. Raises :class:`ValueError` with the fact."""
    steps: list[str] = []
    for part in text.split("/"):
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError(f"{text!r} is no path of fields, such as author/name or levels[]/delta")
        name, many = found.groups()
        steps += [name, *(many[i : i + 2] for i in range(0, len(many), 2))]
    if len(steps) > MAX_STEPS:
        raise ValueError(f"the path has more than {MAX_STEPS} steps")
    return Path(tuple(steps), text)


def find_holders(
    holder: Any, steps: tuple[str, ...], at: str = "", *, absent: bool = False
) -> Iterator[tuple[Any, Any, str]]:
    """Each place at the end of a path: the container, the key in it, and the path for a message.

    The containers are copies and may be written to. With ``absent``, a field that a record lacks is a place as well.
    """
    step, rest = steps[0], steps[1:]
    for key in _find_keys(holder, step, absent=absent and not rest):
        place = at + _show(step, key)
        if not rest:
            yield holder, key, place
        elif (inner := _copy(holder[key], rest[0])) is not None:
            holder[key] = inner
            yield from find_holders(inner, rest, place, absent=absent)


def find_records(root: dict[str, Any], steps: tuple[str, ...]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each record at the end of a path, which may be written to, and its path for a message."""
    if not steps:
        yield root, ""
        return
    for holder, key, place in find_holders(root, steps):
        record = _copy(holder[key], "")
        if record is not None:
            holder[key] = record
            yield record, place


def _find_keys(holder: Any, step: str, *, absent: bool) -> list[Any]:
    if step == ITEMS:
        return list(range(len(holder)))
    if step == VALUES:
        return list(holder)
    return [step] if absent or step in holder else []


def _copy(value: Any, step: str) -> Any:
    """A copy of the container that a step leads into; nothing if the value is none of that kind."""
    if step == ITEMS:
        return list(value) if isinstance(value, list | tuple) else None
    return dict(value) if isinstance(value, dict) else None


def _show(step: str, key: object) -> str:
    from json import dumps

    return f"[{key}]" if step == ITEMS else f"{{{dumps(str(key))}}}" if step == VALUES else f"/{key}"
