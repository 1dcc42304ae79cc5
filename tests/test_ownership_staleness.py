"""How old state may be: from ownership.yaml to the bundle that a stub carries, and no rule judges it."""

import os
from pathlib import Path

import jsonschema
import pytest

from registry.amendment import read_amendments
from registry.generation import Wish, read_plans, render_stubs
from registry.ownership import OWNERSHIP, parse_duration, parse_ownership
from registry.shape import render_json_schema
from tests.editor import as_an_editor_reads
from tests.released import OWNERSHIP as RELEASED
from tests.released import build
from tests.repo import Repository
from tests.story import run_contracts


def owned(entity: str = "", event: str = "") -> str:
    return f"""\
version: 1
entities:
  Item:
    owner: api
    topic: items
    {entity}
    events:
      a.Told: {{{event}}}
      a.Silent: {{}}
"""


def read(text: str) -> dict[str, float]:
    ownership = parse_ownership({"ownership.yaml": text})
    assert ownership.flaws == ()
    return {name: terms.staleness for name, terms in ownership.terms.items()}


def test_an_event_has_what_its_entity_says_unless_it_says_otherwise() -> None:
    assert read(owned()) == {"a.Told": 0.0, "a.Silent": 0.0}
    assert read(owned("staleness: 5s")) == {"a.Told": 5.0, "a.Silent": 5.0}
    assert read(owned("staleness: 5s", "staleness: 500ms")) == {"a.Told": 0.5, "a.Silent": 5.0}
    assert read(owned("", "staleness: 2m")) == {"a.Told": 120.0, "a.Silent": 0.0}


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("5s", 5.0), ("2m", 120.0), ("1h", 3600.0), ("", 0.0)])
def test_a_duration_is_a_whole_number_with_its_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("odd", ["5", "0s", "-5s", "5 s", "1.5s", "5sec", "5S", "1e3ms", "05s", "٥s", "''"])
def test_what_is_no_duration_is_a_flaw_with_its_place_and_the_schema_refuses_it_too(odd: str) -> None:
    text = owned(f"staleness: {odd}")
    (flaw,) = parse_ownership({"ownership.yaml": text}).flaws
    assert str(flaw.location) == "ownership.yaml:6:16"
    assert flaw.message.startswith("'staleness' must be a duration such as 500ms or 5s")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(as_an_editor_reads(text), render_json_schema(OWNERSHIP, "ownership.yaml"))


def test_the_json_schema_knows_it_of_entities_and_of_events() -> None:
    text = owned("staleness: 5s", "staleness: 500ms")
    jsonschema.validate(as_an_editor_reads(text), render_json_schema(OWNERSHIP, "ownership.yaml"))


def test_the_stubs_carry_it_in_seconds_and_say_nothing_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repository = build(Repository(tmp_path / "repository"))

    def render() -> str:
        plans = read_plans(repository.path, Wish("billing", only=("shop.Placed",)), os.environ)
        return "".join(render_stubs(plans).values())

    assert "staleness" not in render()
    assert RELEASED.count("topic: shop.orders") == 1
    repository.write(
        {"ownership.yaml": RELEASED.replace("topic: shop.orders", "staleness: 500ms\n    topic: shop.orders")}
    )
    assert render().count("staleness=0.5,") == 1


def test_a_loosened_objective_is_told_of_and_breaks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repository = build(Repository(tmp_path / "repository"))
    topic = "topic: shop.orders"
    repository.write({"ownership.yaml": RELEASED.replace(topic, f"staleness: 500ms\n    {topic}")})
    repository.commit()
    repository.write({"ownership.yaml": RELEASED.replace(topic, f"staleness: 1m\n    {topic}")})

    found = read_amendments(repository.path, (), "contracts", os.environ)
    told = {contract.name: [each.words for each in contract.differences] for contract in found.contracts}
    assert told["shop.Placed"] == ["staleness: 0.5 s -> 60 s"]
    checked = run_contracts(monkeypatch, repository.path, ["check", "--against", "HEAD", "--only", "terms,compat"])
    assert (checked.code, checked.stdout) == (0, "2 contracts judged against HEAD: nothing to say\n")
