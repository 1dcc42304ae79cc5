"""G4 and G5: nobody writes the old version nor asks for it; and then, physically, no log holds it."""

import pytest

from registry.environment import DAY
from registry.frozen import replace
from registry.rollout.evidence import Evidence, Question, Span
from registry.rollout.rollout import Mark, Publication
from registry.rollout.states import State
from tests.rollout_evidence import (
    EVENT,
    NO,
    OWNER,
    TOPIC,
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
    reason,
    recorded,
    scan,
    seen,
    served,
    services,
    switched,
    terms,
    verdicts,
    waived,
    without_kafka,
)

STEP = switched(State.CONTRACTING, epoch=2, publication=Publication(2, 2, (2,)), switched=ago(days=30))
BUILDS = (deployed(OWNER, writes=(2,)), deployed("edge-cache", (1, 2)), deployed("search-index", (1, 2)))
PLACE = f"partition/main/{TOPIC}/0"


def owner(instance: str = "pod-1", **says: object) -> object:
    said = {"writes": (2,), "active": 2, "epoch": 2, "groups": (), **says}
    return beat(OWNER, instance, **said)


def late(*heartbeats: object, **changes: object) -> Evidence:
    """A month after the switch: the owner's builds write version 2 alone."""
    return hears(owner(), *heartbeats, **{"deployments": BUILDS, **changes})


def test_where_all_is_well() -> None:
    assert judge("G4", STEP, late()) is YES
    assert judge("G4", STEP, without_kafka(deployments=BUILDS)) is YES


# G4.1: who can still write it.


def test_a_live_build_that_can_write_the_old_version() -> None:
    evidence = hears(owner(), owner("pod-2", writes=(1, 2)), deployments=BUILDS)
    assert verdicts("G4.1", STEP, evidence)[f"instance/{OWNER}/pod-2"] is NO
    said = reason("G4.1", STEP, evidence, f"instance/{OWNER}/pod-2")
    assert said == "pod-2 of content-api (build 41) can write v1 and v2"
    assert "take v1 out of `writes`" in help_of("G4.1", STEP, evidence, f"instance/{OWNER}/pod-2")


def test_rows_of_the_old_version_in_an_outbox_are_still_to_be_written() -> None:
    subject = f"instance/{OWNER}/pod-1"
    holds = hears(owner(waiting={1: 2, 2: 3}, waiting_age=95.0), deployments=BUILDS)
    assert verdicts("G4.1", STEP, holds)[subject] is NO
    assert reason("G4.1", STEP, holds, subject).endswith("holds 2 rows of v1, the oldest for 95 s")
    assert "contracts rollout retire-write" in help_of("G4.1", STEP, holds, subject)
    hidden = hears(owner(outbox="the database does not answer"), deployments=BUILDS)
    assert verdicts("G4.1", STEP, hidden)[subject] is UNKNOWN
    assert judge("G4", replace(STEP, waivers=(waived("G4.1", subject),)), hidden) is YES
    assert judge("G4", STEP, hears(owner(waiting={2: 3}), deployments=BUILDS)) is YES


def test_a_recorded_build_that_can_write_the_old_version() -> None:
    builds = (*BUILDS, deployed(OWNER, writes=(1, 2), instance="pod-7", build="39"))
    evidence = late(deployments=builds)
    assert verdicts("G4.1", STEP, evidence)[f"owner/{OWNER}"] is NO
    assert "build 39 of pod-7 can write v1" in reason("G4.1", STEP, evidence, f"owner/{OWNER}")
    assert judge("G4", replace(STEP, waivers=(waived("G4.1", f"owner/{OWNER}"),)), evidence) is NO


def test_a_supported_release_that_can_write_it_counts_until_its_support_ends() -> None:
    for ends, expected in ((ago(days=-9), NO), (ago(days=1), YES)):
        release = deployed(OWNER, writes=(1,), build="30", release="3.1", supported_until=ends)
        assert verdicts("G4.1", STEP, late(deployments=(*BUILDS, release)))[f"owner/{OWNER}"] is expected


