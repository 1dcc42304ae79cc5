"""The journal in a real repository: what a person sees of it, and what stays as it is."""

import os
from pathlib import Path
from typing import Any

import pytest

from registry.discovery import run_git
from registry.errors import Refused, Unreadable
from registry.frozen import replace
from registry.rollout.journal import trees
from registry.rollout.journal.events import find_events_path, render_message
from registry.rollout.states import State
from tests.repo import Repository
from tests.rollout_clones import REF, Open, add, ana, bo, journal, remote, script
from tests.rollout_documents import CHECKS, FULL, STEP, enter, find_contracts, plan

FIXTURES = (ana, bo, journal, remote)
"""Clones, and what opens the journals in them."""


# What a person sees ---------------------------------------------------------------------------------------------------


def test_git_shows_a_person_what_happened(ana: Repository, journal: Open) -> None:
    state = journal(ana)
    add(state, STEP.contract)
    entry = enter(FULL, State.EXPANDING)
    state.write(state.read(), entry)
    assert ana.git("log", "--format=%s", "contracts-state").splitlines() == [
        f"{STEP}: expanding -> switching (epoch 3, prepare 2) by ana@example.org",
        f"{STEP}: planned by ana@example.org",
    ]
    shown = ana.git("show", "contracts-state")
    assert '-  "state": "planned",' in shown and '+  "state": "switching",' in shown
    assert '"from": "expanding", "to": "switching"' in shown
    listed = ana.git("ls-tree", "-r", "--name-only", "contracts-state").splitlines()
    assert listed == ["README.md", find_events_path(STEP.path), STEP.path]
    assert "never merged, rebased" in ana.git("show", "contracts-state:README.md")
    assert ana.git("rev-list", "--count", "contracts-state") == "2", "it has no history in common with the code"


def test_the_body_of_the_message_says_what_was_checked(repository: Repository, journal: Open) -> None:
    state = journal(repository)
    state.write(state.read(), replace(enter(FULL), message=render_message(State.EXPANDING, FULL, CHECKS)))
    body = repository.git("show", "--no-patch", "--format=%b", "contracts-state")
    assert "2 yes, 1 unknown\nG1.3 unknown group/legacy-report" in body
    assert body.rstrip().splitlines()[-1].startswith("Attempt: ")


def test_other_files_on_the_branch_stay_and_are_no_part_of_the_book(repository: Repository, journal: Open) -> None:
    state = journal(repository)
    add(state, "a.A")
    repository.git("worktree", "add", "--quiet", "--detach", "../by-hand", "contracts-state")
    by_hand = Repository(repository.path.parent / "by-hand")
    commit = by_hand.commit("an owner", {"CODEOWNERS": "* @ana\n", "rollouts/notes.txt": "x"})
    repository.git("update-ref", REF, commit)
    add(state, "b.B")
    assert "CODEOWNERS" in repository.git("ls-tree", "-r", "--name-only", "contracts-state")
    assert find_contracts(state.read()) == ["a.A", "b.B"]


def test_an_edited_document_stops_those_who_ask_for_it(repository: Repository, journal: Open) -> None:
    state = journal(repository)
    add(state, "a.A")
    add(state, "b.B")
    path = plan("a.A").step.path
    repository.git("worktree", "add", "--quiet", "--detach", "../by-hand", "contracts-state")
    by_hand = Repository(repository.path.parent / "by-hand")
    text = (by_hand.path / path).read_text().replace('"planned"', '"done"')
    repository.git("update-ref", REF, by_hand.commit("done", {path: text}))
    book = state.read()
    assert book.find_rollout(plan("b.B").step)
    with pytest.raises(Unreadable, match="state is 'done', none of planned") as caught:
        list(book.find_rollouts())
    assert caught.value.help.startswith("only `contracts` writes this branch; git log -p contracts-state -- rollouts/")


# What stays as it is --------------------------------------------------------------------------------------------------


