"""What a change means for each contract, in words: its schema, its terms and its versions. Nothing is judged."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from registry.catalog import Layout, Shelf, layout_of, read_catalog
from registry.change import Reader, find_changes, find_tree_changes
from registry.contract import Catalog, Change, Contract, Subscriber, Terms
from registry.difference import Difference, Sign, find_differences
from registry.errors import Flaw, Unreadable
from registry.formats import format_of
from registry.frozen import dataclass
from registry.git import Repo, Snapshot, empty_snapshot, open_repo
from registry.schema import Schema
from registry.source import Location


@dataclass(frozen=True, slots=True)
class Amendment:
    """One contract that is not as it was."""

    sign: Sign
    """``+`` new, ``-`` gone, ``~`` changed."""
    name: str
    differences: tuple[Difference, ...]
    """None where only layout, comments and options differ."""
    was: str = ""
    """Its name before, where it was renamed."""
    unread: tuple[tuple[str, Flaw], ...] = ()
    """Why there is nothing to say of its schema: each flaw, with the label of the revision that holds it."""


@dataclass(frozen=True, slots=True)
class Amendments:
    """All that differs between two revisions."""

    before: str
    """The older revision, as the user calls it."""
    after: str
    contracts: tuple[Amendment, ...]
    unreached: tuple[tuple[Sign, str], ...] = ()
    """Schema files that differ and belong to no contract."""

    @property
    def complete(self) -> bool:
        """Whether every schema could be read."""
        return not any(contract.unread for contract in self.contracts)


def read_amendments(start: Path, revisions: Sequence[str], root: str, environment: Mapping[str, str]) -> Amendments:
    """What differs between two revisions; between one (``HEAD`` where none is named) and the work tree.

    Without ownership.yaml every schema file counts as a contract. Raises :class:`registry.errors.RegistryError`: no
    repository, an unknown revision, nothing to look at.
    """
    with open_repo(start) as repo:
        layout = layout_of(root)
        snapshots = _read_before(repo, revisions, layout), _read_after(repo, revisions, layout)
        shelf = Shelf(repo, environment)
        base, head = (read_catalog(shelf, snapshot, layout) for snapshot in snapshots)
        governed = base[0].ownership.present or head[0].ownership.present
        if not (governed or base[0].files or head[0].files):
            message = f"{head[0].label} holds no .avsc and no .proto below {layout.root or 'the repository'}"
            raise Unreadable(message, "name the folder of your schemas by --root")
        compare = find_changes if governed else find_tree_changes
        changes = compare(Reader(shelf), base, head).changes
        shelf.remember()
    unreached = tuple(find_unreached(changes, base[0], head[0]))
    return Amendments(base[0].label, head[0].label, tuple(find_amendments(changes)), unreached)


def _read_before(repo: Repo, revisions: Sequence[str], layout: Layout) -> Snapshot:
    if not revisions and not repo.head:
        return empty_snapshot("nothing")  # before the first commit everything is new
    name = revisions[0] if revisions else "HEAD"
    return repo.read_revision(repo.resolve(name), name, layout.under)


def _read_after(repo: Repo, revisions: Sequence[str], layout: Layout) -> Snapshot:
    if len(revisions) < 2:
        return repo.read_work_tree(layout.under, layout.holds)
    return repo.read_revision(repo.resolve(revisions[1]), revisions[1], layout.under)


def find_amendments(changes: Sequence[Change]) -> Iterator[Amendment]:
    """One for each contract that changed; one that was renamed is told of once, under its new name."""
    renamed = _find_renamed(changes)
    partners = {old.name for old in renamed.values()}
    for change in changes:
        if change.name in partners:
            continue
        old = renamed.get(change.name)
        before, after = old.before if old else change.before, change.after
        amendment = Amendment(
            sign="+" if before is None else "-" if after is None else "~",
            name=change.name,
            differences=(*_find_in_schemas(before, after), *_find_in_terms(before, after)),
            was=old.name if old else "",
            unread=tuple(
                (label, flaw)
                for label, contract in ((change.base.label, before), (change.head.label, after))
                if contract is not None and contract.head is None
                for flaw in contract.flaws
            ),
        )
        if _is_folder(before or after) and not amendment.unread:
            yield from _split_by_file(amendment, before, after)
        else:
            yield amendment


def _is_folder(contract: Contract | None) -> bool:
    """All Protobuf files of a tree without ownership.yaml: they are compared at once."""
    return contract is not None and contract.path == contract.name and format_of(contract.path) is None


def _split_by_file(whole: Amendment, before: Contract | None, after: Contract | None) -> Iterator[Amendment]:
    """One amendment for each file that differs."""
    olds, news = before.files if before else {}, after.files if after else {}
    differences: dict[str, list[Difference]] = {
        path: [] for path in sorted(olds.keys() | news.keys()) if olds.get(path) != news.get(path)
    }
    for difference in whole.differences:
        differences.setdefault(difference.location.path, []).append(difference)
    for path, found in differences.items():
        yield Amendment("+" if path not in olds else "-" if path not in news else "~", path, tuple(found))


def find_unreached(changes: Sequence[Change], base: Catalog, head: Catalog) -> Iterator[tuple[Sign, str]]:
    """Schema files that differ and that none of the changed contracts holds, before or after."""
    reached = {path for change in changes for side in (change.before, change.after) if side for path in side.files}
    for path in sorted(base.files.keys() | head.files.keys()):
        before, after = base.files.get(path), head.files.get(path)
        if path not in reached and (before and before.blob) != (after and after.blob):
            yield "+" if before is None else "-" if after is None else "~", path


def _find_renamed(changes: Sequence[Change]) -> dict[str, Change]:
    """New name -> the change that says the old one is gone: by alias, else by short name, else by the file."""
    gone = [change for change in changes if change.before and change.before.path and not _lives(change.after)]
    fresh = [change for change in changes if change.after and change.after.path and not _lives(change.before)]
    renamed: dict[str, Change] = {}
    for is_renamed in (_has_alias, _has_short_name, _has_file):
        for new in [change for change in fresh if change.name not in renamed]:
            old = next((old for old in gone if old not in renamed.values() and is_renamed(old, new)), None)
            if old is not None:
                renamed[new.name] = old
    return renamed


def _lives(contract: Contract | None) -> bool:
    """Whether it has a head; a contract that is gone may have left its versions behind."""
    return contract is not None and bool(contract.path)


def _has_alias(old: Change, new: Change) -> bool:
    head = new.after.head if new.after else None
    return head is not None and new.name in head.types and old.name in head.types[new.name].aliases


def _has_short_name(old: Change, new: Change) -> bool:
    return old.name.rpartition(".")[2] == new.name.rpartition(".")[2]


def _has_file(old: Change, new: Change) -> bool:
    return old.before is not None and new.after is not None and old.before.path == new.after.path


def _find_in_schemas(before: Contract | None, after: Contract | None) -> Iterator[Difference]:
    old, new = before.head if before else None, after.head if after else None
    if before and after and before.path and after.path and before.path != after.path:
        yield Difference("~", "", f"file: {before.path} -> {after.path}", after.at)
    if (old is None and _lives(before)) or (new is None and _lives(after)):
        return  # one side cannot be read, and everything would look new, or gone
    present = new or old
    if present is not None:
        nothing = Schema(present.format, ())
        yield from find_differences(old or nothing, new or nothing)
    if before and after and before.upgrade != after.upgrade:
        sign: Sign = "+" if before.upgrade is None else "-" if after.upgrade is None else "~"
        path = (after.upgrade or before.upgrade or ("", ""))[0]
        yield Difference(sign, "", f"converters: {PurePosixPath(path).name}", Location(path))


_TERMS: Final[Mapping[str, Callable[[Terms], str]]] = {
    "entity": lambda terms: terms.entity,
    "owner": lambda terms: terms.owner,
    "topic": lambda terms: terms.topic,
    "key": lambda terms: terms.key,
    "mode": lambda terms: terms.compatibility.value,
    "writes": lambda terms: _list(terms.writes),
    "consumers": lambda terms: "none" if terms.no_consumers else "",
    "staleness": lambda terms: f"{terms.staleness:g} s" if terms.staleness else "",
    "deprecated since": lambda terms: str(terms.deprecated_since or ""),
    "replaced by": lambda terms: terms.replaced_by,
}
"""What was signed for an event, by the word it goes under."""


def _find_in_terms(before: Contract | None, after: Contract | None) -> Iterator[Difference]:
    old, new = before.terms if before else None, after.terms if after else None
    for what, spell in _TERMS.items():
        was, now = spell(old) if old else "", spell(new) if new else ""
        if now and was != now and new is not None:
            sign: Sign = "~" if was else "+"
            yield Difference(sign, what, f"{what}: {f'{was} -> ' if was else ''}{now}", _place(new, what))
        elif was != now and old is not None:
            yield Difference("-", what, f"{what}: {was}", _place(old, what))
    yield from _find_subscribers(old.subscribers if old else (), new.subscribers if new else ())
    yield from _find_versions(before, after)
    for number in new.retired if new else ():
        if new is not None and (old is None or number not in old.retired):
            yield Difference("+", f"versions/{number}", f"version {number} retired", new.at)
    for number in old.retired if old else ():
        if new is not None and number not in new.retired:
            yield Difference("~", f"versions/{number}", f"version {number} no longer retired", new.at)


def _place(terms: Terms, what: str) -> Location:
    if what == "mode":
        return terms.compatibility_at or terms.at
    return terms.owner_at if what == "owner" else terms.at


def _find_subscribers(old: Sequence[Subscriber], new: Sequence[Subscriber]) -> Iterator[Difference]:
    was, now = ({subscriber.service: subscriber for subscriber in side} for side in (old, new))
    for service, subscriber in now.items():
        path = f"subscribers/{service}"
        if service not in was:
            yield Difference("+", path, f"subscriber {_describe(subscriber)}", subscriber.at)
            continue
        first, second = _describe(was[service]), _describe(subscriber)
        if first != second:
            yield Difference("~", path, f"subscriber {first} -> {second}", subscriber.at)
    for service, subscriber in was.items():
        if service not in now:
            yield Difference("-", f"subscribers/{service}", f"subscriber {_describe(subscriber)}", subscriber.at)


def _describe(subscriber: Subscriber) -> str:
    facts = [f"reads {_list(subscriber.reads)}"] if subscriber.reads else []
    facts += [f"fields {', '.join(subscriber.fields)}"] if subscriber.fields else []
    facts += ["served"] if subscriber.served else []
    return f"{subscriber.service} ({'; '.join(facts)})" if facts else subscriber.service


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _find_versions(before: Contract | None, after: Contract | None) -> Iterator[Difference]:
    was, now = ({version.number: version for version in side.versions} if side else {} for side in (before, after))
    for number, version in now.items():
        path = f"versions/{number}"
        if number not in was:
            yield Difference("+", path, f"version {number} released, schema id {version.schema_id}", version.at)
        elif (version.fingerprint, version.schema_id, version.files) != (
            was[number].fingerprint,
            was[number].schema_id,
            was[number].files,
        ):
            yield Difference("~", path, f"version {number} edited", version.at)
    for number, version in was.items():
        if number not in now:
            yield Difference("-", f"versions/{number}", f"version {number} removed", version.at)
