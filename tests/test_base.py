"""What a change is compared with, on people's machines and in CI."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from registry.base import Base, find_base
from registry.errors import NoBase, UnknownRevision
from registry.git import open_repo
from tests.repo import ENVIRONMENT, Repository, forget_git_variables

ZEROS = "0" * 40


@pytest.fixture(autouse=True)
def no_git_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_git_variables(monkeypatch)


@pytest.fixture
def server(tmp_path: Path) -> Repository:
    """Two commits on main, one more on main after feature left it, and two on feature::

    fork --- main
        \\--- one --- feature
    """
    made = Repository(tmp_path / "server")
    made.git("config", "uploadpack.allowAnySHA1InWant", "true")
    made.commit("root", {"root": "1"})
    made.tag("v1.0.0")
    made.commit("fork", {"fork": "1"})
    made.branch("feature")
    made.commit("one", {"one": "1"})
    made.commit("feature", {"feature": "1"})
    made.git("switch", "--quiet", "main")
    made.commit("main", {"main": "1"})
    return made


@pytest.fixture
def clone(server: Repository, tmp_path: Path) -> Repository:
    made = server.clone(tmp_path / "clone")
    made.git("switch", "--quiet", "feature")
    return made


def base(
    repository: Repository,
    environment: Mapping[str, str] | None = None,
    *,
    against: str | None = None,
    head: str = "",
    staged: bool = False,
    fetch: bool = False,
) -> Base:
    with open_repo(repository.path) as repo:
        return find_base(repo, against=against, head=head, environment=environment or {}, staged=staged, fetch=fetch)


def commit(repository: Repository, ref: str) -> str:
    return repository.git("rev-parse", f"{ref}^{{commit}}")


# Named by the user ---------------------------------------------------------------------------------------------------


def test_against_is_used_exactly(clone: Repository) -> None:
    assert base(clone, against="origin/main") == Base(commit(clone, "origin/main"), "origin/main", "--against")
    assert base(clone, against="v1.0.0").commit == commit(clone, "v1.0.0")
    assert base(clone, against="v1.0.0", staged=True).label == "v1.0.0"


def test_the_variable_is_used_exactly_unless_the_option_is_given(clone: Repository) -> None:
    variables = {"CONTRACTS_AGAINST": "origin/main", **merge_request(clone)}
    assert base(clone, variables) == Base(commit(clone, "origin/main"), "origin/main", "CONTRACTS_AGAINST")
    assert base(clone, variables, against="v1.0.0").label == "v1.0.0"
    assert base(clone, {"CONTRACTS_AGAINST": ""}).label.startswith("origin/main")


def test_a_dead_name_is_an_error_and_nothing_is_guessed(clone: Repository) -> None:
    for name in ("v1.0.1", "-x", ""):
        with pytest.raises(UnknownRevision):
            base(clone, against=name)
    with pytest.raises(UnknownRevision, match=r"v1\.0\.1"):
        base(clone, {"CONTRACTS_AGAINST": "v1.0.1"})


def test_a_name_that_is_not_here_is_fetched_if_asked(server: Repository, tmp_path: Path) -> None:
    shallow = server.clone(tmp_path / "shallow", "--depth=1", "--branch=feature", "--no-tags")
    with pytest.raises(UnknownRevision) as caught:
        base(shallow, against="v1.0.0")
    assert "shallow" in caught.value.help
    assert base(shallow, against="v1.0.0", fetch=True).commit == commit(server, "v1.0.0")
    assert base(shallow, against="origin/main", fetch=True).commit == commit(server, "main")
    with pytest.raises(NoBase, match="cannot fetch"):
        base(shallow, against="v9", fetch=True)


# Staged --------------------------------------------------------------------------------------------------------------


def test_staged_is_compared_with_head(clone: Repository) -> None:
    assert base(clone, merge_request(clone), staged=True) == Base(commit(clone, "HEAD"), "HEAD", "what is staged")


def test_before_the_first_commit_everything_is_new(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "new")
    repository.stage({"a": "1"})
    assert base(repository, staged=True) == base(repository) == Base("", "nothing", "there is no commit yet")


# Found by git --------------------------------------------------------------------------------------------------------


def test_a_branch_is_met_where_it_left_the_default_branch_also_if_it_is_pushed(clone: Repository) -> None:
    assert clone.git("rev-parse", "--abbrev-ref", "feature@{upstream}") == "origin/feature"
    fork = clone.git("merge-base", "feature", "origin/main")
    expected = f"origin/main (merge-base {fork[:7]})"
    assert base(clone) == Base(fork, expected, "merge-base with origin/HEAD")


def test_an_upstream_of_another_name_comes_first(clone: Repository) -> None:
    clone.git("branch", "--quiet", "topic", "--track", "origin/feature")
    clone.git("switch", "--quiet", "topic")
    clone.commit("mine", {"mine": "1"})
    assert base(clone) == Base(commit(clone, "origin/feature"), "origin/feature", "merge-base with the upstream")


def test_without_origin_head_the_usual_names_are_tried(clone: Repository) -> None:
    clone.git("remote", "set-head", "origin", "--delete")
    assert base(clone).reason == "merge-base with origin/main"
    clone.git("update-ref", "-d", "refs/remotes/origin/main")
    assert base(clone).reason == "merge-base with main"


def test_a_dead_origin_head_is_passed_over(clone: Repository) -> None:
    clone.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/gone")
    assert base(clone).reason == "merge-base with origin/main"


def test_on_main_only_what_is_not_pushed_is_new(clone: Repository) -> None:
    clone.git("switch", "--quiet", "main")
    assert base(clone).commit == commit(clone, "HEAD")
    pushed = commit(clone, "HEAD")
    clone.commit("unpushed", {"x": "1"})
    assert base(clone).commit == pushed


def test_without_other_branches_only_what_is_not_committed_is_new(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "new")
    head = repository.commit("first", {"a": "1"})
    assert base(repository) == Base(head, "HEAD", "main is checked out")
    repository.git("branch", "--move", "trunk")
    assert base(repository) == Base(head, "HEAD", "there is no other branch")


def test_no_base_is_guessed_among_unusual_names(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "new")
    repository.commit("first", {"a": "1"})
    repository.git("branch", "--move", "trunk")
    repository.branch("feature")
    with pytest.raises(NoBase, match="neither an upstream") as caught:
        base(repository)
    assert "--against" in caught.value.help


def test_unrelated_histories_have_no_base(clone: Repository) -> None:
    clone.git("switch", "--quiet", "--orphan", "alone")
    clone.commit("alone", {"a": "1"})
    with pytest.raises(NoBase, match="no commit in common") as caught:
        base(clone)
    assert "--against origin/main" in caught.value.help


def test_another_head_is_met_by_itself(clone: Repository) -> None:
    main, fork = commit(clone, "origin/main"), clone.git("merge-base", "feature", "origin/main")
    assert base(clone, head=commit(clone, "feature~1")).commit == fork
    assert base(clone, merge_request(clone), head=main).commit == main


def test_a_shallow_clone_says_what_to_do_or_does_it(server: Repository, tmp_path: Path) -> None:
    options = ("--depth=1", "--no-single-branch", "--branch=feature")
    shallow = server.clone(tmp_path / "shallow", *options)
    with pytest.raises(NoBase, match="too shallow to say where the change left origin/main") as caught:
        base(shallow)
    assert caught.value.help == "git fetch --unshallow  brings the history; or pass --fetch"
    assert base(shallow, fetch=True).commit == server.git("merge-base", "feature", "main")


def test_a_long_history_is_fetched_only_as_far_as_needed(tmp_path: Path) -> None:
    server = Repository(tmp_path / "server")
    server.git("config", "uploadpack.allowAnySHA1InWant", "true")
    root = server.commit("root")
    # 400 commits on main; feature leaves it after 320 and has 70 of its own.
    stream = [f"reset refs/heads/main\nfrom {root}\n\n"]
    for number in range(470):
        name = "main" if number < 400 else "feature"
        stream.append(f"commit refs/heads/{name}\nmark :{number + 1}\ncommitter A <a@b> {number} +0000\ndata 0\n")
        stream.append("from :320\n" if number == 400 else "")
    importing = "".join(stream)
    subprocess.run(
        ["git", "-C", server.path, "fast-import", "--quiet"], input=importing.encode(), env=ENVIRONMENT, check=True
    )
    shallow = server.clone(tmp_path / "shallow", "--depth=1", "--no-single-branch", "--branch=feature")
    assert base(shallow, fetch=True).commit == server.git("merge-base", "feature", "main")
    with open_repo(shallow.path) as repo:
        assert repo.shallow and not repo.holds(root)


def test_a_full_clone_stays_full_when_it_fetches(server: Repository, tmp_path: Path) -> None:
    single = server.clone(tmp_path / "single", "--single-branch", "--branch=feature")
    variables = {"JENKINS_URL": "x", "CHANGE_TARGET": "main"}
    with pytest.raises(NoBase, match="no origin/main in this clone") as caught:
        base(single, variables)
    assert "git fetch origin +refs/heads/main:refs/remotes/origin/main" in caught.value.help
    assert base(single, variables, fetch=True).commit == server.git("merge-base", "feature", "main")
    with open_repo(single.path) as repo:
        assert not repo.shallow


# CI systems ----------------------------------------------------------------------------------------------------------


def merge_request(repository: Repository) -> dict[str, str]:
    return {
        "GITLAB_CI": "true",
        "CI_COMMIT_SHA": commit(repository, "HEAD"),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": commit(repository, "v1.0.0"),
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_COMMIT_BEFORE_SHA": ZEROS,
        "CI_DEFAULT_BRANCH": "main",
    }


def github(repository: Repository, folder: Path, name: str, event: object, **more: str) -> dict[str, str]:
    path = folder / "event.json"
    path.write_text(json.dumps(event))
    head = commit(repository, "HEAD")
    return {
        "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_SHA": head,
        "GITHUB_EVENT_PATH": os.fspath(path), **more,
    }  # fmt: skip


def merge(server: Repository) -> str:
    """What GitHub makes of a pull request: refs/pull/1/merge."""
    server.git("switch", "--quiet", "--detach", "main")
    server.git("merge", "--quiet", "--no-ff", "-m", "merge", "feature")
    server.git("update-ref", "refs/pull/1/merge", "HEAD")
    made = commit(server, "HEAD")
    server.git("switch", "--quiet", "main")
    return made


def checkout(server: Repository, path: Path, ref: str, *depth: str) -> Repository:
    """As CI systems check out: an empty repository, one fetch, a detached HEAD."""
    made = Repository(path)
    made.git("remote", "add", "origin", server.path.as_uri())
    made.git("fetch", "--quiet", "--no-tags", *depth, "origin", ref)
    made.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    return made


def test_github_pull_request_needs_two_commits(server: Repository, tmp_path: Path) -> None:
    merge(server)
    there = checkout(server, tmp_path / "two", "refs/pull/1/merge", "--depth=2")
    variables = github(there, tmp_path, "pull_request", {}, GITHUB_BASE_REF="main")
    assert base(there, variables) == Base(commit(server, "main"), "main", "GitHub pull request")

    there = checkout(server, tmp_path / "one", "refs/pull/1/merge", "--depth=1")
    with pytest.raises(NoBase, match="only the merge commit") as caught:
        base(there, variables)
    assert "fetch-depth: 2" in caught.value.help
    assert base(there, variables, fetch=True).commit == commit(server, "main")


def test_github_pull_request_with_its_own_head_is_met_by_the_merge_base(clone: Repository, tmp_path: Path) -> None:
    head, main = commit(clone, "HEAD"), commit(clone, "origin/main")
    event = {"pull_request": {"head": {"sha": head}, "base": {"sha": main}}}
    variables = github(clone, tmp_path, "pull_request", event, GITHUB_BASE_REF="main", GITHUB_SHA="1" * 40)
    fork = clone.git("merge-base", "feature", "origin/main")
    assert base(clone, variables) == Base(fork, f"main (merge-base {fork[:7]})", "GitHub pull request")


def test_github_pull_request_target_must_check_out_the_pull_request(clone: Repository, tmp_path: Path) -> None:
    main = commit(clone, "origin/main")
    event = {"pull_request": {"head": {"sha": commit(clone, "HEAD")}, "base": {"sha": main}}}
    variables = github(clone, tmp_path, "pull_request_target", event, GITHUB_SHA=main, GITHUB_BASE_REF="main")
    assert base(clone, variables).commit == clone.git("merge-base", "feature", "origin/main")
    clone.git("switch", "--quiet", "--detach", "origin/main")
    with pytest.raises(NoBase, match="would not be judged") as caught:
        base(clone, variables)
    assert "pull_request.head.sha" in caught.value.help


def test_github_push_is_compared_with_what_was_there_before(clone: Repository, tmp_path: Path) -> None:
    before = commit(clone, "feature~1")
    variables = github(clone, tmp_path, "push", {"before": before}, GITHUB_REF="refs/heads/feature")
    assert base(clone, variables) == Base(before, before[:10], "GitHub push")


def test_github_push_of_a_new_branch_is_met_at_the_default_branch(clone: Repository, tmp_path: Path) -> None:
    event = {"before": ZEROS, "repository": {"default_branch": "main"}}
    variables = github(clone, tmp_path, "push", event, GITHUB_REF="refs/heads/feature")
    assert base(clone, variables).commit == clone.git("merge-base", "feature", "origin/main")
    assert base(clone, {**variables, "GITHUB_REF": "refs/heads/main"}) == Base("", "nothing", "the first push of main")


def test_github_push_in_a_shallow_clone_says_what_to_add(server: Repository, tmp_path: Path) -> None:
    before = commit(server, "feature~1")
    there = checkout(server, tmp_path / "one", "feature", "--depth=1")
    variables = github(there, tmp_path, "push", {"before": before})
    with pytest.raises(NoBase, match=before[:10]) as caught:
        base(there, variables)
    assert "fetch-depth: 0" in caught.value.help
    assert base(there, variables, fetch=True).commit == before


def test_github_merge_queue_names_its_base(clone: Repository, tmp_path: Path) -> None:
    before = commit(clone, "feature~1")
    assert base(clone, github(clone, tmp_path, "merge_group", {"merge_group": {"base_sha": before}})).commit == before


def test_github_event_that_cannot_be_read_is_not_guessed_around(clone: Repository, tmp_path: Path) -> None:
    variables = github(clone, tmp_path, "push", {})
    (tmp_path / "event.json").write_text("[" * 100_000)
    for path in (os.fspath(tmp_path / "event.json"), "missing", ""):
        with pytest.raises(NoBase, match="GITHUB_EVENT_PATH") as caught:
            base(clone, {**variables, "GITHUB_EVENT_PATH": path})
        assert "--against" in caught.value.help


def test_events_that_name_no_base_leave_it_to_git(clone: Repository, tmp_path: Path) -> None:
    variables = github(clone, tmp_path, "schedule", {})
    assert base(clone, variables).reason == "merge-base with origin/HEAD"
    assert base(clone, github(clone, tmp_path, "push", [])).reason == "merge-base with origin/HEAD"


def test_variables_about_another_repository_are_not_meant(clone: Repository, tmp_path: Path) -> None:
    variables = github(clone, tmp_path, "push", {"before": "2" * 40}, GITHUB_SHA="1" * 40)
    assert base(clone, variables).reason == "merge-base with origin/HEAD"
    variables = {**merge_request(clone), "CI_COMMIT_SHA": "1" * 40}
    assert base(clone, variables).reason == "merge-base with origin/HEAD"


def test_gitlab_names_the_base_of_a_merge_request(clone: Repository) -> None:
    assert base(clone, merge_request(clone)) == Base(commit(clone, "v1.0.0"), "main", "GitLab names it")


def test_gitlab_push_is_compared_with_what_was_there_before(clone: Repository) -> None:
    before = commit(clone, "feature~1")
    variables = {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": before, "CI_DEFAULT_BRANCH": "main"}
    assert base(clone, variables).commit == before
    first = {**variables, "CI_COMMIT_BEFORE_SHA": ZEROS}
    assert base(clone, first).reason == "the first push of a branch"
    assert base(clone, {**first, "CI_COMMIT_BRANCH": "main"}) == Base("", "nothing", "the first push of main")


def test_gitlab_in_a_shallow_clone_says_what_to_add(server: Repository, tmp_path: Path) -> None:
    there = checkout(server, tmp_path / "one", "feature", "--depth=1")
    variables = {"GITLAB_CI": "true", "CI_MERGE_REQUEST_DIFF_BASE_SHA": commit(server, "v1.0.0")}
    with pytest.raises(NoBase) as caught:
        base(there, variables)
    assert "GIT_DEPTH: 0" in caught.value.help
    assert base(there, variables, fetch=True).commit == commit(server, "v1.0.0")


@pytest.mark.parametrize(
    "variables",
    [
        {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_DESTINATION_BRANCH": "main"},
        {"BUILDKITE": "true", "BUILDKITE_COMMIT": "HEAD", "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main"},
        {"TF_BUILD": "True", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
        {"TF_BUILD": "True", "SYSTEM_PULLREQUEST_TARGETBRANCH": "main"},
        {"JENKINS_URL": "https://ci.example.org", "CHANGE_TARGET": "main"},
        {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_a_target_branch_is_met_at_the_merge_base(clone: Repository, variables: dict[str, str]) -> None:
    found = base(clone, variables)
    assert found.commit == clone.git("merge-base", "feature", "origin/main")
    assert found.label == f"origin/main (merge-base {found.commit[:7]})"
    assert found.reason.endswith("the branch it goes into")


def test_bitbucket_may_shorten_the_commit(clone: Repository) -> None:
    main = commit(clone, "origin/main")
    variables = {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_DESTINATION_COMMIT": main[:12]}
    assert base(clone, variables).commit == clone.git("merge-base", "feature", main)


def test_circleci_names_no_base_and_leaves_it_to_git(clone: Repository) -> None:
    assert base(clone, {"CIRCLECI": "true"}).reason == "merge-base with origin/HEAD"