def photograph(place: Path) -> dict[str, bytes]:
    """Every file of a repository that is a person's own: the work tree, the index, HEAD, FETCH_HEAD, other refs."""
    private = ("/objects/", "/refs/heads/contracts-state", "/refs/remotes/origin/contracts-state", "/logs/")
    found: dict[str, bytes] = {}
    for folder, _, files in os.walk(place):
        for name in files:
            path = os.path.join(folder, name)
            if not any(part in path for part in private):
                found[path] = Path(path).read_bytes()
    return found


@pytest.mark.parametrize("shared", [True, False])
def test_work_tree_index_and_heads_are_not_touched(
    ana: Repository, bo: Repository, journal: Open, shared: bool
) -> None:
    ana.write({"contracts/new.avsc": "not staged", "staged": "yes"})
    ana.git("add", "staged")
    ana.git("add", "--intent-to-add", "contracts/new.avsc")
    ana.git("fetch", "--quiet")
    ana.git("config", "core.splitIndex", "true")
    ana.git("config", "core.untrackedCache", "true")
    status = ana.git("status", "--porcelain")
    before = photograph(ana.path)
    mine, theirs = journal(ana, None if shared else ""), journal(bo)
    seen = mine.read()
    add(theirs, "b.B")
    mine.write(seen, enter(plan("a.A")))
    add(theirs, "c.C")
    mine.read()
    assert photograph(ana.path) == before
    assert ana.git("status", "--porcelain") == status
    assert not ana.git("tag") and ana.git("branch", "--format=%(refname:short)") == "contracts-state\nmain"


