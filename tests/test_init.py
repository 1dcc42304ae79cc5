"""`contracts init`: what it adopts, what it writes, and what it leaves alone."""

import os
import sys
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from registry.adoption import Adoption, Wishes, plan_adoption, write_adoption
from registry.check import Options, check
from registry.cli import main
from registry.cli.init import init
from registry.errors import NoRepository, Refused
from registry.finding import Report, Severity
from registry.ownership import parse_ownership
from registry.render.adoption import render_adoption
from tests.repo import Repository, forget_git_variables

TODAY = date(2026, 11, 23)


def record(name: str, *types: str) -> str:
    fields = ", ".join(f'{{"name": "f{i}", "type": {type_}}}' for i, type_ in enumerate(types or ('"string"',)))
    return f'{{"type": "record", "name": "{name}", "fields": [{fields}]}}\n'


MONEY = 'syntax = "proto3";\npackage acme.shop;\nmessage Money { int64 units = 1; }\n'
CART = """\
syntax = "proto3";
package acme.shop;
import "shop/money.proto";
message CartItemAdded { Line line = 1; repeated Money prices = 2; message Note { string text = 1; } Note note = 3; }
message Line { string sku = 1; Line next = 2; }
enum Unused { UNUSED_UNSPECIFIED = 0; }
message HTTPCartEmptied { map<string, Money> refunds = 1; }
"""
TREE: dict[str, str | bytes | None] = {
    "content/ContentPublished.avsc": record("acme.content.ContentPublished", '["null", "acme.content.Author"]'),
    "content/ContentRemoved.avsc": record("acme.content.ContentRemoved", '"string"', '"int"'),
    "content/Author.avsc": record("acme.content.Author"),
    "shop/money.proto": MONEY,
    "shop/cart.proto": CART,
}
EVENTS = [
    "acme.content.ContentPublished",
    "acme.content.ContentRemoved",
    "acme.shop.CartItemAdded",
    "acme.shop.HTTPCartEmptied",
]


