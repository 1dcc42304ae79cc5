"""One list of operations, applied to what stands where by the schemas alone: do they fit?"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Final
from uuid import UUID

from registry.errors import Flaw
from registry.laws.document import Declared, find_cases, find_literal, find_losses, find_operations
from registry.laws.nodes import Astray, Node, find_pairs, root_of, walk
from registry.laws.side import Side
from registry.serde.conversion.document import Part
from registry.serde.conversion.paths import ITEMS, VALUES, Path
from registry.upgrade import Upgrade

_Place = tuple[str, ...]
_DEEPEST: Final = 12
"""Steps into both schemas; records may hold themselves."""


class Fitting:
    """One list of operations, applied to what stands where by the schema of the version that is read."""

    def __init__(self, upgrade: Upgrade, way: str, source: Side, target: Side, *, derived: bool) -> None:
        self._upgrade = upgrade
        self._way = way
        self._source = source
        self._target = target
        self._derived = derived
        self._operations = find_operations(upgrade.text, way)
        self._root = root_of(source.tree, source.event)
        self._flaws: list[Flaw] = []
        self._literals: list[tuple[Path, Declared, Side]] = []
        self._excused = {
            test.parse_path(key).steps
            for case in find_cases(upgrade.text, way)
            for key, test in case.at("when", case.value["when"]).entries().items()
        }

    def find(self) -> Iterator[Flaw]:
        """Each misfit; of one place the first."""
        self._remove_lost()
        for operation in self._operations:
            try:
                _FIT[operation.name](self, operation)
            except Astray as stray:
                self._say(operation.pointers[0], stray.fact, suggest(stray))
        if not self._flaws:
            self._compare(self._root, root_of(self._target.tree, self._target.event), ())
            self._try_literals()
        whole = f"/{self._way}"
        # A slip in one operation leaves a field without one: that is the same mistake.
        precise = {flaw.location.pointer: flaw for flaw in reversed(self._flaws) if flaw.location.pointer != whole}
        yield from list(precise.values())[::-1] if precise else self._flaws

    # One kind of operation, one method

    def move(self, operation: Declared) -> None:
        """Fields to other places."""
        taken = []
        for before, after, pointer in zip(operation.before, operation.after, operation.pointers, strict=True):
            try:
                taken.append((self._take(before), after, pointer))
            except Astray as stray:
                self._say(pointer, stray.fact, suggest(stray))
        for node, after, pointer in taken:
            self._put(after, node, pointer)

    def enum(self, operation: Declared) -> None:
        """Symbols to others."""
        node = self._change(operation)
        if node is None or node.murky:
            return
        mapped = operation.find("map")
        if node.symbols is None:
            if not node.kinds & {"string"}:
                self._say(operation.pointers[0], self._unfit(operation, node, "enum"))
            return
        for symbol, image in mapped.entries().items():
            if symbol not in node.symbols:
                fact = f"{node.words} of {self._source.label} has no symbol '{symbol}'"
                self._say(image.pointer, fact, nearest(symbol, node.symbols))
        pairs = mapped.entries()
        images = {pairs[each].value if each in pairs else each: _pointer(pairs.get(each)) for each in node.symbols}
        node.become(frozenset({"enum"}), node.words, operation.aim)
        node.symbols = images

    def exchange(self, operation: Declared) -> None:
        """One kind of value to another."""
        node = self._change(operation)
        value = operation.part.value
        scale = operation.name == "scale"
        before = value.get("from", "int") if scale else value["from"]
        if node is not None and not node.murky and before not in node.kinds | _also(node):
            way_out = f"say what it is: from: {min(node.kinds & _NUMBERS)}" if scale and node.kinds & _NUMBERS else ""
            self._say(
                operation.pointers[0], self._unfit(operation, node, f"{before}, which {operation.name} reads"), way_out
            )
        if node is None:
            return
        whole = "." not in str(value.get("by", 1)) and "/" not in str(value.get("by", 1))
        after = value.get("as", "int" if whole else "decimal") if scale else value["as"]
        nullable = node.nullable
        node.become(frozenset({after}), f"made {'an' if after == 'int' else 'a'} {after}", operation.aim)
        node.nullable = nullable

    def wrap(self, operation: Declared) -> None:
        """One value to an array, or an array to one value; only events say more."""
        node = self._change(operation)
        if node is None or node.murky:
            return
        if operation.name == "unwrap" and node.items is None:
            self._say(operation.pointers[0], self._unfit(operation, node, "array"))
        node.become(frozenset(), "made of it", operation.aim)

    def fill(self, operation: Declared) -> None:
        """A value for null."""
        node = self._change(operation)
        if node is not None:
            self._literals.append((operation.after[0], operation, self._target))
            node.pointer, node.nullable = operation.aim, False

    def set(self, operation: Declared) -> None:
        """A field that only the version has that is made."""
        self._put(operation.after[0], Node(), operation.pointers[0])
        self._literals.append((operation.after[0], operation, self._target))

    def drop(self, operation: Declared) -> None:
        """A field that only the version has that is read."""
        if not any(operation.before[0].steps == path.steps for each in self._operations for path in each.after):
            self._literals.append((operation.before[0], operation, self._source))
        self._take(operation.before[0])

    # What they share

    def _change(self, operation: Declared) -> Node | None:
        """The value of an operation on one field, under its new name."""
        before, after = operation.before[0], operation.after[0]
        node = walk(self._root, before, self._source.label)
        if node is not None and before.steps != after.steps:
            self._put(after, self._take(before), operation.aim)
        return node

    def _take(self, path: Path) -> Node | None:
        node = walk(self._root, path, self._source.label)
        holder = walk(self._root, path, self._source.label, -1) if node is not None else None
        if holder is not None and holder.fields is not None:
            del holder.fields[path.steps[-1]]
            holder.record = ""
        return node

    def _put(self, path: Path, node: Node | None, pointer: str) -> None:
        holder: Node | None = self._root
        for step in path.steps[:-1]:
            if holder is None or holder.murky:
                return
            if step not in (ITEMS, VALUES) and holder.fields is not None and step not in holder.fields:
                holder.fields[step] = Node.empty(pointer)
                holder.record = ""
            inner = holder.items if step == ITEMS else holder.values if step == VALUES else None
            holder = inner or (holder.fields or {}).get(step)
        if holder is None or holder.fields is None:
            return
        name = path.steps[-1]
        if name in holder.fields:
            self._say(pointer, f"there is a field '{path.text}' already", "drop it first, or choose another name")
        holder.fields[name] = node or Node()
        holder.fields[name].pointer = pointer
        holder.record = ""

    def _remove_lost(self) -> None:
        """A lost field that no operation names is left out."""
        named = {path.text for each in self._operations for path in each.before}
        if self._way == "down":
            named |= {path.text for each in find_operations(self._upgrade.text, "up") for path in each.after}
        elif not self._derived:
            named |= {path.text for each in find_operations(self._upgrade.text, "down") for path in each.after}
        for path, _ in find_losses(self._upgrade.text, self._way):
            if path.text not in named:
                try:
                    self._take(path)
                except Astray:
                    continue  # told where losses are looked at

    def _try_literals(self) -> None:
        """Values that stand in the document, in an event of the version that is to hold them."""
        for path, operation, side in self._literals:
            later = self._operations[self._operations.index(operation) + 1 :]
            if side is self._target and any(path.steps == each.steps for other in later for each in other.before):
                continue  # something else becomes of it
            if fact := side.refuses(path.steps, find_literal(operation)):
                self._say(operation.find("value").pointer, f"'{path.text}' of {side.label} cannot be that: {fact}")

    def _compare(self, made: Node, wanted: Node, at: _Place) -> None:
        """What the operations made, and what the target's schema has at the same place."""
        if made.murky or wanted.murky:
            return
        if made.nullable and not wanted.nullable and at not in self._excused and self._target.refuses(at, None):
            name, pointer = _spell(at), made.pointer or f"/{self._way}"
            fact = f"'{name}' may be null in {self._source.label}, and may not in {self._target.label}"
            self._say(pointer, fact, f"say what null becomes: fill: {{field: {name}, value: …}}")
            return
        if made.fields is not None and wanted.fields is not None:
            for name, mine, theirs in find_pairs(made, wanted):
                self._compare_field(mine, theirs, (*at, name))
        elif made.items is not None and wanted.items is not None:
            self._compare(made.items, wanted.items, (*at, ITEMS))
        elif made.values is not None and wanted.values is not None:
            self._compare(made.values, wanted.values, (*at, VALUES))
        elif made.symbols is not None and wanted.symbols is not None:
            self._compare_symbols(made, wanted, at)
        elif not made.kinds & wanted.kinds and all(self._target.refuses(at, sample) for sample in _find_samples(made)):
            name, pointer = _spell(at), made.pointer or f"/{self._way}"
            fact = f"'{name}' is {made.words} here, and {wanted.words} in {self._target.label}"
            self._say(pointer, fact, "" if made.pointer else "convert it, or drop the one and set the other")

    def _compare_field(self, mine: Node | None, theirs: Node | None, at: _Place) -> None:
        name, source, target = _spell(at), self._source.label, self._target.label
        if mine is not None and theirs is not None:
            if len(at) <= _DEEPEST:
                self._compare(mine, theirs, at)
        elif mine is not None and mine.pointer:
            holder = walk(root_of(self._target.tree, self._target.event), Path(at, name), target, -1)
            known = (holder.fields if holder is not None else None) or {}
            self._say(mine.pointer, f"{target} has no field '{name}'", nearest(at[-1], known))
        elif mine is not None:
            self._say(
                f"/{self._way}",
                f"nothing takes '{name}' of {source}, which {target} does not have",
                _way_out(self._way, name),
            )
        elif theirs is not None and not theirs.optional:
            fact = f"nothing brings '{name}' of {target}, which has no default"
            self._say(f"/{self._way}", fact, "set it, move something there, or give it a default")
        elif theirs is not None and self._derived and not self._is_lost(at):
            fact = f"on the way down nothing takes '{name}' of {target}, which {source} does not have"
            self._say(f"/{self._way}", fact, f"{_way_out('down', name)}, or say `down: none`")

    def _compare_symbols(self, made: Node, wanted: Node, at: _Place) -> None:
        assert made.symbols is not None and wanted.symbols is not None
        if at in self._excused:
            return
        for symbol, pointer in made.symbols.items():
            if symbol not in wanted.symbols:
                fact = f"{wanted.words} of {self._target.label} has no symbol '{symbol}'"
                way_out = f"map it: enum: {{field: {_spell(at)}, map: {{{symbol}: …}}}}"
                self._say(pointer or made.pointer or f"/{self._way}", fact, nearest(symbol, wanted.symbols) or way_out)

    def _is_lost(self, at: _Place) -> bool:
        return any(path.steps == at[: len(path.steps)] for path, _ in find_losses(self._upgrade.text, "down"))

    def _unfit(self, operation: Declared, node: Node, wanted: str) -> str:
        return f"'{operation.before[0].text}' of {self._source.label} is {node.words}, and no {wanted}"

    def _say(self, pointer: str, fact: str, help: str = "") -> None:
        self._flaws.append(Flaw("converters", fact, self._upgrade.at(pointer), help))


