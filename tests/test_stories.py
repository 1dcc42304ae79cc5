"""Each file of tests/stories, played; `pytest --update-stories` rewrites what they expect."""

from pathlib import Path

import pytest

from tests.story import edit, play

STORIES = sorted((Path(__file__).parent / "stories").glob("*.txt"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_goes_as_it_is_told(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    text = path.read_text(encoding="utf-8")
    seen = play(text, tmp_path, monkeypatch)
    if pytestconfig.getoption("update_stories") and seen != text:
        path.write_text(seen, encoding="utf-8")
        text = seen
    assert seen == text


def test_there_are_stories() -> None:
    assert STORIES


def test_a_story_begins_with_what_it_shows() -> None:
    for path in STORIES:
        assert path.read_text(encoding="utf-8").partition("-- ")[0].strip(), path.name


def test_an_edit_must_find_its_place() -> None:
    assert edit("a\nb\nc\n", " a\n-b\n+d\n@@\n-c\n") == "a\nd\n"
    with pytest.raises(AssertionError, match="0 times"):
        edit("a\n", "-b\n")
    with pytest.raises(AssertionError, match="2 times"):
        edit("a\na\n", "-a\n")
