"""A revision -> Catalog: every contract with its files and versions, found by outlines; no schema is parsed here."""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from posixpath import join, normpath, relpath
from typing import TypeVar, cast

from registry.cache import BlobCache, cache_folder
from registry.contract import Catalog, Contract, Ownership, Policy, SchemaFile, Version
from registry.discovery import show_name
from registry.errors import Flaw, InvalidSchema, Refused
from registry.formats import FORMATS, format_of, load_format
from registry.frozen import dataclass, field, replace
from registry.git import Repo, Snapshot
from registry.schema import Outline
from registry.source import Location, fixed_location
from registry.text import decode_document, decode_schema, describe_entry
from registry.version import parse_version

Noun = TypeVar("Noun")
OWNERSHIP = "ownership.yaml"
NUMBER = re.compile("[1-9][0-9]{0,8}")
"""The name of a version's folder."""
CODEOWNERS = ("CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where GitHub and GitLab look for it, in their order."""


class Shelf:
    """Blobs of one repository, decoded once and remembered; shared by the two revisions of a check."""

    def __init__(self, repo: Repo, environment: Mapping[str, str]) -> None:
        self._repo = repo
        self._cache = BlobCache(cache_folder(environment), repo.git_dir)
        self._bytes: dict[str, bytes] = {}
        self._nouns: dict[Hashable, object] = {}
        self._used: set[str] = set()

    def remember(self) -> None:
        """Keep what was learned of blobs for the next run."""
        self._cache.write(self._used)

    def fetch(self, snapshot: Snapshot, paths: Sequence[str]) -> None:
        """Read the blobs of many paths in one go."""
        blobs = {snapshot.entries[path].blob for path in paths if path in snapshot.entries}
        self._bytes.update(snapshot.contents)
        self._bytes.update(self._repo.read_blobs(sorted(blobs - self._bytes.keys())))

    def read(self, blob: str) -> bytes:
        """The bytes of a blob."""
        if blob not in self._bytes:
            self._bytes.update(self._repo.read_blobs([blob]))
        return self._bytes[blob]

    def read_schema(self, path: str, blob: str) -> str:
        """The text of a schema file. Raises :class:`InvalidSchema` where it is none."""
        return decode_schema(path, self.read(blob))

    def once(self, key: Hashable, make: Callable[[], Noun]) -> Noun:
        """What is made of the same blobs, made once: the two revisions of a check share most of theirs."""
        if key not in self._nouns:
            self._nouns[key] = make()
        return cast(Noun, self._nouns[key])

    def read_text(self, snapshot: Snapshot, path: str) -> str:
        """The text of a file that people write. Raises :class:`InvalidSchema` where it is no text, or a link."""
        entry = snapshot.entries[path]
        if flaw := describe_entry(path, entry.mode):
            raise InvalidSchema([flaw])
        return decode_document(path, self.read(entry.blob))

    def outline(self, snapshot: Snapshot, paths: Sequence[str]) -> dict[str, Outline]:
        """Names defined and needed by each file; only blobs that no run has seen are read."""
        keys = {path: f"outline:{snapshot.entries[path].blob}:{format_of(path)}" for path in paths}
        self._used.update(keys.values())
        self.fetch(snapshot, [path for path in paths if self._cache.find(keys[path]) is None])
        return {path: self._outline(key, path, snapshot.entries[path].blob) for path, key in keys.items()}

    def _outline(self, key: str, path: str, blob: str) -> Outline:
        match self._cache.find(key):
            case [list(defines), list(refers), bool(error)]:
                return Outline(tuple(defines), tuple(refers), error)
        try:
            outline = load_format(format_of(path) or "avro").outline(self.read_schema(path, blob), path)
        except InvalidSchema:
            outline = Outline(error=True)
        self._cache.remember(key, [list(outline.defines), list(outline.refers), outline.error])
        return outline


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a repository keeps its schemas: ``root`` relative to the top, ``""`` for the top itself."""

    root: str = "contracts"

    def inside(self, path: str) -> str:
        """A path of the root's as the schemas know it (what Protobuf's imports name)."""
        return relpath(path, self.root) if self.root else path

    def join(self, *parts: str) -> str:
        """A path below the root, relative to the top."""
        return join(self.root, *parts)

    @property
    def under(self) -> list[str]:
        """What is asked of git: the folders and files that :meth:`holds` may say yes to."""
        return [self.root, OWNERSHIP, *CODEOWNERS] if self.root else ["."]

    def holds(self, path: str) -> bool:
        """Whether a path can matter: a schema, a document of ours, CODEOWNERS, or anything among the versions."""
        ours = format_of(path) is not None or path.endswith((".yaml", ".yml", "CODEOWNERS"))
        return ours or path.startswith(self.versions)

    @property
    def versions(self) -> str:
        """The folder of the frozen versions, with its slash."""
        return self.join("versions") + "/"

    @property
    def policy(self) -> str:
        """The path of the policy."""
        return self.join("policy.yaml")


def layout_of(root: str) -> Layout:
    """The layout for a root as a user writes it: ``./proto/``, ``.``. Raises :class:`Refused`."""
    cleaned = normpath(root)
    if cleaned.startswith(("/", "../")) or cleaned == "..":
        fact = f"{show_name(root)} is no folder of the repository"
        raise Refused(fact, "name the folder by its path from the top of the repository: --root contracts")
    return Layout("" if cleaned == "." else cleaned)


@dataclass(frozen=True, slots=True)
class Index:
    """Where each name and each path of the head tree is found."""

    layout: Layout
    files: Mapping[str, SchemaFile]
    by_name: Mapping[str, Sequence[str]] = field(default_factory=dict)
    importers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Path of a file to the paths of those that name it."""

    def find_needed(self, path: str) -> Iterator[str]:
        """The files that one file refers to and that exist."""
        for name in self.files[path].outline.refers:
            if path.endswith(FORMATS["avro"]):
                yield from self.by_name.get(name, ())
            elif (imported := self.layout.join(name)) in self.files:
                yield imported

    def closure(self, *paths: str) -> dict[str, str]:
        """The files themselves and all they need, each with its blob id, by path."""
        found: dict[str, str] = {}
        waiting = list(paths)
        while waiting:
            path = waiting.pop()
            if path not in found:
                found[path] = self.files[path].blob
                waiting.extend(self.find_needed(path))
        return dict(sorted(found.items()))


