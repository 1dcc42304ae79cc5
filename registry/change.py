"""Two Catalogs -> Changes: what differs, and only that, is parsed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from registry.catalog import Index, Layout, Shelf
from registry.contract import Catalog, Change, Contract, Version
from registry.errors import Flaw, InvalidSchema
from registry.formats import format_of, load_format
from registry.frozen import dataclass, field, replace
from registry.schema import Schema
from registry.source import Location
from registry.text import decode_document

if TYPE_CHECKING:
    from registry.upgrade import Upgrade

Reading = tuple[Schema | None, tuple[Flaw, ...]]
"""A schema, or the flaws that keep it from being one."""


class Reader:
    """Parses schemas from blobs; the same files under the same name are parsed once, in whatever revision they lie."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._readings: dict[tuple[str, str, tuple[tuple[str, str], ...], bool], Reading] = {}

    def read(
        self, files: Mapping[str, str], roots: Iterable[str], folder: str, name: str | None, *, strict: bool = True
    ) -> Reading:
        """The schema of ``name``, or of all that ``roots`` define, from ``files``, which lie below ``folder``."""
        roots = tuple(roots)
        key = (name or "\n".join(roots), folder, tuple(files.items()), strict)
        if key not in self._readings:
            self._readings[key] = self._parse(files, roots, folder, name, strict)
        return self._readings[key]

    def read_document(self, path: str, blob: str) -> str:
        """The text of a file that people write. Raises :class:`InvalidSchema` where it is none."""
        return decode_document(path, self._shelf.read(blob))

    def _parse(
        self, files: Mapping[str, str], roots: tuple[str, ...], folder: str, name: str | None, strict: bool
    ) -> Reading:
        prefix = f"{folder}/" if folder else ""
        texts: dict[str, str] = {}
        flaws: list[Flaw] = []
        for path, blob in files.items():
            try:
                texts[path.removeprefix(prefix)] = self._shelf.read_schema(path, blob)
            except InvalidSchema as error:
                flaws.extend(error.flaws)
        if flaws:
            return None, tuple(flaws)
        language = load_format(format_of(roots[0]) or "avro")
        try:
            schema = language.parse(
                texts, [root.removeprefix(prefix) for root in roots], name, strict=strict, folder=prefix
            )
        except InvalidSchema as error:
            return None, error.flaws
        return schema, schema.notes


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between two revisions, parsed."""

    changes: tuple[Change, ...]
    judged: tuple[str, ...] = ()
    """What was judged, for people: names of contracts; without ownership.yaml paths of files."""
    not_compared: Mapping[str, str] = field(default_factory=dict)
    """Contracts that could not be compared with the base, with the reason."""


def find_changes(
    reader: Reader, base: tuple[Catalog, Index], head: tuple[Catalog, Index], *, everything: bool = False
) -> Changes:
    """Every contract of either revision whose files, versions or terms differ; with ``everything``, every contract."""
    before, after = base[0].contracts, head[0].contracts
    changes = [
        Change(
            name,
            _read_contract(reader, old, base[1], strict=False),
            _read_contract(reader, new, head[1], strict=True),
            base[0],
            head[0],
        )
        for name in dict.fromkeys([*after, *before])
        for old, new in [(before.get(name), after.get(name) or _find_abandoned(name, head[1]))]
        if everything or _differ(old, new) or base[1].by_name.get(name) != head[1].by_name.get(name)
    ]
    broken = {
        change.name: f"{base[0].label} holds no valid schema of it"
        for change in changes
        if change.before is not None and change.before.path and change.before.head is None
    }
    return Changes(tuple(changes), tuple(change.name for change in changes), broken)


def _find_abandoned(name: str, index: Index) -> Contract | None:
    """An event that ownership.yaml names no more, while its schema is still there: the terms before hold for it."""
    paths = index.by_name.get(name, ())
    if not paths:
        return None
    return Contract(name, Location(paths[0]), None, format_of(paths[0]) or "avro", paths[0], index.closure(paths[0]))


def _differ(before: Contract | None, after: Contract | None) -> bool:
    """Same blobs, same terms: same verdict. Where something stands in its file makes no difference."""
    if before is None or after is None:
        return True
    return (
        before.files != after.files
        or before.path != after.path
        or before.terms != after.terms
        or before.upgrade != after.upgrade
        or before.versions != after.versions
    )


def _read_contract(reader: Reader, contract: Contract | None, index: Index, *, strict: bool) -> Contract | None:
    if contract is None:
        return None
    layout = index.layout
    head: Reading = (None, ())
    if contract.path:
        head = reader.read(contract.files, [contract.path], layout.root, contract.name, strict=strict)
        others = [path for path in index.by_name.get(contract.name, ()) if path != contract.path]
        head = (head[0], (*head[1], *_find_doubles(contract, others)))
    converters, wrong = _read_converters(reader, contract) if strict else ("", ())
    versions = tuple(read_version(reader, layout, contract.name, version) for version in contract.readable)
    retired = tuple(version for version in contract.versions if version not in contract.readable)
    ordered = sorted((*versions, *retired), key=lambda version: version.number)
    flaws = (*head[1], *wrong)
    return replace(contract, head=head[0], flaws=flaws, converters=converters, versions=tuple(ordered))


def _read_converters(reader: Reader, contract: Contract) -> tuple[str, tuple[Flaw, ...]]:
    """The text of converters that no version was released with, and why it is none by itself."""
    if contract.upgrade is None or not contract.has_new_converters:
        return "", ()
    from registry.upgrade import find_flaw, parse_upgrade

    try:
        text = reader.read_document(*contract.upgrade)
        flaw = find_flaw(parse_upgrade(text, contract.upgrade[0]))
    except InvalidSchema as error:
        return "", tuple(replace(each, kind="converters") for each in error.flaws)
    return ("", (replace(flaw, kind="converters"),)) if flaw else (text, ())


def _find_doubles(contract: Contract, others: Iterable[str]) -> Iterator[Flaw]:
    for other in others:
        message = f"{contract.name} is defined here and in {other}"
        yield Flaw("ambiguous-reference", message, Location(contract.path), "keep one of the two definitions")


def read_version(reader: Reader, layout: Layout, event: str, version: Version) -> Version:
    """A version with its schema, or with the flaws why it has none."""
    if version.flaws:
        return version
    folder = layout.join("versions", event, str(version.number))
    files = {f"{folder}/{path}": blob for path, blob in version.files.items() if format_of(path) is not None}
    root = f"{folder}/{version.root}"
    if root not in files:
        message = f"names {version.root!r} as its root, and there is no such file in its folder"
        return replace(version, flaws=(Flaw("invalid", message, version.at, "restore the folder from git"),))
    # Released is released: what a stricter parser would refuse today becomes a note.
    schema, flaws = reader.read(files, [root], folder, event, strict=False)
    return replace(version, schema=schema, flaws=flaws)


def read_texts(shelf: Shelf, version: Version) -> dict[str, str]:
    """The text of each schema file of a released version, by its path in the version's folder."""
    files = sorted(version.files.items())
    return {path: shelf.read(blob).decode() for path, blob in files if format_of(path) is not None}


