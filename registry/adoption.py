"""`contracts init`: a repository's schemas -> the files that make contracts of them; nothing that exists is changed.

What is planned is a value (:class:`Adoption`); :func:`write_adoption` writes it, and never over a file.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import commonpath, dirname
from typing import Final

from registry.cache import BlobCache, cache_folder
from registry.catalog import OWNERSHIP, Layout, Shelf, layout_of
from registry.errors import Flaw, Refused
from registry.formats import format_of
from registry.git import Repo, Snapshot, open_repo

PLACEHOLDER: Final = "unassigned"
"""Owner of what nobody has claimed yet."""
TOOL: Final = "event-contracts/event-contracts"
REVISION: Final = "v0.1.0"
EXAMPLE: Final = "example.SomethingHappened"
EXAMPLE_FILE: Final = "example/SomethingHappened.avsc"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said; ``None`` where nothing was said."""

    root: str | None = None
    service: str = PLACEHOLDER
    team: str = PLACEHOLDER
    github: bool | None = None
    """Whether to write what GitHub reads; if there is a ``.github``, where nothing was said."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One file to be: what it holds now (``None``: it is not there), and what it is to hold, which begins with that."""

    path: str
    """From the top of the repository."""
    before: bytes | None
    after: bytes


@dataclass(frozen=True, slots=True)
class Adopted:
    """What a tree of schemas holds: the events, the schemas that only they reach, and what could not be read."""

    events: Mapping[str, str]
    """Full name of an Avro record or a Protobuf message to the file that defines it."""
    shared: int = 0
    """Top-level types that others refer to."""
    flaws: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True)
class Adoption:
    """All that `contracts init` will write, and all it has to say."""

    top: Path
    root: str
    planned: tuple[Planned, ...]
    notes: tuple[str, ...]
    """What was found and decided."""
    by_hand: tuple[str, ...]
    """What is left to the user, each a paragraph."""


def plan_adoption(start: Path, wishes: Wishes, environment: Mapping[str, str]) -> Adoption:
    """Read the work tree and decide; nothing is written. Raises :class:`registry.errors.RegistryError`."""
    with open_repo(start) as repo:
        if repo.bare:
            raise Refused("a bare repository has no files to add to", "run it in a clone")
        shelf = Shelf(repo, BlobCache(cache_folder(environment), repo.git_dir))
        layout, snapshot, notes = _choose_root(repo, wishes.root)
        fresh = not _exists(repo.top, OWNERSHIP)
        adopted = find_events(shelf, snapshot, layout) if fresh else Adopted({})
        scaffolded = fresh and not any(format_of(path) for path in snapshot.entries)
    events = dict(adopted.events)
    texts: dict[str, str] = {}
    if scaffolded:
        events[EXAMPLE] = layout.join(EXAMPLE_FILE)
        texts[events[EXAMPLE]] = EXAMPLE_SCHEMA
        notes += [f"there is no schema yet: {events[EXAMPLE]} is an example to replace"]
    elif fresh:
        notes += _describe_adopted(adopted, layout)
    if fresh:
        texts[OWNERSHIP] = render_ownership(events, wishes, guessed=not scaffolded)
    texts[layout.policy] = POLICY + ("" if scaffolded else LENIENT) + APPROVERS
    texts[PRE_COMMIT] = render_hook(layout)
    github = wishes.github if wishes.github is not None else _exists(repo.top, ".github")
    if github:
        texts[WORKFLOW] = render_workflow(layout)
    planned = [Planned(path, None, text.encode()) for path, text in texts.items() if not _exists(repo.top, path)]
    by_hand = list(_find_hook_to_add(repo.top, layout))
    if github:
        planned += _plan_codeowners(repo.top)
    if any(OWNERS_LINE.encode() in each.after for each in planned):
        by_hand.append(f"put the team that answers for {OWNERSHIP} in the place of @your-org/architecture in CODEOWNERS")
    return Adoption(repo.top, layout.root, tuple(planned), tuple(notes), tuple(by_hand))


def _exists(top: Path, path: str) -> bool:
    return os.path.lexists(top / path)


# Where the schemas are ------------------------------------------------------------------------------------------------


def _choose_root(repo: Repo, named: str | None) -> tuple[Layout, Snapshot, list[str]]:
    """The folder of the schemas: as named, else ``contracts``, else where they lie; with what to say of it."""
    layout = layout_of(named or "contracts")
    if layout.root.startswith(".."):
        raise Refused(f"{named} is outside of the repository", "name a folder by its path from the repository's top")
    snapshot = repo.read_work_tree([layout.root or "."])
    if any(format_of(path) for path in snapshot.entries):
        return layout, snapshot, []
    snapshot = repo.read_work_tree(["."])
    schemas = [path for path in snapshot.entries if format_of(path)]
    if not schemas:
        return layout, snapshot, []
    found = _find_root(repo, snapshot, schemas)
    shown = found.root or "."
    many = _many(len(schemas), "schema")
    if named is not None:
        return layout, snapshot, [f"no schema lies below {named}; {many} below {shown} (contracts init --root {shown})"]
    return found, snapshot, [f"{many} below {shown}, so that is the root; say --root {shown} to the other commands too"]


def _find_root(repo: Repo, snapshot: Snapshot, schemas: Sequence[str]) -> Layout:
    """The folder that all schemas have in common; above it, if only from there every Protobuf import resolves."""
    folder = commonpath([dirname(path) for path in schemas])
    candidates = [folder]
    while candidates[-1]:
        candidates.append(dirname(candidates[-1]))
    imported = _find_imports(repo, snapshot, [path for path in schemas if format_of(path) == "protobuf"])
    layouts = [layout_of(candidate or ".") for candidate in candidates]
    return max(layouts, key=lambda layout: sum(layout.join(name) in snapshot.entries for name in imported))


def _find_imports(repo: Repo, snapshot: Snapshot, paths: Sequence[str]) -> set[str]:
    from registry.formats.protobuf.outline import outline

    blobs = {path: snapshot.entries[path].blob for path in paths}
    texts = {**snapshot.contents, **repo.read_blobs(sorted(set(blobs.values()) - snapshot.contents.keys()))}
    return {
        name
        for path, blob in blobs.items()
        for name in outline(texts[blob].decode("utf-8", "replace"), path).refers
        if not name.startswith("google/protobuf/")
    }
