"""G0: versions frozen, readable, expected by somebody, alone under way, keyed as before, signed for by the owner."""

from registry.environment import Environment
from registry.frozen import replace
from registry.rollout.rollout import Publication
from registry.rollout.states import State
from tests.rollout_evidence import (
    EVENT,
    NO,
    UNKNOWN,
    YES,
    company,
    help_of,
    judge,
    look,
    reason,
    rollout,
    staying,
    switched,
    terms,
    verdicts,
    waived,
    without_kafka,
)

STEP = rollout(State.PLANNED)


def test_where_all_is_well_git_alone_says_yes() -> None:
    assert judge("G0", STEP, company()) is YES
    assert judge("G0", STEP, without_kafka()) is YES
    assert judge("G0", STEP, replace(company(), clusters=(), unasked="--no-broker")) is YES


# G0.1: released and frozen.


def test_both_versions_must_be_released() -> None:
    evidence = company(versions={1: "digest-1"})
    assert verdicts("G0.1", STEP, evidence) == {"version/1": YES, "version/2": NO}
    assert reason("G0.1", STEP, evidence, "version/2") == f"v2 of {EVENT} is not released, or retired"


def test_a_version_that_was_edited_after_staging_began_is_refused() -> None:  # S19
    staging = rollout(State.SWITCHED, environment="staging", digests={1: "digest-1", 2: "digest-before"})
    evidence = company(rollouts=(staging,))
    assert verdicts("G0.1", STEP, evidence) == {"version/1": YES, "version/2": NO}
    said = reason("G0.1", STEP, evidence, "version/2")
    assert said == f"v2 of {EVENT} was edited since its rollout began in staging: versions are frozen"


def test_staging_may_be_ahead() -> None:
    staging = rollout(State.SWITCHED, environment="staging", digests={1: "digest-1", 2: "digest-2"})
    assert judge("G0", STEP, company(rollouts=(staging,))) is YES


def test_nobody_can_answer_for_an_edited_version() -> None:
    edited = rollout(State.PLANNED, digests={2: "digest-before"}, waivers=(waived("G0.1", "version/2"),))
    assert judge("G0", edited, company()) is NO


# G0.2: every stored version can be read.


def test_the_new_version_must_read_the_old_one() -> None:
    evidence = company(readings={(2, 1): "no: field 'currency' has no default"})
    assert verdicts("G0.2", STEP, evidence) == {"reading/2-1": NO}
    assert reason("G0.2", STEP, evidence, "reading/2-1") == "v2 cannot read v1: field 'currency' has no default"
    assert "ContentPublished.upgrade.yaml" in help_of("G0.2", STEP, evidence, "reading/2-1")


def test_converters_will_do() -> None:
    evidence = company(readings={(2, 1): "converters"})
    assert reason("G0.2", STEP, evidence, "reading/2-1") == "v2 reads v1: by converters"


def test_the_new_version_must_read_every_version_that_is_stored() -> None:
    third = rollout(State.PLANNED, 2, 3, stored=(2,))
    evidence = company(
        rollouts=(switched(State.CONTRACTING),),
        versions={1: "1", 2: "2", 3: "3"},
        readings={(3, 2): "native", (3, 1): "no: v1 has no key"},
    )
    assert verdicts("G0.2", third, evidence) == {"reading/3-1": NO, "reading/3-2": YES}


def test_the_old_version_need_not_read_the_new_one_unless_somebody_stays_on_it() -> None:
    readings = {(2, 1): "converters", (1, 2): "no: v2 declares no way back to v1"}
    assert verdicts("G0.2", STEP, company(readings=readings)) == {"reading/2-1": YES}
    stays = company(readings=readings, terms=terms("search-index", staying("edge-cache")))
    assert verdicts("G0.2", STEP, stays) == {"reading/2-1": YES, "reading/1-2": NO}
    assert "edge-cache stays on v1" in reason("G0.2", STEP, stays, "reading/1-2")


# G0.3: an inventory (S3).


def test_an_empty_inventory_is_unknown() -> None:
    evidence = company(terms=terms())
    assert verdicts("G0.3", STEP, evidence) == {f"event/{EVENT}": UNKNOWN}
    assert judge("G0", STEP, evidence) is UNKNOWN


def test_that_nobody_reads_it_can_be_declared() -> None:
    assert judge("G0", STEP, company(terms=terms(no_consumers=True))) is YES


def test_an_event_that_ownership_does_not_name_has_no_inventory() -> None:
    assert verdicts("G0.3", STEP, company(terms=None)) == {f"event/{EVENT}": UNKNOWN}


