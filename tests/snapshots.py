"""What a snapshot of a repository holds, as plain bytes: both sides of a comparison are then visible in a test."""

from registry.git import Repo, Snapshot, open_repo
from tests.repo import Repository

SCHEMAS = {"contracts/a.avsc": '{"a": 1}\n', "contracts/sub/b.proto": "message B {}\n", "other/c.txt": "c\n"}


def read_contents(repo: Repo, snapshot: Snapshot) -> dict[str, bytes]:
    """Path to bytes."""
    missing = [entry.blob for entry in snapshot.entries.values() if entry.blob not in snapshot.contents]
    known = {**repo.read_blobs(missing), **snapshot.contents}
    return {path: known[entry.blob] for path, entry in snapshot.entries.items()}


def work_tree(repository: Repository, *under: str) -> dict[str, bytes]:
    """What the work tree holds."""
    with open_repo(repository.path) as repo:
        return read_contents(repo, repo.read_work_tree(under))


def index(repository: Repository, *under: str) -> dict[str, bytes]:
    """What the index holds."""
    with open_repo(repository.path) as repo:
        return read_contents(repo, repo.read_index(under))


def revision(repository: Repository, ref: str = "HEAD", *under: str) -> dict[str, bytes]:
    """What a revision holds."""
    with open_repo(repository.path) as repo:
        return read_contents(repo, repo.read_revision(repo.resolve(ref), ref, under))


def as_bytes(files: dict[str, str]) -> dict[str, bytes]:
    """The same, from texts."""
    return {path: text.encode() for path, text in files.items()}
