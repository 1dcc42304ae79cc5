"""Which repository is found, in the surroundings users have: subfolders, hooks, formats."""

import os
import stat
import sys
from pathlib import Path

import pytest

from registry.errors import NoRepository, UnknownRevision, Unreadable
from registry.git import open_repo
from tests.repo import Repository
from tests.snapshots import SCHEMAS, as_bytes, index, revision, work_tree

# Opening -------------------------------------------------------------------------------------------------------------


def test_a_subfolder_is_in_the_repository_above_it(repository: Repository) -> None:
    with open_repo(repository.path / "contracts" / "sub") as repo:
        assert repo.top == str(repository.path.resolve())
        assert repo.git_dir == str((repository.path / ".git").resolve())
        assert repo.head == repository.git("rev-parse", "HEAD")
        assert (repo.bare, repo.shallow, repo.object_format) == (False, False, "sha1")
        assert set(repo.read_index(["contracts/sub"]).entries) == {"contracts/sub/b.proto"}


def test_a_link_to_a_subfolder_leads_to_the_same_top(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository.path / "contracts" / "sub")
    assert open_repo(tmp_path / "link").top == str(repository.path.resolve())


def test_a_repository_without_commits_has_no_head(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "here")
    repository.stage({"a": "a"})
    with open_repo(repository.path) as repo:
        assert repo.head == ""
        assert set(repo.read_index([]).entries) == {"a"}
        assert not repo.index_equals_head()
        with pytest.raises(UnknownRevision, match="the repository has none yet"):
            repo.resolve("HEAD")
        with pytest.raises(UnknownRevision, match="'main' names no commit"):
            repo.resolve("main")


def test_no_repository_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NoRepository, match="is in no git repository") as caught:
        open_repo(tmp_path)
    assert "git init" in caught.value.help
    with pytest.raises(NoRepository, match="No such file or directory"):
        open_repo(tmp_path / "missing")


def test_missing_git_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(NoRepository, match="git is not installed") as caught:
        open_repo(tmp_path)
    assert "2.30" in caught.value.help


