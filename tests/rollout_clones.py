"""Clones of a bare repository, and the journals of those who work in them."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from registry.rollout.journal.git_journal import GitJournal, open_journal
from registry.rollout.journal.journal import Journal
from tests.repo import Repository
from tests.rollout_documents import enter, plan

REF = "refs/heads/contracts-state"
Open = Callable[..., GitJournal]
"""Opens the journal of a repository: with another remote than git's settings say, or with none (``""``)."""


@pytest.fixture
def journal() -> Iterator[Open]:
    """Opens journals, and closes them at the end."""
    with ExitStack() as stack:
        yield lambda place, remote=None: stack.enter_context(
            open_journal(place.path if isinstance(place, Repository) else place, remote)
        )


@pytest.fixture
def remote(repository: Repository, tmp_path: Path) -> Repository:
    """A bare repository that everybody pushes to."""
    repository.git("clone", "--quiet", "--bare", os.fspath(repository.path), os.fspath(tmp_path / "remote.git"))
    return Repository(tmp_path / "remote.git")


@pytest.fixture
def ana(remote: Repository, tmp_path: Path) -> Repository:
    """The clone of one operator."""
    return remote.clone(tmp_path / "ana")


@pytest.fixture
def bo(remote: Repository, tmp_path: Path) -> Repository:
    """The clone of another one."""
    return remote.clone(tmp_path / "bo")


def add(journal: Journal, contract: str, **facts: object) -> str:
    """Write one rollout; the commit."""
    return journal.write(journal.read(), enter(plan(contract, **facts))).commit


def script(path: Path, text: str) -> Path:
    """A program of the shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
