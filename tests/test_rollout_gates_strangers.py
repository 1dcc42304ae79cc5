"""G1.3: no unknown reader: groups, principals and instances that nobody signed for (S2)."""

from registry.frozen import replace
from registry.rollout.evidence import Access, Question
from tests.rollout_evidence import (
    NO,
    OWNER,
    PRODUCTION,
    TOPIC,
    UNKNOWN,
    YES,
    beat,
    cluster,
    company,
    group,
    hears,
    help_of,
    judge,
    reason,
    rollout,
    services,
    verdicts,
    waived,
    without_kafka,
)

STEP = rollout()
WRITER = frozenset({f"User:{OWNER}"})


def reads(*principals: str, **changes: object) -> Access:
    said = {"super_users": (), "everyone": False, **changes}
    return Access(frozenset(principals), WRITER, **said)


def with_group(name: str, members: int = 2, **changes: object) -> object:
    return company(cluster(groups=(*cluster().groups, group(name, members, {0: 81}))), **changes)


def test_the_groups_and_principals_of_subscribers_are_known() -> None:
    assert verdicts("G1.3", STEP, company()) == {
        "group/edge-cache": YES,
        "group/search-index": YES,
        "principal/User:edge-cache": YES,
        "principal/User:search-index": YES,
    }


def test_an_unknown_group_is_named_with_its_last_commit() -> None:
    evidence = with_group("legacy-report")
    assert verdicts("G1.3", STEP, evidence)["group/legacy-report"] is UNKNOWN
    assert reason("G1.3", STEP, evidence, "group/legacy-report") == (
        "group legacy-report reads content.items of main and belongs to no service "
        "(Stable, 2 members, committed 81 of 120 on 0)"
    )
    assert judge("G1", STEP, evidence) is UNKNOWN


def test_an_unknown_group_can_be_claimed() -> None:
    claimed = services(OWNER, "edge-cache", "search-index")
    claimed["edge-cache"] = replace(claimed["edge-cache"], groups=("edge-cache", "legacy-report"))
    evidence = with_group("legacy-report", services=claimed)
    assert verdicts("G1.3", STEP, evidence)["group/legacy-report"] is YES


def test_an_unknown_group_can_be_waived_alone() -> None:
    evidence = company(cluster(groups=(*cluster().groups, group("legacy-report", 0), group("other", 0))))
    step = rollout(waivers=(waived("G1.3", "group/legacy-report"),))
    assert judge("G1", step, evidence) is UNKNOWN
    both = replace(step, waivers=(*step.waivers, waived("G1.3", "group/other")))
    assert judge("G1", both, evidence) is YES
    late = replace(step, waivers=(*step.waivers, waived("G1.3", "group/other", expires=-0.1)))
    assert judge("G1", late, evidence) is UNKNOWN


def test_a_group_of_a_service_that_signed_for_nothing_there() -> None:
    evidence = with_group("web-client", services=services(OWNER, "edge-cache", "search-index", "web-client"))
    assert verdicts("G1.3", STEP, evidence)["group/web-client"] is UNKNOWN
    assert "is web-client's, who subscribes to nothing there" in reason("G1.3", STEP, evidence, "group/web-client")


def test_a_group_that_reads_another_event_of_the_topic_is_at_home() -> None:
    known = services(OWNER, "edge-cache", "search-index", "web-client")
    evidence = with_group("web-client", services=known, parties=frozenset({"web-client"}))
    assert verdicts("G1.3", STEP, evidence)["group/web-client"] is YES


def test_a_heartbeat_claims_its_group_for_a_subscriber_only() -> None:
    for service, expected in (("edge-cache", YES), ("legacy", UNKNOWN)):
        beats = (beat("edge-cache", reads=(1, 2)), beat(service, "pod-9", groups=("reports",), reads=(1, 2)))
        evidence = hears(*beats, groups=(*cluster().groups, group("reports")))
        assert verdicts("G1.3", STEP, evidence)["group/reports"] is expected


def test_a_group_without_offsets_that_is_listed_is_named_too() -> None:  # share groups
    evidence = company(cluster(groups=(*cluster().groups, group("shared", 0, {}, "unknown type (share)"))))
    assert "unknown type (share), 0 members, no committed offset" in reason("G1.3", STEP, evidence, "group/shared")


