"""What the other version cannot express, as the document declares it: when, and what then."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from registry.described import describe_python
from registry.frozen import dataclass
from registry.serde.conversion.document import Part
from registry.serde.conversion.errors import DEAD_LETTER, HOLD, Inconvertible
from registry.serde.conversion.paths import Path, find_holders

_SUBSTITUTE: Final = "substitute"
_Test = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """One case: events that it fits are held, dead letters, or read as if they said something else."""

    tests: tuple[tuple[Path, _Test], ...]
    then: str
    substitutes: tuple[tuple[Path, Any], ...] = ()

    def apply(self, event: dict[str, Any]) -> None:
        """Substitutes in an event that is the caller's own copy. Raises :class:`Inconvertible`."""
        found: list[tuple[str, Any]] = []
        for path, test in self.tests:
            fitting = [(at, holder[key]) for holder, key, at in find_holders(event, path) if test(holder[key])]
            if not fitting:
                return
            found += fitting
        if self.then != _SUBSTITUTE:
            at, value = found[0]
            raise Inconvertible(f"the other version cannot express {describe_python(value)}", at, then=self.then)
        tests = {path.steps: test for path, test in self.tests}
        for path, value in self.substitutes:
            for holder, key, _ in find_holders(event, path):
                # Of many items only those that fit the case are to be replaced.
                if not path.repeated or tests[path.steps](holder[key]):
                    holder[key] = deepcopy(value)


def parse_condition(part: Part) -> Condition:
    """A case of the document. Raises :class:`registry.serde.conversion.errors.BadConversion`."""
    fields = part.fields(("when",), ("then", "with"))
    tests = [(fields["when"].parse_path(key), _parse_test(entry)) for key, entry in fields["when"].entries().items()]
    then = fields["then"].one_of((HOLD, DEAD_LETTER, _SUBSTITUTE)) if "then" in fields else HOLD
    if (then == _SUBSTITUTE) is not ("with" in fields):
        part.refuse("'substitute' and 'with' stand together", "then: substitute, with: {currency: EUR}")
    substitutes: list[tuple[Path, Any]] = []
    tested = {path.steps for path, _ in tests}
    for key, entry in fields["with"].entries().items() if "with" in fields else ():
        path = entry.parse_path(key)
        if path.repeated and path.steps not in tested:
            entry.refuse(f"{key} is one of many, and 'when' does not say which of them")
        substitutes.append((path, entry.plain()))
    return Condition(tuple(tests), then, tuple(substitutes))


def _parse_test(part: Part) -> _Test:
    if not isinstance(part.value, dict):
        return _equal_to(_parse_literal(part))
    tests = [_TESTS[Part(key, entry.pointer).one_of(_TESTS)](entry) for key, entry in part.entries().items()]
    return lambda value: all(test(value) for test in tests)


def _parse_literal(part: Part) -> object:
    if isinstance(part.value, dict | list):
        part.refuse("a value to compare with is a text, a number, true, false or null")
    return part.value


def _parse_not(part: Part) -> _Test:
    test = _parse_in(part) if isinstance(part.value, list) else _equal_to(_parse_literal(part))
    return lambda value: not test(value)


def _parse_in(part: Part) -> _Test:
    tests = [_equal_to(_parse_literal(each)) for each in part.items()]
    return lambda value: any(test(value) for test in tests)


def _parse_above(part: Part) -> _Test:
    limit = _parse_limit(part)
    return lambda value: (number := _to_number(value)) is not None and number > limit


def _parse_below(part: Part) -> _Test:
    limit = _parse_limit(part)
    return lambda value: (number := _to_number(value)) is not None and number < limit


def _parse_limit(part: Part) -> int | Decimal:
    limit = _to_number(part.value)
    if limit is None:
        part.refuse("a limit is a number")
    return limit


_TESTS: Final[Mapping[str, Callable[[Part], _Test]]] = {
    "not": _parse_not,
    "in": _parse_in,
    "above": _parse_above,
    "below": _parse_below,
}


def _equal_to(literal: object) -> _Test:
    number = _to_number(literal)

    def test(value: Any) -> bool:
        if number is not None:
            return _to_number(value) == number
        if isinstance(value, UUID):
            value = str(value)
        return type(value) is type(literal) and bool(value == literal)

    return test


def _to_number(value: object) -> int | Decimal | None:
    """A number as its shortest decimal text says it; what is not finite is none."""
    if isinstance(value, float):
        value = Decimal(repr(value))
    if type(value) is int or (isinstance(value, Decimal) and value.is_finite()):
        return value
    return None
