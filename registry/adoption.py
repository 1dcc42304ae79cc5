"""`contracts init`: a repository's schemas -> the files that make contracts of them; what exists stays."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from posixpath import commonpath, dirname
from typing import Final

from registry.catalog import CODEOWNERS, OWNERSHIP, Index, Layout, Shelf, layout_of, read_catalog
from registry.change import Reader
from registry.contract import Catalog
from registry.errors import Flaw, Refused, Unreadable
from registry.formats import FORMATS, format_of, load_format
from registry.frozen import dataclass
from registry.git import Repo, Snapshot, open_repo
from registry.scaffold import (
    ACTION,
    ADDRESS,
    EXAMPLE,
    EXAMPLE_SCHEMA,
    OWNERS_LINE,
    PLACEHOLDER,
    render_example_ownership,
    render_hook,
    render_ownership,
    render_policy,
    render_step,
    render_workflow,
)
from registry.schema import Array, Map, Record, Ref, Schema, Type, Union

PRE_COMMIT: Final = ".pre-commit-config.yaml"
GITHUB: Final = ".github"
WORKFLOWS: Final = f"{GITHUB}/workflows"
WORKFLOW: Final = "contracts.yml"
MAX_FLAWS: Final = 10
"""Schemas that cannot be read and are still named."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said."""

    root: str | None = None
    """The folder of the schemas; ``contracts``, or where they lie, where nothing was said."""
    service: str = PLACEHOLDER
    team: str = PLACEHOLDER
    github: bool | None = None
    """Whether to write what GitHub reads; where nothing was said, if there is a ``.github``."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One file to be."""

    path: str
    """From the top of the repository."""
    before: bytes | None
    """What it holds now, which stays as it is; ``None`` where it is not there."""
    added: bytes
    """What is written, or appended."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What a tree of schemas holds."""

    events: tuple[str, ...]
    """Full names of Avro records and Protobuf messages, sorted."""
    shared: tuple[str, ...] = ()
    """Top-level records and messages that others refer to."""
    flaws: tuple[Flaw, ...] = ()
    """Why files could not be read; their types are no events."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """All that will be written, and all there is to say."""

    top: Path
    root: str
    planned: tuple[Planned, ...]
    notes: tuple[str, ...]
    """What was found and decided."""
    by_hand: tuple[tuple[str, str], ...]
    """What is left to the user: a sentence, and the lines to write."""
    claimed: bool = True
    """Whether the user said who writes the events; else they are nobody's yet."""


def plan_adoption(start: Path, wishes: Wishes, environment: Mapping[str, str]) -> Adoption:
    """Read the work tree and decide; nothing is written. Raises :class:`registry.errors.RegistryError`."""
    for name in (wishes.service, wishes.team):
        if not name.strip() or not name.isprintable():
            raise Refused(f"{name!r} is no name of a service or a team", "write it as ownership.yaml is to have it")
    with open_repo(start) as repo:
        if repo.bare:
            raise Refused("a bare repository has no files to add to", "run it in a clone")
        ground = _choose_ground(repo, wishes.root)
        layout, notes = ground.layout, list(ground.notes)
        shelf = Shelf(repo, environment)
        here = read_catalog(shelf, ground.snapshot, layout)
        fresh = not _exists(Path(repo.top), OWNERSHIP)
        branch = "master" if repo.ref_exists("refs/heads/master") else "main"
        texts: dict[str, str] = {}
        if fresh and ground.empty:
            example = layout.join(f"{EXAMPLE.replace('.', '/')}.avsc")
            texts = {example: EXAMPLE_SCHEMA, OWNERSHIP: render_example_ownership(wishes.service, wishes.team)}
            notes.append(f"there is no schema yet: {example} is an example to replace")
        elif fresh:
            adopted = find_events(Reader(shelf), here)
            texts = {OWNERSHIP: render_ownership(adopted.events, wishes.service, wishes.team)}
            notes += _describe_adopted(here[0], adopted)
    texts[layout.policy] = render_policy(lenient=not ground.empty)
    by_hand = [*_plan_hook(Path(repo.top), layout, texts)]
    github = wishes.github if wishes.github is not None else _exists(Path(repo.top), GITHUB)
    by_hand += _plan_workflow(Path(repo.top), layout, branch, texts) if github else ()
    planned = [Planned(path, None, text.encode()) for path, text in texts.items() if not _exists(Path(repo.top), path)]
    if github and not here[0].codeowned:
        planned.append(_plan_codeowners(Path(repo.top)))
        by_hand.append(
            (f"put who answers for {OWNERSHIP} in the place of this owner in {planned[-1].path}", OWNERS_LINE)
        )
    claimed = not fresh or wishes.service != PLACEHOLDER
    return Adoption(Path(repo.top), layout.root, tuple(planned), tuple(notes), tuple(by_hand), claimed)


def _exists(top: Path, path: str) -> bool:
    """On disk: what git ignores is not overwritten either."""
    return os.path.lexists(top / path)


