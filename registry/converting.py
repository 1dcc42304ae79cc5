"""An event of the repository -> the versions between which its converters lead, as the laws want them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from registry.catalog import Index, Layout, Shelf, layout_of, read_catalog
from registry.change import Reader, find_changes
from registry.contract import Catalog, Contract
from registry.errors import InvalidSchema, Refused
from registry.frozen import dataclass, replace
from registry.git import open_repo
from registry.laws import Chain, Side, Step
from registry.rules.compat import same_meaning
from registry.rules.envelope import find_filled
from registry.rules.parties import nearest
from registry.rules.pins import UPGRADE
from registry.schema import Schema
from registry.source import Location
from registry.upgrade import Upgrade, parse_upgrade


@dataclass(frozen=True, slots=True)
class Span:
    """Which versions of which event: 0 stands for the newest step that declares converters."""

    event: str
    older: int = 0
    newer: int = 0
    root: str = "contracts"


@dataclass(frozen=True, slots=True)
class _Rung:
    """One version: a frozen one, or the head under the number it will have."""

    number: int
    schema: Schema
    at: Location
    upgrade: Upgrade | None
    """Its converters from the version before, if it declares any."""


def read_chain(start: Path, span: Span, environment: Mapping[str, str]) -> Chain:
    """The versions of a span, by the work tree around ``start``.

    Raises :class:`registry.errors.InvalidSchema` for converters or schemas that are none, and
    :class:`registry.errors.RegistryError` where it cannot look: no such event or version, nothing declared.
    """
    with open_repo(start) as repo:
        layout = layout_of(span.root)
        shelf = Shelf(repo, environment)
        snapshot = repo.read_work_tree(layout.under, layout.holds)
        catalog, index = read_catalog(shelf, snapshot, layout)
        contract = _read_contract(shelf, (catalog, index), _find_event(catalog, span.event))
        rungs = list(_find_rungs(shelf, layout, contract))
        shelf.remember()
    older, newer = _choose(contract.name, rungs, span)
    return _build(catalog, contract, [rung for rung in rungs if older <= rung.number <= newer])


def _find_event(catalog: Catalog, name: str) -> str:
    """The full name. Raises :class:`Refused` for an event that is not known."""
    if name in catalog.contracts:
        return name
    short = [full for full in catalog.contracts if full.rpartition(".")[2] == name]
    if len(short) == 1:
        return short[0]
    if short:
        raise Refused(f"{name} is the short name of {len(short)} events", f"write {short[0]} in full")
    help_ = nearest(name, catalog.contracts, "contracts owners  lists them")
    raise Refused(f"{name} is no event of ownership.yaml", help_)


def _read_contract(shelf: Shelf, here: tuple[Catalog, Index], event: str) -> Contract:
    """The one contract, with its schemas."""
    catalog, index = here
    alone = replace(catalog, contracts={event: catalog.contracts[event]})
    (change,) = find_changes(Reader(shelf), (alone, index), (alone, index), everything=True).changes
    contract = change.after
    assert contract is not None
    return contract


def _find_rungs(shelf: Shelf, layout: Layout, contract: Contract) -> Iterator[_Rung]:
    """Every version that can still be read, oldest first, and the head where it says something new.

    Raises :class:`InvalidSchema` for one that is none.
    """
    for version in contract.readable:
        if version.schema is None:
            raise InvalidSchema(version.flaws)
        upgrade = None
        if UPGRADE in version.files:
            path = f"{layout.join('versions', contract.name, str(version.number))}/{UPGRADE}"
            upgrade = parse_upgrade(shelf.read_schema(path, version.files[UPGRADE]), path)
        yield _Rung(version.number, version.schema, version.at, upgrade)
    flaws = [flaw for flaw in contract.flaws if flaw.kind == "converters" or contract.head is None]
    if flaws:
        raise InvalidSchema(flaws)
    latest = contract.versions[-1] if contract.versions else None
    if contract.head is None or latest is None or not (_is_new(contract) or contract.has_new_converters):
        return
    upgrade = None
    if contract.has_new_converters and contract.upgrade is not None:
        upgrade = parse_upgrade(contract.converters, contract.upgrade[0])
    yield _Rung(latest.number + 1, contract.head, contract.at, upgrade)


def _is_new(contract: Contract) -> bool:
    return not same_meaning(contract.head, contract.versions[-1].schema)


def _choose(event: str, rungs: Sequence[_Rung], span: Span) -> tuple[int, int]:
    """The first and the last version. Raises :class:`Refused`."""
    numbers = [rung.number for rung in rungs]
    declaring = [rung.number for rung in rungs[1:] if rung.upgrade is not None]
    for number in filter(None, (span.older, span.newer)):
        if number not in numbers:
            known = ", ".join(f"v{each}" for each in numbers) or "none yet"
            raise Refused(f"{event} has no v{number} that can be read", f"there are: {known}")
    newer = span.newer or next((each for each in reversed(declaring) if each > span.older), 0)
    older = span.older or newer - 1
    between = [number for number in declaring if older < number <= newer]
    if not between:
        where = f"between v{older} and v{newer}" if older > 0 and newer else "on any step that can still be read"
        help_ = "describe a breaking change in its .upgrade.yaml; docs/converters.md says how"
        raise Refused(f"{event} declares no converters {where}, so there is nothing to test", help_)
    if older >= newer:
        raise Refused(f"v{older} is not older than v{newer}", "name the older version by --from")
    if older not in numbers:
        raise Refused(f"v{older} of {event} is retired, so its converters are used by nobody", "name a newer step")
    return older, newer


def _build(catalog: Catalog, contract: Contract, rungs: Sequence[_Rung]) -> Chain:
    languages = {rung.schema.format for rung in rungs}
    if len(languages) > 1:
        raise Refused(f"{contract.name} changed its schema language on the way", "name versions of one language")
    sides = tuple(
        Side(contract.name, rung.schema, f"v{rung.number}", find_filled(catalog.policy, rung.schema)[0])
        for rung in rungs
    )
    key = contract.terms.key if contract.terms is not None else ""
    steps = tuple(
        Step(rung.upgrade, older, newer, key) if rung.upgrade is not None else None
        for (older, newer), rung in zip(pairwise(sides), rungs[1:], strict=True)
    )
    return Chain(sides, steps, rungs[-1].upgrade.at("") if rungs[-1].upgrade is not None else rungs[-1].at)
