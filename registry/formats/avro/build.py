"""The second pass: JSON to the tree, one definition after the other from a worklist."""

from collections import deque
from collections.abc import Iterator

from registry.errors import Fix, Flaw
from registry.formats.avro.logical import parse_logical
from registry.formats.avro.names import NAMED, PRIMITIVES, qualify
from registry.formats.avro.names_in_files import NamesInFiles, Place, shorten
from registry.schema import Array, Field, Logical, Map, Named, Primitive, Ref, Type, Union
from registry.source import Location


class Build:
    """The second pass: the tree so far, and the definitions that still wait."""

    __slots__ = ("_queue", "_wanted", "defaulted", "flaws", "names", "notes", "references", "types")

    def __init__(self, names: NamesInFiles) -> None:
        self.names = names
        self.types: dict[str, Named] = {}
        self.flaws = list(names.flaws)
        self.notes: list[Flaw] = []
        self.references: dict[tuple[str, str], Location] = {}
        self._queue: deque[Place] = deque()
        self._wanted: set[str] = set()
        self.defaulted: list[Field] = []

    def root(self, path: str, name: str | None) -> Type:
        """The type that is asked for; a flaw if the file has no such type."""
        value, at = self.names.roots[path]
        if name is None:
            return self.type(value, at, "")
        place = self.names.definitions.get(name)
        places = self.names.doubles.get(name, [place] if place else [])
        here = next((place for place in places if place.at.path == path), None)
        if here is None:
            defined = [full for full, place in self.names.definitions.items() if place.at.path == path]
            listed = ", ".join(defined[:5]) + (", …" if len(defined) > 5 else "") if defined else "no named type"
            self.flaw(f"defines {listed}, not {name}", at, "correct the name here, or in ownership.yaml")
            return Primitive("null", at)
        return self._use(name, here.at)

    def find_waiting(self) -> Iterator[Place]:
        """The definitions that are wanted and not built, until none is left; building one may want more."""
        while self._queue:
            yield self._queue.popleft()

    def want(self, place: Place) -> None:
        """Puts a definition on the worklist, once."""
        if place.definition.name not in self._wanted:
            self._wanted.add(place.definition.name)
            self._queue.append(place)

    def flaw(self, message: str, at: Location, help_: str = "") -> None:
        """Notes what makes the schema invalid."""
        self.flaws.append(Flaw("invalid", message, at, help_))

    def note(self, message: str, at: Location, help_: str = "", fix: Fix | None = None) -> None:
        """Notes what deserves a word."""
        self.notes.append(Flaw("note", message, at, help_, fix))

    def type(self, value: object, at: Location, namespace: str) -> Type:
        """A type where one is wanted. Arrays, maps and wrappers are followed in a loop, unions by recursion.

        Where there is none the flaw is noted, and ``null`` stands in: a schema with flaws is never handed out.
        """
        start = at
        outer: list[tuple[type[Array] | type[Map], Location]] = []
        while True:
            if isinstance(value, str):
                type_: Type = Primitive(value, at) if value in PRIMITIVES else self._reference(value, at, namespace)
                break
            if isinstance(value, list):
                type_ = self._union(value, at, namespace)
                break
            if not isinstance(value, dict):
                self.flaw("no type: expected a name, an object or an array", at)
                return Primitive("null", start)
            kind = value.get("type")
            if isinstance(kind, dict | list):
                if "logicalType" in value:
                    self.note_beside(value, kind, at)
                value, at = kind, at.at("type")
            elif kind in ("array", "map"):
                part, wrap = ("items", Array) if kind == "array" else ("values", Map)
                if part not in value:
                    self.flaw(f"the {kind} has no '{part}'", at)
                    return Primitive("null", start)
                self.logical(value, kind, at)
                outer.append((wrap, at))
                value, at = value[part], at.at(part)
            elif not isinstance(kind, str):
                self.flaw("no type: the object has no 'type' that is a name, an object or an array", at)
                return Primitive("null", start)
            elif kind in PRIMITIVES:
                type_ = Primitive(kind, at, self.logical(value, kind, at))
                break
            elif kind in NAMED:
                type_ = self._defined(value, kind, at)
                break
            else:
                type_ = self._reference(kind, at, namespace)
                break
        for wrap, place in reversed(outer):
            type_ = wrap(type_, place)
        return type_

    def _defined(self, value: dict[str, object], kind: str, at: Location) -> Type:
        full_name = self.names.names.get(id(value))
        if full_name is None:
            self.flaw(f"the {kind} has no name", at)
            return Primitive("null", at)
        return self._use(full_name, at)

    def _reference(self, name: str, at: Location, namespace: str) -> Type:
        place = self.names.resolve(name, namespace, at.path)
        if place is not None:
            self.references.setdefault((at.path, place.at.path), at)
            return self._use(place.definition.name, at)
        similar = list(self.names.find_similar(name))[:3]
        shown = qualify(name, namespace)
        if name in ("array", "map", "record", "enum", "fixed"):
            help_ = f'write it as an object: {{"type": "{name}", …}}'
        elif similar:
            help_ = f"did you mean {' or '.join(similar)}?"
        else:
            help_ = "add the file that defines it, or correct the name"
        shown = shown if len(shown) <= 200 else f"{shown[:200]}…"
        self.flaws.append(Flaw("missing-reference", f"no file defines {shown}", at, help_))
        return Primitive("null", at)

    def _use(self, full_name: str, at: Location) -> Ref:
        if full_name in self.names.doubles and full_name not in self._wanted:
            places = self.names.doubles[full_name]
            listed = " and ".join(str(place.at) for place in places[:4])
            help_ = "rename one of them, or keep one definition and refer to it"
            self.flaws.append(Flaw("ambiguous-reference", f"{full_name} is defined at {listed}", at, help_))
        self.want(self.names.definitions[full_name])
        return Ref(full_name, at)

    def _union(self, branches: list[object], at: Location, namespace: str) -> Union:
        types: list[Type] = []
        seen: set[str] = set()
        for i, value in enumerate(branches):
            place = Location(at.path, f"{at.pointer}/{i}", at.find)
            flawless = len(self.flaws)
            branch = self.type(value, place, namespace)
            kind = branch.name if isinstance(branch, Primitive | Ref) else type(branch).__name__.lower()
            if isinstance(branch, Union):
                self.flaw("a union stands directly in a union", place, "put its branches into the outer one")
            elif kind in seen and flawless == len(self.flaws):
                self.flaw(f"the union has two branches of type {kind}", place, DOUBLE_BRANCH)
            seen.add(kind)
            types.append(branch)
        return Union(tuple(types), at)

    def logical(self, value: dict[str, object], base: str, at: Location, size: int = 0) -> Logical | None:
        """The logical type of an object; one that has no effect is noted."""
        if "logicalType" not in value:
            return None
        logical = parse_logical(value, base, size)
        if isinstance(logical, str):
            message = f"logical type {shorten(value['logicalType'])} {logical}: it is ignored"
            self.note(message, at.at("logicalType"))
            return None
        return logical

    def note_beside(self, value: dict[str, object], type_: object, at: Location) -> None:
        """A logical type that stands beside the type it is meant for, and not inside."""
        inside = type_.get("logicalType") if isinstance(type_, dict) else None
        if inside is None or inside != value["logicalType"]:
            message = f"logicalType {shorten(value['logicalType'])} stands beside the type and has no effect"
            help_ = 'put it inside: {"type": {"type": …, "logicalType": …}}'
            plain = isinstance(type_, str) and isinstance(parse_logical(value, type_), Logical)
            fix = Fix("logical_type", (str(value["logicalType"]),)) if plain else None
            self.note(message, at.at("logicalType"), help_, fix)


DOUBLE_BRANCH = "wrap one of them in a record: a union tells its branches apart by type, and records by name"
"""The way out of a union that has a type twice; a logical type does not tell two branches apart."""
