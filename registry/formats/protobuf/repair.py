"""The repairs of Protobuf that need no thought, as edits of the text; `contracts check --fix`."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from registry.formats.edit import Edit, Row

_TOKEN: Final = re.compile(
    r"""//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)|"(?:\\[^\n]|[^"\n])*"?|'(?:\\[^\n]|[^'\n])*'?|[{}\[\];]""",
)
"""Comments and strings as protoc ends them, so that no brace inside is taken for one."""
_REST: Final = re.compile(r"[ \t]*(?:/\*[^\n]*?\*/[ \t]*)*(?://[^\r\n]*)?(\r?\n)")
"""What may stand behind an opening brace whose body begins on the next line."""
_NEXT: Final = re.compile(r"[ \t\r\n]*\n([ \t]*)(?=[^ \t\r\n])")
_INDENT: Final = re.compile(r"[ \t]*")
_UNIT: Final = "  "


def _find_body(text: str, at: int) -> int | None:
    """The offset behind the brace that opens the message or enum at an offset; options may hold braces of their own."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        match token[0]:
            case "[":
                depth += 1
            case "]":
                depth -= 1
            case "{" if not depth:
                return token.end()
            case ";" | "}" if not depth:
                return None
    return None


def _find_reserve(text: str, at: int, words: Sequence[str]) -> Sequence[Edit]:
    """Statements at the top of a body, each on its own line unless the body is on one."""
    body = _find_body(text, at)
    if body is None:
        return ()
    rest = _REST.match(text, body)
    if rest is None:
        is_spaced = text[body : body + 1].isspace()
        return [Edit(body, body, "".join(f" {word}" if is_spaced else f"{word} " for word in words))]
    inner = _find_indent(text, body, rest.end())
    end = rest.end()
    return [Edit(end, end, "".join(f"{inner}{word}{rest[1]}" for word in words))]


def _find_indent(text: str, body: int, end: int) -> str:
    """That of the first line of the body; of an empty one a step more than that of the line that opens it."""
    own = _INDENT.match(text, text.rfind("\n", 0, body) + 1)
    outer = own[0] if own else ""
    following = _NEXT.match(text, end - 1)
    inner = following[1] if following else ""
    is_deeper = inner.startswith(outer) and len(inner) > len(outer)
    return inner if is_deeper else outer + ("\t" if outer.startswith("\t") else _UNIT)


EDITS: Final[Mapping[str, Row]] = {
    "reserve": Row(
        _find_reserve,
        "added {all}",
        "the number and the name were given up by this change or an earlier one; to keep them from use changes no "
        "value and no code",
    ),
}
"""Each repair by the name that a :class:`~registry.errors.Fix` has."""
