"""A generated package on disk: what is out of step, what is brought in step, and what is never touched."""

from pathlib import Path

import pytest

from registry.errors import Refused
from registry.stub_files import (
    IsOurs,
    find_differences,
    package_folder,
    render_differences,
    write_differences,
)

OWN = "# Made by `contracts gen --service edge-cache`.\n"
OTHER = "# Made by `contracts gen --service content-api`.\n"
OURS = IsOurs("# Made by `contracts gen", OWN)
FILES = {"__init__.py": f"{OWN}a\n", "order.py": f"{OWN}b\n", "py.typed": ""}


def verbs(folder: Path, files: dict[str, str]) -> dict[str, str]:
    return {each.path: each.verb for each in find_differences(folder, files, OURS)}


def write(folder: Path, files: dict[str, str]) -> None:
    write_differences(folder, list(find_differences(folder, files, OURS)))


def test_a_package_that_is_not_there_is_added_and_then_in_step(tmp_path: Path) -> None:
    folder = tmp_path / "src" / "shop" / "events"
    assert set(verbs(folder, FILES).values()) == {"add"}
    write(folder, FILES)
    assert {path.name: path.read_text() for path in folder.iterdir()} == FILES
    assert verbs(folder, FILES) == {}


def test_equal_files_are_not_touched(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    before = (tmp_path / "order.py").stat().st_mtime_ns, (tmp_path / "order.py").stat().st_ino
    write(tmp_path, {**FILES, "__init__.py": f"{OWN}c\n"})
    assert ((tmp_path / "order.py").stat().st_mtime_ns, (tmp_path / "order.py").stat().st_ino) == before


def test_what_a_hand_or_time_changed_is_found(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "order.py").write_text(f"{OWN}edited\n")
    assert verbs(tmp_path, FILES) == {"order.py": "change"}


def test_a_checkout_with_other_line_ends_is_in_step(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "order.py").write_bytes(FILES["order.py"].replace("\n", "\r\n").encode())
    assert verbs(tmp_path, FILES) == {}


def test_modules_that_are_no_longer_wanted_are_removed_and_others_stay(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    (tmp_path / "mine.py").write_text("# by hand\n")
    (tmp_path / "notes.txt").write_text(OWN)
    write(tmp_path, {name: text for name, text in FILES.items() if name != "order.py"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["__init__.py", "mine.py", "notes.txt", "py.typed"]


def test_a_file_that_is_not_ours_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "order.py").write_text("print()\n")
    with pytest.raises(Refused, match=r"order\.py is in the way: it was not made by `contracts gen`"):
        write(tmp_path, FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["order.py"]


def test_an_empty_file_has_nothing_to_lose_and_a_marker_may_say_more(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "py.typed").write_text("partial\n")
    write(tmp_path, FILES)
    assert (tmp_path / "__init__.py").read_text() == FILES["__init__.py"]
    assert (tmp_path / "py.typed").read_text() == "partial\n"


def test_what_an_older_version_of_us_made_is_ours_whatever_it_says_beside_the_command(tmp_path: Path) -> None:
    (tmp_path / "order.py").write_text("# Made by `contracts gen --service edge-cache`, in other words.\n")
    write(tmp_path, FILES)
    assert (tmp_path / "order.py").read_text() == FILES["order.py"]


@pytest.mark.parametrize("name", ["order.py", "old.py"])
def test_stubs_of_another_service_are_refused_wanted_or_not(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(OTHER)
    with pytest.raises(Refused, match="belongs to the stubs of another service"):
        verbs(tmp_path, FILES)


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(OWN)
    (tmp_path / "order.py").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="is a symbolic link"):
        verbs(tmp_path, FILES)


def test_nothing_is_written_where_something_cannot_be(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    write(folder, FILES)
    differences = list(find_differences(folder, {name: f"{text}new\n" for name, text in FILES.items()}, OURS))
    (folder / "order.py").unlink()
    (folder / "order.py").mkdir()  # what came in between
    with pytest.raises(Refused, match="cannot write the stubs"):
        write_differences(folder, differences)
    assert (folder / "__init__.py").read_text() == FILES["__init__.py"]
    assert sorted(path.name for path in folder.iterdir()) == ["__init__.py", "order.py", "py.typed"]


def test_folders_that_were_made_for_nothing_are_taken_away(tmp_path: Path) -> None:
    differences = list(find_differences(tmp_path / "a" / "b", {"x/y.py": OWN}, OURS))
    with pytest.raises(Refused):
        write_differences(tmp_path / "a" / "b", differences)
    assert list(tmp_path.iterdir()) == []


def test_the_diff_leads_from_what_lies_there_to_what_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("src")
    write(folder, FILES)
    (folder / "order.py").write_text(f"{OWN}b\x1b[31m\nno end")
    (folder / "old.py").write_text(OWN)
    (folder / "py.typed").unlink()
    differences = list(find_differences(folder, FILES, OURS))
    assert render_differences(folder, differences) == (
        "--- a/src/order.py\n+++ b/src/order.py\n@@ -1,3 +1,2 @@\n # Made by `contracts gen --service edge-cache`.\n"
        "-b\\x1b[31m\n-no end\n\\ No newline at end of file\n+b\n"
        "--- /dev/null\n+++ b/src/py.typed\n"
        "--- a/src/old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-# Made by `contracts gen --service edge-cache`.\n"
    )


def test_the_diff_of_a_bundle_that_was_torn_apart_shows_its_lines(tmp_path: Path) -> None:
    torn = "_BUNDLE = X(\n    number=1,\n    files={\n" + '        "a": "b",\n' * 200
    differences = list(find_differences(tmp_path, {"order.py": OWN + torn}, OURS))
    assert render_differences(tmp_path, differences).count('"a": "b"') == 200
    whole = list(find_differences(tmp_path, {"order.py": OWN + torn + "    },\n)\n"}, OURS))
    diff = render_differences(tmp_path, whole)
    assert '"a"' not in diff
    assert "+    # … the texts of version 1 (" in diff


@pytest.mark.parametrize("package", ["", "a-b", "a..b", "class", "../x", "a.None"])
def test_a_package_has_a_name_that_can_be_imported(tmp_path: Path, package: str) -> None:
    with pytest.raises(Refused, match="is no name of a package"):
        package_folder(tmp_path, package)


@pytest.mark.parametrize("package", ["registry", "registry.events"])
def test_a_package_does_not_hide_the_one_that_stubs_import(tmp_path: Path, package: str) -> None:
    with pytest.raises(Refused, match="would hide the package 'registry'"):
        package_folder(tmp_path, package)
    assert package_folder(tmp_path, f"shop.{package}").parts[-1] == package.rpartition(".")[2]


def test_a_dotted_package_lies_in_its_folders(tmp_path: Path) -> None:
    assert package_folder(tmp_path, "shop.events") == tmp_path / "shop" / "events"
