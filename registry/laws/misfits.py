"""Do the operations fit both schemas? Found without a single event, and told at its place in upgrade.yaml."""

from collections.abc import Iterator
from json import loads

from registry.errors import Flaw
from registry.laws.document import find_cases, find_losses
from registry.laws.fitting import Fitting
from registry.laws.nodes import Astray, nearest, root_of, suggest, walk
from registry.laws.side import Side
from registry.serde.conversion.document import Part
from registry.upgrade import Upgrade


def find_misfits(upgrade: Upgrade, older: Side, newer: Side) -> Iterator[Flaw]:
    """What cannot be right, whatever the events say."""
    sides = {"up": (older, newer), "down": (newer, older)}
    down = loads(upgrade.text).get("down", "derived")
    for way, (source, target) in sides.items():
        if way == "up" or isinstance(down, list):
            yield from Fitting(upgrade, way, source, target, derived=way == "up" and down == "derived").find()
        yield from _find_strays(upgrade, way, source)
        yield from _find_odd_cases(upgrade, way, source)


def _find_strays(upgrade: Upgrade, way: str, source: Side) -> Iterator[Flaw]:
    """Losses and cases name fields of the version that is read."""
    root = root_of(source.tree, source.event)
    named = [*find_losses(upgrade.text, way)]
    named += [
        (Part(key, each.pointer).parse_path(key), entry.pointer)
        for each in find_cases(upgrade.text, way)
        for key, entry in each.at("when", each.value["when"]).entries().items()
    ]
    for path, pointer in named:
        try:
            walk(root, path, source.label)
        except Astray as stray:
            yield Flaw("converters", stray.fact, upgrade.at(pointer), suggest(stray))


def _find_odd_cases(upgrade: Upgrade, way: str, source: Side) -> Iterator[Flaw]:
    """A case for a symbol that the enum does not have never comes."""
    root = root_of(source.tree, source.event)
    for case in find_cases(upgrade.text, way):
        for key, test in case.at("when", case.value["when"]).entries().items():
            try:
                node = walk(root, test.parse_path(key), source.label)
            except Astray:
                continue
            if node is None or node.symbols is None:
                continue
            for symbol, pointer in _find_literals(test):
                if symbol not in node.symbols:
                    fact = f"{node.words} of {source.label} has no symbol '{symbol}'"
                    yield Flaw("converters", fact, upgrade.at(pointer), nearest(symbol, node.symbols))
        for key, value in (case.value.get("with") or {}).items():
            path = case.parse_path(key)
            pointer = f"{case.pointer}/with/{key.replace('~', '~0').replace('/', '~1')}"
            if fact := source.refuses(path.steps, Part(value).plain()):
                yield Flaw("converters", f"'{key}' of {source.label} cannot be that: {fact}", upgrade.at(pointer))


def _find_literals(test: Part) -> Iterator[tuple[str, str]]:
    if isinstance(test.value, str):
        yield test.value, test.pointer
    elif isinstance(test.value, list):
        for each in test.items():
            yield from _find_literals(each)
    elif isinstance(test.value, dict):
        for key in ("not", "in"):
            if key in test.value:
                yield from _find_literals(test.at(key, test.value[key]))
