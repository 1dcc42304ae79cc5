"""The fast reader: Python source, made of a plan.

One function reads an event, with the records inside it in line; a record that stands in several places has a function
of its own. Of ``record R {string a; array<int> b}`` and its class, the source is::

    def decode(d, i, m):
     start = i
     try:
      o1 = r = new(k0)
      if k := STEP[d[i]]:
       o1.a = d[i + 1:(i := i + k)].decode()
      else:
       o1.a, i = text(d, i)
      v2 = []
      while n := d[i]:
       i += 1
       e3 = 0
       if n & 129:
        n, i, e3 = block(d, i, n, 1)
       for _ in repeat(None, n >> 1):
        n = d[i]
        if n < 128:
         x4 = INTEGER[n]
         i += 1
        elif (k := d[i + 1]) < 128:
         x4 = TWO[k][n]
         i += 2
        else:
         x4, i = integer(d, i + 2, n, k)
        v2.append(x4)
       if e3 and e3 != i:
        raise GaveUp
      i += 1
      o1.b = tuple(v2)
      if i == len(d):
       return r
     except FAILED:
      pass
     r = None
     o1 = None
     v2 = None
     e3 = None
     x4 = None
     return careful(d, start, m)

``d`` are the bytes, ``i`` is the index, ``m`` the envelope, ``l`` the level of nesting; where a long is read, ``e`` is
the last index where eight bytes are left. The common case is in line, the rest is called
(:mod:`registry.serde.avro.pieces`). Nothing is said of what is wrong: that is the careful reader's. No name of a schema
is in the source, but for attributes, and for keys of dicts as literals.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from struct import Struct
from typing import Final

from registry.serde.avro.body import Body
from registry.serde.avro.measure import Measure
from registry.serde.avro.plan import (
    Branches,
    Entries,
    Filled,
    Items,
    Node,
    Object,
    Part,
    Plan,
    Refused,
    Scalar,
    Sized,
    Symbols,
    Unknown,
)
from registry.serde.avro.reading_scalars import read_moment, read_octets, read_scalar, read_sized, read_text

MAX_NESTING: Final = 256
"""As the careful reader has it; each function sees to it for what it reads itself."""
MAX_INDENT: Final = 12
"""Loops and conditions inside each other; Python allows 20 loops. What is deeper has a function of its own."""
MAX_CHAIN: Final = 8
"""Branches that are compared one by one; more are looked up."""
MAX_DEPTH: Final = 30
"""Levels in line: each takes a few frames while the source is made."""


def render_reader(plan: Plan, classes: frozenset[type]) -> tuple[str, dict[str, object]]:
    """The source, and what its names stand for beside :data:`registry.serde.avro.pieces.NAMES` and ``careful``."""
    source = Source(plan, classes)
    body = Body(2)
    source.read(body, plan.root, "r", 1)
    ahead = [" e = len(d) - 8"] if body.looks_ahead else []
    lines = ["def decode(d, i, m):", " start = i", *ahead, " try:", *body.lines]
    lines += ["  if i == len(d):", "   return r", " except FAILED:", "  pass"]
    lines += [f" {name} = None" for name in ("r", *body.names)]  # half an event, before there is another one
    lines += [" return careful(d, start, m)"]
    return "\n".join([*source.functions(), *lines, ""]), source.constants


class Source:
    """The functions beside the first one, and the constants that they all need."""

    __slots__ = ("_classes", "_names", "_pending", "_records", "_tables", "constants", "measure", "plan")

    def __init__(self, plan: Plan, classes: frozenset[type]) -> None:
        self.plan = plan
        self.measure = Measure(plan)
        self.constants: dict[str, object] = {}
        self._classes = classes
        self._names: dict[int, str] = {}
        self._records: dict[int, str] = {}
        self._pending: list[tuple[str, Node]] = []
        self._tables: list[str] = []

    def constant(self, value: object) -> str:
        """The name of a value; the same one for the same object."""
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"k{len(self.constants)}"
            self.constants[name] = value  # which also keeps its identity
        return name

    def read(self, body: Body, node: Node, target: str, level: int) -> None:
        """The lines that read a value, of this level below what the function reads (1 is that itself)."""
        if (isinstance(node, Object) and self.measure.is_shared(node.number)) or (
            (body.indent > MAX_INDENT or level > MAX_DEPTH) and not isinstance(node, Scalar | Sized | Symbols | Refused)
        ):
            self._call(body, self._function_of(node), target, level)
        else:
            body.height = max(body.height, level)
            _READ[type(node)](self, body, node, target, level)

    def _call(self, body: Body, name: str, target: str, level: int) -> None:
        body.line(f"{target or '_'}, i = {name}(d, i, m, {body.level(level - 1)})")

    def _function_of(self, node: Node) -> str:
        """The function that reads a value; for a record there is one."""
        number = node.number if isinstance(node, Object) else -1
        name = self._records.get(number)
        if name is None:
            name = f"f{len(self._pending)}"
            self._pending.append((name, node))
            if number >= 0:
                self._records[number] = name
        return name

    def functions(self) -> list[str]:
        """The lines of all functions that are called, and of those that they call."""
        lines: list[str] = []
        done = 0
        while done < len(self._pending):
            name, node = self._pending[done]
            body = Body(1, "l")
            body.height = 1
            _READ[type(node)](self, body, node, "r", 1)
            lines += [f"def {name}(d, i, m, l):", f" if l > {MAX_NESTING - body.height + 1}:", "  raise GaveUp"]
            lines += [" e = len(d) - 8"] if body.looks_ahead else []
            lines += [*body.lines, " return r, i"]
            done += 1
        return [*lines, *self._tables]

    # One method for each node

    def read_scalar(self, body: Body, node: Node, target: str, _level: int) -> None:
        assert isinstance(node, Scalar)
        read_scalar(body, node, target, self.constant)

    def read_sized(self, body: Body, node: Node, target: str, _level: int) -> None:
        assert isinstance(node, Sized)
        read_sized(body, node, target, self.constant)

    def read_symbol(self, body: Body, node: Node, target: str, _level: int) -> None:
        """A symbol of 64 or more takes two bytes now and then; what is unknown is not in the table."""
        assert isinstance(node, Symbols)
        known = {2 * i: value for i, value in enumerate(node.values) if not isinstance(value, Unknown)}
        table = self.constant(known)
        if len(node.values) <= 64:
            body.line(f"{target or 'n'} = {table}[d[i]]")
            body.line("i += 1")
            return
        self._read_index(body, len(node.values))
        body.line(f"{target or 'n'} = {table}[n]")

    def _read_index(self, body: Body, count: int) -> None:
        body.line("n = d[i]")
        body.line("i += 1")
        if count > 64:
            with body.under("if n > 127:"):
                body.line("n, i = number(d, i, n, 32)")

    def read_branches(self, body: Body, node: Node, target: str, level: int) -> None:
        assert isinstance(node, Branches)
        self._read_index(body, len(node.nodes))
        if len(node.nodes) > MAX_CHAIN:
            functions = [f"{2 * i}: {self._function_of(inner)}" for i, inner in enumerate(node.nodes)]
            table = f"t{len(self._tables)}"
            self._tables.append(f"{table} = {{{', '.join(functions)}}}")
            self._call(body, f"{table}[n]", target, level)
            return
        for i, inner in enumerate(node.nodes):
            with body.under(f"{'elif' if i else 'if'} n == {2 * i}:"):
                self.read(body, inner, target, level)
        if node.nodes:
            with body.under("else:"):
                body.line("raise GaveUp")
        else:
            body.line("raise GaveUp")

    def read_items(self, body: Body, node: Node, target: str, level: int) -> None:
        assert isinstance(node, Items)
        items = body.name("v") if target else ""
        if items:
            body.line(f"{items} = []")
        least = self.measure.least(node.item)
        if not least:
            with body.under("if d[i]:"):  # there may be any number of them: to be counted
                body.line("raise GaveUp")
            body.line("i += 1")
        elif items and (letter := find_letter(node.item)):
            self._read_numbers(body, items, letter)
        else:
            with self._each(body, least):
                item = body.name("x") if items else ""
                self.read(body, node.item, item, level + 1)
                if items:
                    body.line(f"{items}.append({item})")
        if target:
            body.line(f"{target} = {f'tuple({items})' if self.plan.typed else items}")

    def _read_numbers(self, body: Body, items: str, letter: str) -> None:
        """Numbers of one size: all of a block at once."""
        size = _SIZES[letter]
        with self._block(body, size):
            body.line(f"{items} += unpack(f'<{{n >> 1}}{letter}', d, i)")
            body.line(f"i += (n >> 1) * {size}")

    @contextmanager
    def _block(self, body: Body, least: int) -> Iterator[None]:
        """Blocks until one has no items; ``n`` is twice the count."""
        with body.under("while n := d[i]:"):
            body.line("i += 1")
            end = body.name("e")
            body.line(f"{end} = 0")
            with body.under("if n & 129:"):
                body.line(f"n, i, {end} = block(d, i, n, {least})")
            yield
            with body.under(f"if {end} and {end} != i:"):
                body.line("raise GaveUp")
        body.line("i += 1")

    @contextmanager
    def _each(self, body: Body, least: int) -> Iterator[None]:
        with self._block(body, least), body.under("for _ in repeat(None, n >> 1):"):
            yield

    def read_entries(self, body: Body, node: Node, target: str, level: int) -> None:
        """Of two values with one key the last one counts."""
        assert isinstance(node, Entries)
        values = body.name("v") if target else ""
        if values:
            body.line(f"{values} = {{}}")
        with self._each(body, 1 + self.measure.least(node.value)):
            key = body.name("x")
            (read_text if values else read_octets)(body, key if values else "")
            self.read(body, node.value, f"{values}[{key}]" if values else "", level + 1)
        if target:
            body.line(f"{target} = {values}")

    def read_object(self, body: Body, node: Node, target: str, level: int) -> None:
        """A class is made without its constructor, which would look at each argument again."""
        assert isinstance(node, Object)
        parts = self.plan.records[node.number]
        if parts.refused is not None:
            body.line("raise GaveUp")
            return
        targets: dict[str, str] = {}
        attributes = parts.attributes
        if target and parts.cls is not None and attributes is not None:
            made = body.name("o")
            body.line(f"{made} = {'' if target == made else f'{target} = '}new({self.constant(parts.cls)})")
            targets = {key: f"{made}.{name}" for key, name in attributes.items()}
        elif target:
            targets = {key: body.name("x") for key in parts.order}
        for is_packed, group in groupby(
            parts.written, lambda part: part.key in targets and bool(find_letter(part.node))
        ):
            run = [*group]
            if is_packed and len(run) > 1:
                self._read_run(body, run, targets)
                continue
            for part in run:
                self._read_part(body, part, targets, level + 1)
        for filled in parts.filled:
            self._fill(body, filled, targets)
        if target and parts.cls is None:
            items = ", ".join(f"{key!r}: {targets[key]}" for key in parts.order)
            body.line(f"{target} = {{{items}}}")

    def _read_run(self, body: Body, parts: Sequence[Part], targets: Mapping[str, str]) -> None:
        """Numbers of one size that stand beside each other: all of them at once."""
        layout = Struct("<" + "".join(find_letter(part.node) for part in parts))
        unpack = self.constant(layout.unpack_from)
        body.line(f"{', '.join(targets[part.key] for part in parts)} = {unpack}(d, i)")
        body.line(f"i += {layout.size}")

    def _read_part(self, body: Body, part: Part, targets: Mapping[str, str], level: int) -> None:
        if part.role and not part.key:
            kept = read_moment(body, part.node, part.role)
            if not kept:
                self.read(body, part.node, "w", level)
            self._put(body, kept or part.role, "w")
        else:
            # A record that holds nothing but the envelope is read for that, and nobody wants it.
            self.read(body, part.node, targets.get(part.key, ""), level)

    def _fill(self, body: Body, filled: Filled, targets: Mapping[str, str]) -> None:
        if isinstance(filled.value, Refused):
            body.line("raise GaveUp")
            return
        value = self._default(filled.value)
        if filled.role:
            self._put(body, filled.role, value)
        elif filled.key in targets:
            body.line(f"{targets[filled.key]} = {value}")

    def _default(self, value: object) -> str:
        literal = _LITERALS.get(type(value))
        if literal is not None and not value:
            return literal
        return f"renew({self.constant(value)})" if self._can_change(value) else self.constant(value)

    def _can_change(self, value: object) -> bool:
        """Whether somebody who gets the value could change it, or what is in it."""
        if type(value) is tuple:
            return any(map(self._can_change, value))
        return isinstance(value, list | dict) or type(value) in self._classes

    def _put(self, body: Body, role: str, value: str) -> None:
        with body.under("if m is not None:"):
            body.line(f"m.{role} = {value}")

    def read_refused(self, body: Body, _node: Node, _target: str, _level: int) -> None:
        body.line("raise GaveUp")


def find_letter(node: Node) -> str:
    """How struct calls a number of one size; empty for anything else."""
    return _LETTERS.get((node.written, node.read), "") if isinstance(node, Scalar) else ""


_LETTERS: Final[Mapping[tuple[str, str], str]] = {
    ("float", "float"): "f",
    ("float", "double"): "f",
    ("double", "double"): "d",
}
_SIZES: Final[Mapping[str, int]] = {"f": 4, "d": 8}
_LITERALS: Final[Mapping[type, str]] = {list: "[]", dict: "{}", tuple: "()"}

_READ: Final[Mapping[type, Callable[[Source, Body, Node, str, int], None]]] = {
    Scalar: Source.read_scalar,
    Sized: Source.read_sized,
    Symbols: Source.read_symbol,
    Branches: Source.read_branches,
    Items: Source.read_items,
    Entries: Source.read_entries,
    Object: Source.read_object,
    Refused: Source.read_refused,
}
