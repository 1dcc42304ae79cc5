"""What people and programs read of a rollout, character by character."""

import json
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from registry.environment import Environment
from registry.frozen import replace
from registry.rollout.checks import Check, Source, Verdict
from registry.rollout.outcome import Exit, Outcome
from registry.rollout.render.json import render_outcomes_json
from registry.rollout.render.schema import ROLLOUT_SCHEMA
from registry.rollout.render.text import render_outcomes, worst_of
from registry.rollout.render.words import PREPARED, STANDS, count_subjects, describe_place
from registry.rollout.rollout import Publication, Step
from registry.rollout.states import State
from tests.rollout_outcomes import (
    BLOCKED,
    EXPANDING,
    FREE,
    LEGACY,
    NOW,
    PRODUCTION,
    READY,
    STEP,
    SWITCHING,
    TITLES,
    ago,
    command,
    outcome,
    seen,
)

LATELY = ago(seconds=3)
WATCHED = outcome(
    "switch",
    SWITCHING,
    "G2",
    (
        seen("G2.1", "instance/content-api/pod-1", Verdict.NO, "obeys epoch 2, and 3 is published", observed=LATELY),
        seen("G2.1", "instance/content-api/pod-2", Verdict.YES, "obeys epoch 3 and writes v2", observed=LATELY),
    ),
    Verdict.NO,
    EXPANDING,
    ("epoch 3 prepares v2", "epoch 3 makes v2 active"),
    command("converge"),
)  # fmt: skip


def text(*outcomes: Outcome, environment: Environment = PRODUCTION, **how: bool | int) -> str:
    return render_outcomes(outcomes, environment, TITLES, **how)  # type: ignore[arg-type]  # as its keywords want


def test_one_rollout_answers_the_four_questions() -> None:
    assert (
        text(BLOCKED)
        == """\
playconnect.content.ContentPublished 1 -> 2 in production

  where    expanding for 3 h (phase 1: readers learn v2; v1 is written)
           since 2026-11-23 15:30 UTC, by ana@playconnect.example; the log may hold v1
  blocked  by instance/edge-cache/pod-6 (G1, readers are ready: NO; 2 of 10 checks)
  proof    1 s to 2 h old
  then     contracts rollout switch playconnect.content.ContentPublished --env production --from 1 --to 2

  G1.2  NO       instance/edge-cache/pod-6  heartbeat 4 s  build 7be reads v1 and not v2
                                                           help: deploy a build of edge-cache that reads v2
  G1.3  unknown  group/nightly              broker 12 s    belongs to no service of ownership.yaml; its last commit is \
9 h old, and it has read 12,014 of 12,020 records
                                                           help: add it to the `groups` of a service in \
ownership.yaml, or answer for it: --waive G1.3:group/nightly --reason … --expires 7d
  G1.3  waived   group/legacy-report        broker 12 s    unknown: belongs to no service of ownership.yaml; waived by \
ana@playconnect.example until 2026-11-29 18:30 UTC (6 d left): ends in March
  G1.1  yes      2 services                 git+ci 2 h     deployed builds read both versions
  G1.2  yes      5 instances                heartbeat 5 s  reads v1 and v2
"""
    )


def test_a_terminal_gets_its_lines_wrapped_and_its_commands_whole() -> None:
    lines = text(BLOCKED, width=100).splitlines()
    assert max(map(len, lines)) == len(f"  then     contracts {command('switch')}")
    assert [line for line in lines if "nightly" in line or "group/legacy" in line] == [
        "  G1.3  unknown  group/nightly              broker 12 s    belongs to no service of ownership.yaml;",
        "                                                                 it: --waive G1.3:group/nightly",
        "  G1.3  waived   group/legacy-report        broker 12 s    unknown: belongs to no service of",
    ]
    narrow = text(BLOCKED, width=60).splitlines()
    assert "  G1.2  NO       instance/edge-cache/pod-6  heartbeat 4 s" in narrow
    assert "                 build 7be reads v1 and not v2" in narrow


def test_without_a_break_there_is_nobody_to_name() -> None:
    assert (
        text(FREE)
        == """\
playconnect.content.ContentPublished 1 -> 2 in production

  where    expanding for 3 h (phase 1: readers learn v2; v1 is written)
           since 2026-11-23 15:30 UTC, by ana@playconnect.example; the log may hold v1
  blocked  by nobody (G1, readers are ready: yes; 7 checks)
  proof    1 s to 2 h old
  next     contracts rollout switch playconnect.content.ContentPublished --env production --from 1 --to 2

  G1.1  yes  2 services   git+ci 2 h     deployed builds read both versions
  G1.2  yes  5 instances  heartbeat 5 s  reads v1 and v2
"""
    )


