"""A model written as schema files: plainly, or in one of the many ways that mean the same."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

from registry.formats import avro
from registry.schema import Schema
from tests.avro_schemas import NAMESPACES, PRIMITIVES, Json, Model, find_reachable, find_sites

ROOT: Final = "root.avsc"

Use = tuple[str, int]
"""One use of a name: in whose definition, and which use there, counted in the order of the text."""


def parse_model(model: Model, seed: int | None = None, *, split: bool = False) -> Schema:
    """The schema of a model, spelled plainly or by the dice of ``seed``."""
    files = spell(model, seed, split=split)
    return avro.parse(files, [ROOT], strict=not split)  # split files may need each other in a circle


def spell(model: Model, seed: int | None = None, *, split: bool = False) -> dict[str, str]:
    """The files of a model. Without a seed: one file, full names, short aliases, each type defined where first used.

    With one: definitions move to other places of use, names are spelled in any way that means the same, keys are in any
    order, whitespace is anywhere. ``split`` gives some types a file of their own, and files any order.
    """
    dice = None if seed is None else Random(seed)
    writer = _Writer(model, dice, _choose_homes(model, dice, _choose_files(model, dice) if split else {}))
    files = {path: writer.file(name) for path, name in writer.files}
    order = list(files)
    if dice:
        dice.shuffle(order)
    return {path: writer.text(files[path]) for path in order}


def plain_json(model: Model) -> Json:
    """The plain spelling as JSON, for other people's parsers."""
    return json.loads(spell(model)[ROOT])


@dataclass
class _Homes:
    """Where each type is defined."""

    files: dict[str, str] = field(default_factory=dict)
    """Path by full name, of the types that have a file."""
    uses: dict[str, Use] = field(default_factory=dict)
    """The use that holds the definition, of the others."""


def _choose_files(model: Model, dice: Random | None) -> dict[str, str]:
    """Which types get a file. None if a name of the null namespace would be needed across files: it cannot be said."""
    names = find_reachable(model)
    if dice is None or len({"." in name for name in names}) > 1:
        return {}
    return {name: f"{dice.randrange(10)}/{name}.avsc" for name in names if dice.random() < 0.5}


def _choose_homes(model: Model, dice: Random | None, files: dict[str, str]) -> _Homes:
    """A tree over the uses: each type has one home that can be reached from a file."""
    uses = _uses_by_owner(model)
    homes = _Homes(files)
    frontier = [(use, name) for owner in ("", *files) for use, name in uses.get(owner, ())][::-1]
    while frontier:
        i = dice.randrange(len(frontier)) if dice else len(frontier) - 1
        use, name = frontier.pop(i)
        if name not in homes.uses and name not in files:
            homes.uses[name] = use
            frontier += uses.get(name, [])[::-1]
    return homes


def _uses_by_owner(model: Model) -> dict[str, list[tuple[Use, str]]]:
    uses: dict[str, list[tuple[Use, str]]] = {}
    for site in find_sites(model):
        if isinstance(site.type, str) and site.type not in PRIMITIVES:
            mine = uses.setdefault(site.owner, [])
            mine.append(((site.owner, len(mine)), site.type))
    return uses


class _Writer:
    """The spelling of one model."""

    def __init__(self, model: Model, dice: Random | None, homes: _Homes) -> None:
        self._model = model
        self._dice = dice
        self._homes = homes
        self._used: dict[str, Iterator[int]] = {}
        self.files = [(ROOT, ""), *((path, name) for name, path in homes.files.items())]

    def file(self, name: str) -> Json:
        """What stands in the file of a type, or in that of the root."""
        return self._definition(name, "") if name else self._type(self._model.root[0], "", "")

    def text(self, value: Json) -> str:
        """JSON; with dice, keys in any order and whitespace anywhere."""
        if self._dice is None:
            return json.dumps(value)
        indent = self._dice.choice((None, 1, "\t"))
        return json.dumps(self._shuffled(value), indent=indent, ensure_ascii=self._dice.random() < 0.5) + " \n"

    def _shuffled(self, value: Json) -> Json:
        assert self._dice
        if isinstance(value, list):
            return [self._shuffled(item) for item in value]
        if not isinstance(value, dict):
            return value
        items = [(key, self._shuffled(inner)) for key, inner in value.items()]
        self._dice.shuffle(items)
        return dict(items)

    def _one_of(self, *spellings: Json) -> Json:
        return self._dice.choice(spellings) if self._dice else spellings[0]

    def _type(self, type_: Json, owner: str, namespace: str) -> Json:
        """``owner`` is the definition around it, for counting uses; ``namespace`` that of the owner."""
        if isinstance(type_, list):
            return [self._type(branch, owner, namespace) for branch in type_]
        if isinstance(type_, dict):
            part = {"array": "items", "map": "values"}.get(type_["type"])
            return {**type_, part: self._type(type_[part], owner, namespace)} if part else type_
        if type_ in PRIMITIVES:
            return self._one_of(type_, {"type": type_}, {"type": {"type": type_}})
        count = self._used.setdefault(owner, iter(range(10**6)))
        if self._homes.uses.get(type_) == (owner, next(count)):
            written = self._definition(type_, namespace)
            return self._one_of(written, written, {"type": written})
        short = self._relative(type_, namespace)
        return self._one_of(short, short, {"type": short})

    def _relative(self, name: str, namespace: str) -> str:
        outer, _, short = name.rpartition(".")
        return str(self._one_of(name, short)) if outer == namespace else name

    def _alias(self, name: str, namespace: str) -> str:
        outer, _, short = name.rpartition(".")
        return str(self._one_of(short, name)) if outer == namespace else name

    def _definition(self, name: str, enclosing: str) -> Json:
        definition = self._model.types[name]
        namespace, _, short = name.rpartition(".")
        if namespace:
            spellings = [{"name": name}, {"name": short, "namespace": namespace}]
            spellings += [{"name": name, "namespace": other} for other in NAMESPACES[:1]]  # dots in the name win
        else:
            spellings = [{"name": short, "namespace": ""}]
        if namespace == enclosing:
            spellings.insert(0, {"name": short})
        written = {**definition, **self._one_of(*spellings)}
        if "aliases" in definition:
            written["aliases"] = [self._alias(alias, namespace) for alias in definition["aliases"]]
        if "fields" in definition:
            fields = definition["fields"]
            written["fields"] = [{**each, "type": self._type(each["type"], name, namespace)} for each in fields]
        return written
