"""The first pass: what every file defines, and what a name means where it is used."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from registry.errors import Flaw, InvalidSchema
from registry.formats.avro.json_text import locate, parse_json
from registry.formats.avro.names import PRIMITIVES, is_dotted_name, is_name, qualify, short_name
from registry.formats.avro.outline import Definition, scan_names
from registry.source import Location


class Place(NamedTuple):
    """A definition in its file."""

    definition: Definition
    at: Location


class NamesInFiles:
    """The parsed files with every definition in them."""

    __slots__ = ("_by_short_name", "definitions", "doubles", "flaws", "names", "roots", "softer")

    def __init__(self, files: Mapping[str, str]) -> None:
        self.roots: dict[str, tuple[object, Location]] = {}
        """The JSON of each file."""
        self.definitions: dict[str, Place] = {}
        """By full name; of several, the first in the order of paths."""
        self.doubles: dict[str, list[Place]] = {}
        """Full names that more than one file defines."""
        self.names: dict[int, str] = {}
        """The full name of each definition, by the identity of its JSON object."""
        self.flaws: list[Flaw] = []
        self._by_short_name: dict[str, list[str]] = {}
        self.softer: list[Flaw] = []
        """Flaws that a released schema may have."""
        for path in sorted(files):  # the order in which files are given means nothing
            try:
                self.roots[path] = parse_json(files[path], path), locate(path, files[path])
            except InvalidSchema as error:
                self.flaws += error.flaws
        for path, (root, at) in self.roots.items():
            self._add_file(path, root, at)

    def _add_file(self, path: str, root: object, top: Location) -> None:
        here: dict[str, Location] = {}
        for definition in scan_names(root)[0]:
            at = Location(path, definition.pointer, top.find)
            self._judge_name(definition, at)
            self.names[id(definition.value)] = definition.name
            if definition.name in here:
                message = f"{definition.name} is defined twice, first at {here[definition.name]}"
                self.flaws.append(Flaw("invalid", message, at))
                continue
            here[definition.name] = at
            place = Place(definition, at)
            first = self.definitions.setdefault(definition.name, place)
            if first is not place:
                self.doubles.setdefault(definition.name, [first]).append(place)

    def _judge_name(self, definition: Definition, at: Location) -> None:
        value = definition.value
        name, namespace = str(value["name"]), value.get("namespace")
        if not is_dotted_name(name):
            self.flaws.append(Flaw("invalid", f"{shorten(name)} is no name", at.at("name"), GRAMMAR))
        elif name in PRIMITIVES:
            self.flaws.append(Flaw("invalid", f"'{name}' is a primitive type and cannot be redefined", at.at("name")))
        elif short_name(name) in PRIMITIVES:
            message = f"'{short_name(name)}' is a primitive type in every namespace and cannot be redefined"
            self.softer.append(Flaw("invalid", message, at.at("name")))
        if namespace is not None and not (isinstance(namespace, str) and (not namespace or is_dotted_name(namespace))):
            self.flaws.append(Flaw("invalid", f"{shorten(namespace)} is no namespace", at.at("namespace"), GRAMMAR))

    def resolve(self, name: str, namespace: str, path: str) -> Place | None:
        """The definition that a name means in a namespace.

        A name without a dot that its namespace does not know may be one of the null namespace in the same file: the
        specification leaves no other way to write such a reference, and Java reads it so.
        """
        place = self.definitions.get(qualify(name, namespace))
        if place is None and namespace and "." not in name:
            alone = self.definitions.get(name)
            return alone if alone is not None and alone.at.path == path else None
        return place

    def find_similar(self, name: str) -> Iterator[str]:
        """Names that may have been meant: the same short name elsewhere, or a primitive in other letters."""
        if not self._by_short_name:
            for full_name in (*sorted(PRIMITIVES), *sorted(self.definitions)):
                self._by_short_name.setdefault(short_name(full_name).casefold(), []).append(full_name)
        yield from self._by_short_name.get(short_name(name).casefold(), ())


GRAMMAR = "a name starts with a letter or _ and goes on with letters, digits and _; dots separate namespaces"
"""What to say of a name that is none."""

MAX_QUOTE = 80
"""Characters of a bad name that are still shown."""


def shorten(name: object) -> str:
    """A value as somebody wrote it, cut where it is long."""
    text = repr(name)
    return text if len(text) <= MAX_QUOTE else f"{text[:MAX_QUOTE]}…"


def judge_plain_name(name: object, what: str, at: Location) -> Flaw | None:
    """The flaw of a field's or a symbol's name, which has no dots."""
    if isinstance(name, str) and is_name(name):
        return None
    return Flaw("invalid", f"{shorten(name)} is no name for a {what}", at, GRAMMAR.partition(";")[0])
