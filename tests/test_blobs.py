"""What blobs hold, how few processes that takes, and that nothing is written."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from registry.errors import Unreadable
from registry.git import open_repo
from tests.repo import Repository
from tests.snapshots import read_contents, revision


def test_many_and_large_blobs_come_through_one_process(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "here")
    files: dict[str, str | bytes | None] = {f"f{number:03}": f"{number}\n" * number for number in range(300)}
    files["large"] = b"\0\n" * 400_000
    repository.commit("first", files)
    assert revision(repository) == {k: v.encode() if isinstance(v, str) else v for k, v in files.items()}


def test_a_missing_blob_is_said_and_the_next_question_is_answered(repository: Repository) -> None:
    blob = repository.git("rev-parse", "HEAD:contracts/a.avsc")
    with open_repo(repository.path) as repo:
        with pytest.raises(Unreadable, match=f"does not hold the blob {'1' * 40}") as caught:
            repo.read_blobs([blob, "1" * 40])
        assert "git fsck" in caught.value.help
        assert repo.read_blobs([blob, blob]) == {blob: b'{"a": 1}\n'}
        repo.close()
        assert repo.read_blobs([blob]) == {blob: b'{"a": 1}\n'}
        with pytest.raises(Unreadable):
            repo.read_blobs([repo.head])


def test_a_partial_clone_does_not_fetch_behind_our_back(repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    clone = repository.clone(tmp_path / "clone", "--no-checkout", "--filter=blob:none")
    with open_repo(clone.path) as repo:
        blobs = [entry.blob for entry in repo.read_revision(repo.head, "main", []).entries.values()]
        with pytest.raises(Unreadable, match="this partial clone does not hold the blob") as caught:
            repo.read_blobs(blobs)
        way_out = caught.value.help.partition("git ")[2].partition(" brings")[0]
        clone.git(*way_out.split())
        assert len(repo.read_blobs(blobs)) == 3


# Nothing is written --------------------------------------------------------------------------------------------------


def fingerprint(folder: Path) -> dict[str, tuple[str, float]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime)
        for path in files
    }


def test_nothing_is_written_to_dot_git(repository: Repository) -> None:
    repository.stage({"contracts/staged.avsc": "staged"})
    repository.write({"contracts/new.avsc": "new\r\n", "contracts/a.avsc": "dirty", "same.txt": "c\n"})
    os.utime(repository.path / "contracts" / "staged.avsc", (1, 1))
    before = fingerprint(repository.path)
    with open_repo(repository.path) as repo:
        snapshots = [repo.read_revision(repo.head, "main", []), repo.read_index([]), repo.read_work_tree([])]
        for snapshot in snapshots:
            read_contents(repo, snapshot)
        repo.resolve("main")
        repo.merge_base(repo.head, repo.head)
        repo.parents(repo.head)
        assert not repo.index_equals_head()
    assert fingerprint(repository.path) == before


def test_importing_git_is_cheap() -> None:
    program = (
        "import sys, registry.git; print(*sorted({'tempfile', 'hashlib', 'difflib', 'json', 'zlib'} & {*sys.modules}))"
    )
    root = os.fspath(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


COUNT = """
import sys
from pathlib import Path
started = []
sys.addaudithook(lambda event, arguments: event == "subprocess.Popen" and started.append(arguments[1][3]))
from registry.base import find_base
from registry.git import open_repo
with open_repo(Path(sys.argv[1])) as repo:
    base = find_base(repo, against=None, head="", environment={}, staged=True)
    before, after = repo.read_revision(base.commit, base.label, ["contracts"]), repo.read_index(["contracts"])
    repo.read_blobs(entry.blob for entry in before.entries.values())
    repo.read_blobs(entry.blob for entry in after.entries.values())
print(*started)
"""


def test_the_hook_asks_git_four_times(repository: Repository) -> None:
    root = os.fspath(Path(__file__).parents[1])
    command = [sys.executable, "-c", COUNT, os.fspath(repository.path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["rev-parse", "ls-tree", "ls-files", "cat-file"]