def test_dubious_ownership_names_the_exact_command(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(NoRepository, match="because another user owns it") as caught:
        open_repo(repository.path)
    assert f"git config --global --add safe.directory {repository.path.resolve()}" in caught.value.help


def test_a_bare_repository_has_revisions_but_no_index_and_no_work_tree(repository: Repository, tmp_path: Path) -> None:
    bare = repository.clone(tmp_path / "bare.git", "--bare")
    assert revision(bare) == as_bytes(SCHEMAS)
    with open_repo(bare.path) as repo:
        assert repo.bare and repo.top == str(bare.path.resolve())
        with pytest.raises(Unreadable, match="no work tree and no index"):
            repo.read_index([])
        with pytest.raises(Unreadable, match="no work tree and no index"):
            repo.read_work_tree([])


def test_a_bare_repository_without_commits_opens(tmp_path: Path) -> None:
    (tmp_path / "bare.git").mkdir()
    Repository(tmp_path / "other").git("init", "--quiet", "--bare", os.fspath(tmp_path / "bare.git"))
    with open_repo(tmp_path / "bare.git") as repo:
        assert repo.bare and repo.head == "" and repo.git_dir == str((tmp_path / "bare.git").resolve())


def test_inside_dot_git_there_is_no_work_tree(repository: Repository) -> None:
    with open_repo(repository.path / ".git") as repo:
        assert repo.bare and repo.head
        with pytest.raises(Unreadable, match="no work tree and no index"):
            repo.read_work_tree([])


def test_a_linked_work_tree_has_its_own_index(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "--quiet", "-b", "side", os.fspath(tmp_path / "linked"))
    linked = Repository(tmp_path / "linked")
    linked.stage({"contracts/new.avsc": "new"})
    assert "contracts/new.avsc" in index(linked)
    assert "contracts/new.avsc" not in index(repository)
    assert "contracts/new.avsc" in work_tree(linked)


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize("index_version", ["2", "4"])
@pytest.mark.parametrize("split", ["false", "true"])
def test_every_format_of_objects_and_index_is_read(
    tmp_path: Path, object_format: str, index_version: str, split: str
) -> None:
    repository = Repository(tmp_path / "here", object_format)
    repository.git("config", "index.version", index_version)
    repository.git("config", "core.splitIndex", split)
    repository.commit("first", SCHEMAS)
    repository.stage({"contracts/staged.avsc": "staged", "contracts/empty.avsc": ""})
    repository.write({"contracts/a.avsc": "changed", "contracts/untracked.avsc": "untracked"})
    staged = {**as_bytes(SCHEMAS), "contracts/staged.avsc": b"staged", "contracts/empty.avsc": b""}
    assert bool(list((repository.path / ".git").glob("sharedindex.*"))) == (split == "true")
    with open_repo(repository.path) as repo:
        assert repo.object_format == object_format
    assert revision(repository) == as_bytes(SCHEMAS)
    assert index(repository) == staged
    assert work_tree(repository) == {
        **staged, "contracts/a.avsc": b"changed", "contracts/untracked.avsc": b"untracked"
    }  # fmt: skip


# Git's own variables -------------------------------------------------------------------------------------------------


def test_an_index_named_for_this_repository_is_used(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    other = repository.path / ".git" / "next-index-1.lock"
    repository.write({"contracts/new.avsc": "new"})
    repository.git("add", "contracts/new.avsc", environment={"GIT_INDEX_FILE": os.fspath(other)})
    assert "contracts/new.avsc" not in index(repository)
    for value in (os.fspath(other), ".git/next-index-1.lock"):
        monkeypatch.setenv("GIT_INDEX_FILE", value)
        assert "contracts/new.avsc" in index(repository)
        with open_repo(repository.path / "contracts") as repo:
            assert "contracts/new.avsc" in repo.read_index([]).entries


def test_an_index_made_by_hand_outside_any_repository_is_used(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_INDEX_FILE", os.fspath(tmp_path / "mine"))
    repository.git("read-tree", "HEAD:contracts", environment={"GIT_INDEX_FILE": os.fspath(tmp_path / "mine")})
    assert set(index(repository)) == {"a.avsc", "sub/b.proto"}


def test_the_variables_of_a_hook_are_dropped_for_another_repository(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path / "other")
    other.commit("first", {"only-there": "x"})
    monkeypatch.setenv("GIT_INDEX_FILE", os.fspath(other.path / ".git" / "index"))
    assert set(index(repository)) == set(SCHEMAS)
    monkeypatch.setenv("GIT_DIR", os.fspath(other.path / ".git"))
    assert set(index(repository)) == set(SCHEMAS)
    monkeypatch.setenv("GIT_WORK_TREE", os.fspath(other.path))
    assert set(index(repository)) == set(SCHEMAS)
    assert set(index(other)) == {"only-there"}


def test_a_repository_beside_its_work_tree_is_found_through_the_variables(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository.path / ".git").rename(tmp_path / "beside.git")
    monkeypatch.setenv("GIT_DIR", os.fspath(tmp_path / "beside.git"))
    monkeypatch.setenv("GIT_WORK_TREE", os.fspath(repository.path))
    with open_repo(repository.path / "contracts") as repo:
        assert repo.top == str(repository.path.resolve())
        assert set(repo.read_work_tree(["contracts"]).entries) == {"contracts/a.avsc", "contracts/sub/b.proto"}


def test_pathspec_settings_of_the_user_do_not_matter(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_GLOB_PATHSPECS", "1")
    monkeypatch.setenv("GIT_ICASE_PATHSPECS", "1")
    assert set(index(repository, "CONTRACTS")) == set()
    assert set(index(repository, "contracts")) == {"contracts/a.avsc", "contracts/sub/b.proto"}


HOOK = """#!{python}
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from registry.git import open_repo
with open_repo(Path.cwd()) as repo:
    staged = repo.read_index(["contracts"])
    contents = repo.read_blobs(entry.blob for entry in staged.entries.values())
    lines = [f"{{path}}={{contents[entry.blob].decode()}}" for path, entry in sorted(staged.entries.items())]
    Path({seen!r}).write_text(" ".join(lines) + f" nothing={{repo.index_equals_head()}}")
"""


def install_hook(repository: Repository, folder: Path) -> Path:
    seen = folder / "seen"
    hook = repository.path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    root = os.fspath(Path(__file__).parents[1])
    hook.write_text(HOOK.format(python=sys.executable, root=root, seen=os.fspath(seen)))
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    return seen


def test_a_hook_sees_what_the_commit_will_hold(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "here")
    repository.commit("first", {"contracts/a": "1", "contracts/b": "1"})
    seen = install_hook(repository, tmp_path)

    repository.stage({"contracts/a": "2"})
    repository.write({"contracts/b": "2"})
    repository.git("commit", "--quiet", "-m", "the index only")
    assert seen.read_text() == "contracts/a=2 contracts/b=1 nothing=False"

    repository.stage({"contracts/a": "3", "contracts/b": "3"})
    repository.git("commit", "--quiet", "-m", "one path of two", "--", "contracts/b")
    assert seen.read_text() == "contracts/a=2 contracts/b=3 nothing=False"

    repository.write({"contracts/a": "4"})
    repository.git("commit", "--quiet", "-a", "-m", "all that is tracked")
    assert seen.read_text() == "contracts/a=4 contracts/b=3 nothing=False"

    repository.git("rm", "--quiet", "contracts/a")
    repository.git("commit", "--quiet", "-m", "delete only")
    assert seen.read_text() == "contracts/b=3 nothing=False"

    repository.git("commit", "--quiet", "--allow-empty", "-m", "nothing")
    assert seen.read_text() == "contracts/b=3 nothing=True"


def test_a_hook_of_a_linked_work_tree_sees_its_own_index(repository: Repository, tmp_path: Path) -> None:
    seen = install_hook(repository, tmp_path)
    repository.git("worktree", "add", "--quiet", "-b", "side", os.fspath(tmp_path / "linked"))
    linked = Repository(tmp_path / "linked")
    linked.stage({"contracts/a.avsc": "linked", "contracts/sub/b.proto": None})
    linked.git("commit", "--quiet", "-m", "change")
    assert seen.read_text() == "contracts/a.avsc=linked nothing=False"


RECEIVE = """#!{python}
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from registry.git import open_repo
_, new, _ = sys.stdin.read().split()
with open_repo(Path.cwd()) as repo:
    pushed = repo.read_revision(new, "pushed", ["contracts"])
    contents = repo.read_blobs(entry.blob for entry in pushed.entries.values())
    Path({seen!r}).write_text(" ".join(sorted(text.decode() for text in contents.values())))
"""


def test_a_hook_of_a_server_sees_what_is_pushed_before_it_is_accepted(repository: Repository, tmp_path: Path) -> None:
    server = repository.clone(tmp_path / "server.git", "--bare")
    hook, seen = server.path / "hooks" / "pre-receive", tmp_path / "seen"
    hook.parent.mkdir(exist_ok=True)
    root = os.fspath(Path(__file__).parents[1])
    hook.write_text(RECEIVE.format(python=sys.executable, root=root, seen=os.fspath(seen)))
    hook.chmod(0o755)
    repository.commit("change", {"contracts/a.avsc": "pushed", "contracts/sub/b.proto": None})
    repository.git("push", "--quiet", server.path.as_uri(), "main")
    assert seen.read_text() == "pushed"
