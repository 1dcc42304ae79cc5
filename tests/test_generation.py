"""Which stubs a service gets: its events, its pins, its envelope, and whose producer it may have."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from registry.codegen import StubPlan
from registry.errors import Refused
from registry.generation import Plans, Wish, read_plans, render_stubs
from tests.released import OWNERSHIP, PLACED, build, placed
from tests.repo import Repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    return build(Repository(tmp_path / "repository"))


def read(repository: Repository, service: str, **wishes: tuple[str, ...]) -> Plans:
    return read_plans(repository.path, Wish(service, **wishes), os.environ)  # type: ignore[arg-type]  # all are tuples


def by_event(plans: Plans) -> Mapping[str, StubPlan]:
    assert not plans.flaws
    return {plan.event: plan for plan in plans.plans}


def reown(repository: Repository, before: str, after: str) -> None:
    assert OWNERSHIP.count(before) == 1
    repository.write({"ownership.yaml": OWNERSHIP.replace(before, after)})


def messages(plans: Plans) -> list[str]:
    return [f"{flaw.location}: {flaw.message}" for flaw in plans.flaws]


def test_the_owner_writes_the_newest_and_reads_all(repository: Repository) -> None:
    plan = by_event(read(repository, "orders"))["shop.Placed"]
    assert (plan.reads, plan.writes, plan.others) == ((1, 2, 3), (3,), {})
    assert (plan.owner, plan.contact, plan.topic, plan.key) == (
        "orders",
        "team sales, #sales",
        "shop.orders",
        "order_id",
    )
    assert [version.number for version in plan.versions] == [1, 2, 3]


def test_a_subscriber_reads_its_pins_and_knows_the_ids_of_the_others(repository: Repository) -> None:
    plan = by_event(read(repository, "billing"))["shop.Placed"]
    assert (plan.reads, plan.writes, list(plan.others.values())) == ((1, 2), (), [3])
    assert [version.number for version in plan.versions] == [1, 2]
    assert not {version.schema_id for version in plan.versions} & plan.others.keys()


def test_a_subscriber_without_pins_reads_every_readable_version(repository: Repository) -> None:
    reown_pins = OWNERSHIP.replace("reads: [1, 2]", "reads: [2]").replace("mail]}", "mail], retired: [1]}")
    repository.write({"ownership.yaml": reown_pins})
    assert by_event(read(repository, "mail"))["shop.Placed"].reads == (2, 3)


def test_pins_of_the_owner_say_what_it_can_write(repository: Repository) -> None:
    reown(repository, "shop.Placed: {", "shop.Placed: {writes: [3, 2], ")
    assert by_event(read(repository, "orders"))["shop.Placed"].writes == (2, 3)


@pytest.mark.parametrize(
    ("before", "after", "service", "message"),
    [
        ("reads: [1, 2]", "reads: [1, 5]", "billing", "10:35: billing reads v5 of shop.Placed, and the latest is v3"),
        (
            "reads: [1, 2]}, mail]",
            "reads: [1]}, mail], retired: [1]",
            "billing",
            "10:35: billing reads v1 of shop.Placed, which is retired",
        ),
        (
            "shop.Placed: {",
            "shop.Placed: {writes: [4], ",
            "orders",
            "10:7: orders writes v4 of shop.Placed, and the latest is v3",
        ),
    ],
)
def test_a_pin_to_what_is_not_there_is_a_flaw_with_its_place(
    repository: Repository, before: str, after: str, service: str, message: str
) -> None:
    reown(repository, before, after)
    assert messages(read(repository, service)) == [f"ownership.yaml:{message}"]


def test_the_next_version_is_to_be_released_first(repository: Repository) -> None:
    reown(repository, "reads: [1, 2]", "reads: [4]")
    assert read(repository, "billing").flaws[0].help == "release it first: contracts release shop.Placed"


def test_a_release_adds_no_class_to_what_a_writer_has_pinned(repository: Repository) -> None:
    reown(repository, "shop.Placed: {", "shop.Placed: {writes: [1, 2], ")
    plan = by_event(read(repository, "orders"))["shop.Placed"]
    assert (plan.reads, plan.writes, list(plan.others.values())) == ((1, 2), (1, 2), [3])
    subscribed = OWNERSHIP.replace("mail]}", "mail, orders], writes: [1, 2]}")
    repository.write({"ownership.yaml": subscribed})
    assert by_event(read(repository, "orders"))["shop.Placed"].reads == (1, 2, 3)


def test_without_a_pin_the_newest_version_is_written_and_that_is_said(repository: Repository) -> None:
    plans = read(repository, "orders", only=("Placed",))
    assert plans.notes == (
        "shop.Placed: `writes` is not pinned, so version 3 is written as soon as this is deployed; "
        "pin `writes: [2, 3]` to switch later",
    )
    assert read(repository, "billing", only=("Paid",)).notes == ()  # one version leaves no choice


def test_the_other_events_of_a_topic_are_known_by_their_ids(repository: Repository) -> None:
    """Retired versions too; what has no topic has no neighbours."""
    plans = by_event(read(repository, "orders"))
    assert [plan.siblings for plan in plans.values()] == [{}, {}]
    shared = OWNERSHIP.replace("owner: billing\n", "owner: billing\n    topic: shop.orders\n").replace(
        "shop.Paid: {", "shop.Paid: {retired: [], "
    )
    repository.write({"ownership.yaml": shared.replace("mail]}", "mail], retired: [1]}").replace("[1, 2]", "[2]")})
    plans = by_event(read(repository, "billing"))
    ids = {version.schema_id for version in plans["shop.Placed"].versions} | set(plans["shop.Placed"].others)
    assert plans["shop.Paid"].siblings.keys() >= ids
    assert len(plans["shop.Paid"].siblings) == 6  # an id and a GUID for each of three versions
    assert set(plans["shop.Paid"].siblings.values()) == {"shop.Placed"}
    paid = plans["shop.Paid"].versions[0]
    assert plans["shop.Placed"].siblings == {paid.schema_id: "shop.Paid", paid.guid: "shop.Paid"}
    assert f'        {paid.schema_id}: "shop.Paid",' in render_stubs(read(repository, "billing"))["placed.py"]


def test_the_day_of_a_deprecation_is_carried(repository: Repository) -> None:
    reown(repository, "shop.Placed: {", "shop.Placed: {deprecated: {since: 2026-09-01, replaced_by: shop.Paid}, ")
    plan = by_event(read(repository, "mail"))["shop.Placed"]
    assert (plan.deprecated_since, plan.replaced_by) == ("2026-09-01", "shop.Paid")


def test_stubs_are_of_versions_and_never_of_heads(repository: Repository) -> None:
    repository.write({PLACED: placed("note", "colour", "unreleased"), "contracts/payment/money.proto": "broken {"})
    orders = by_event(read(repository, "orders"))
    assert "unreleased" not in "".join(orders["shop.Placed"].versions[-1].files.values())
    assert list(orders["shop.Paid"].versions[0].files) == ["payment/money.proto", "payment/paid.proto"]


def test_an_event_without_a_version_is_left_out_and_said(repository: Repository) -> None:
    plans = read(repository, "orders")
    assert "shop.Cancelled" not in by_event(plans)
    assert plans.notes[0] == "shop.Cancelled has no version yet; see: contracts release shop.Cancelled"


def test_an_event_whose_versions_are_all_retired_is_left_out_and_said(repository: Repository) -> None:
    reown(repository, "shop.Paid: {", "shop.Paid: {retired: [1], ")
    assert read(repository, "orders").notes[1].startswith("shop.Paid has no version that a log still holds")


def test_a_service_without_events_has_no_plans(repository: Repository) -> None:
    assert read(repository, "idle") == Plans("idle")


def test_an_unknown_service_is_told_what_was_probably_meant(repository: Repository) -> None:
    with pytest.raises(Refused, match=r"'biling' is no service of ownership\.yaml") as refused:
        read(repository, "biling")
    assert refused.value.help == "did you mean 'billing'?"


def test_a_producer_of_what_another_service_owns_is_refused(repository: Repository) -> None:
    with pytest.raises(Refused, match=r"^Placed is written only by orders \(team sales, #sales\)$"):
        read(repository, "billing", producers=("Placed",))
    with pytest.raises(Refused, match=r"^Paid is written only by billing \(team money, @shop/money\)$"):
        read(repository, "orders", producers=("shop.Paid",))
    assert by_event(read(repository, "orders", producers=("Placed",)))


def test_only_some_events_may_be_asked_for_and_only_ones_own(repository: Repository) -> None:
    assert list(by_event(read(repository, "orders", only=("Paid",)))) == ["shop.Paid"]
    with pytest.raises(Refused, match=r"mail neither writes nor reads shop\.Paid"):
        read(repository, "mail", only=("shop.Paid",))
    with pytest.raises(Refused, match=r"shop\.Plaged is no event of ownership\.yaml") as refused:
        read(repository, "mail", only=("shop.Plaged",))
    assert refused.value.help == "did you mean 'shop.Placed'?"


def test_while_an_entity_is_handed_over_both_write(repository: Repository) -> None:
    transfer = "transfers: [{entity: Order, from: orders, to: mail, since: 2026-11-01, phase: dual_grant}]\n"
    repository.write({"ownership.yaml": OWNERSHIP.replace(", mail]", "]") + transfer})
    plan = by_event(read(repository, "mail"))["shop.Placed"]
    assert (plan.writes, plan.owner, plan.contact) == ((3,), "mail", "team lone")


def test_the_envelope_is_what_the_policy_says_and_the_version_has(repository: Repository) -> None:
    plan = by_event(read(repository, "orders"))["shop.Placed"]
    assert plan.versions[0].envelope == {"correlation_id": ("correlation_id",), "schema_version": ("schema_version",)}
    repository.write({"contracts/policy.yaml": "version: 1\nenvelope: {event_id: {field: order_id}}\n"})
    plan = by_event(read(repository, "orders"))["shop.Placed"]
    assert plan.versions[0].envelope["event_id"] == ("order_id",)


def test_an_envelope_field_that_cannot_be_filled_in_stays_a_field_and_is_said(repository: Repository) -> None:
    policy = "version: 1\nenvelope: {occurred_at: {field: order_id, types: [string]}}\n"
    repository.write({"contracts/policy.yaml": policy})
    plans = read(repository, "mail")
    assert "occurred_at" not in by_event(plans)["shop.Placed"].versions[0].envelope
    assert plans.notes[0] == (
        "shop.Placed v1: 'order_id' is string, so the serializer cannot fill it in; it stays a field"
    )


def test_a_version_that_is_damaged_is_a_flaw_and_one_that_is_not_needed_is_not_read(repository: Repository) -> None:
    frozen = "contracts/versions/shop.Placed/3/order/Placed.avsc"
    repository.write({frozen: '{"type": "record"}'})
    assert by_event(read(repository, "billing"))
    assert read(repository, "orders").flaws[0].location.path == frozen


def test_a_broken_ownership_yaml_stops_everything(repository: Repository) -> None:
    repository.write({"ownership.yaml": OWNERSHIP + "teams: {}\n"})
    assert messages(read(repository, "orders"))


def test_without_ownership_yaml_nobody_has_stubs(repository: Repository) -> None:
    repository.write({"ownership.yaml": None})
    with pytest.raises(Refused, match=r"there is no ownership\.yaml") as refused:
        read(repository, "orders")
    assert "--repository" in refused.value.help


def add_converters(repository: Repository, number: int, text: str) -> None:
    """As `contracts release` freezes them with a version."""
    folder = f"contracts/versions/shop.Placed/{number}"
    listed = (repository.path / folder / "version.yaml").read_text() + "  - upgrade.yaml\n"
    repository.write({f"{folder}/upgrade.yaml": text, f"{folder}/version.yaml": listed})


def test_converters_are_carried_as_json_with_every_version_that_they_pass(repository: Repository) -> None:
    repository.write({"ownership.yaml": OWNERSHIP.replace("reads: [1, 2]", "reads: [1, 3]")})
    assert [version.number for version in by_event(read(repository, "billing"))["shop.Placed"].versions] == [1, 3]
    add_converters(repository, 2, "up:\n  - set: {field: note, value: no}\n")
    plan = by_event(read(repository, "billing"))["shop.Placed"]
    assert [(version.number, version.upgrade) for version in plan.versions] == [
        (1, ""),
        (2, '{"up":[{"set":{"field":"note","value":"no"}}]}'),
        (3, ""),
    ]
    assert (plan.reads, list(plan.others.values())) == ((1, 3), [2])


def test_converters_that_are_none_are_a_flaw_with_their_line(repository: Repository) -> None:
    add_converters(repository, 2, "up:\n  - swap: {field: note}\n")
    (message,) = messages(read(repository, "billing"))
    assert message.startswith("contracts/versions/shop.Placed/2/upgrade.yaml:2:5: ")


def test_converters_to_the_oldest_version_are_not_carried(repository: Repository) -> None:
    add_converters(repository, 1, "nonsense")
    assert by_event(read(repository, "billing"))["shop.Placed"].versions[0].upgrade == ""


def test_a_chain_of_converters_without_its_middle_is_a_flaw(repository: Repository) -> None:
    add_converters(repository, 3, "up: []\n")
    gone = OWNERSHIP.replace("reads: [1, 2]", "reads: [1, 3]").replace("mail]}", "mail], retired: [2]}")
    repository.write({"ownership.yaml": gone})
    assert [version.number for version in by_event(read(repository, "billing"))["shop.Placed"].versions] == [1, 2, 3]
    shutil.rmtree(repository.path / "contracts/versions/shop.Placed/2")
    assert messages(read(repository, "billing")) == [
        "ownership.yaml:10:35: v1 of shop.Placed becomes v3 by way of v2, whose folder is gone"
    ]
