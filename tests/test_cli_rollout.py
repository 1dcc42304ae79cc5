"""`contracts rollout` as a person types it: a real repository, a bare remote, and an environment without a broker."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from registry.cli import rollout_desk
from registry.cli.rollout import rollout
from registry.rollout.journal.git_journal import GitJournal
from registry.rollout.journal.journal import Book, Entry
from registry.rollout.render.schema import ROLLOUT_SCHEMA
from tests.command import run, untouched
from tests.repo import Repository
from tests.rollout_shop import EVENT, Shop, build


@pytest.fixture(name="shop")
def _shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return build(tmp_path, monkeypatch)


@pytest.fixture(name="ready")
def _ready(shop: Shop) -> Shop:
    """EXPANDING in staging, and everybody deployed."""
    shop.run("rollout start Placed --env staging")
    shop.deploy()
    return shop


# The simplest case ----------------------------------------------------------------------------------------------------


def test_three_commands_where_git_alone_decides(shop: Shop) -> None:
    shop.deploy()
    started = shop.run("rollout start Placed --env staging")
    assert started.stdout.startswith("shop.Placed 1 -> 2 in staging: expanding\n")
    assert "  next     contracts rollout switch shop.Placed --env staging" in started.stdout
    switched = shop.run("rollout switch Placed --env staging")
    assert switched.stdout.startswith("shop.Placed 1 -> 2 in staging: expanding -> switched\n")
    assert "git alone, since staging is declared with `broker: none`" in switched.stdout
    assert shop.run("rollout contract Placed --env staging").stdout.startswith(
        "shop.Placed 1 -> 2 in staging: switched -> contracting\n"
    )
    kept = shop.read(f"rollouts/{EVENT}/1-2/staging.json")
    assert (kept["state"], kept["by"]) == ("contracting", "ana@shop.example")


def test_to_the_very_end(ready: Shop) -> None:
    ready.run("rollout switch Placed --env staging")
    ready.run("rollout contract Placed --env staging")
    refused = ready.run("rollout retire-write Placed --env staging", code=1)
    assert "orders" in refused.stdout and "v1" in refused.stdout
    ready.edit_ownership("writes: [1, 2]", "writes: [2]")
    ready.deploy(services=["orders"])
    ready.run("rollout retire-write Placed --env staging")
    assert ready.state() == "write-retired"
    assert ready.run("rollout retire-read Placed --env staging", code=3).stdout
    ready.edit_ownership("writes: [2]", "writes: [2], retired: [1]")
    ready.run("rollout retire-read Placed --env staging")
    assert ready.state() == "read-retired"
    assert ready.run("rollout status --env staging").stdout == "no rollout in staging\n"
    assert "read-retired" in ready.run("rollout status Placed --env staging").stdout


def test_back_and_out(ready: Shop) -> None:
    ready.run("rollout switch Placed --env staging")
    ready.run("rollout revert Placed --env staging --reason later")
    assert ready.state() == "reverted"
    ready.run("rollout switch Placed --env staging")
    assert ready.state() == "switched"
    ready.run("rollout contract Placed --env staging")
    ready.run("rollout reopen Placed --env staging --reason slower")
    assert ready.state() == "switched"
    ready.run("rollout revert Placed --env staging --reason over")
    ready.run("rollout abandon Placed --env staging --reason over")
    assert ready.state() == "abandoned"
    assert ready.run("rollout abandon Placed --env staging --reason over", code=0).stdout


def test_a_start_can_be_planned_first_and_given_up(shop: Shop) -> None:
    assert ": planned\n" in shop.run("rollout plan Placed --env staging").stdout
    assert shop.state() == "planned"
    shop.run("rollout abort Placed --env staging --reason mistaken")
    assert shop.state() == "aborted"


# Refusals -------------------------------------------------------------------------------------------------------------


def test_a_start_that_is_refused_writes_nothing(shop: Shop) -> None:
    shop.edit_ownership("{writes: [1, 2], subscribers", "{writes: [1], subscribers")
    done = shop.run("rollout start Placed --env staging", code=1)
    assert "  G0.6  NO " in done.stdout
    assert shop.tip() == ""


def test_an_empty_inventory_is_unknown_unless_it_is_declared(shop: Shop) -> None:
    shop.edit_ownership(", subscribers: [billing]", "")
    assert "unknown" in shop.run("rollout start Placed --env staging", code=3).stdout
    assert shop.tip() == ""
    shop.edit_ownership("writes: [1, 2]", "writes: [1, 2], consumers: none")
    shop.run("rollout start Placed --env staging")


def test_a_switch_names_the_build_that_is_in_the_way(ready: Shop) -> None:
    ready.run("deployed --service billing --env staging --reads 1 --build old")
    before = ready.tip()
    (found,) = ready.ask("rollout switch Placed --env staging --dry-run", code=1)
    blocking = [check for check in found["checks"] if check["verdict"] == "no"]
    assert [(check["number"], check["subject"]) for check in blocking] == [("G1.1", "service/billing")]
    assert "old" in blocking[0]["reason"] and "v2" in blocking[0]["reason"]
    assert ready.tip() == before
    ready.run("rollout switch Placed --env staging", code=1)
    assert ready.state() == "expanding"


def test_a_dry_run_judges_and_leaves_everything_as_it_is(shop: Shop) -> None:
    with untouched(shop.repository.path), untouched(shop.remote):
        (found,) = shop.ask("rollout start Placed --env staging --dry-run")
    assert (found["dry_run"], found["verdict"], found["state"]) == (True, "yes", None)
    assert "  nothing was written (--dry-run)\n" in shop.run("rollout start Placed --env staging --dry-run").stdout
    shop.run("rollout start Placed --env staging")
    shop.deploy()
    before = shop.tip()
    (found,) = shop.ask("rollout switch Placed --env staging --dry-run")
    assert (found["verdict"], found["state"]) == ("yes", "expanding")
    assert shop.tip() == before


def test_a_broker_that_is_not_asked_is_unknown_until_somebody_answers_for_it(shop: Shop) -> None:
    shop.deploy("production")
    shop.run("rollout start Placed --env production --no-broker")
    (found,) = shop.ask("rollout check Placed --env production --no-broker", code=3)
    missing = {
        f"{check['number']}:{check['subject']}": check["reason"] for check in found["checks"] if not check["passes"]
    }
    assert len(missing) > 2
    assert "--no-broker" in " ".join(missing.values())
    waived = " ".join(f"--waive {each}" for each in missing)
    done = shop.run(f"rollout switch Placed --env production --no-broker {waived} --reason drill --expires 2d")
    assert done.stdout.count("waived by ana@shop.example until ") == len(missing)
    kept = shop.read(f"rollouts/{EVENT}/1-2/production.json")["waivers"]
    assert {each["reason"] for each in kept} == {"drill"}
    status = shop.run("rollout status Placed --env production --no-broker").stdout
    assert "  waiver   G1.2:cluster/main waived by ana@shop.example until " in status


def test_what_breaks_readers_cannot_be_waived(ready: Shop) -> None:
    ready.run("deployed --service billing --env staging --reads 1 --build old")
    ready.run("rollout switch Placed --env staging --waive G1.1:service/billing --reason please", code=1)
    assert ready.state() == "expanding"


# Again, and at once ---------------------------------------------------------------------------------------------------


def test_what_is_done_already_is_said_and_not_done_again(ready: Shop) -> None:
    for verb in ("start", "switch", "contract"):
        ready.run(f"rollout {verb} Placed --env staging")
        before = ready.tip()
        again = ready.run(f"rollout {verb} Placed --env staging")
        assert "nothing to do" in again.stderr
        assert ready.tip() == before


def test_reconcile_finds_nothing_to_do_twice(ready: Shop) -> None:
    ready.run("rollout switch Placed --env staging")
    before = ready.tip()
    for line in ("rollout reconcile --env staging", "rollout reconcile Placed --env staging"):
        ready.ask(line)
        assert ready.tip() == before


def test_a_verb_that_does_not_follow_says_what_does(shop: Shop) -> None:
    done = shop.run("rollout contract Placed --env staging", code=2)
    assert done.stderr.startswith("error: ") and "help: " in done.stderr
    shop.run("rollout start Placed --env staging")
    done = shop.run("rollout retire-read Placed --env staging", code=2)
    assert "expanding" in done.stderr


def test_of_two_operators_one_loses_and_has_written_nothing(
    ready: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rival's whole command runs between what the loser read and what it wanted to write."""
    rival = ready.clone(tmp_path / "rival")
    write, tips = GitJournal.write, []

    def late(journal: GitJournal, book: Book, entry: Entry) -> Book:
        if not tips:
            tips.append("")
            line = f"rollout abort {EVENT} --env staging --reason mine"
            assert run(rival.repository.path, *line.split()).code == 0
            tips[0] = ready.tip()
        return write(journal, book, entry)

    monkeypatch.setattr(GitJournal, "write", late)
    done = ready.run("rollout switch Placed --env staging", code=4)
    assert done.stderr.startswith("error: ")
    assert "was changed meanwhile" in done.stderr
    assert "ada@example.org" in done.stderr or "Ada" in done.stderr or "Ana" in done.stderr
    assert (ready.tip(), ready.state(), done.stdout) == (tips[0], "aborted", "")


