"""One list of operations, applied to what stands where by the schemas alone: do they fit?"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from registry.errors import Flaw
from registry.laws.comparing import Comparing
from registry.laws.document import Declared, find_literal, find_losses, find_operations
from registry.laws.nodes import Astray, Node, nearest, root_of, suggest, walk
from registry.laws.side import Side
from registry.serde.conversion.document import Part
from registry.serde.conversion.paths import ITEMS, VALUES, Path
from registry.upgrade import Upgrade


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

    def find(self) -> Iterator[Flaw]:
        """Each misfit; of one place the first."""
        self._remove_lost()
        for operation in self._operations:
            try:
                _FIT[operation.name](self, operation)
            except Astray as stray:
                self._say(operation.pointers[0], stray.fact, suggest(stray))
        if not self._flaws:
            sides = self._source, self._target
            self._flaws += Comparing(self._upgrade, self._way, *sides, derived=self._derived).find(self._root)
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


def _pointer(part: Part | None) -> str:
    return part.pointer if part is not None else ""


def _also(node: Node) -> frozenset[str]:
    """A symbol is a text to a converter."""
    return frozenset({"string"}) if node.symbols is not None else frozenset()
