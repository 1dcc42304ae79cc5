"""`contracts gen`: what it writes, what it says, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from registry.cli.gen import gen
from registry.errors import NoRepository, Refused
from tests.released import OWNERSHIP, PLACED, build, placed
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
    assert result.stderr == "2 files out of step; run it again without --check\n"
    assert Path("src/events/placed.py").read_text() == edited
    assert run("--service", "billing").exit_code == 0
    assert run("--service", "billing", "--check").exit_code == 0


def test_an_event_that_is_no_longer_read_loses_its_module(repository: Repository) -> None:
    run("--service", "mail")
    assert names(Path("src/events")) == ["__init__.py", "placed.py", "py.typed"]
    repository.write({"ownership.yaml": OWNERSHIP.replace(", mail]", "]").replace("[orders]", "[orders, mail]")})
    assert "remove  src/events/placed.py\n" in run("--service", "mail").stdout
    assert names(Path("src/events")) == ["__init__.py", "paid.py", "py.typed"]


def test_a_service_with_nothing_left_is_told_so(repository: Repository) -> None:
    result = run("--service", "idle")
    assert (result.exit_code, result.stdout) == (
        0,
        "idle writes and reads no released event, so there are no stubs for it\n",
    )
    assert not Path("src").exists()
    run("--service", "mail")
    repository.write({"ownership.yaml": OWNERSHIP.replace(", mail]", "]")})
    assert run("--service", "mail", "--check").exit_code == 1
    run("--service", "mail")
    assert names(Path("src/events")) == []


@pytest.mark.usefixtures("repository")
def test_an_event_without_a_version_is_noted() -> None:
    assert run("--service", "orders").stderr == (
        "note: shop.Cancelled has no version yet; see: contracts release shop.Cancelled\n"
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
