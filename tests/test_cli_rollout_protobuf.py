"""A company with Protobuf rolls out its events by the command line: a step that fits, and steps that break."""

import json
import os
from pathlib import Path

import pytest

from tests.command import run
from tests.released import freeze
from tests.repo import Repository
from tests.rollout_shop import Shop, identify
from tests.story import stand_alone

EVENT = "store.Moved"
SCHEMA = "contracts/stock/moved.proto"
UPGRADE = "contracts/stock/Moved.upgrade.yaml"
FIRST = """\
syntax = "proto3";
package store;
message Moved {
  string correlation_id = 1;
  int32 schema_version = 2;
  string article = 3;
  int32 amount = 4;
}
"""
SECOND = FIRST.replace("  int32 amount = 4;\n", "  int32 amount = 4;\n  string shelf = 5;\n")
RENAMED = SECOND.replace("int32 amount = 4;", 'reserved 4;\n  reserved "amount";\n  int32 pieces = 6;')
RETYPED = SECOND.replace("int32 amount = 4;", "string amount = 4;")
OWNERSHIP = """\
version: 1
teams: {store: {contacts: ["#store"]}}
services: {stock: {team: store}, shop: {team: store}, reports: {team: store}}
entities:
  Goods:
    owner: stock
    topic: store.goods
    key: article
    events:
      store.Moved: {TERMS}
"""
POLICY = """\
version: 1
environments:
  staging: {broker: none, quiet: 0s, revert_window: 0s}
"""
BOTH = "writes: [1, 2], subscribers: [{service: shop, reads: [1, 2]}, {service: reports, reads: [1], served: true}]"
SECOND_ALONE = "writes: [2], subscribers: [{service: shop, reads: [1, 2]}, {service: reports, reads: [1, 2]}]"
THIRD = (
    "writes: [2, 3], subscribers: [{service: shop, reads: [1, 2, 3]}, {service: reports, reads: [1, 2], served: true}]"
)