def read_upgrade(shelf: Shelf, path: str, blob: str) -> "Upgrade":
    """The converters that a version was released with. Raises :class:`InvalidSchema` where they are none."""
    from registry.upgrade import find_flaw, parse_upgrade

    upgrade = parse_upgrade(shelf.read_schema(path, blob), path)
    if flaw := find_flaw(upgrade):
        raise InvalidSchema([flaw])
    return upgrade


def find_tree_changes(reader: Reader, base: tuple[Catalog, Index], head: tuple[Catalog, Index]) -> Changes:
    """The same for a tree of schemas without ownership.yaml: every message of every file that differs.

    Files that name a changed file are parsed with it: what was removed may be what they need.
    """
    changed = {
        path for path in base[0].files.keys() | head[0].files.keys() if _blob(base[0], path) != _blob(head[0], path)
    }
    changes = [*_find_avro_changes(reader, base, head, changed), *_find_proto_changes(reader, base, head, changed)]
    broken = {
        change.name or path: f"{base[0].label} does not parse: {change.before.flaws[0].location}"
        for change in changes
        if change.before is not None and change.before.head is None and change.before.flaws
        for path in [change.before.path]
    }
    return Changes(tuple(changes), tuple(sorted(changed)), broken)


def _blob(catalog: Catalog, path: str) -> str | None:
    file = catalog.files.get(path)
    return file.blob if file else None


