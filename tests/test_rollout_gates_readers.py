"""G1.1 and G1.2: can everybody read both? What is recorded as deployed, and what the live instances say."""

from registry.frozen import replace
from registry.rollout.evidence import Question
from registry.rollout.rollout import Publication
from registry.rollout.states import State
from tests.rollout_evidence import (
    EVENT,
    NO,
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
    look,
    preparing,
    reason,
    rollout,
    staying,
    switched,
    terms,
    verdicts,
    waived,
    without_kafka,
)

STEP = rollout()


def test_where_all_is_well_the_gate_says_yes() -> None:
    assert judge("G1", STEP, company()) is YES


# G1.1: what is recorded.


def test_a_recorded_build_that_reads_the_old_version_alone_is_named() -> None:
    evidence = without_kafka(
        deployments=(deployed(OWNER, writes=(1, 2)), deployed("edge-cache", (1,)), deployed("search-index", (1, 2)))
    )
    assert verdicts("G1.1", STEP, evidence) == {
        "service/edge-cache": NO,
        "service/search-index": YES,
        f"owner/{OWNER}": YES,
    }
    said = reason("G1.1", STEP, evidence, "service/edge-cache")
    assert said == "edge-cache: build 41 reads v1; v2 would be unreadable to it"
    assert f"--event {EVENT} --reads 1,2" in help_of("G1.1", STEP, evidence, "service/edge-cache")
    assert judge("G1", STEP, evidence) is NO


def test_one_instance_that_stayed_behind_is_named() -> None:
    evidence = without_kafka(
        deployments=(
            deployed(OWNER, writes=(1, 2)),
            deployed("edge-cache", (1, 2)),
            deployed("edge-cache", (1,), instance="pod-3", build="40"),
            deployed("search-index", (1, 2)),
        )
    )
    assert verdicts("G1.1", STEP, evidence)["service/edge-cache"] is NO
    assert "build 40 of pod-3 reads v1" in reason("G1.1", STEP, evidence, "service/edge-cache")


def test_a_release_counts_until_its_support_ends() -> None:
    for ends, expected in ((ago(days=-30), NO), (ago(days=1), YES)):
        release = deployed("edge-cache", (1,), build="39", release="4.2", supported_until=ends)
        evidence = without_kafka(
            deployments=(
                deployed(OWNER, writes=(1, 2)),
                deployed("edge-cache", (1, 2)),
                release,
                deployed("search-index", (1, 2)),
            )
        )
        assert verdicts("G1.1", STEP, evidence)["service/edge-cache"] is expected


def test_what_nobody_recorded_is_unknown() -> None:
    evidence = without_kafka(deployments=())
    assert verdicts("G1.1", STEP, evidence) == {
        "service/edge-cache": UNKNOWN,
        "service/search-index": UNKNOWN,
        f"owner/{OWNER}": UNKNOWN,
    }
    assert "contracts deployed --service edge-cache --env production" in help_of(
        "G1.1", STEP, evidence, "service/edge-cache"
    )


def test_instances_that_speak_for_themselves_need_no_record() -> None:
    assert set(verdicts("G1.1", STEP, company(deployments=())).values()) == {YES}


def test_a_record_that_does_not_mention_the_event_is_unknown() -> None:
    evidence = without_kafka(
        deployments=(deployed(OWNER, writes=(1, 2)), deployed("edge-cache"), deployed("search-index", (1, 2)))
    )
    assert verdicts("G1.1", STEP, evidence)["service/edge-cache"] is UNKNOWN


def test_an_owner_that_cannot_write_the_new_version() -> None:
    evidence = without_kafka(
        deployments=(deployed(OWNER, writes=(1,)), deployed("edge-cache", (1, 2)), deployed("search-index", (1, 2)))
    )
    assert verdicts("G1.1", STEP, evidence)[f"owner/{OWNER}"] is NO
    assert "build 41 writes v1, not v2" in reason("G1.1", STEP, evidence, f"owner/{OWNER}")