def test_another_service_that_was_deployed_with_a_writer() -> None:
    known = services(OWNER, "edge-cache", "search-index", "legacy")
    evidence = late(deployments=(*BUILDS, deployed("legacy", writes=(1,))), services=known)
    assert verdicts("G4.1", STEP, evidence)["service/legacy"] is NO


def test_a_writer_that_was_renamed_is_for_somebody_to_answer() -> None:
    """Nobody can record a new build of a service that ownership.yaml no longer has."""
    evidence = late(deployments=(*BUILDS, deployed("legacy", writes=(1,))))
    assert verdicts("G4.1", STEP, evidence)["service/legacy"] is UNKNOWN
    assert "--waive G4.1:service/legacy" in help_of("G4.1", STEP, evidence, "service/legacy")


def test_without_a_record_the_live_instances_answer_and_without_any_nobody_does() -> None:
    assert f"owner/{OWNER}" not in verdicts("G4.1", STEP, late(deployments=BUILDS[1:]))
    assert judge("G4", STEP, without_kafka(deployments=BUILDS[1:])) is UNKNOWN
    silent = company(cluster(heartbeats=cluster().heartbeats[1:]), deployments=BUILDS)
    assert verdicts("G4.1", STEP, silent)[f"service/{OWNER}"] is UNKNOWN


# G4.2: who still asks for it.


def reader(**says: object) -> object:
    return beat("edge-cache", **{"reads": (1, 2), **says})


def test_whoever_was_served_the_old_version_within_the_time() -> None:
    evidence = late(reader(converted=(served(2, 1, ago(hours=3), 412),)))
    assert verdicts("G4.2", STEP, evidence)["instance/edge-cache/pod-1"] is NO
    said = reason("G4.2", STEP, evidence, "instance/edge-cache/pod-1")
    assert said == ("pod-1 of edge-cache (build 41) was served v2 as v1 3 h ago (412 times since it was started)")
    step = replace(STEP, waivers=(waived("G4.2", "instance/edge-cache/pod-1"),))
    assert (judge("G4", STEP, evidence), judge("G4", step, evidence)) == (NO, YES)


@pytest.mark.parametrize(
    "converted",
    [
        served(2, 1, ago(days=8)),  # longer ago than a week
        served(1, 2, ago(hours=1)),  # the other way: old records for a handler of the new version
        served(2, 1, ago(hours=1), 0),
    ],
)
def test_what_does_not_count_as_being_served(converted: object) -> None:
    assert judge("G4", STEP, late(reader(converted=(converted,)))) is YES


def test_what_an_instance_was_served_before_it_was_killed_counts() -> None:
    killed = beat("edge-cache", "pod-2", reads=(1, 2), age=3600, converted=(served(2, 1, ago(hours=2)),))
    found = verdicts("G4.2", STEP, late(reader(), killed))
    assert found["instance/edge-cache/pod-2"] is NO


def test_in_a_chain_any_newer_version_counts() -> None:
    assert verdicts("G4.2", STEP, late(reader(converted=(served(3, 1, ago(60)),))))["instance/edge-cache/pod-1"] is NO


def test_a_young_instance_does_not_know_what_came_before_it() -> None:
    young = reader(started=ago(10, days=2))
    assert verdicts("G4.2", STEP, late(young))["quiet/edge-cache"] is UNKNOWN
    assert "nothing was served to it as v1 for 2 d of 7 d (pod-1 runs for 2 d)" in reason(
        "G4.2", STEP, late(young), "quiet/edge-cache"
    )
    assert "what its instances did before they were started nobody knows" in reason(
        "G4.2", STEP, late(young), "quiet/edge-cache"
    )
    assert judge("G4", replace(STEP, waivers=(waived("G4.2", "quiet/edge-cache"),)), late(young)) is YES