def test_two_clones_of_one_remote_see_the_same(ready: Shop, tmp_path: Path) -> None:
    other = ready.clone(tmp_path / "other")
    assert other.ask("rollout status --env staging")[0]["state"] == "expanding"
    other.run("rollout switch Placed --env staging")
    assert ready.ask("rollout status --env staging")[0]["state"] == "switched"


def test_an_interrupted_command_says_how_it_goes_on(ready: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_anything: object) -> Book:
        raise KeyboardInterrupt

    monkeypatch.setattr(GitJournal, "write", interrupt)
    done = ready.run("rollout switch Placed --env staging", code=2)
    assert done.stderr == (
        "error: interrupted\nhelp: what was begun is finished by: contracts rollout reconcile Placed --env staging\n"
    )


# Looking --------------------------------------------------------------------------------------------------------------


def test_check_ends_as_the_gate_says(ready: Shop) -> None:
    (found,) = ready.ask("rollout check Placed --env staging")
    assert (found["verdict"], found["gate"]) == ("yes", "G1")
    ready.run("deployed --service billing --env staging --reads 1")
    ready.ask("rollout check Placed --env staging", code=1)
    ready.ask("rollout check --env staging", code=1)
    assert ready.run("rollout check --env production").stdout == "no rollout in production\n"


