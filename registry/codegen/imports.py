"""What generated modules import, and under which names.

Everything has an underscore in front, so that fields called ``str``, ``field`` or ``datetime`` shadow nothing.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

IMPORTS: Final[dict[str, str]] = {
    "abstractmethod": "abc",
    "bool": "builtins",
    "bytes": "builtins",
    "classmethod": "builtins",
    "dict": "builtins",
    "float": "builtins",
    "int": "builtins",
    "str": "builtins",
    "Mapping": "collections.abc",
    "Sequence": "collections.abc",
    "dataclass": "dataclasses",
    "field": "dataclasses",
    "UTC": "datetime",
    "date": "datetime",
    "datetime": "datetime",
    "time": "datetime",
    "timedelta": "datetime",
    "Decimal": "decimal",
    "Enum": "enum",
    "Never": "typing",
    "UUID": "uuid",
    "serde": "registry",
}
"""Each name with the module that it is imported from, in the order that import sorters like."""


_is_builtin: Final = re.compile(r"[a-z].*|.*(Error|Exception|Warning|Exit|Interrupt|Iteration)|Ellipsis").fullmatch


def find_builtin_like(classes: Iterable[str]) -> frozenset[str]:
    """Classes called as Python's own may be, ``str`` or ``TimeoutError``: before they are defined, mypy takes the other
    one. By their looks, because every version of Python has some more."""
    return frozenset(name for name in classes if _is_builtin(name))


class Names:
    """The module-wide names of one generated module: an underscore in front, and one behind where the schema has that
    name too. No name of a schema has both (:mod:`registry.serde.naming`)."""

    __slots__ = ("_invented", "_taken", "_used")

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = frozenset(taken)
        self._used: set[str] = set()
        self._invented: set[str] = set()

    def reserve(self, name: str) -> str:
        """The name of a variable or function of the module itself."""
        return f"_{name}_" if f"_{name}" in self._taken else f"_{name}"

    def invent(self, name: str) -> str:
        """The name of one more variable or function, which no other call gave."""
        name = self.reserve(name)
        while name in self._invented:
            name += "_"
        self._invented.add(name)
        return name

    def use(self, name: str) -> str:
        """The alias of a key of :data:`IMPORTS`, which is then imported."""
        self._used.add(name)
        return self.reserve(name)

    def render_imports(self) -> Iterator[str]:
        """The lines that import what was used, the standard library first."""
        for name, module in IMPORTS.items():
            if name in self._used and module != "registry":
                yield f"from {module} import {name} as {self.reserve(name)}"
        if "serde" in self._used:
            yield ""
            yield f"import registry.serde as {self.reserve('serde')}"
