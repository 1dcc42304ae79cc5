"""Which type, field or symbol after is which before: the same by name, by number, or by what it says it was called."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from registry.schema import Field, Ref, Schema, Symbol

_Part = TypeVar("_Part", Field, Symbol)
_Passes = Sequence[tuple[Callable[[_Part], Hashable], Callable[[_Part], Iterable[Hashable]]]]
"""Ways to find a part again, one after the other: what it is known by before, and what it may answer to after."""


def pair_names(before: Schema, after: Schema) -> dict[str, str]:
    """Old names of types to new ones: equal names, then aliases, then the one root, then equal last names."""
    pairs = {name: name for name in before.types if name in after.types}
    gone = dict.fromkeys(name for name in before.types if name not in pairs)
    fresh = dict.fromkeys(name for name in after.types if name not in pairs)

    def take(old: str, new: str) -> None:
        pairs[old] = new
        del gone[old], fresh[new]

    for new in list(fresh):
        old = next((alias for alias in after.types[new].aliases if alias in gone), None)
        if old is not None:
            take(old, new)
    match before.roots, after.roots:
        case (Ref(old_root),), (Ref(new_root),) if old_root in gone and new_root in fresh:
            take(old_root, new_root)
    for length in (3, 2, 1):  # Order.Line and Cart.Line both moved: the last name alone would not tell them apart
        olds, news = _by_last_names(gone, length), _by_last_names(fresh, length)
        for last, names in olds.items():
            if len(names) == len(news.get(last, ())) == 1:
                take(names[0], news[last][0])
    return pairs


def _by_last_names(names: Iterable[str], length: int) -> dict[tuple[str, ...], list[str]]:
    by_last_names: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        by_last_names.setdefault(tuple(name.split(".")[-length:]), []).append(name)
    return by_last_names


def pair_fields(old: Sequence[Field], new: Sequence[Field]) -> list[tuple[Field | None, Field | None]]:
    """Every field of either side, once, in the order of the new side, what is gone last.

    Avro's by name, then by alias; Protobuf's by number, then by name.
    """
    passes: _Passes[Field] = (
        (_key_of, lambda field: [_key_of(field)]),
        (lambda field: field.name, lambda field: [field.name, *field.aliases]),
    )
    return _pair(old, new, passes)


def _key_of(field: Field) -> Hashable:
    """What finds the field again in what was written."""
    return field.wire.number if field.wire is not None else field.name


def pair_symbols(
    old: Sequence[Symbol], new: Sequence[Symbol], *, numbered: bool
) -> list[tuple[Symbol | None, Symbol | None]]:
    """The same for symbols: by name; where numbers are what is written (``numbered``), then by number."""
    passes: _Passes[Symbol] = (
        (lambda symbol: symbol.name, lambda symbol: [symbol.name]),
        (lambda symbol: symbol.number, lambda symbol: [symbol.number]),
    )
    return _pair(old, new, passes if numbered else passes[:1])


def _pair(
    old: Sequence[_Part], new: Sequence[_Part], passes: _Passes[_Part]
) -> list[tuple[_Part | None, _Part | None]]:
    partners: dict[int, _Part] = {}
    left = list(old)
    for key_of, keys_of in passes:
        waiting = {key_of(part): part for part in reversed(left)}
        for index, part in enumerate(new):
            if index in partners:
                continue
            key = next((key for key in keys_of(part) if key in waiting), None)
            if key is not None:
                partners[index] = waiting.pop(key)
        found = {id(part) for part in partners.values()}
        left = [part for part in left if id(part) not in found]
    pairs: list[tuple[_Part | None, _Part | None]] = [(partners.get(index), part) for index, part in enumerate(new)]
    pairs.extend((part, None) for part in left)
    return pairs
