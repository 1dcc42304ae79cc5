"""The cache of blobs: quicker with it, the same without it."""

import json
import os
from pathlib import Path

import pytest

from registry.cache import BlobCache, cache_folder

REPOSITORY = "/somewhere/.git"


def open_cache(folder: Path) -> BlobCache:
    return BlobCache(str(folder), REPOSITORY)


def fill(folder: Path, facts: dict[str, object]) -> Path:
    """Write facts, and give the file they lie in."""
    cache = open_cache(folder)
    for key, fact in facts.items():
        cache.remember(key, fact)
    cache.write(facts)
    (path,) = folder.iterdir()
    return path


def test_what_is_remembered_is_found_by_the_next_run(tmp_path: Path) -> None:
    fill(tmp_path, {"outline:1:avro": [["cart.ItemAdded"], [], False]})
    assert open_cache(tmp_path).find("outline:1:avro") == [["cart.ItemAdded"], [], False]
    assert open_cache(tmp_path).find("outline:2:avro") is None


def test_it_is_found_before_it_is_written_too(tmp_path: Path) -> None:
    cache = open_cache(tmp_path)
    cache.remember("a", 1)
    assert cache.find("a") == 1
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_no_text_survive(tmp_path: Path) -> None:
    fill(tmp_path, {"a": "\udcff\u2028"})
    assert open_cache(tmp_path).find("a") == "\udcff\u2028"


def test_two_repositories_have_two_files(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 1})
    other = BlobCache(str(tmp_path), "/else\udcffwhere/.git")
    assert other.find("a") is None
    other.remember("a", 2)
    other.write(["a"])
    assert len(list(tmp_path.iterdir())) == 2
    assert open_cache(tmp_path).find("a") == 1


CORRUPT = {
    "empty": b"",
    "cut off": b'{"a": [1, 2',
    "no text": b"\xff\xfe\x00",
    "no mapping": b"[1, 2, 3]",
    "null": b"null",
    "nested beyond reason": b"[" * 200_000,
}


@pytest.mark.parametrize("content", CORRUPT.values(), ids=CORRUPT)
def test_a_cache_that_cannot_be_read_is_empty_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = fill(tmp_path, {"a": 1})
    path.write_bytes(content)
    cache = open_cache(tmp_path)
    assert cache.find("a") is None
    cache.remember("a", 2)
    cache.write(["a"])
    assert open_cache(tmp_path).find("a") == 2


def test_a_folder_that_cannot_be_made_is_forgotten(tmp_path: Path) -> None:
    """A file stands in its place, as a folder without permission would."""
    (tmp_path / "cache").write_text("")
    cache = open_cache(tmp_path / "cache" / "event-contracts")
    assert cache.find("a") is None
    cache.remember("a", 1)
    cache.write(["a"])
    assert (tmp_path / "cache").read_text() == ""


def test_a_folder_in_the_place_of_the_file_is_forgotten(tmp_path: Path) -> None:
    path = fill(tmp_path, {"a": 1})
    path.unlink()
    path.mkdir()
    cache = open_cache(tmp_path)
    assert cache.find("a") is None
    cache.remember("a", 1)
    cache.write(["a"])
    assert path.is_dir()


def test_nothing_is_written_where_nothing_is_new(tmp_path: Path) -> None:
    path = fill(tmp_path, {"a": 1})
    path.write_text('{"a": 1, "b": 2}')
    open_cache(tmp_path).write(["a"])
    assert json.loads(path.read_text()) == {"a": 1, "b": 2}


def test_no_other_file_is_left_behind(tmp_path: Path) -> None:
    path = fill(tmp_path, {"a": 1})
    fill(tmp_path, {"b": 2})
    assert list(tmp_path.iterdir()) == [path]


def test_old_keys_stay_while_they_are_few(tmp_path: Path) -> None:
    """Another branch needs them again."""
    path = fill(tmp_path, {f"old {number}": 1 for number in range(1000)})
    cache = open_cache(tmp_path)
    cache.remember("new", 1)
    cache.write(["new"])
    assert len(json.loads(path.read_text())) == 1001


def test_old_keys_are_dropped_once_they_outnumber_the_others(tmp_path: Path) -> None:
    path = fill(tmp_path, {f"old {number}": 1 for number in range(2000)})
    cache = open_cache(tmp_path)
    cache.remember("new", 1)
    cache.write(["new", "old 7", "never seen"])
    assert json.loads(path.read_text()) == {"new": 1, "old 7": 1}


FOLDERS = [
    ({"XDG_CACHE_HOME": "/cache", "HOME": "/home/ada"}, "/cache/event-contracts"),
    ({"HOME": "/home/ada"}, "/home/ada/.cache/event-contracts"),
    ({"XDG_CACHE_HOME": "", "HOME": "/home/ada"}, "/home/ada/.cache/event-contracts"),
    # A relative path is invalid, says the specification; it would also put the cache into the user's work tree.
    ({"XDG_CACHE_HOME": "cache", "HOME": "/home/ada"}, "/home/ada/.cache/event-contracts"),
]


@pytest.mark.parametrize(("environment", "folder"), FOLDERS)
def test_the_folder_is_that_of_the_desktop_specification(environment: dict[str, str], folder: str) -> None:
    assert cache_folder(environment) == folder


def test_without_a_home_the_folder_is_still_nobodys_work_tree() -> None:
    assert os.path.isabs(cache_folder({}))
