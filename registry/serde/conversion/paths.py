"""Paths of converters: where in a plain value an operation works.

``author/name`` is a field of a record, ``levels[]/delta`` one of each item of an array, ``prices{}`` each value of a
map. Null on the way is passed over. What is absent, or no such container, is an error, because a slip of the pen would
look the same; ``body?/headline?`` says that the body may be something else than a record, and that the record may lack
the field, as the branches of a union do.

Containers are copied as they are entered, so that the value that was given stays as it was.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from registry.described import describe_python
from registry.frozen import dataclass, replace
from registry.serde.conversion.errors import Inconvertible

ITEMS: Final = "[]"
VALUES: Final = "{}"
MAX_STEPS: Final = 32

_PART: Final = re.compile(r"([A-Za-z_]\w*|\[[\w.]+\])(\??)((?:\[\]|\{\})*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Path:
    """The steps to a value: names of fields, and :data:`ITEMS` or :data:`VALUES` for each one of many."""

    steps: tuple[str, ...]
    text: str
    """Without question marks."""
    loose: frozenset[int] = frozenset()
    """The steps that may lead nowhere."""

    @property
    def repeated(self) -> tuple[str, ...]:
        """The steps up to the last container of many; empty if there is none."""
        last = max((i + 1 for i, step in enumerate(self.steps) if step in (ITEMS, VALUES)), default=0)
        return self.steps[:last]

    @property
    def single(self) -> tuple[str, ...]:
        """The names after :attr:`repeated`; empty where the path ends in a container of many."""
        return self.steps[len(self.repeated) :]

    @property
    def may_lack(self) -> bool:
        """Whether a step after :attr:`repeated` may lead nowhere."""
        return any(index >= len(self.repeated) for index in self.loose)


def parse_path(text: str) -> Path:
    """The path that a text means. Raises :class:`ValueError` with the fact."""
    steps: list[str] = []
    loose: set[int] = set()
    for part in text.split("/"):
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError(f"{text!r} is no path of fields, such as author/name or levels[]/delta")
        name, mark, many = found.groups()
        start = len(steps)
        steps += [name, *(many[i : i + 2] for i in range(0, len(many), 2))]
        loose.update(range(start, len(steps)) if mark else ())
    if len(steps) > MAX_STEPS:
        raise ValueError(f"the path has more than {MAX_STEPS} steps")
    return Path(tuple(steps), text.replace("?", ""), frozenset(loose))


def loosen(path: Path) -> Path:
    """The same path, where each step inside the item may lead nowhere."""
    return replace(path, loose=path.loose | set(range(len(path.repeated), len(path.steps))))


def find_holders(event: dict[str, Any], path: Path) -> Iterator[tuple[Any, Any, str]]:
    """Each place at the end of a path: the container, the key in it, and the path for a message.

    The containers are copies and may be written to. Raises :class:`Inconvertible` where the path leads nowhere.
    """
    return _find(event, path, 0, len(path.steps), "")


def find_records(event: dict[str, Any], path: Path, end: int) -> Iterator[tuple[dict[str, Any], str]]:
    """Each record after the first steps of a path, which may be written to, and its path for a message."""
    if not end:
        yield event, ""
        return
    for holder, key, place in _find(event, path, 0, end, ""):
        record = _enter(holder, key, "", place, loose=end - 1 in path.loose)
        if record is not None:
            yield record, place


def _find(holder: Any, path: Path, index: int, end: int, at: str) -> Iterator[tuple[Any, Any, str]]:
    step = path.steps[index]
    keys = range(len(holder)) if step == ITEMS else list(holder) if step == VALUES else (step,)
    for key in keys:
        place = at + _show(step, key)
        if step not in (ITEMS, VALUES) and step not in holder:
            if index not in path.loose:
                raise Inconvertible(f"there is no field '{step}'", place, _MAY_LACK)
        elif index + 1 == end:
            yield holder, key, place
        else:
            inner = _enter(holder, key, path.steps[index + 1], place, loose=index in path.loose)
            if inner is not None:
                yield from _find(inner, path, index + 1, end, place)


_MAY_LACK: Final = "where a branch of a union lacks it, say so: a question mark behind the name"
_CONTAINERS: Final = {ITEMS: "array", VALUES: "map"}


def _enter(holder: Any, key: Any, step: str, place: str, *, loose: bool) -> Any:
    """A copy of the container that a step leads into, in its place; nothing for null, and where nothing is expected."""
    value = holder[key]
    inner: Any = None
    if isinstance(value, list | tuple) if step == ITEMS else isinstance(value, dict):
        inner = holder[key] = list(value) if step == ITEMS else dict(value)
    elif value is not None and not loose:
        raise Inconvertible(f"{describe_python(value)} is no {_CONTAINERS.get(step, 'record')}", place)
    return inner


def _show(step: str, key: object) -> str:
    if step == ITEMS:
        return f"[{key}]"
    if step == VALUES:
        from json import dumps

        return f"{{{dumps(str(key))}}}"
    return f"/{key}"
