"""Mappings and sets whose contents are made when somebody asks: of a thousand contracts few are looked at closely."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Lazy(Mapping[_Key, _Value], Generic[_Key, _Value]):
    """A mapping whose keys are known, and whose values are made one by one."""

    __slots__ = ("_keys", "_made", "_make")

    def __init__(self, keys: Sequence[_Key], make: Callable[[_Key], _Value]) -> None:
        self._keys = dict.fromkeys(keys)
        self._make = make
        self._made: dict[_Key, _Value] = {}

    def __getitem__(self, key: _Key) -> _Value:
        if key not in self._made:
            if key not in self._keys:
                raise KeyError(key)
            self._made[key] = self._make(key)
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class Late(Mapping[_Key, _Value], Generic[_Key, _Value]):
    """A mapping that is made as a whole, with the first question to it."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Mapping[_Key, _Value]]) -> None:
        self._make = make
        self._made: Mapping[_Key, _Value] | None = None

    def _all(self) -> Mapping[_Key, _Value]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __getitem__(self, key: _Key) -> _Value:
        return self._all()[key]

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class LateSet(Set[_Key], Generic[_Key]):
    """A set that is made as a whole, with the first question to it."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Set[_Key]]) -> None:
        self._make = make
        self._made: Set[_Key] | None = None

    def _all(self) -> Set[_Key]:
        if self._made is None:
            self._made = self._make()
        return self._made

    def __contains__(self, key: object) -> bool:
        return key in self._all()

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())
