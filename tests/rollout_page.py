"""What docs/rollout.md shows: the picture of the states, and what commands print, as they really do.

``python -m tests.rollout_page`` writes it anew: the simple case in a small repository, the long one from the story of
examples/upgrade on a real Kafka, where Java and Maven are there. The commands are those that the page names.
"""

import io
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from subprocess import PIPE, STDOUT
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import pytest

from registry.rollout.states import ENDED, TRANSITIONS, State
from tests.command import run
from tests.rollout_shop import build

TOP: Final = Path(__file__).resolve().parent.parent
PAGE: Final = TOP / "docs" / "rollout.md"
BLOCK: Final = re.compile(r"^```console\n\$ (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A command and what it prints."""
CHANGING: Final = (
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:[\d.]+)?( UTC|Z)?", "DATE"),
    (r"\b\d+ (s|min|h|d)\b", "AGE"),
    (r"AGE to AGE", "AGE"),
    (r"\bci\b", "git"),
    (r" +", " "),
)
"""What differs from run to run: moments, spans of time, whether a CI job runs it, and the widths of columns."""


class Told(NamedTuple):
    """What the story said, and what each command in it printed."""

    text: str
    commands: list[tuple[str, str]]


def section(name: str, page: str) -> str:
    """What stands between two marks of the page: ``<!-- states -->`` and ``<!-- states: end -->``."""
    begin, end = f"<!-- {name} -->\n", f"<!-- {name}: end -->\n"
    return page.partition(begin)[2].partition(end)[0]


def render_states() -> str:
    """The table TRANSITIONS as a picture."""
    names = {state: state.value.replace("-", "_") for state in State}
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'  state "{state}" as {names[state]}' for state in State if names[state] != state.value]
    lines.append(f"  [*] --> {names[State.PLANNED]}: plan")
    for row in TRANSITIONS:
        gate = f" ({row.gate})" if row.gate else ""
        lines.append(f"  {names[row.state]} --> {names[row.to]}: {row.verb}{gate}")
    lines += [f"  {names[state]} --> [*]" for state in State if state in ENDED]
    return "\n".join(lines) + "\n```\n"


def find_shape(text: str) -> list[str]:
    """The lines without what differs from run to run."""
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text)
    return [line.rstrip() for line in text.splitlines()]


def tell_simple(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """What prints a command that is run in a small repository with a remote."""
    shop = build(folder, monkeypatch)

    def answer(command: str) -> str:
        if command.startswith("git "):
            return shop.repository.git(*command.split()[1:]) + "\n"
        done = run(shop.repository.path, *command.split()[1:], environment={"GIT_COMMITTER_EMAIL": "ana@shop.example"})
        return done.err + done.out

    return answer


def tell_story(kind: str) -> Told:
    """The story of examples/upgrade, and each command of it. Raises :class:`SystemExit` where it breaks off."""
    before = list(sys.path), os.environ["PATH"], list(sys.argv)
    sys.path.insert(0, str(TOP / "examples" / "upgrade"))
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    sys.argv = ["story.py", kind]
    commands: list[tuple[str, str]] = []
    try:
        company, story = import_module("company"), import_module("story")

        def note(clone: Any, command: str, expect: int = 0) -> None:
            done = subprocess.run(
                shlex.split(command), cwd=clone.path, env=clone.environment, stdout=PIPE, stderr=STDOUT, check=False
            )
            assert done.returncode == expect, f"{command} ended with {done.returncode}: {done.stdout.decode()}"
            commands.append((command, done.stdout.decode()))
            company.say(f"$ {command}\n{done.stdout.decode()}")

        company.Clone.run = note
        with redirect_stdout(io.StringIO()) as said:
            story.main()
    finally:
        sys.path[:], os.environ["PATH"], sys.argv = before
    return Told(said.getvalue(), commands)


def find_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a part of the page with what it prints there."""
    yield from ((match[1], match[2]) for match in BLOCK.finditer(text))


def fill(text: str, answer: Callable[[str], str]) -> str:
    """A part of the page, with what its commands print now."""
    return BLOCK.sub(lambda match: f"```console\n$ {match[1]}\n{answer(match[1])}```", text)


def find_answers(told: Told) -> Callable[[str], str]:
    """What prints a command of the story: the next time that it comes there."""
    left = iter(told.commands)
    return lambda command: next(said for name, said in left if name == command)


def main() -> None:
    """Write the page anew."""
    from registry.brokers import kind_of

    page = PAGE.read_text("utf-8")
    parts = {"states": render_states()}
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        parts["simple"] = fill(section("simple", page), tell_simple(Path(folder).resolve(), monkeypatch))
    if kind_of("apache").find_missing() is None:
        parts["story"] = fill(section("story", page), find_answers(tell_story("apache")))
    else:
        print("docs/rollout.md: the story is left as it is, since a real Kafka cannot be started here", file=sys.stderr)
    for name, part in parts.items():
        page = page.replace(f"<!-- {name} -->\n{section(name, page)}", f"<!-- {name} -->\n{part}")
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
