"""The command line of rollouts on odd days: names that nobody can see, clones in odd states, records of who is gone."""

import json
import os
import shlex
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from registry.rollout.render.schema import DEPLOYMENT_SCHEMA
from tests.command import run, untouched
from tests.repo import Repository
from tests.rollout_shop import EVENT, POLICY, Shop, build


@pytest.fixture(name="shop")
def _shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return build(tmp_path, monkeypatch)


@pytest.fixture(name="ready")
def _ready(shop: Shop) -> Shop:
    """EXPANDING in staging, and everybody deployed."""
    shop.run("rollout start Placed --env staging")
    shop.deploy()
    return shop


# What is printed ------------------------------------------------------------------------------------------------------

LIFE = (
    ("can-i-deploy --service orders --env staging", 0),
    ("rollout plan Placed --env staging", 0),
    ("rollout start Placed --env staging", 0),
    ("rollout check Placed --env staging", 0),
    ("rollout check --env staging", 0),
    ("rollout switch Placed --env staging", 0),
    ("rollout converge Placed --env staging", 0),
    ("rollout revert Placed --env staging --reason later", 0),
    ("rollout switch Placed --env staging", 0),
    ("rollout contract Placed --env staging", 0),
    ("rollout reopen Placed --env staging --reason slower", 0),
    ("rollout contract Placed --env staging", 0),
    ("rollout reconcile --env staging", 0),
    ("rollout retire-write Placed --env staging", 1),
    ("rollout status Placed --env staging", 0),
    ("rollout status --env staging", 0),
)
"""One life, until ownership.yaml has to be edited."""


def test_every_command_keeps_to_its_schema_and_a_dry_run_writes_nothing(shop: Shop) -> None:
    shop.deploy()
    for line, code in LIFE:
        if line.startswith("can"):
            found = json.loads(shop.run(f"{line} --format json", code).stdout)
            Draft202012Validator(DEPLOYMENT_SCHEMA).validate(found)
            continue
        if " status " not in line:
            with untouched(shop.repository.path), untouched(shop.remote):
                shop.ask(f"{line} --dry-run", code)
        shop.ask(line, code)
    assert shop.state() == "contracting"
    shop.ask("rollout start Placed --env production --no-broker")
    shop.ask("rollout check Placed --env production --no-broker", 3)


def test_what_a_person_has_to_carry_is_told_where_no_runtime_hears_of_it(ready: Shop) -> None:
    switched = ready.run("rollout switch Placed --env staging").stderr
    assert f"start orders with CONTRACTS_ACTIVE={EVENT}=2" in switched
    assert switched.count("CONTRACTS_ACTIVE") == 1
    reverted = ready.run("rollout revert Placed --env staging --reason later").stderr
    assert f"start orders with CONTRACTS_ACTIVE={EVENT}=1" in reverted
    assert "CONTRACTS_ACTIVE" not in ready.run("rollout converge Placed --env staging").stderr


def test_names_that_nobody_can_see_are_refused_where_people_give_them(ready: Shop) -> None:
    for option, name in (("--build", "a\nb"), ("--instance", "pod\x1b[2J"), ("--release", "4\u202e2")):
        line = f"deployed --service billing --env staging {option}"
        outcome = run(ready.repository.path, *line.split(), name)
        assert (outcome.code, "nobody can see" in outcome.err) == (2, True)


def test_names_that_machines_give_cannot_draw_on_the_terminal(ready: Shop) -> None:
    outcome = run(ready.repository.path, *shlex.split("rollout abort Placed --env staging --reason 'a\x1b[2Jb\nc'"))
    assert outcome.code == 0
    assert "  reason   a\\x1b[2Jb\\nc\n" in outcome.out


def test_what_a_refused_start_wants_next_is_the_start(shop: Shop) -> None:
    shop.edit_ownership("{writes: [1, 2], subscribers", "{writes: [1], subscribers")
    done = shop.run("rollout start Placed --env staging", code=1)
    assert "  then     contracts rollout start shop.Placed --env staging --from 1 --to 2\n" in done.stdout


def test_a_rollout_that_was_given_up_may_begin_anew(shop: Shop) -> None:
    shop.run("rollout start Placed --env staging")
    shop.run("rollout abort Placed --env staging --reason mistaken")
    (found,) = shop.ask("rollout check Placed --env staging")
    assert (found["gate"], found["verdict"]) == ("G0", "yes")
    shop.edit_ownership("{writes: [1, 2], subscribers", "{writes: [1], subscribers")
    shop.ask("rollout check Placed --env staging", code=1)
    assert shop.state() == "aborted"


def test_a_waiver_may_name_who_has_spaces_in_the_name(ready: Shop) -> None:
    ready.run("rollout start Placed --env production --no-broker")
    name = "G1.3:principal/User:CN=the reports, O=shop"
    line = ["rollout", "check", "Placed", "--env", "production", "--no-broker", "--reason", "x", "--waive", name]
    outcome = run(ready.repository.path, *line)
    assert outcome.code == 3
    assert f"the waiver of {name} answers for nothing that was seen\n" in outcome.err


