"""Schema files that are none, through the command line: one sentence with its place, and nothing written."""

import os
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.command import run, untouched
from tests.repo import Repository, forget_git_variables
from tests.shop import AVRO, BREAK, BROKEN, FILES, PAID, PLACED, PROTOBUF, SCHEMAS

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
    "avro: JSON, but no schema": avro('{"a": 1}\n', "1:1", "no type: "),
    "avro: a number": avro("7\n", "1:1", "no type: "),
    "avro: not UTF-8": avro(
        AVRO.replace("order_id", "\xe9").encode("latin-1"), "4:13", "is not UTF-8: byte 0xe9 here", "save it as UTF-8"
    ),
    "avro: UTF-16": avro(AVRO.encode("utf-16"), "1:1", "is UTF-16 or UTF-32, not UTF-8", "save it as UTF-8"),
    "avro: a byte order mark": avro(
        b"\xef\xbb\xbf" + AVRO.encode(), "1:1", "begins with a byte order mark", "without a byte order mark"
    ),
    "avro: a NUL byte": avro(AVRO.replace("order", "or\0der"), "4:15", "holds a NUL byte", "save it as UTF-8 text"),
    "avro: a key twice": avro(
        AVRO.replace('"name": "Placed"', '"name": "Placed", "name": "Other"'),
        "1:38",
        'the key "name" stands twice in one object',
    ),
    "avro: the same key twice": avro(
        AVRO.replace('"order_id"', '"order_id", "name": "order_id"'),
        "4:24",
        'the key "name" stands twice in one object',
    ),
    "avro: 10 MB": avro(
        AVRO + " " * 10_000_000, "1:1", "bytes large; a schema has at most 1,048,576", "split it into several files"
    ),
    "avro: 500 levels": avro(
        AVRO.replace('"int"', DEEP_AVRO), "3:6869", "nests deeper than 256 levels of JSON", "refer to them by name"
    ),
    "avro: 100,000 brackets": avro("[" * 100_000, "1:257", "nests deeper than 256 levels of JSON"),
    "avro: a pointer of LFS": avro(POINTER, "1:1", "is a pointer of Git LFS", "git lfs pull"),
    "avro: empty": avro("", "1:1", "is empty", "write the schema, or delete the file"),
    "avro: blank": avro("\n \n", "1:1", "holds only blanks", "write the schema, or delete the file"),
    "avro: an unknown type": avro(
        AVRO.replace('"int"', '"shop.Nowhere"'), "3:38", "no file defines shop.Nowhere", "add the file that defines it"
    ),
    "protobuf: no protobuf": protobuf("mess age\n", "1:1", "expected top-level statement"),
    "protobuf: unclosed": protobuf(PROTOBUF.replace("}", ""), "8:1", "reached end of input in message definition"),
    "protobuf: not UTF-8": protobuf(
        PROTOBUF.replace("Paid", "Pa\xefd").encode("latin-1"),
        "3:11",
        "is not UTF-8: byte 0xef here",
        "save it as UTF-8",
    ),
    "protobuf: UTF-16": protobuf(
        PROTOBUF.encode("utf-16"), "1:1", "is UTF-16 or UTF-32, not UTF-8", "save it as UTF-8"
    ),
    "protobuf: a byte order mark": protobuf(
        b"\xef\xbb\xbf" + PROTOBUF.encode(), "1:1", "begins with a byte order mark", "without a byte order mark"
    ),
    "protobuf: a number twice": protobuf(
        PROTOBUF.replace("= 3", "= 2"), "6:21", "field number 2 has already been used"
    ),
    "protobuf: a name twice": protobuf(
        PROTOBUF.replace("order_id", "schema_version"), "6:10", "schema_version is already defined in shop.Paid"
    ),
    "protobuf: 10 MB": protobuf(
        PROTOBUF + " " * 10_000_000, "1:1", "bytes large; a schema has at most 1,048,576", "split it into several files"
    ),
    "protobuf: 500 levels": protobuf(
        PROTOBUF + DEEP_PROTOBUF, "8:1", "nested deeper than 100", "flatten the messages or options"
    ),
    "protobuf: a pointer of LFS": protobuf(POINTER, "1:1", "is a pointer of Git LFS", "git lfs pull"),
    "protobuf: empty": protobuf("", "1:1", "is empty", "write the schema, or delete the file"),
    "protobuf: a missing import": protobuf(
        PROTOBUF.replace("package", 'import "nowhere.proto";\npackage'),
        "2:1",
        'imports "nowhere.proto", which is not there',
        "correct the path of the import",
    ),
}
NEXT = '{"name": "next", "type": ["null", "Node"], "default": null}'
NODE = '{{"name": "node", "type": ["null", {{"type": "record", "name": "Node", "fields": [{}]}}], "default": null}}'
LINE = f'{{"name": "l", "type": ["null", {{"type": "record", "name": "Line", "fields": [{NEXT}]}}], "default": null}}'
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
    found = outcome.out[outcome.out.index(heads[0]) :].split("\n\n")[0]
    assert heads[0].startswith(f"{case.path}:{case.place}  error  schema/"), (arguments, heads[0])
    assert case.message in found.splitlines()[1], found
    assert any(line.startswith("  help      ") and case.help in line for line in found.splitlines()), found
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_contract_that_is_no_schema_is_one_error(governed: Repository, case: Case) -> None:
    governed.stage({case.path: case.content})
    refuse(governed, case, "check")
    refuse(governed, case, "check", "--staged", "--only", "compat")


