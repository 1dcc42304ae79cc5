"""G2: every writer has switched: epochs, outboxes, the tail of the log, the control topic. Forwards and backwards."""

import pytest

from registry.frozen import replace
from registry.kafka.rollout.control import ControlRecord
from registry.rollout.evidence import Question, Span
from registry.rollout.gates.converge import find_other
from registry.rollout.rollout import Publication, Rollout
from registry.rollout.states import State
from tests.rollout_evidence import (
    EVENT,
    NO,
    OWNER,
    UNKNOWN,
    YES,
    ago,
    beat,
    cluster,
    company,
    deployed,
    hears,
    help_of,
    judge,
    preparing,
    reason,
    rollout,
    scan,
    seen,
    switched,
    verdicts,
    waived,
    without_kafka,
)

STEP = switched(State.SWITCHING, barrier={}, switched=ago(3600), origin=State.EXPANDING)
BACK = switched(State.REVERTING, epoch=2, publication=Publication(2, 1, (1, 2)), since=ago(3600), switched=ago(days=1))


def owner(instance: str = "pod-1", **says: object) -> object:
    said = {"writes": (1, 2), "active": 2, "epoch": 1, "groups": (), **says}
    return beat(OWNER, instance, **said)


def test_where_all_is_well() -> None:
    assert judge("G2", STEP, hears(owner())) is YES


def test_the_other_version_is_the_one_that_is_left() -> None:
    assert (find_other(STEP), find_other(BACK)) == (1, 2)


# G2.1: obedience (S6).


def test_an_instance_that_missed_the_control_record_is_named() -> None:
    evidence = hears(owner(), owner("pod-2", epoch=0, active=1))
    assert verdicts("G2.1", STEP, evidence) == {f"instance/{OWNER}/pod-1": YES, f"instance/{OWNER}/pod-2": NO}
    said = reason("G2.1", STEP, evidence, f"instance/{OWNER}/pod-2")
    assert said == "pod-2 of content-api (build 41) obeys no control record and writes v1, not v2 of epoch 1"
    assert judge("G2", STEP, evidence) is NO


def test_an_instance_that_was_told_a_moment_ago_is_unknown() -> None:
    evidence = hears(owner(epoch=1, active=1, prepared=True))
    assert verdicts("G2.1", replace(STEP, switched=ago(20)), evidence) == {f"instance/{OWNER}/pod-1": UNKNOWN}
    assert verdicts("G2.1", replace(STEP, switched=ago(40), since=ago(90)), evidence) == {f"instance/{OWNER}/pod-1": NO}


def test_an_instance_that_says_why_it_does_not_is_no_at_once() -> None:
    evidence = hears(owner(active=1, trouble="cannot write v2, which is active (writes: [1])"))
    assert verdicts("G2.1", replace(STEP, switched=ago(5)), evidence) == {f"instance/{OWNER}/pod-1": NO}
    assert "cannot write v2, which is active" in reason("G2.1", STEP, evidence, f"instance/{OWNER}/pod-1")


def test_an_owner_that_nobody_hears_has_not_converged() -> None:
    evidence = company(cluster(heartbeats=cluster().heartbeats[1:]))
    assert verdicts("G2.1", STEP, evidence) == {f"service/{OWNER}": UNKNOWN}
    step = replace(STEP, waivers=(waived("G2.1", f"service/{OWNER}"),))
    assert judge("G2", step, evidence) is YES


def test_an_instance_that_is_silent_too_long_is_gone_and_said_so() -> None:
    evidence = hears(owner(), owner("pod-2", age=400, epoch=0, active=1))
    assert verdicts("G2.1", STEP, evidence) == {f"gone/{OWNER}": YES, f"instance/{OWNER}/pod-1": YES}
    assert verdicts("G2.1", STEP, hears(owner(), owner("pod-2", age=60)))[f"instance/{OWNER}/pod-2"] is UNKNOWN


def test_what_is_only_prepared_cannot_converge() -> None:
    assert verdicts("G2.1", preparing(), company()) == {f"event/{EVENT}": NO}
    assert "rollout reconcile" in help_of("G2.1", preparing(), company(), f"event/{EVENT}")


def test_a_revert_converges_to_the_old_version() -> None:
    told = cluster(
        control=ControlRecord(EVENT, "production", 2, 1, (1, 2)),
        heartbeats=(owner(epoch=2, active=1), owner("pod-2", epoch=1, active=2)),
    )
    assert verdicts("G2.1", BACK, company(told)) == {f"instance/{OWNER}/pod-1": YES, f"instance/{OWNER}/pod-2": NO}
    assert judge("G2", BACK, company(replace(told, heartbeats=told.heartbeats[:1]))) is YES


def test_without_kafka_the_owner_switches_by_being_deployed() -> None:
    assert judge("G2", STEP, without_kafka()) is YES
    late = without_kafka(deployments=(deployed(OWNER, writes=(1,)),))
    assert verdicts("G2.1", STEP, late) == {f"owner/{OWNER}": NO}
    assert judge("G2", STEP, without_kafka(deployments=())) is UNKNOWN


# G2.2: outboxes (S8).


def test_an_outbox_that_holds_the_old_version_is_waited_for_with_count_and_age() -> None:
    evidence = hears(owner(waiting={1: 12, 2: 3}, waiting_age=95.0))
    assert verdicts("G2.2", STEP, evidence) == {f"instance/{OWNER}/pod-1": NO}
    said = reason("G2.2", STEP, evidence, f"instance/{OWNER}/pod-1")
    assert said == "the outbox of pod-1 of content-api (build 41) holds 12 rows of v1, the oldest for 95 s"
    assert judge("G2", STEP, evidence) is NO


