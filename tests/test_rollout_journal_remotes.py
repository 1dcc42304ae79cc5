"""The journal's remote: which it is, and what it may have done to the branch meanwhile."""

import os
from pathlib import Path

import pytest

from registry.errors import Refused, Unreadable
from registry.rollout.journal import plumbing
from registry.rollout.states import State
from tests.repo import Repository
from tests.rollout_clones import REF, Open, add, ana, bo, journal, remote, script
from tests.rollout_documents import enter, find_contracts, plan

FIXTURES = (ana, bo, journal, remote)
"""Clones, and what opens the journals in them."""


def test_a_remote_that_cannot_be_reached_stops_everything(
    ana: Repository, remote: Repository, tmp_path: Path, journal: Open
) -> None:
    state = journal(ana)
    add(state, "a.A")
    book = state.read()
    remote.path.rename(tmp_path / "gone.git")
    for ask in (state.read, lambda: state.write(book, enter(plan("b.B")))):
        with pytest.raises(
            Unreadable, match="the remote 'origin' does not say where refs/heads/contracts-state is"
        ) as caught:
            ask()
        assert "git fetch origin stops at the same" in caught.value.help
    (tmp_path / "gone.git").rename(remote.path)
    assert find_contracts(state.read()) == ["a.A"]


def test_a_remote_that_does_not_answer_is_given_up(
    repository: Repository, tmp_path: Path, journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", os.fspath(script(tmp_path / "ssh", "cat > /dev/null")))
    monkeypatch.setattr(plumbing, "PATIENCE", 0.3)
    repository.git("remote", "add", "origin", "git@example.org:contracts.git")
    with pytest.raises(Unreadable, match=r"does not say where .*: no answer within 0\.3 seconds"):
        journal(repository).read()


def test_a_remote_that_asks_for_a_password_is_not_waited_for(
    repository: Repository, tmp_path: Path, journal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", os.fspath(script(tmp_path / "ssh", "echo Permission denied >&2; exit 255")))
    repository.git("remote", "add", "origin", "git@example.org:contracts.git")
    with pytest.raises(Unreadable, match=r"does not say where .*: Permission denied$"):
        journal(repository).read()


def test_without_a_remote_the_local_branch_is_the_journal(repository: Repository, journal: Open) -> None:
    state = journal(repository)
    assert state.remote == ""
    commit = add(state, "a.A")
    assert repository.git("rev-parse", "contracts-state") == commit


def test_a_remote_added_later_gets_what_was_decided_before(
    repository: Repository, tmp_path: Path, journal: Open
) -> None:
    add(journal(repository), "a.A")
    bare = Repository(tmp_path / "later.git")
    bare.git("config", "core.bare", "true")
    repository.git("remote", "add", "origin", bare.path.as_uri())
    state = journal(repository)
    assert find_contracts(state.read()) == ["a.A"]
    assert bare.git("for-each-ref") == "", "reading pushes nothing"
    add(state, "b.B")
    assert bare.git("rev-list", "--count", "contracts-state") == "2"
    assert find_contracts(journal(bare.clone(tmp_path / "clone")).read()) == ["a.A", "b.B"]


def test_two_clones_that_began_alone_are_told_so(ana: Repository, bo: Repository, journal: Open) -> None:
    add(journal(ana, ""), "a.A")
    add(journal(bo), "b.B")
    state = journal(ana)
    with pytest.raises(Unreadable, match="have each what the other lacks") as caught:
        state.read()
    command = caught.value.help.rpartition(": ")[2]
    assert command == "git branch -f contracts-state origin/contracts-state"
    ana.git(*command.split()[1:])
    assert find_contracts(state.read()) == ["b.B"]


def test_a_remote_that_was_set_back_is_not_believed(ana: Repository, remote: Repository, journal: Open) -> None:
    """Otherwise an epoch would be given twice."""
    state = journal(ana)
    first = add(state, "a.A")
    second = add(state, "a.A", state=State.EXPANDING)
    remote.git("update-ref", REF, first)
    for _ in range(2):
        with pytest.raises(Unreadable, match=r"was set back: .* does not come after") as caught:
            state.read()
    assert first[:12] in caught.value.message and second[:12] in caught.value.message
    put_back = caught.value.help.partition("to put it back: ")[2].partition(";")[0]
    ana.git(*put_back.split()[1:])
    assert state.read().commit == second


def test_a_branch_that_the_remote_has_lost_is_not_begun_anew(
    ana: Repository, remote: Repository, journal: Open
) -> None:
    state = journal(ana)
    commit = add(state, "a.A")
    remote.git("update-ref", "-d", REF)
    with pytest.raises(Unreadable, match="no longer has the branch contracts-state") as caught:
        state.read()
    ana.git(*caught.value.help.removeprefix("put it back: ").split()[1:])
    assert state.read().commit == commit


@pytest.mark.parametrize(
    ("remotes", "setting", "expected"),
    [
        ([], "", ""),
        (["origin"], "", "origin"),
        (["upstream"], "", "upstream"),
        (["fork", "origin"], "", "origin"),
        (["fork", "origin"], "fork", "fork"),
        (["origin"], ".", ""),
    ],
)
def test_which_remote_shares_the_branch(
    repository: Repository, journal: Open, remotes: list[str], setting: str, expected: str
) -> None:
    for name in remotes:
        repository.git("remote", "add", name, f"https://example.org/{name}.git")
    if setting:
        repository.git("config", "branch.contracts-state.remote", setting)
    assert journal(repository).remote == expected


def test_a_setting_that_names_no_remote_is_refused(ana: Repository, journal: Open) -> None:
    ana.git("config", "branch.contracts-state.remote", "https://example.org/contracts.git")
    with pytest.raises(Unreadable, match=r"is 'https://example\.org/contracts\.git', which is the name of no remote"):
        journal(ana).read()


def test_of_several_remotes_none_is_guessed(repository: Repository, journal: Open) -> None:
    for name in ("fork", "upstream"):
        repository.git("remote", "add", name, f"https://example.org/{name}.git")
    with pytest.raises(Unreadable, match="which of the remotes fork, upstream shares") as caught:
        journal(repository).read()
    repository.git(*caught.value.help.split()[1:])
    assert journal(repository).remote == "fork"


def test_a_branch_that_is_checked_out_is_not_moved_under_ones_feet(
    ana: Repository, remote: Repository, bo: Repository, journal: Open
) -> None:
    shared, alone = journal(ana), journal(ana, "")
    first = add(shared, "a.A")
    ana.git("switch", "--quiet", "contracts-state")
    add(shared, "b.B")
    assert ana.git("rev-parse", "contracts-state") == first and ana.git("status", "--porcelain") == ""
    assert find_contracts(shared.read()) == ["a.A", "b.B"]
    with pytest.raises(Refused, match="contracts-state is checked out in"):
        add(alone, "c.C")
    ana.git("switch", "--quiet", "main")
    shared.read()
    assert ana.git("rev-parse", "contracts-state") == remote.git("rev-parse", "contracts-state")
