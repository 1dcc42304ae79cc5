"""What git is asked: names, history, snapshots, blobs."""

import os
from pathlib import Path

import pytest

from registry.errors import UnknownRevision, Unreadable
from registry.git import Snapshot, empty_snapshot, open_repo
from tests.repo import Repository
from tests.snapshots import SCHEMAS, as_bytes, index, read_contents, revision, work_tree

# Names ---------------------------------------------------------------------------------------------------------------


def test_names_of_every_kind_become_full_ids(repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    repository.tag("v1.0.0")
    repository.branch("feature/x")
    with open_repo(repository.path) as repo:
        for ref in ("HEAD", "main", "refs/heads/main", "v1.0.0", "feature/x", commit, commit[:10], "@"):
            assert repo.resolve(ref) == commit, ref
        assert repo.ref_exists("refs/tags/v1.0.0") and not repo.ref_exists("refs/tags/v2")


@pytest.mark.parametrize("ref", ["-h", "--all", "-", "", "main\0x"])
def test_what_could_be_an_option_is_no_revision(repository: Repository, ref: str) -> None:
    with open_repo(repository.path) as repo, pytest.raises(UnknownRevision, match="cannot be a revision"):
        repo.resolve(ref)


@pytest.mark.parametrize("ref", ["^main", "main..main", "main:contracts/a.avsc", "a\nb", "\udcff", "0" * 40, "main^2"])
def test_what_names_no_commit_is_refused(repository: Repository, ref: str) -> None:
    with open_repo(repository.path) as repo, pytest.raises(UnknownRevision, match="names no commit") as caught:
        repo.resolve(ref)
    assert caught.value.message.isprintable() and caught.value.help


def test_a_misspelt_name_is_answered_with_the_nearest(repository: Repository, tmp_path: Path) -> None:
    repository.branch("release/2026")
    repository.tag("v1.0.0")
    clone = repository.clone(tmp_path / "clone")
    with open_repo(clone.path) as repo:
        for ref, near in [("v1.0.O", "'v1.0.0'"), ("relase/2026", "'release/2026'"), ("main", "'origin/main'")]:
            with pytest.raises(UnknownRevision) as caught:
                repo.resolve(ref)
            assert caught.value.message == f"'{ref}' names no commit of this repository"
            assert f"did you mean {near}" in caught.value.help


def test_a_branch_and_a_tag_of_one_name_are_ambiguous(repository: Repository) -> None:
    repository.tag("twin")
    repository.branch("twin")
    repository.git("config", "core.warnAmbiguousRefs", "false")
    with open_repo(repository.path) as repo:
        for ref in ("twin", "twin~0"):
            with pytest.raises(UnknownRevision, match="it means refs/heads/twin and refs/tags/twin"):
                repo.resolve(ref)
        assert repo.resolve("refs/heads/twin") == repo.head


def test_a_full_id_is_never_ambiguous(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD")
    second = repository.commit("second")
    repository.git("update-ref", f"refs/heads/{first}", second)
    with open_repo(repository.path) as repo:
        assert repo.resolve(first) == first


def test_history_is_asked_for_by_id(repository: Repository) -> None:
    root = repository.git("rev-parse", "HEAD")
    repository.branch("side")
    side = repository.commit("side", {"side": "1"})
    repository.git("switch", "--quiet", "main")
    main = repository.commit("main", {"main": "1"})
    repository.git("merge", "--quiet", "--no-ff", "-m", "merge", "side")
    repository.git("switch", "--quiet", "--orphan", "other")
    other = repository.commit("other", {"other": "1"})
    with open_repo(repository.path) as repo:
        assert repo.parents(repo.resolve("main")) == (main, side)
        assert repo.parents(root) == ()
        assert repo.merge_base(main, side) == root
        assert repo.merge_base(main, other) is None
        assert repo.holds(root) and not repo.holds("1" * 40)


def test_the_parents_of_a_shallow_commit_are_named_though_not_held(repository: Repository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.commit("second")
    clone = repository.clone(tmp_path / "clone", "--depth=1")
    with open_repo(clone.path) as repo:
        assert repo.shallow
        assert repo.parents(repo.head) == (first,)
        assert not repo.holds(first)
        with pytest.raises(UnknownRevision) as caught:
            repo.resolve(first)
        assert "git fetch --unshallow" in caught.value.help
        repo.deepen("origin", "+refs/heads/main:refs/remotes/origin/main")
        assert repo.holds(first) and not repo.shallow


# Snapshots -----------------------------------------------------------------------------------------------------------

STRANGE = ["with space.avsc", "mit Ümläut.avsc", "line\nbreak.avsc", 'quo"te.avsc', "-dash.avsc", "back\\slash.avsc"]
STRANGE += [":(glob)*.avsc", "tab\tand\rreturn.avsc", os.fsdecode(b"not-utf8-\xff.avsc"), "trailing "]


@pytest.mark.parametrize("name", STRANGE, ids=ascii)
@pytest.mark.parametrize("quoted", ["true", "false"])
def test_every_path_is_itself(tmp_path: Path, name: str, quoted: str) -> None:
    repository = Repository(tmp_path / "here")
    repository.git("config", "core.quotePath", quoted)
    path = f"-top/{name}"
    repository.commit("first", {path: "1", "elsewhere": "x"})
    assert revision(repository, "HEAD", "-top") == index(repository, "-top") == {path: b"1"}
    repository.write({path: "2", f"-top/new/{name}": "3"})
    assert work_tree(repository, "-top") == {path: b"2", f"-top/new/{name}": b"3"}
    assert work_tree(repository, path) == {path: b"2"}
    assert revision(repository, "HEAD", path) == index(repository, path) == {path: b"1"}


def test_a_path_is_no_pattern(repository: Repository) -> None:
    assert revision(repository, "HEAD", "contracts/*") == index(repository, "contracts/*") == {}
    assert work_tree(repository, "contracts/*") == {}
    for everything in ((), ("",), (".",), ("contracts", ".")):
        assert revision(repository, "HEAD", *everything) == index(repository, *everything) == as_bytes(SCHEMAS)
    assert set(revision(repository, "HEAD", "contracts/sub/", "other")) == {"contracts/sub/b.proto", "other/c.txt"}


def test_nothing_there_is_an_empty_snapshot(repository: Repository) -> None:
    with open_repo(repository.path) as repo:
        assert repo.read_revision(repo.head, "main", ["missing"]) == Snapshot("main", repo.head, {}, {})
        assert repo.read_index(["missing"]) == empty_snapshot("the index")
        assert repo.read_work_tree(["missing"]) == empty_snapshot("the work tree")


def test_the_work_tree_holds_what_git_add_would_store(repository: Repository) -> None:
    (repository.path / "contracts" / "sub" / "b.proto").unlink()
    repository.write({
        ".gitignore": "*.tmp\n", "contracts/a.avsc": "dirty", "contracts/new.avsc": "new", "contracts/x.tmp": "ignored"
    })  # fmt: skip
    (repository.path / "contracts" / "run.sh").write_text("#!/bin/sh\n")
    (repository.path / "contracts" / "run.sh").chmod(0o755)
    with open_repo(repository.path) as repo:
        snapshot = repo.read_work_tree(["contracts"])
        contents = read_contents(repo, snapshot)
    assert contents == {
        "contracts/a.avsc": b"dirty", "contracts/new.avsc": b"new", "contracts/run.sh": b"#!/bin/sh\n"
    }  # fmt: skip
    repository.stage()
    with open_repo(repository.path) as repo:
        assert dict(repo.read_index(["contracts"]).entries) == dict(snapshot.entries)
        assert snapshot.entries["contracts/run.sh"].mode == "100755"


def test_only_what_differs_from_the_index_is_read(repository: Repository) -> None:
    os.utime(repository.path / "contracts" / "a.avsc", (1, 1))
    with open_repo(repository.path) as repo:
        snapshot = repo.read_work_tree([])
        assert snapshot.contents == {}
        assert snapshot.entries == repo.read_revision(repo.head, "main", []).entries


def test_line_endings_and_filters_are_those_of_git_add(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "here")
    repository.git("config", "filter.shout.clean", "tr a-z A-Z")
    repository.git("config", "core.safecrlf", "true")
    repository.commit("first", {".gitattributes": "*.avsc text\n*.loud filter=shout\n", "a.avsc": "1\n2\n"})
    repository.write({"a.avsc": "1\r\n2\r\n", "new.avsc": "3\r\n", "new.loud": "hello", "new.bin": b"\0\r\n"})
    assert work_tree(repository, "a.avsc", "new.avsc", "new.loud", "new.bin") == {
        "a.avsc": b"1\n2\n", "new.avsc": b"3\n", "new.loud": b"HELLO", "new.bin": b"\0\r\n"
    }  # fmt: skip
    with open_repo(repository.path) as repo:
        blob = repo.read_work_tree(["a.avsc"]).entries["a.avsc"].blob
        assert blob == repo.read_index(["a.avsc"]).entries["a.avsc"].blob


def test_a_filter_that_fails_is_said(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "here")
    repository.commit("first", {"a.avsc": "1\n"})
    repository.git("config", "filter.lfs.clean", "false")
    repository.git("config", "filter.lfs.required", "true")
    repository.write({".gitattributes": "*.avsc filter=lfs\n", "a.avsc": "2\n"})
    with open_repo(repository.path) as repo, pytest.raises(Unreadable, match="clean filter 'lfs' failed") as caught:
        repo.read_work_tree([])
    assert caught.value.help
    repository.write({"a.avsc": "longer than before\n"})
    with open_repo(repository.path) as repo, pytest.raises(Unreadable, match="clean filter 'lfs' failed") as caught:
        repo.read_work_tree([])
    assert "filter" in caught.value.help


def test_links_and_submodules_are_entries_and_never_followed(repository: Repository, tmp_path: Path) -> None:
    outside = Repository(tmp_path / "outside")
    outside.commit("first", {"secret": "secret"})
    (repository.path / "contracts" / "link.avsc").symlink_to(outside.path / "secret")
    (repository.path / "contracts" / "folder").symlink_to(outside.path)
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", outside.path.as_uri(), "module")
    Repository(repository.path / "nested").commit("first", {"x": "x"})
    with open_repo(repository.path) as repo:
        snapshot = repo.read_work_tree([])
    modes = {path: entry.mode for path, entry in snapshot.entries.items() if not entry.mode.startswith("100")}
    assert modes == {
        "contracts/link.avsc": "120000", "contracts/folder": "120000", "module": "160000", "nested": "160000"
    }  # fmt: skip
    assert snapshot.contents[snapshot.entries["contracts/folder"].blob] == os.fsencode(outside.path)
    repository.git("add", "contracts")
    with open_repo(repository.path) as repo:
        assert repo.read_index(["contracts"]).entries["contracts/folder"] == snapshot.entries["contracts/folder"]


def test_a_file_that_became_something_else_is_what_it_is_now(repository: Repository, tmp_path: Path) -> None:
    for name in ("contracts/a.avsc", "other/c.txt"):
        (repository.path / name).unlink()
    os.mkfifo(repository.path / "contracts" / "a.avsc")
    (repository.path / "other" / "c.txt").mkdir()
    repository.write({"other/c.txt/inside": "x"})
    assert work_tree(repository) == {"contracts/sub/b.proto": b"message B {}\n", "other/c.txt/inside": b"x"}


def test_a_folder_that_became_a_link_holds_nothing(repository: Repository, tmp_path: Path) -> None:
    (repository.path / "contracts").rename(tmp_path / "moved")
    (repository.path / "contracts").symlink_to(tmp_path / "moved")
    with open_repo(repository.path) as repo:
        assert [(entry.path, entry.mode) for entry in repo.read_work_tree(["contracts"]).entries.values()] == [
            ("contracts", "120000")
        ]


def test_a_path_that_was_only_announced_is_not_in_the_index(repository: Repository) -> None:
    repository.write({"contracts/announced.avsc": "soon", "contracts/empty.avsc": ""})
    repository.git("add", "--intent-to-add", "contracts/announced.avsc")
    repository.git("add", "contracts/empty.avsc")
    assert "contracts/announced.avsc" not in index(repository, "contracts")
    assert index(repository, "contracts")["contracts/empty.avsc"] == b""
    assert work_tree(repository)["contracts/announced.avsc"] == b"soon"
    repository.git("reset", "--quiet")
    repository.git("add", "--intent-to-add", "contracts/announced.avsc")
    with open_repo(repository.path) as repo:
        assert repo.index_equals_head()
    (repository.path / "contracts" / "announced.avsc").unlink()
    assert set(work_tree(repository, "contracts")) == {
        "contracts/a.avsc", "contracts/empty.avsc", "contracts/sub/b.proto"
    }  # fmt: skip


def test_a_conflict_in_the_index_is_named_and_read_from_disk_in_the_work_tree(repository: Repository) -> None:
    repository.branch("side")
    repository.commit("side", {"contracts/a.avsc": "side"})
    repository.git("switch", "--quiet", "main")
    repository.commit("main", {"contracts/a.avsc": "main"})
    with pytest.raises(AssertionError, match="CONFLICT"):
        repository.git("merge", "side")
    with pytest.raises(Unreadable, match=r"'contracts/a.avsc' has a conflict") as caught:
        index(repository)
    assert "git add" in caught.value.help
    assert set(index(repository, "other")) == {"other/c.txt"}
    repository.write({"contracts/a.avsc": "resolved"})
    assert work_tree(repository)["contracts/a.avsc"] == b"resolved"


def test_a_sparse_checkout_counts_as_the_index_has_it(repository: Repository) -> None:
    repository.git("sparse-checkout", "set", "other")
    assert not (repository.path / "contracts").exists()
    assert work_tree(repository) == as_bytes(SCHEMAS)


def test_a_broken_index_is_one_sentence(repository: Repository) -> None:
    (repository.path / ".git" / "index").write_bytes(b"DIRC nonsense")
    with open_repo(repository.path) as repo, pytest.raises(Unreadable, match="git ls-files failed"):
        repo.read_index([])