def test_rows_of_the_target_do_not_matter() -> None:
    assert verdicts("G2.2", STEP, hears(owner(waiting={2: 3}))) == {f"instance/{OWNER}/pod-1": YES}
    assert verdicts("G2.2", BACK, hears(owner(waiting={2: 3}))) == {f"instance/{OWNER}/pod-1": NO}


def test_an_outbox_that_nobody_can_count_is_unknown() -> None:
    evidence = hears(owner(outbox="the database does not answer"))
    assert verdicts("G2.2", STEP, evidence) == {f"instance/{OWNER}/pod-1": UNKNOWN}
    step = replace(STEP, waivers=(waived("G2.2", f"instance/{OWNER}/pod-1"),))
    assert judge("G2", step, evidence) is YES


# G2.3: the tail (S12).


def tail(**changes: object) -> object:
    return hears(owner(), **changes)


def test_old_records_since_the_switch_began_are_allowed_and_told() -> None:
    said = reason("G2.3", STEP, tail(), "cluster/main")
    assert said == (
        "1 partition of content.items on main scanned: 10 records of v1 since the switch began, "
        "the last on partition 0 at offset 99"
    )


def test_an_idle_partition_is_clean() -> None:
    assert verdicts("G2.3", STEP, tail(tail={0: scan(120, 120)})) == {"cluster/main": YES}


def test_an_open_transaction_is_unknown_and_named_with_its_first_offset() -> None:
    evidence = tail(tail={0: scan(90, 120, {1: seen(112), 2: seen(101, 110)}, stable=111)})
    subject = "partition/main/content.items/0"
    assert verdicts("G2.3", STEP, evidence) == {subject: UNKNOWN}
    assert "a transaction is open since offset 111" in reason("G2.3", STEP, evidence, subject)
    assert "--partition 0 --start-offset 111" in help_of("G2.3", STEP, evidence, subject)


def test_an_open_transaction_is_judged_by_what_it_holds() -> None:
    """Where writers work in transactions one is always open; what it holds of the other version may still count."""
    subject = "partition/main/content.items/0"
    only_new = tail(tail={0: scan(90, 120, {1: seen(90, 99), 2: seen(101, 119)}, stable=111)})
    assert verdicts("G2.3", STEP, only_new) == {"cluster/main": YES}
    since_its_first = tail(tail={0: scan(90, 120, {2: seen(90, 119)}, stable=90)})
    assert verdicts("G2.3", STEP, since_its_first) == {"cluster/main": YES}
    since_before = tail(tail={0: scan(90, 120, {2: seen(101, 119)}, stable=89)})
    assert verdicts("G2.3", STEP, since_before) == {subject: UNKNOWN}


def test_a_partition_that_was_added_meanwhile_must_be_scanned() -> None:
    evidence = tail(spans={0: Span(0, 120, 120), 1: Span(0, 3, 3)})
    assert verdicts("G2.3", STEP, evidence) == {"partition/main/content.items/1": UNKNOWN}


def test_records_of_no_version_are_unknown() -> None:
    evidence = tail(tail={0: scan(90, 120, {0: seen(115), 2: seen(101, 119)})})
    subject = "partition/main/content.items/0"
    assert verdicts("G2.3", STEP, evidence) == {subject: UNKNOWN}
    assert "1 record names a schema that is no released version, the last at offset 115" in reason(
        "G2.3", STEP, evidence, subject
    )


def test_a_tail_that_was_not_scanned_is_unknown() -> None:
    evidence = tail(answered=frozenset(Question) - {Question.TAIL}, failures={Question.TAIL: "timed out"})
    assert verdicts("G2.3", STEP, evidence) == {"cluster/main": UNKNOWN}


# G2.4: the control topic.


@pytest.mark.parametrize(
    ("record", "expected", "words"),
    [
        (ControlRecord(EVENT, "production", 1, 2, (1, 2)), YES, "says what git says"),
        (None, NO, "has no record"),
        (ControlRecord(EVENT, "production", 1, 1, (1,), 2), NO, "is at epoch 1, behind git's 1"),
        (ControlRecord(EVENT, "production", 2, 1, (1, 2)), NO, "is at epoch 2, and git knows 1"),
        (ControlRecord(EVENT, "production", 1, 1, (1, 2)), NO, "disagree about epoch 1"),
    ],
)
def test_the_control_topic(record: ControlRecord | None, expected: object, words: str) -> None:
    evidence = hears(owner(), control=record)
    assert verdicts("G2.4", STEP, evidence) == {"control/main": expected}
    assert words in reason("G2.4", STEP, evidence, "control/main")


def test_only_the_cluster_that_is_written_to_has_a_control_topic() -> None:
    mirror = cluster("mirror", control=None, answered=frozenset(Question) - {Question.CONTROL})
    assert verdicts("G2.4", STEP, company(cluster(), mirror)) == {"control/main": YES}


def test_no_verdict_of_the_log_can_be_talked_away() -> None:
    step: Rollout = replace(STEP, waivers=(waived("G2.2", f"instance/{OWNER}/pod-1"), waived("G2.4", "control/main")))
    assert judge("G2", step, hears(owner(waiting={1: 1}))) is NO
    assert judge("G2", step, hears(owner(), control=None)) is NO
    assert judge("G2", rollout(), company()) is NO
