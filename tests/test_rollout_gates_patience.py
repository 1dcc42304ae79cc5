"""G1.5 to G1.7 and G1.9: the soak, the revert window of the step before, trust, and three writable versions."""

from datetime import timedelta

from registry.environment import DAY
from registry.frozen import replace
from registry.rollout.evidence import Question
from registry.rollout.gates import GATES, evaluate, record
from registry.rollout.rollout import Publication, Rollout
from registry.rollout.states import State
from tests.rollout_evidence import (
    EVENT,
    NO,
    NOW,
    OWNER,
    PRODUCTION,
    UNKNOWN,
    YES,
    ago,
    beat,
    cluster,
    company,
    deployed,
    group,
    hears,
    help_of,
    judge,
    reason,
    recorded,
    rollout,
    services,
    switched,
    verdicts,
    waived,
    without_kafka,
)

STEP = rollout()
PATIENT = replace(PRODUCTION, soak=DAY)
SUBJECT = "environment/production"


def yes_since(moment: object) -> Rollout:
    return rollout(checks=(recorded("G1", f"event/{EVENT}", YES, moment),))


# G1.5: the soak.


def test_without_a_soak_yes_is_yes_at_once() -> None:
    assert verdicts("G1.5", STEP, company()) == {SUBJECT: YES}


def test_a_soak_begins_with_the_first_look_that_says_yes() -> None:
    evidence = company(environment=PATIENT)
    assert verdicts("G1.5", STEP, evidence) == {SUBJECT: NO}
    assert reason("G1.5", STEP, evidence, SUBJECT) == "yes for 0 s of 1 d"
    assert "2026-03-03 12:00 UTC" in help_of("G1.5", STEP, evidence, SUBJECT)


def test_a_soak_is_measured_from_the_first_yes_that_the_journal_remembers() -> None:
    evidence = company(environment=PATIENT)
    assert verdicts("G1.5", yes_since(ago(hours=23)), evidence) == {SUBJECT: NO}
    assert verdicts("G1.5", yes_since(ago(hours=24)), evidence) == {SUBJECT: YES}
    assert judge("G1", yes_since(ago(hours=24)), evidence) is YES


def test_the_soak_can_be_waived() -> None:
    step = rollout(waivers=(waived("G1.5", SUBJECT),))
    assert judge("G1", step, company(environment=PATIENT)) is YES


def test_the_soak_is_unknown_while_something_else_is() -> None:
    evidence = company(cluster(groups=(*cluster().groups, group("legacy"))), environment=PATIENT)
    assert verdicts("G1.5", yes_since(ago(days=9)), evidence) == {SUBJECT: UNKNOWN}
    assert judge("G1", yes_since(ago(days=9)), evidence) is UNKNOWN  # exit 3, and --wait looks again


def test_no_soak_is_no_second_thing_that_holds_it_up() -> None:
    evidence = company(cluster(groups=(*cluster().groups, group("legacy"))))
    assert verdicts("G1.5", STEP, evidence) == {}
    assert judge("G1", STEP, evidence) is UNKNOWN


def look_and_record(step: Rollout, evidence: object, moment: object) -> Rollout:
    found = evaluate(GATES["G1"], step, evidence, moment)
    return replace(step, checks=record(GATES["G1"], found, step.checks, step, moment))


def test_looks_that_say_yes_without_a_break_add_up_though_pods_come_and_go() -> None:
    evidence, step = company(environment=PATIENT), rollout()
    for hour in range(0, 25, 6):
        moment = NOW + timedelta(hours=hour)
        pods = hears(beat("edge-cache", f"pod-{hour}", reads=(1, 2)), environment=PATIENT, observed=NOW)
        aged = replace(pods, clusters=tuple(replace(each, observed=moment) for each in pods.clusters))
        young = tuple(replace(each, observed_at=moment) for each in aged.clusters[0].heartbeats)
        evidence = replace(aged, clusters=(replace(aged.clusters[0], heartbeats=young),))
        step = look_and_record(step, evidence, moment)
    assert judge("G1", step, evidence, NOW + timedelta(hours=24)) is YES


def test_one_look_that_says_no_begins_the_soak_anew() -> None:
    evidence, broken = company(environment=PATIENT), hears(beat("edge-cache", reads=(1,)), environment=PATIENT)
    step = look_and_record(look_and_record(rollout(), evidence, ago(hours=30)), broken, ago(hours=20))
    step = look_and_record(step, evidence, ago(hours=10))
    assert verdicts("G1.5", step, evidence) == {SUBJECT: NO}
    assert reason("G1.5", step, evidence, SUBJECT) == "yes for 10 h of 1 d"


def test_answers_that_are_too_old_prove_nothing() -> None:
    evidence = company(cluster(observed=ago(600)))
    assert verdicts("G1.5", STEP, evidence)["cluster/main"] is UNKNOWN
    assert "main was asked 10 min ago; beyond 5 min that proves nothing" in reason(
        "G1.5", STEP, evidence, "cluster/main"
    )


# What is recorded.


def test_since_stays_while_the_verdict_does() -> None:
    first = look_and_record(rollout(), company(), ago(hours=2))
    second = look_and_record(first, company(), ago(hours=1))
    whole = next(each for each in second.checks if each.check == "G1")
    assert (whole.verdict, whole.since, whole.observed) == (YES, ago(hours=2), ago(hours=1))