# Clones and remotes ---------------------------------------------------------------------------------------------------


def test_a_clone_that_is_behind_what_it_has_fetched_is_told_so(ready: Shop, tmp_path: Path) -> None:
    other = ready.clone(tmp_path / "other")
    assert other.run("rollout status --env staging").stderr == ""
    ready.edit_ownership("subscribers: [billing]", "subscribers: [billing], retired: []")
    ready.repository.commit("elsewhere", {"notes.txt": "not of contracts"})
    ready.repository.git("push", "--quiet", "origin", "main")
    assert other.run("rollout status --env staging").stderr == "", "nobody has told it yet"
    other.repository.git("fetch", "--quiet", "origin")
    for line in ("rollout status --env staging", "can-i-deploy --service billing --env staging"):
        told = other.run(line).stderr
        assert told.startswith("note: origin/main has 1 commit on contracts that HEAD (")
        assert "git pull" in told
    other.repository.git("checkout", "--quiet", "--detach")
    assert other.run("rollout status --env staging").stderr == ""


def test_a_branch_that_somebody_made_by_hand_is_written_on(shop: Shop) -> None:
    shop.repository.git("push", "--quiet", "origin", "main:refs/heads/contracts-state")
    shop.run("rollout start Placed --env staging")
    assert shop.state() == "expanding"


def test_a_remote_that_refuses_the_push_is_told_and_nothing_is_left(ready: Shop) -> None:
    hook = ready.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho contracts-state is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    before = ready.tip()
    done = ready.run("rollout switch Placed --env staging", code=2)
    assert "contracts-state is protected" in done.stderr
    assert "must be allowed to push to contracts-state" in done.stderr
    assert (ready.tip(), ready.state()) == (before, "expanding")


def test_without_a_commit_there_is_nothing_to_go_by(tmp_path: Path) -> None:
    Repository(tmp_path / "empty")
    outcome = run(tmp_path / "empty", "rollout", "status", "--env", "staging")
    assert (outcome.code, outcome.err.splitlines()[0]) == (
        2,
        "error: HEAD means no commit: the repository has none yet",
    )


def test_a_shallow_clone_is_enough(ready: Shop, tmp_path: Path) -> None:
    ready.repository.git("push", "--quiet", "origin", "main")
    shallow = tmp_path / "shallow"
    ready.repository.git("clone", "--quiet", "--depth=1", ready.remote.as_uri(), os.fspath(shallow))
    assert run(shallow, "rollout", "switch", "Placed", "--env", "staging").code == 0
    assert ready.state() == "switched"


# What git says may change in the middle -------------------------------------------------------------------------------


def test_a_writer_that_was_renamed_does_not_stand_in_the_way_for_ever(ready: Shop) -> None:
    ready.run("rollout switch Placed --env staging")
    ready.run("rollout contract Placed --env staging")
    text = (ready.repository.path / "ownership.yaml").read_text()
    renamed = text.replace("orders: {team", "ordering: {team").replace("owner: orders", "owner: ordering")
    ready.repository.commit("renamed", {"ownership.yaml": renamed.replace("writes: [1, 2]", "writes: [2]")})
    ready.deploy(services=["ordering"])
    refused = ready.run("rollout retire-write Placed --env staging", code=3).stdout
    assert "orders, whom ownership.yaml no longer knows" in refused
    ready.run("rollout retire-write Placed --env staging --waive G4.1:service/orders --reason renamed")
    assert ready.state() == "write-retired"


@pytest.mark.parametrize("gone", ["retired: [2], writes: [1]", "no folder"])
def test_a_version_that_vanishes_is_not_switched_to(ready: Shop, gone: str) -> None:
    if gone == "no folder":
        ready.repository.git("rm", "-r", "--quiet", f"contracts/versions/{EVENT}/2")
        ready.repository.commit("deleted")
    else:
        ready.edit_ownership("writes: [1, 2]", gone)
    (found,) = ready.ask("rollout switch Placed --env staging", code=1)
    blocking = [check["number"] for check in found["checks"] if not check["passes"]]
    assert "G1.10" in blocking
    assert ready.state() == "expanding"


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("soak: 999999999d", "'soak' is more than a hundred years"),
        ("age: 5s", "'age' of staging is shorter than 'heartbeat', so that no instance could ever be heard"),
        ("heartbeat: 0s", "'heartbeat' is no time at all"),
        ("trust: nobody", "trust"),
        ("soak: soon", "soak"),
        ("clusters: []", "clusters"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(shop: Shop, entry: str, told: str) -> None:
    text = POLICY.replace("staging: {broker: none", f"staging: {{{entry}")
    shop.repository.commit("policy", {"contracts/policy.yaml": text})
    done = shop.run("rollout status --env staging", code=2)
    assert told in done.stderr
