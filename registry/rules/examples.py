"""The manual of the rules: for each one what it means, a change that it stops, and the change that passes.

An example is a text file below ``examples/``, named as its rule. It is printed by ``contracts explain``, rendered into
the documentation, and run as a test: the bad change must be found, the good one must not.

The file is prose, followed by sections under headings of the form ``-- NAME --``::

    What the rule means and why.

    -- before/contracts/Order.avsc --
    the text of a file at the base revision
    -- bad/contracts/Order.avsc --
    its text in the change that is stopped
    -- good/contracts/Order.avsc --
    its text in the change that passes
    -- way out --
    What to do.

``bad`` and ``good`` are laid over ``before``; a file under ``given/`` is one of ``before`` that explains the change
without being part of it, and is shown. A file whose text is ``(removed)`` is deleted by the change, one whose
text is ``(link to TARGET)`` is a symbolic link.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from registry.errors import RegistryError
from registry.frozen import dataclass

FOLDER: Final = Path(__file__).with_name("examples")
HEADING: Final = re.compile(r"^-- (.+) --\n", re.MULTILINE)
REMOVED: Final = "(removed)"
LAYERS: Final = ("before", "given", "bad", "good")

Files = Mapping[str, str]
"""Text by path."""
Overlay = Mapping[str, str | None]
"""What a change does to files: the new text by path, or ``None`` for a file that it deletes."""


@dataclass(frozen=True, slots=True)
class Example:
    """One rule, explained."""

    meaning: str
    """What the rule means and why it matters, for somebody who was just stopped by it."""
    before: Files
    """The base revision."""
    bad: Overlay
    """A change that the rule finds."""
    good: Overlay
    """A change to the same end that it lets pass."""
    way_out: str
    given: tuple[str, ...] = ()
    """Paths of the base revision that one must see to understand the change."""


def find_examples() -> tuple[str, ...]:
    """The ids of all rules that have an example, in alphabetical order."""
    return tuple(sorted(f"{file.parent.name}/{file.stem}" for file in FOLDER.glob("*/*.txt")))


def read_example(rule: str) -> Example:
    """The example of a rule, by its id. Raises :class:`RegistryError` where there is no such rule."""
    known = find_examples()
    if rule not in known:
        raise RegistryError(f"there is no rule {rule!r}", suggest_rule(rule, known))
    return parse_example((FOLDER / f"{rule}.txt").read_text(encoding="utf-8"), rule)


def suggest_rule(rule: str, known: Iterable[str]) -> str:
    """The way out for somebody who mistyped a rule: the nearest id, or the same name in another family."""
    known = tuple(known)
    name = rule.rpartition("/")[2].replace("_", "-").lower()
    short = [each for each in known if each.partition("/")[2] == name]
    close = short or get_close_matches(rule.lower(), known, n=1) or get_close_matches(f"compat/{name}", known, n=1)
    return f"did you mean {close[0]!r}?" if close else "`contracts rules` lists them all"


def parse_example(text: str, name: str) -> Example:
    """The example that a text holds. Raises :class:`RegistryError` where a section is missing or not known."""
    meaning, *parts = HEADING.split(text)
    layers: dict[str, dict[str, str | None]] = {layer: {} for layer in LAYERS}
    way_out = ""
    for heading, body in zip(parts[::2], parts[1::2], strict=True):
        layer, _, path = heading.partition("/")
        if heading == "way out":
            way_out = body.strip()
        elif layer in layers and path:
            layers[layer][path] = None if body.strip() == REMOVED else body
        else:
            raise RegistryError(
                f"the example of {name} has an unknown section {heading!r}", "see registry/rules/examples.py"
            )
    if not (meaning.strip() and layers["bad"] and way_out):
        raise RegistryError(f"the example of {name} lacks its meaning, its bad change or its way out")
    before = {path: body for path, body in {**layers["given"], **layers["before"]}.items() if body is not None}
    return Example(meaning.strip(), before, layers["bad"], layers["good"], way_out, tuple(layers["given"]))


def lay_over(files: Files, change: Overlay) -> dict[str, str]:
    """The files as they are after a change."""
    merged: dict[str, str | None] = {**files, **change}
    return {path: text for path, text in merged.items() if text is not None}
