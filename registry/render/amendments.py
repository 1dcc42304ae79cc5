"""What changes mean, for people and for programs: `contracts diff`."""

import json
from collections.abc import Callable, Iterator
from typing import Final

from registry.amendment import Amendment, Amendments
from registry.difference import Difference
from registry.formats import format_of
from registry.render.wording import one_line, render_place
from registry.source import Location

VERSION: Final = 1
"""Of the JSON's layout. It goes up when a property is dropped or changes its meaning, not when one is added."""
COLOURS: Final = {"+": "32", "-": "31", "~": "33", "!": "31;1"}
BOLD: Final = "1"
COLUMN: Final = 76
"""Places stand in one column, up to this one."""


def render_amendments_text(found: Amendments, *, colour: bool = False) -> str:
    """A heading for each contract, a line for each difference with its place, and a closing line."""
    lines: list[str] = []
    told: set[Difference] = set()
    for contract in found.contracts:
        lines += [_render_heading(contract, colour), *_render_lines(found, contract, told, colour), ""]
        told.update(filter(_is_shared, contract.differences))
    if found.unreached:
        lines += ["schema files that no contract reaches"]
        lines += [f"  {_paint(sign, colour)} {one_line(path)}" for sign, path in found.unreached] + [""]
    return "".join(f"{line}\n" for line in [*lines, _render_summary(found)])


def _render_heading(contract: Amendment, colour: bool) -> str:
    was = f" (was {one_line(contract.was)})" if contract.was else ""
    return f"{_paint(contract.sign, colour)} {_paint(one_line(contract.name), colour, BOLD)}{was}"


def _render_lines(found: Amendments, contract: Amendment, told: set[Difference], colour: bool) -> Iterator[str]:
    rows = [
        (difference.sign, one_line(difference.words), _place(found, difference))
        for difference in contract.differences
        if difference not in told
    ]
    width = max((len(words) for _, words, _ in rows if len(words) <= COLUMN), default=0)
    for sign, words, place in rows:
        yield f"  {_paint(sign, colour)} {words:<{width}}  {place}"
    if again := len(contract.differences) - len(rows):
        yield f"    and {again} in shared types, told of above"
    for label, flaw in contract.unread:
        words = f"{one_line(label)} holds no valid schema of it: {one_line(flaw.message)}"
        yield f"  {_paint('!', colour)} {words}  {render_place(flaw.location)}"
    if not contract.differences and not contract.unread:
        yield "    nothing in its types: layout, comments or options only"


def _is_shared(difference: Difference) -> bool:
    """Whether it means the same in every contract that holds its type, as who owns the contract does not."""
    inside = "/" in difference.path or (difference.sign == "~" and difference.path != "")
    return inside and format_of(difference.location.path) is not None


def _place(found: Amendments, difference: Difference) -> str:
    location = difference.location
    was = f" ({one_line(found.before)})" if difference.sign == "-" else ""
    return f"{one_line(location.path)}:{location.line}{was}"


def _render_summary(found: Amendments) -> str:
    between = f"between {one_line(found.before)} and {one_line(found.after)}"
    if not found.contracts:
        return f"no contract differs {between}"
    signs = [contract.sign for contract in found.contracts]
    idle = sum(not contract.differences and not contract.unread for contract in found.contracts)
    counts = [
        (signs.count("+"), "new"),
        (signs.count("-"), "gone"),
        (signs.count("~") - idle, "changed"),
        (idle, "in layout, comments or options only"),
    ]
    parts = ", ".join(f"{count} {word}" for count, word in counts if count)
    many = "1 contract differs" if len(signs) == 1 else f"{len(signs)} contracts differ"
    unread = sum(bool(contract.unread) for contract in found.contracts)
    return f"{many} {between}: {parts}{f'; {unread} could not be read' if unread else ''}"


def _paint(text: str, colour: bool, code: str = "") -> str:
    return f"\x1b[{code or COLOURS[text]}m{text}\x1b[0m" if colour else text


def render_amendments_json(found: Amendments, *, colour: bool = False) -> str:
    """One JSON document in ASCII; ``revision`` of a difference is the one its place belongs to."""
    del colour  # of text alone
    document = {
        "version": VERSION,
        "tool": "event-contracts",
        "before": found.before,
        "after": found.after,
        "contracts": [
            {
                "name": contract.name,
                "sign": contract.sign,
                "was": contract.was or None,
                "differences": [
                    {
                        "sign": each.sign,
                        "path": each.path,
                        "words": each.words,
                        "location": _location(each.location),
                        "revision": found.before if each.sign == "-" else found.after,
                    }
                    for each in contract.differences
                ],
                "unread": [
                    {"revision": label, "message": flaw.message, "location": _location(flaw.location)}
                    for label, flaw in contract.unread
                ],
            }
            for contract in found.contracts
        ],
        "unreached": [{"sign": sign, "file": path} for sign, path in found.unreached],
    }
    return json.dumps(document, indent=2) + "\n"


def _location(location: Location) -> dict[str, object]:
    return {"file": location.path, "line": location.line, "column": location.column, "pointer": location.pointer}


AMENDMENT_RENDERERS: Final[dict[str, Callable[..., str]]] = {
    "text": render_amendments_text,
    "json": render_amendments_json,
}
"""Each output by the name that ``--format`` takes."""
