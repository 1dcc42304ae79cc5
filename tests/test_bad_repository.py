"""Repositories, revisions and paths as they should not be, through the command line."""

import os
from pathlib import Path

import pytest

from tests.command import Outcome, run, untouched
from tests.repo import Repository, forget_git_variables
from tests.shop import AVRO, BREAK, BROKEN, FILES, GROWN, PAID, PLACED, PROTOBUF, SCHEMAS


@pytest.fixture(autouse=True)
def no_git_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_git_variables(monkeypatch)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A break lies in the work tree: what passes has passed unseen."""
    made = Repository(tmp_path / "here")
    made.commit("first", FILES)
    made.write({PLACED: BROKEN})
    return made


def refuse(outcome: Outcome, fact: str, help: str) -> None:
    """Could not look: exit 2, nothing on stdout, two lines on stderr."""
    assert (outcome.code, outcome.out) == (2, ""), outcome
    first, second = outcome.err.splitlines()
    assert first.startswith("error: ") and fact in first, outcome.err
    assert second.startswith("help: ") and help in second, outcome.err


# Revisions ------------------------------------------------------------------------------------------------------------

REVISIONS = {
    "-x": "cannot be a revision",
    "--output=pwned": "cannot be a revision",
    "": "cannot be a revision",
    "nowhere": "names no commit",
    "0" * 40: "names no commit",
    f"main:{PLACED}": "names no commit",
    "main..main": "names no commit",
    "HEAD~9": "names no commit",
    "a\nb": "names no commit",
    "twin": "is ambiguous: it means refs/heads/twin and refs/tags/twin",
}


@pytest.mark.parametrize("option", ["--against", "--head"])
@pytest.mark.parametrize(("name", "fact"), REVISIONS.items(), ids=map(ascii, REVISIONS))
def test_a_name_that_is_no_revision_is_refused(repository: Repository, option: str, name: str, fact: str) -> None:
    repository.git("tag", "twin")
    repository.git("branch", "twin")
    with untouched(repository.path):
        outcome = run(repository.path, "check", f"{option}={name}")
    refuse(outcome, fact, "")


@pytest.mark.parametrize("arguments", [("diff", "nowhere"), ("check", "--against", "nowhere", "--staged")])
def test_every_command_refuses_a_name_that_is_none(repository: Repository, arguments: tuple[str, ...]) -> None:
    refuse(run(repository.path, *arguments), "'nowhere' names no commit", "git fetch --tags")


def test_a_variable_that_names_no_revision_is_refused(repository: Repository) -> None:
    refuse(run(repository.path, "check", environment={"CONTRACTS_AGAINST": "v9"}), "'v9' names no commit", "git tag")


# Options --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("only", [(), ("--only", "compat")])
@pytest.mark.parametrize("root", ["nowhere", "contracts/nowhere", PLACED])
def test_a_root_that_holds_nothing_is_no_pass(repository: Repository, root: str, only: tuple[str, ...]) -> None:
    refuse(run(repository.path, "check", "--root", root, *only), f"below {root}", "--root")


@pytest.mark.parametrize("command", ["check", "release", "diff"])
@pytest.mark.parametrize("root", ["..", "../elsewhere", "a/../..", "/etc"])
def test_a_root_outside_of_the_repository_is_refused(repository: Repository, command: str, root: str) -> None:
    refuse(
        run(repository.path, command, "--root", root), f"'{root}' is no folder of the repository", "--root contracts"
    )


def test_a_tree_without_schemas_is_no_pass(tmp_path: Path) -> None:
    made = Repository(tmp_path / "here")
    made.commit("first", {"README": "text\n"})
    for state in ((), ("--staged",), ("--head", "HEAD")):
        refuse(run(made.path, "check", *state), "holds no .avsc and no .proto below contracts", "contracts init")


@pytest.mark.parametrize("only", ["nope", "compat,nope", "compat,", "compat/type-mismatch"])
def test_an_unknown_family_is_refused(repository: Repository, only: str) -> None:
    outcome = run(repository.path, "check", "--only", only)
    assert (outcome.code, outcome.out) == (2, "")
    assert "is none of compat, ownership, envelope, versions, terms, schema" in outcome.err


# Repositories ---------------------------------------------------------------------------------------------------------


def test_a_folder_in_no_repository_is_refused(tmp_path: Path) -> None:
    for command in ("check", "release", "diff", "owners"):
        refuse(run(tmp_path, command), "is in no git repository", "git init")


def test_without_a_commit_everything_is_new(tmp_path: Path) -> None:
    made = Repository(tmp_path / "here")
    made.write(FILES)
    assert run(made.path, "check").out == "2 contracts judged against nothing: nothing to say\n"
    refuse(run(made.path, "check", "--staged"), "the index holds no .avsc", "contracts init")
    made.stage()
    assert run(made.path, "check", "--staged").out == "2 contracts judged against nothing: nothing to say\n"
    made.write({PLACED: "{"})
    assert run(made.path, "check").code == 1
    refuse(run(made.path, "check", "--against", "HEAD"), "HEAD means no commit", "make the first commit")


def test_a_bare_repository_is_judged_at_its_head(repository: Repository, tmp_path: Path) -> None:
    repository.branch("feature")
    repository.commit("break")
    bare = repository.clone(tmp_path / "bare", "--bare")
    with untouched(bare.path):
        assert BREAK in run(bare.path, "check").out
        assert BREAK in run(bare.path, "check", "--head", "feature", "--against", "main").out
    refuse(run(bare.path, "check", "--staged"), "has no work tree and no index", "name the revision")
    refuse(run(bare.path, "release"), "a bare repository has no files to freeze", "in a clone")


@pytest.mark.parametrize("options", [(), ("--no-single-branch",)])
def test_a_shallow_clone_without_a_base_says_what_to_add(
    repository: Repository, tmp_path: Path, options: tuple[str, ...]
) -> None:
    repository.branch("feature")
    repository.commit("break")
    repository.commit("and more", {"README": "text\n"})
    repository.git("switch", "--quiet", "main")
    shallow = repository.clone(tmp_path / "shallow", "--depth=1", "--branch=feature", *options)
    with untouched(shallow.path):
        by_hand = run(shallow.path, "check")
        on_github = run(shallow.path, "check", environment={"GITHUB_ACTIONS": "true"})
    refuse(by_hand, "shallow", "git fetch --unshallow")
    refuse(on_github, "shallow", "with: {fetch-depth: 0}")


def test_a_shallow_clone_fetches_its_base_if_it_may(repository: Repository, tmp_path: Path) -> None:
    repository.branch("feature")
    repository.commit("break")
    repository.commit("and more", {"README": "text\n"})
    repository.git("switch", "--quiet", "main")
    shallow = repository.clone(tmp_path / "shallow", "--depth=1", "--branch=feature", "--no-single-branch")
    assert BREAK in run(shallow.path, "check", "--fetch").out


@pytest.mark.parametrize("setting", ["sha256", "index v4", "split index"])
def test_other_forms_of_a_repository_are_read(tmp_path: Path, setting: str) -> None:
    made = Repository(tmp_path / "here", "sha256" if setting == "sha256" else "sha1")
    made.commit("first", FILES)
    if setting == "index v4":
        made.git("update-index", "--index-version", "4")
    if setting == "split index":
        made.git("update-index", "--split-index")
    made.write({PLACED: BROKEN})
    with untouched(made.path):
        assert BREAK in run(made.path, "check").out
    made.stage()
    with untouched(made.path):
        assert BREAK in run(made.path, "check", "--staged").out
    made.commit("sound", {PLACED: GROWN})
    assert run(made.path, "release").out.count("schema id") == 2
    made.commit("released")
    assert run(made.path, "check", "--all", "--strict").code == 0


def test_a_repository_of_somebody_else_says_how_to_trust_it(repository: Repository) -> None:
    outcome = run(repository.path, "check", environment={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    command = f"git config --global --add safe.directory {repository.path}"
    refuse(outcome, "because another user owns it", command)


def test_a_conflict_that_is_not_resolved_is_refused(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--", PLACED)
    repository.branch("other")
    repository.commit("other", {PLACED: GROWN})
    repository.git("switch", "--quiet", "main")
    repository.commit("mine", {PLACED: GROWN.replace("note", "memo")})
    with pytest.raises(AssertionError, match="CONFLICT"):
        repository.git("merge", "other")
    refuse(run(repository.path, "check", "--staged"), "has a conflict that is not resolved", f"git add -- '{PLACED}'")
    outcome = run(repository.path, "check")
    assert outcome.code == 1 and f"{PLACED}:" in outcome.out and "error  schema/invalid" in outcome.out


# Paths ----------------------------------------------------------------------------------------------------------------

NAMES = {
    "with space": "with space",
    "ümläut": "ümläut",
    "new\nline": r"new\nline",
    "caf\udce9": r"caf\udce9",  # the byte E9, which is no UTF-8
    '"quote"': '"quote"',
    "-dash": "-dash",
    ":(glob)*": ":(glob)*",
    "tab\there": r"tab\there",
    "back\\slash": "back\\slash",
    "\u202eright to left": r"\u202eright to left",
}


@pytest.mark.parametrize(("name", "shown"), NAMES.items(), ids=map(ascii, NAMES))
def test_a_path_may_be_called_anything(tmp_path: Path, name: str, shown: str) -> None:
    made = Repository(tmp_path / f"here {name.replace(chr(0xDCE9), '')}")
    avro, proto = f"contracts/{name}/{name}.avsc", f"contracts/{name}/{name}.proto"
    others = {path: content for path, content in FILES.items() if path not in SCHEMAS}
    made.commit("first", {**others, avro: AVRO, proto: PROTOBUF})
    breaks = f"contracts/{shown}/{shown}.avsc:4:32  error  compat/type-mismatch\n"
    made.write({avro: BROKEN, proto: PROTOBUF.replace("string order_id", "int32 order_id")})
    for arguments in ((), ("--only", "compat"), ("--format", "json"), ("--format", "github")):
        with untouched(made.path):
            outcome = run(made.path, "check", *arguments)
        assert outcome.code == 1 and (arguments[:1] == ("--format",) or breaks in outcome.out), outcome
        assert f"contracts/{shown}/{shown}.proto:6:" in outcome.out or "--format" in arguments
    made.stage()
    assert breaks in run(made.path, "check", "--staged").out
    made.write({avro: GROWN, proto: PROTOBUF})
    assert run(made.path, "release").code == 0
    made.commit("released")
    assert run(made.path, "check", "--all", "--strict").code == 0


def test_a_subfolder_is_judged_as_the_whole(repository: Repository) -> None:
    above = run(repository.path, "check")
    for folder in ("contracts", "contracts/order", "contracts/payment", ".git"):
        below = run(repository.path / folder, "check", *(("--against", "main", "--head", "main") * (folder == ".git")))
        assert below == above if folder != ".git" else below.code == 0, folder


def test_a_tree_is_judged_without_ownership_too(tmp_path: Path) -> None:
    made = Repository(tmp_path / "here")
    made.commit("nothing", {"README": "text\n"})
    made.stage(SCHEMAS)
    assert run(made.path, "check", "--only", "compat", "--staged").code == 0
    made.commit("all new")
    made.write({PLACED: BROKEN})
    os.unlink(made.path / PAID)
    outcome = run(made.path, "check", "--only", "compat")
    assert outcome.code == 1 and BREAK in outcome.out and "compat/message-removed" in outcome.out
