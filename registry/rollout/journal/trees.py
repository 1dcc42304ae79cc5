"""The tree of the next commit: the one before it, with a few files changed."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from registry.discovery import decode_path, encode_path, read_sentence, run_git
from registry.errors import Unreadable

TRIES: Final = 3
"""How often folders are stored before that is given up."""


class Row(NamedTuple):
    """An entry of a tree."""

    mode: str
    kind: str
    """``blob`` or ``tree``."""
    id: str


def parse_tree(listing: bytes) -> dict[str, Row]:
    """The rows of ``ls-tree -r -t -z`` by their path."""
    found: dict[str, Row] = {}
    for row in decode_path(listing).split("\0")[:-1]:
        facts, _, path = row.partition("\t")
        found[path] = Row(*facts.split(" "))
    return found


def write_tree(
    command: Sequence[str], environment: Mapping[str, str], rows: Mapping[str, Row], changed: Mapping[str, Row | None]
) -> str:
    """Store the folders that change, by ``git mktree -z --batch``; the id of the top. ``None`` removes a file.

    A tree is made of the ids of what it holds, so the deepest folders come first: those of one depth all at once.
    """
    folders = _find_folders(rows, changed)
    for path, row in changed.items():
        _put(folders, path, row)
    for depth in range(max(map(_depth_of, folders)), 0, -1):
        level = [folder for folder in folders if _depth_of(folder) == depth]
        filled = [folder for folder in level if folders[folder]]
        stored = _write_trees(command, environment, [folders[folder] for folder in filled])
        trees = dict(zip(filled, stored, strict=True))
        for folder in level:
            _put(folders, folder, Row("040000", "tree", trees[folder]) if folder in trees else None)
    return _write_trees(command, environment, [folders[""]])[0]


def _find_folders(rows: Mapping[str, Row], changed: Mapping[str, Row | None]) -> dict[str, dict[str, Row]]:
    """What the folders hold that change, by their paths."""
    folders: dict[str, dict[str, Row]] = {"": {}}
    for path in changed:
        while path := path.rpartition("/")[0]:
            folders.setdefault(path, {})
    for path, row in rows.items():
        folder, _, name = path.rpartition("/")
        if folder in folders:
            folders[folder][name] = row
    return folders


def _put(folders: Mapping[str, dict[str, Row]], path: str, row: Row | None) -> None:
    folder, _, name = path.rpartition("/")
    if row:
        folders[folder][name] = row
    else:
        folders[folder].pop(name, None)


def _depth_of(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0


def _write_trees(
    command: Sequence[str], environment: Mapping[str, str], trees: Sequence[Mapping[str, Row]]
) -> Sequence[str]:
    """Store trees in one process; their ids.

    ``git mktree`` ends with 0 and tells an id where it could not write the tree too, and only grumbles: on a full disk,
    or where a ``git gc`` beside it has just cleared a folder away. So a grumble counts as a failure.
    """
    if not trees:
        return ()
    listed = (
        "".join(f"{row.mode} {row.kind} {row.id}\t{name}\0" for name, row in held.items()) + "\0" for held in trees
    )
    told = encode_path("".join(listed))
    for _ in range(TRIES):
        done = run_git(command, environment, told)
        stored = done.stdout.decode("ascii").split()
        if not done.stderr and not done.returncode and len(stored) == len(trees):
            return stored
    raise Unreadable(
        f"git cannot store a tree: {read_sentence(done.stderr)}", "is the disk full? git fsck says what is wrong"
    )
