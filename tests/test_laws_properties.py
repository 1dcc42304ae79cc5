"""Lawful converters pass, whatever the schemas are; the same converters with one mistake in them do not."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

from registry.laws import BROKEN, Outcome, Side, Step, judge
from registry.schema import Record, Schema
from registry.serde.errors import SerdeError
from registry.upgrade import parse_upgrade
from tests.avro_pairs import schemas as avro_schemas
from tests.avro_spelling import parse_model as parse_avro
from tests.examples_settings import EXAMPLES, settings
from tests.laws_documents import Lawful, Operation, exchange, lawful, rename, rename_symbols
from tests.protobuf_schemas import schemas as protobuf_schemas
from tests.protobuf_spelling import parse_model as parse_protobuf

LANGUAGES = ["avro", "protobuf"]


def broken(outcomes: list[Outcome]) -> dict[str, Outcome]:
    return {outcome.law.name: outcome for outcome in outcomes if outcome.verdict == BROKEN}


@pytest.mark.parametrize("language", LANGUAGES)
@settings(EXAMPLES // 8)
@given(data=st.data())
def test_lawful_converters_break_no_law(language: str, data: st.DataObject) -> None:
    step = data.draw(lawful(language)).step()
    outcomes = judge(step, 80)
    assert not broken(outcomes), (step.words, broken(outcomes))


# One mistake


def forget_an_operation(case: Lawful) -> dict[str, Any] | None:
    first, *others = case.document["up"]
    if case.language == "protobuf" and {"set", "drop"} & first.keys():
        return None  # its fields have a default each
    return {"up": others}


def misspell_a_field(case: Lawful) -> dict[str, Any] | None:
    first, *others = case.document["up"]
    ((name, inner),) = first.items()
    if name in ("rename", "move"):
        ((before, after), *rest) = inner.items()
        return {"up": [{name: {before: f"{after}x", **dict(rest)}}, *others]}
    return {"up": [{name: {**inner, "field": inner["field"] + "x"}}, *others]}


def make_two_symbols_one(case: Lawful) -> dict[str, Any] | None:
    for index, operation in enumerate(case.document["up"]):
        if "enum" in operation:
            images = operation["enum"]["map"]
            same = {**operation["enum"], "map": dict.fromkeys(images, next(iter(images.values())))}
            up = [*case.document["up"][:index], {"enum": same}, *case.document["up"][index + 1 :]]
            return {"up": up}
    return None


def come_back_otherwise(case: Lawful) -> dict[str, Any] | None:
    if len(case.document["up"]) != 1:
        return None
    ((name, inner),) = case.document["up"][0].items()
    if name == "scale":
        return {"down": [{"scale": {**swap(inner), "by": 1000, "from": inner["as"], "as": "int", "places": 0}}]}
    if name == "enum":
        symbols = list(inner["map"])
        rotated = dict(zip(inner["map"].values(), [*symbols[1:], symbols[0]], strict=True))
        return {"down": [{"enum": {"field": inner["field"], "map": rotated}}]}
    return None


def swap(inner: dict[str, Any]) -> dict[str, Any]:
    return {"field": inner["to"], "to": inner["field"]}


def set_a_value_of_another_type(case: Lawful) -> dict[str, Any] | None:
    up = [*case.document["up"]]
    for index, operation in enumerate(up):
        if "set" in operation:
            value = {"set": {**operation["set"], "value": {"not": "this"}}}
            return {"up": [*up[:index], value, *up[index + 1 :]]}
    return None


def declare_a_loss_of_what_is_kept(case: Lawful) -> dict[str, Any] | None:
    for operation in case.document["up"]:
        if "rename" in operation:
            kept = next(iter(operation["rename"]))
            declared = case.document.get("loss", {})
            return {"loss": {**declared, "up": [*declared.get("up", []), {"field": kept}]}}
    return None


def exchange_the_key(case: Lawful) -> dict[str, Any] | None:
    texts = [part.name for part in case.parts if part.kind == "string"]
    if not texts:
        return None
    return {"up": [*case.document["up"], {"rename": {"correlation_id": texts[0], texts[0]: "correlation_id"}}]}


class Mistake(NamedTuple):
    """What is changed, and the converters in which it can be."""

    make: Callable[[Lawful], dict[str, Any] | None]
    among: tuple[Operation, ...] = ()
    most: int = 5


MISTAKES = [
    Mistake(forget_an_operation),
    Mistake(misspell_a_field),
    Mistake(make_two_symbols_one, (rename_symbols,)),
    Mistake(come_back_otherwise, (exchange, rename_symbols), most=1),
    Mistake(set_a_value_of_another_type),
    Mistake(declare_a_loss_of_what_is_kept, (rename,)),
    Mistake(exchange_the_key),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.make.__name__)
@settings(EXAMPLES // 16, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_one_mistake_breaks_a_law(language: str, mistake: Mistake, data: st.DataObject) -> None:
    case = data.draw(lawful(language, mistake.among, mistake.most))
    changes = mistake.make(case)
    assume(changes is not None)
    found = broken(judge(case.step(**changes), 80))
    assert found, (case.document, changes)
    for outcome in found.values():
        assert outcome.at is not None and outcome.at.path == "Placed.upgrade.yaml"
        assert outcome.reason or outcome.counterexample


# Any schema there is


@settings(EXAMPLES // 8)
@given(avro_schemas())
def test_a_version_that_changes_nothing_keeps_every_law_in_avro(model: Any) -> None:
    schema = parse_avro(model)
    assume(isinstance(schema.resolve(schema.root), Record))
    keeps_every_law(schema, schema.resolve(schema.root).name)  # type: ignore[union-attr]  # a record


@settings(EXAMPLES // 8)
@given(protobuf_schemas())
def test_a_version_that_changes_nothing_keeps_every_law_in_protobuf(model: Any) -> None:
    keeps_every_law(parse_protobuf(model), model.full_name("M"))


def keeps_every_law(schema: Schema, event: str) -> None:
    try:
        older, newer = Side(event, schema, "v1"), Side(event, schema, "v2")
    except SerdeError:
        assume(False)  # a schema that no service could use
    step = Step(parse_upgrade("up: []\n", "Any.upgrade.yaml"), older, newer)
    assume(not any("look the same" in flaw.message for flaw in step.flaws))
    assert not broken(judge(step, 40))
