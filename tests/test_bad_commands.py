"""`compare` and `release` with what they cannot use: one sentence, and nothing written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import CONTRACTS, run, untouched
from tests.repo import Repository, forget_git_variables
from tests.shop import AVRO, BROKEN, FILES, GROWN, OWNERSHIP, PAID, PLACED, PROTOBUF


@pytest.fixture(autouse=True)
def no_git_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_git_variables(monkeypatch)


# compare --------------------------------------------------------------------------------------------------------------

FOLDER: dict[str, str | bytes] = {
    "good.avsc": AVRO,
    "good.proto": PROTOBUF,
    "brace.avsc": "{",
    "empty.avsc": "",
    "utf16.avsc": AVRO.encode("utf-16"),
    "latin.avsc": AVRO.replace("order_id", "\xe9").encode("latin-1"),
    "twice.avsc": AVRO.replace('"name": "Placed"', '"name": "Placed", "name": "Other"'),
    "large.avsc": AVRO + " " * 10_000_000,
    "deep.avsc": '{"type": "array", "items": ' * 500 + '"int"' + "}" * 500,
    "lost.avsc": AVRO.replace('"int"', '"Nowhere"'),
    "words.proto": "mess age",
    "lost.proto": 'syntax = "proto3"; import "nowhere.proto";',
    "notes.txt": "text",
    "folder/brace.avsc": "{",
    "nothing/notes.txt": "text",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """In no repository: `compare` needs none."""
    for name, content in FOLDER.items():
        path = tmp_path / "here" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "here/dangling.avsc").symlink_to("nowhere")
    return tmp_path / "here"


INVALID = {
    "brace.avsc": ("1:2", "no JSON: "),
    "empty.avsc": ("1:1", "is empty"),
    "utf16.avsc": ("1:1", "is UTF-16 or UTF-32, not UTF-8"),
    "latin.avsc": ("4:13", "is not UTF-8: byte 0xe9 here"),
    "twice.avsc": ("1:38", 'the key "name" stands twice in one object'),
    "large.avsc": ("1:1", "bytes large; a schema has at most 1,048,576"),
    "deep.avsc": ("1:6913", "nests deeper than 256 levels of JSON"),
    "lost.avsc": ("3:38", "no file defines shop.Nowhere"),
    "words.proto": ("1:1", "expected top-level statement"),
    "lost.proto": ("1:20", 'imports "nowhere.proto", which is not there'),
    "folder": ("1:2", "no JSON: "),
}


@pytest.mark.parametrize(("name", "flaw"), INVALID.items(), ids=INVALID.keys())
def test_a_file_that_is_no_schema_is_not_comparable(folder: Path, name: str, flaw: tuple[str, str]) -> None:
    good = "good.proto" if name.endswith(".proto") else "good.avsc"
    path = "folder/brace.avsc" if name == "folder" else name
    for paths in ((good, name), (name, good)):
        with untouched(folder):
            outcome = run(folder, "compare", *paths)
        assert (outcome.code, outcome.err) == (1, ""), outcome
        assert outcome.out.startswith(f"{path}:{flaw[0]}  error  schema/invalid\n  ") and flaw[1] in outcome.out
        assert run(folder, "compare", *paths, "--format", "json").code == 1


REFUSED = {
    "one path": (("good.avsc",), "compare needs two paths", "contracts compare OLD NEW"),
    "no path": ((), "compare needs two paths", "contracts compare OLD NEW"),
    "nothing there": (("nowhere.avsc", "good.avsc"), "nowhere.avsc does not exist", "a schema file or a folder"),
    "below a file": (("good.avsc", "good.avsc/x.avsc"), "good.avsc/x.avsc does not exist", "a schema file or a folder"),
    "a link to nothing": (("good.avsc", "dangling.avsc"), "dangling.avsc does not exist", "a schema file or a folder"),
    "a device": (("good.avsc", os.devnull), "is neither a file nor a folder", "a schema file or a folder"),
    "no schema": (("notes.txt", "good.avsc"), "notes.txt is no schema", ".avsc or .proto"),
    "an empty folder": (("nothing", "good.avsc"), "nothing is no schema", ".avsc or .proto"),
    "two languages": (("good.avsc", "good.proto"), "there is nothing to compare", "of one language"),
}


@pytest.mark.parametrize(("paths", "fact", "help"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_compared_is_refused(folder: Path, paths: tuple[str, ...], fact: str, help: str) -> None:
    outcome = run(folder, "compare", *paths)
    assert (outcome.code, outcome.out) == (2, "")
    first, second = outcome.err.splitlines()
    assert first.startswith("error: ") and fact in first and second.startswith("help: ") and help in second


def test_folders_without_a_common_type_are_nothing_to_compare(tmp_path: Path) -> None:
    for name in ("Old", "New"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.avsc").write_text(AVRO.replace("Placed", name))
    outcome = run(tmp_path, "compare", "Old", "New")
    assert outcome.code == 2 and "nothing to compare: Old holds shop.Old and New holds shop.New" in outcome.err


def test_a_file_is_compared_with_its_namesake_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name in ("Placed", "Zoned"):
        (tmp_path / f"old/{name}.avsc").write_text(AVRO.replace("Placed", name))
    (tmp_path / "new.avsc").write_text(AVRO)
    assert run(tmp_path, "compare", "old", "new.avsc").code == 0
    (tmp_path / "new.avsc").write_text(BROKEN)
    assert "new.avsc:4:32  error  compat/type-mismatch" in run(tmp_path, "compare", "old", "new.avsc").out


def test_a_pipe_among_the_schemas_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.avsc")
    assert run(folder, "compare", "good.avsc", "lost.avsc").code == 1
    assert run(folder, "compare", "good.avsc", "pipe.avsc").code == 2


# release --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "here")
    made.commit("first", FILES)
    return made


STOPPED: dict[str, tuple[dict[str, str | bytes | None], str]] = {
    "a head that is no JSON": ({PLACED: "{"}, f"{PLACED}:1:2  error  schema/invalid"),
    "a head that is no schema": ({PLACED: AVRO.replace('"int"', "7")}, f"{PLACED}:3:38  error  schema/invalid"),
    "a head without its parts": ({PAID: 'import "x.proto";\n' + PROTOBUF}, f"{PAID}:"),
    "an event without an envelope": ({PLACED: AVRO.replace("correlation_id", "cause")}, "missing-correlation-id"),
    "ownership with a tab": ({"ownership.yaml": f"{OWNERSHIP}\t"}, "ownership.yaml:10:1  error  ownership/invalid"),
    "ownership with an odd key": ({"ownership.yaml": f"{OWNERSHIP}x: 1\n"}, "ownership.yaml:10:1  error"),
    "a policy that is none": ({"contracts/policy.yaml": "x"}, "contracts/policy.yaml:1:1  error"),
}


@pytest.mark.parametrize(("files", "line"), STOPPED.values(), ids=STOPPED.keys())
def test_a_release_is_stopped_as_a_whole(
    repository: Repository, files: dict[str, str | bytes | None], line: str
) -> None:
    repository.write(files)
    with untouched(repository.path):
        outcome = run(repository.path, "release")
    assert (outcome.code, outcome.err) == (1, "nothing was released\n") and line in outcome.out, outcome


def test_a_release_that_breaks_a_version_is_stopped_as_a_whole(repository: Repository) -> None:
    assert run(repository.path, "release").code == 0
    repository.commit("released", {PLACED: BROKEN, PAID: PROTOBUF.replace("}", "  string note = 4;\n}")})
    with untouched(repository.path):
        outcome = run(repository.path, "release")
    assert outcome.code == 1 and f"{PLACED}:4:32  error  compat/type-mismatch" in outcome.out
    assert run(repository.path, "release", "shop.Paid").out.startswith("shop.Paid v2 ")


NOT_RELEASED = {
    "an unknown event": (("shop.Plased",), "shop.Plased is no event of ownership.yaml", "contracts owners"),
    "a namesake": (("store.Placed",), "store.Placed is no event of ownership.yaml", "did you mean shop.Placed?"),
    "a path for a name": (("../../etc",), "../../etc is no event of ownership.yaml", ""),
    "another root": (("--root", "nowhere"), "nowhere holds no .avsc and no .proto", "--root"),
    "one id for two": (("--id", "5"), "one id, and 2 events to release", "name one event"),
}


@pytest.mark.parametrize(("arguments", "fact", "help"), NOT_RELEASED.values(), ids=NOT_RELEASED.keys())
def test_a_release_of_what_is_not_there_is_refused(
    repository: Repository, arguments: tuple[str, ...], fact: str, help: str
) -> None:
    with untouched(repository.path):
        outcome = run(repository.path, "release", *arguments)
    assert (outcome.code, outcome.out) == (2, "") and fact in outcome.err and help in outcome.err, outcome


@pytest.mark.parametrize("number", ["0", "-1", "2147483648", "x", "9" * 5000])
def test_an_id_that_is_none_is_refused(repository: Repository, number: str) -> None:
    outcome = run(repository.path, "release", "shop.Placed", f"--id={number}")
    assert (outcome.code, outcome.out) == (2, "") and "Invalid value for '--id'" in outcome.err


def test_an_id_that_is_taken_is_refused(repository: Repository) -> None:
    assert run(repository.path, "release", "shop.Placed", "--id", "7").code == 0
    with untouched(repository.path):
        outcome = run(repository.path, "release", "shop.Paid", "--id", "7")
    assert outcome.code == 2 and "the id 7 is taken" in outcome.err


def test_a_named_event_whose_file_is_none_is_refused(repository: Repository) -> None:
    repository.write({PLACED: "{"})
    outcome = run(repository.path, "release", "shop.Placed")
    assert outcome.code == 2 and "no schema defines shop.Placed" in outcome.err


def test_without_ownership_there_is_nothing_to_release(repository: Repository) -> None:
    repository.write({"ownership.yaml": None})
    outcome = run(repository.path, "release")
    assert outcome.code == 2 and "there is no ownership.yaml" in outcome.err and "contracts init" in outcome.err


@pytest.mark.parametrize(
    "way", ["versions/shop.Placed/1/", "versions/shop.Placed/1", "versions/shop.Placed", "versions"]
)
def test_what_is_in_the_way_stops_a_release(repository: Repository, way: str) -> None:
    """A folder or a file, where the versions of one of two events would go."""
    path = repository.path / "contracts" / way
    if way.endswith("/"):
        path.mkdir(parents=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine\n")
    with untouched(repository.path):
        outcome = run(repository.path, "release")
    assert (outcome.code, outcome.out) == (2, "") and "way" in outcome.err.splitlines()[-1], outcome


@pytest.mark.parametrize("link", ["versions", "versions/shop.Paid"])
def test_a_release_follows_no_link_out_of_the_repository(repository: Repository, tmp_path: Path, link: str) -> None:
    (tmp_path / "outside").mkdir()
    path = repository.path / "contracts" / link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(tmp_path / "outside")
    with untouched(tmp_path):
        outcome = run(repository.path, "release")
    assert outcome.code in (1, 2) and "is a symbolic link" in outcome.out + outcome.err


def test_a_release_that_is_tried_writes_nothing(repository: Repository) -> None:
    with untouched(repository.path):
        outcome = run(repository.path, "release", "--dry-run")
    assert outcome.code == 0 and outcome.out.endswith("nothing was written (--dry-run)\n")


def test_the_module_is_the_command(repository: Repository) -> None:
    repository.write({PLACED: GROWN})
    command = ([sys.executable, "-m", "registry.cli"], [CONTRACTS])
    said = [
        subprocess.run([*each, "check"], cwd=repository.path, capture_output=True, check=False).stdout
        for each in command
    ]
    assert said[0] == said[1] and b"1 contract judged" in said[0]