def below(root: str, files: dict[str, str | bytes | None] = TREE) -> dict[str, str | bytes | None]:
    return {f"{root}/{path}": text for path, text in files.items()}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    forget_git_variables(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = Repository(tmp_path / "repo")
    monkeypatch.chdir(found.path)
    return found


def plan(repository: Repository, wishes: Wishes = Wishes()) -> Adoption:  # noqa: B008 - Wishes is frozen
    return plan_adoption(repository.path, wishes, os.environ)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(init, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result


def read(repository: Repository, path: str) -> str:
    return (repository.path / path).read_text(encoding="utf-8")


def files_of(repository: Repository) -> dict[str, bytes]:
    """Every file of the work tree and of .git."""
    return {
        os.path.relpath(os.path.join(folder, name), repository.path): Path(folder, name).read_bytes()
        for folder, _, names in os.walk(repository.path)
        for name in names
    }


def check_all(repository: Repository, root: str = "contracts") -> Report:
    repository.commit("init")
    return check(repository.path, Options(root=root, everything=True), os.environ, TODAY)


def rules_of(report: Report, severity: Severity) -> set[str]:
    return {finding.rule for finding in report.findings if finding.severity is severity}


# What is adopted ------------------------------------------------------------------------------------------------------


def test_a_tree_of_both_languages_is_adopted_and_passes_the_check(repository: Repository) -> None:
    repository.commit("schemas", below("contracts"))
    output = run().output
    assert "adopted 4 events from 3 .avsc and 2 .proto; 3 shared types reached through them" in output
    ownership = parse_ownership({"ownership.yaml": read(repository, "ownership.yaml")})
    assert ownership.flaws == ()
    assert list(ownership.terms) == EVENTS
    assert {terms.owner for terms in ownership.terms.values()} == {"unassigned"}
    report = check_all(repository)
    assert report.passed
    assert report.judged == tuple(EVENTS)
    assert rules_of(report, Severity.WARNING) >= {"envelope/missing-correlation-id", "envelope/missing-version"}
    assert "ownership/orphan-schema" not in rules_of(report, Severity.WARNING)


def test_a_second_run_has_nothing_to_do(repository: Repository) -> None:
    repository.commit("schemas", below("contracts"))
    run("--github")
    before = files_of(repository)
    assert run("--github").output == "nothing to do\n"
    repository.commit("init")
    assert run("--github").output == "nothing to do\n"
    assert {path: before[path] for path in before if not path.startswith(".git/")} == {
        path: text for path, text in files_of(repository).items() if not path.startswith(".git/")
    }


def test_an_empty_repository_gets_an_example_that_carries_the_whole_envelope(repository: Repository) -> None:
    output = run().output
    assert "there is no schema yet: contracts/example/SomethingHappened.avsc is an example to replace" in output
    assert "envelope: warning" not in read(repository, "contracts/policy.yaml")
    report = check_all(repository)
    assert report.passed and report.judged == ("example.SomethingHappened",)
    assert not {finding.rule for finding in report.findings if finding.rule.startswith(("envelope", "schema"))}


def test_a_repository_without_a_commit_is_adopted_too(repository: Repository) -> None:
    repository.write(below("contracts"))
    assert "adopted 4 events" in run().output
    assert check_all(repository).passed


def test_types_that_refer_to_each_other_alone_still_have_one_event(repository: Repository) -> None:
    circle = 'syntax = "proto3"; package c; message A { B b = 1; } message B { A a = 1; }'
    repository.commit("schemas", {"contracts/c.proto": circle, "contracts/r.avsc": record("c.R", '["null", "c.R"]')})
    assert list(parse_ownership({"o": _text(plan(repository), "ownership.yaml")}).terms) == ["c.A", "c.R"]


def test_an_avro_file_of_several_records_gives_an_event_for_each(repository: Repository) -> None:
    union = ", ".join([record("u.One"), record("u.Two", '"u.One"'), record("u.Three")])
    repository.commit("schemas", {"contracts/u.avsc": f"[{union}]"})
    assert list(parse_ownership({"o": _text(plan(repository), "ownership.yaml")}).terms) == ["u.Three", "u.Two"]


def test_a_schema_that_cannot_be_read_is_named_and_the_others_are_adopted(repository: Repository) -> None:
    bad = {"contracts/bad.avsc": "{", "contracts/bad.proto": 'syntax = "proto3"; message { }'}
    repository.commit("schemas", {**below("contracts"), **bad})
    adoption = plan(repository)
    assert list(parse_ownership({"o": _text(adoption, "ownership.yaml")}).terms) == EVENTS
    left_out = [note for note in adoption.notes if note.startswith("not adopted, since it cannot be read: ")]
    assert [note.split(": ")[1].split(":")[0] for note in left_out] == ["contracts/bad.avsc", "contracts/bad.proto"]


def _text(adoption: Adoption, path: str) -> str:
    return next(each.added for each in adoption.planned if each.path == path).decode()


# Where the schemas are ------------------------------------------------------------------------------------------------


def test_schemas_elsewhere_are_found_and_their_folder_is_the_root(repository: Repository) -> None:
    repository.commit("schemas", below("src/événements und mehr"))
    output = run("--github").output
    assert "5 schema files below src/événements und mehr, which is the root from now on" in output
    assert "contracts check --all --root 'src/événements und mehr'" in output
    assert 'args: [--root, "src/événements und mehr"]' in read(repository, ".pre-commit-config.yaml")
    assert 'root: "src/événements und mehr"' in read(repository, ".github/workflows/contracts.yml")
    report = check_all(repository, "src/événements und mehr")
    assert report.passed and len(report.judged) == 4
    assert run("--github").output == "nothing to do\n"


def test_the_root_is_where_protobuf_imports_resolve(repository: Repository) -> None:
    files = {path.replace("shop/", "proto/shop/"): text for path, text in TREE.items() if path.endswith(".proto")}
    repository.commit("schemas", files)
    assert plan(repository).root == "proto"


def test_schemas_at_the_top_make_the_top_the_root(repository: Repository) -> None:
    repository.commit("schemas", TREE)
    run()
    assert "args: [--root, " in read(repository, ".pre-commit-config.yaml")
    assert check_all(repository, ".").passed


def test_a_root_that_is_named_is_taken(repository: Repository) -> None:
    repository.commit("schemas", below("proto"))
    adoption = plan(repository, Wishes(root="./events/"))
    assert adoption.root == "events"
    assert any("nothing lies below ./events/; 5 schema files below proto" in note for note in adoption.notes)
    assert "entities: {}" in _text(adoption, "ownership.yaml")


@pytest.mark.parametrize("root", ["../elsewhere", "a/../../b", ".git/contracts", "a\nb"])
def test_a_root_that_is_no_folder_of_the_repository_is_refused(repository: Repository, root: str) -> None:
    with pytest.raises(Refused):
        plan(repository, Wishes(root=root))


def test_the_top_is_found_from_a_folder_below(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit("schemas", below("contracts"))
    monkeypatch.chdir(repository.path / "contracts/shop")
    run()
    assert (repository.path / "ownership.yaml").is_file()


def test_ignored_schemas_are_not_adopted(repository: Repository) -> None:
    repository.commit("base", {".gitignore": "/build/\n"})
    repository.write(below("build"))
    assert plan(repository).notes == (
        "there is no schema yet: contracts/example/SomethingHappened.avsc is an example to replace",
    )


# What is written ------------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_diff_and_writes_nothing(repository: Repository) -> None:
    repository.commit("schemas", {**below("contracts"), "CODEOWNERS": "/docs @acme/docs\n"})
    before = files_of(repository)
    output = run("--dry-run", "--github").output
    assert files_of(repository) == before
    assert "--- /dev/null\n+++ b/ownership.yaml\n" in output
    assert "--- a/CODEOWNERS\n+++ b/CODEOWNERS\n" in output
    assert " /docs @acme/docs\n+/ownership.yaml @your-org/architecture\n" in output
    assert output.endswith("nothing was written (--dry-run)\n")


def test_what_is_shown_is_what_is_written(repository: Repository) -> None:
    repository.commit("schemas", below("contracts"))
    planned = plan(repository, Wishes(github=True))
    write_adoption(planned)
    assert {each.path: each.added for each in planned.planned} == {
        each.path: (repository.path / each.path).read_bytes() for each in planned.planned
    }
    assert [each.path for each in planned.planned] == [
        "ownership.yaml",
        "contracts/policy.yaml",
        ".pre-commit-config.yaml",
        ".github/workflows/contracts.yml",
        ".github/CODEOWNERS",
    ]


def test_what_exists_is_left_as_it_is(repository: Repository) -> None:
    mine: dict[str, str | bytes | None] = {
        "ownership.yaml": "version: 1\n",
        "contracts/policy.yaml": "version: 1\n",
        ".pre-commit-config.yaml": "repos: []\n",
        ".github/workflows/contracts.yml": "on: push\n",
        ".github/CODEOWNERS": "* @acme/all\n",
    }
    repository.commit("mine", {**below("contracts"), **mine})
    output = run().output
    assert output.startswith("nothing to do\n")
    assert "left to you: add the hook to .pre-commit-config.yaml, under `repos:`" in output
    assert "      - repo: https://github.com/event-contracts/event-contracts\n        rev: v0.1.0\n" in output
    assert "left to you: add the check to .github/workflows/contracts.yml, under `steps:`" in output
    assert {path: read(repository, path) for path in mine} == mine


def test_a_file_that_git_ignores_is_not_overwritten_either(repository: Repository) -> None:
    repository.commit("base", {**below("contracts"), ".gitignore": "ownership.yaml\n"})
    repository.write({"ownership.yaml": "mine\n"})
    run()
    assert read(repository, "ownership.yaml") == "mine\n"


def test_the_line_of_codeowners_is_appended_with_the_line_ending_of_the_file(repository: Repository) -> None:
    repository.commit("base", {".github/CODEOWNERS": "# ours\r\n/docs @acme/docs", **below("contracts")})
    output = run().output
    expected = b"# ours\r\n/docs @acme/docs\r\n/ownership.yaml @your-org/architecture\r\n"
    assert (repository.path / ".github/CODEOWNERS").read_bytes() == expected
    assert "left to you: put who answers for ownership.yaml in the place of this owner in .github/CODEOWNERS" in output
    assert run().output == "nothing to do\n"


@pytest.mark.parametrize(("arguments", "written"), [([], False), (["--github"], True), (["--no-github"], False)])
def test_github_is_served_where_it_is_used_or_asked_for(
    repository: Repository, arguments: list[str], written: bool
) -> None:
    run(*arguments)
    assert (repository.path / ".github/workflows/contracts.yml").exists() is written
    assert (repository.path / ".github/CODEOWNERS").exists() is written


def test_github_is_served_if_there_is_such_a_folder_unless_it_is_declined(repository: Repository) -> None:
    repository.commit("base", {".github/dependabot.yml": "version: 2\n"})
    assert not any(each.path.startswith(".github") for each in plan(repository, Wishes(github=False)).planned)
    assert any(each.path.startswith(".github") for each in plan(repository).planned)


def test_a_workflow_that_uses_the_action_is_enough(repository: Repository) -> None:
    step = "steps: [{uses: event-contracts/event-contracts@v0.1.0}]\n"
    repository.commit("base", {".github/workflows/ci.yaml": step})
    assert ".github/workflows/contracts.yml" not in {each.path for each in plan(repository).planned}


def test_the_service_and_the_team_that_are_named_own_the_events(repository: Repository) -> None:
    repository.commit("schemas", below("contracts"))
    run("--service", "content-api", "--team", "Größe & Co: 1")
    ownership = parse_ownership({"ownership.yaml": read(repository, "ownership.yaml")})
    assert ownership.flaws == ()
    assert {terms.owner for terms in ownership.terms.values()} == {"content-api"}
    assert ownership.services["content-api"].team == "Größe & Co: 1"
    assert list(ownership.teams) == ["Größe & Co: 1"]
    assert "Nobody yet" not in read(repository, "ownership.yaml")
    assert check_all(repository).passed


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[31m"])
def test_a_name_that_no_service_can_have_is_refused(repository: Repository, name: str) -> None:
    with pytest.raises(Refused, match="no name of a service"):
        plan(repository, Wishes(service=name))


def test_a_link_in_the_way_is_refused_and_nothing_is_written(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (repository.path / ".github").symlink_to(tmp_path / "outside")
    with pytest.raises(Refused, match=r"\.github is a symbolic link"):
        write_adoption(plan(repository))
    assert not (repository.path / "ownership.yaml").exists()
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_file_in_the_way_of_a_folder_is_refused_and_what_was_made_is_removed(repository: Repository) -> None:
    adoption = plan(repository, Wishes(github=True))
    repository.write({".github": "a file"})
    with pytest.raises(Refused, match=r"\.github/workflows/contracts\.yml cannot be written"):
        write_adoption(adoption)
    assert not (repository.path / "ownership.yaml").exists()
    assert read(repository, ".github") == "a file"


def test_a_file_made_in_the_meantime_is_not_overwritten(repository: Repository) -> None:
    adoption = plan(repository)
    repository.write({"ownership.yaml": "mine\n"})
    with pytest.raises(Refused, match=r"ownership\.yaml cannot be written"):
        write_adoption(adoption)
    assert read(repository, "ownership.yaml") == "mine\n"


def test_outside_of_a_repository_the_way_out_is_git_init(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forget_git_variables(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["contracts", "init"])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    assert "git init" in capsys.readouterr().err
    with pytest.raises(NoRepository):
        plan_adoption(tmp_path, Wishes(), {})


def test_a_bare_repository_is_refused(repository: Repository, tmp_path: Path) -> None:
    repository.commit("schemas", below("contracts"))
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    with pytest.raises(Refused, match="bare"):
        plan_adoption(tmp_path / "bare", Wishes(), os.environ)


def test_the_diff_is_coloured_on_a_terminal_only(repository: Repository) -> None:
    adoption = plan(repository)
    assert "\x1b" not in render_adoption(adoption, written=False)
    assert "\x1b[32m+version: 1\x1b[0m" in render_adoption(adoption, written=False, colour=True)