# Where the schemas are ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Ground:
    """Where the contracts will stand."""

    layout: Layout
    snapshot: Snapshot
    empty: bool
    """There is no schema in the whole repository."""
    notes: tuple[str, ...] = ()


def _choose_ground(repo: Repo, named: str | None) -> _Ground:
    """The folder of the schemas: as named, else ``contracts``, else where they lie."""
    layout = layout_of(named or "contracts")
    if ".." in layout.root.split("/") or layout.root.split("/")[0] == ".git":
        raise Refused(f"{named} is no folder of this repository", "name one by its path from the repository's top")
    if not layout.root.isprintable():
        raise Refused(f"{layout.root!a} cannot be written into the files of a configuration", "rename the folder")
    snapshot = repo.read_work_tree(layout.under, layout.holds)
    if any(_is_schema(layout, path) for path in snapshot.entries):
        return _Ground(layout, snapshot, empty=False)
    whole = repo.read_work_tree(["."], layout.holds)
    schemas = [path for path in whole.entries if format_of(path) is not None]
    if not schemas:
        return _Ground(layout, snapshot, empty=True)
    found = _find_root(repo, whole, schemas)
    there, many = found.root or ".", _many(len(schemas), "schema file")
    if named is not None:
        return _Ground(layout, snapshot, False, (f"nothing lies below {named}; {many} below {there}: --root {there}",))
    note = f"{many} below {there}, which is the root from now on: say --root {there} to every command"
    return _Ground(found, whole, False, (note,))


def _is_schema(layout: Layout, path: str) -> bool:
    below = not layout.root or path.startswith(f"{layout.root}/")
    return below and format_of(path) is not None


def _find_root(repo: Repo, snapshot: Snapshot, schemas: Sequence[str]) -> Layout:
    """The folder that all schemas have in common; one above it, if more Protobuf imports resolve from there."""
    folders = [commonpath([f"/{dirname(path)}" for path in schemas]).strip("/")]
    while folders[-1]:
        folders.append(dirname(folders[-1]))
    imports = _find_imports(repo, snapshot, [path for path in schemas if format_of(path) == "protobuf"])
    layouts = [Layout(folder) for folder in folders]
    return max(layouts, key=lambda layout: sum(layout.join(name) in snapshot.entries for name in imports))


def _find_imports(repo: Repo, snapshot: Snapshot, paths: Sequence[str]) -> set[str]:
    blobs = {path: snapshot.entries[path].blob for path in paths if snapshot.entries[path].mode.startswith("100")}
    texts = {**snapshot.contents, **repo.read_blobs(sorted(set(blobs.values()) - snapshot.contents.keys()))}
    outline = load_format("protobuf").outline
    return {
        name for path, blob in blobs.items() for name in outline(texts[blob].decode("utf-8", "replace"), path).refers
    }


# What the schemas are -------------------------------------------------------------------------------------------------


def find_events(reader: Reader, here: tuple[Catalog, Index]) -> Adopted:
    """Each top-level record and message that no other one refers to; of those that refer to each other, the first."""
    units, flaws = _read_units(reader, here)
    owners: dict[str, str] = {}
    uses: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        owners.update(_find_owners(unit))
    tops = set(owners.values())
    for schema, _ in units:
        for user, used in _find_uses(schema):
            if used in tops and owners.get(user, "") != used:
                uses[owners.get(user, user)].add(used)
    events = sorted(tops - {name for names in uses.values() for name in names})
    reached = _reach(events, uses)
    for name in sorted(tops):
        if name not in reached:
            events.append(name)
            reached |= _reach([name], uses)
    return Adopted(tuple(sorted(events)), tuple(sorted(tops - set(events))), tuple(flaws))


def _read_units(reader: Reader, here: tuple[Catalog, Index]) -> tuple[list[tuple[Schema, frozenset[str]]], list[Flaw]]:
    """Each Avro file by itself, and all Protobuf files at once, each with the paths that it was asked for.

    One Protobuf file that does not compile takes the others with it; then each is read by itself.
    """
    catalog, index = here
    protos = [path for path in catalog.files if format_of(path) == "protobuf"]
    groups = [[path] for path in catalog.files if format_of(path) == "avro"] + ([protos] if protos else [])
    units: list[tuple[Schema, frozenset[str]]] = []
    flaws: dict[str, Flaw] = {}
    while groups:
        group = groups.pop(0)
        schema, found = reader.read(index.closure(*group), group, index.layout.root, None)
        if schema is not None:
            units.append((schema, frozenset(group)))
        elif len(group) > 1:
            groups += [[path] for path in group]
        else:
            flaws |= {f"{flaw.location}: {flaw.message}": flaw for flaw in found}
    return units, list(flaws.values())


