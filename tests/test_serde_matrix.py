"""Every pair of versions of every contract, in both languages, through the stubs of its owner."""

from pathlib import Path

import pytest

from tests.serde_matrix import PAGE, Outcome, find_all, find_differences, render_matrix, render_page


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    return find_all(tmp_path_factory.mktemp("matrix"))


def find_notes(outcomes: list[Outcome], event: str, path: str) -> list[str]:
    (outcome,) = [each for each in outcomes if (each.event, each.path) == (event, path)]
    assert outcome.values
    return list(outcome.notes)


def test_what_is_read_as_it_was_written_is_the_same(outcomes: list[Outcome]) -> None:
    plain = [each for each in outcomes if each.is_plain]
    assert len({each.event for each in plain}) == 14
    assert [(each.event, each.path, str(each)) for each in plain if str(each) != "the same"] == []
    assert all(each.values for each in plain)


def test_every_pair_of_versions_is_there(outcomes: list[Outcome]) -> None:
    read = [each for each in outcomes if "read as" in each.path]
    pairs = {"ContentPublished": 9, "UserLoggedIn": 4, "Placed": 4, "Paid": 9, "Shipped": 4}
    counts = {each.event: 0 for each in read}
    for each in read:
        counts[each.event] += 1
    assert counts == {event: pairs.get(event.rpartition(".")[2], 1) for event in counts}


def test_converters_change_what_a_version_means_by_its_values(outcomes: list[Outcome]) -> None:
    up = find_notes(outcomes, "shop.Placed", "1, read as 2")
    assert "`/customer` is at `/customer_id`" in up
    assert {"`/status` OPEN is PENDING", "`/status` DONE is COMPLETED", "`/currency` is EUR"} <= set(up)
    down = find_notes(outcomes, "shop.Placed", "2, published as 1")
    assert "`/status` PENDING is OPEN" in down
    assert [note for note in down if note.startswith("refused") and "currency" in note]


def test_an_old_event_is_read_with_the_defaults_of_the_new_version(outcomes: list[Outcome]) -> None:
    event = "playconnect.content.ContentPublished"
    assert "`/related` is ()" in find_notes(outcomes, event, "1, read as 3")
    assert "`/canonical_url` is None" in find_notes(outcomes, event, "1, read as 3")
    assert find_notes(outcomes, event, "3, read as 2") == ["without `/related`"]


def test_a_symbol_that_the_reader_does_not_know_is_its_default(outcomes: list[Outcome]) -> None:
    notes = find_notes(outcomes, "playconnect.session.UserLoggedIn", "2, read as 1")
    assert "`/method` PASSKEY is OTHER" in notes


def test_a_symbol_that_the_active_version_does_not_know_is_not_published(outcomes: list[Outcome]) -> None:
    notes = find_notes(outcomes, "playconnect.session.UserLoggedIn", "2, published as 1")
    assert [note for note in notes if note.startswith("refused") and "PASSKEY" in note]
    assert "`/method` PASSKEY is OTHER" not in notes


def test_the_page_shows_what_came_out(outcomes: list[Outcome]) -> None:
    page = PAGE.read_text("utf-8")
    assert page == render_page(page, render_matrix(outcomes)), "write it anew: python -m tests.serde_matrix"


def test_differences_are_told_by_path(tmp_path: Path) -> None:
    assert list(find_differences([1, 2], [1, 3])) == ["`[]` 2 is 3"]
    assert list(find_differences({"a": float("nan")}, {"a": float("nan")})) == []
