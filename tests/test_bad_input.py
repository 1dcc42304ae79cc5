"""Schema files that are none, through the command line: one sentence with its place, and nothing written."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.command import run, untouched
from tests.repo import Repository, forget_git_variables
from tests.shop import AVRO, FILES, PAID, PLACED, PROTOBUF, SCHEMAS

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 12345\n"
DEEP_AVRO = '{"type": "array", "items": ' * 500 + '"int"' + "}" * 500
DEEP_PROTOBUF = "message M { " * 500 + "}" * 500


class Case(NamedTuple):
    """A file that is no schema, and what is said of it."""

    path: str
    content: str | bytes
    place: str
    message: str
    help: str


def avro(content: str | bytes, place: str, message: str, help: str = "contracts explain schema/invalid") -> Case:
    return Case(PLACED, content, place, message, help)


def protobuf(content: str | bytes, place: str, message: str, help: str = "contracts explain schema/invalid") -> Case:
    return Case(PAID, content, place, message, help)


CASES = {
    "avro: no JSON": avro('{"type": "record",\n oops', "2:2", "no JSON: expecting property name"),
    "avro: JSON, but no schema": avro('{"a": 1}\n', "1:1", ""),
    "avro: a number": avro("7\n", "1:1", ""),
    "avro: not UTF-8": avro(AVRO.replace("order_id", "\xe9").encode("latin-1"), "4:13", "is not UTF-8: byte 0xe9 here", "save it as UTF-8"),
    "avro: UTF-16": avro(AVRO.encode("utf-16"), "1:1", "is UTF-16 or UTF-32, not UTF-8", "save it as UTF-8"),
    "avro: a byte order mark": avro(b"\xef\xbb\xbf" + AVRO.encode(), "1:1", "begins with a byte order mark", "without a byte order mark"),
    "avro: a NUL byte": avro(AVRO.replace("order", "or\0der"), "4:15", "holds a NUL byte", "save it as UTF-8 text"),
    "avro: a key twice": avro(AVRO.replace('"name": "Placed"', '"name": "Placed", "name": "Other"'), "1:38", 'the key "name" stands twice in one object'),
    "avro: the same key twice": avro(AVRO.replace('"order_id"', '"order_id", "name": "order_id"'), "4:24", 'the key "name" stands twice in one object'),
    "avro: 10 MB": avro(AVRO + " " * 10_000_000, "1:1", "bytes large; a schema has at most 1,048,576", "split it into several files"),
    "avro: 500 levels": avro(AVRO.replace('"int"', DEEP_AVRO), "3:6949", "nests deeper than 256 levels of JSON", "refer to them by name"),
    "avro: 100,000 brackets": avro("[" * 100_000, "1:257", "nests deeper than 256 levels of JSON"),
    "avro: a pointer of LFS": avro(POINTER, "1:1", "is a pointer of Git LFS", "git lfs pull"),
    "avro: empty": avro("", "1:1", "is empty", "write the schema, or delete the file"),
    "avro: blank": avro("\n \n", "1:1", "holds only blanks", "write the schema, or delete the file"),
    "avro: an unknown type": avro(AVRO.replace('"int"', '"shop.Nowhere"'), "3:38", "shop.Nowhere"),
    "protobuf: no protobuf": protobuf("mess age\n", "1:1", "expected top-level statement"),
    "protobuf: unclosed": protobuf(PROTOBUF.replace("}", ""), "", ""),
    "protobuf: not UTF-8": protobuf(PROTOBUF.replace("Paid", "Pa\xefd").encode("latin-1"), "3:11", "is not UTF-8: byte 0xef here", "save it as UTF-8"),
    "protobuf: UTF-16": protobuf(PROTOBUF.encode("utf-16"), "1:1", "is UTF-16 or UTF-32, not UTF-8", "save it as UTF-8"),
    "protobuf: a byte order mark": protobuf(b"\xef\xbb\xbf" + PROTOBUF.encode(), "1:1", "begins with a byte order mark", "without a byte order mark"),
    "protobuf: a number twice": protobuf(PROTOBUF.replace("= 3", "= 2"), "6:21", "field number 2 has already been used"),
    "protobuf: a name twice": protobuf(PROTOBUF.replace("order_id", "schema_version"), "6:10", '"schema_version" is already defined'),
    "protobuf: 10 MB": protobuf(PROTOBUF + " " * 10_000_000, "1:1", "bytes large; a schema has at most 1,048,576", "split it into several files"),
    "protobuf: 500 levels": protobuf(PROTOBUF + DEEP_PROTOBUF, "8:1189", "nested deeper than 100", "flatten the messages or options"),
    "protobuf: a pointer of LFS": protobuf(POINTER, "1:1", "is a pointer of Git LFS", "git lfs pull"),
    "protobuf: empty": protobuf("", "1:1", "is empty", "write the schema, or delete the file"),
    "protobuf: a missing import": protobuf(PROTOBUF.replace("package", 'import "nowhere.proto";\npackage'), "2:1", "nowhere.proto"),
}  # fmt: skip
TREE = ("check", "--only", "compat", "--root", ".")


@pytest.fixture(autouse=True)
def no_git_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_git_variables(monkeypatch)


@pytest.fixture
def governed(tmp_path: Path) -> Repository:
    """With ownership.yaml: contracts."""
    made = Repository(tmp_path / "governed")
    made.commit("first", FILES)
    return made


@pytest.fixture
def tree(tmp_path: Path) -> Repository:
    """Without: schemas, and nobody who signed for them."""
    made = Repository(tmp_path / "tree")
    made.commit("first", SCHEMAS)
    return made


def refuse(repository: Repository, case: Case, *arguments: str) -> str:
    """The one error that a command finds, in four lines; it writes nothing."""
    with untouched(repository.path):
        outcome = run(repository.path, *arguments)
    assert (outcome.code, outcome.err) == (1, ""), (arguments, outcome)
    heads = [line for line in outcome.out.splitlines() if "  error  " in line]
    assert len(heads) == 1, (arguments, outcome.out)
    print("SEEN", heads[0], outcome.out.splitlines()[outcome.out.splitlines().index(heads[0])+1])
    found = outcome.out[outcome.out.index(heads[0]) :].split("\n\n")[0]
    assert heads[0].startswith(f"{case.path}:{case.place}  error  schema/"), (arguments, heads[0])
    assert case.message in found.splitlines()[1], found
    assert any(line.startswith("  help      ") and case.help in line for line in found.splitlines()), found
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_contract_that_is_no_schema_is_one_error_whatever_is_asked(governed: Repository, case: Case) -> None:
    governed.write({case.path: case.content})
    for asked in ((), ("--only", "compat"), ("--only", "ownership"), ("--all",)):
        refuse(governed, case, "check", *asked)
    governed.stage()
    refuse(governed, case, "check", "--staged")
    governed.commit()
    refuse(governed, case, "check", "--head", "HEAD", "--against", "HEAD~1")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_file_that_is_no_schema_is_one_error_in_a_tree(tree: Repository, case: Case) -> None:
    path = case.path.removeprefix("contracts/")
    tree.commit("moved", {path: tree_file(tree, case.path), case.path: None})
    tree.write({path: case.content})
    refuse(tree, case._replace(path=path), *TREE)
    tree.stage()
    refuse(tree, case._replace(path=path), *TREE, "--staged")


def tree_file(repository: Repository, path: str) -> bytes:
    return (repository.path / path).read_bytes()