def test_a_check_of_all_records_what_it_saw_once_and_with_dry_run_never(ready: Shop) -> None:
    before = ready.tip()
    ready.run("rollout check --env staging --dry-run")
    assert ready.tip() == before
    ready.run("rollout check --env staging")
    recorded = ready.tip()
    assert recorded != before
    ready.run("rollout check --env staging")
    assert ready.tip() == recorded


def test_a_version_that_is_edited_later_is_a_broken_invariant(ready: Shop) -> None:
    path = "contracts/versions/shop.Placed/2/order/Placed.avsc"
    text = (ready.repository.path / path).read_text()
    ready.repository.commit("edited", {path: text.replace("note", "notes")})
    (found,) = ready.ask("rollout check --env staging", code=1)
    broken = [check for check in found["checks"] if check["number"] == "I2"]
    assert [(check["verdict"], check["title"]) for check in broken] == [
        ("no", "versions are never edited, and epochs never fall")
    ]
    assert "v2 of shop.Placed was edited" in ready.run("rollout switch Placed --env staging", code=2).stderr
    assert ready.state() == "expanding"


def test_the_schema_of_the_output_is_printed(shop: Shop) -> None:
    assert json.loads(shop.run("schema rollout").stdout) == ROLLOUT_SCHEMA


def test_status_tells_and_does_not_judge(ready: Shop) -> None:
    ready.run("deployed --service billing --env staging --reads 1")
    (found,) = ready.ask("rollout status --env staging")
    assert found["verdict"] == "no"
    assert "NO" in ready.run("rollout status --env staging").stdout


def test_status_prints_the_file_that_services_without_the_control_topic_obey(ready: Shop) -> None:
    from registry.kafka.rollout.documents import parse_control

    assert json.loads(ready.run("rollout status --env staging --format control").stdout) == {"records": []}
    ready.run("rollout switch Placed --env staging")
    (record,) = json.loads(ready.run("rollout status Placed --env staging --format control").stdout)["records"]
    control = parse_control(json.dumps(record))
    assert (control.contract, control.environment, control.active, control.epoch) == (EVENT, "staging", 2, 1)
    assert (control.stored, [version.number for version in control.versions]) == ((1, 2), [1, 2])


