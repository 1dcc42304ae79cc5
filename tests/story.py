"""Stories: text files that are read from top to bottom and played in a real git repository.

A story is prose, followed by sections under headings of the form ``-- NAME --``::

    What is shown.

    -- before/contracts/Order.avsc --
    a file of the base commit on main
    -- after/contracts/Order.avsc --
    its text in the work tree from here on; `(removed)` deletes it
    -- edit/ownership.yaml --
     a line as it stands in the file
    -a line that goes
    +a line that comes; further places of the same file follow after `@@`
    -- run --
    contracts check
    git commit --all --quiet --message "one"
    -- expect --
    what the commands print: stdout, then stderr with `! ` before each line, then `exit N` unless it is 0;
    where a run has several commands, each of them is shown behind `$ ` before what it prints

Commands are `contracts` (in this process), `git`, and `cd` for the rest of the run; there is no shell. Every
`contracts check` is run a second time with ``--format json``, which must keep to the schema of the report and come to
the same verdict.
"""

import io
import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from registry.base import SYSTEMS
from registry.cli import main
from registry.render.report_schema import REPORT_SCHEMA
from registry.rules.examples import HEADING, REMOVED
from tests.repo import ENVIRONMENT, Repository, forget_git_variables


@dataclass(frozen=True, slots=True)
class Done:
    """What one command left behind."""

    stdout: str
    stderr: str
    code: int

    def __str__(self) -> str:
        errors = "".join(f"! {line}\n" for line in self.stderr.splitlines())
        out = self.stdout if not self.stdout or self.stdout.endswith("\n") else f"{self.stdout}\n"
        return f"{out}{errors}{f'exit {self.code}' + chr(10) if self.code else ''}"


def stand_alone(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let nothing of the machine be seen: no configuration of git, no CI system, no cache of the user."""
    forget_git_variables(monkeypatch)
    for name in ("CONTRACTS_AGAINST", "GITHUB_STEP_SUMMARY", *(system.sign for system in SYSTEMS)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))


def run_contracts(monkeypatch: pytest.MonkeyPatch, folder: Path, arguments: Sequence[str]) -> Done:
    """The command line in this process, with what it prints, byte for byte."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["contracts", *arguments])
    out, err = io.BytesIO(), io.BytesIO()
    printed = io.TextIOWrapper(out, "utf-8", write_through=True)
    complained = io.TextIOWrapper(err, "utf-8", write_through=True)
    with redirect_stdout(printed), redirect_stderr(complained), pytest.raises(SystemExit) as left:
        main()
    code = left.value.code
    assert code is None or isinstance(code, int), code
    return Done(out.getvalue().decode(), err.getvalue().decode(), code or 0)


def play(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same story with what was really seen in its expect sections."""
    prose, *parts = HEADING.split(text)
    stand_alone(monkeypatch, folder / "cache")
    repository = Repository(folder / "repository")
    told, seen, begun = [prose], None, False
    for heading, body in zip(parts[::2], parts[1::2], strict=True):
        layer, _, path = heading.partition("/")
        if layer != "before" and not begun:
            repository.commit("before")
            begun = True
        if seen is not None:
            told.append(f"-- expect --\n{seen}")
        if heading == "expect":
            assert seen is not None, "there is nothing to expect before a run"
        else:
            told.append(f"-- {heading} --\n{body}")
        seen = None
        if layer in {"before", "after"}:
            repository.write({path: None if body.strip() == REMOVED else body})
        elif layer == "edit":
            repository.write({path: edit((repository.path / path).read_text(), body)})
        elif heading == "run":
            seen = run(repository, body.splitlines(), monkeypatch)
        else:
            assert heading == "expect", f"unknown section {heading!r}"
    return "".join([*told, *([f"-- expect --\n{seen}"] if seen is not None else [])])


def edit(text: str, hunks: str) -> str:
    """A text with each place of it replaced, which must stand there exactly once."""
    for hunk in hunks.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        assert text.count(before) == 1, f"stands there {text.count(before)} times:\n{before}"
        text = text.replace(before, "".join(line[1:] for line in lines if line[0] in " +"))
    return text


def run(repository: Repository, lines: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What the commands print."""
    folder, seen = repository.path, ""
    for line in lines:
        name, *arguments = shlex.split(line)
        if name == "cd":
            folder = folder / arguments[0]
            done = Done("", "", 0)
        elif name == "contracts":
            done = run_contracts(monkeypatch, folder, arguments)
            if arguments[0] == "check" and "--diff" not in arguments:
                agree_in_json(done, run_contracts(monkeypatch, folder, [*arguments, "--format", "json"]))
        else:
            assert name == "git", f"a story knows no command {name!r}"
            command = [name, "-C", os.fspath(folder), *arguments]
            git = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
            done = Done(git.stdout, git.stderr, git.returncode)
        seen += f"$ {line}\n{done}" if len(lines) > 1 else str(done)
    return seen


def agree_in_json(text: Done, document: Done) -> None:
    """The report for programs keeps to its schema and says the same."""
    assert document.code == text.code
    if text.code == 2:
        return
    report = json.loads(document.stdout)
    Draft202012Validator(REPORT_SCHEMA).validate(report)
    assert report["passed"] == (text.code == 0)
    assert [finding for finding in report["findings"] if finding["message"] not in text.stdout] == []
