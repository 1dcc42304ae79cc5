"""Head -> immutable version: `contracts release` freezes the work tree's files beside the contract."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

from registry.catalog import Index, Layout, Shelf, layout_of, read_catalog
from registry.change import Reader, find_changes
from registry.check import UNREAD, UNRELEASED, Options, judge, show
from registry.contract import Catalog, Change, Version
from registry.errors import Refused
from registry.finding import Report
from registry.formats.identity import derive_id, fingerprint_of, guid_of, next_id
from registry.frozen import dataclass, replace
from registry.git import Repo, open_repo
from registry.rules.compat import is_converted, same_meaning
from registry.source import Location
from registry.version import render_version

ALWAYS = frozenset(("ownership/invalid", "terms/invalid-policy"))
"""What stops a release, whatever event it names: who may write what, and by which law, cannot be read."""


@dataclass(frozen=True, slots=True)
class Released:
    """One new version: where it lies, and what lies in it."""

    event: str
    version: Version
    folder: str
    """Relative to the top of the repository."""
    contents: Mapping[str, bytes]
    """Path relative to the folder -> bytes as git stores them."""
    moved_from: int = 0
    """The schema id it would have had, if that was taken."""


@dataclass(frozen=True, slots=True)
class Release:
    """What a run released, and what the rules say of it; where the report does not pass, nothing was written."""

    released: tuple[Released, ...]
    unchanged: tuple[str, ...]
    report: Report


def release(
    start: Path,
    events: Sequence[str],
    *,
    root: str,
    environment: Mapping[str, str],
    today: date,
    schema_id: int | None = None,
    dry_run: bool = False,
) -> Release:
    """Freeze each named event (none named: each) whose head says something new.

    Every head is judged against all its versions first; one that breaks its promise stops the whole run. Raises
    :class:`Refused` where an event is unknown or a folder is in the way.
    """
    with open_repo(start) as repo:
        if repo.bare:
            raise Refused("a bare repository has no files to freeze", "run it in a clone")
        layout = layout_of(root)
        shelf = Shelf(repo, environment)
        snapshot = repo.read_work_tree(layout.under, layout.holds)
        here = read_catalog(shelf, snapshot, layout)
        _refuse_nothing(here[0])
        _refuse_unknown(here[0], events)
        reader = Reader(shelf)
        changes = [
            change
            for change in find_changes(reader, here, here, everything=True).changes
            if not events or change.name in events
        ]
        fresh = [change for change in changes if _is_new(change)]
        report = show(_judge(reader, here, fresh, today, ALWAYS if events else UNREAD))
        released = tuple(_plan(here[0], layout, shelf, fresh, schema_id)) if report.passed else ()
        if released and not dry_run:
            _write(repo, released)
    unchanged = tuple(change.name for change in changes if change not in fresh)
    return Release(released, unchanged, report)


def _refuse_nothing(catalog: Catalog) -> None:
    if not catalog.ownership.present:
        raise Refused("there is no ownership.yaml, so no event is named", "begin with: contracts init")
    if not catalog.files and not catalog.flaws:
        fact = f"{catalog.root or 'the repository'} holds no .avsc and no .proto"
        raise Refused(fact, "name the folder of your schemas by --root, from the top of the repository")


def _refuse_unknown(catalog: Catalog, events: Sequence[str]) -> None:
    for event in events:
        if event not in catalog.contracts and not catalog.ownership.flaws:
            close = [name for name in catalog.contracts if name.rpartition(".")[2] == event.rpartition(".")[2]]
            help_ = f"did you mean {close[0]}?" if close else "name it in ownership.yaml first: contracts owners"
            raise Refused(f"{event} is no event of ownership.yaml", help_)
        if event in catalog.contracts and not catalog.contracts[event].path:
            raise Refused(f"no schema defines {event}", "contracts check  says what is wrong with its file")


def _is_new(change: Change) -> bool:
    """A head that no version says yet; one that does not parse is new as well, and is then stopped by its flaws."""
    contract = change.after
    if contract is None or not contract.path or contract.terms is None:
        return False
    latest = contract.versions[-1] if contract.versions else None
    return latest is None or latest.schema is None or not same_meaning(contract.head, latest.schema)


def _judge(
    reader: Reader, here: tuple[Catalog, Index], fresh: Sequence[Change], today: date, always: frozenset[str]
) -> Report:
    report = judge(reader, here, here, Options(everything=True), today)
    names = {change.name for change in fresh}
    # What is being released is what is judged; that it is not yet released is the reason we are here.
    findings = tuple(
        finding
        for finding in report.findings
        if finding.rule in always or (names & set(finding.problem.contract.split(", ")) and finding.rule != UNRELEASED)
    )
    return replace(report, base="the released versions", findings=findings, judged=tuple(sorted(names)))


def _plan(
    catalog: Catalog, layout: Layout, shelf: Shelf, fresh: Sequence[Change], schema_id: int | None
) -> Iterator[Released]:
    """The versions to be, numbered, with ids that nobody has."""
    taken = {version.schema_id for contract in catalog.contracts.values() for version in contract.versions}
    if schema_id is not None and (len(fresh) != 1 or schema_id in taken):
        what = f"the id {schema_id} is taken" if schema_id in taken else f"one id, and {len(fresh)} events to release"
        raise Refused(what, "name one event and an id that no version has")
    for change in fresh:
        if change.after is None or change.after.head is None:  # whatever the policy makes of it
            raise Refused(f"{change.name} has no valid schema", "see: contracts check --only schema --all")
        released = _freeze(layout, shelf, change, schema_id, taken)
        taken.add(released.version.schema_id)
        yield released


def _freeze(layout: Layout, shelf: Shelf, change: Change, wanted: int | None, taken: set[int]) -> Released:
    contract = change.after
    assert contract is not None and contract.head is not None and contract.terms is not None
    number = max((version.number for version in contract.versions), default=0)
    number = max(number, *contract.terms.retired, 0) + 1
    fingerprint = fingerprint_of(contract.head)
    derived = chosen = wanted or derive_id(fingerprint)
    while chosen in taken:
        chosen = next_id(chosen)
    blobs = {layout.inside(path): blob for path, blob in contract.files.items()}
    if contract.upgrade is not None and is_converted(contract):
        blobs["upgrade.yaml"] = contract.upgrade[1]
    folder = layout.join("versions", contract.name, str(number))
    version = Version(
        number=number,
        at=Location(f"{folder}/version.yaml"),
        schema_id=chosen,
        guid=guid_of(contract.head),
        fingerprint=fingerprint,
        root=layout.inside(contract.path),
        files=blobs,
    )
    contents = {path: shelf.read(blob) for path, blob in blobs.items()}
    contents["version.yaml"] = render_version(version, contract.name, contract.format).encode()
    return Released(contract.name, version, folder, contents, 0 if chosen == derived else derived)


def _write(repo: Repo, released: Sequence[Released]) -> None:
    """All folders or none: each is made beside its place and renamed into it at the end."""
    for each in released:
        if os.path.lexists(os.path.join(repo.top, each.folder)):
            raise Refused(f"{each.folder} is in the way", "it is no version that git knows; move it away")
        _refuse_links(repo, each.folder)
    made: list[tuple[Path, Path]] = []
    above: list[Path] = []
    try:
        for each in released:
            target = Path(repo.top, each.folder)
            above += (folder for folder in target.parents if not folder.exists() and folder not in above)
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(mkdtemp(prefix=".new-", dir=target.parent))
            made.append((temporary, target))
            for path, content in each.contents.items():
                file = temporary / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            temporary.chmod(0o755)
        for temporary, target in made:
            os.rename(temporary, target)
    except OSError as error:
        for temporary, target in made:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(target, ignore_errors=True)
        for folder in sorted(above, reverse=True):  # the innermost first
            with suppress(OSError):
                folder.rmdir()
        raise Refused(
            f"cannot write the versions: {error}", "nothing was written; free the way and run it again"
        ) from error


def _refuse_links(repo: Repo, folder: str) -> None:
    """Through a link the versions would be written to a place that git does not see."""
    path = repo.top
    for name in folder.split("/"):
        path = os.path.join(path, name)
        if os.path.islink(path):
            raise Refused(f"{os.path.relpath(path, repo.top)} is a symbolic link", "put a folder in its place")
