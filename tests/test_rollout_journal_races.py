"""Journals of several writers at once, in real repositories: nothing is lost, and nothing is won twice."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.errors import Refused
from registry.rollout.errors import LostRace
from registry.rollout.journal import git_journal
from registry.rollout.journal.events import find_events_path
from registry.rollout.journal.git_journal import GitJournal
from registry.rollout.journal.plumbing import Answer, Plumbing
from registry.rollout.states import State
from tests.repo import ENVIRONMENT, Repository
from tests.rollout_clones import Open, add, ana, bo, journal, remote
from tests.rollout_documents import enter, find_contracts, plan

TOP = Path(__file__).resolve().parent.parent
FIXTURES = (ana, bo, journal, remote)
"""Clones, and what opens the journals in them."""


def delay(journal: GitJournal, monkeypatch: pytest.MonkeyPatch, rival: Callable[[], object], times: int = 1) -> None:
    """Let a rival write each time after the entry is made and before it is offered."""
    left = [times]
    commit = GitJournal._commit

    def commit_late(self: GitJournal, *arguments: Any) -> str:
        made = commit(self, *arguments)
        if self is journal and left[0]:
            left[0] -= 1
            rival()
        return made

    monkeypatch.setattr(GitJournal, "_commit", commit_late)
    monkeypatch.setattr(git_journal, "PAUSE", 0.0)


@pytest.mark.parametrize("shared", [True, False])
def test_a_push_that_is_lost_is_applied_again(
    ana: Repository, bo: Repository, journal: Open, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    mine = journal(ana, None if shared else "")
    theirs = journal(bo if shared else ana, None if shared else "")
    names = iter("BCD")
    delay(mine, monkeypatch, lambda: add(theirs, f"b.{next(names)}"), 3)
    add(mine, "a.A")
    assert find_contracts(theirs.read()) == ["a.A", "b.B", "b.C", "b.D"]
    lines = mine.read_lines(find_events_path(plan("a.A").step.path))
    assert lines.count("\n") == 1, "the entry was made four times, and stands there once"
    assert ana.git("rev-list", "--count", "contracts-state") == "4"


@pytest.mark.parametrize("shared", [True, False])
def test_it_is_applied_again_ten_times_and_no_more(
    ana: Repository, bo: Repository, journal: Open, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    mine = journal(ana, None if shared else "")
    theirs = journal(bo if shared else ana, None if shared else "")
    names = iter(range(99))
    delay(mine, monkeypatch, lambda: add(theirs, f"b.B{next(names)}"), 99)
    with pytest.raises(LostRace, match="others wrote to the journal 10 times"):
        add(mine, "a.A")
    assert "a.A" not in find_contracts(theirs.read()) and next(names) == 10


@pytest.mark.parametrize("shared", [True, False])
def test_a_rival_on_the_same_subject_between_check_and_act(
    ana: Repository, bo: Repository, journal: Open, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    mine = journal(ana, None if shared else "")
    theirs = journal(bo if shared else ana, None if shared else "")
    delay(mine, monkeypatch, lambda: add(theirs, "a.A", state=State.EXPANDING))
    with pytest.raises(LostRace, match=r"changed meanwhile by .* at .*: a\.A 1 -> 2 in production: expanding by"):
        add(mine, "a.A")
    found = theirs.read().find_rollout(plan("a.A").step)
    assert found and found.state is State.EXPANDING
    assert mine.read().contents == theirs.read().contents


@pytest.mark.parametrize("shared", [True, False])
def test_many_processes_write_at_once_and_nothing_is_lost(
    ana: Repository, remote: Repository, tmp_path: Path, journal: Open, shared: bool
) -> None:
    """Three processes, four entries each on subjects of their own, and one subject that all of them fight for."""
    program = """
