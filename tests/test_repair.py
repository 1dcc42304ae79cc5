"""`contracts check --fix` and `--diff`: tried before they are written, all files or none, and never the index."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.check import Options, check
from registry.errors import Refused
from registry.repair import find_repairs, write_repairs
from tests.repairs import ID, NULLABLE, TODAY, A, mend, repairs_of
from tests.repo import ENVIRONMENT, Repository
from tests.story import Done, run_contracts, stand_alone

PATH = "contracts/A.avsc"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    stand_alone(monkeypatch, tmp_path / "cache")
    return Repository(tmp_path / "here")


@pytest.fixture
def command(here: Repository, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    here.commit("was", {PATH: A % ID})
    here.write({PATH: NULLABLE})
    return lambda *arguments: run_contracts(monkeypatch, here.path, ["check", *arguments])


def test_the_report_after_fixing_is_what_a_second_run_says(here: Repository, command: Callable[..., Done]) -> None:
    assert command().code == 1
    fixed = command("--fix")
    assert fixed.code == 0
    assert fixed.stderr == "fixed contracts/A.avsc:1: gave 'b' the default null\n"
    assert fixed.stdout == command().stdout
    again = command("--fix")
    assert (again.code, again.stderr) == (0, "nothing to fix\n")


def test_a_diff_writes_nothing_and_exits_as_the_check_does(here: Repository, command: Callable[..., Done]) -> None:
    done = command("--diff")
    assert (done.code, done.stderr) == (1, "")
    assert done.stdout.startswith("diff --git a/contracts/A.avsc b/contracts/A.avsc\n--- a/contracts/A.avsc\n")
    assert (here.path / PATH).read_text() == NULLABLE
    here.write({PATH: A % ID})
    done = command("--diff")
    assert (done.code, done.stdout, done.stderr) == (0, "", "nothing to fix\n")


def test_a_diff_has_no_other_format(command: Callable[..., Done]) -> None:
    assert command("--diff", "--format", "json").code == 2
    assert command("--diff", "--fix").code == 2


def test_json_says_what_is_left_and_what_could_be_fixed(command: Callable[..., Done]) -> None:
    before = json.loads(command("--format", "json").stdout)
    assert [finding["fixable"] for finding in before["findings"]] == [True]
    assert json.loads(command("--fix", "--format", "json").stdout)["passed"]


def test_the_index_is_left_and_the_run_fails_so_that_the_edit_is_staged(
    here: Repository, command: Callable[..., Done]
) -> None:
    here.git("add", "--all")
    done = command("--staged", "--fix")
    assert done.code == 1
    assert done.stderr.endswith("the index is as it was: git add --update  stages what was fixed\n")
    assert here.git("show", f":{PATH}") + "\n" == NULLABLE
    assert "default" in (here.path / PATH).read_text()
    refused = command("--staged", "--fix")
    assert refused.code == 2
    assert refused.stderr == (
        "error: 'contracts/A.avsc' is staged with another text than it has in the work tree\n"
        "help: stage it as it is (git add -- 'contracts/A.avsc'), or run it without --staged\n"
    )
    here.git("add", "--all")
    assert command("--staged", "--fix").code == 0


def test_a_commit_is_not_edited(here: Repository, command: Callable[..., Done]) -> None:
    here.commit("now")
    done = command("--head", "HEAD", "--against", "HEAD~1", "--fix")
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --head judges a commit, and a commit cannot be edited\n")


def test_an_edit_that_would_change_what_older_events_mean_is_not_made(
    here: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.commit("was", {"contracts/A.avsc": A % '{"name": "at", "type": "long"}'})
    now = A % '{"name": "at", "type": "long", "logicalType": "timestamp-millis"}'
    here.write({"contracts/A.avsc": now})
    for only in ((), ("--only", "schema")):  # whatever is asked about
        done = run_contracts(monkeypatch, here.path, ["check", "--fix", *only])
        assert "not fixed contracts/A.avsc:1:90: the edit alone would not do; see its help\n" in done.stderr
        assert (here.path / "contracts/A.avsc").read_text() == now


def test_of_several_edits_the_ones_that_hold_are_made(here: Repository) -> None:
    at, b = (
        '{"name": "at", "type": "long", "logicalType": "timestamp-millis"}',
        '{"name": "b", "type": ["null", "int"]}',
    )
    here.commit("was", {"contracts/A.avsc": A % '{"name": "at", "type": "long"}'})
    here.write({"contracts/A.avsc": A % f"{at}, {b}"})
    found = repairs_of(here)
    assert [repair.done for repair in found.repairs] == ["gave 'b' the default null"]
    assert [str(place) for place in found.skipped] == ["contracts/A.avsc:1:90"]


def test_a_file_behind_a_link_is_not_edited(here: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here.commit("was", {"contracts/a/A.avsc": A % ID})
    here.stage({"contracts/a/A.avsc": NULLABLE})
    (here.path / "contracts/a").rename(tmp_path / "elsewhere")
    (here.path / "contracts/a").symlink_to(tmp_path / "elsewhere")
    done = run_contracts(monkeypatch, here.path, ["check", "--staged", "--fix"])
    assert done.code == 2
    assert (tmp_path / "elsewhere/A.avsc").read_text() == NULLABLE


def test_a_file_that_a_filter_stores_otherwise_is_left(here: Repository, command: Callable[..., Done]) -> None:
    here.write({".gitattributes": "*.avsc filter=longer\n"})
    here.git("config", "filter.longer.clean", 'sed \'s/"b"/"bb"/g\'')
    done = command("--fix")
    assert (done.code, (here.path / PATH).read_text()) == (1, NULLABLE)
    assert done.stderr.startswith("not fixed contracts/A.avsc:1:")


def test_the_mode_of_a_file_is_kept_and_nothing_lies_beside_it(here: Repository, command: Callable[..., Done]) -> None:
    (here.path / PATH).chmod(0o750)
    assert command("--fix").code == 0
    assert (here.path / PATH).stat().st_mode & 0o777 == 0o750
    assert os.listdir(here.path / "contracts") == ["A.avsc"]


def test_where_one_file_cannot_be_written_none_is(here: Repository, command: Callable[..., Done]) -> None:
    large = "contracts/B.avsc"
    doc = f'{{"name": "doc", "type": "string", "doc": "{"x" * 9000}"}}'
    here.commit("was", {PATH: A % ID, large: A.replace('"A"', '"B"') % doc})
    now = A.replace('"A"', '"B"') % f'{doc}, {{"name": "b", "type": ["null", "int"]}}'
    here.write({PATH: NULLABLE, large: now})
    found = repairs_of(here)
    assert list(found.texts) == [PATH, large]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
        with pytest.raises(Refused, match=r"'contracts/B.avsc' cannot be written: File too large"):
            write_repairs(found)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ((here.path / PATH).read_text(), (here.path / large).read_text()) == (NULLABLE, now)
    assert sorted(os.listdir(here.path / "contracts")) == ["A.avsc", "B.avsc"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(here: Repository, command: Callable[..., Done]) -> None:
    found = repairs_of(here)
    here.write({PATH: A % ID})
    with pytest.raises(Refused, match="changed while it was judged"):
        write_repairs(found)
    assert (here.path / PATH).read_text() == A % ID


@pytest.mark.parametrize("name", ["a b.avsc", 'a "b".avsc', "a\tb.avsc", "größe.avsc", "a\\b.avsc"])
def test_a_patch_names_files_of_any_name(here: Repository, name: str) -> None:
    done, text = mend(here, f"contracts/{name}", A % ID, NULLABLE)
    assert done and '"default": null' in text


def test_a_finding_that_somebody_answers_for_is_left(here: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    ownership = (
        "version: 1\nteams: {t: {github: '@t'}}\nservices: {s: {team: t}}\nentities:\n  E:\n    owner: s\n"
        "    events:\n      A: {}\n"
    )
    waiver = (
        "waivers:\n  - rule: compat/reader-field-missing-default-value\n    target: event:A\n"
        "    reason: nobody reads it\n"
        "    approved_by: '@t'\n    expires: 2999-01-01\n"
    )
    policy = "version: 1\nwaivers: {approvers: ['@t']}\n"
    here.commit("was", {PATH: A % ID, "ownership.yaml": ownership, "contracts/policy.yaml": policy})
    here.write({PATH: NULLABLE, "ownership.yaml": ownership + waiver})
    report = check(here.path, Options(only=("compat",)), os.environ, TODAY)
    assert [(finding.rule, finding.waiver is None) for finding in report.findings] == [
        ("compat/reader-field-missing-default-value", False)
    ]
    assert find_repairs(report, here.path, Options(only=("compat",)), os.environ, TODAY).repairs == ()


def test_a_type_that_events_share_is_mended_once(here: Repository) -> None:
    shared = {"contracts/S.avsc": A.replace('"A"', '"S"') % ID}
    users = {f"contracts/{name}.avsc": A.replace('"A"', f'"{name}"') % '{"name": "s", "type": "S"}' for name in "XYZ"}
    here.commit("was", {**shared, **users})
    here.write({"contracts/S.avsc": A.replace('"A"', '"S"') % f'{ID}, {{"name": "b", "type": ["null", "int"]}}'})
    found = repairs_of(here)
    assert [repair.done for repair in found.repairs] == ["gave 'b' the default null"]
    assert found.left.findings == ()


def test_a_check_that_mends_nothing_does_not_load_the_repairs(here: Repository, command: Callable[..., Done]) -> None:
    code = (
        "import sys; sys.argv = ['contracts', 'check']\nfrom registry.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith('registry') and ('repair' in name or 'edit' in name)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=here.path,
        env={**ENVIRONMENT, "PYTHONPATH": os.fspath(Path(__file__).parent.parent), "XDG_CACHE_HOME": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("\n[]\n")


def test_a_finding_elsewhere_that_names_a_line_of_the_file_stops_nothing(here: Repository) -> None:
    fixed = '{"type": "fixed", "name": "F", "size": 1}'
    field = f'{{"name": "f", "type": {fixed}, "default": "x"}}'
    here.commit("was", {PATH: A % f"{ID},\n{field}"})
    user = A.replace('"A"', '"U"') % '{"name": "f", "type": "F"}'
    below = A % f'{ID},\n{{"name": "b",\n"type": ["null", "int"]}},\n{field}'
    here.write({"contracts/F.avsc": fixed, "contracts/U.avsc": user, PATH: below})
    found = repairs_of(here)
    assert [repair.done for repair in found.repairs] == ["gave 'b' the default null"]
    (left,) = [finding for finding in found.left.findings if finding.rule == "schema/ambiguous-reference"]
    assert left.problem.message == "F is defined at contracts/A.avsc:5:23 and contracts/F.avsc:1:1"