def _find_avro_changes(
    reader: Reader, base: tuple[Catalog, Index], head: tuple[Catalog, Index], changed: set[str]
) -> Iterator[Change]:
    """One change per file whose text or whose needs differ, paired by the full name it defines first."""
    units: dict[str, list[Contract | None]] = {}
    for side, (catalog, index) in enumerate((base, head)):
        for path, file in catalog.files.items():
            if format_of(path) != "avro":
                continue
            files = index.closure(path)
            if changed.isdisjoint(files) and not any(_is_gone(name, head[1]) for name in file.outline.refers):
                continue
            name = file.outline.defines[0] if file.outline.defines else path
            schema, flaws = reader.read(files, [path], index.layout.root, None, strict=side == 1)
            unit = Contract(name, Location(path), None, "avro", path, files, head=schema, flaws=flaws)
            units.setdefault(name, [None, None])[side] = unit
    for name, (before, after) in sorted(units.items()):
        gone = replace(before, head=Schema("avro", ()), flaws=()) if before is not None else None
        yield Change(name, before, after or gone, base[0], head[0])


def _is_gone(name: str, index: Index) -> bool:
    return name not in index.by_name


def _find_proto_changes(
    reader: Reader, base: tuple[Catalog, Index], head: tuple[Catalog, Index], changed: set[str]
) -> Iterator[Change]:
    """One change for all Protobuf files that differ: messages move between files, and one run of protoc reads all."""
    protos = {path for path in changed if format_of(path) == "protobuf"}
    if not protos:
        return
    name = head[0].root or "."
    gone = {head[1].layout.inside(path) for path in protos if path not in head[0].files}
    users = {user for path in protos for _, index in (base, head) for user in index.importers.get(path, ())}
    users |= {path for path, file in head[0].files.items() if not gone.isdisjoint(file.outline.refers)}
    units: list[Contract | None] = []
    for catalog, index in (base, head):
        roots = sorted(path for path in protos | users if path in catalog.files)
        if not roots and not units:
            units.append(None)
            continue
        files = index.closure(*roots)
        reading: Reading = (Schema("protobuf", ()), ())  # where every file is gone, so is every message
        if roots:
            reading = reader.read(files, roots, index.layout.root, None, strict=catalog is head[0])
        schema, flaws = reading
        unit = Contract(name, Location(name), None, "protobuf", name, files, head=schema, flaws=flaws)
        units.append(unit)
    yield Change(name, units[0], units[1], base[0], head[0])


def find_broken(reader: Reader, base: tuple[Catalog, Index], head: tuple[Catalog, Index]) -> Iterator[Change]:
    """Files that are no schema and that no contract reaches, so that nobody else would say: those whose names could not
    even be found, and those that differ from the base. They have no name and no schema, only flaws.

    Without ownership.yaml no contract reaches anything: :func:`find_tree_changes` reads what differs.
    """
    catalog, index = head
    governed = base[0].ownership.present or catalog.ownership.present
    reached = {path for contract in catalog.contracts.values() for path in contract.files}
    units: dict[str, list[str]] = {}
    for path, file in catalog.files.items():
        if file.outline.error or (governed and path not in reached and _differ_in_files(path, base, head)):
            # One run of protoc reads all its files.
            units.setdefault("" if format_of(path) == "protobuf" else path, []).append(path)
    for paths in units.values():
        schema, flaws = reader.read(index.closure(*paths), paths, index.layout.root, None)
        if schema is None:
            contract = Contract("", Location(paths[0]), None, format_of(paths[0]) or "avro", paths[0], flaws=flaws)
            yield Change("", None, contract, base[0], catalog)


def _differ_in_files(path: str, base: tuple[Catalog, Index], head: tuple[Catalog, Index]) -> bool:
    """Whether a file, or one that it needs, is not as it was."""
    return path not in base[0].files or base[1].closure(path) != head[1].closure(path)
