"""The table of gates: numbers, waivers that an invariant forbids, and the clusters that are asked."""

import re

import pytest

from registry.environment import Cluster
from registry.frozen import replace
from registry.rollout.checks import Verdict
from registry.rollout.evidence import Question
from registry.rollout.gates import GATES, Row, evaluate, find_row
from registry.rollout.gates.hearing import listen
from registry.rollout.rollout import Rollout
from registry.rollout.words import count, render_list, render_some, render_span, render_versions
from tests.rollout_evidence import (
    EVENT,
    NOW,
    PRODUCTION,
    company,
    deployed,
    judge,
    preparing,
    rollout,
    switched,
    without_kafka,
)

ROWS = [row for gate in GATES.values() for row in gate.rows]
STEPS = {"G0": rollout(), "G1": preparing(), "G2": switched(), "G3": switched(), "G4": switched(), "G5": switched()}


def test_rows_are_numbered_in_their_order() -> None:
    for name, gate in GATES.items():
        assert [row.number for row in gate.rows] == [f"{name}.{place + 1}" for place in range(len(gate.rows))]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_what_an_invariant_forbids_nobody_can_waive(row: Row) -> None:
    timed = {"G1.5", "G1.6", "G3.1", "G4.2", "G4.4"}
    assert (Verdict.NO in row.waivable) == (row.number in timed)
    if row.number.startswith("G5"):
        assert not row.waivable


def test_a_row_is_found_by_its_number() -> None:
    assert find_row("G1.3") in GATES["G1"].rows
    assert find_row("G7.1") is None


@pytest.mark.parametrize("gate", GATES, ids=str)
def test_nothing_seen_is_never_a_yes(gate: str) -> None:
    """No Kafka, no record, no subscriber: each gate that git does not decide alone says unknown or no."""
    nothing = replace(company(), clusters=(), unasked="--no-broker", deployments=())
    if gate != "G0":
        assert judge(gate, STEPS[gate], nothing) is not Verdict.YES


@pytest.mark.parametrize("gate", [name for name in GATES if GATES[name].needs], ids=str)
def test_every_question_that_fails_holds_the_gate_up(gate: str) -> None:
    step: Rollout = STEPS[gate]
    for question in GATES[gate].needs - {Question.PARTITIONS}:
        [cluster] = company().clusters
        failed = replace(cluster, answered=cluster.answered - {question}, failures={question: "it timed out"})
        checks = evaluate(GATES[gate], step, company(failed), NOW)
        held = [check for check in checks if not check.passes and "it timed out" in check.observation.reason]
        if question is Question.GROUPS and gate in ("G2", "G4"):
            continue  # there it only tells who is gone
        if question is Question.EVERYTHING:
            continue  # where retention has passed the last old record, nothing more needs to be read
        assert held, (gate, question)


def test_what_does_not_pass_says_what_to_do_next() -> None:
    evidence = replace(
        company(),
        clusters=(),
        unasked="--no-broker",
        deployments=(),
        environment=replace(PRODUCTION, soak=60.0, settle=1e9, revert_window=1e9),
    )
    for gate, step in STEPS.items():
        for check in evaluate(GATES[gate], step, evidence, NOW):
            assert check.passes or check.observation.help, check
            assert check.observation.reason


def test_every_cluster_of_the_environment_is_missed_by_name() -> None:
    two = replace(PRODUCTION, clusters=(Cluster("main", "a:1"), Cluster("mirror", "b:1")))
    evidence = replace(company(), clusters=(), unasked="--no-broker", environment=two)
    silent = [c.observation.subject for c in evaluate(GATES["G3"], switched(), evidence, NOW) if c.number == "G3.3"]
    assert silent == ["cluster/main", "cluster/mirror"]


def test_where_git_alone_decides_nothing_is_asked() -> None:
    checks = evaluate(GATES["G1"], rollout(), without_kafka(), NOW)
    assert {check.number for check in checks} == {"G1.1", "G1.5", "G1.9"}
    assert not listen(without_kafka(), EVENT)


def test_reasons_are_sentences_without_a_full_stop_or_a_shout() -> None:
    for gate, step in STEPS.items():
        for check in evaluate(GATES[gate], step, company(deployments=(deployed("edge-cache", (1,)),)), NOW):
            said = check.observation.reason
            assert not re.search(r"[.!]$", said), said
            assert "None" not in said


def test_two_looks_at_the_same_evidence_say_the_same() -> None:
    for gate, step in STEPS.items():
        assert evaluate(GATES[gate], step, company(), NOW) == evaluate(GATES[gate], step, company(), NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (1, "1 s"),
        (40, "40 s"),
        (60, "1 min"),
        (90, "90 s"),
        (300, "5 min"),
        (5400, "90 min"),
        (3 * 3600, "3 h"),
        (86_400, "1 d"),
        (36 * 3600, "36 h"),
        (7 * 86_400, "7 d"),
        (1e9, "11,574 d"),
    ],
)
def test_spans_of_time(seconds: float, text: str) -> None:
    assert render_span(seconds) == text


def test_words() -> None:
    assert (render_versions((2, 1)), render_versions(()), render_list("abc")) == ("v1 and v2", "none", "a, b and c")
    assert (count(1, "row"), count(2, "row"), count(2, "query", "queries")) == ("1 row", "2 rows", "2 queries")
    assert render_some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert render_some(["a", "b", "c", "d"]) == "a, b, c and d"
