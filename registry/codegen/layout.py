"""Expressions as source text, broken into lines as ruff breaks them, at 88 columns and at 120 alike.

What does not fit is opened with a comma behind its last part: formatters of every width leave that as it is.
"""

from collections.abc import Iterator
from typing import Final

from registry.codegen.code import Call, Class, Code, Either, Generic, Known, Long, Row, Table, Text
from registry.codegen.imports import Names
from registry.codegen.quoting import WIDTH, quote, quote_bytes

WIDEST: Final = 120
"""Up to this width somebody's formatter may join lines again."""
_ALONE: Final = "  # alone"
"""Behind the one item of a tuple: its comma does not keep it open, a comment does."""


class Scope:
    """Where an expression stands: the names of its module, and the classes that mean something else there."""

    __slots__ = ("hidden", "hit", "names")

    def __init__(self, names: Names, hidden: frozenset[str] = frozenset()) -> None:
        self.names = names
        self.hidden = hidden
        self.hit: set[str] = set()
        """Those of them that were asked for; the module must give each its other name."""

    def name_of(self, code: Known | Class) -> str:
        """The name of an import or a class, and of its member."""
        if isinstance(code, Known):
            name = self.names.use(code.name)
        elif code.name in self.hidden:
            self.hit.add(code.name)
            name = other_name(code.name)
        else:
            name = code.name
        return f"{name}.{code.member}" if code.member else name


def other_name(class_: str) -> str:
    """The second name of a class that a field of the same name hides; no schema has such a name."""
    return f"_{class_}__"


def keep(line: str) -> str:
    """A line that no formatter breaks: one that is too long says so, for its parts are not ours to name shorter."""
    return line if len(line) <= WIDTH else f"{line}  # fmt: skip"


def render_flat(code: Code, scope: Scope) -> str:
    """An expression on one line."""
    if isinstance(code, Text):
        return code.text
    if isinstance(code, Known | Class):
        return scope.name_of(code)
    if isinstance(code, Generic):
        return f"{render_flat(code.base, scope)}[{_join(code.arguments, ', ', scope)}]"
    if isinstance(code, Either):
        return _join(code.parts, " | ", scope)
    if isinstance(code, Row):
        return f"({_join(code.items, ', ', scope)}{',' if len(code.items) == 1 else ''})"
    if isinstance(code, Table):
        return f"{{{', '.join(f'{render_flat(key, scope)}: {render_flat(each, scope)}' for key, each in code.items)}}}"
    if isinstance(code, Long):
        return _quote(code.value)
    arguments = [f"{name}{'=' if name else ''}{render_flat(each, scope)}" for name, each in code.arguments]
    return f"{render_flat(code.function, scope)}({', '.join(arguments)})"


def _join(parts: tuple[Code, ...], between: str, scope: Scope) -> str:
    return between.join([render_flat(each, scope) for each in parts])


def render_code(code: Code, scope: Scope, indent: int, before: int) -> str:
    """An expression in a line that is indented by ``indent`` columns and has ``before`` in front, one behind."""
    if isinstance(code, Long):
        return _render_long(code.value, indent, before)
    flat = "" if _holds_long(code) else render_flat(code, scope)
    if flat and before + len(flat) < WIDTH:
        return flat
    deeper = " " * (indent + 4)
    lines: list[str] = []
    if isinstance(code, Call) and code.arguments:
        for name, each in code.arguments:
            front = f"{deeper}{name}=" if name else deeper
            lines.append(f"{front}{render_code(each, scope, indent + 4, len(front))},")
        return "\n".join([f"{render_flat(code.function, scope)}(", *lines, f"{' ' * indent})"])
    if isinstance(code, Table) and code.items:
        for key, each in code.items:
            front = f"{deeper}{render_flat(key, scope)}: "
            lines.append(f"{front}{render_code(each, scope, indent + 4, len(front))},")
        return "\n".join(["{", *lines, f"{' ' * indent}}}"])
    if isinstance(code, Row) and code.items:
        before = indent + 4 + (len(_ALONE) if len(code.items) == 1 else 0)
        lines += [f"{deeper}{render_code(each, scope, indent + 4, before)}," for each in code.items]
        if len(lines) == 1 and "\n" not in lines[0]:
            lines[0] += _ALONE
        return "\n".join(["(", *lines, f"{' ' * indent})"])
    return flat


def _holds_long(code: Code) -> bool:
    """Whether a literal inside is to be split: then all around it is opened."""
    if isinstance(code, Long):
        return len(code.value) > WIDEST
    if isinstance(code, Call):
        return any(_holds_long(each) for _, each in code.arguments)
    if isinstance(code, Table):
        return any(_holds_long(each) for _, each in code.items)
    return isinstance(code, Row) and any(_holds_long(each) for each in code.items)


def _render_long(value: str | bytes, indent: int, before: int) -> str:
    whole = _quote(value)
    if before + len(whole) < WIDTH or indent + len(whole) <= WIDEST:
        return whole  # formatters put the pieces of a literal together where the whole has room
    deeper = " " * (indent + 4)
    lines = value.splitlines(True)
    pieces = [deeper + piece for line in lines for piece in _split(line, WIDTH - len(deeper))]
    return "\n".join(["(", *pieces, f"{' ' * indent})"])


def _split(value: str | bytes, width: int) -> Iterator[str]:
    """The literals of parts that are hardly wider; text is split behind a space where there is one."""
    while value:
        part = value[: width - 6]
        if isinstance(part, str) and len(part) < len(value):
            part = part[: part.rfind(" ", width // 2) + 1 or len(part)]
        while len(_quote(part)) > width and len(part) > 1:
            part = part[: max(1, len(part) * width // len(_quote(part)) - 1)]
        yield _quote(part)
        value = value[len(part) :]


def _quote(value: str | bytes) -> str:
    return quote(value) if isinstance(value, str) else quote_bytes(value)
