"""The check in CI: the action's script in clones as GitHub makes them, with the variables that GitHub sets."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.command import CONTRACTS, Outcome, untouched
from tests.repo import ENVIRONMENT, Repository, forget_git_variables
from tests.shop import AVRO, BROKEN, FILES, GROWN, PLACED

PROJECT = Path(__file__).parents[1]
SCRIPT = PROJECT / ".github/action/check.sh"
ACTION = PROJECT / "action.yml"
WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))
ZEROS = "0" * 40
ANNOTATION = "::error file=contracts/order/Placed.avsc,line=4,col=32,title=compat/type-mismatch::"


@pytest.fixture(autouse=True)
def no_git_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_git_variables(monkeypatch)


@pytest.fixture
def server(tmp_path: Path) -> Repository:
    """main went on after ``breaking`` and ``sound`` left it; of each there is a merge commit, as GitHub makes it."""
    made = Repository(tmp_path / "server")
    made.git("config", "uploadpack.allowAnySHA1InWant", "true")
    made.commit("first", {**FILES, ".github/CODEOWNERS": "* @shop/sales\n"})
    for name, schema in (("breaking", BROKEN), ("sound", GROWN)):
        made.branch(name, "main")
        made.commit("begun", {"notes": "text\n"})
        made.commit(name, {PLACED: schema})
    made.git("switch", "--quiet", "main")
    made.commit("others", {"README": "text\n"})
    for name in ("breaking", "sound"):
        made.branch(f"merge-of-{name}", "main")
        made.git("merge", "--quiet", "--no-ff", "--message", "merge", name)
        made.git("update-ref", f"refs/pull/1/{name}", "HEAD")
    made.git("switch", "--quiet", "main")
    return made


class Job(NamedTuple):
    """A checked-out clone with what GitHub tells its steps."""

    clone: Repository
    environment: Mapping[str, str]

    def check(self, **inputs: str) -> Outcome:
        """Run the action's last step."""
        given = {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
        environment = {**ENVIRONMENT, "XDG_CACHE_HOME": os.devnull, "GITHUB_ACTIONS": "true", **self.environment}
        command = ["bash", os.fspath(SCRIPT), CONTRACTS]
        done = subprocess.run(
            command, cwd=self.clone.path, env={**environment, **given}, capture_output=True, check=False, text=True
        )
        assert "Traceback" not in done.stdout + done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr)


def checkout(server: Repository, folder: Path, ref: str, depth: int) -> Repository:
    """What actions/checkout does: an empty repository, one fetch of one ref, a detached HEAD."""
    made = Repository(folder)
    made.git("remote", "add", "origin", server.path.as_uri())
    depths = [f"--depth={depth}"] if depth else []
    made.git("fetch", "--quiet", "--no-tags", *depths, "origin", f"+{ref}:refs/remotes/pull/1/merge")
    made.git("checkout", "--quiet", "--detach", "refs/remotes/pull/1/merge")
    return made


def pull_request(server: Repository, folder: Path, name: str, depth: int = 2) -> Job:
    clone = checkout(server, folder / "clone", f"refs/pull/1/{name}", depth)
    event = {"pull_request": {"base": {"sha": server.git("rev-parse", "main"), "ref": "main"}}}
    names = {"GITHUB_BASE_REF": "main", "GITHUB_HEAD_REF": name, "GITHUB_REF": "refs/pull/1/merge"}
    return Job(clone, {**variables(folder, clone, "pull_request", event), **names})


def pushed(server: Repository, folder: Path, name: str, before: str, depth: int = 0) -> Job:
    clone = checkout(server, folder / "clone", f"refs/heads/{name}", depth)
    event = {"before": before, "repository": {"default_branch": "main"}}
    ref = {"GITHUB_REF": f"refs/heads/{name}", "GITHUB_REF_NAME": name}
    return Job(clone, {**variables(folder, clone, "push", event), **ref})


def variables(folder: Path, clone: Repository, name: str, event: Mapping[str, Any]) -> dict[str, str]:
    (folder / "event.json").write_text(json.dumps(event))
    return {
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": os.fspath(folder / "event.json"),
        "GITHUB_SHA": clone.git("rev-parse", "HEAD"),
        "GITHUB_STEP_SUMMARY": os.fspath(folder / "summary.md"),
    }


