"""What a list of operations made, beside what the version that it leads to has at the same place."""

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from registry.errors import Flaw
from registry.laws.document import find_cases, find_losses
from registry.laws.nodes import Node, find_pairs, nearest, root_of, spell_steps, walk
from registry.laws.side import Side
from registry.serde.conversion.paths import ITEMS, VALUES, Path
from registry.upgrade import Upgrade

_Place = tuple[str, ...]


class Comparing:
    """One direction; ``derived`` where the way back follows from the operations, so that nothing may be left for it."""

    def __init__(self, upgrade: Upgrade, way: str, source: Side, target: Side, *, derived: bool) -> None:
        self._upgrade = upgrade
        self._way = way
        self._source = source
        self._target = target
        self._derived = derived
        self._excused = {
            test.parse_path(key).steps
            for case in find_cases(upgrade.text, way)
            for key, test in case.at("when", case.value["when"]).entries().items()
        }
        self._lost = {path.steps for path, _ in find_losses(upgrade.text, "down")}
        self._singled_out = {steps[:count] for steps in self._excused | self._lost for count in range(len(steps) + 1)}
        """Places of which the document says something, and those around them."""
        self._waiting: deque[tuple[Node, Node, _Place]] = deque()

    def find(self, root: Node) -> Iterator[Flaw]:
        """Each misfit of an event that the operations were applied to, the outermost first."""
        self._waiting.append((root, root_of(self._target.tree, self._target.event), ()))
        seen: set[tuple[str, str, bool]] = set()
        while self._waiting:
            made, wanted, at = self._waiting.popleft()
            if made.murky or wanted.murky:
                continue
            if made.nullable and not wanted.nullable and at not in self._excused and self._target.refuses(at, None):
                name = spell_steps(at)
                fact = f"'{name}' may be null in {self._source.label}, and may not in {self._target.label}"
                yield self._tell(made.pointer, fact, f"say what null becomes: fill: {{field: {name}, value: …}}")
                continue
            if made.record and wanted.record and made.is_untouched and at not in self._singled_out:
                # Two records fit here as they fit elsewhere; those that hold themselves would have no end.
                pair = made.record, wanted.record, self._is_lost(at)
                if pair in seen:
                    continue
                seen.add(pair)
            yield from self._compare(made, wanted, at)

    def _compare(self, made: Node, wanted: Node, at: _Place) -> Iterator[Flaw]:
        if made.fields is not None and wanted.fields is not None:
            for name, mine, theirs in find_pairs(made, wanted):
                yield from self._compare_field(mine, theirs, (*at, name))
        elif made.items is not None and wanted.items is not None:
            self._waiting.append((made.items, wanted.items, (*at, ITEMS)))
        elif made.values is not None and wanted.values is not None:
            self._waiting.append((made.values, wanted.values, (*at, VALUES)))
        elif made.symbols is not None and wanted.symbols is not None:
            yield from self._compare_symbols(made, wanted, at)
        elif not made.kinds & wanted.kinds and all(self._target.refuses(at, sample) for sample in _find_samples(made)):
            fact = f"'{spell_steps(at)}' is {made.words} here, and {wanted.words} in {self._target.label}"
            yield self._tell(
                made.pointer, fact, "" if made.pointer else "convert it, or drop the one and set the other"
            )

    def _compare_field(self, mine: Node | None, theirs: Node | None, at: _Place) -> Iterator[Flaw]:
        name, source, target = spell_steps(at), self._source.label, self._target.label
        if mine is not None and theirs is not None:
            self._waiting.append((mine, theirs, at))
        elif mine is not None and mine.pointer:
            holder = walk(root_of(self._target.tree, self._target.event), Path(at, name), target, -1)
            known = (holder.fields if holder is not None else None) or {}
            yield self._tell(mine.pointer, f"{target} has no field '{name}'", nearest(at[-1], known))
        elif mine is not None:
            fact = f"nothing takes '{name}' of {source}, which {target} does not have"
            yield self._tell("", fact, _way_out(self._way, name))
        elif theirs is not None and not theirs.optional:
            fact = f"nothing brings '{name}' of {target}, which has no default"
            yield self._tell("", fact, "set it, move something there, or give it a default")
        elif theirs is not None and self._derived and not self._is_lost(at):
            fact = f"on the way down nothing takes '{name}' of {target}, which {source} does not have"
            yield self._tell("", fact, f"{_way_out('down', name)}, or say `down: none`")

    def _compare_symbols(self, made: Node, wanted: Node, at: _Place) -> Iterator[Flaw]:
        assert made.symbols is not None and wanted.symbols is not None
        if at in self._excused:
            return
        for symbol, pointer in made.symbols.items():
            if symbol not in wanted.symbols:
                fact = f"{wanted.words} of {self._target.label} has no symbol '{symbol}'"
                way_out = f"map it: enum: {{field: {spell_steps(at)}, map: {{{symbol}: …}}}}"
                yield self._tell(pointer or made.pointer, fact, nearest(symbol, wanted.symbols) or way_out)

    def _is_lost(self, at: _Place) -> bool:
        return any(steps == at[: len(steps)] for steps in self._lost)

    def _tell(self, pointer: str, fact: str, help: str = "") -> Flaw:
        """At the place of an operation; of the whole list where no operation had to do with it."""
        return Flaw("converters", fact, self._upgrade.at(pointer or f"/{self._way}"), help)


_SAMPLES: Final[Mapping[str, tuple[object, ...]]] = {
    **dict.fromkeys(("int", "seconds", "millis", "micros"), (1, 0)),
    "float": (1.0, 0.5),
    "decimal": (Decimal(0), Decimal(1), Decimal("0.1"), Decimal("0.01")),
    "string": ("", "a", "1", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    "uuid": (UUID(int=1),),
    "bytes": (b"", b"\1", bytes(16)),
    "timestamp": (datetime(2026, 1, 2, tzinfo=UTC),),
    "date": (date(2026, 1, 2),),
    "bool": (True,),
}
"""Values of each kind that operations make; a schema that takes none of them does not fit."""


def _find_samples(node: Node) -> Iterator[object]:
    if node.symbols is not None:
        yield from node.symbols
    elif node.fields is not None:
        yield {}
    elif node.items is not None:
        yield []
    elif node.values is not None:
        yield {}
    else:
        for kind in sorted(node.kinds):
            yield from _SAMPLES.get(kind, ())


def _way_out(way: str, name: str) -> str:
    return f"an operation must take it, or `loss: {{{way}: [{{field: {name}, because: …}}]}}`"