def test_what_is_no_longer_seen_is_forgotten_and_other_gates_are_kept() -> None:
    before = (
        recorded("G1.2", "instance/edge-cache/old-pod", YES, ago(hours=3)),
        recorded("G0.3", "event/x", YES, ago()),
    )
    kept = record(GATES["G1"], evaluate(GATES["G1"], STEP, company(), NOW), before, STEP, NOW)
    subjects = {(each.check, each.subject) for each in kept}
    assert ("G0.3", "event/x") in subjects
    assert ("G1.2", "instance/edge-cache/old-pod") not in subjects


# G1.6: chains (S18).

THIRD = rollout(State.EXPANDING, 2, 3, epoch=1, stored=(2,))


def test_the_step_before_must_be_past_its_revert_window() -> None:
    early = company(rollouts=(switched(State.CONTRACTING, switched=ago(days=6)),))
    assert verdicts("G1.6", THIRD, early) == {"rollout/1-2": NO}
    assert "1 -> 2 was switched 6 d ago, and may be reverted for 7 d" in reason("G1.6", THIRD, early, "rollout/1-2")
    late = company(rollouts=(switched(State.CONTRACTING, switched=ago(days=7)),))
    assert verdicts("G1.6", THIRD, late) == {"rollout/1-2": YES}


def test_the_window_can_be_waived() -> None:
    early = company(rollouts=(switched(State.CONTRACTING),))
    step = replace(THIRD, waivers=(waived("G1.6", "rollout/1-2"),))
    assert verdicts("G1.6", step, early) == {"rollout/1-2": NO}
    chained = company(
        cluster(
            heartbeats=(
                beat(OWNER, groups=(), writes=(2, 3), active=2),
                beat("edge-cache", reads=(1, 2, 3)),
                beat("search-index", reads=(1, 2, 3)),
            )
        ),
        deployments=(),
        rollouts=(switched(State.CONTRACTING),),
        versions={1: "digest-1", 2: "digest-2", 3: "digest-3"},
    )
    assert judge("G1", THIRD, chained) is NO
    assert judge("G1", step, chained) is YES


def test_what_ended_and_what_comes_later_does_not_matter() -> None:
    others = (switched(State.WRITE_RETIRED), rollout(State.PLANNED, 3, 4))
    assert verdicts("G1.6", THIRD, company(rollouts=others)) == {}


# G1.7: trust.


def test_git_is_trusted_unless_something_else_is_asked_for() -> None:
    assert verdicts("G1.7", STEP, company()) == {}


def test_where_ci_is_asked_for_a_person_is_not_enough() -> None:
    evidence = without_kafka(environment=replace(PRODUCTION, clusters=(), brokerless=True, trust="ci"))
    assert set(verdicts("G1.7", STEP, evidence).values()) == {UNKNOWN}
    assert "recorded by ana@example.com (git); production trusts nothing below ci" in reason(
        "G1.7", STEP, evidence, "service/edge-cache"
    )
    jobs = (
        deployed(OWNER, writes=(1, 2), source="ci"),
        deployed("edge-cache", (1, 2), source="ci"),
        deployed("search-index", (1, 2), source="ci"),
    )
    assert set(verdicts("G1.7", STEP, replace(evidence, deployments=jobs)).values()) == {YES}


def test_where_heartbeats_are_asked_for_each_service_must_be_heard() -> None:
    asked = replace(PRODUCTION, trust="heartbeat")
    assert set(verdicts("G1.7", STEP, company(environment=asked)).values()) == {YES}
    mute = company(cluster(heartbeats=cluster().heartbeats[:2]), environment=asked)
    assert verdicts("G1.7", STEP, mute)["service/search-index"] is UNKNOWN
    assert judge("G1", rollout(), mute) is UNKNOWN


def test_where_brokers_are_asked_for_they_must_list_the_groups() -> None:
    asked = replace(PRODUCTION, trust="broker")
    assert set(verdicts("G1.7", STEP, company(environment=asked)).values()) == {YES}
    unlisted = company(cluster(answered=frozenset(Question) - {Question.GROUPS}), environment=asked)
    assert set(verdicts("G1.7", STEP, unlisted).values()) == {UNKNOWN}


# G1.9: three writable versions.


def test_at_most_three_versions_are_writable() -> None:
    assert verdicts("G1.9", STEP, company()) == {f"event/{EVENT}": YES}
    others = (
        rollout(State.ABANDONED, 1, 2, epoch=9, publication=Publication(9, 1, (1, 2))),
        rollout(State.ABANDONED, 1, 3, epoch=9, publication=Publication(9, 1, (1, 2, 3))),
    )
    fourth = rollout(State.EXPANDING, 1, 4, epoch=9, waivers=(waived("G1.9", f"event/{EVENT}"),))
    evidence = company(rollouts=others, services=services(OWNER))
    assert verdicts("G1.9", fourth, evidence) == {f"event/{EVENT}": NO}
    assert "v1, v2, v3 and v4 would be writable" in reason("G1.9", fourth, evidence, f"event/{EVENT}")
    assert judge("G1", fourth, evidence) is NO