def test_an_unknown_principal_is_named_with_the_command_that_takes_the_right_away() -> None:
    evidence = company(cluster(access=reads("User:edge-cache", "User:search-index", "User:reports")))
    assert verdicts("G1.3", STEP, evidence)["principal/User:reports"] is UNKNOWN
    help_ = help_of("G1.3", STEP, evidence, "principal/User:reports")
    assert f"kafka-acls.sh --remove --allow-principal User:reports --operation Read --topic {TOPIC}" in help_


def test_that_everybody_may_read_is_unknown() -> None:
    evidence = company(cluster(access=reads("User:*")))
    assert verdicts("G1.3", STEP, evidence)["principal/User:*"] is UNKNOWN
    assert "everybody" in reason("G1.3", STEP, evidence, "principal/User:*")


def test_a_declared_super_user_may_be_listed() -> None:
    evidence = company(
        cluster(access=reads("User:admin")), environment=replace(PRODUCTION, super_users=("User:admin",))
    )
    assert verdicts("G1.3", STEP, evidence)["principal/User:admin"] is YES


def test_without_an_authorizer_it_is_unknown_unless_that_is_declared() -> None:
    open_ = company(cluster(access=Access(unlisted="the cluster has no authorizer")))
    assert verdicts("G1.3", STEP, open_)["access/main"] is UNKNOWN
    declared = replace(open_, environment=replace(PRODUCTION, acls=False))
    assert verdicts("G1.3", STEP, declared) == {"group/edge-cache": YES, "group/search-index": YES}


def test_a_cluster_that_does_not_list_its_groups_is_unknown_and_can_be_waived() -> None:
    failures = {Question.GROUPS: "the cluster does not list groups: DESCRIBE is refused"}
    evidence = company(cluster(answered=frozenset(Question) - {Question.GROUPS}, failures=failures))
    assert verdicts("G1.3", STEP, evidence)["cluster/main"] is UNKNOWN
    assert "DESCRIBE is refused" in reason("G1.3", STEP, evidence, "cluster/main")
    waivers = (waived("G1.3", "cluster/main"), waived("G1.2", "groups/main"))
    assert judge("G1", rollout(waivers=waivers), evidence) is YES


def test_no_broker_is_unknown_by_the_name_of_each_cluster() -> None:
    evidence = replace(company(), clusters=(), unasked="--no-broker")
    assert verdicts("G1.3", STEP, evidence) == {"cluster/main": UNKNOWN, "access/main": UNKNOWN}
    assert "--no-broker" in reason("G1.3", STEP, evidence, "cluster/main")


def test_an_environment_that_names_no_cluster_says_how_to_name_one() -> None:
    bare = replace(PRODUCTION, clusters=())
    evidence = replace(company(), clusters=(), environment=bare, unasked="policy.yaml names no cluster for production")
    assert verdicts("G1.3", STEP, evidence) == {"environment/production": UNKNOWN}
    assert "--broker HOST:PORT" in help_of("G1.3", STEP, evidence, "environment/production")


def test_where_the_policy_declares_no_broker_git_alone_decides() -> None:
    assert verdicts("G1.3", STEP, without_kafka()) == {}
    assert judge("G1", STEP, without_kafka()) is YES


def test_a_mirror_that_was_not_asked_is_missed() -> None:
    two = replace(PRODUCTION, clusters=(*PRODUCTION.clusters, replace(PRODUCTION.clusters[0], name="mirror")))
    assert verdicts("G1.3", STEP, company(environment=two))["cluster/mirror"] is UNKNOWN


def test_an_instance_of_a_service_that_nobody_named_is_unknown_even_if_it_reads_both() -> None:
    evidence = hears(beat("reports", reads=(1, 2), groups=()))
    assert verdicts("G1.3", STEP, evidence)["instance/reports/pod-1"] is UNKNOWN
    assert verdicts("G1.3", STEP, hears(beat("reports", groups=()))) == verdicts("G1.3", STEP, company())


def test_no_is_never_said_of_a_stranger() -> None:
    evidence = with_group("legacy-report")
    assert NO not in verdicts("G1.3", STEP, evidence).values()
