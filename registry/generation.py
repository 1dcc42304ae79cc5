"""`contracts gen`: what a service writes and reads -> the sources of a package of typed stubs."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from registry.catalog import Layout, Shelf, layout_of, read_catalog
from registry.change import Reader, read_texts, read_upgrade, read_version
from registry.codegen import DEFAULT_PACKAGE, StubPlan, StubVersion, render_header, render_package
from registry.contract import Catalog, Ownership, Terms, Version
from registry.errors import Flaw, InvalidSchema, Refused
from registry.frozen import dataclass
from registry.git import open_repo
from registry.rules.envelope import find_filled
from registry.rules.parties import nearest
from registry.rules.pins import UPGRADE, Part, find_part, find_writers
from registry.schema import Record, Schema

DEFAULT_ROOT: Final = "contracts"


@dataclass(frozen=True, slots=True)
class Wish:
    """What stubs are asked for."""

    service: str
    root: str = DEFAULT_ROOT
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
    only: tuple[str, ...] = ()
    """The full names of the events that were asked for; none where all were."""


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
        _refuse_nowhere(repo.top, layout)
        notes: list[str] = []
        flaws: list[Flaw] = []
        ownership, contracts = catalog.ownership, catalog.contracts
        named = find_terms(catalog, wish)
        parts = [
            part
            for terms in named
            for part in [find_part(ownership, contracts[terms.event], terms, wish.service, notes, flaws)]
            if part is not None
        ]
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
    only = tuple(terms.event for terms in named) if wish.only else ()
    return Plans(wish.service, tuple(plans), tuple(notes), tuple(flaws), only)


def render_stubs(plans: Plans, package: str = DEFAULT_PACKAGE) -> dict[str, str]:
    """Path inside the package -> text; nothing at all for a service without events.

    The package's name stands in the command at the head of each file, and nowhere else.

    Raises :class:`InvalidSchema` for names that meet in Python, and for types that cannot be told apart there.
    """
    if plans.flaws:
        raise InvalidSchema(plans.flaws)
    if not plans.plans:
        return {}
    return render_package(plans.service, plans.plans, render_header(plans.service, package, plans.only))


# Who asks, and for what -----------------------------------------------------------------------------------------------


def _refuse_nowhere(top: str, layout: Layout) -> None:
    """A slip in the name must not look like a registry in which nothing was released."""
    if not os.path.isdir(os.path.join(top, layout.root)):
        help_ = "name the folder of the schemas by --root, from the top of the repository"
        raise Refused(f"--root {layout.root}: no such folder", help_)


def _refuse_unknown(catalog: Catalog, service: str) -> None:
    ownership = catalog.ownership
    if not ownership.present:
        help_ = "name the repository of the contracts by --repository, or begin one with: contracts init"
        raise Refused("there is no ownership.yaml, so nobody writes or reads anything", help_)
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
        if wish.service not in find_writers(catalog.ownership, event):
            raise Refused(describe_writer(catalog.ownership, event), f"let {wish.service} ask by an event of its own")
    mine = {
        name: each
        for name, each in terms.items()
        if wish.service in find_writers(catalog.ownership, each)
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
            siblings=dict(self._find_siblings(terms)),
            staleness=terms.staleness,
            deprecated_since=terms.deprecated_since.isoformat() if terms.deprecated_since else "",
            replaced_by=terms.replaced_by,
        )

    def _find_siblings(self, terms: Terms) -> Iterator[tuple[int | str, str]]:
        """What a record of the same topic may name as its schema, and is another event's; retired versions too."""
        for other in self._catalog.ownership.terms.values() if terms.topic else ():
            if other.topic == terms.topic and other.event != terms.event:
                for version in self._catalog.contracts[other.event].versions:
                    if not version.flaws:
                        yield version.schema_id, other.event
                        yield version.guid, other.event

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
            upgrade = read_upgrade(self._shelf, f"{folder}/{UPGRADE}", version.files[UPGRADE]).text if declared else ""
        except InvalidSchema as error:
            flaws.extend(error.flaws)
            return None
        return StubVersion(
            number=version.number,
            schema_id=version.schema_id,
            guid=version.guid,
            root=version.root,
            files=read_texts(self._shelf, version),
            schema=schema,
            envelope=self._fill(f"{event} v{version.number}", schema, notes),
            upgrade=upgrade,
        )

    def _fill(self, subject: str, schema: Schema, notes: list[str]) -> dict[str, tuple[str, ...]]:
        """The fields that the serializer fills in; one of a type that it cannot stays a field, and that is said."""
        filled, unfit = find_filled(self._catalog.policy, schema)
        for place, words in unfit.items():
            notes.append(f"{subject}: {place!r} is {words}, so the serializer cannot fill it in; it stays a field")
        return filled
