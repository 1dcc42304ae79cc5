"""The step from one version to the next: its document, both versions, and the two ways between them."""

from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from json import dumps, loads
from typing import Any

from registry.errors import Flaw
from registry.laws.document import Declared, find_literal, find_losses, find_operations
from registry.laws.law import Passage
from registry.laws.misfits import find_misfits
from registry.laws.places import Place
from registry.laws.side import Side
from registry.laws.ways import make_ways
from registry.serde.conversion import BadConversion, compile_conversion
from registry.serde.conversion.paths import Path, parse_path
from registry.source import Location
from registry.upgrade import Upgrade


class Step:
    """From ``older`` to ``newer`` and back, by the converters that ``upgrade`` declares.

    ``key`` is the path of the message's key, as ownership.yaml names it.
    """

    def __init__(self, upgrade: Upgrade, older: Side, newer: Side, key: str = "") -> None:
        self.upgrade = upgrade
        self.older = older
        self.newer = newer
        self._key = key

    @property
    def label(self) -> str:
        """``v1 -> v2``."""
        return f"{self.older.label} -> {self.newer.label}"

    @property
    def words(self) -> str:
        """The document as JSON."""
        return self.upgrade.text

    @property
    def operations(self) -> int:
        """How many the document has."""
        return len(self._declared["up"]) + len(self._declared["down"])

    @cached_property
    def flaws(self) -> list[Flaw]:
        """What is wrong with the document, by itself or by the schemas; empty where events may be tried."""
        try:
            compile_conversion(self.words, self.older.schema, self.newer.schema)
        except BadConversion as error:
            return [Flaw("converters", error.fact, self.upgrade.at(error.pointer), error.help)]
        return list(find_misfits(self.upgrade, self.older, self.newer))

    @cached_property
    def passages(self) -> list[Passage]:
        """The way up, and the way down where there is one. Not to be asked where there are :attr:`flaws`."""
        conversion = compile_conversion(self.words, self.older.schema, self.newer.schema)
        up, down = make_ways(self.upgrade, conversion, self.older, self.newer, self.find_place)
        keys = self._find_keys()
        lost = {way: tuple(path for path, _ in find_losses(self.words, way)) for way in ("up", "down")}
        passages = [Passage("up", up, down, lost["up"], keys, self.find_place)]
        if down is not None:
            passages.append(Passage("down", down, up, lost["down"], (keys[1], keys[0]), self.find_place))
        return passages

    def find_named(self, way: str) -> set[str]:
        """The paths that the document names of the version that a way starts from."""
        lost = {path.text for path, _ in find_losses(self.words, way)}
        mine, other = self._declared[way], self._declared["down" if way == "up" else "up"]
        before = (path.text for each in mine for path in each.before)
        return lost | set(before) | {path.text for each in other for path in each.after}

    def find_meant(self, way: str) -> list[tuple[Path, object]]:
        """The fields that only the version has that a way starts from, with what they say to the other one."""
        other = self._declared["down" if way == "up" else "up"]
        found = [(each.before[0], find_literal(each)) for each in self._declared[way] if each.name == "drop"]
        return found + [(each.after[0], find_literal(each)) for each in other if each.name == "set"]

    def find_place(self, path: str) -> Location:
        """Where the operation stands that names a path of an event, of either version, or something around it."""
        steps = _split(path)
        best: tuple[int, str] = (0, "/up")
        for operation in chain(self._declared["up"], self._declared["down"]):
            for index, pointer in enumerate(operation.pointers):
                for paths in (operation.before, operation.after):
                    depth = _meet(paths[index], steps) if paths else 0
                    best = max(best, (depth, pointer), key=lambda each: each[0])
        return self.upgrade.at(best[1])

    # Losses

    def find_losses(self) -> Iterator[tuple[str, int, str]]:
        """Each declared loss: way, number, and the field."""
        for way in ("up", "down"):
            for index, (path, _) in enumerate(find_losses(self.words, way)):
                yield way, index, path.text

    def without_loss(self, way: str, index: int) -> "Step | None":
        """The step without one declaration; nothing where the document needs it to make sense."""
        document: Any = loads(self.words)
        del document["loss"][way][index]
        step = Step(Upgrade(dumps(document), self.upgrade.path, self.upgrade.places), self.older, self.newer, self._key)
        try:
            compile_conversion(step.words, self.older.schema, self.newer.schema)
        except BadConversion:
            return None
        return step

    # What stands in the document

    @cached_property
    def _declared(self) -> dict[str, list[Declared]]:
        return {way: find_operations(self.words, way) for way in ("up", "down")}

    def _find_keys(self) -> tuple[Place, Place]:
        """Where the message's key stands in both versions; an operation may give it another name."""
        if not self._key:
            return (), ()
        path = parse_path(self._key.replace(".", "/"))
        sides = [path if _has(side, path) else None for side in (self.older, self.newer)]
        for operation in self._declared["up"]:
            for before, after in zip(operation.before, operation.after, strict=False):
                if sides[0] is None and after.steps == path.steps:
                    sides[0] = before
                if sides[1] is None and before.steps == path.steps:
                    sides[1] = after
        older, newer = sides
        return (older.steps if older else (), newer.steps if newer else ())


def _has(side: Side, path: Path) -> bool:
    return any(_reaches(event, path.steps) for event in side.made[:50])


def _reaches(event: Any, steps: tuple[str, ...]) -> bool:
    for step in steps:
        if not isinstance(event, dict) or step not in event:
            return False
        event = event[step]
    return True


def _split(path: str) -> tuple[str, ...]:
    """``/levels[2]/delta{"EUR"}`` as steps of converters."""
    import re

    text = re.sub(r'\{(?:"(?:[^"\\]|\\.)*"|[^}]*)\}', "/{}", re.sub(r"\[\d+\]", "/[]", path))
    return tuple(text.split("/")[1:])


def _meet(path: Path, steps: tuple[str, ...]) -> int:
    """How many steps a path and a place have in common, where one leads to the other."""
    common = 0
    for mine, theirs in zip(path.steps, steps, strict=False):
        if mine not in (theirs, "{}"):
            return 0
        common += 1
    return common
