"""What a .proto file defines and imports, without protoc: one pass over its text, comments and strings set aside."""

import re

from registry.schema import Outline

# A string ends at its quote or, unterminated, at the end of the line, as for protoc: what it hides we must hide too,
# and nothing more, because the nesting is counted on what is left.
_LITERALS = re.compile(
    r"""//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)|"(?:\\[^\n]|[^"\n])*"?|'(?:\\[^\n]|[^'\n])*'?""",
)
# Runs are bounded, because a search that may run to the end of the file from any place takes the square of its length.
# protoc takes no package of more than 511 characters.
_STRUCTURE = re.compile(
    r"""
      [{}]
    | \bpackage\s+(?P<package>[\w.\s]{1,600}?);
    | \bimport\s+(?:(?:public|weak|option)\s+)?(?P<imported>(?:"\d+"\s*)+);
    | \b(?:message|enum)\s+(?P<name>\w+)\s*\{
    | \bgroup\s+(?P<group>\w+)\s*=\s*\w+\s*(?:\[[^\]]{0,2000}\]\s*)?\{
    """,
    re.VERBOSE,
)


def strip_literals(text: str) -> tuple[str, list[str]]:
    """The text without comments, each string replaced by its number in quotes; and the strings."""
    strings: list[str] = []

    def replace(match: re.Match[str]) -> str:
        literal = match[0]
        if literal[0] == "/":
            return " "
        quote = literal[0]
        body = literal[1:-1] if len(literal) > 1 and literal[-1] == quote else literal[1:]
        strings.append(_unescape(body) if "\\" in body else body)
        return f'"{len(strings) - 1}"'

    return _LITERALS.sub(replace, text), strings


def _unescape(body: str) -> str:
    try:
        return body.encode("utf-8", "surrogatepass").decode("unicode_escape").encode("latin-1").decode("utf-8")
    except UnicodeError:
        return body


def outline(text: str, path: str) -> Outline:
    """Names of messages and enums, nested ones after the one that holds them, and imported paths in file order.

    Well-known imports (``google/protobuf/...``) are listed like any other. ``error`` is set where braces do not pair;
    everything else that is wrong is for protoc to say.
    """
    stripped, strings = strip_literals(text)
    package = ""
    defines: list[str] = []
    refers: list[str] = []
    scopes: list[str] = [""]
    error = False
    for match in _STRUCTURE.finditer(stripped):
        token = match[0]
        if token == "}":
            if len(scopes) == 1:
                error = True
            else:
                scopes.pop()
        elif token == "{":
            scopes.append(scopes[-1])
        elif (declared := match["package"]) is not None:
            package = "".join(declared.split())
        elif (imported := match["imported"]) is not None:
            refers.append("".join(strings[int(number)] for number in imported.replace('"', " ").split()))
        else:
            name = match["name"] or match["group"]
            scopes.append(f"{scopes[-1]}.{name}")
            defines.append(scopes[-1])
    full = tuple(f"{package}{name}" if package else name[1:] for name in defines)
    return Outline(full, tuple(dict.fromkeys(refers)), error or len(scopes) != 1)