@pytest.fixture(name="store")
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Two released versions that fit each other, committed and pushed."""
    stand_alone(monkeypatch, tmp_path / "cache")
    for name in ("CI", "CONTRACTS_BROKER", "CONTRACTS_BUILD"):
        monkeypatch.delenv(name, raising=False)
    repository = Repository(tmp_path / "repository")
    identify(repository)
    repository.commit("policy", {"contracts/policy.yaml": POLICY, SCHEMA: FIRST, **signed("subscribers: [shop]")})
    freeze(repository, EVENT)
    repository.write({SCHEMA: SECOND})
    freeze(repository, EVENT)
    repository.commit("two versions", signed(BOTH))
    remote = tmp_path / "origin.git"
    repository.git("init", "--quiet", "--bare", "--initial-branch=main", os.fspath(remote))
    repository.git("remote", "add", "origin", os.fspath(remote))
    repository.git("push", "--quiet", "origin", "main")
    return Shop(repository, remote, monkeypatch)


def signed(terms: str) -> dict[str, str | bytes | None]:
    return {"ownership.yaml": OWNERSHIP.replace("TERMS", terms)}


def deploy(store: Shop) -> None:
    store.deploy(services=("stock", "shop", "reports"))


def state(store: Shop, step: str = "1-2") -> str:
    return str(store.read(f"rollouts/{EVENT}/{step}/staging.json")["state"])


def finish_the_first_step(store: Shop) -> None:
    store.run("rollout start Moved --env staging")
    deploy(store)
    for verb in ("switch", "contract"):
        store.run(f"rollout {verb} Moved --env staging")
    store.repository.commit("reports has learned it", signed(SECOND_ALONE))
    deploy(store)
    store.run("rollout retire-write Moved --env staging")


def test_a_step_that_fits_goes_its_whole_way_there_and_back(store: Shop) -> None:
    planned = store.run("rollout plan Moved --env staging").stdout
    assert "next     contracts rollout start store.Moved --env staging --from 1 --to 2\n" in planned
    started = store.run("rollout start Moved --env staging").stdout
    assert "v2 reads v1: native" in started or "the new version reads what may be stored" in started
    unknown = store.run("rollout switch Moved --env staging", code=3).stdout
    assert "contracts deployed --service shop --env staging --build BUILD --event store.Moved --reads 1,2" in unknown
    deploy(store)
    assert store.run("can-i-deploy --service reports --env staging").code == 0
    store.run("rollout switch Moved --env staging")
    assert "nothing to do" in store.run("rollout switch Moved --env staging").stderr
    store.run("rollout revert Moved --env staging --reason wrong")
    assert state(store) == "reverted"
    refused = store.run("rollout contract Moved --env staging", code=2).stderr
    assert "is reverted, and contract is for what is switched" in refused
    assert "what may follow now: switch, abandon" in refused
    for verb in ("switch", "converge", "contract"):
        store.run(f"rollout {verb} Moved --env staging")
    blocked = store.run("rollout retire-write Moved --env staging", code=1).stdout
    assert "by owner/stock and service/reports" in blocked
    store.repository.commit("reports has learned it", signed(SECOND_ALONE))
    deploy(store)
    store.run("rollout retire-write Moved --env staging")
    unknown = store.run("rollout retire-read Moved --env staging", code=3).stdout
    assert "git cannot tell whether a log still holds v1" in unknown
    store.repository.commit("retention has passed", signed(f"retired: [1], {SECOND_ALONE}".replace("[1, 2]", "[2]")))
    store.run("rollout retire-read Moved --env staging")
    assert state(store) == "read-retired"


def test_a_step_that_breaks_is_served_by_its_converters(store: Shop) -> None:
    finish_the_first_step(store)
    store.repository.write({SCHEMA: RENAMED, UPGRADE: "up:\n  - rename: {amount: pieces}\n"})
    assert store.run("upgrade test Moved").stdout.startswith(f"{EVENT} v2 -> v3")
    freeze(store.repository, EVENT)
    store.repository.commit("three", signed(THIRD))
    (found,) = store.ask("rollout start Moved --env staging")
    readings = {each["subject"]: each["reason"] for each in found["checks"] if each["number"] == "G0.2"}
    assert readings["reading/3-2"] == "v3 reads v2: by converters"
    assert readings["reading/2-3"] == "v2 reads v3 (reports stays on v2): by converters"
    deploy(store)
    store.run("rollout switch Moved --env staging")
    assert state(store, "2-3") == "switched"
    told = store.run("can-i-deploy --service reports --env staging").stdout
    assert "reports reads v1 and v2, and v3 as its own with what the control record carries" in told
    record = json.loads(store.run("rollout status Moved --env staging --format control").stdout)["records"][0]
    converted = {each["number"]: bool(each["upgrade"]) for each in record["versions"]}
    assert converted == {1: False, 2: False, 3: True}
    store.run("rollout revert Moved --env staging --reason wrong")
    store.run("rollout abandon Moved --env staging --reason wrong")


def test_a_step_that_breaks_without_converters_is_not_begun_and_nobody_is_served(store: Shop) -> None:
    finish_the_first_step(store)
    before = store.tip()
    store.repository.commit("law", signed(f"compatibility: NONE, {SECOND_ALONE}"))
    store.repository.write({SCHEMA: RETYPED})
    freeze(store.repository, EVENT)
    store.repository.commit("three", signed(f"compatibility: NONE, {THIRD}"))
    (found,) = store.ask("rollout start Moved --env staging", code=1)
    blocking = {each["subject"]: each["reason"] for each in found["checks"] if not each["passes"]}
    changed = "field 'amount' (4) of Moved changed from int32 to string"
    assert blocking == {
        "reading/3-1": f"v3 cannot read what v1 wrote: {changed}",
        "reading/3-2": f"v3 cannot read what v2 wrote: {changed}",
        "reading/2-3": f"v2 cannot read what v3 wrote: {changed} (reports stays on v2)",
    }
    assert {each["help"] for each in found["checks"] if not each["passes"]} == {
        "describe the step in Moved.upgrade.yaml and release it again as the next version"
    }
    assert store.tip() == before


def test_the_log_holds_what_earlier_steps_left_in_it(store: Shop) -> None:
    finish_the_first_step(store)
    store.repository.write({SCHEMA: RENAMED, UPGRADE: "up:\n  - rename: {amount: pieces}\n"})
    freeze(store.repository, EVENT)
    store.repository.commit("three", signed(THIRD))
    planned = store.run("rollout plan Moved --env staging").stdout
    assert "; the log may hold v1 and v2\n" in planned
    started = store.run("rollout start Moved --env staging").stdout
    assert "; the log may hold v1 and v2\n" in started
    deploy(store)
    assert "; the log may hold v1, v2 and v3\n" in store.run("rollout switch Moved --env staging").stdout


def test_a_control_file_is_the_same_as_long_as_git_says_the_same(store: Shop) -> None:
    """It is made for version control: whoever prints it, and whenever."""
    store.run("rollout start Moved --env staging")
    deploy(store)
    store.run("rollout switch Moved --env staging")
    line = "rollout status --env staging --format control"
    before = store.run(line).stdout
    store.repository.git("config", "user.email", "ben@store.example")
    store.run("rollout converge Moved --env staging")
    store.run("rollout check Moved --env staging")
    assert store.run(line).stdout == before
    assert json.loads(before)["records"][0]["by"] == "ana@shop.example"


# Clones ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["--depth=1", "--single-branch", "--sparse", "--no-checkout", "--bare", "--mirror", "detached", "worktree"]
)
def test_every_kind_of_clone_moves_a_rollout(store: Shop, tmp_path: Path, kind: str) -> None:
    store.run("rollout start Moved --env staging")
    deploy(store)
    place = tmp_path / "clone"
    if kind == "worktree":
        store.repository.git("worktree", "add", "--quiet", "--detach", os.fspath(place))
    else:
        clone = Repository(store.remote).clone(place, *([kind] if kind != "detached" else []))
        if kind == "detached":
            clone.git("checkout", "--quiet", "--detach")
    folder = place / "contracts" / "stock" if kind in ("detached", "worktree") else place
    assert run(folder, "rollout", "status", "Moved", "--env", "staging").code == 0
    assert run(folder, "rollout", "switch", "Moved", "--env", "staging").code == 0
    assert state(store) == "switched"


def test_a_partial_clone_names_what_it_lacks_and_the_way_out(store: Shop, tmp_path: Path) -> None:
    store.run("rollout start Moved --env staging")
    deploy(store)
    remote = Repository(store.remote)
    remote.git("config", "uploadpack.allowFilter", "true")
    whole = remote.clone(tmp_path / "whole", "--filter=blob:none").path
    assert run(whole, "rollout", "check", "Moved", "--env", "staging").code == 0
    sparse = remote.clone(tmp_path / "sparse", "--filter=blob:none", "--sparse")
    told = run(sparse.path, "rollout", "switch", "Moved", "--env", "staging")
    assert (told.code, "this partial clone does not hold the blob" in told.err) == (2, True)
    assert "git fetch --refetch --no-filter brings every blob" in told.err
    sparse.git("fetch", "--quiet", "--refetch", "--no-filter")
    assert run(sparse.path, "rollout", "switch", "Moved", "--env", "staging").code == 0


def test_who_has_no_name_in_git_signs_with_user_and_host(store: Shop, tmp_path: Path) -> None:
    clone = Repository(store.remote).clone(tmp_path / "nameless")
    nobody = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"), "")
    outcome = run(clone.path, "rollout", "start", "Moved", "--env", "staging", environment=nobody)
    assert outcome.code == 0, outcome
    assert "@" in str(store.read(f"rollouts/{EVENT}/1-2/staging.json")["by"])
