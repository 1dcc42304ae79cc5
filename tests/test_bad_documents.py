"""ownership.yaml, policy.yaml and version.yaml that say what they cannot say, through the command line."""

import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.command import run, untouched
from tests.repo import Repository, forget_git_variables
from tests.shop import AVRO, BREAK, BROKEN, FILES, GROWN, OWNERSHIP, PLACED

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 12345\n"
POLICY = "contracts/policy.yaml"
VERSION = "contracts/versions/shop.Placed/1/version.yaml"


class Case(NamedTuple):
    """What a document says, and what is said of it."""

    content: str | bytes
    place: str
    message: str
    help: str = "contracts explain"


SAVE = "save it as UTF-8"
OWNERSHIPS = {
    "not UTF-8": Case(f"{OWNERSHIP}# \xe9\n".encode("latin-1"), "10:3", "is not UTF-8: byte 0xe9 here", SAVE),
    "UTF-16": Case(OWNERSHIP.encode("utf-16"), "1:1", "is UTF-16 or UTF-32", SAVE),
    "a byte order mark": Case(b"\xef\xbb\xbf" + OWNERSHIP.encode(), "1:1", "begins with a byte order mark", SAVE),
    "a NUL byte": Case(f"{OWNERSHIP}\0", "10:1", "holds a NUL byte", SAVE),
    "empty": Case("", "1:1", "the file is empty", "begin with 'version:'"),
    "blank": Case("\n\n", "1:1", "the file is empty", "begin with 'version:'"),
    "a comment alone": Case("# later\n", "1:1", "the file is empty", "begin with 'version:'"),
    "a pointer of LFS": Case(POINTER, "1:1", "is a pointer of Git LFS", "git lfs pull"),
    "10 MB": Case(OWNERSHIP + "#" * 10_000_000, "1:1", "a document has at most 8,388,608", "split it into several"),
    "a key twice": Case(f"{OWNERSHIP}services: {{}}\n", "10:1", "'services' stands here again", "keep one of them"),
    "an event twice": Case(f"{OWNERSHIP}      shop.Paid: {{}}\n", "10:7", "'shop.Paid' stands here again", "keep one"),
    "a tab": Case(OWNERSHIP.replace("    owner", "\towner"), "6:1", "a tab stands where YAML", "indent with spaces"),
    "a list": Case("- a\n", "1:1", "must be a mapping of keys; here is a list", "begin with 'version:'"),
    "a word": Case("hello\n", "1:1", "must be a mapping of keys; here is hello", "begin with 'version:'"),
    "a wrong type": Case(OWNERSHIP.replace("[billing]", "billing"), "8:34", "must be a list", "["),
    "a mapping for a number": Case(OWNERSHIP.replace("{}\n", "{writes: [{a: 1}]}\n"), "9:28", "whole number", "digits"),
    "an unknown key": Case(
        OWNERSHIP.replace("entities:", "entites:"), "4:1", "is not known", "did you mean 'entities'?"
    ),
    "an unknown key below": Case(
        OWNERSHIP.replace("events:", "evnts:"), "7:5", "is not known", "did you mean 'events'?"
    ),
    "no version": Case(OWNERSHIP.replace("version: 1\n", ""), "1:1", "the key 'version' is missing", "version:"),
    "a version of tomorrow": Case(OWNERSHIP.replace("1\n", "2\n", 1), "1:10", "version 2 is not known", "install"),
    "two documents": Case(f"{OWNERSHIP}---\n", "10:1", "a second document begins", "remove '---'"),
    "a tag": Case(
        OWNERSHIP.replace(" 1", " !!python/object/apply:os.system [x]", 1), "1:10", "tag", "leave the tag out"
    ),
    "an alias of itself": Case("a: &a [*a]\n", "1:8", "the alias *a", "write out what is meant"),
    "nothing but brackets": Case("a: " + "[" * 20_000, "1:67", "nested more than 64 levels", "take the nesting out"),
    "unclosed": Case("version: 1\nteams: {a: [\n", "3:1", "this is not YAML", "yaml.org"),
    "an include that is not there": Case(
        f"{OWNERSHIP}include: [a.yaml]\n", "10:10", "'a.yaml' is not there", "write its"
    ),
    "an include beside the contracts": Case(
        f"{OWNERSHIP}include: ['a/*.yaml']\n", "10:12", "'a/*.yaml' matches nothing below contracts", "move the files"
    ),
    "an include that leads out": Case(f"{OWNERSHIP}include: [../a]\n", "10:10", "'../a' leads out", "write it from"),
}
POLICIES = {
    "not UTF-8": Case(b"version: 1 # \xe9\n", "1:14", "is not UTF-8: byte 0xe9 here", SAVE),
    "empty": Case("", "1:1", "the file is empty", "begin with 'version:'"),
    "not YAML": Case("version: [", "2:1", "this is not YAML", "yaml.org"),
    "a tab": Case("version: 1\n\tprofile: x\n", "2:1", "a tab stands where YAML takes only spaces", "indent"),
    "a key twice": Case("version: 1\nversion: 1\n", "2:1", "'version' stands here again", "keep one of them"),
    "an unknown key": Case("version: 1\nenvelop: {}\n", "2:1", "'envelop' is not known here", "'envelope'?"),
    "an unknown rule": Case(
        "version: 1\nseverities: {compat/nope: off}\n", "2:14", "'compat/nope' is no rule", "did you"
    ),
    "an unknown severity": Case("version: 1\nseverities: {compat: loud}\n", "2:22", "must be one of error,", "warning"),
    "an optional correlation": Case(
        "version: 1\nenvelope: {correlation_id: {mandatory: false}}\n", "2:40", "must be true; here is false", "leave"
    ),
    "a wrong type": Case(
        "version: 1\nenvelope: [a]\n", "2:11", "must be a mapping of keys; here is a list", "its keys"
    ),
    "a pointer of LFS": Case(POINTER, "1:1", "is a pointer of Git LFS", "git lfs pull"),
}


