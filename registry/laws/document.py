"""The operations of a document, each with the paths that it names and its place in upgrade.yaml."""

from collections.abc import Iterator
from typing import Any, Final

from registry.frozen import dataclass
from registry.serde.conversion.document import Part, parse_document
from registry.serde.conversion.operations import Losses, parse_operation
from registry.serde.conversion.paths import Path

_MOVES: Final = frozenset({"rename", "move"})


@dataclass(frozen=True, slots=True)
class Declared:
    """One operation as it stands in the document, which is known to be valid."""

    name: str
    part: Part
    """What it says, below its name."""
    before: tuple[Path, ...]
    """The fields that it names of the version that is read, and of the one that is made."""
    after: tuple[Path, ...]
    pointers: tuple[str, ...]
    """Where each pair of them stands."""

    @property
    def pointer(self) -> str:
        """The item of the list."""
        return self.part.pointer.rpartition("/")[0]

    @property
    def aim(self) -> str:
        """Where the field is named that it makes."""
        return f"{self.part.pointer}/to" if "to" in self.part.value and self.name not in _MOVES else self.pointers[0]

    def find(self, key: str) -> Part:
        """One of its entries."""
        return self.part.at(key, self.part.value[key])


def find_operations(text: str, way: str) -> list[Declared]:
    """The operations of a list, ``up`` or ``down``; none where there is no such list."""
    document = parse_document(text)
    listed = document.value.get(way)
    if not isinstance(listed, list):
        return []
    return [_read(part) for part in document.at(way, listed).items()]


def _read(part: Part) -> Declared:
    ((name, inner),) = part.entries().items()
    if name in _MOVES:
        pairs = [(entry.parse_path(key), entry.path(), entry.pointer) for key, entry in inner.entries().items()]
        before, after, pointers = zip(*pairs, strict=True)
        return Declared(name, inner, before, after, pointers)
    field = inner.at("field", inner.value["field"])
    path = field.path()
    to = inner.at("to", inner.value["to"]).path() if "to" in inner.value else path
    before, after = () if name == "set" else (path,), () if name == "drop" else (to,)
    return Declared(name, inner, before, after, (field.pointer,))


def find_losses(text: str, way: str) -> Iterator[tuple[Path, str]]:
    """The fields for which a loss is declared, each with its place."""
    document = parse_document(text)
    for index, entry in enumerate((document.value.get("loss") or {}).get(way) or ()):
        part = Part(entry["field"], f"/loss/{way}/{index}/field")
        yield part.path(), part.pointer


def find_cases(text: str, way: str) -> list[Part]:
    """The cases of ``unrepresentable``."""
    document = parse_document(text)
    cases = (document.value.get("unrepresentable") or {}).get(way) or []
    return Part(cases, f"/unrepresentable/{way}").items()


def find_literal(operation: Declared) -> object:
    """The value of an operation, as it comes into an event."""
    value = {key: each for key, each in operation.part.value.items() if key in ("value", "as")}
    made: dict[str, Any] = {}
    parse_operation(Part({"set": {"field": "it", **value}}), Losses({}, {})).up(made)
    return made["it"]
