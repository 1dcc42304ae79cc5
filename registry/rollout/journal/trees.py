"""The tree of the next commit: the one before it, with a few files changed."""

import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from registry.discovery import decode_path, encode_path, read_sentence, start_git
from registry.errors import Unreadable


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
    """Store the folders that change, by ``git mktree -z --batch``; the id of the top. ``None`` removes a file."""
    folders: dict[str, dict[str, Row]] = {"": {}}
    for path, row in rows.items():
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, {})[name] = row
    with start_git(command, environment) as process:
        top = _write_folder(process, folders, "", changed)
        _, err = process.communicate()
    if process.returncode or not top.id:
        raise Unreadable(f"git cannot store a tree: {read_sentence(err)}", "git fsck says what is wrong")
    return top.id


def _write_folder(
    process: subprocess.Popen[bytes],
    folders: Mapping[str, Mapping[str, Row]],
    folder: str,
    changed: Mapping[str, Row | None],
) -> Row:
    """Write the folders below first: a tree is made of the ids of what it holds. An empty one has no id."""
    held = dict(folders.get(folder, {}))
    below: dict[str, dict[str, Row | None]] = {}
    for path, row in changed.items():
        name, is_below, rest = path.partition("/")
        if is_below:
            below.setdefault(name, {})[rest] = row
        elif row:
            held[name] = row
        else:
            held.pop(name, None)
    for name, inner in below.items():
        held[name] = _write_folder(process, folders, f"{folder}/{name}" if folder else name, inner)
    filled = {name: row for name, row in held.items() if row.id}
    if folder and not filled:
        return Row("040000", "tree", "")
    assert process.stdin is not None and process.stdout is not None  # both are pipes
    lines = (f"{row.mode} {row.kind} {row.id}\t{name}\0" for name, row in filled.items())
    try:
        process.stdin.write(encode_path("".join(lines)) + b"\0")
        process.stdin.flush()
    except BrokenPipeError:  # it has ended, and says why
        return Row("040000", "tree", "")
    return Row("040000", "tree", process.stdout.readline().decode("ascii").strip())