@pytest.fixture(autouse=True)
def no_git_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_git_variables(monkeypatch)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "here")
    made.commit("first", FILES)
    return made


def refuse(repository: Repository, path: str, rule: str, case: Case, *arguments: str) -> None:
    """The one error that a command finds; nothing else is said of it, and nothing written."""
    with untouched(repository.path):
        outcome = run(repository.path, "check", *arguments)
    assert (outcome.code, outcome.err) == (1, ""), (arguments, outcome)
    first, *rest = outcome.out.splitlines()
    assert first == f"{path}:{case.place}  error  {rule}", outcome.out
    assert case.message in rest[0] and any("  help  " in line and case.help in line for line in rest), outcome.out
    assert outcome.out.count("  error  ") == 1 and "  warning  " not in outcome.out, outcome.out


@pytest.mark.parametrize("case", OWNERSHIPS.values(), ids=OWNERSHIPS.keys())
def test_ownership_that_cannot_be_read_is_one_error(repository: Repository, case: Case) -> None:
    repository.write({"ownership.yaml": case.content})
    refuse(repository, "ownership.yaml", "ownership/invalid", case)
    repository.stage()
    refuse(repository, "ownership.yaml", "ownership/invalid", case, "--staged", "--only", "compat")


@pytest.mark.parametrize("case", POLICIES.values(), ids=POLICIES.keys())
def test_a_policy_that_cannot_be_read_is_one_error(repository: Repository, case: Case) -> None:
    repository.write({POLICY: case.content})
    refuse(repository, POLICY, "terms/invalid-policy", case)
    repository.stage()
    refuse(repository, POLICY, "terms/invalid-policy", case, "--staged", "--only", "compat")


@pytest.mark.parametrize("path", ["ownership.yaml", POLICY])
def test_a_document_that_is_a_link_is_not_followed(repository: Repository, tmp_path: Path, path: str) -> None:
    (tmp_path / "elsewhere.yaml").write_text(OWNERSHIP if path == "ownership.yaml" else "version: 1\n")
    (repository.path / path).unlink(missing_ok=True)
    os.symlink(tmp_path / "elsewhere.yaml", repository.path / path)
    outcome = run(repository.path, "check")
    assert outcome.code == 1 and f"{path}:1:1  error  " in outcome.out and "is a symbolic link" in outcome.out