def test_a_young_instance_beside_an_old_one() -> None:
    both = late(reader(), beat("edge-cache", "pod-2", reads=(1, 2), started=ago(days=1)))
    assert verdicts("G4.2", STEP, both)["quiet/edge-cache"] is YES


def test_looks_that_saw_nothing_cover_what_restarts_forgot() -> None:
    young = late(reader(started=ago(days=2)))
    for since, verdict, expected in (
        (ago(days=7), UNKNOWN, YES),
        (ago(days=6), UNKNOWN, UNKNOWN),
        (ago(days=9), NO, UNKNOWN),
    ):
        step = replace(STEP, checks=(recorded("G4.2", "quiet/edge-cache", verdict, since),))
        assert verdicts("G4.2", step, young)["quiet/edge-cache"] is expected


def test_a_build_that_no_longer_knows_the_old_version_cannot_ask_for_it() -> None:
    young = reader(reads=(2,), started=ago(60))
    assert verdicts("G4.2", STEP, late(young))["quiet/edge-cache"] is YES


def test_a_subscriber_that_reads_the_old_version_alone_is_served() -> None:
    stays = late(reader(reads=(1,), served=(2,)), deployments=(BUILDS[0], deployed("edge-cache", (1,)), BUILDS[2]))
    found = verdicts("G4.2", STEP, stays)
    assert (found["service/edge-cache"], found["instance/edge-cache/pod-1"]) == (NO, NO)
    assert "and has v2 served to it" in reason("G4.2", STEP, stays, "service/edge-cache")


def test_a_subscriber_that_nobody_hears_is_unknown() -> None:  # S3
    evidence = late(terms=terms("edge-cache", "search-index", "nightly"))
    found = verdicts("G4.2", STEP, evidence)
    assert (found["service/nightly"], found["quiet/nightly"]) == (UNKNOWN, UNKNOWN)


# G4.3 and G4.4.


def test_an_old_record_behind_the_barrier_stops_this_gate_too() -> None:  # S7
    evidence = late(tail={0: scan(90, 130, {1: seen(90, 127, 11), 2: seen(101, 129)})})
    assert verdicts("G4.3", STEP, evidence) == {PLACE: NO}


def test_the_revert_window() -> None:
    for when, expected in ((ago(days=7), YES), (ago(days=6.9), NO)):
        assert verdicts("G4.4", replace(STEP, switched=when), late()) == {"environment/production": expected}
    assert verdicts("G4.4", replace(STEP, switched=None), late()) == {"environment/production": UNKNOWN}
    early = replace(STEP, switched=ago(days=1), waivers=(waived("G4.4", "environment/production"),))
    assert judge("G4", early, late()) is YES


# G5: physically gone (S13, S14).

GONE = replace(STEP, state=State.WRITE_RETIRED, barrier={"main": {0: Mark(90, 100, 100, 101)}})


def holds(**changes: object) -> Evidence:
    said = {"spans": {0: Span(100, 130, 130)}, "everything": {0: scan(100, 130, {2: seen(101, 129)})}, "tail": {}}
    return company(cluster(**{**said, **changes}))


def test_a_log_that_starts_past_the_last_old_record() -> None:
    assert judge("G5", GONE, holds()) is YES
    assert reason("G5.1", GONE, holds(), "cluster/main") == (
        "1 partition of content.items on main: no v1 record is left"
    )


def test_cold_keys_of_a_compacted_topic_are_counted_and_shown() -> None:
    evidence = holds(
        spans={0: Span(0, 130, 130)},
        everything={0: scan(0, 130, {1: seen(3, 57, 12, keys=("a-1", "a-2", "a-3")), 2: seen(101, 129)})},
    )
    assert verdicts("G5.1", GONE, evidence) == {PLACE: NO}
    assert reason("G5.1", GONE, evidence, PLACE) == (
        "partition 0 of content.items on main holds 12 records of v1, the last at offset 57; keys: a-1, a-2 and a-3"
    )
    assert "a topic that is kept for ever answers so for ever" in help_of("G5.1", GONE, evidence, PLACE)