def test_a_subscriber_that_stays_may_read_the_old_version_alone() -> None:
    deployments = (deployed(OWNER, writes=(1, 2)), deployed("edge-cache", (1,)), deployed("search-index", (1, 2)))
    stays = without_kafka(terms=terms(staying("edge-cache"), "search-index"), deployments=deployments)
    assert verdicts("G1.1", STEP, stays)["service/edge-cache"] is YES
    assert "served to it as v1" in reason("G1.1", STEP, stays, "service/edge-cache")
    stuck = replace(stays, readings={(2, 1): "native", (1, 2): "no: v2 declares no way back to v1"})
    assert verdicts("G1.1", STEP, stuck)["service/edge-cache"] is NO


def test_in_a_chain_every_stored_version_must_be_read() -> None:  # S18
    evidence = without_kafka(
        rollouts=(switched(State.CONTRACTING, switched=ago(days=30)),),
        versions={1: "1", 2: "2", 3: "3"},
        deployments=(
            deployed(OWNER, writes=(2, 3)),
            deployed("edge-cache", (2, 3)),
            deployed("search-index", (1, 2, 3)),
        ),
    )
    third = rollout(State.EXPANDING, 2, 3, epoch=1, stored=(2,))
    assert verdicts("G1.1", third, evidence)["service/edge-cache"] is NO
    assert "v1 would be unreadable" in reason("G1.1", third, evidence, "service/edge-cache")


def test_an_empty_inventory_proves_nothing() -> None:  # S3
    evidence = without_kafka(terms=terms())
    assert verdicts("G1.1", STEP, evidence)[f"event/{EVENT}"] is UNKNOWN
    assert judge("G1", STEP, evidence) is UNKNOWN


# G1.2: who is alive.


def six(*late: object) -> list[object]:
    pods = [beat("edge-cache", f"pod-{number}", reads=(1, 2), build="42") for number in range(1, 6)]
    return [*pods, *late]


def crowd(members: int) -> dict[str, object]:
    return {"groups": (group("edge-cache", members), group("search-index"))}


def test_one_of_six_instances_is_stuck_on_the_old_build() -> None:  # S1
    evidence = hears(*six(beat("edge-cache", "pod-6", reads=(1,))), **crowd(6))
    found = verdicts("G1.2", STEP, evidence)
    assert found["instance/edge-cache/pod-6"] is NO
    assert found["instance/edge-cache/pod-1"] is YES
    said = reason("G1.2", STEP, evidence, "instance/edge-cache/pod-6")
    assert said == "pod-6 of edge-cache (build 41) reads v1 and cannot read v2"
    assert judge("G1", STEP, evidence) is NO


def test_nobody_can_answer_for_an_instance_that_cannot_read_it() -> None:  # I1
    evidence = hears(*six(beat("edge-cache", "pod-6", reads=(1,))), **crowd(6))
    step = rollout(waivers=(waived("G1.2", "instance/edge-cache/pod-6"),))
    assert judge("G1", step, evidence) is NO


def test_what_git_records_does_not_outweigh_what_an_instance_says() -> None:
    evidence = hears(beat("edge-cache", reads=(1,)))
    assert verdicts("G1.1", STEP, evidence)["service/edge-cache"] is YES
    assert verdicts("G1.2", STEP, evidence)["instance/edge-cache/pod-1"] is NO


def test_more_members_than_heartbeats_somebody_keeps_silent() -> None:
    evidence = hears(*six(), **crowd(6))
    assert verdicts("G1.2", STEP, evidence)["group/edge-cache"] is UNKNOWN
    said = reason("G1.2", STEP, evidence, "group/edge-cache")
    assert said == "group edge-cache of edge-cache has 6 members and 5 heard: 1 silent"
    assert judge("G1", STEP, evidence) is UNKNOWN
    step = rollout(waivers=(waived("G1.2", "group/edge-cache"),))
    assert judge("G1", step, evidence) is YES


def test_a_process_with_two_members_names_its_group_twice() -> None:
    twice = beat("edge-cache", reads=(1, 2), groups=("edge-cache", "edge-cache"))
    assert verdicts("G1.2", STEP, hears(twice, **crowd(2)))["group/edge-cache"] is YES


def test_a_silent_instance_is_unknown_while_its_group_has_a_member_too_many() -> None:
    evidence = hears(*six(beat("edge-cache", "pod-6", age=90, reads=(1,))), **crowd(6))
    assert verdicts("G1.2", STEP, evidence)["instance/edge-cache/pod-6"] is UNKNOWN
    said = reason("G1.2", STEP, evidence, "instance/edge-cache/pod-6")
    assert said == "pod-6 of edge-cache (build 41) is silent for 90 s; the last it said: reads v1, not v2"