def test_a_command_says_what_it_did_and_where_that_led() -> None:
    assert (
        text(WATCHED)
        == """\
playconnect.content.ContentPublished 1 -> 2 in production: expanding -> switching
  epoch 3 prepares v2
  epoch 3 makes v2 active

  where    switching for 4 min (phase 2: v2 is active, and not yet proven everywhere)
           since 2026-11-23 18:26 UTC, by ana@playconnect.example, epoch 3; the log may hold v1 and v2
  blocked  by instance/content-api/pod-1 (G2, the switch is everywhere: NO; 1 of 2 checks)
  proof    3 s old
  then     contracts rollout converge playconnect.content.ContentPublished --env production --from 1 --to 2

  G2.1  NO   instance/content-api/pod-1  heartbeat 3 s  obeys epoch 2, and 3 is published
  G2.1  yes  instance/content-api/pod-2  heartbeat 3 s  obeys epoch 3 and writes v2
"""
    )
    assert "prepares" not in text(WATCHED, told=True)


def test_a_dry_run_says_so_and_a_status_need_not() -> None:
    assert "  nothing was written (--dry-run)\n" in text(replace(FREE, dry_run=True))
    assert "dry" not in text(replace(FREE, dry_run=True, verb="status"))


def test_a_gate_that_saw_nothing_and_a_step_that_nobody_planned() -> None:
    assert (
        text(outcome("check", None, "G0", (), Verdict.UNKNOWN, next_=command("start")))
        == """\
playconnect.content.ContentPublished 1 -> 2 in production

  where    not planned
  blocked  by everything: nothing was seen at all (G0: unknown)
  proof    git, as it is committed
  then     contracts rollout start playconnect.content.ContentPublished --env production --from 1 --to 2
"""
    )


def test_an_end_has_no_next_command_and_a_patch_is_shown() -> None:
    ended = replace(EXPANDING, state=State.READ_RETIRED, stored=(2,))
    shown = text(replace(outcome("retire-read", ended), patch="retired: [1]\n"))
    assert "  where    read-retired for 3 h (over: no log holds v1 any more)\n" in shown
    assert shown.endswith("  next     nothing to do\n\n  retired: [1]\n")


def test_an_environment_without_a_broker_is_said_to_be_one() -> None:
    lone = Environment("production", brokerless=True)
    git_only = tuple(check for check in READY if check.observation.source is Source.GIT)
    shown = text(replace(FREE, checks=git_only), environment=lone)
    assert "  proof    git alone, since production is declared with `broker: none`\n" in shown


def test_the_barrier_is_named_once_it_is_known() -> None:
    marks = {0: replace(SWITCHING.barrier["main"][0], committed=121), 1: SWITCHING.barrier["main"][1]}
    known = replace(SWITCHING, barrier={"main": marks})
    assert "; the log may hold v1 and v2; barrier known in main (2 partitions)\n" in text(outcome("status", known))


def test_an_expired_waiver_is_called_one() -> None:
    over = replace(EXPANDING, waivers=(replace(LEGACY, expires=ago(hours=1)),))
    said = "waived by ana@playconnect.example until 2026-11-23 17:30 UTC (EXPIRED): ends in March\n"
    assert f"  waiver   G1.3:group/legacy-report {said}" in text(outcome("status", over))


def test_of_thousands_that_block_the_first_ones_are_shown() -> None:
    many = tuple(seen("G1.2", f"instance/edge/{n}", Verdict.NO, "reads v1", observed=NOW) for n in range(1000))
    shown = text(replace(BLOCKED, checks=many))
    assert "by instance/edge/0, instance/edge/1 and 998 more (G1" in shown
    assert "and 960 more\n" in shown
    assert len(shown.splitlines()) < 60


@pytest.mark.parametrize("state", State)
def test_each_state_is_told_in_words(state: State) -> None:
    words = describe_place(replace(EXPANDING, state=state, publication=Publication(1, 2, (1, 2))))
    assert words == STANDS[state].format(old=1, new=2)
    assert "{" not in words


def test_a_switch_is_told_by_its_half() -> None:
    half = replace(SWITCHING, publication=Publication(3, 1, (1,), prepare=2))
    assert describe_place(half) == PREPARED.format(old=1, new=2) == "phase 2: v2 is prepared, v1 is still written"
    assert describe_place(SWITCHING) == "phase 2: v2 is active, and not yet proven everywhere"


def test_subjects_are_counted_by_their_kind() -> None:
    assert count_subjects(["group/a"]) == "group/a"
    assert count_subjects(["group/a", "instance/b/1", "instance/b/2", "group/a"]) == "1 group, 2 instances"


