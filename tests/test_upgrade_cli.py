"""`contracts upgrade test`: law by law, with the smallest counterexample, for the head and for released versions."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.command import Outcome, run, untouched
from tests.laws_orders import AMOUNT, UP, avro, enum, field, proto
from tests.released import OWNERSHIP, PAID, PLACED, freeze
from tests.repo import Repository

UPGRADE = "contracts/order/Placed.upgrade.yaml"
ONE = avro(field("order_id", "string"), field("status", enum("OPEN", "DONE")), field("amount_cents", "long"))
TWO = avro(
    field("order_id", "string"),
    field("status", enum("PENDING", "COMPLETED", "LOST")),
    field("amount", AMOUNT),
    field("currency", "string"),
)
THREE = TWO.replace(
    '"currency", "type": "string"', '"currency", "type": "string"}, {"name": "note", "type": "string", "default": ""'
)
FOUR = THREE.replace('"note", "type": "string", "default": ""', '"remark", "type": "string"')
LAWFUL = UP.replace("  - rename: {customer: customer_id}\n", "")
CROOKED = f"""{LAWFUL}\
down:
  - enum:  {{field: status, map: {{PENDING: OPEN, COMPLETED: DONE, LOST: DONE}}}}
  - scale: {{field: amount, to: amount_cents, by: 1000, from: decimal, as: int}}
  - drop:  {{field: currency, value: EUR}}
loss: {{down: [{{field: status}}]}}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """One version of Placed and one of Paid, and a head of Placed that breaks and says how."""
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    made = Repository(tmp_path / "repository")
    ownership = OWNERSHIP.replace("{service: billing, reads: [1, 2]}", "billing").replace(
        "      shop.Cancelled: {}\n", ""
    )
    made.write({"ownership.yaml": ownership, "CODEOWNERS": "* @shop/sales\n", PLACED: ONE})
    made.write({PAID: proto("string order_id = 3;", "int64 cents = 4;").replace("Placed", "Paid")})
    freeze(made, "shop.Placed", "shop.Paid")
    made.commit("one", {})
    made.write({PLACED: TWO, UPGRADE: LAWFUL})
    return made


def try_out(repository: Repository, *arguments: str, event: str = "Placed") -> Outcome:
    return run(repository.path, "upgrade", "test", event, *arguments)


def laws(outcome: Outcome) -> dict[str, str]:
    """Each law with its verdict, of the first step."""
    return {law["law"]: law["verdict"] for law in json.loads(outcome.out)["steps"][0]["laws"]}


def test_the_converters_of_the_head(repository: Repository) -> None:
    with untouched(repository.path):
        done = try_out(repository)
    assert (done.code, done.err) == (0, "")
    first, *lines = done.out.splitlines()
    assert first == f"shop.Placed v1 -> v2  {UPGRADE}"
    verdicts = [line.split()[:2] for line in lines if line.startswith("  ") and line[2] != " "]
    names = ["types", "total", "back", "forth", "envelope", "pure", "tombstone", "losses"]
    assert verdicts == [[name, "holds"] for name in names]
    assert "(3 operations)" in done.out and " up, " in done.out


def test_a_broken_law_is_shown_with_the_smallest_event_and_its_place(repository: Repository) -> None:
    repository.write({UPGRADE: CROOKED})
    done = try_out(repository)
    assert done.code == 1
    lines = done.out.splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("  back      broken"))
    message, before, there, back, help_ = (line.strip() for line in lines[at + 1 : at + 6])
    assert message == (
        f"{UPGRADE}:3:14: an event of v1 does not come back from v2 as it was: 1 comes back as 10 at /amount_cents"
    )
    assert before.startswith("v1  ") and before.endswith('"amount_cents": 1}')
    assert there.startswith("v2  ") and '"amount": "0.01"' in there
    assert back.startswith("v1  ") and back.endswith('"amount_cents": 10}')
    assert help_.startswith("help  ") and help_.endswith("loss: {up: [{field: amount_cents}]}")


def test_the_same_for_programs(repository: Repository) -> None:
    repository.write({UPGRADE: CROOKED})
    done = try_out(repository, "--format", "json", "--examples", "120")
    document: dict[str, Any] = json.loads(done.out)
    assert (done.code, document["schema"], document["event"], document["passed"]) == (1, 1, "shop.Placed", False)
    (step,) = document["steps"]
    assert (step["step"], step["path"], step["passed"]) == ("v1 -> v2", UPGRADE, False)
    back = next(law for law in step["laws"] if law["law"] == "back")
    assert back["verdict"] == "broken"
    assert back["at"] == {"path": UPGRADE, "line": 3, "column": 14}
    shown = back["counterexample"]
    assert (shown["from"], shown["to"], shown["path"]) == ("v1", "v2", "/amount_cents")
    assert (shown["event"]["amount_cents"], shown["comes_back_as"]["amount_cents"]) == (1, 10)
    assert all(count <= 120 for law in step["laws"] for count in law["tried"].values())


