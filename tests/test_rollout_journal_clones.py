"""Clones of every kind read and write the journal: shallow, partial, bare, with other hashes, without commits."""

import os
from pathlib import Path

import pytest

from tests.repo import Repository
from tests.rollout_clones import Open, add, ana, bo, journal, remote, script
from tests.rollout_documents import POD, enter, enter_deployment, find_contracts, plan

FIXTURES = (ana, bo, journal, remote)
"""Clones, and what opens the journals in them."""


@pytest.mark.parametrize(
    "options",
    [
        ("--depth=1",),
        ("--depth=1", "--no-single-branch"),
        ("--filter=blob:none",),
        ("--filter=tree:0",),
        ("--bare",),
        ("--mirror",),
        ("--no-checkout",),
        ("--single-branch",),
        ("--reject-shallow", "--origin=upstream"),
    ],
    ids=" ".join,
)
def test_clones_of_every_kind_read_and_write(
    ana: Repository, remote: Repository, tmp_path: Path, journal: Open, options: tuple[str, ...]
) -> None:
    remote.git("config", "uploadpack.allowFilter", "true")
    first = journal(ana)
    for contract in ("a.A", "b.B"):
        add(first, contract)
    odd = remote.clone(tmp_path / "odd", *options)
    shallow = (odd.path / ".git" / "shallow").exists()
    state = journal(odd)
    assert find_contracts(state.read()) == ["a.A", "b.B"]
    add(state, "c.C")
    add(first, "d.D")
    assert find_contracts(state.read()) == ["a.A", "b.B", "c.C", "d.D"]
    add(state, "e.E")
    assert find_contracts(first.read()) == ["a.A", "b.B", "c.C", "d.D", "e.E"]
    assert (odd.path / ".git" / "shallow").exists() == shallow
    assert remote.git("rev-parse", "contracts-state") == odd.git("rev-parse", "contracts-state")
    remote.git("fsck", "--strict")


def test_a_partial_clone_asks_once_for_all_that_it_lacks(
    ana: Repository, remote: Repository, tmp_path: Path, journal: Open
) -> None:
    remote.git("config", "uploadpack.allowFilter", "true")
    first = journal(ana)
    for number in range(5):
        add(first, f"a.A{number}")
    partial = remote.clone(tmp_path / "partial", "--filter=blob:none")
    told = tmp_path / "told"
    counting = script(tmp_path / "upload-pack", f'echo asked >> {told}; exec git-upload-pack "$@"')
    partial.git("config", "remote.origin.uploadpack", os.fspath(counting))
    assert len(find_contracts(journal(partial).read())) == 5
    assert told.read_text().splitlines() == ["asked"] * 2, "where the branch is, and what was left out of it"


def test_a_repository_of_sha256(tmp_path: Path, journal: Open) -> None:
    here = Repository(tmp_path / "sha256", "sha256")
    here.commit("first")
    here.git("clone", "--quiet", "--bare", os.fspath(here.path), os.fspath(tmp_path / "remote.git"))
    remote = Repository(tmp_path / "remote.git")
    state, other = journal(remote.clone(tmp_path / "a")), journal(remote.clone(tmp_path / "b"))
    seen = other.read()
    commit = add(state, "a.A")
    other.write(seen, enter(plan("b.B")))
    assert len(commit) == 64 and find_contracts(state.read()) == ["a.A", "b.B"]


def test_a_work_tree_beside_the_first(repository: Repository, tmp_path: Path, journal: Open) -> None:
    repository.git("worktree", "add", "--quiet", "-b", "feature", os.fspath(tmp_path / "beside"))
    add(journal(tmp_path / "beside"), "a.A")
    assert find_contracts(journal(repository).read()) == ["a.A"]


@pytest.mark.parametrize("command", [("checkout", "--quiet", "--detach"), ("switch", "--quiet", "--orphan", "new")])
def test_a_head_without_a_branch_or_without_a_commit(ana: Repository, journal: Open, command: tuple[str, ...]) -> None:
    ana.git(*command)
    head = (ana.path / ".git" / "HEAD").read_bytes()
    add(journal(ana), "a.A")
    assert (ana.path / ".git" / "HEAD").read_bytes() == head
    assert find_contracts(journal(ana).read()) == ["a.A"]


def test_a_repository_without_any_commit(tmp_path: Path, journal: Open) -> None:
    empty = Repository(tmp_path / "empty")
    add(journal(empty), "a.A")
    assert find_contracts(journal(empty).read()) == ["a.A"]
    assert empty.git("status", "--porcelain") == ""


def test_a_bare_repository_and_the_inside_of_dot_git(remote: Repository, ana: Repository, journal: Open) -> None:
    add(journal(remote), "a.A")
    assert find_contracts(journal(ana.path / ".git").read()) == ["a.A"]


def test_line_endings_and_filters_of_the_work_tree_do_not_reach_the_branch(ana: Repository, journal: Open) -> None:
    ana.write({".git/info/attributes": "* text eol=crlf filter=shout\n"})
    ana.git("config", "core.autocrlf", "true")
    ana.git("config", "filter.shout.clean", "tr a-z A-Z")
    state = journal(ana)
    state.write(state.read(), enter_deployment(POD))
    assert ana.git("show", f"contracts-state:{POD.path}").encode() + b"\n" == state.read().contents[POD.path]