def test_somebody_may_answer_for_an_empty_inventory() -> None:
    answered = replace(STEP, waivers=(waived("G0.3", f"event/{EVENT}"),))
    assert judge("G0", answered, company(terms=terms())) is YES


# G0.4: alone under way, from where it stands.


def test_another_step_under_way_holds_it_up() -> None:
    other = rollout(State.EXPANDING, 1, 3)
    evidence = company(rollouts=(other,))
    assert verdicts("G0.4", STEP, evidence)["rollout/1-3"] is NO
    assert reason("G0.4", STEP, evidence, "rollout/1-3").startswith(
        "1 -> 3 is expanding in production, since 2026-03-01"
    )


def test_while_one_step_is_contracting_the_next_may_begin() -> None:  # S18
    third = rollout(State.PLANNED, 2, 3)
    assert verdicts("G0.4", third, company(rollouts=(switched(State.CONTRACTING),))) == {"environment/production": YES}


def test_a_step_under_way_in_another_environment_does_not_matter() -> None:
    other = rollout(State.EXPANDING, 1, 3, environment="staging")
    assert verdicts("G0.4", STEP, company(rollouts=(other,))) == {"environment/production": YES}


def test_a_step_begins_at_the_active_version() -> None:
    evidence = company(rollouts=(switched(State.CONTRACTING),))
    late = rollout(State.PLANNED, 1, 3)
    assert verdicts("G0.4", late, evidence)["version/1"] is NO
    assert "--from 2 --to 3" in help_of("G0.4", late, evidence, "version/1")


def test_an_abandoned_step_leaves_the_old_version_active() -> None:
    old = rollout(State.ABANDONED, epoch=2, publication=Publication(2, 1, (1, 2)))
    assert verdicts("G0.4", rollout(State.PLANNED, 1, 3), company(rollouts=(old,))) == {"environment/production": YES}


# G0.5: the key.


def test_the_key_must_stay() -> None:
    evidence = company(keys={1: "text", 2: "number"})
    assert verdicts("G0.5", STEP, evidence) == {f"event/{EVENT}": NO}
    assert reason("G0.5", STEP, evidence, f"event/{EVENT}") == "the message key is text in v1 and number in v2"


def test_without_a_key_in_either_there_is_none_to_change() -> None:
    assert verdicts("G0.5", STEP, company(keys={1: "", 2: ""})) == {f"event/{EVENT}": YES}


def test_a_key_that_nobody_can_tell_is_unknown() -> None:
    assert verdicts("G0.5", STEP, company(keys={1: "text"})) == {f"event/{EVENT}": UNKNOWN}


# G0.6: the owner's word.


def test_the_owner_signs_by_writing_both() -> None:
    evidence = company(terms=terms("edge-cache", writes=(1,)))
    assert verdicts("G0.6", STEP, evidence) == {f"event/{EVENT}": NO}
    assert "`writes: [1, 2]`" in help_of("G0.6", STEP, evidence, f"event/{EVENT}")


def test_without_writes_the_next_build_would_switch_by_itself() -> None:
    evidence = company(terms=terms("edge-cache", writes=()))
    assert "its next build would switch by itself" in reason("G0.6", STEP, evidence, f"event/{EVENT}")


def test_an_event_without_an_owner_is_nobodys_to_switch() -> None:
    assert verdicts("G0.6", STEP, company(terms=terms("edge-cache", owner=""))) == {f"event/{EVENT}": NO}


# Waivers in general.


def test_a_waiver_is_of_one_check_and_one_subject_until_a_day() -> None:
    evidence, subject = company(terms=terms()), f"event/{EVENT}"
    for waiver, passes in (
        (waived("G0.3", subject), True),
        (waived("G0.3", subject, expires=-1), False),
        (waived("G0.3", "event/content.Other"), False),
        (waived("G0.5", subject), False),
    ):
        check = look("G0.3", replace(STEP, waivers=(waiver,)), evidence)[subject]
        assert (check.passes, check.verdict) == (passes, UNKNOWN)  # a waiver hides nothing


def test_every_no_of_git_says_what_to_do() -> None:
    evidence = company(
        versions={},
        readings={},
        terms=None,
        keys={1: "text", 2: "number"},
        rollouts=(rollout(State.EXPANDING, 1, 3),),
        environment=Environment("production"),
    )
    for number in ("G0.1", "G0.2", "G0.3", "G0.4", "G0.5", "G0.6"):
        found = look(number, STEP, evidence)
        assert found
        assert all(check.observation.help for check in found.values()), found
