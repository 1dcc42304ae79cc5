"""Which recorded deployment replaces which, and which of them count."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from registry.frozen import replace
from registry.rollout.deployments import find_current, record
from registry.rollout.rollout import Deployment
from tests.rollout_documents import EVERYWHERE, NOON, POD, RELEASE

OTHER_POD = replace(POD, instance="pod-4")
LATER = NOON + timedelta(hours=1)


def name(deployments: Sequence[Deployment]) -> list[str]:
    """Each as ``release/instance=build``."""
    return [f"{each.release}/{each.instance}={each.build}" for each in deployments]


@pytest.mark.parametrize(
    ("existing", "new", "expected"),
    [
        pytest.param([], EVERYWHERE, ["/=build-17"], id="the first"),
        pytest.param([], POD, ["/pod-3=build-16"], id="the first, of one instance"),
        pytest.param([EVERYWHERE], replace(EVERYWHERE, build="18"), ["/=18"], id="the service again"),
        pytest.param([POD], replace(POD, build="18"), ["/pod-3=18"], id="the instance again"),
        pytest.param([POD], OTHER_POD, ["/pod-3=build-16", "/pod-4=build-16"], id="another instance leaves the first"),
        pytest.param([EVERYWHERE], POD, ["/=build-17", "/pod-3=build-16"], id="an instance beside the whole"),
        pytest.param([POD, OTHER_POD, EVERYWHERE], replace(EVERYWHERE, build="18"), ["/=18"], id="all instances"),
        pytest.param([EVERYWHERE, POD], RELEASE, ["/=build-17", "/pod-3=build-16", "2025.4/=build-17"], id="a release"),
        pytest.param([RELEASE], EVERYWHERE, ["/=build-17", "2025.4/=build-17"], id="a release stays beside the newer"),
        pytest.param([RELEASE], replace(RELEASE, build="17b"), ["2025.4/=17b"], id="the same release again"),
        pytest.param(
            [RELEASE],
            replace(RELEASE, release="2026.1"),
            ["2025.4/=build-17", "2026.1/=build-17"],
            id="two releases are supported",
        ),
    ],
)
def test_what_replaces_what(existing: list[Deployment], new: Deployment, expected: list[str]) -> None:
    assert name(record(existing, new)) == expected


def test_another_service_or_environment_is_left_alone() -> None:
    others = [replace(POD, service="web-client"), replace(POD, environment="staging")]
    assert len(record(others, POD)) == 3


def test_recording_the_same_twice_changes_nothing() -> None:
    once = record([POD, RELEASE], EVERYWHERE)
    assert record(once, EVERYWHERE) == once


def test_the_order_is_always_the_same() -> None:
    forth, back = record([POD, RELEASE], OTHER_POD), record([RELEASE, OTHER_POD], POD)
    assert forth == back


@pytest.mark.parametrize(
    ("until", "counts"),
    [(None, True), (LATER, True), (NOON, False), (NOON - timedelta(microseconds=1), False)],
    ids=["for ever", "in an hour", "now", "just over"],
)
def test_a_release_counts_until_its_support_ends(until: object, counts: bool) -> None:
    release = replace(RELEASE, supported_until=until)
    assert list(find_current([release, POD], NOON)) == ([release, POD] if counts else [POD])


def test_nothing_recorded_is_nothing_current() -> None:
    assert list(find_current([], NOON)) == []