def test_watch_draws_until_it_is_interrupted(ready: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.cli import rollout_status

    done = ready.run("rollout status --env staging --watch", code=2)
    assert "--watch draws on a terminal" in done.stderr
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(rollout_status, "stands_on_terminal", lambda: True)
    monkeypatch.setattr(rollout_status, "sleep", sleep)
    done = ready.run("rollout status --env staging --watch")
    assert done.stdout.count("\x1b[H\x1b[2J") == len(looks) == 2
    assert done.stdout.count("shop.Placed 1 -> 2 in staging\n") == 2


def test_wait_looks_again_while_it_is_unknown(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits has the missing record made while it sleeps."""
    shop.run("rollout start Placed --env staging")
    shop.deploy(services=["orders"])
    shop.run("rollout switch Placed --env staging", code=3)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        line = "deployed --service billing --env staging"
        assert run(shop.repository.path, *line.split()).code == 0

    monkeypatch.setattr(rollout_desk, "sleep", sleep)
    shop.run("rollout switch Placed --env staging --wait 30m")
    assert slept and shop.state() == "switched"


# What cannot be looked at ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("rollout start Plced --env staging", "Plced is no event of ownership.yaml"),
        ("rollout start Placed --env stagin", "did you mean 'staging'?"),
        ("rollout start Placed --env a/b", "'a/b' cannot be an environment"),
        ("rollout start Placed --env staging --to 9", "9"),
        ("rollout switch Placed --env staging --waive G1.3:group/a", "--waive wants --reason"),
        ("rollout switch Placed --env staging --waive all --reason x", "is no NUMBER:SUBJECT"),
        ("rollout revert Placed --env staging", "--reason is wanted"),
        ("rollout switch Placed --env staging --wait long", "is no span of time: 30s, 10m, 6h, 7d"),
        ("rollout check Placed --env production --broker h:1", "declares its clusters for production"),
        ("rollout check Placed --env staging --broker h:1", "declares `broker: none` for staging"),
        ("rollout check Placed --env production --broker h:1 --no-broker", "contradict each other"),
        ("rollout check Placed --env production -X a", "'a' is no KEY=VALUE"),
        ("rollout check --env staging --waive G1.3:group/a --reason x", "--waive is for one rollout: name the event"),
        ("rollout check --env staging --to 2", "--to is for one rollout: name the event"),
        ("rollout swich Placed --env staging", "No such command 'swich'"),
        ("rollout start Placed", "Missing option '--env'"),
        ("rollout status --env staging --remote nowhere", "nowhere"),
    ],
)
def test_what_cannot_be_asked_for_ends_with_2_and_the_way_out(shop: Shop, line: str, told: str) -> None:
    done = shop.run(line, code=2)
    assert told in done.stderr
    assert shop.tip() == ""


def test_a_remote_that_is_gone_is_told(shop: Shop) -> None:
    shop.repository.git("remote", "set-url", "origin", os.fspath(shop.remote.parent / "gone.git"))
    done = shop.run("rollout start Placed --env staging", code=2)
    assert "origin" in done.stderr and "help: " in done.stderr


def test_outside_of_a_repository_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    outcome = run(tmp_path, "rollout", "status", "--env", "staging")
    assert outcome.code == 2
    empty = Repository(tmp_path / "empty")
    empty.commit("nothing")
    outcome = run(empty.path, "rollout", "status", "--env", "staging")
    assert (outcome.code, "there is no ownership.yaml in HEAD" in outcome.err) == (2, True)


def test_a_broker_from_the_shell_is_no_contradiction(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTRACTS_BROKER", "h:1")
    shop.run("rollout check --env staging")
    shop.run("rollout check --env production")


def test_help_needs_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = run(tmp_path, "rollout", "--help")
    assert outcome.code == 0
    listed = [line.split()[0] for line in outcome.out.partition("Commands:\n")[2].splitlines() if line[2:3].strip()]
    assert listed == [
        "plan", "start", "check", "switch", "converge", "contract", "retire-write", "retire-read", "revert", "reopen",
        "abort", "abandon", "status", "reconcile",
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name in listed:
        assert CliRunner().invoke(rollout, [name, "--help"]).exit_code == 0
