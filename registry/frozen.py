"""``@dataclass(frozen=True, slots=True)`` of the standard library, made in a tenth of the time.

The hook runs on each commit and makes fifty classes of facts at import. The standard decorator compiles half a dozen
methods for each of them and makes the class a second time for its slots; that was a fifth of the whole run. Here the
constructor is compiled, and the other methods are shared. Type checkers see the standard decorator.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass", "field", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    _MISSING: Final = object()

    class field:  # named as what it stands for
        """What is to be said of one field: its default, and whether it counts for equality and in the text."""

        __slots__ = ("compare", "default", "default_factory", "repr")

        def __init__(self, *, default=_MISSING, default_factory=None, compare=True, repr=True) -> None:
            self.default = default
            self.default_factory = default_factory
            self.compare = compare
            self.repr = repr

    def dataclass(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """The decorator, for classes that are frozen, have slots and inherit from no other."""
        assert frozen and slots
        return _make

    def replace(instance: Any, /, **changes: Any) -> Any:
        """A copy with some fields changed. Raises :class:`TypeError` for a name that is none of a field."""
        return type(instance)(**{name: getattr(instance, name) for name in instance.__slots__} | changes)

    def _make(cls: type) -> type:
        body = dict(vars(cls))
        fields = {name: _describe(body.pop(name, _MISSING)) for name in cls.__annotations__}
        names: dict[str, Any] = {"_MISSING": _MISSING}
        compared = [name for name, each in fields.items() if each.compare]
        shared = {
            "__slots__": tuple(fields),
            "__match_args__": tuple(fields),
            "__init__": _make_constructor(cls.__name__, fields, names),
            "__eq__": _are_equal,
            "__hash__": _hash,
            "__repr__": _show,
            "__setattr__": _refuse,
            "__delattr__": _refuse,
            "__reduce__": _reduce,
            "_compared": attrgetter(*compared) if compared else type,
            "_shown": tuple(name for name, each in fields.items() if each.repr),
        }
        own = {name: value for name, value in body.items() if name not in {"__dict__", "__weakref__"}}
        made = type(cls)(cls.__name__, cls.__bases__, shared | own)
        # The setters of the slots themselves: `object.__setattr__` would look each up, and take half as long again.
        names.update((f"_set_{name}", vars(made)[name].__set__) for name in fields)
        return made

    def _describe(default: Any) -> field:
        return default if isinstance(default, field) else field(default=default)

    def _make_constructor(name: str, fields: dict[str, field], names: dict[str, Any]) -> Callable[..., None]:
        parameters, lines = [], ["pass"]
        for each, said in fields.items():
            parameters.append(each if said.default is _MISSING and not said.default_factory else f"{each}=_of_{each}")
            value = each
            names[f"_of_{each}"] = said.default
            if said.default_factory:
                names[f"_new_{each}"] = said.default_factory
                value = f"_new_{each}() if {each} is _MISSING else {each}"
            lines.append(f"_set_{each}(self, {value})")
        source = f"def __init__(self, {', '.join(parameters)}):\n " + "\n ".join(lines)
        exec(source, names)
        names["__init__"].__qualname__ = f"{name}.__init__"  # what a wrong call is told of
        return names["__init__"]

    def _are_equal(self: Any, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self is other or self._compared(self) == self._compared(other)

    def _hash(self: Any) -> int:
        return hash(self._compared(self))

    def _show(self: Any) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._shown)})"

    def _reduce(self: Any) -> tuple[Any, ...]:
        """How ``copy`` and ``pickle`` make another one: by the constructor, as no attribute can be set."""
        return type(self), tuple(getattr(self, name) for name in self.__slots__)

    def _refuse(self: Any, name: str, *_value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: '{name}' stays as it is")