def test_an_index_and_a_folder_of_a_hook_are_not_touched(
    repository: Repository, journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git commit <path>` runs hooks with an index of its own."""
    index = repository.path / ".git" / "next-index-7.lock"
    index.write_bytes((repository.path / ".git" / "index").read_bytes())
    monkeypatch.setenv("GIT_DIR", os.fspath(repository.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", os.fspath(index))
    monkeypatch.chdir(repository.path / "contracts")
    before = photograph(repository.path)
    add(journal("."), "a.A")
    assert photograph(repository.path) == before
    assert find_contracts(journal(repository).read()) == ["a.A"]


def test_a_hook_that_a_push_runs_may_write_to_its_own_repository(
    remote: Repository, journal: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In `pre-receive`, new objects go into a quarantine, where git lets nobody move a ref."""
    quarantine = remote.path / "objects/tmp_objdir-incoming-1"
    quarantine.mkdir()
    monkeypatch.setenv("GIT_DIR", ".")
    monkeypatch.setenv("GIT_QUARANTINE_PATH", os.fspath(quarantine))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", os.fspath(quarantine))
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", os.fspath(remote.path / "objects"))
    monkeypatch.chdir(remote.path)
    state = journal(".")
    add(state, "a.A")
    add(state, "b.B")
    assert not list(quarantine.iterdir())
    assert remote.git("rev-list", "--count", "contracts-state") == "2"


def test_variables_of_another_repository_are_not_heeded(
    repository: Repository, journal: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", os.fspath(other.path / ".git"))
    add(journal(repository), "a.A")
    assert repository.git("rev-parse", "--verify", REF)
    assert other.git("for-each-ref") == ""


def test_no_hook_runs_and_nothing_is_signed(ana: Repository, tmp_path: Path, journal: Open) -> None:
    """A hook that a push or a ref runs may take minutes, and is about code."""
    told = tmp_path / "told"
    hooks = ("pre-push", "pre-commit", "commit-msg", "reference-transaction", "post-index-change", "post-commit")
    for hook in hooks:
        script(ana.path / ".git/hooks" / hook, f"echo {hook} >> {told}; exit 1")
        script(tmp_path / "hooks" / hook, f"echo {hook} >> {told}; exit 1")
    ana.git("config", "gpg.program", os.fspath(script(tmp_path / "gpg", f"echo gpg >> {told}; sleep 600")))
    for setting in ("commit.gpgSign", "tag.gpgSign", "push.gpgSign", "push.followTags"):
        ana.git("config", setting, "true")
    ana.git("config", "core.fsmonitor", os.fspath(script(tmp_path / "monitor", f"echo monitor >> {told}")))
    state = journal(ana)
    add(state, "a.A")
    ana.git("config", "core.hooksPath", os.fspath(tmp_path / "hooks"))
    add(state, "b.B")
    assert find_contracts(state.read()) == ["a.A", "b.B"]
    assert not told.exists(), told.read_text()


def test_the_rules_of_the_remote_count(ana: Repository, remote: Repository, journal: Open) -> None:
    script(remote.path / "hooks/pre-receive", "echo 'only operators may write contracts-state' >&2; exit 1")
    state = journal(ana)
    with pytest.raises(Refused) as caught:
        add(state, "a.A")
    assert caught.value.message == (
        "the remote 'origin' refuses the push to contracts-state: [remote rejected] (pre-receive hook declined);"
        " only operators may write contracts-state"
    )
    assert "allowed to push to contracts-state" in caught.value.help
    assert not state.read().commit and ana.git("branch", "--list", "contracts-state") == ""
    (remote.path / "hooks/pre-receive").unlink()
    assert add(state, "a.A")


# Who ------------------------------------------------------------------------------------------------------------------


def test_git_says_who_wrote(repository: Repository, journal: Open) -> None:
    repository.git("config", "user.name", "Zoë Operator")
    repository.git("config", "user.email", "zoe@example.org")
    state = journal(repository)
    add(state, "a.A")
    assert state.author == "zoe@example.org"
    assert repository.git("log", "-1", "--format=%an <%ae> %cn", "contracts-state") == (
        "Zoë Operator <zoe@example.org> Zoë Operator"
    )


def test_the_variables_of_a_job_say_who_wrote(
    repository: Repository, journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_NAME", "deploy")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "deploy@ci.example.org")
    assert journal(repository).author == "deploy@ci.example.org"


def test_where_nobody_says_who_it_is_the_user_and_the_host(
    repository: Repository, journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("config", "user.useConfigOnly", "true")
    monkeypatch.setenv("LOGNAME", "jenkins")
    state = journal(repository)
    add(state, "a.A")
    name, _, host = state.author.partition("@")
    assert name == "jenkins" and host
    assert repository.git("log", "-1", "--format=%an <%ae>", "contracts-state") == f"jenkins <{state.author}>"


# What git could not store ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 9])
def test_a_folder_that_git_could_not_store_is_stored_again_or_nothing_is_written(
    repository: Repository, journal: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """``git mktree`` tells an id and ends with 0 where it could not write: a full disk, or a gc that clears folders."""
    state = journal(repository)
    add(state, "a.A")
    tip, left = repository.git("rev-parse", REF), [times]
    scratch = Repository(tmp_path / "scratch")
    repository.git("init", "--quiet", os.fspath(scratch.path))

    def obstruct(arguments: Any, environment: Any, told: bytes = b"") -> Any:
        if not left[0]:
            return run_git(arguments, environment, told)
        listed = run_git(("-C", os.fspath(scratch.path), *arguments[2:]), environment, told).stdout.decode().split()
        folders = [repository.path / ".git" / "objects" / tree[:2] for tree in listed]
        new = {folder for folder in folders if not folder.exists()}
        left[0] -= bool(new)
        for folder in new:
            folder.write_text("in the way of the folder")
        done = run_git(arguments, environment, told)
        assert not done.returncode, "git says that all is well"
        for folder in new:
            folder.unlink()
        return done

    monkeypatch.setattr(trees, "run_git", obstruct)
    if times == 1:
        add(state, "b.B")
        assert find_contracts(state.read()) == ["a.A", "b.B"]
    else:
        with pytest.raises(Unreadable, match="git cannot store a tree: unable to"):
            add(state, "b.B")
        assert repository.git("rev-parse", REF) == tip
    repository.git("fsck", "--strict", "--connectivity-only")