def several() -> tuple[Outcome, ...]:
    def move(name: str, state: State) -> Outcome:
        step = Step(f"playconnect.commerce.{name}", 3, 4, "production")
        return outcome("status", replace(EXPANDING, step=step, state=state), next_=command("contract", step))

    unsure = replace(BLOCKED, checks=(BLOCKED.checks[0],), verdict=Verdict.UNKNOWN, exit_code=Exit.UNKNOWN)
    return move("CartItemAdded", State.SWITCHED), FREE, unsure, BLOCKED


def test_several_are_a_table_with_what_is_stuck_on_top() -> None:
    assert (
        text(*several())
        == """\
event                                 step    state      for  verdict     held up by                 proof  next
playconnect.content.ContentPublished  1 -> 2  expanding  3 h  G1 NO       instance/edge-cache/pod-6  2 h    switch
playconnect.content.ContentPublished  1 -> 2  expanding  3 h  G1 unknown  group/nightly              12 s   switch
playconnect.commerce.CartItemAdded    3 -> 4  switched   3 h                                                contract
playconnect.content.ContentPublished  1 -> 2  expanding  3 h  G1 yes                                 2 h    switch

4 rollouts in production: 1 no, 1 unknown, 1 yes
why: contracts rollout status playconnect.content.ContentPublished --env production
"""
    )
    assert text() == "no rollout in production\n"
    assert text(FREE, FREE, full=True).count("  where  ") == 2


def test_colours_are_added_and_nothing_else() -> None:
    for outcomes in ((BLOCKED,), several()):
        plain, painted = text(*outcomes), text(*outcomes, colour=True)
        assert painted != plain
        for code in ("0", "1", "2", "32", "33", "35", "1;31"):
            painted = painted.replace(f"\x1b[{code}m", "")
        assert painted == plain


def test_several_end_as_the_worst_of_them() -> None:
    assert worst_of(several()) == Exit.NO
    assert worst_of(several()[:3]) == Exit.UNKNOWN
    assert worst_of(several()[:2]) == worst_of(()) == Exit.DONE


# For programs ---------------------------------------------------------------------------------------------------------


def document(*outcomes: Outcome, code: Exit = Exit.NO) -> dict[str, Any]:
    found = json.loads(render_outcomes_json("check", outcomes, PRODUCTION, TITLES, code))
    Draft202012Validator(ROLLOUT_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(found)
    assert isinstance(found, dict)
    return found


def test_the_schema_is_one_and_every_outcome_keeps_to_it() -> None:
    Draft202012Validator.check_schema(ROLLOUT_SCHEMA)
    unplanned = outcome("check", None, "G0", (), Verdict.UNKNOWN)
    document(BLOCKED, FREE, WATCHED, unplanned, *several())
    document(code=Exit.DONE)
    for state in State:
        document(outcome("status", replace(SWITCHING, state=state)))


def test_a_check_says_all_that_it_knows() -> None:
    (found,) = document(BLOCKED)["rollouts"]
    assert (found["state"], found["verdict"], found["gate"], found["exit_code"]) == ("expanding", "no", "G1", 1)
    stuck = next(check for check in found["checks"] if check["verdict"] == "no")
    assert stuck == {
        "number": "G1.2",
        "title": "live instances say so",
        "subject": "instance/edge-cache/pod-6",
        "verdict": "no",
        "passes": False,
        "reason": "build 7be reads v1 and not v2",
        "help": "deploy a build of edge-cache that reads v2",
        "source": "heartbeat",
        "observed": "2026-11-23T18:29:56Z",
        "age": 4.0,
        "age_text": "4 s",
        "since": None,
        "waiver": None,
    }
    waived = next(check for check in found["checks"] if check["waiver"])
    assert (waived["verdict"], waived["passes"], waived["waiver"]["expired"]) == ("unknown", True, False)


def test_a_clock_that_is_behind_makes_no_negative_age() -> None:
    early = Check("G1.2", replace(READY[2].observation, observed=NOW + timedelta(minutes=1)))
    (found,) = document(replace(FREE, checks=(early,)))["rollouts"]
    assert (found["checks"][0]["age"], found["checks"][0]["age_text"]) == (0.0, "0 s")
    assert "heartbeat 0 s" in text(replace(FREE, checks=(early,)))


def test_the_step_is_the_one_that_was_asked_for() -> None:
    (found,) = document(WATCHED)["rollouts"]
    assert (found["contract"], found["from"], found["to"], found["environment"]) == (
        STEP.contract,
        STEP.old,
        STEP.new,
        STEP.environment,
    )
    assert (found["state_before"], found["state"]) == ("expanding", "switching")
    assert found["rollout"]["publication"] == {"epoch": 3, "active": 2, "prepare": 0, "writable": [1, 2]}
    assert found["rollout"]["barrier"]["main"]["0"] == {
        "start": 120,
        "committed": -1,
        "everything": -1,
        "first_new": -1,
    }