def test_ownership_that_cannot_be_read_hides_no_break(repository: Repository) -> None:
    """The terms before the change hold: a tab must not be a way round them."""
    repository.write({"ownership.yaml": f"{OWNERSHIP}\t", PLACED: BROKEN})
    for asked in ((), ("--only", "compat")):
        outcome = run(repository.path, "check", *asked)
        assert outcome.code == 1 and BREAK in outcome.out and "ownership.yaml:10:1  error" in outcome.out


def test_ownership_that_is_gone_hides_no_break(repository: Repository) -> None:
    repository.write({"ownership.yaml": None, PLACED: BROKEN})
    outcome = run(repository.path, "check")
    assert outcome.code == 1 and BREAK in outcome.out and "ownership.yaml is gone; HEAD has it" in outcome.out


def test_an_event_taken_out_of_ownership_is_judged_by_the_terms_before(repository: Repository) -> None:
    without = OWNERSHIP.replace("      shop.Placed: {subscribers: [billing]}\n", "")
    repository.write({"ownership.yaml": without, PLACED: BROKEN})
    outcome = run(repository.path, "check")
    assert BREAK in outcome.out and "shop.Placed has left ownership.yaml, and is still subscribed to" in outcome.out
    repository.write({PLACED: AVRO})
    assert run(repository.path, "check").code == 1
    assert run(repository.path, "release", "shop.Paid").code == 0


def test_a_pull_request_does_not_judge_itself_by_a_policy_of_its_own(repository: Repository) -> None:
    repository.commit("policy", {POLICY: "version: 1\n"})
    repository.write({POLICY: "version: 1\nseverities: {compat: 'off', schema: 'off'}\n", PLACED: BROKEN})
    assert BREAK in run(repository.path, "check").out


def test_a_policy_of_the_base_that_cannot_be_read_is_no_law_without_an_envelope(repository: Repository) -> None:
    repository.commit("policy", {POLICY: b"\xff"})
    repository.write({POLICY: "version: 1\n", PLACED: AVRO.replace("correlation_id", "cause")})
    assert "envelope/missing-correlation-id" in run(repository.path, "check").out


def test_five_thousand_events_are_read(repository: Repository) -> None:
    events = "".join(f"      shop.d{number}.Event: {{subscribers: [billing]}}\n" for number in range(5000))
    schemas = {f"contracts/d{number}.avsc": AVRO.replace('"Placed"', f'"d{number}.Event"') for number in range(5000)}
    schemas = {path: text.replace('"d', '"shop.d', 1) for path, text in schemas.items()}
    repository.commit("many", {"ownership.yaml": OWNERSHIP + events, **schemas})
    assert run(repository.path, "check").out == "no contract changed against HEAD (5002 contracts)\n"
    repository.write(
        {
            "contracts/d4999.avsc": schemas["contracts/d4999.avsc"].replace(
                'order_id", "type": "string', 'order_id", "type": "int'
            )
        }
    )
    outcome = run(repository.path, "check")
    assert outcome.code == 1 and "contracts/d4999.avsc:4:32  error  compat/type-mismatch" in outcome.out
    assert "1 error in 1 of 5002 contracts" in outcome.out


# Versions -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def released(repository: Repository) -> Repository:
    assert run(repository.path, "release").code == 0
    repository.commit("released")
    return repository


def edit(pattern: str, replacement: str) -> tuple[str, str]:
    return pattern, replacement