def test_a_slip_is_told_at_its_place(repository: Repository) -> None:
    repository.write({UPGRADE: LAWFUL.replace("OPEN: PENDING", "OPEN: PENDNG")})
    done = try_out(repository)
    assert done.code == 1
    assert f"{UPGRADE}:2:35: the enum Status of v2 has no symbol 'PENDNG'" in done.out
    assert "not asked" in done.out


@pytest.mark.parametrize("text", ["up: [{rename: {a: b}}\n", "", "up: [{swap: {field: x}}]\n"])
def test_what_is_no_document_at_all(repository: Repository, text: str) -> None:
    repository.write({UPGRADE: text})
    done = try_out(repository)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"{UPGRADE}:")


def release_all(repository: Repository) -> None:
    """Versions 2, 3 and 4: by converters, natively, by converters."""
    freeze(repository, "shop.Placed")
    repository.commit("two", {PLACED: THREE, UPGRADE: None})
    freeze(repository, "shop.Placed")
    repository.commit("three", {PLACED: FOUR, UPGRADE: "up: [{rename: {note: remark}}]\n"})
    freeze(repository, "shop.Placed")
    repository.commit("four", {})


def test_released_versions_one_by_one_and_as_a_chain(repository: Repository) -> None:
    release_all(repository)
    newest = try_out(repository)
    assert (newest.code, newest.out.splitlines()[0]) == (
        0,
        "shop.Placed v3 -> v4  contracts/versions/shop.Placed/4/upgrade.yaml",
    )
    older = try_out(repository, "--from", "1", "--to", "2")
    assert (older.code, older.out.splitlines()[0]) == (
        0,
        "shop.Placed v1 -> v2  contracts/versions/shop.Placed/2/upgrade.yaml",
    )
    whole = try_out(repository, "--from", "1", "--to", "4", "--chain")
    assert whole.code == 0
    steps = [line for line in whole.out.splitlines() if line.startswith("shop.Placed")]
    assert [line.split("  ")[0] for line in steps] == [
        "shop.Placed v1 -> v2",
        "shop.Placed v3 -> v4",
        "shop.Placed v1 -> v2 -> v3 -> v4",
    ]
    assert "  chain     holds      read at once or version by version: the same event" in whole.out
    assert "v3 may lose something on the way" in whole.out


def test_protobuf_goes_the_same_way(repository: Repository) -> None:
    path = "contracts/payment/Paid.upgrade.yaml"
    repository.write({PAID: proto("string order_id = 3;", "string amount = 5;").replace("Placed", "Paid")})
    repository.write({path: "up: [{scale: {field: cents, to: amount, by: 0.01, as: string, places: 2}}]\n"})
    done = try_out(repository, "--format", "json", event="shop.Paid")
    assert (done.code, set(laws(done).values())) == (0, {"holds"})
    down = "down: [{convert: {field: amount, to: cents, from: string, as: int}}]\n"
    repository.write({path: f"up: [{{convert: {{field: cents, to: amount, from: int, as: string}}}}]\n{down}"})
    assert laws(try_out(repository, "--format", "json", event="Paid"))["back"] == "holds"
    repository.write({path: f"up: [{{scale: {{field: cents, to: amount, by: 100, as: string}}}}]\n{down}"})
    assert laws(try_out(repository, "--format", "json", event="Paid"))["back"] == "broken"


@pytest.mark.parametrize(
    ("arguments", "event", "error", "help_"),
    [
        ((), "Plced", "Plced is no event of ownership.yaml", "did you mean 'shop.Placed'?"),
        ((), "shop.Paid", "shop.Paid declares no converters on any step", "describe a breaking change"),
        (("--from", "7"), "Placed", "shop.Placed has no v7 that can be read", "there are: v1, v2"),
        (("--from", "2", "--to", "2"), "Placed", "shop.Placed declares no converters between", "describe"),
        (("--root", "schemas"), "Placed", "shop.Placed declares no converters on any step", "describe"),
    ],
)
def test_where_there_is_nothing_to_test(
    repository: Repository, arguments: tuple[str, ...], event: str, error: str, help_: str
) -> None:
    done = try_out(repository, *arguments, event=event)
    assert (done.code, done.out) == (2, "")
    first, second = done.err.splitlines()
    assert first.startswith(f"error: {error}")
    assert second.startswith(f"help: {help_}")
