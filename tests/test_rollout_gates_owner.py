"""G1.4: the owner can write the new version everywhere, and is the only one that writes (I4)."""

import pytest

from registry.frozen import replace
from registry.rollout.evidence import Access
from registry.rollout.rollout import Publication
from registry.rollout.states import State
from tests.rollout_evidence import (
    EVENT,
    NO,
    OWNER,
    PRODUCTION,
    UNKNOWN,
    YES,
    beat,
    cluster,
    company,
    group,
    hears,
    help_of,
    judge,
    preparing,
    reason,
    rollout,
    services,
    terms,
    verdicts,
    waived,
)

STEP = rollout()
READERS = frozenset({"User:edge-cache", "User:search-index"})


def owner(instance: str = "pod-1", **says: object) -> object:
    said = {"writes": (1, 2), "active": 1, "groups": (), **says}
    return beat(OWNER, instance, **said)


def writes(*principals: str, **changes: object) -> object:
    said = {"super_users": (), "everyone": False, **changes}
    return company(cluster(access=Access(READERS, frozenset(principals), **said)))


def test_where_all_is_well() -> None:
    assert verdicts("G1.4", STEP, company()) == {
        f"instance/{OWNER}/pod-1": YES,
        f"principal/User:{OWNER}": YES,
        "super-users/main": YES,
        "everyone/main": YES,
    }


def test_an_instance_that_cannot_write_the_new_version() -> None:
    evidence = hears(owner(), owner("pod-2", writes=(1,), build="40"))
    assert verdicts("G1.4", STEP, evidence)[f"instance/{OWNER}/pod-2"] is NO
    said = reason("G1.4", STEP, evidence, f"instance/{OWNER}/pod-2")
    assert said == "pod-2 of content-api (build 40) writes v1, and cannot write v2"
    assert "`writes: [1, 2]`" in help_of("G1.4", STEP, evidence, f"instance/{OWNER}/pod-2")


def test_an_instance_that_writes_something_else_than_what_is_active() -> None:
    evidence = hears(owner(writes=(1, 2), active=2))
    assert verdicts("G1.4", STEP, evidence)[f"instance/{OWNER}/pod-1"] is NO
    assert "writes v2 now, and v1 is what should be written" in reason(
        "G1.4", STEP, evidence, f"instance/{OWNER}/pod-1"
    )
    assert verdicts("G1.4", preparing(), evidence)[f"instance/{OWNER}/pod-1"] is NO
    assert verdicts("G1.4", STEP, hears(owner(active=0)))[f"instance/{OWNER}/pod-1"] is YES


def test_an_owner_that_nobody_hears_is_unknown() -> None:
    evidence = company(cluster(heartbeats=cluster().heartbeats[1:]))
    assert verdicts("G1.4", STEP, evidence)[f"service/{OWNER}"] is UNKNOWN
    assert judge("G1", rollout(waivers=(waived("G1.4", f"service/{OWNER}"),)), evidence) is YES


def test_instances_of_the_owner_that_do_not_write_do_not_stand_for_those_that_do() -> None:
    assert verdicts("G1.4", STEP, hears(beat(OWNER, groups=())))[f"service/{OWNER}"] is UNKNOWN


def test_a_silent_instance_is_unknown_first_and_counts_as_gone_later() -> None:
    silent = hears(owner(), owner("pod-2", age=90))
    assert verdicts("G1.4", STEP, silent)[f"instance/{OWNER}/pod-2"] is UNKNOWN
    gone = hears(owner(), owner("pod-2", age=301))
    assert verdicts("G1.4", STEP, gone)[f"gone/{OWNER}"] is YES
    assert f"instance/{OWNER}/pod-2" not in verdicts("G1.4", STEP, gone)
    assert "pod-2 of content-api (build 41) silent for 5 min: counted as gone" in reason(
        "G1.4", STEP, gone, f"gone/{OWNER}"
    )


def test_a_silent_instance_whose_groups_are_all_heard_is_gone_at_once() -> None:
    evidence = hears(
        owner(groups=("content-api",)),
        owner("pod-2", age=90, groups=("content-api",)),
        groups=(*cluster().groups, group("content-api")),
    )
    assert verdicts("G1.4", STEP, evidence)[f"gone/{OWNER}"] is YES


def test_another_principal_that_may_write_is_no_and_nobody_answers_for_it() -> None:
    evidence = writes(f"User:{OWNER}", "User:legacy")
    assert verdicts("G1.4", STEP, evidence)["principal/User:legacy"] is NO
    assert "kafka-acls.sh --remove --allow-principal User:legacy --operation Write" in help_of(
        "G1.4", STEP, evidence, "principal/User:legacy"
    )
    assert judge("G1", rollout(waivers=(waived("G1.4", "principal/User:legacy"),)), evidence) is NO


def test_an_instance_of_another_service_that_writes_it() -> None:
    assert verdicts("G1.4", STEP, hears(beat("legacy", writes=(1,), groups=())))["instance/legacy/pod-1"] is NO


def test_an_owner_that_no_acl_names_is_unknown() -> None:
    assert verdicts("G1.4", STEP, writes())[f"principal/User:{OWNER}"] is UNKNOWN


def test_an_owner_without_a_principal_is_unknown() -> None:
    known = services(OWNER, "edge-cache", "search-index")
    evidence = company(services={**known, OWNER: replace(known[OWNER], principal="")})
    assert verdicts("G1.4", STEP, evidence)[f"service/{OWNER}"] is UNKNOWN


def test_an_event_without_an_owner() -> None:
    assert verdicts("G1.4", STEP, company(terms=terms("edge-cache", owner=""))) == {f"event/{EVENT}": UNKNOWN}


@pytest.mark.parametrize(
    ("told", "declared", "expected"),
    [
        (None, None, UNKNOWN),  # no ACL shows them, and nobody says
        (None, (), YES),
        (None, ("User:admin",), YES),
        (("User:admin",), None, UNKNOWN),  # the brokers name one that no review knows of
        (("User:admin",), ("User:admin",), YES),
        (("User:admin", "User:ops"), ("User:admin",), UNKNOWN),
        ((), None, YES),
    ],
)
def test_super_users(told: object, declared: object, expected: object) -> None:
    evidence = replace(writes(f"User:{OWNER}", super_users=told), environment=replace(PRODUCTION, super_users=declared))
    assert verdicts("G1.4", STEP, evidence)["super-users/main"] is expected


@pytest.mark.parametrize(
    ("told", "declared", "writers", "expected"),
    [
        (None, None, (OWNER,), UNKNOWN),
        (None, False, (OWNER,), YES),
        (False, None, (OWNER,), YES),
        (True, None, (OWNER,), YES),  # where there is an ACL, it is that which counts
        (True, False, (), UNKNOWN),  # the brokers know better than the policy
    ],
)
def test_everyone(told: object, declared: object, writers: tuple[str, ...], expected: object) -> None:
    evidence = replace(
        writes(*(f"User:{name}" for name in writers), everyone=told), environment=replace(PRODUCTION, everyone=declared)
    )
    assert verdicts("G1.4", STEP, evidence)["everyone/main"] is expected


def test_a_second_switch_after_a_revert_is_judged_like_the_first() -> None:
    back = rollout(State.REVERTED, epoch=2, publication=Publication(2, 1, (1, 2)), stored=(1, 2))
    assert judge("G1", back, company()) is YES