import sys
from registry.rollout.errors import LostRace
from registry.rollout.journal.git_journal import open_journal
from tests.rollout_documents import enter, plan
name, place, shared = sys.argv[1:]
with open_journal(place, None if shared else "") as journal:
    for number in range(4):
        while True:
            try:
                journal.write(journal.read(), enter(plan(f"{name}.E{number}")))
                break
            except LostRace as error:
                assert "10 times" in error.message, error.message
        book = journal.read()
        held = book.find_rollout(plan("common.E").step)
        count = held.epoch + 1 if held else 1
        try:
            journal.write(book, enter(plan("common.E", epoch=count, by=name)))
            print(count, flush=True)
        except LostRace:
            pass
"""
    names = ["p1", "p2", "p3"]
    places = {name: remote.clone(tmp_path / name).path if shared else ana.path for name in names}
    command = [sys.executable, "-c", program]
    flag = "shared" if shared else ""
    started = [
        subprocess.Popen(
            [*command, name, os.fspath(places[name]), flag],
            cwd=TOP,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    outputs = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    state = journal(ana, None if shared else "")
    book = state.read()
    assert sum(1 for contract in find_contracts(book) if contract != "common.E") == 12
    counts = sorted(int(line) for output in outputs for line in output.splitlines())
    held = book.find_rollout(plan("common.E").step)
    assert held and counts == list(range(1, held.epoch + 1)), "each epoch was won by one, and none was left out"
    assert state.read_lines(find_events_path(held.step.path)).count("\n") == held.epoch


def test_two_processes_of_one_clone_share_a_remote(ana: Repository, journal: Open) -> None:
    one, other = journal(ana), journal(ana)
    seen = other.read()
    add(one, "a.A")
    other.write(seen, enter(plan("b.B")))
    assert find_contracts(one.read()) == ["a.A", "b.B"]
    assert ana.git("rev-parse", "contracts-state") == ana.git("rev-parse", "origin/contracts-state")


def test_a_push_that_arrived_though_its_answer_did_not_is_found(
    ana: Repository, journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = Plumbing.push

    def push_and_hang_up(self: Plumbing, *arguments: str) -> Answer:
        push(self, *arguments)
        return Answer(False, False, "the remote end hung up unexpectedly")

    monkeypatch.setattr(Plumbing, "push", push_and_hang_up)
    state = journal(ana)
    book = state.write(state.read(), enter(plan("a.A")))
    assert find_contracts(book) == ["a.A"] and state.read().commit == book.commit


def test_a_lock_that_a_crash_left_is_named(
    repository: Repository, journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_journal, "PAUSE", 0.0)
    lock = repository.path / ".git/refs/heads/contracts-state.lock"
    lock.touch()
    with pytest.raises(Refused, match=r"cannot move the branch contracts-state: .*contracts-state\.lock': File exists"):
        add(journal(repository), "a.A")
    lock.unlink()
    assert add(journal(repository), "a.A")


@pytest.mark.parametrize("shared", [True, False])
def test_a_writer_that_is_killed_leaves_whole_entries(
    ana: Repository, bo: Repository, journal: Open, shared: bool
) -> None:
    program = """
import sys
from registry.rollout.journal.git_journal import open_journal
from tests.rollout_documents import enter, plan
with open_journal(sys.argv[1], None if sys.argv[2] else "") as journal:
    while True:
        book = journal.read()
        held = book.find_rollout(plan("a.A").step)
        journal.write(book, enter(plan("a.A", epoch=held.epoch + 1 if held else 1)))
        print(flush=True)
"""
    state = journal(bo if shared else ana, None if shared else "")
    for _ in range(3):
        command = [sys.executable, "-c", program, os.fspath(ana.path), "shared" if shared else ""]
        with subprocess.Popen(command, cwd=TOP, env=ENVIRONMENT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() and process.stdout.readline()
            process.kill()
        held = state.read().find_rollout(plan("a.A").step)
        assert held and held.epoch >= 2
        commits = (bo if shared else ana).git(
            "rev-list", "--count", "contracts-state" if not shared else "origin/contracts-state"
        )
        lines = state.read_lines(find_events_path(held.step.path)).count("\n")
        assert lines >= held.epoch and int(commits) >= held.epoch
        add(state, "b.B", epoch=held.epoch)
    ana.git("fsck", "--strict")
