"""What `contracts init` writes, as a unified diff, and what comes next."""

from collections.abc import Iterator
from difflib import unified_diff
from shlex import quote
from typing import Final

from registry.adoption import Adoption, Planned
from registry.render.wording import one_line

COLOURS: Final = {"+": "32", "-": "31", "@": "36"}


def render_adoption(adoption: Adoption, *, written: bool, colour: bool = False) -> str:
    """The diff, what was decided, what is left to the user, and the next commands."""
    root = "" if adoption.root == "contracts" else f" --root {_shell(adoption.root or '.')}"
    lines = [_paint(line, colour) for each in adoption.planned for line in _render_diff(each)]
    lines += [one_line(note) for note in adoption.notes] if adoption.planned else []
    if not adoption.planned:
        lines.append("nothing to do")
    for sentence, text in adoption.by_hand:
        lines += ["", f"left to you: {sentence}", "", *(f"    {line}" for line in text.splitlines())]
    if adoption.planned and written:
        claim = "" if adoption.claimed else "name owners, entities and readers in ownership.yaml, then "
        lines += [
            "",
            f"next: {claim}git add --all, git commit, then",
            f"  contracts check --all{root}",
            f"  contracts release{root}",
        ]
    elif adoption.planned:
        lines += ["", "nothing was written (--dry-run)"]
    return "".join(f"{line}\n" for line in lines)


def _render_diff(planned: Planned) -> Iterator[str]:
    path = one_line(planned.path)
    old = "/dev/null" if planned.before is None else f"a/{path}"
    before = planned.before or b""
    was, now = (text.decode("utf-8", "replace").splitlines() for text in (before, before + planned.added))
    yield from map(one_line, unified_diff(was, now, old, f"b/{path}", lineterm=""))
    yield ""


def _paint(line: str, colour: bool) -> str:
    code = COLOURS.get(line[:1])
    return f"\x1b[{code}m{line}\x1b[0m" if colour and code else line


def _shell(word: str) -> str:
    return one_line(quote(word))
