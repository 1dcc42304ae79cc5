"""The real command line, as people, hooks and CI run it: a process of its own."""

import hashlib
import os
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.repo import ENVIRONMENT

CONTRACTS = os.path.join(sysconfig.get_path("scripts"), "contracts")


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def run(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Outcome:
    """Run `contracts` in a folder, without a cache; a traceback fails the test."""
    # A folder that cannot be made: the cache is then forgotten, and the user's own is left alone.
    home = {**ENVIRONMENT, "XDG_CACHE_HOME": os.devnull, **(environment or {})}
    done = subprocess.run([CONTRACTS, *arguments], cwd=folder, env=home, capture_output=True, check=False)
    outcome = Outcome(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))
    assert "Traceback" not in outcome.out + outcome.err, outcome.err
    return outcome


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Nothing below a folder is written, ``.git`` included."""
    before = _hash_files(folder)
    yield
    after = _hash_files(folder)
    assert after == before, before.items() ^ after.items()


def _hash_files(folder: Path) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for top, folders, files in os.walk(os.fsencode(folder)):
        for name in (*folders, *files):
            path = os.path.join(top, name)
            if os.path.islink(path):
                found[path] = f"-> {os.fsdecode(os.readlink(path))}"
            elif os.path.isdir(path):
                found[path] = "a folder"
            else:
                with open(path, "rb") as file:
                    found[path] = hashlib.sha256(file.read()).hexdigest()
    return found
