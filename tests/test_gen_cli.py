"""`contracts gen`: what it writes, what it says, and how it ends."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from registry.cli.gen import gen
from registry.errors import NoRepository, Refused
from tests.released import OWNERSHIP, PLACED, SCHEMAS, build, freeze, placed
from tests.repo import Repository

TOP = Path(__file__).parents[1]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    made = build(Repository(tmp_path / "repository"))
    monkeypatch.chdir(made.path)
    return made


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(gen, ["--out", "src", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("repository")
def test_a_package_is_written_and_then_in_step() -> None:
    result = run("--service", "billing")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "add     src/events/__init__.py\nadd     src/events/paid.py\nadd     src/events/placed.py\n"
        "add     src/events/py.typed\nsrc/events: stubs of billing for 2 events\n"
    )
    again = run("--service", "billing")
    assert (again.exit_code, again.stdout) == (0, "src/events: stubs of billing for 2 events, in step\n")


@pytest.mark.usefixtures("repository")
def test_a_check_of_what_is_in_step_is_one_line_and_writes_nothing() -> None:
    run("--service", "billing")
    before = {path: path.stat().st_mtime_ns for path in Path("src").rglob("*")}
    result = run("--service", "billing", "--check")
    assert (result.exit_code, result.stdout) == (0, "src/events: stubs of billing for 2 events, in step\n")
    assert {path: path.stat().st_mtime_ns for path in Path("src").rglob("*")} == before


def test_a_check_shows_what_is_missing_stale_and_edited_and_writes_nothing(repository: Repository) -> None:
    run("--service", "billing")
    repository.write({"src/events/py.typed": None})
    edited = Path("src/events/placed.py").read_text().replace("order_id: _str", "order_id: _str | None")
    repository.write({"src/events/placed.py": edited})
    repository.write({"ownership.yaml": OWNERSHIP.replace("    topic: shop.orders\n", "    topic: shop.order-log\n")})
    result = run("--service", "billing", "--check")
    assert result.exit_code == 1
    assert "--- /dev/null\n+++ b/src/events/py.typed\n" in result.stdout
    assert "--- a/src/events/placed.py\n+++ b/src/events/placed.py\n" in result.stdout
    assert "-    order_id: _str | None\n" in result.stdout
    assert '+    topic="shop.order-log",\n' in result.stdout
    assert result.stderr == "2 files out of step; run: contracts gen --service billing --out src\n"
    assert Path("src/events/placed.py").read_text() == edited
    assert run("--service", "billing").exit_code == 0
    assert run("--service", "billing", "--check").exit_code == 0


def test_an_event_that_is_no_longer_read_loses_its_module(repository: Repository) -> None:
    run("--service", "mail")
    assert names(Path("src/events")) == ["__init__.py", "placed.py", "py.typed"]
    repository.write({"ownership.yaml": OWNERSHIP.replace(", mail]", "]").replace("[orders]", "[orders, mail]")})
    assert "remove  src/events/placed.py\n" in run("--service", "mail").stdout
    assert names(Path("src/events")) == ["__init__.py", "paid.py", "py.typed"]


def test_a_check_names_the_whole_command_that_would_bring_it_in_step(repository: Repository, tmp_path: Path) -> None:
    os.chdir(Repository(tmp_path / "service").path)
    options = ("--service", "orders", "--package", "a.b", "--only", "Placed", "--producer", "Placed")
    away = ("--root", "./contracts", "--repository", os.fspath(repository.path))
    result = run(*options, *away, "--check")
    command = " ".join(["contracts gen --service orders --out src", *options[2:], *away])
    assert result.stderr.splitlines()[-1] == f"3 files out of step; run: {command}"


def test_a_check_says_of_a_new_version_what_the_classes_do_and_only_that_its_texts_differ(
    repository: Repository,
) -> None:
    run("--service", "mail")
    # Nobody may release what a pinned subscriber cannot read.
    pins = OWNERSHIP.replace("reads: [1, 2]", "reads: [1, 2, 3, 4]")
    repository.write({PLACED: placed("note", "colour", "size"), "ownership.yaml": pins})
    freeze(repository, "shop.Placed")
    diff = run("--service", "mail", "--check").stdout
    assert re.search(r"^\+ +# … the texts of version 4 \([0-9a-f]{8}\)$", diff, re.MULTILINE)
    assert "the texts of version 3" in diff  # as context
    assert not re.search(r"^[-+].*the texts of version [123]", diff, re.MULTILINE)
    assert "+    size: _str" in diff
    assert '{\\"name' not in diff and "'{\"" not in diff


def test_a_check_says_that_texts_were_edited_by_hand(repository: Repository) -> None:
    run("--service", "mail")
    path = Path("src/events/placed.py")
    repository.write({"src/events/placed.py": path.read_text().replace('"fields": [', '"fields":  [', 1)})
    diff = run("--service", "mail", "--check").stdout
    changed = [line for line in diff.splitlines() if line[0] in "-+"][2:]
    assert [line[0] for line in changed] == ["-", "+"]
    assert all("… the texts of version " in line for line in changed)


@pytest.mark.usefixtures("repository")
def test_a_service_without_events_has_no_stubs() -> None:
    result = run("--service", "idle")
    assert (result.exit_code, result.stdout) == (
        0,
        "idle writes and reads no released event, so there are no stubs for it\n",
    )
    assert not Path("src").exists()


@pytest.mark.parametrize("check", [(), ("--check",)])
def test_a_package_of_a_service_with_nothing_left_is_not_removed_by_the_way(
    repository: Repository, check: tuple[str, ...]
) -> None:
    run("--service", "mail")
    repository.write({"ownership.yaml": OWNERSHIP.replace(", mail]", "]")})
    with pytest.raises(Refused) as refused:
        run("--service", "mail", *check)
    assert refused.value.message == "nothing would be left of src/events, which holds __init__.py, placed.py"
    assert refused.value.help == "remove src/events by hand, if that is meant; nothing was written"
    assert names(Path("src/events")) == ["__init__.py", "placed.py", "py.typed"]


@pytest.mark.usefixtures("repository")
def test_a_root_that_is_not_there_is_an_error() -> None:
    run("--service", "mail")
    with pytest.raises(Refused, match=r"^--root nothere: no such folder$") as refused:
        run("--service", "mail", "--root", "nothere")
    assert "from the top of the repository" in refused.value.help
    assert names(Path("src/events")) == ["__init__.py", "placed.py", "py.typed"]


def test_before_the_first_release_there_is_nothing_to_import_and_that_is_no_success(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "fresh")
    repository.commit("one", {"ownership.yaml": OWNERSHIP.replace("reads: [1, 2]", "fields: []"), **SCHEMAS})
    os.chdir(repository.path)
    result = run("--service", "billing")
    assert (result.exit_code, result.stdout) == (
        1,
        "billing writes and reads no released event, so there are no stubs for it\n",
    )
    assert "note: shop.Paid has no version yet; see: contracts release shop.Paid\n" in result.stderr
    assert not Path("src").exists()


@pytest.mark.usefixtures("repository")
def test_the_header_holds_the_command_whatever_the_folder_and_the_spelling() -> None:
    run("--service", "orders", "--package", "shop.events", "--only", "Placed")
    first = Path("src/shop/events/placed.py").read_text().partition("\n")[0]
    assert first == (
        "# Made by `contracts gen --service orders --package shop.events --only shop.Placed`, which overwrites it:"
    )
    assert run("--service", "orders", "--package", "shop.events", "--only", "shop.Placed", "--check").exit_code == 0
    assert run("--service", "orders", "--package", "shop.events").exit_code == 0
    assert names(Path("src/shop/events")) == ["__init__.py", "paid.py", "placed.py", "py.typed"]


def test_what_is_written_without_a_pin_is_said(repository: Repository) -> None:
    assert (
        "note: shop.Placed: `writes` is not pinned, so version 3 is written as soon as this is deployed; "
        "pin `writes: [2, 3]` to switch later\n"
    ) in run("--service", "orders").stderr
    repository.write({"ownership.yaml": OWNERSHIP.replace("shop.Placed: {", "shop.Placed: {writes: [2, 3], ")})
    assert "not pinned" not in run("--service", "orders").stderr
    assert "not pinned" not in run("--service", "mail", "--package", "other").stderr


@pytest.mark.usefixtures("repository")
def test_an_event_without_a_version_is_noted() -> None:
    assert run("--service", "orders").stderr.splitlines()[0] == (
        "note: shop.Cancelled has no version yet; see: contracts release shop.Cancelled"
    )


@pytest.mark.usefixtures("repository")
def test_two_services_do_not_share_a_package() -> None:
    run("--service", "billing")
    with pytest.raises(Refused, match="belongs to the stubs of another service") as refused:
        run("--service", "orders")
    assert "nothing was written" in refused.value.help
    assert run("--service", "orders", "--package", "shop.events").exit_code == 0
    assert names(Path("src/shop/events")) == ["__init__.py", "paid.py", "placed.py", "py.typed"]


def test_a_file_in_the_way_stays_and_nothing_is_written(repository: Repository) -> None:
    repository.write({"src/events/paid.py": "mine = 1\n"})
    with pytest.raises(Refused, match=r"src/events/paid\.py is in the way"):
        run("--service", "billing")
    assert names(Path("src/events")) == ["paid.py"]


def test_flaws_are_printed_with_their_place_and_stop_everything(repository: Repository) -> None:
    repository.write({"ownership.yaml": OWNERSHIP.replace("reads: [1, 2]", "reads: [1, 9]")})
    result = run("--service", "billing")
    assert (result.exit_code, result.stdout, result.stderr) == (
        1,
        "ownership.yaml:10:35  error\n  billing reads v9 of shop.Placed, and the latest is v3\n"
        "  help      correct its `reads`\n",
        "no stubs were written\n",
    )
    assert not Path("src").exists()


@pytest.mark.usefixtures("repository")
def test_a_producer_is_for_the_owner_alone() -> None:
    with pytest.raises(Refused, match=r"^Placed is written only by orders \(team sales, #sales\)$"):
        run("--service", "billing", "--producer", "shop.Placed")
    run("--service", "orders", "--producer", "Placed")
    run("--service", "billing", "--package", "other")
    assert "class PlacedProducer" in Path("src/events/placed.py").read_text()
    assert "PlacedProducer" not in Path("src/other/placed.py").read_text()
    assert "class PlacedConsumer" in Path("src/other/placed.py").read_text()


@pytest.mark.usefixtures("repository")
def test_only_what_was_asked_for_is_written() -> None:
    run("--service", "billing", "--only", "Placed")
    assert names(Path("src/events")) == ["__init__.py", "placed.py", "py.typed"]


def test_a_package_of_another_repository_is_possible(repository: Repository, tmp_path: Path) -> None:
    service = Repository(tmp_path / "service")
    os.chdir(service.path)
    assert run("--service", "billing", "--repository", os.fspath(repository.path)).exit_code == 0
    assert names(service.path / "src" / "events") == ["__init__.py", "paid.py", "placed.py", "py.typed"]


def test_outside_of_a_repository_there_is_nothing_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoRepository):
        run("--service", "billing")


def test_the_head_does_not_matter(repository: Repository) -> None:
    run("--service", "orders")
    repository.write({PLACED: placed("unreleased")})
    assert run("--service", "orders", "--check").exit_code == 0


def test_the_same_bytes_come_out_wherever_and_however_often(repository: Repository, tmp_path: Path) -> None:
    """Another process, another seed of hashes, another folder to start from."""
    run("--service", "orders")
    program = "import sys; from registry.cli.gen import gen; gen(sys.argv[1:])"
    for seed, folder in (("1", repository.path / "contracts"), ("2", repository.path)):
        out = tmp_path / seed
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.fspath(TOP)}
        subprocess.run(
            [sys.executable, "-c", program, "--service", "orders", "--out", out],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
        )
        for path in Path("src/events").iterdir():
            assert (out / "events" / path.name).read_bytes() == path.read_bytes()
