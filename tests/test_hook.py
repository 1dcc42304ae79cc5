"""The pre-commit hook, with real commits: what is about to be committed is judged, and nothing else."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.command import CONTRACTS, Outcome, run
from tests.repo import ENVIRONMENT, Repository, forget_git_variables
from tests.shop import AVRO, BREAK, BROKEN, FILES, GROWN, PAID, PLACED, PROTOBUF

PROJECT = Path(__file__).parents[1]
NO_INDEX = ("ConnectionError", "No matching distribution", "Could not find a version", "Temporary failure", "timed out")
"""What pip says where it cannot reach a package index."""


@pytest.fixture(autouse=True)
def no_git_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_git_variables(monkeypatch)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """The hook as a plain script, which is all that git needs."""
    made = Repository(tmp_path / "user")
    made.commit("first", FILES)
    hook = made.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nexec '{CONTRACTS}' check --staged\n")
    hook.chmod(0o755)
    return made


def commit(repository: Repository, *arguments: str, environment: Mapping[str, str] | None = None) -> Outcome:
    """A real `git commit`, which runs the hook."""
    return call(repository.path, "git", "commit", "--message", "change", *arguments, environment=environment)


def call(folder: Path, *command: str, environment: Mapping[str, str] | None = None) -> Outcome:
    home = {**ENVIRONMENT, "XDG_CACHE_HOME": os.devnull, **(environment or {})}
    done = subprocess.run(command, cwd=folder, env=home, capture_output=True, check=False, text=True)
    return Outcome(done.returncode, done.stdout, done.stderr)


def accepts(outcome: Outcome) -> bool:
    """Whether the commit was made, after the hook had looked."""
    assert "Traceback" not in outcome.out + outcome.err
    return outcome.code == 0 and "compared with HEAD" not in outcome.err


def refuses(outcome: Outcome) -> bool:
    """Whether the commit was stopped, with the reason and the way out."""
    said = outcome.out + outcome.err  # git sends what a hook prints to its stderr
    return outcome.code == 1 and BREAK in said and "  help      " in said and "\n1 error" in said


def test_a_sound_change_is_committed_and_a_breaking_one_is_not(repository: Repository) -> None:
    repository.stage({PLACED: GROWN})
    assert accepts(commit(repository))
    before = repository.git("rev-parse", "HEAD")
    repository.stage({PLACED: BROKEN})
    assert refuses(commit(repository))
    assert repository.git("rev-parse", "HEAD") == before


def test_a_change_beside_the_contracts_is_committed(repository: Repository) -> None:
    repository.stage({"README": "text\n"})
    assert accepts(commit(repository))


def test_what_is_not_staged_is_not_judged(repository: Repository) -> None:
    repository.stage({PAID: PROTOBUF.replace("}", "  string note = 4;\n}")})
    repository.write({PLACED: BROKEN})
    assert accepts(commit(repository))


def test_what_is_staged_is_judged_even_if_the_work_tree_is_sound_again(repository: Repository) -> None:
    repository.stage({PLACED: BROKEN})
    repository.write({PLACED: AVRO})
    assert refuses(commit(repository))


@pytest.mark.parametrize("staged", [True, False])
def test_a_partial_commit_is_judged_without_the_rest(repository: Repository, staged: bool) -> None:
    repository.write({PLACED: BROKEN, "README": "text\n"})
    repository.git("add", "README")
    if staged:
        repository.git("add", PLACED)
    assert accepts(commit(repository, "--", "README"))
    assert repository.git("diff", "--name-only", "HEAD") == PLACED


def test_a_partial_commit_of_what_breaks_is_refused(repository: Repository) -> None:
    repository.stage({"README": "text\n"})
    repository.write({PLACED: BROKEN})
    assert refuses(commit(repository, "--", PLACED))
    assert refuses(commit(repository, "--include", "--", PLACED))
    assert refuses(commit(repository, "--all"))


def test_a_commit_that_only_deletes_is_judged(repository: Repository) -> None:
    repository.git("rm", "--quiet", PLACED)
    outcome = commit(repository)
    assert outcome.code == 1 and "error  compat/removed-with-subscribers" in outcome.err
    assert "shop.Placed is gone, and still subscribed to by billing" in outcome.err


def test_a_commit_that_deletes_ownership_is_judged(repository: Repository) -> None:
    repository.git("rm", "--quiet", "ownership.yaml")
    outcome = commit(repository)
    assert outcome.code == 1 and "ownership.yaml is gone" in outcome.err


def test_a_linked_worktree_is_judged_by_its_own_index(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "--quiet", "-b", "side", os.fspath(tmp_path / "side"))
    side = Repository(tmp_path / "side")
    repository.stage({PLACED: BROKEN})
    side.stage({"README": "text\n"})
    assert accepts(commit(side))
    side.stage({PLACED: BROKEN})
    assert refuses(commit(side))


def test_a_commit_from_a_subfolder_is_judged_as_a_whole(repository: Repository) -> None:
    repository.stage({PLACED: BROKEN})
    for folder in ("contracts/order", "contracts/payment"):
        assert refuses(call(repository.path / folder, "git", "commit", "--message", "change"))


def test_the_first_commit_of_a_repository_has_nothing_to_break(repository: Repository, tmp_path: Path) -> None:
    fresh = Repository(tmp_path / "fresh")
    shutil.copytree(repository.path / ".git/hooks", fresh.path / ".git/hooks", dirs_exist_ok=True)
    fresh.stage(FILES)
    assert accepts(commit(fresh))


def test_with_nothing_staged_the_branch_is_compared_with_where_it_began(repository: Repository) -> None:
    """As under `pre-commit run --all-files`: HEAD compared with itself would let everything pass."""
    assert run(repository.path, "check", "--staged").code == 0
    repository.branch("feature")
    repository.commit("by hand", {PLACED: BROKEN})
    outcome = run(repository.path, "check", "--staged")
    assert outcome.code == 1 and BREAK in outcome.out and "compared with main" in outcome.out


# The real pre-commit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["contracts-check", "contracts-gen-check"])
def test_the_hook_installs_what_the_tool_needs(name: str) -> None:
    hooks = {hook["id"]: hook for hook in yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text())}
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    hook = hooks[name]
    assert hook["additional_dependencies"] == project["optional-dependencies"]["tool"]
    assert hook["always_run"] and not hook["pass_filenames"] and hook["entry"].split()[0] in project["scripts"]


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project as it lies here, as a repository that a configuration of pre-commit can name."""
    listed = call(PROJECT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed.code:
        pytest.skip(f"pre-commit needs this project as a git repository: {listed.err.strip()}")
    copy = tmp_path_factory.mktemp("published")
    for name in listed.out.split("\0")[:-1]:
        if (PROJECT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, copy / name)
    Repository(copy).commit("published")
    return copy


def pre_commit(repository: Repository, home: Path, *arguments: str) -> Outcome:
    """Run pre-commit; skip the test where no package index can be reached to install the hook from."""
    command = (sys.executable, "-m", "pre_commit", *arguments)
    outcome = call(repository.path, *command, environment={"PRE_COMMIT_HOME": os.fspath(home)})
    if outcome.code and "pip" in outcome.out and any(sign in outcome.out for sign in NO_INDEX):
        pytest.skip("the hook could not be installed: pip reaches no package index")
    return outcome


def test_pre_commit_tries_the_hook(tmp_path: Path, published: Path) -> None:
    repository = Repository(tmp_path / "user")
    repository.commit("first", FILES)
    repository.stage({PLACED: BROKEN})
    outcome = pre_commit(repository, tmp_path / "home", "try-repo", os.fspath(published), "contracts-check")
    assert outcome.code == 1 and BREAK in outcome.out and "1 error in 1 of 2 contracts" in outcome.out, outcome


def test_pre_commit_runs_the_hook_on_every_commit(tmp_path: Path, published: Path) -> None:
    repository, home = Repository(tmp_path / "user"), tmp_path / "home"
    revision = call(published, "git", "rev-parse", "HEAD").out.strip()
    hooks = [{"repo": os.fspath(published), "rev": revision, "hooks": [{"id": "contracts-check"}]}]
    repository.commit("first", {**FILES, ".pre-commit-config.yaml": yaml.safe_dump({"repos": hooks})})
    installed = pre_commit(repository, home, "install", "--install-hooks")
    assert installed.code == 0, installed
    environment = {"PRE_COMMIT_HOME": os.fspath(home)}

    repository.stage({PLACED: GROWN})
    assert accepts(commit(repository, environment=environment))
    repository.stage({PLACED: BROKEN, "README": "text\n"})
    assert BREAK in (refused := commit(repository, environment=environment)).err and refused.code == 1, refused
    assert accepts(commit(repository, "--", "README", environment=environment))
    repository.git("reset", "--quiet", "--hard")
    repository.git("rm", "--quiet", PLACED)
    deleted = commit(repository, environment=environment)
    assert deleted.code == 1 and "compat/removed-with-subscribers" in deleted.err, deleted

    repository.git("reset", "--quiet", "--hard")
    repository.branch("feature")
    repository.commit("by hand", {PLACED: BROKEN})
    everything = pre_commit(repository, home, "run", "--all-files")
    assert everything.code == 1 and BREAK in everything.out and "compared with main" in everything.out, everything


def test_pre_commit_says_which_stubs_are_out_of_step(tmp_path: Path, published: Path) -> None:
    repository, home = Repository(tmp_path / "user"), tmp_path / "home"
    revision = call(published, "git", "rev-parse", "HEAD").out.strip()
    stubs = ["--service", "orders", "--out", "src"]
    hook = {"id": "contracts-gen-check", "args": stubs}
    config = {"repos": [{"repo": os.fspath(published), "rev": revision, "hooks": [hook]}]}
    repository.commit("first", {**FILES, ".pre-commit-config.yaml": yaml.safe_dump(config)})
    assert run(repository.path, "release").code == run(repository.path, "gen", *stubs).code == 0
    in_step = pre_commit(repository, home, "run", "--all-files")
    assert in_step.code == 0, in_step

    stub = repository.path / "src/events/placed.py"
    stub.write_text(stub.read_text().replace("order_id: _str", "order_id: _int"))
    edited = pre_commit(repository, home, "run", "--all-files")
    assert edited.code == 1 and "-    order_id: _int\n+    order_id: _str\n" in edited.out, edited
