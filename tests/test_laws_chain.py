"""Several versions at once: the ends keep the laws, and the runtime's chain is what its steps are."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from registry.laws import BROKEN, HOLDS, NOT_ASKED, Chain, Outcome, Step, judge, judge_chain
from registry.serde.versions import Versions
from registry.source import Location
from registry.upgrade import parse_upgrade
from tests.laws_orders import avro, field, proto, side
from tests.rollout_versions import UPGRADES, schema

AT = Location("upgrade.yaml")


def chain_of(texts: Sequence[str], upgrades: Mapping[int, object], event: str = "") -> Chain:
    """Versions 1, 2, 3 … of these schemas; each upgrade leads to the version of its number."""
    sides = tuple(side(text, f"v{number}", event) for number, text in enumerate(texts, 1))
    steps = tuple(
        Step(parse_upgrade(json.dumps(upgrades[number]), f"{number}/upgrade.yaml"), older, newer)
        if number in upgrades
        else None
        for number, (older, newer) in enumerate(pairwise(sides), 2)
    )
    return Chain(sides, steps, AT)


def by_name(outcomes: Sequence[Outcome]) -> dict[str, Outcome]:
    return {outcome.law.name: outcome for outcome in outcomes}


FIVE = [schema(number) for number in range(1, 6)]


def test_five_versions_of_which_three_have_converters() -> None:
    chain = chain_of(FIVE, UPGRADES, "shop.OrderPlaced")
    assert chain.label == "v1 -> v2 -> v3 -> v4 -> v5"
    for step in chain.steps:
        assert step is None or {outcome.verdict for outcome in judge(step, 80)} == {HOLDS}
    outcomes = by_name(judge_chain(chain, 80))
    assert {outcomes.pop(name).verdict for name in ("back", "forth")} == {NOT_ASKED}
    assert {outcome.verdict for outcome in outcomes.values()} == {HOLDS}
    assert outcomes["chain"].tried == {"up": 80, "down": 80}


TEXTS = [avro(field(name, "string")) for name in ("a", "b", "c")]
RENAMES = {2: {"up": [{"rename": {"a": "b"}}]}, 3: {"up": [{"rename": {"b": "c"}}]}}


def test_there_and_back_over_several_steps() -> None:
    outcomes = by_name(judge_chain(chain_of(TEXTS, RENAMES), 60))
    assert {outcome.verdict for outcome in outcomes.values()} == {HOLDS}
    assert outcomes["back"].tried["up"] == 60


def test_protobuf() -> None:
    texts = [proto(f"string {name} = 3;") for name in ("a", "b", "c")]
    assert {outcome.verdict for outcome in judge_chain(chain_of(texts, RENAMES), 60)} == {HOLDS}


def test_where_one_step_has_no_way_down_the_chain_has_none() -> None:
    upgrades = {**RENAMES, 3: {"up": [{"rename": {"b": "c"}}], "down": "none"}}
    outcomes = by_name(judge_chain(chain_of(TEXTS, upgrades), 40))
    assert outcomes["chain"].tried == {"up": 40}
    assert outcomes["back"].verdict == NOT_ASKED


def test_losses_on_the_way_are_no_mistake_of_the_chain() -> None:
    upgrades = {**RENAMES, 2: {"up": [{"rename": {"a": "b"}}], "loss": {"up": [{"field": "a"}]}}}
    outcomes = by_name(judge_chain(chain_of(TEXTS, upgrades), 40))
    assert outcomes["back"].reason == "v2 may lose something on the way"


def test_a_runtime_that_skips_a_step_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both versions have the same field, so that nothing but the value tells."""
    same = [avro(field("n", "long"))] * 3
    doubles = {"up": [{"scale": {"field": "n", "by": 2, "as": "int"}}]}
    chain = chain_of(same, {2: doubles, 3: doubles})
    assert by_name(judge_chain(chain, 40))["chain"].verdict == HOLDS
    found: Any = Versions.find_hops
    monkeypatch.setattr(Versions, "find_hops", lambda *given: list(found(*given))[1:])
    outcome = by_name(judge_chain(chain, 40))["chain"]
    shown = outcome.counterexample
    assert outcome.verdict == BROKEN and shown is not None
    assert (shown.event["n"], shown.made["n"], shown.back["n"]) == (1, 4, 2), "step by step, and at once"