@pytest.mark.parametrize("case", [CASES["avro: no JSON"], CASES["avro: 500 levels"], CASES["protobuf: no protobuf"]])
def test_it_is_one_error_whatever_is_asked(governed: Repository, case: Case) -> None:
    governed.write({case.path: case.content})
    for asked in ("--all", "--strict", "--only=compat", "--only=ownership", "--only=schema", "--only=versions,terms"):
        refuse(governed, case, "check", asked)
    governed.commit()
    refuse(governed, case, "check", "--against", "HEAD~1")
    refuse(governed, case, "check", "--head", "HEAD", "--against", "HEAD~1")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_file_that_is_no_schema_is_one_error_in_a_tree_as_well(tree: Repository, case: Case) -> None:
    tree.write({case.path: case.content})
    refuse(tree, case, *TREE)


def test_a_tree_is_judged_as_it_is_staged(tree: Repository) -> None:
    tree.stage({PLACED: "{"})
    tree.write({PLACED: AVRO})
    refuse(tree, avro("", "1:2", "no JSON: "), *TREE, "--staged")


NEW = {
    "no JSON": avro("{", "1:2", "no JSON: "),
    "no schema": avro('{"type": "record", "name": "New", "fields": 7}', "1:1", "fields"),
    "a key twice": avro('{"type": "string", "type": "int"}', "1:20", 'the key "type" stands twice'),
    "an unknown type": avro('["string", "shop.Nowhere"]', "1:12", "no file defines shop.Nowhere", "add the file"),
    "no protobuf": protobuf("hello\n", "1:1", "expected top-level statement"),
    "a number twice": protobuf(
        'syntax = "proto3"; message New {int32 a = 1; int32 b = 1;}', "1:56", "field number 1 has"
    ),
    "a missing import": protobuf(
        'syntax = "proto3"; import "nowhere.proto";', "1:20", "which is not there", "add the file"
    ),
}


@pytest.mark.parametrize("case", NEW.values(), ids=NEW.keys())
def test_a_new_file_that_no_event_names_is_read_as_well(governed: Repository, case: Case) -> None:
    new = case._replace(path=case.path.replace(".", "2."))
    governed.write({new.path: new.content})
    refuse(governed, new, "check")
    refuse(governed, new, "check", "--only", "compat")


