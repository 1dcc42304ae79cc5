"""What cannot have stubs is found before it is released; the cheap look that comes first misses nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from registry.check import Options, check
from registry.finding import Problem
from tests.codegen_packages import Json, event, field, record
from tests.released import TODAY, freeze
from tests.repo import Repository

OWNERSHIP = """\
version: 1
teams: {sales: {}}
services: {orders: {team: sales}, billing: {team: sales}}
entities:
  Order: {owner: orders, events: {shop.Placed: {subscribers: [billing]}}}
"""
PLACED = "contracts/Placed.avsc"
HELP = ": once it is released, it stays so, and has no stubs"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    made = Repository(tmp_path / "repository")
    made.commit("ownership", {"ownership.yaml": OWNERSHIP, "CODEOWNERS": "* @shop/sales\n"})
    return made


def found(repository: Repository, rule: str = "schema/unnameable") -> list[Problem]:
    report = check(repository.path, Options(against="HEAD"), os.environ, TODAY)
    assert not [finding for finding in report.findings if finding.rule == "schema/invalid"]
    return [finding.problem for finding in report.findings if finding.rule == rule]


def write(repository: Repository, schema: Json) -> None:
    repository.write({PLACED: json.dumps(schema, indent=1)})


def fixed(name: str, size: int = 4) -> Json:
    return {"type": "fixed", "name": name, "size": size}


def enum(name: str, *symbols: str) -> Json:
    return {"type": "enum", "name": name, "symbols": list(symbols)}


def nest(levels: int) -> Any:
    type_: Any = "int"
    for _ in range(levels):
        type_ = {"type": "array", "items": type_}
    return type_


UNNAMEABLE: list[tuple[list[Json], str]] = [
    ([field("class", "int"), field("class_", "int")], "the attribute class_ of shop.Placed would stand for 'class'"),
    ([field("__id", "int"), field("id__", "int")], "the attribute id__ of shop.Placed would stand for '__id'"),
    ([field("e", enum("Kind", "name", "name_"))], "the member name_ of shop.Kind would stand for 'name'"),
    ([field("e", enum("Kind", "_Kind__x"))], "'_Kind__x' cannot be a member of the class Kind"),
    (
        [field("a", record("None", field("x", "int"))), field("b", record("None_", field("x", "int")))],
        "the class None_ would stand for shop.None",
    ),
    ([field("c", record("PlacedConsumer", field("x", "int")))], "the class PlacedConsumer would stand for"),
    ([field("c", record("PlacedAsyncProducer", field("x", "int")))], "the class PlacedAsyncProducer would stand for"),
    (
        [field("u", [fixed("A"), fixed("B")])],
        "fixed shop.B of 4 bytes comes after fixed shop.A of 4 bytes, and no Python value",
    ),
    ([field("u", ["bytes", fixed("B")])], "fixed shop.B of 4 bytes comes after bytes, and no"),
    ([field("u", {"type": "array", "items": ["null", fixed("A"), fixed("B")]})], "fixed shop.B of 4 bytes comes after"),
    ([field("again", ["null", "shop.Placed"])], "shop.Placed holds fields of the envelope, and is used again"),
    ([field("deep", nest(33))], "field 'deep' nests deeper than 32 levels"),
]


@pytest.mark.parametrize(("fields", "message"), UNNAMEABLE)
def test_what_has_no_stubs_is_found_in_the_head(repository: Repository, fields: list[Json], message: str) -> None:
    write(repository, event("Placed", *fields))
    (problem,) = found(repository)
    assert problem.message.startswith(message)
    assert problem.location.path == PLACED
    assert problem.help[0].endswith(HELP)
    assert "release that" not in problem.help[0]


NAMEABLE: list[list[Json]] = [
    [field("class", "int"), field("other", "int")],
    [field("e", enum("Kind", "name", "value"))],
    [field("u", ["null", fixed("A"), "string"])],
    [field("u", [record("A", field("x", "int")), record("B", field("x", "int"))])],
    [field("deep", nest(32))],
    [field("kept_", "int"), field("_kept", "int")],
]


@pytest.mark.parametrize("fields", NAMEABLE)
def test_what_has_stubs_is_not_spoken_of(repository: Repository, fields: list[Json]) -> None:
    write(repository, event("Placed", *fields))
    assert found(repository) == []


def test_a_record_of_the_envelope_that_is_used_again_is_found(repository: Repository) -> None:
    policy = "version: 1\nenvelope: {correlation_id: {field: meta.correlation_id}, schema_version: {field: meta.n}}\n"
    repository.commit("policy", {"contracts/policy.yaml": policy})
    inner = record("Meta", field("correlation_id", "string"), field("n", "int"), field("mine", "int"))
    write(repository, record("Placed", field("meta", inner), namespace="shop"))
    assert found(repository) == []
    write(repository, record("Placed", field("meta", inner), field("last", "shop.Meta"), namespace="shop"))
    assert [problem.message for problem in found(repository)] == [
        "shop.Meta holds fields of the envelope, and is used again by field 'last'"
    ]


def test_a_type_that_is_called_as_the_class_of_a_released_version_is_found(repository: Repository) -> None:
    write(repository, event("Placed", field("by", ["null", record("Author", field("x", "int"))], default=None)))
    freeze(repository, "shop.Placed")
    repository.commit("v1", {})
    branches = ["null", record("Author", field("x", "int")), record("AuthorV1", field("y", "int"))]
    write(repository, event("Placed", field("by", branches, default=None)))
    (problem,) = found(repository)
    assert problem.message.startswith("the class AuthorV1 would stand for shop.AuthorV1 v2 (")


def test_what_is_released_already_is_past_help(repository: Repository) -> None:
    write(repository, event("Placed", field("class", "int"), field("class_", "int")))
    freeze(repository, "shop.Placed")
    assert found(repository) == []


def test_protobuf_is_looked_at_as_well(repository: Repository) -> None:
    fields = "string correlation_id = 1; int32 schema_version = 2; "
    inner = "message Placed {{ {} message Line {{ int32 n = 1; }} Line a = 3; {} }}"
    head = 'syntax = "proto3"; package shop;\n'
    more = "message PlacedLine { int32 n = 1; }\n"
    repository.write({"contracts/placed.proto": head + inner.format(fields, "") + "\n" + more})
    assert found(repository) == []  # nothing of the event names it
    repository.write({"contracts/placed.proto": head + inner.format(fields, "PlacedLine b = 4;") + "\n" + more})
    (problem,) = found(repository)
    assert problem.message.startswith("the class PlacedLine would stand for shop.Placed.Line")
    assert problem.help[0].endswith(HELP)


def test_the_generator_is_not_loaded_for_an_ordinary_schema(repository: Repository) -> None:
    write(repository, event("Placed", field("note", ["null", "string"]), field("class", "int")))
    program = (
        "import os, sys; from datetime import date; from registry.check import Options, check\n"
        f"check({os.fspath(repository.path)!r}, Options(against='HEAD'), os.environ, date(2026, 11, 23))\n"
        "print([name for name in sys.modules if name.startswith(('registry.codegen', 'registry.serde'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_two_events_of_one_service_with_one_module_are_found(repository: Repository) -> None:
    def own(owner: str, subscribers: str = "", name: str = "acme.Placed") -> None:
        more = f"  Other: {{owner: {owner}, events: {{{name}: {{subscribers: [{subscribers}]}}}}}}\n"
        repository.write({"ownership.yaml": OWNERSHIP + more})

    write(repository, event("Placed"))
    own("orders")
    (problem,) = found(repository, "schema/module-clash")
    assert problem.message == "the stubs of orders would have one module, placed, for shop.Placed and acme.Placed"
    assert problem.help == (
        "rename one of them before it is released",
        "or give each a package: contracts gen --service orders --only acme.Placed --package acme_events …",
    )
    assert str(problem.location).startswith("ownership.yaml:6:")
    own("billing")
    assert "the stubs of billing" in found(repository, "schema/module-clash")[0].message
    repository.write({"ownership.yaml": OWNERSHIP.replace("[billing]", "[]")})
    own_apart = OWNERSHIP.replace("[billing]", "[]") + "  Other: {owner: billing, events: {acme.Placed: {}}}\n"
    repository.write({"ownership.yaml": own_apart})
    assert found(repository, "schema/module-clash") == []
    own("orders", name="acme.PlacedAgain")
    assert found(repository, "schema/module-clash") == []


def test_a_clash_that_the_base_has_was_said_when_it_came(repository: Repository) -> None:
    more = "  Other: {owner: orders, events: {acme.Placed: {subscribers: []}}}\n"
    repository.commit("two", {"ownership.yaml": OWNERSHIP + more, PLACED: json.dumps(event("Placed"))})
    assert found(repository, "schema/module-clash") == []
    repository.write({"ownership.yaml": OWNERSHIP + more.replace("[]", "[billing]")})
    assert [problem.message for problem in found(repository, "schema/module-clash")] == [
        "the stubs of billing would have one module, placed, for shop.Placed and acme.Placed"
    ]