EDITS = {
    "no line of ours": (edit(r"\Z", "hello\n"), "11:1", "is not a line that `contracts release` writes"),
    "not UTF-8": (edit(r"\Z", "\udce9\n"), "11:1", "is not a line that `contracts release` writes"),
    "a byte order mark": (edit(r"\A", "\ufeff"), "1:1", "is not a line that `contracts release` writes"),
    "a key twice": (edit(r"(format: .*)", r"\1\n\1"), "5:1", "is not a line that `contracts release` writes"),
    "empty": (edit(r"[\s\S]+", ""), "1:1", "has no event and no version and no format"),
    "no id": (edit(r"schema_id: .*\n", ""), "1:1", "has no schema_id"),
    "an id of letters": (edit(r"schema_id: .*", "schema_id: x"), "1:1", "schema_id is 'x', not a number"),
    "an id of zero": (edit(r"schema_id: .*", "schema_id: 0"), "1:1", "schema_id is '0', not a number from 1 to"),
    "an endless id": (edit(r"schema_id: .*", f"schema_id: {'9' * 5000}"), "1:1", "schema_id is '999"),
    "another number": (edit(r"version: 1", "version: 2"), "1:1", "says it is v2 of shop.Placed, and lies in"),
    "another event": (edit(r"shop\.Placed", "shop.Paid"), "1:1", "says it is v1 of shop.Paid, and lies in"),
    "another format": (
        edit(r"format: avro", "format: xml"),
        "1:1",
        "says that its root 'order/Placed.avsc' is of the format 'xml'",
    ),
    "another root": (edit(r"root: order", "root: ordre"), "1:1", "names 'ordre/Placed.avsc' as its root"),
    "other files": (edit(r"- order", "- ordre"), "1:1", "lists other files than lie in its folder"),
}


@pytest.mark.parametrize(("change", "place", "message"), EDITS.values(), ids=EDITS.keys())
def test_a_version_that_cannot_be_read_is_told(
    released: Repository, change: tuple[str, str], place: str, message: str
) -> None:
    path = released.path / VERSION
    text = re.sub(*change, path.read_text(), count=1)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with untouched(released.path):
        outcome = run(released.path, "check", "--only", "compat")
        refused = run(released.path, "release")
    assert outcome.code == 1 and f"{VERSION}:{place}  error  versions/invalid\n  {message}" in outcome.out, outcome
    assert (refused.code, refused.err) == (1, "nothing was released\n") and "versions/invalid" in refused.out


FOLDER = "contracts/versions/shop.Placed"
STRAYS = {
    "a file above": "contracts/versions/README",
    "a file beside": f"{FOLDER}/notes",
    "a number with a zero": f"{FOLDER}/02/version.yaml",
    "a number of other digits": f"{FOLDER}/\u0662/version.yaml",
    "an endless number": f"{FOLDER}/{'9' * 200}/version.yaml",
}


@pytest.mark.parametrize("path", STRAYS.values(), ids=STRAYS.keys())
def test_a_file_that_belongs_to_no_version_is_told(released: Repository, path: str) -> None:
    released.write({path: (released.path / VERSION).read_bytes()})
    refuse(released, path, "versions/stray-file", Case("", "1:1", "stands among the versions", "remove the file"))


def test_a_far_number_is_a_gap_and_not_a_hundred_million(released: Repository) -> None:
    far = f"{FOLDER}/999999999"
    text = (released.path / VERSION).read_text().replace("version: 1", "version: 999999999")
    released.write({f"{far}/version.yaml": text, f"{far}/order/Placed.avsc": AVRO})
    out = run(released.path, "check").out
    assert "shop.Placed has v999999999 and no v2" in out and out.count("error  versions/gap") == 3


VERSION_CHANGES: dict[str, tuple[dict[str, str | None], str]] = {
    "its schema": ({f"{FOLDER}/1/order/Placed.avsc": GROWN}, "v1 of shop.Placed was edited after its release"),
    "its schema, by a line": ({f"{FOLDER}/1/order/Placed.avsc": f"{AVRO}\n"}, "v1 of shop.Placed was edited"),
    "all of it": ({VERSION: None, f"{FOLDER}/1/order/Placed.avsc": None}, "v1 of shop.Placed was removed"),
}


@pytest.mark.parametrize(("files", "message"), VERSION_CHANGES.values(), ids=VERSION_CHANGES.keys())
def test_what_was_released_stays(released: Repository, files: dict[str, str | None], message: str) -> None:
    released.write(dict(files))
    outcome = run(released.path, "check")
    assert outcome.code == 1 and "error  versions/edited" in outcome.out and message in outcome.out
    released.stage()
    assert run(released.path, "check", "--staged").code == 1