def test_one_file_that_is_no_schema_does_not_hide_what_another_breaks(governed: Repository) -> None:
    governed.write({PLACED: BROKEN, PAID: "mess age\n"})
    out = run(governed.path, "check").out
    assert BREAK in out and f"{PAID}:1:1  error  schema/invalid" in out and "\n2 errors" in out


def test_what_the_cache_remembers_of_a_broken_file_is_told_again(governed: Repository, tmp_path: Path) -> None:
    governed.write({PLACED: "{"})
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    first, again = (run(governed.path, "check", environment=cache) for _ in range(2))
    assert first == again and first.code == 1 and list((tmp_path / "cache").rglob("*.json"))


# What must simply work ------------------------------------------------------------------------------------------------

SOUND = {
    "avro: CRLF": {PLACED: AVRO.replace("\n", "\r\n")},
    "protobuf: CRLF": {PAID: PROTOBUF.replace("\n", "\r\n")},
    "avro: a recursive type": {PLACED: AVRO.replace("\n]}", f",\n  {NODE.format(NEXT)}\n]}}")},
    "protobuf: a recursive type": {
        PAID: PROTOBUF.replace("}", "  message Node { Node next = 1; }\n  Node node = 4;\n}")
    },
    "avro: two types that need each other": {PLACED: AVRO.replace("\n]}", f",\n  {NODE.format(LINE)}\n]}}")},
    "protobuf: comments and strings of any character": {PAID: PROTOBUF.replace("}", "} // ä \u202e { 😀\n")},
}


@pytest.mark.parametrize("files", SOUND.values(), ids=SOUND.keys())
def test_what_is_unusual_and_right_passes(governed: Repository, tree: Repository, files: dict[str, str]) -> None:
    for repository, arguments in ((governed, ("check",)), (tree, TREE)):
        repository.write(dict(files))
        with untouched(repository.path):
            judged = run(repository.path, *arguments)
        assert judged.code == 0 and " judged against HEAD: nothing to say" in judged.out, judged
        repository.stage()
        assert run(repository.path, *arguments, "--staged") == judged


def test_line_endings_are_no_change_of_a_version(governed: Repository) -> None:
    governed.git("config", "core.autocrlf", "true")
    assert run(governed.path, "release").code == 0
    governed.commit("released")
    (governed.path / PLACED).unlink()
    governed.git("checkout", "--", PLACED)
    assert b"\r\n" in (governed.path / PLACED).read_bytes()
    assert run(governed.path, "check", "--all", "--strict").code == 0
    assert run(governed.path, "release").out.startswith("nothing to release")


# What is no file ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["../../../outside.avsc", "/etc/hostname", "nowhere", "Placed.avsc"])
def test_a_link_is_not_followed(governed: Repository, tmp_path: Path, target: str) -> None:
    (tmp_path / "outside.avsc").write_text(AVRO)
    (governed.path / PLACED).unlink()
    os.symlink(target, governed.path / PLACED)
    link = avro("", "1:1", "is a symbolic link", "put the file itself here")
    refuse(governed, link, "check")
    governed.stage()
    refuse(governed, link, "check", "--staged")
    refuse(governed, link, "check", "--staged", "--only", "compat")


def test_a_link_is_not_followed_in_a_tree(tree: Repository) -> None:
    (tree.path / PAID).unlink()
    os.symlink("/etc/hostname", tree.path / PAID)
    refuse(tree, protobuf("", "1:1", "is a symbolic link", "put the file itself here"), *TREE)


def test_a_submodule_below_the_contracts_is_told(governed: Repository, tree: Repository, tmp_path: Path) -> None:
    """In the index, where it has only the id of a commit, and as a repository that lies there untracked."""
    module = Case("contracts/sub", "", "1:1", "is a submodule", "git rm --cached")
    for repository, arguments in ((governed, ("check",)), (tree, TREE)):
        inner = Repository(repository.path / module.path)
        commit = inner.commit("inner", {"Inner.avsc": AVRO})
        refuse(repository, module, *arguments)
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{module.path}")
        refuse(repository, module, *arguments, "--staged")
        refuse(repository, module, *arguments)
