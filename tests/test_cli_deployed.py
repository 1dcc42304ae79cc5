"""`contracts deployed` and `contracts can-i-deploy`: what CI calls around a deployment."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from registry.rollout.journal.git_journal import GitJournal
from registry.rollout.journal.journal import Book, Entry
from registry.rollout.render.schema import DEPLOYMENT_SCHEMA
from tests.command import run, untouched
from tests.rollout_shop import EVENT, OWNERSHIP, Shop, build

BILLING = "deployments/staging/billing.json"


@pytest.fixture(name="shop")
def _shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return build(tmp_path, monkeypatch)


def recorded(shop: Shop, path: str = BILLING) -> list[dict[str, object]]:
    """The deployments that one file of the journal holds."""
    (found,) = (value for value in shop.read(path).values() if isinstance(value, list))
    return found


def test_without_versions_it_is_what_ownership_yaml_pins(shop: Shop) -> None:
    done = shop.run("deployed --service orders --env staging --build 4f1")
    assert done.stdout == (
        "orders in staging: build 4f1 (git)\n"
        "  shop.Placed  reads v1 and v2, writes v1 and v2\n"
    )  # fmt: skip
    assert done.stderr == ""
    (found,) = recorded(shop, "deployments/staging/orders.json")
    assert (found["reads"], found["writes"], found["by"]) == ({EVENT: [1, 2]}, {EVENT: [1, 2]}, "ana@shop.example")
    shop.edit_ownership("[billing]", "[{service: billing, reads: [1]}]")
    assert "shop.Placed  reads v1\n" in shop.run("deployed --service billing --env staging").stdout


def test_what_is_only_written_down_does_not_count(shop: Shop) -> None:
    shop.repository.write({"ownership.yaml": OWNERSHIP.replace("[billing]", "[{service: billing, reads: [1]}]")})
    assert "reads v1 and v2" in shop.run("deployed --service billing --env staging").stdout


def test_a_record_replaces_the_one_before_it_per_instance_and_a_release_stands_beside(shop: Shop) -> None:
    shop.run("deployed --service billing --env staging --build b1")
    shop.run("deployed --service billing --env staging --build b2 --instance pod-1")
    shop.run("deployed --service billing --env staging --build b3 --instance pod-1")
    done = shop.run("deployed --service billing --env staging --reads 1 --release 2025.4 --until 2027-03-31 --build b0")
    assert done.stdout.startswith("billing in staging: build b0, release 2025.4 until 2027-03-31 (git)\n")
    assert [(each["build"], each.get("instance"), each.get("release")) for each in recorded(shop)] == [
        ("b1", "", ""),
        ("b3", "pod-1", ""),
        ("b0", "", "2025.4"),
    ]
    shop.run("deployed --service billing --env staging --build b4")
    assert [each["build"] for each in recorded(shop)] == ["b4", "b0"]
    until = str(recorded(shop)[1]["supported_until"])
    assert datetime.fromisoformat(until).isoformat().startswith("2027-03-31T23:59:59")


def test_versions_are_about_one_event_and_the_others_are_as_pinned(shop: Shop) -> None:
    done = shop.run("deployed --service orders --env staging --event Placed --reads 2,1,2 --writes 1")
    assert done.stdout.endswith("  shop.Placed  reads v1 and v2, writes v1\n")
    assert shop.run("deployed --service billing --env staging --reads 1").stdout.endswith("reads v1\n")


def test_a_job_of_ci_is_a_source_of_its_own(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("CONTRACTS_BUILD", "sha-77")
    assert shop.run("deployed --service billing --env staging").stdout.startswith(
        "billing in staging: build sha-77 (ci)"
    )
    assert recorded(shop)[0]["source"] == "ci"


def test_a_dry_run_records_nothing(shop: Shop) -> None:
    with untouched(shop.repository.path), untouched(shop.remote):
        done = shop.run("deployed --service billing --env staging --dry-run")
    assert done.stdout.endswith("nothing was written (--dry-run)\n")


def test_two_jobs_that_record_at_once_are_no_race(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = shop.clone(tmp_path / "other")
    write, done = GitJournal.write, []

    def late(journal: GitJournal, book: Book, entry: Entry) -> Book:
        if not done:
            line = "deployed --service billing --env staging --instance pod-2 --build b2"
            done.append(run(other.repository.path, *line.split()).code)
        return write(journal, book, entry)

    monkeypatch.setattr(GitJournal, "write", late)
    shop.run("deployed --service billing --env staging --instance pod-1 --build b1")
    assert done == [0]
    assert [(each["instance"], each["build"]) for each in recorded(shop)] == [("pod-1", "b1"), ("pod-2", "b2")]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("deployed --service billng --env staging", "did you mean 'billing'?"),
        ("deployed --service idle --env staging", "idle neither writes nor reads any released event"),
        ("deployed --service billing --env stagin", "did you mean 'staging'?"),
        ("deployed --service billing --env staging --reads 3", "v3 of shop.Placed was never released"),
        ("deployed --service billing --env staging --reads 1,b", "is no list of versions such as 1,2"),
        ("deployed --service billing --env staging --reads 0", "is no list of versions such as 1,2"),
        ("deployed --service billing --env staging --event Plced --reads 1", "Plced is no event"),
        ("deployed --service billing --env staging --event Placed", "--event is what --reads and --writes are about"),
        ("deployed --service billing --env staging --until 2027-01-01", "--until is for a --release"),
        ("deployed --service billing --env staging --release 1 --until soon", "is no day such as 2027-03-31"),
        ("deployed --service idle --env staging --event Placed --reads 1", "idle neither writes nor reads any"),
        ("can-i-deploy --service billng --env staging", "did you mean 'billing'?"),
        ("can-i-deploy --service idle --env staging", "idle neither writes nor reads any released event"),
    ],
)
def test_what_cannot_be_recorded_ends_with_2_and_the_way_out(shop: Shop, line: str, told: str) -> None:
    assert told in shop.run(line, code=2).stderr
    assert shop.tip() == ""


# May it be deployed ---------------------------------------------------------------------------------------------------


def test_a_build_that_reads_all_may_be_deployed_and_one_that_does_not_may_not(shop: Shop) -> None:
    shop.run("rollout start Placed --env staging")
    shop.deploy()
    assert shop.run("can-i-deploy --service billing --env staging").stdout.startswith(
        "billing to staging: yes (1 check)\n"
    )
    shop.run("can-i-deploy --service orders --env staging")
    shop.run("rollout switch Placed --env staging")
    shop.edit_ownership("[billing]", "[{service: billing, reads: [1]}]")
    done = shop.run("can-i-deploy --service billing --env staging", code=1)
    assert done.stdout.startswith("billing to staging: NO (1 of 1 check)\n")
    assert "contracts gen --service billing" in done.stdout


def test_the_answer_for_programs(shop: Shop) -> None:
    shop.run("rollout start Placed --env staging")
    found = json.loads(shop.run("can-i-deploy --service orders --env staging --format json").stdout)
    Draft202012Validator(DEPLOYMENT_SCHEMA).validate(found)
    assert json.loads(shop.run("schema can-i-deploy").stdout) == DEPLOYMENT_SCHEMA
    assert (found["service"], found["environment"], found["verdict"], found["exit_code"]) == (
        "orders",
        "staging",
        "yes",
        0,
    )
    assert [(check["number"], check["subject"], check["passes"]) for check in found["checks"]] == [
        ("D1", f"event/{EVENT}", True),
        ("D2", f"event/{EVENT}", True),
    ]


def test_where_nothing_was_rolled_out_less_than_all_versions_is_unknown(shop: Shop) -> None:
    shop.run("can-i-deploy --service billing --env staging")
    shop.edit_ownership("[billing]", "[{service: billing, reads: [2]}]")
    shop.run("can-i-deploy --service billing --env staging", code=3)
