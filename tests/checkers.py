"""What users run over generated code: type checkers, the linter and the formatter, each strict, in a process."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
SETTINGS = (["--isolated"], ["--config", os.fspath(TOP / "pyproject.toml")])
"""Ruff's own defaults, and a project's that are stricter and have longer lines."""


def _run(folder: Path, *command: str) -> None:
    # Type checkers follow no editable installation.
    environment = {**os.environ, "MYPYPATH": os.fspath(TOP), "NO_COLOR": "1"}
    whole = [sys.executable, "-m", *command]
    done = subprocess.run(whole, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


def check_by_mypy(folder: Path, packages: Sequence[str]) -> None:
    """``mypy --strict`` over the packages of a folder; what they import is silent."""
    cache = os.fspath(folder.parent / ".mypy_cache")
    _run(folder, "mypy", "--strict", "--warn-unreachable", "--follow-imports=silent", "--cache-dir", cache, *packages)


def check_by_pyright(folder: Path, packages: Sequence[str]) -> None:
    """pyright, strict; skipped with a line where it cannot be run."""
    if shutil.which("node") is None:
        pytest.skip("pyright needs node, which is not installed")
    started = subprocess.run([sys.executable, "-m", "pyright", "--version"], capture_output=True, check=False)
    if started.returncode:
        pytest.skip("pyright could not be started (it fetches itself on its first run)")
    settings = {"typeCheckingMode": "strict", "extraPaths": [os.fspath(TOP)], "include": [*packages]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    _run(folder, "pyright", "--pythonpath", sys.executable, "--project", os.fspath(folder))


def check_by_linter(folder: Path, packages: Sequence[str]) -> None:
    """``ruff check``, by each of :data:`SETTINGS`."""
    for settings in SETTINGS:
        _run(folder, "ruff", "check", "--no-cache", *settings, *packages)


def check_by_formatter(folder: Path, packages: Sequence[str]) -> None:
    """``ruff format --check``, by each of :data:`SETTINGS`."""
    for settings in SETTINGS:
        _run(folder, "ruff", "format", "--no-cache", "--check", "--diff", *settings, *packages)


CHECKERS: dict[str, Callable[[Path, Sequence[str]], None]] = {
    "mypy": check_by_mypy,
    "pyright": check_by_pyright,
    "ruff check": check_by_linter,
    "ruff format": check_by_formatter,
}
"""By the name that a test shows."""
