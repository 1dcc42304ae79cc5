"""G3: it has settled, every group is past the barrier, no letter and no record of the old version is left behind."""

from registry.frozen import replace
from registry.rollout.evidence import ClusterEvidence, Evidence, Question, Span
from registry.rollout.rollout import Mark
from tests.rollout_evidence import (
    NO,
    NOW,
    OWNER,
    PRODUCTION,
    TOPIC,
    UNKNOWN,
    YES,
    ago,
    cluster,
    company,
    group,
    help_of,
    judge,
    reason,
    recorded,
    scan,
    seen,
    services,
    switched,
    terms,
    verdicts,
    waived,
    without_kafka,
)

STEP = switched()
PLACE = f"partition/main/{TOPIC}/0"


def at(offset: int | None, **changes: object) -> Evidence:
    """edge-cache stands at an offset of the only partition, search-index at the end."""
    committed = {} if offset is None else {0: offset}
    return company(cluster(groups=(group("edge-cache", 1, committed), group("search-index")), **changes))


def test_where_all_is_well() -> None:
    assert judge("G3", STEP, company()) is YES


def test_git_alone_waits_for_the_settle_time_only() -> None:
    assert judge("G3", STEP, without_kafka()) is YES
    assert judge("G3", STEP, replace(company(), clusters=(), unasked="--no-broker")) is UNKNOWN


# G3.1: settled.


def test_it_must_have_settled() -> None:
    patient = replace(PRODUCTION, settle=3600.0)
    for since, expected in ((ago(3599), NO), (ago(3600), YES)):
        assert verdicts("G3.1", switched(since=since), company(environment=patient)) == {
            "environment/production": expected
        }
    assert reason("G3.1", switched(since=ago(600)), company(environment=patient), "environment/production") == (
        "switched for 10 min of 1 h"
    )
    waiver = waived("G3.1", "environment/production")
    assert judge("G3", switched(since=ago(5), waivers=(waiver,)), company(environment=patient)) is YES


# G3.2: who has crossed.


def test_a_group_before_the_barrier_is_named_with_partition_and_offsets() -> None:
    evidence = at(64)
    assert verdicts("G3.2", STEP, evidence)["group/main/edge-cache"] is NO
    said = reason("G3.2", STEP, evidence, "group/main/edge-cache")
    assert said == ("group edge-cache of edge-cache on main: partition 0 at 64 of 100, 36 offsets before the barrier")
    assert "--describe --group edge-cache" in help_of("G3.2", STEP, evidence, "group/main/edge-cache")
    assert judge("G3", STEP, evidence) is NO


def test_a_group_that_has_read_no_new_record_though_there_is_one() -> None:
    assert verdicts("G3.2", STEP, at(100))["group/main/edge-cache"] is NO
    assert "the first v2 record at 101 not yet read" in reason("G3.2", STEP, at(100), "group/main/edge-cache")
    assert verdicts("G3.2", STEP, at(102))["group/main/edge-cache"] is YES


def test_where_no_new_record_exists_none_has_to_be_read() -> None:
    idle = switched(barrier={"main": {0: Mark(100, 100, 100, -1)}})
    evidence = at(100, tail={0: scan(100, 101)}, spans={0: Span(0, 101, 101)})  # a marker stands at 100
    assert verdicts("G3.2", idle, evidence)["group/main/edge-cache"] is YES


def test_a_group_without_a_committed_offset_is_unknown() -> None:  # S11
    assert verdicts("G3.2", STEP, at(None))["group/main/edge-cache"] is UNKNOWN
    assert "no committed offset of it (it may have expired)" in reason("G3.2", STEP, at(None), "group/main/edge-cache")


def test_a_group_that_was_there_before_the_switch_and_is_gone_is_unknown() -> None:  # S11
    known = services("content-api", "edge-cache", "search-index")
    known["search-index"] = replace(known["search-index"], groups=("search-index", "rebuild"))
    remembered = switched(checks=(recorded("G1.3", "group/rebuild", YES, ago(days=40)),))
    evidence = company(services=known)
    assert "group/rebuild" not in verdicts("G3.2", STEP, evidence)  # another topic's, for all that is known
    assert verdicts("G3.2", remembered, evidence)["group/rebuild"] is UNKNOWN
    assert judge("G3", replace(remembered, waivers=(waived("G3.2", "group/rebuild"),)), evidence) is YES


def test_a_subscriber_without_any_group_on_the_topic_is_unknown() -> None:  # S3
    evidence = company(terms=terms("edge-cache", "search-index", "nightly"))
    assert verdicts("G3.2", STEP, evidence)["service/nightly"] is UNKNOWN
    assert judge("G3", STEP, evidence) is UNKNOWN


def test_the_group_of_an_owner_that_reads_its_own_event_is_waited_for() -> None:
    own = services(OWNER)[OWNER].groups[0]
    behind = company(cluster(groups=(*cluster().groups, group(own, 1, {0: 0}))))
    assert verdicts("G3.2", STEP, behind)[f"group/main/{own}"] is NO
    assert f"service/{OWNER}" not in verdicts("G3.2", STEP, company())  # mostly it reads nothing


def test_groups_of_others_are_not_waited_for() -> None:
    evidence = company(cluster(groups=(*cluster().groups, group("somebody-else", 1, {0: 0}))))
    assert set(verdicts("G3.2", STEP, evidence)) == {"group/main/edge-cache", "group/main/search-index"}