def test_a_silent_instance_is_gone_where_its_group_has_no_member_too_many() -> None:
    evidence = hears(*six(beat("edge-cache", "pod-6", age=90, reads=(1,))), **crowd(5))
    found = verdicts("G1.2", STEP, evidence)
    assert "instance/edge-cache/pod-6" not in found
    assert found["service/edge-cache"] is YES
    assert "pod-6 of edge-cache (build 41) silent for 90 s: counted as gone" in reason(
        "G1.2", STEP, evidence, "service/edge-cache"
    )
    assert judge("G1", STEP, evidence) is YES


def test_a_living_negative_counts_though_others_are_gone() -> None:
    late = beat("edge-cache", "pod-6", age=90, reads=(1, 2))
    evidence = hears(*six(late, beat("edge-cache", "pod-7", reads=(1,))), **crowd(6))
    assert verdicts("G1.2", STEP, evidence)["instance/edge-cache/pod-7"] is NO


def test_where_groups_cannot_be_counted_nobody_is_gone() -> None:
    evidence = hears(
        *six(beat("edge-cache", "pod-6", age=90, reads=(1, 2))),
        answered=frozenset(Question) - {Question.GROUPS},
        failures={Question.GROUPS: "DESCRIBE is refused"},
    )
    found = verdicts("G1.2", STEP, evidence)
    assert (found["instance/edge-cache/pod-6"], found["groups/main"]) == (UNKNOWN, UNKNOWN)
    assert "DESCRIBE is refused" in reason("G1.2", STEP, evidence, "groups/main")


def test_a_heartbeat_is_fresh_for_three_periods_and_the_margin() -> None:
    for age, expected in ((35, YES), (36, UNKNOWN)):
        evidence = hears(beat("edge-cache", age=age, reads=(1, 2)))
        assert verdicts("G1.2", STEP, evidence)["instance/edge-cache/pod-1"] is expected


def test_nobody_is_fresh_beyond_the_limit_of_age_whatever_its_period() -> None:
    evidence = hears(beat("edge-cache", age=301, period=3600.0, reads=(1, 2)))
    assert verdicts("G1.2", STEP, evidence)["instance/edge-cache/pod-1"] is UNKNOWN


def test_the_age_is_told_by_the_clock_of_the_brokers() -> None:  # S20: this machine's clock is two hours behind
    late = hears(beat("edge-cache", reads=(1, 2)))
    assert set(verdicts("G1.2", STEP, late, ago(hours=2)).values()) == {YES}


def test_a_nightly_job_without_heartbeats_and_members_is_unknown() -> None:  # S3
    evidence = company(
        cluster(),
        terms=terms("edge-cache", "search-index", "nightly"),
        deployments=(*company().deployments, deployed("nightly", (1, 2))),
    )
    assert verdicts("G1.1", STEP, evidence)["service/nightly"] is YES
    assert verdicts("G1.2", STEP, evidence)["service/nightly"] is UNKNOWN
    assert "no heartbeat of any instance" in reason("G1.2", STEP, evidence, "service/nightly")


def test_a_job_that_slept_since_last_night_is_unknown_and_so_is_its_build() -> None:
    slept = beat("nightly", age=9 * 3600, build="7", reads=(1,))
    evidence = company(
        cluster(heartbeats=(*cluster().heartbeats, slept)), terms=terms("edge-cache", "search-index", "nightly")
    )
    assert verdicts("G1.2", STEP, evidence)["service/nightly"] is UNKNOWN
    said = reason("G1.2", STEP, evidence, "service/nightly")
    assert said == "nightly: nobody is alive; the last was pod-1 of nightly (build 7), silent for 9 h, which read v1"


def test_a_group_with_offsets_and_no_members_leaves_its_service_unknown() -> None:
    quiet = group("edge-cache", 0, state="Empty")
    evidence = company(cluster(groups=(quiet, group("search-index")), heartbeats=cluster().heartbeats[::2]))
    assert verdicts("G1.1", STEP, evidence)["service/edge-cache"] is YES
    assert verdicts("G1.2", STEP, evidence)["service/edge-cache"] is UNKNOWN