_FIT: Final[Mapping[str, Callable[[Fitting, Declared], None]]] = {
    "rename": Fitting.move,
    "move": Fitting.move,
    "enum": Fitting.enum,
    "scale": Fitting.exchange,
    "convert": Fitting.exchange,
    "wrap": Fitting.wrap,
    "unwrap": Fitting.wrap,
    "fill": Fitting.fill,
    "set": Fitting.set,
    "drop": Fitting.drop,
}
_NUMBERS: Final = frozenset({"int", "float", "decimal", "string"})
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


def _spell(steps: _Place) -> str:
    return "".join(step if step in (ITEMS, VALUES) else f"/{step}" for step in steps).removeprefix("/")


def _pointer(part: Part | None) -> str:
    return part.pointer if part is not None else ""


def _also(node: Node) -> frozenset[str]:
    """A symbol is a text to a converter."""
    return frozenset({"string"}) if node.symbols is not None else frozenset()


def _way_out(way: str, name: str) -> str:
    return f"an operation must take it, or `loss: {{{way}: [{{field: {name}, because: …}}]}}`"


def nearest(word: str, known: Iterable[str]) -> str:
    """What was probably meant, as a question."""
    close = get_close_matches(word, list(known), 1)
    return f"did you mean {close[0]}?" if close else ""


def suggest(stray: Astray) -> str:
    """The way out of a path that leads nowhere."""
    known = ", ".join(stray.known[:12])
    return nearest(stray.name, stray.known) or (f"there are {known}" if known else "")
