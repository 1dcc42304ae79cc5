"""The values of an enum: members of a class, or names where there is none."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from registry.serde.errors import EncodeError, UnfitStub
from registry.serde.naming import member_name
from registry.serde.protobuf.leaves import CHECKS, refuse

_check_number = CHECKS["int32"]


class Open(dict[int, Any]):
    """The values of an open enum by number: a number that is none of them stays a number."""

    __slots__ = ()

    def __missing__(self, number: int) -> int:
        return number


def find_values(enum: Any, class_: type | None) -> Mapping[int, Any]:
    """The values by number; a number with two names has the first one. Raises :class:`UnfitStub`."""
    values: dict[int, Any] = {} if enum.is_closed else Open()
    for value in enum.values:
        if value.number in values:
            continue
        if class_ is None:
            values[value.number] = value.name
            continue
        member = getattr(class_, member_name(value.name), None)
        if not isinstance(member, class_) or getattr(member, "value", None) != value.number:
            raise UnfitStub(
                f"{class_.__name__} has no member {member_name(value.name)} with the value {value.number}",
                "make the stubs again: contracts gen",
            )
        values[value.number] = member
    return values


def make_number(enum: Any, class_: type[Any] | None) -> Callable[[Any], int]:
    """The function that takes what an enum's field may be given as, and returns its number.

    With a class: its members, and numbers where the enum is open. Without: names, and numbers, those of the enum alone
    where it is closed. It raises :class:`EncodeError`.
    """
    names: dict[str, int] = {value.name: value.number for value in enum.values}
    known = frozenset(names.values())
    called = class_.__name__ if class_ is not None else enum.full_name

    def number_of(value: Any) -> int:
        if class_ is not None and isinstance(value, class_):
            return cast(int, value.value)
        if class_ is None and isinstance(value, str):
            if value not in names:
                raise EncodeError(f"'{value}' is no value of {called}")
            return names[value]
        if (class_ is not None and enum.is_closed) or not isinstance(value, int) or isinstance(value, bool):
            raise refuse(value, called, class_)
        number: int = _check_number(value)
        if enum.is_closed and number not in known:
            raise EncodeError(f"{number} is no value of {called}")
        return number

    return number_of
