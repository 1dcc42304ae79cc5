"""Which class stands for which type of an event."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from registry.errors import Flaw
from registry.serde.naming import class_name
from registry.source import Location


class Nameable(NamedTuple):
    """A type that gets a class."""

    full_name: str
    short_name: str
    """What its class is called: ``Author``; of Protobuf's nested ``Outer.Inner`` ``OuterInner``."""
    namespace: str
    at: Location


def name_classes(types: Sequence[Nameable], event: str, suffix: str = "") -> tuple[dict[str, str], list[Flaw]]:
    """The class of each type by its full name, and a flaw for each that meets another.

    A type has its short name. Where two have the same one, the one in the event's namespace keeps it, and others have
    the last parts of their namespaces in front, as few as tell them apart: ``BillingAddress``.
    """
    home = event.rpartition(".")[0]
    groups: dict[str, list[Nameable]] = {}
    for each in types:
        groups.setdefault(class_name(each.short_name), []).append(each)
    names: dict[str, str] = {}
    for name, group in groups.items():
        at_home = [each for each in group if each.namespace == home or not each.namespace] if len(group) > 1 else group
        names |= {each.full_name: name for each in at_home}
        away = [each for each in group if each not in at_home]
        names |= {each.full_name: _qualify(name, each, away, groups) for each in away}
    names = {each.full_name: names[each.full_name] + suffix for each in types}
    return names, list(_find_meetings(types, names))


def _qualify(name: str, own: Nameable, away: Sequence[Nameable], others: Mapping[str, object]) -> str:
    qualified = name
    for count in range(1, own.namespace.count(".") + 2):
        qualified = _in_front(own, count) + name
        same = [each for each in away if each is not own and _in_front(each, count) + name == qualified]
        if not same and qualified not in others:
            break
    return qualified


def _in_front(type_: Nameable, count: int) -> str:
    words = "_".join(type_.namespace.split(".")[-count:]).split("_")
    return "".join(word[:1].upper() + word[1:] for word in words)


def _find_meetings(types: Sequence[Nameable], names: Mapping[str, str]) -> Iterator[Flaw]:
    seen: dict[str, Nameable] = {}
    for each in types:
        name = names[each.full_name]
        other = seen.setdefault(name, each)
        if other is not each:
            yield meeting(f"the class {name}", other.full_name, other.at, each.full_name, each.at)


def meeting(what: str, first: str, first_at: Location, second: str, second_at: Location) -> Flaw:
    """The flaw of two names of a schema that are one in Python."""
    message = f"{what} would stand for {first} ({first_at}) and for {second}"
    help_ = "rename one of them, release that, and pin the service to versions that have the new name"
    return Flaw("invalid", message, second_at, help_)