def test_a_pull_request_needs_its_merge_commit_and_the_parents_alone(server: Repository, tmp_path: Path) -> None:
    job = pull_request(server, tmp_path, "breaking")
    assert job.clone.git("rev-list", "--count", "--all") == "3"
    with untouched(job.clone.path):
        outcome = job.check(fetch="false")
    assert outcome.code == 1 and outcome.err == ""
    assert outcome.out.count("::error ") == 1 and ANNOTATION in outcome.out
    summary = (tmp_path / "summary.md").read_text()
    assert "compat/type-mismatch" in summary and f"{PLACED}:4:32" in summary and "::error" not in summary


def test_a_sound_pull_request_passes_and_says_so_in_the_summary(server: Repository, tmp_path: Path) -> None:
    outcome = pull_request(server, tmp_path, "sound").check()
    assert (outcome.code, outcome.err) == (0, "") and "::error" not in outcome.out
    assert "1 contract" in (tmp_path / "summary.md").read_text()


def test_a_summary_is_added_to_what_other_steps_wrote(server: Repository, tmp_path: Path) -> None:
    (tmp_path / "summary.md").write_text("# Before\n")
    pull_request(server, tmp_path, "sound").check()
    assert (tmp_path / "summary.md").read_text().startswith("# Before\n")


def test_without_a_summary_the_check_is_the_same(server: Repository, tmp_path: Path) -> None:
    job = pull_request(server, tmp_path, "breaking")
    bare = Job(job.clone, {name: value for name, value in job.environment.items() if "SUMMARY" not in name})
    assert bare.check().code == 1 and not (tmp_path / "summary.md").exists()


def test_a_merge_commit_alone_is_too_little_unless_it_may_fetch(server: Repository, tmp_path: Path) -> None:
    job = pull_request(server, tmp_path, "breaking", depth=1)
    with untouched(job.clone.path):
        refused = job.check(fetch="false")
    assert refused.code == 2 and refused.out == ""
    assert "with: {fetch-depth: 2}" in refused.err and refused.err.count("\n") == 2
    fetched = job.check(fetch="true")
    assert fetched.code == 1 and ANNOTATION in fetched.out


def test_a_push_is_compared_with_what_was_there_before(server: Repository, tmp_path: Path) -> None:
    before = server.git("rev-parse", "breaking~1")
    assert ANNOTATION in pushed(server, tmp_path, "breaking", before).check().out
    after = server.git("rev-parse", "breaking")
    (tmp_path / "again").mkdir()
    assert pushed(server, tmp_path / "again", "breaking", after).check().code == 0


def test_a_shallow_push_fetches_what_it_needs(server: Repository, tmp_path: Path) -> None:
    job = pushed(server, tmp_path, "breaking", server.git("rev-parse", "breaking~2"), depth=1)
    refused = job.check(fetch="false")
    assert refused.code == 2 and "with: {fetch-depth: 0}" in refused.err
    assert ANNOTATION in job.check().out


def test_a_new_branch_is_compared_with_where_it_left_the_default_one(server: Repository, tmp_path: Path) -> None:
    job = pushed(server, tmp_path, "breaking", ZEROS)
    outcome = job.check()
    assert outcome.code == 1 and ANNOTATION in outcome.out


def test_the_first_push_of_the_default_branch_has_nothing_to_break(server: Repository, tmp_path: Path) -> None:
    outcome = pushed(server, tmp_path, "main", ZEROS).check()
    assert (outcome.code, outcome.err) == (0, "")


def test_a_merge_queue_names_its_base_in_the_event(server: Repository, tmp_path: Path) -> None:
    clone = checkout(server, tmp_path / "clone", "refs/pull/1/breaking", 0)
    event = {"merge_group": {"base_sha": server.git("rev-parse", "main")}}
    job = Job(clone, variables(tmp_path, clone, "merge_group", event))
    assert job.check().code == 1


@pytest.mark.parametrize("event", ["", "[]", "{", "7", '{"before": 7}'])
def test_an_event_that_names_no_base_is_no_pass(server: Repository, tmp_path: Path, event: str) -> None:
    job = pushed(server, tmp_path, "breaking", "")
    (tmp_path / "event.json").write_text(event)
    outcome = job.check(fetch="false")
    assert outcome.code == 2 and "help: " in outcome.err


def test_pull_request_target_is_refused_where_it_would_judge_the_base(server: Repository, tmp_path: Path) -> None:
    clone = checkout(server, tmp_path / "clone", "refs/heads/main", 0)
    event = {"pull_request": {"base": {"sha": server.git("rev-parse", "main")}}}
    outcome = Job(clone, variables(tmp_path, clone, "pull_request_target", event)).check()
    assert outcome.code == 2 and "on: pull_request" in outcome.err