def test_records_of_aborted_transactions_are_there_too() -> None:
    evidence = holds(everything={0: scan(100, 130, {1: seen(104, committed=False), 2: seen(101, 129)})})
    assert verdicts("G5.1", GONE, evidence) == {PLACE: NO}


def test_nobody_can_answer_for_what_is_in_the_log() -> None:
    evidence = holds(everything={0: scan(100, 130, {1: seen(104), 2: seen(101, 129)})})
    for number in ("G5.1", "G5.2"):
        assert (
            judge("G5", replace(GONE, waivers=(waived(number, PLACE), waived(number, "cluster/main"))), evidence) is NO
        )


def test_what_groups_have_read_proves_nothing() -> None:
    evidence = holds(everything={}, answered=frozenset(Question) - {Question.EVERYTHING})
    assert verdicts("G5.1", GONE, evidence) == {PLACE: UNKNOWN}
    assert "offsets 100 to 129 were not all scanned" in reason("G5.1", GONE, evidence, PLACE)


def test_a_scan_that_began_after_the_first_record_is_not_enough() -> None:
    evidence = holds(everything={0: scan(110, 130, {2: seen(110, 129)})})
    assert verdicts("G5.1", GONE, evidence) == {PLACE: UNKNOWN}


def test_a_tail_that_covers_all_that_is_left_is_a_clean_scan() -> None:
    evidence = holds(everything={}, tail={0: scan(100, 130, {2: seen(101, 129)})})
    assert verdicts("G5.1", GONE, evidence) == {"cluster/main": YES}


def test_what_retention_took_while_it_was_scanned_is_gone() -> None:
    evidence = holds(everything={0: scan(80, 130, {1: seen(80, 99), 2: seen(101, 129)})})
    assert verdicts("G5.1", GONE, evidence) == {"cluster/main": YES}


def test_every_partition_and_every_cluster_counts() -> None:
    dirty = cluster("mirror", spans={0: Span(0, 9, 9)}, everything={0: scan(0, 9, {1: seen(0)})}, tail={})
    evidence = replace(holds(), clusters=(*holds().clusters, dirty))
    assert verdicts("G5.1", GONE, evidence) == {"cluster/main": YES, f"partition/mirror/{TOPIC}/0": NO}


def test_an_empty_partition_holds_nothing() -> None:
    assert verdicts("G5.1", GONE, holds(spans={0: Span(130, 130, 130)}, everything={})) == {"cluster/main": YES}


def test_a_topic_that_is_gone_holds_nothing() -> None:
    assert reason("G5.1", GONE, holds(spans={}, everything={}), "cluster/main") == (
        "there is no topic content.items on main"
    )


def test_without_kafka_only_the_reviewed_file_can_say_it() -> None:
    assert verdicts("G5.1", GONE, without_kafka()) == {f"event/{EVENT}": UNKNOWN}
    said = without_kafka(terms=terms("edge-cache", retired=(1,)))
    assert judge("G5", GONE, said) is YES
    unasked = replace(company(), clusters=(), unasked="--no-broker")
    assert judge("G5", replace(GONE, waivers=(waived("G5.1", "cluster/main"),)), unasked) is UNKNOWN


def test_a_dead_letter_of_the_old_version_must_stay_readable() -> None:  # S15
    evidence = holds(dead_letters={"edge-cache.dead-letters": {1: 1}})
    assert verdicts("G5.2", GONE, evidence) == {"dead-letters/main/edge-cache.dead-letters": NO}
    assert judge("G5", GONE, evidence) is NO


def test_a_quiet_time_can_be_chosen() -> None:
    environment = replace(late().environment, quiet=DAY)
    evidence = late(reader(converted=(served(2, 1, ago(days=2)),), started=ago(days=3)), environment=environment)
    assert judge("G4", STEP, evidence) is YES