def build_index(layout: Layout, files: Mapping[str, SchemaFile]) -> Index:
    """The index of a head tree."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for path, file in files.items():
        for name in file.outline.defines:
            by_name[name].append(path)
    forward = Index(layout, files, by_name)
    importers: dict[str, list[str]] = defaultdict(list)
    for path in files:
        for needed in forward.find_needed(path):
            importers[needed].append(path)
    return Index(layout, files, by_name, importers)


def read_catalog(shelf: Shelf, snapshot: Snapshot, layout: Layout) -> tuple[Catalog, Index]:
    """Everything that one revision says, without parsing a schema."""
    schema_paths, version_paths, flaws = _sort_entries(snapshot, layout)
    outlines = shelf.outline(snapshot, schema_paths)
    files = {path: SchemaFile(path, snapshot.entries[path].blob, outlines[path]) for path in schema_paths}
    index = build_index(layout, files)
    ownership = _read_ownership(shelf, snapshot, layout)
    policy = _read_policy(shelf, snapshot, layout)
    versions, version_flaws = _read_versions(shelf, snapshot, layout, version_paths)
    names = dict.fromkeys([*ownership.terms, *versions])
    contracts = {
        name: _build_contract(name, ownership, index, snapshot, tuple(versions.get(name, ()))) for name in names
    }
    return (
        Catalog(
            label=snapshot.label,
            root=layout.root,
            ownership=ownership,
            policy=policy,
            contracts=contracts,
            files=files,
            codeowned=_is_codeowned(shelf, snapshot),
            flaws=(*flaws, *version_flaws),
        ),
        index,
    )


def read_released(shelf: Shelf, snapshot: Snapshot, layout: Layout) -> Catalog:
    """What one revision has signed and released: terms, policy and versions, and no heads, which nobody outlines."""
    _, version_paths, _ = _sort_entries(snapshot, layout)
    ownership = _read_ownership(shelf, snapshot, layout)
    policy = _read_policy(shelf, snapshot, layout)
    versions, flaws = _read_versions(shelf, snapshot, layout, version_paths)
    nowhere = build_index(layout, {})
    names = dict.fromkeys([*ownership.terms, *versions])
    contracts = {
        name: _build_contract(name, ownership, nowhere, snapshot, tuple(versions.get(name, ()))) for name in names
    }
    return Catalog(snapshot.label, layout.root, ownership, policy, contracts, flaws=tuple(flaws))


def _sort_entries(snapshot: Snapshot, layout: Layout) -> tuple[list[str], list[str], list[Flaw]]:
    """Paths of schemas, paths below versions/, and what is no file at all."""
    schemas: list[str] = []
    versions: list[str] = []
    flaws: list[Flaw] = []
    prefix = layout.root + "/" if layout.root else ""
    for path in sorted(snapshot.entries):  # the work tree lists what is new after all the rest
        entry = snapshot.entries[path]
        if not path.startswith(prefix):
            continue
        flaw = describe_entry(path, entry.mode)
        if path.startswith(layout.versions):
            versions.append(path)
        elif format_of(path) is not None:
            schemas.append(path)
        elif entry.mode != "160000":
            continue
        if flaw is not None:
            flaws.append(replace(flaw, kind="unreadable"))
    odd = {flaw.location.path for flaw in flaws}
    return [path for path in schemas if path not in odd], [path for path in versions if path not in odd], flaws


def _read_ownership(shelf: Shelf, snapshot: Snapshot, layout: Layout) -> Ownership:
    if OWNERSHIP not in snapshot.entries:
        return Ownership(Location(OWNERSHIP))
    from registry.ownership import find_includes, match_include, parse_ownership  # YAML costs as much as click

    try:
        text = shelf.read_text(snapshot, OWNERSHIP)
        patterns = find_includes(text, OWNERSHIP)
        included = sorted(
            path for path in snapshot.entries if path != OWNERSHIP and any(match_include(p, path) for p in patterns)
        )
        shelf.fetch(snapshot, included)
        texts = {path: shelf.read_text(snapshot, path) for path in (OWNERSHIP, *included)}
        ownership = shelf.once(tuple(texts.items()), lambda: parse_ownership(texts))
        outside = tuple(_find_outside(patterns, text, layout))
        return replace(ownership, flaws=(*ownership.flaws, *outside)) if outside else ownership
    except InvalidSchema as error:
        return Ownership(Location(OWNERSHIP), present=True, flaws=error.flaws)


def _find_outside(patterns: Sequence[str], text: str, layout: Layout) -> Iterator[Flaw]:
    """Patterns that can match nothing, because nothing else of the repository is read."""
    for pattern in patterns:
        fixed = re.split(r"[*?]", pattern.removeprefix("./"), maxsplit=1)
        inside = layout.join("")
        if len(fixed) > 1 and not (fixed[0].startswith(inside) or inside.startswith(fixed[0])):
            start = max(text.find(pattern), 0)
            place = fixed_location(OWNERSHIP, text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
            message = f"the pattern {pattern!r} matches nothing below {layout.root}, where included files lie"
            yield Flaw("invalid", message, place, f"move the files below {layout.root}, or take the pattern out")


def _is_codeowned(shelf: Shelf, snapshot: Snapshot) -> bool:
    """The first CODEOWNERS file counts; a pattern for everything protects ownership.yaml as well."""
    path = next((path for path in CODEOWNERS if path in snapshot.entries), None)
    if path is None:
        return False
    lines = shelf.read(snapshot.entries[path].blob).decode("utf-8", "replace").splitlines()
    patterns = (line.split("#")[0].split() for line in lines)
    return any(len(words) > 1 and words[0].lstrip("/") in {OWNERSHIP, "*", "**", "*.yaml"} for words in patterns)


def _read_policy(shelf: Shelf, snapshot: Snapshot, layout: Layout) -> Policy:
    path = layout.policy
    if path not in snapshot.entries and OWNERSHIP not in snapshot.entries:
        return Policy(Location(path))
    from registry.policy import parse_policy

    try:
        return parse_policy(shelf.read_text(snapshot, path) if path in snapshot.entries else None, path)
    except InvalidSchema as error:
        return replace(parse_policy(None, path), present=True, flaws=error.flaws)


def _read_versions(
    shelf: Shelf, snapshot: Snapshot, layout: Layout, paths: Sequence[str]
) -> tuple[dict[str, list[Version]], list[Flaw]]:
    """Every version folder, by event, in the order of their numbers."""
    folders: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    flaws: list[Flaw] = []
    for path in paths:
        match path.removeprefix(layout.versions).split("/", 2):
            case [event, number, rest] if NUMBER.fullmatch(number):
                folders[event, number][rest] = snapshot.entries[path].blob
            case _:
                message = "stands among the versions and belongs to none of them"
                help_ = "versions/ holds EVENT/NUMBER/ folders, written by `contracts release` alone; remove the file"
                flaws.append(Flaw("stray", message, Location(path), help_))
    shelf.fetch(snapshot, [f"{layout.versions}{event}/{number}/version.yaml" for event, number in folders])
    versions: dict[str, list[Version]] = defaultdict(list)
    for (event, number), files in folders.items():
        path = f"{layout.versions}{event}/{number}/version.yaml"
        blob = files.pop("version.yaml", None)
        key = (path, blob, *files.items())
        versions[event].append(shelf.once(key, partial(_read_version, shelf, blob, path, event, int(number), files)))
    return {event: sorted(found, key=lambda version: version.number) for event, found in versions.items()}, flaws


def _read_version(
    shelf: Shelf, blob: str | None, path: str, event: str, number: int, files: Mapping[str, str]
) -> Version:
    text = shelf.read(blob).decode("utf-8", "replace") if blob is not None else None
    return parse_version(text, path, event, number, files)


def _build_contract(
    name: str, ownership: Ownership, index: Index, snapshot: Snapshot, versions: tuple[Version, ...]
) -> Contract:
    terms = ownership.terms.get(name)
    paths = index.by_name.get(name, ())
    if not paths:
        at = terms.at if terms else versions[-1].at
        return Contract(name, at, terms, versions=versions)
    path = paths[0]
    upgrade = path.rpartition("/")[0] + f"/{name.rpartition('.')[2]}.upgrade.yaml"
    entry = snapshot.entries.get(upgrade.lstrip("/"))
    return Contract(
        name=name,
        at=Location(path),
        terms=terms,
        format=format_of(path) or "avro",
        path=path,
        files=index.closure(path),
        upgrade=(entry.path, entry.blob) if entry else None,
        versions=versions,
    )