def test_instances_that_do_not_mention_the_event_do_not_speak_for_it() -> None:
    evidence = hears(beat("edge-cache"))
    assert verdicts("G1.2", STEP, evidence)["service/edge-cache"] is UNKNOWN
    assert "1 instance heard, and none says that it reads" in reason("G1.2", STEP, evidence, "service/edge-cache")


def test_an_instance_that_its_runtime_refused_is_named_with_its_words() -> None:  # S10
    refused = beat("edge-cache", "pod-2", groups=(), trouble="cannot read v2 (reads: [1])")
    evidence = hears(beat("edge-cache", reads=(1, 2)), refused)
    assert verdicts("G1.2", STEP, evidence)["instance/edge-cache/pod-2"] is NO
    assert "cannot read v2 (reads: [1])" in reason("G1.2", STEP, evidence, "instance/edge-cache/pod-2")


def test_a_reader_that_nobody_signed_for_counts_where_it_cannot_read() -> None:
    evidence = hears(beat("legacy", reads=(1,), groups=()))
    assert verdicts("G1.2", STEP, evidence)["instance/legacy/pod-1"] is NO


def test_a_mirror_is_heard_too() -> None:
    mirror = cluster("mirror", heartbeats=(beat("edge-cache", "far-1", reads=(1,)),), groups=())
    assert verdicts("G1.2", STEP, company(cluster(), mirror))["instance/edge-cache/far-1"] is NO


# Those that stay.


STAYS = terms(staying("edge-cache"), "search-index")


def test_before_the_switch_it_is_enough_that_the_old_version_can_be_served() -> None:
    evidence = hears(beat("edge-cache", reads=(1,)), terms=STAYS)
    assert verdicts("G1.2", STEP, evidence)["instance/edge-cache/pod-1"] is YES
    assert "v2 with what the control record carries" in reason("G1.2", STEP, evidence, "instance/edge-cache/pod-1")


def test_once_it_is_prepared_it_must_say_so_itself() -> None:
    for says, expected in (({"served": (2,)}, YES), ({}, NO)):
        obeys = beat("edge-cache", reads=(1,), epoch=1, prepared=True, **says)
        evidence = hears(obeys, terms=STAYS)
        assert verdicts("G1.2", preparing(), evidence)["instance/edge-cache/pod-1"] is expected


def test_whoever_did_not_sign_to_stay_is_not_served() -> None:
    evidence = hears(beat("edge-cache", reads=(1,), served=(2,)))
    assert verdicts("G1.2", STEP, evidence)["instance/edge-cache/pod-1"] is NO


# G1.8: who has heard.


def test_nobody_needs_to_have_heard_what_is_not_prepared() -> None:
    assert look("G1.8", STEP, company()) == {}
    assert look("G1.8", rollout(State.SWITCHING, publication=Publication(1, 2, (1, 2))), company()) == {}


def test_while_it_is_prepared_everybody_must_have_heard_so() -> None:
    heard = beat("edge-cache", reads=(1, 2), epoch=1, prepared=True)
    past = beat(OWNER, groups=(), writes=(1, 2), active=1, epoch=1)
    found = verdicts("G1.8", preparing(), hears(heard, past))
    assert found == {
        "instance/edge-cache/pod-1": YES,
        f"instance/{OWNER}/pod-1": YES,
        "instance/search-index/pod-1": UNKNOWN,
    }


def test_what_is_not_heard_does_not_begin_the_soak_anew() -> None:
    assert verdicts("G1.5", preparing(), company()) == {"environment/production": YES}
    assert judge("G1", preparing(), company()) is UNKNOWN


def test_where_no_cluster_is_asked_nothing_is_published_and_nobody_has_to_hear_it() -> None:
    evidence = replace(company(), clusters=(), unasked="--no-broker", environment=PRODUCTION)
    assert verdicts("G1.8", preparing(), evidence) == {}
    silent = company(cluster(answered=frozenset(Question) - {Question.HEARTBEATS}))
    assert verdicts("G1.8", preparing(), silent) == {"cluster/main": UNKNOWN}
