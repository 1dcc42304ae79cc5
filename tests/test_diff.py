"""`contracts diff`: two revisions of a repository, and what it prints of them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from registry.amendment import Amendments, read_amendments
from registry.cli.diff import diff
from registry.difference import Difference
from registry.errors import NoRepository, UnknownRevision, Unreadable
from registry.render.amendments import render_amendments_json, render_amendments_text
from tests.repo import Repository, forget_git_variables

UNION = '["null", "string"]'


def record(*fields: str, name: str = "a.Order", more: str = "") -> str:
    return f'{{"type": "record", "name": "{name}", {more} "fields": [{", ".join(fields)}]}}'


def field(name: str, type_: str = '"string"', more: str = "") -> str:
    return f'{{"name": "{name}", "type": {type_}{f", {more}" if more else ""}}}'


def show(differences: list[Difference]) -> list[str]:
    return [f"{each.sign} {each.words}" for each in differences]


OWNERSHIP = """\
version: 1
teams: {t: {}}
services: {writer: {team: t}, reader: {team: t}, late: {team: t}}
entities:
  Order:
    owner: writer
    topic: orders
    events:
      a.OrderPlaced: {subscribers: [reader]}
"""
ORDER = record(field("id"), field("by", '"a.Author"'), name="a.OrderPlaced")
AUTHOR = record(field("name"), name="a.Author")
BASE = {"ownership.yaml": OWNERSHIP, "contracts/OrderPlaced.avsc": ORDER, "contracts/Author.avsc": AUTHOR}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    forget_git_variables(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = Repository(tmp_path / "repo")
    monkeypatch.chdir(found.path)
    return found


def look(repository: Repository, *revisions: str, root: str = "contracts") -> Amendments:
    return read_amendments(repository.path, revisions, root, {"XDG_CACHE_HOME": str(repository.path.parent / "cache")})


def lines_of(found: Amendments) -> dict[str, list[str]]:
    return {f"{each.sign} {each.name}": show(list(each.differences)) for each in found.contracts}


def test_terms_are_told(repository: Repository) -> None:
    repository.commit("base", BASE)
    changed = OWNERSHIP.replace("owner: writer", "owner: late\n    key: id").replace("[reader]", "[late]")
    repository.write({"ownership.yaml": changed.replace("topic: orders", "topic: shop.orders")})
    assert lines_of(look(repository)) == {
        "~ a.OrderPlaced": [
            "~ owner: writer -> late",
            "~ topic: orders -> shop.orders",
            "+ key: id",
            "+ subscriber late",
            "- subscriber reader",
        ]
    }


def test_modes_versions_written_and_fields_read_are_told(repository: Repository) -> None:
    repository.commit("base", BASE)
    terms = (
        "{subscribers: [{service: reader, reads: [1], fields: [id]}], writes: [1], compatibility: FULL, retired: [1]}"
    )
    repository.write({"ownership.yaml": OWNERSHIP.replace("{subscribers: [reader]}", terms)})
    assert lines_of(look(repository)) == {
        "~ a.OrderPlaced": [
            "~ mode: BACKWARD_TRANSITIVE -> FULL",
            "+ writes: 1",
            "~ subscriber reader -> reader (reads 1; fields id)",
            "+ version 1 retired",
        ]
    }


def test_a_shared_type_is_told_in_each_contract_and_printed_once(repository: Repository) -> None:
    two = OWNERSHIP + "      a.OrderPaid: {}\n"
    paid = ORDER.replace("OrderPlaced", "OrderPaid")
    repository.commit("base", {**BASE, "ownership.yaml": two, "contracts/OrderPaid.avsc": paid})
    repository.write({"contracts/Author.avsc": record(field("name"), field("mail", UNION), name="a.Author")})
    found = look(repository)
    line = ["+ field mail of Author: null | string"]
    assert lines_of(found) == {"~ a.OrderPlaced": line, "~ a.OrderPaid": line}
    text = render_amendments_text(found)
    assert text.count("field mail") == 1
    assert "    and 1 in shared types, told of above\n" in text


def test_a_contract_that_is_new_gone_or_renamed_is_so_called(repository: Repository) -> None:
    gone = "contracts/Old.avsc"
    terms = OWNERSHIP + "      a.Old: {}\n"
    repository.commit("base", {**BASE, "ownership.yaml": terms, gone: record(field("x"), name="a.Old")})
    new = record(field("x"), name="a.New")
    renamed = ORDER.replace("a.OrderPlaced", "a.OrderTaken").replace('"fields"', '"aliases": ["OrderPlaced"], "fields"')
    repository.write(
        {
            "ownership.yaml": terms.replace("a.Old:", "a.New:").replace("OrderPlaced", "OrderTaken"),
            gone: None,
            "contracts/deep/New.avsc": new,
            "contracts/OrderPlaced.avsc": renamed,
        }
    )
    found = look(repository)
    assert [(each.sign, each.name, each.was) for each in found.contracts] == [
        ("~", "a.OrderTaken", "a.OrderPlaced"),
        ("+", "a.New", ""),
        ("-", "a.Old", ""),
    ]
    assert show(list(found.contracts[0].differences)) == ["~ record OrderPlaced renamed to OrderTaken (by alias)"]
    assert show(list(found.contracts[1].differences))[0] == "+ record New with 1 field"


def test_layout_alone_is_said_to_be_nothing(repository: Repository) -> None:
    repository.commit("base", BASE)
    repository.write({"contracts/OrderPlaced.avsc": ORDER.replace('"fields"', '\n "pii": true, "fields"')})
    text = render_amendments_text(look(repository))
    assert "nothing in its types: layout, comments or options only" in text
    assert text.endswith("1 contract differs between HEAD and the work tree: 1 in layout, comments or options only\n")


def test_nothing_changed_is_one_line(repository: Repository) -> None:
    repository.commit("base", BASE)
    assert render_amendments_text(look(repository)) == "no contract differs between HEAD and the work tree\n"


def test_two_revisions_and_one_against_the_work_tree(repository: Repository) -> None:
    repository.commit("one", BASE)
    repository.tag("v1")
    more = ORDER.replace('"fields": [', '"fields": [' + field("n", '"int"') + ", ")
    repository.commit("two", {"contracts/OrderPlaced.avsc": more})
    repository.write({"contracts/OrderPlaced.avsc": more.replace('"int"', '"long"')})
    assert lines_of(look(repository, "v1", "HEAD")) == {"~ a.OrderPlaced": ["+ field n: int"]}
    assert lines_of(look(repository, "HEAD", "v1")) == {"~ a.OrderPlaced": ["- field n: int"]}
    assert lines_of(look(repository)) == {"~ a.OrderPlaced": ["~ field n: int -> long"]}
    assert lines_of(look(repository, "v1")) == {"~ a.OrderPlaced": ["+ field n: long"]}


def test_before_the_first_commit_everything_is_new(repository: Repository) -> None:
    repository.write(BASE)
    assert [each.sign for each in look(repository).contracts] == ["+"]


def test_a_tree_without_ownership_is_told_file_by_file(repository: Repository) -> None:
    money = 'syntax = "proto3"; package shop; message Money { string currency = 1; }'
    cart = 'syntax = "proto3"; package shop; import "money.proto"; message Cart { Money sum = 1; }'
    repository.commit("base", {"größe 1/a.avsc": ORDER.replace('"a.Author"', '"int"'), "größe 1/money.proto": money})
    repository.write(
        {
            "größe 1/a.avsc": ORDER.replace('"a.Author"', '"long"'),
            "größe 1/money.proto": money.replace("1; }", "1; int64 units = 2; }"),
            "größe 1/cart.proto": cart,
        }
    )
    found = look(repository, root="größe 1")
    assert lines_of(found) == {
        "~ a.OrderPlaced": ["~ field by: int -> long"],
        "+ größe 1/cart.proto": ["+ message Cart with 1 field"],
        "~ größe 1/money.proto": ["+ field units of Money: int64, number 2"],
    }
    assert "größe 1/money.proto:1" in render_amendments_text(found)


def test_a_file_that_no_contract_reaches_is_not_passed_over(repository: Repository) -> None:
    repository.commit("base", BASE)
    repository.write({"contracts/Stray.avsc": record(field("x"), name="a.Stray")})
    found = look(repository)
    assert found.contracts == () and found.unreached == (("+", "contracts/Stray.avsc"),)
    assert "  + contracts/Stray.avsc\n" in render_amendments_text(found)


def test_a_schema_that_cannot_be_read_fails_the_run(repository: Repository) -> None:
    repository.commit("base", BASE)
    repository.write({"contracts/OrderPlaced.avsc": ORDER.replace('"string"', '"strang"')})
    result = CliRunner().invoke(diff, [])
    assert result.exit_code == 1
    assert "! the work tree holds no valid schema of it" in result.output
    assert "contracts/OrderPlaced.avsc:1:" in result.output
    assert "1 could not be read" in result.output


def test_the_command_prints_text_and_json(repository: Repository) -> None:
    repository.commit("base", BASE)
    repository.write({"contracts/OrderPlaced.avsc": ORDER.replace(field("id") + ",", "")})
    text = CliRunner().invoke(diff, ["HEAD"])
    assert text.exit_code == 0
    assert text.output == (
        "~ a.OrderPlaced\n"
        "  - field id: string  contracts/OrderPlaced.avsc:1 (HEAD)\n"
        "\n"
        "1 contract differs between HEAD and the work tree: 1 changed\n"
    )
    found = json.loads(CliRunner().invoke(diff, ["--format", "json"]).output)
    assert (found["before"], found["after"], found["version"]) == ("HEAD", "the work tree", 1)
    assert found["contracts"][0]["differences"] == [
        {
            "sign": "-",
            "path": "a.OrderPlaced/id",
            "words": "field id: string",
            "location": {"file": "contracts/OrderPlaced.avsc", "line": 1, "column": 57, "pointer": "/fields/0"},
            "revision": "HEAD",
        }
    ]


def test_signs_have_colours_and_hostile_names_have_none(repository: Repository) -> None:
    repository.commit("base", {**BASE, "contracts/x.avsc": "{}"})
    repository.write({"contracts/x.avsc": None, "contracts/\x1b[31m.avsc": "{}"})
    found = look(repository)
    assert "\x1b" not in render_amendments_text(found)
    assert "\x1b[31m-\x1b[0m contracts/x.avsc" in render_amendments_text(found, colour=True)
    assert json.loads(render_amendments_json(found))["unreached"][0]["sign"] == "+"


def test_what_keeps_us_from_looking_is_an_error(repository: Repository, tmp_path: Path) -> None:
    repository.commit("base", {"README.md": "x"})
    with pytest.raises(UnknownRevision, match="nope"):
        look(repository, "nope")
    with pytest.raises(Unreadable, match=r"holds no \.avsc and no \.proto below contracts"):
        look(repository)
    (tmp_path / "nowhere").mkdir()
    with pytest.raises(NoRepository):
        read_amendments(tmp_path / "nowhere", (), "contracts", {})
