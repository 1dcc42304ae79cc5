"""The repairs of Avro that need no thought, as edits of the JSON text; `contracts check --fix`.

What is added looks like its neighbours: the text between the last two members of an object stands before the new one,
be that a blank, a line break with its indentation, or nothing.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from registry.formats.edit import Edit, Row

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_decode: Final = json.JSONDecoder().raw_decode


class _Part(NamedTuple):
    """A member of an object, or an item of an array, whose key is empty and starts where its value does."""

    key: str
    start: int
    value: int
    end: int


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _read_parts(text: str, at: int) -> list[_Part]:
    """What stands in the object or array at an offset; of anything else nothing."""
    parts: list[_Part] = []
    is_object = text[at : at + 1] == "{"
    if not is_object and text[at : at + 1] != "[":
        return parts
    at = _skip(text, at + 1)
    while text[at] not in "]}":
        start, key = at, ""
        if is_object:
            key, at = _decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        value, (_, at) = at, _decode(text, at)
        parts.append(_Part(key, start, value, at))
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return parts


def _find_part(parts: Sequence[_Part], key: str) -> _Part | None:
    return next((part for part in parts if part.key == key), None)


def _append(text: str, parts: Sequence[_Part], new: str) -> Edit:
    """One more part at the end, with the separator of its neighbours."""
    last = parts[-1]
    between = text[parts[-2].end : last.start] if len(parts) > 1 else ", "
    return Edit(last.end, last.end, between + new)


def _spell_member(text: str, parts: Sequence[_Part], key: str, value: str) -> str:
    """``"key": value`` with the colon of the last member."""
    last = parts[-1]
    colon = text[last.start : last.value].removeprefix(json.dumps(last.key))
    return f"{json.dumps(key)}{colon if colon.strip() == ':' and len(colon) < 4 else ': '}{value}"


def _find_field(text: str, at: int) -> list[_Part]:
    """The members of the field at an offset; nothing where there is none of at least a name and a type."""
    parts = _read_parts(text, at)
    return parts if {"name", "type"} <= {part.key for part in parts} else []


def _find_holder(text: str, at: int) -> list[_Part]:
    """The members of the innermost object that has one whose value starts at an offset."""
    waiting = [_skip(text, 0)]
    while waiting:
        parts = _read_parts(text, waiting.pop())
        for part in parts:
            if part.value == at:
                return parts
            if part.value < at < part.end:
                waiting.append(part.value)
    return []


def _find_union(text: str, parts: Sequence[_Part]) -> list[_Part]:
    """The branches of a field whose type is a union, be it wrapped in ``{"type": …}``."""
    while (type_ := _find_part(parts, "type")) is not None and text[type_.value] == "{":
        parts = _read_parts(text, type_.value)
    return _read_parts(text, type_.value) if type_ is not None and text[type_.value] == "[" else []


def _put_first(text: str, branches: Sequence[_Part], index: int) -> list[Edit]:
    """One branch before all others, which keep their order; what stands between them stays where it is."""
    texts = [text[branch.value : branch.end] for branch in branches]
    ordered = [texts[index], *texts[:index], *texts[index + 1 :]]
    rows = zip(branches, texts, ordered, strict=True)
    return [Edit(branch.value, branch.end, now) for branch, was, now in rows if was != now]


def _find_null_default(text: str, at: int, _words: Sequence[str]) -> Sequence[Edit]:
    parts = _find_field(text, at)
    branches = _find_union(text, parts)
    values = [_decode(text, branch.value)[0] for branch in branches]
    null = next((i for i, value in enumerate(values) if value in ("null", {"type": "null"})), None)
    if null is None or _find_part(parts, "default"):
        return ()
    return [*_put_first(text, branches, null), _append(text, parts, _spell_member(text, parts, "default", "null"))]


def _find_alias(text: str, at: int, words: Sequence[str]) -> Sequence[Edit]:
    parts = _find_field(text, at)
    if not parts:
        return ()
    alias = json.dumps(words[1])
    aliases = _find_part(parts, "aliases")
    if aliases is None:
        return [_append(text, parts, _spell_member(text, parts, "aliases", f"[{alias}]"))]
    items = _read_parts(text, aliases.value)
    return [_append(text, items, alias) if items else Edit(aliases.value, aliases.end, f"[{alias}]")]


def _find_first_branch(text: str, at: int, words: Sequence[str]) -> Sequence[Edit]:
    """The place is that of the default."""
    branches, index = _find_union(text, _find_holder(text, at)), int(words[2])
    return _put_first(text, branches, index) if index < len(branches) else ()


def _find_logical_type(text: str, at: int, _words: Sequence[str]) -> Sequence[Edit]:
    """The place is that of the logical type's name; what belongs to it goes with it."""
    parts = _find_holder(text, at)
    type_ = _find_part(parts, "type")
    if type_ is None or text[type_.value] != '"':
        return ()
    moved = [part for part in parts if part.key in ("logicalType", "precision", "scale")]
    members = [_spell_member(text, parts, "type", text[type_.value : type_.end])]
    members += (_spell_member(text, parts, part.key, text[part.value : part.end]) for part in moved)
    comma = "," if text[parts[0].end : parts[1].start] == "," else ", "
    edits = [Edit(type_.value, type_.end, f"{{{comma.join(members)}}}")]
    for before, part, after in zip([None, *parts], parts, [*parts[1:], None], strict=False):
        if part in moved and before is not None:
            edits.append(Edit(before.end, part.end, ""))
        elif part in moved and after is not None:
            edits.append(Edit(part.start, after.start, ""))
    return edits


EDITS: Final[Mapping[str, Row]] = {
    "null_default": Row(
        _find_null_default,
        "gave '{0}' the default null",
        "an event that was written without the field has no value for it, and null says that and nothing else; "
        "where a field went at the same time it may be a rename, and is left to its author",
    ),
    "alias": Row(
        _find_alias,
        "gave '{0}' the alias '{1}'",
        "the older schema says itself, by an alias of its own, that the two names mean one field",
    ),
    "first_branch": Row(
        _find_first_branch,
        "put {1} first in the union of '{0}'",
        "the order of a union changes no value, and older readers look for the default in the first branch only",
    ),
    "logical_type": Row(
        _find_logical_type,
        "moved logicalType {0} into the type",
        "it was meant, and had no effect; where older events would now be read otherwise the check says so, "
        "and the edit is not made",
    ),
}
"""Each repair by the name that a :class:`~registry.errors.Fix` has."""