# Inputs ---------------------------------------------------------------------------------------------------------------


def test_inputs_are_options(server: Repository, tmp_path: Path) -> None:
    job = pull_request(server, tmp_path, "breaking")
    assert job.check(only="envelope").code == 0
    assert job.check(only="compat,schema").code == 1
    assert job.check(against="HEAD").code == 0
    assert job.check(root="nowhere").code == 2
    assert job.check(root="", against="", only="", strict="", fetch="").code == 1
    (tmp_path / "other").mkdir()
    warned = pull_request(server, tmp_path / "other", "sound")
    warned.clone.write({"contracts/Orphan.avsc": AVRO.replace("Placed", "Orphan")})
    assert warned.check(strict="false").code == 0
    assert warned.check(strict="true").code == 1


HOSTILE = ('"; echo pwned', "$(echo pwned)", "`echo pwned`", "'; echo pwned; '", "x\necho pwned", "--help", "-h", "*")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["root", "against", "only"])
def test_hostile_inputs_stay_text(server: Repository, tmp_path: Path, name: str, text: str) -> None:
    job = pull_request(server, tmp_path, "sound")
    with untouched(job.clone.path):
        outcome = job.check(**{name: text})
    assert outcome.code == 2 and outcome.out == "", outcome
    assert not [line for line in outcome.err.splitlines() if line.strip() == "pwned"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["strict", "fetch"])
def test_hostile_switches_are_off(server: Repository, tmp_path: Path, name: str, text: str) -> None:
    outcome = pull_request(server, tmp_path, "sound").check(**{name: text})
    assert outcome.code == 0 and "pwned" not in outcome.out + outcome.err


def test_what_a_contributor_wrote_gives_no_commands_to_the_runner(server: Repository, tmp_path: Path) -> None:
    job = pull_request(server, tmp_path, "sound")
    hostile = "contracts/a,b\n::set-output name=x::y%0A.avsc"
    job.clone.commit("hostile", {hostile: '{"type": "record", "name": "x\\n::error::y", "fields": []}'})
    outcome = job.check(against="HEAD~1")
    assert outcome.code == 1 and "::set-output" not in {line[:12] for line in outcome.out.splitlines()}
    assert all(line.startswith(("::error file=", "::warning file=")) for line in find_commands(outcome.out))


def find_commands(out: str) -> Iterator[str]:
    return (line for line in out.splitlines() if line.lstrip().startswith("::") or "##[" in line)


# The files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_no_expression_stands_in_a_script(path: Path) -> None:
    """GitHub puts the value of an expression into the script as it is, and a branch may be called ``$(...)``."""
    text = path.read_text()
    allowed = sum(len(re.findall(r"\$\{\{", value)) for value in find_values(yaml.safe_load(text)))
    assert allowed == text.count("${{")


def find_values(node: object, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The texts where an expression is only a value: below ``env`` and ``with``."""
    match node:
        case dict():
            for key, value in node.items():
                yield from find_values(value, (*above, str(key)))
        case list():
            for value in node:
                yield from find_values(value, above)
        case str() if "run" not in above and {"env", "with"} & {*above}:
            yield node


def test_every_input_of_the_action_reaches_the_script() -> None:
    action = yaml.safe_load(ACTION.read_text())
    *_, last = action["runs"]["steps"]
    script = SCRIPT.read_text()
    given = {name: re.findall(r"inputs\.([\w-]+)", value)[0] for name, value in last["env"].items()}
    assert set(given.values()) | {"python-version"} == set(action["inputs"])
    for name, source in given.items():
        assert f"${{{name}:-" in script and name == f"INPUT_{source.upper().replace('-', '_')}"
    assert all("default" in entry and entry["description"] for entry in action["inputs"].values())


def test_the_script_has_no_fault_that_bash_can_see() -> None:
    assert subprocess.run(["bash", "-n", SCRIPT], check=False).returncode == 0
    assert not re.findall(r"\beval\b|`|\bsource\b", SCRIPT.read_text())


def test_the_workflow_of_the_contracts_uses_the_action_itself() -> None:
    steps = yaml.safe_load((PROJECT / ".github/workflows/contracts.yml").read_text())["jobs"]["check"]["steps"]
    assert [step["uses"] for step in steps][-1] == "./" and steps[0]["with"]["fetch-depth"] == 2