def _find_owners(unit: tuple[Schema, frozenset[str]]) -> dict[str, str]:
    """Every type of the unit's own files -> the top-level record or message that it is, or that holds it."""
    schema, paths = unit
    types = {name: type_ for name, type_ in schema.types.items() if type_.at.path in paths}
    if schema.format == "avro":
        branches = [
            branch for root in schema.roots for branch in (root.branches if isinstance(root, Union) else (root,))
        ]
        tops = [each.name for each in branches if isinstance(each, Ref) and isinstance(types.get(each.name), Record)]
        return {name: name if name in tops else tops[0] for name in types} if tops else {}
    owners: dict[str, str] = {}
    for name, type_ in types.items():
        holder = name
        while (around := holder.rpartition(".")[0]) in schema.types:
            holder = around
        if holder != name or isinstance(type_, Record):
            owners[name] = holder
    return owners


def _find_uses(schema: Schema) -> Iterator[tuple[str, str]]:
    """Which record has a field of which named type."""
    for name, type_ in schema.types.items():
        waiting: list[Type] = [field.type for field in type_.fields] if isinstance(type_, Record) else []
        while waiting:
            match waiting.pop():
                case Ref(used):
                    yield name, used
                case Array(inner) | Map(inner):
                    waiting.append(inner)
                case Union(branches):
                    waiting += branches


def _reach(names: Sequence[str], uses: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += uses.get(name, ())
    return reached


def _describe_adopted(catalog: Catalog, adopted: Adopted) -> Iterator[str]:
    counts = [(sum(path.endswith(suffix) for path in catalog.files), suffix) for suffix in FORMATS.values()]
    files = " and ".join(f"{count} {suffix}" for count, suffix in counts if count)
    if files:
        shared = f"; {_many(len(adopted.shared), 'shared type')} reached through them" if adopted.shared else ""
        yield f"adopted {_many(len(adopted.events), 'event')} from {files}{shared}"
    for flaw in adopted.flaws[:MAX_FLAWS]:
        yield f"not adopted, since it cannot be read: {flaw.location}: {flaw.message}"
    if len(adopted.flaws) > MAX_FLAWS:
        yield f"not adopted: {len(adopted.flaws) - MAX_FLAWS} more"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


# What goes around them ------------------------------------------------------------------------------------------------


def _plan_hook(top: Path, layout: Layout, texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The hook's configuration, or what to add to one that is there."""
    if not _exists(top, PRE_COMMIT):
        texts[PRE_COMMIT] = render_hook(layout.root)
    elif ADDRESS not in _read(top, PRE_COMMIT):
        yield f"add the hook to {PRE_COMMIT}, under `repos:`", render_hook(layout.root, whole=False)


def _plan_workflow(top: Path, layout: Layout, branch: str, texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The workflow, unless one uses the action already."""
    folder = top / WORKFLOWS
    present = sorted(os.listdir(folder)) if folder.is_dir() else []
    names = [name for name in present if name.endswith((".yml", ".yaml"))]
    if any(ACTION in _read(top, f"{WORKFLOWS}/{name}") for name in names):
        return
    if _exists(top, f"{WORKFLOWS}/{WORKFLOW}"):
        yield f"add the check to {WORKFLOWS}/{WORKFLOW}, under `steps:`", render_step(layout.root)
    else:
        texts[f"{WORKFLOWS}/{WORKFLOW}"] = render_workflow(layout.root, branch)


def _plan_codeowners(top: Path) -> Planned:
    """The line that protects ownership.yaml: in the file that there is, after all others, where it wins."""
    path = next((path for path in CODEOWNERS if _exists(top, path)), None)
    if path is None:
        return Planned(f"{GITHUB}/CODEOWNERS", None, f"{OWNERS_LINE}\n".encode())
    before = _read_bytes(top, path)
    end = b"\r\n" if b"\r\n" in before else b"\n"
    return Planned(path, before, (b"" if not before or before.endswith(b"\n") else end) + OWNERS_LINE.encode() + end)


def _read(top: Path, path: str) -> str:
    return _read_bytes(top, path).decode("utf-8", "replace")


def _read_bytes(top: Path, path: str) -> bytes:
    try:
        return (top / path).read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}", "free the way and run it again") from None


def write_adoption(adoption: Adoption) -> None:
    """Make each file, or append to it; all or none. Raises :class:`Refused` where something is in the way."""
    made: list[Path] = []
    try:
        for each in adoption.planned:
            _refuse_link(adoption.top, each.path)
        for each in sorted(adoption.planned, key=lambda each: each.before is not None):
            target = adoption.top / each.path
            target.parent.mkdir(parents=True, exist_ok=True)
            # `x` never opens what is there, were it made a moment ago.
            with target.open("xb" if each.before is None else "ab") as file:
                if each.before is None:
                    made.append(target)
                file.write(each.added)
    except OSError as error:
        for target in made:
            target.unlink(missing_ok=True)
        raise Refused(f"{each.path} cannot be written: {error.strerror}", "nothing was written; free the way") from None


def _refuse_link(top: Path, path: str) -> None:
    """What is reached through a link lies elsewhere, perhaps outside of the repository."""
    parts = Path(path).parts
    for length in range(1, len(parts) + 1):
        step = Path(*parts[:length])
        if (top / step).is_symlink():
            raise Refused(f"{step} is a symbolic link; nothing was written", "put a real file or folder in its place")
