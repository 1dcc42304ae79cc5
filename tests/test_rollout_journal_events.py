"""The lines of events, and the messages of the commits: one line for each decision."""

import json

import pytest

from registry.frozen import replace
from registry.rollout.journal.events import (
    find_events_path,
    render_decision,
    render_deployed,
    render_deployed_message,
    render_line,
    render_message,
)
from registry.rollout.rollout import Publication, Rollout, Step
from registry.rollout.states import State
from tests.rollout_documents import CHECKS, FULL, NOON, PLANNED, POD, RELEASE, STEP


def test_a_decision_is_one_line() -> None:
    line = render_decision("switch", State.EXPANDING, FULL, CHECKS, NOON)
    assert json.loads(line) == {
        "at": "2026-01-05T12:00:00Z",
        "by": "ana@example.org",
        "verb": "switch",
        "from": "expanding",
        "to": "switching",
        "epoch": 3,
        "reason": "one line\nand another",
        "verdict": {"gate": "yes", "yes": 2, "unknown": 1},
        "waivers": ["G1.3:group/legacy-report"],
    }
    assert "\n" not in line


def test_a_decision_without_a_gate_has_no_verdict() -> None:
    facts = json.loads(render_decision("plan", None, PLANNED, (), NOON))
    assert (facts["from"], facts["to"], facts["verdict"], facts["waivers"]) == (None, "planned", None, [])


def test_a_deployment_is_one_line() -> None:
    facts = json.loads(render_deployed(RELEASE))
    assert (facts["verb"], facts["build"], facts["supported_until"]) == ("deployed", "build-17", "2026-02-04T12:00:00Z")
    assert "\n" not in render_deployed(replace(RELEASE, build="a\nb"))


def test_a_line_takes_what_nouns_hold_and_nothing_else() -> None:
    assert render_line({"at": NOON, "of": "a.A", "who": {"b", "a"}, "marks": {0: None}}) == (
        '{"at": "2026-01-05T12:00:00Z", "of": "a.A", "who": ["a", "b"], "marks": {"0": null}}'
    )
    with pytest.raises(TypeError, match="object has no place"):
        render_line({"what": object()})


def test_the_message_tells_the_transition_and_what_was_not_yes() -> None:
    assert render_message(State.EXPANDING, replace(FULL, reason=""), CHECKS) == (
        "playconnect.content.ContentPublished 1 -> 2 in production: expanding -> switching (epoch 3, prepare 2)"
        " by ana@example.org\n"
        "\n"
        "2 yes, 1 unknown\n"
        "G1.3 unknown group/legacy-report: is nobody's (waived by bo@example.org: Zoë knows it: “gone” by May)\n"
    )


@pytest.mark.parametrize(
    ("before", "rollout", "line"),
    [
        (None, PLANNED, "planned by"),
        (State.PLANNED, PLANNED, "planned by"),
        (State.PLANNED, replace(PLANNED, state=State.EXPANDING), "planned -> expanding by"),
        (
            State.SWITCHING,
            replace(FULL, publication=Publication(3, 2, (1, 2)), reason=""),
            "switching (epoch 3, active 2) by",
        ),
    ],
)
def test_the_first_line_says_what_there_is_to_say(before: State | None, rollout: Rollout, line: str) -> None:
    assert render_message(before, rollout) == f"{STEP}: {line} ana@example.org\n"


def test_a_deployment_has_a_message_too() -> None:
    assert render_deployed_message(POD) == "edge-cache/pod-3 in production: deployed build-16 by ana@example.org\n"
    assert render_deployed_message(RELEASE) == (
        "edge-cache in production: deployed build-17 (release 2025.4) by ana@example.org\n"
    )


def test_events_lie_beside_what_they_tell_of() -> None:
    assert find_events_path(Step("a.A", 1, 2, "eu").path) == "events/rollouts/a.A/1-2/eu.jsonl"
    assert find_events_path(POD.path) == "events/deployments/production/edge-cache.jsonl"
