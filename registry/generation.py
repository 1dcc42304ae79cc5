"""`contracts gen`: what a service writes and reads -> the sources of a package of typed stubs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from registry.catalog import Layout, Shelf, layout_of, read_catalog
from registry.change import Reader, read_version
from registry.codegen import StubPlan, StubVersion, render_package
from registry.contract import Catalog, Contract, Ownership, Terms, Version
from registry.errors import Flaw, InvalidSchema, Refused
from registry.formats import format_of
from registry.frozen import dataclass
from registry.git import open_repo
from registry.policy import ROLES
from registry.rules.envelope import words_of
from registry.rules.parties import nearest
from registry.schema import Field, Record, Schema, Union
from registry.source import Location
from registry.upgrade import find_flaw, parse_upgrade

UPGRADE: Final = "upgrade.yaml"
"""The converters from the version before, in the folder of a version."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What stubs are asked for."""

    service: str
    root: str = "contracts"
    only: tuple[str, ...] = ()
    """Events, by full or short name; none named: all that the service writes or reads."""
    producers: tuple[str, ...] = ()
    """Events that the service says it writes."""


@dataclass(frozen=True, slots=True)
class Plans:
    """The events of a service, read; where there are flaws, nothing is to be written."""

    service: str
    plans: tuple[StubPlan, ...] = ()
    notes: tuple[str, ...] = ()
    """What is left out, and why."""
    flaws: tuple[Flaw, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What a service has to do with one event, and with which of its versions."""

    contract: Contract
    terms: Terms
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    """Empty for all but the owner."""
    versions: tuple[Version, ...]
    """Oldest first: those that it reads or writes, and those that a chain of converters passes through."""


def read_plans(start: Path, wish: Wish, environment: Mapping[str, str]) -> Plans:
    """What the stubs of a service hold, by the work tree around ``start``: released versions, never heads.

    Raises :class:`registry.errors.RegistryError` where it cannot look, for a service or event that is not known, and
    for a producer of what another service owns.
    """
    with open_repo(start) as repo:
        layout = layout_of(wish.root)
        shelf = Shelf(repo, environment)
        snapshot = repo.read_work_tree(layout.under, layout.holds)
        catalog, _ = read_catalog(shelf, snapshot, layout)
        unread = (*catalog.ownership.flaws, *catalog.policy.flaws)
        if unread:
            return Plans(wish.service, flaws=unread)
        _refuse_unknown(catalog, wish.service)
        notes: list[str] = []
        flaws: list[Flaw] = []
        parts = list(_find_parts(catalog, wish.service, find_terms(catalog, wish), notes, flaws))
        paths = {
            f"{layout.join('versions', part.contract.name, str(version.number))}/{path}"
            for part in parts
            for version in part.versions
            for path in version.files
        }
        shelf.fetch(snapshot, sorted(paths))
        room = _Room(catalog, layout, shelf, Reader(shelf))
        plans = [plan for part in parts for plan in [room.plan(wish.service, part, notes, flaws)] if plan]
        shelf.remember()
    return Plans(wish.service, tuple(plans), tuple(notes), tuple(flaws))


def render_stubs(plans: Plans) -> dict[str, str]:
    """Path inside the package -> text; nothing at all for a service without events.

    Raises :class:`InvalidSchema` for names that meet in Python, and for types that cannot be told apart there.
    """
    if plans.flaws:
        raise InvalidSchema(plans.flaws)
    return render_package(plans.service, plans.plans) if plans.plans else {}


# Who asks, and for what -----------------------------------------------------------------------------------------------


def _refuse_unknown(catalog: Catalog, service: str) -> None:
    ownership = catalog.ownership
    if not ownership.present:
        raise Refused("there is no ownership.yaml, so nobody writes or reads anything", "begin with: contracts init")
    if service not in ownership.services:
        otherwise = f"add it: `services: {{{service}: {{team: …}}}}`"
        help_ = nearest(service, ownership.services, otherwise)
        raise Refused(f"{service!r} is no service of ownership.yaml", help_)


def find_terms(catalog: Catalog, wish: Wish) -> list[Terms]:
    """The terms of every event that the service is to have stubs for, by name.

    Raises :class:`Refused` for an event that it neither writes nor reads, and for a producer that is not its own.
    """
    terms = catalog.ownership.terms
    for name in wish.producers:
        event = _find_event(terms, name)
        if wish.service not in _find_writers(catalog.ownership, event):
            raise Refused(describe_writer(catalog.ownership, event), f"let {wish.service} ask by an event of its own")
    mine = {
        name: each
        for name, each in terms.items()
        if wish.service in _find_writers(catalog.ownership, each)
        or any(subscriber.service == wish.service for subscriber in each.subscribers)
    }
    chosen = {_find_event(terms, name).event for name in wish.only}
    for name in sorted(chosen - mine.keys()):
        help_ = f"add it to the `subscribers` of {name} in ownership.yaml"
        raise Refused(f"{wish.service} neither writes nor reads {name}", help_)
    return [mine[name] for name in sorted(mine) if not chosen or name in chosen]


def _find_event(terms: Mapping[str, Terms], name: str) -> Terms:
    if name in terms:
        return terms[name]
    short = [each for full, each in terms.items() if full.rpartition(".")[2] == name]
    if len(short) == 1:
        return short[0]
    if short:
        raise Refused(f"{name} is the short name of {len(short)} events", f"write {short[0].event} in full")
    raise Refused(f"{name} is no event of ownership.yaml", nearest(name, terms, "contracts owners  lists them"))


def _find_writers(ownership: Ownership, terms: Terms) -> list[str]:
    """The owner, and while an entity is handed over both sides."""
    granted = (
        service
        for transfer in ownership.transfers
        if transfer.phase == "dual_grant" and transfer.entity == terms.entity
        for service in (transfer.giver, transfer.taker)
    )
    return [*([terms.owner] if terms.owner else []), *granted]


def describe_writer(ownership: Ownership, terms: Terms) -> str:
    """``ContentPublished is written only by content-api (team content, #team-content)``."""
    short = terms.event.rpartition(".")[2]
    if not terms.owner:
        return f"{short} is written by nobody yet"
    contact = describe_team(ownership, terms.owner)
    return f"{short} is written only by {terms.owner}{f' ({contact})' if contact else ''}"


def describe_team(ownership: Ownership, service: str) -> str:
    """``team content, #team-content``; empty where ownership.yaml does not say."""
    known = ownership.services.get(service)
    team = ownership.teams.get(known.team) if known else None
    if known is None or not known.team:
        return ""
    ways = (*team.contacts, team.github) if team else ()
    return ", ".join([f"team {known.team}", *[way for way in ways if way][:1]])


# Which versions -------------------------------------------------------------------------------------------------------


def _find_parts(
    catalog: Catalog, service: str, named: Iterable[Terms], notes: list[str], flaws: list[Flaw]
) -> Iterator[Part]:
    for terms in named:
        contract = catalog.contracts[terms.event]
        readable = tuple(version.number for version in contract.readable)
        if not readable:
            known = contract.versions or terms.retired
            reason = "no version that a log still holds" if known else "no version yet"
            notes.append(f"{terms.event} has {reason}; see: contracts release {terms.event}")
            continue
        pin = next((each for each in terms.subscribers if each.service == service), None)
        owns = service in _find_writers(catalog.ownership, terms)
        reads = tuple(sorted(set(pin.reads if pin else ()))) or readable
        writes = tuple(sorted(set(terms.writes))) or readable[-1:] if owns else ()
        found = [
            *_find_bad_pins(contract, terms, reads, f"{service} reads", "reads", pin.at if pin else terms.at),
            *_find_bad_pins(contract, terms, writes, f"{service} writes", "writes", terms.at),
        ]
        needed = _find_needed(contract, {*reads, *writes})
        found += _find_gaps(contract, terms, needed, pin.at if pin else terms.at)
        flaws += found
        if not found:
            yield Part(contract, terms, reads, writes, needed)


def _find_bad_pins(
    contract: Contract, terms: Terms, numbers: Sequence[int], who: str, key: str, at: Location
) -> Iterator[Flaw]:
    known = [version.number for version in contract.versions]
    for number in numbers:
        if number in terms.retired:
            message = f"{who} v{number} of {contract.name}, which is retired"
            yield Flaw("invalid", message, at, f"take {number} out of its `{key}`")
        elif number not in known:
            message = f"{who} v{number} of {contract.name}, and the latest is v{known[-1]}"
            help_ = f"release it first: contracts release {contract.name}" if number == known[-1] + 1 else ""
            yield Flaw("invalid", message, at, help_ or f"correct its `{key}`")


def _find_needed(contract: Contract, numbers: set[int]) -> tuple[Version, ...]:
    """Those versions; where one step between them is declared, every step, because converters go one by one."""
    low, high = min(numbers), max(numbers)
    between = tuple(version for version in contract.versions if low <= version.number <= high)
    return between if _converts(between) else tuple(version for version in between if version.number in numbers)


def _converts(versions: Sequence[Version]) -> bool:
    """Whether a step from one version to a later one is declared; those of the first lead from what came before it."""
    return any(UPGRADE in version.files for version in versions[1:])


def _find_gaps(contract: Contract, terms: Terms, needed: Sequence[Version], at: Location) -> Iterator[Flaw]:
    """A retired version whose folder is gone, in the middle of a chain: the next step does not begin where we are."""
    if not _converts(needed):
        return
    first, last = needed[0].number, needed[-1].number
    for number in sorted(set(range(first, last)) & set(terms.retired) - {version.number for version in needed}):
        message = f"v{first} of {contract.name} becomes v{last} by way of v{number}, whose folder is gone"
        yield Flaw("invalid", message, at, f"restore v{number} from git, or pin later versions only")


# What they say --------------------------------------------------------------------------------------------------------


class _Room:
    """Where versions are read."""

    def __init__(self, catalog: Catalog, layout: Layout, shelf: Shelf, reader: Reader) -> None:
        self._catalog = catalog
        self._layout = layout
        self._shelf = shelf
        self._reader = reader

    def plan(self, service: str, part: Part, notes: list[str], flaws: list[Flaw]) -> StubPlan | None:
        """Read the versions of an event; ``None`` where a flaw was found."""
        before = len(flaws)
        versions = [self._read(part, version, notes, flaws) for version in part.versions]
        languages = {version.schema.format for version in versions if version}
        if len(languages) > 1:
            newest = part.versions[-1]
            message = f"{part.contract.name} was released in two schema languages, and no reader of one reads the other"
            flaws.append(Flaw("invalid", message, newest.at, "pin the versions of one of them in `reads` and `writes`"))
        if len(flaws) > before:
            return None
        ownership, terms = self._catalog.ownership, part.terms
        owner = service if part.writes else terms.owner
        others = {
            version.schema_id: version.number
            for version in part.contract.readable
            if version.number not in part.reads and version.schema_id
        }
        return StubPlan(
            event=part.contract.name,
            language=languages.pop(),
            service=service,
            owner=owner,
            contact=describe_team(ownership, owner),
            topic=terms.topic,
            key=terms.key,
            reads=part.reads,
            writes=part.writes,
            versions=tuple(version for version in versions if version),
            others=others,
        )

    def _read(self, part: Part, version: Version, notes: list[str], flaws: list[Flaw]) -> StubVersion | None:
        event = part.contract.name
        folder = self._layout.join("versions", event, str(version.number))
        read = read_version(self._reader, self._layout, event, version)
        schema = read.schema
        if schema is None:
            flaws.extend(read.flaws)
            return None
        record = schema.resolve(schema.root)
        if not isinstance(record, Record):
            message = f"v{version.number} of {event} is no record, so it has no fields to name"
            flaws.append(Flaw("invalid", message, schema.root.at, "make it a record, and release it"))
            return None
        declared = version is not part.versions[0] and UPGRADE in version.files
        try:
            upgrade = self._read_upgrade(version, f"{folder}/{UPGRADE}") if declared else ""
        except InvalidSchema as error:
            flaws.extend(error.flaws)
            return None
        return StubVersion(
            number=version.number,
            schema_id=version.schema_id,
            guid=version.guid,
            root=version.root,
            files={
                path: self._shelf.read(blob).decode()
                for path, blob in sorted(version.files.items())
                if format_of(path) is not None
            },
            schema=schema,
            envelope=self._find_envelope(f"{event} v{version.number}", schema, notes),
            upgrade=upgrade,
        )

    def _read_upgrade(self, version: Version, path: str) -> str:
        upgrade = parse_upgrade(self._shelf.read_schema(path, version.files[UPGRADE]), path)
        flaw = find_flaw(upgrade)
        if flaw is not None:
            raise InvalidSchema([flaw])
        return upgrade.text

    def _find_envelope(self, subject: str, schema: Schema, notes: list[str]) -> dict[str, tuple[str, ...]]:
        """Role to path, of the fields that the serializer fills in; of a type that it cannot, they stay fields."""
        envelope: dict[str, tuple[str, ...]] = {}
        for each in self._catalog.policy.envelope:
            role = ROLES.get(each.role)
            field = find_on_path(schema, each.path) if role else None
            if role is None or field is None:
                continue
            if words_of(schema, field.type).isdisjoint(role.types):
                words = " or ".join(sorted(words_of(schema, field.type))) or "of no simple type"
                place = ".".join(each.path)
                notes.append(f"{subject}: {place!r} is {words}, so the serializer cannot fill it in; it stays a field")
                continue
            envelope[each.role] = each.path
        return envelope


def find_on_path(schema: Schema, path: Sequence[str]) -> Field | None:
    """The field at a path from the event down, through a record that may be null as well."""
    record: object = schema.resolve(schema.root)
    found: Field | None = None
    for name in path:
        if found is not None:
            inner = schema.resolve(found.type)
            branches = [schema.resolve(each) for each in inner.branches] if isinstance(inner, Union) else [inner]
            record = next((each for each in branches if isinstance(each, Record) and _has(each, name)), None)
        found = (
            next((each for each in record.fields if each.name == name), None) if isinstance(record, Record) else None
        )
        if found is None:
            return None
    return found


def _has(record: Record, name: str) -> bool:
    return any(field.name == name for field in record.fields)