def test_each_cluster_has_its_own_barrier() -> None:
    both = switched(barrier={"main": {0: Mark(90, 100, 100, 101)}, "mirror": {0: Mark(40, 50, 50, 51)}})
    mirror = cluster(
        "mirror",
        spans={0: Span(0, 70, 70)},
        groups=(group("edge-cache", 1, {0: 45}),),
        tail={0: scan(40, 70, {1: seen(40, 49), 2: seen(51, 69)})},
    )
    evidence = company(cluster(), mirror)
    assert verdicts("G3.2", both, evidence) == {
        "group/main/edge-cache": YES,
        "group/main/search-index": YES,
        "group/mirror/edge-cache": NO,
    }


def test_without_a_barrier_nobody_can_tell() -> None:
    bare = switched(barrier={})
    assert verdicts("G3.2", bare, company())["group/main/edge-cache"] is UNKNOWN
    assert "rollout converge" in help_of("G3.2", bare, company(), "group/main/edge-cache")
    assert verdicts("G3.4", bare, company()) == {"cluster/main": UNKNOWN}


def test_a_topic_that_was_empty_has_nothing_to_cross() -> None:
    bare = switched(barrier={})
    empty = company(cluster(spans={}, tail={}))
    assert verdicts("G3.4", bare, empty) == {"cluster/main": YES}


def test_groups_that_are_not_listed_are_unknown() -> None:
    evidence = company(cluster(answered=frozenset(Question) - {Question.GROUPS}, failures={Question.GROUPS: "refused"}))
    assert verdicts("G3.2", STEP, evidence) == {"cluster/main": UNKNOWN}


# G3.3: dead letters.


def test_letters_of_the_old_version_are_counted() -> None:
    letters = {"edge-cache.dead-letters": {1: 2, 2: 5}, "search-index.dead-letters": {2: 1}}
    evidence = company(cluster(dead_letters=letters))
    assert verdicts("G3.3", STEP, evidence) == {"dead-letters/main/edge-cache.dead-letters": NO}
    said = reason("G3.3", STEP, evidence, "dead-letters/main/edge-cache.dead-letters")
    assert said == "edge-cache.dead-letters on main holds 2 letters of v1 of content.ContentPublished"


def test_no_letters_and_no_answer() -> None:
    assert verdicts("G3.3", STEP, company(cluster(dead_letters={}))) == {"cluster/main": YES}
    evidence = company(cluster(answered=frozenset(Question) - {Question.DEAD_LETTERS}))
    assert verdicts("G3.3", STEP, evidence) == {"cluster/main": UNKNOWN}


# G3.4: rogue writers (S7).


def stray(**changes: object) -> ClusterEvidence:
    return cluster(tail={0: scan(90, 130, {1: seen(90, 127, 11, keys=("a-17",)), 2: seen(101, 129)})}, **changes)


def test_an_old_record_behind_the_barrier_is_named_with_its_offset() -> None:
    evidence = company(stray())
    assert verdicts("G3.4", STEP, evidence) == {PLACE: NO}
    said = reason("G3.4", STEP, evidence, PLACE)
    assert said == (
        "partition 0 of content.items on main: a v1 record at offset 127, behind the barrier at 100; keys: a-17"
    )
    assert "--offset 127 --max-messages 1" in help_of("G3.4", STEP, evidence, PLACE)
    assert judge("G3", replace(STEP, waivers=(waived("G3.4", PLACE),)), evidence) is NO


def test_an_aborted_old_record_behind_the_barrier_shows_a_writer_too() -> None:
    aborted = cluster(tail={0: scan(90, 130, {1: seen(127, committed=False), 2: seen(101, 129)})})
    assert verdicts("G3.4", STEP, company(aborted)) == {PLACE: NO}
    assert "(its transaction was aborted)" in reason("G3.4", STEP, company(aborted), PLACE)


def test_an_aborted_old_record_that_the_barrier_knows_is_none_behind_it() -> None:
    aborted = cluster(tail={0: scan(90, 130, {1: seen(112, committed=False), 2: seen(101, 129)})})
    known = switched(barrier={"main": {0: Mark(90, 100, 113, 101)}})
    assert verdicts("G3.4", known, company(aborted)) == {"cluster/main": YES}


def test_an_old_record_in_a_partition_that_was_added_since() -> None:
    added = cluster(
        spans={0: Span(0, 120, 120), 1: Span(0, 4, 4)},
        tail={**cluster().tail, 1: scan(0, 4, {1: seen(2), 2: seen(3)})},
    )
    assert verdicts("G3.4", STEP, company(added)) == {f"partition/main/{TOPIC}/1": NO}
    clean = replace(added, tail={**cluster().tail, 1: scan(0, 4, {2: seen(0, 3)})})
    assert verdicts("G3.4", STEP, company(clean)) == {"cluster/main": YES}


def test_of_an_old_record_in_an_open_transaction_nobody_knows() -> None:
    hung = cluster(tail={0: scan(90, 120, {1: seen(90, 99), 2: seen(101, 110)}, stable=95)})
    assert verdicts("G3.4", STEP, company(hung)) == {PLACE: UNKNOWN}
    late = cluster(tail={0: scan(90, 120, {1: seen(90, 99), 2: seen(101, 119)}, stable=111)})
    assert verdicts("G3.4", STEP, company(late)) == {"cluster/main": YES}


def test_the_day_is_told_by_the_operator() -> None:
    patient = replace(PRODUCTION, settle=7200.0)
    assert verdicts("G3.1", switched(since=NOW), company(environment=patient), NOW)["environment/production"] is NO
