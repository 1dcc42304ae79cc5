"""Which versions of an event a service reads and writes, by ownership.yaml."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from registry.contract import Contract, Ownership, Terms, Version
from registry.errors import Flaw
from registry.frozen import dataclass
from registry.source import Location

UPGRADE: Final = "upgrade.yaml"
"""The converters from the version before, in the folder of a version."""


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


def find_writers(ownership: Ownership, terms: Terms) -> list[str]:
    """The owner, and while an entity is handed over both sides."""
    granted = (
        service
        for transfer in ownership.transfers
        if transfer.phase == "dual_grant" and transfer.entity == terms.entity
        for service in (transfer.giver, transfer.taker)
    )
    return [*([terms.owner] if terms.owner else []), *granted]


def find_part(
    ownership: Ownership, contract: Contract, terms: Terms, service: str, notes: list[str], flaws: list[Flaw]
) -> Part | None:
    """The versions of an event that the service has to do with; ``None`` where there are none, or a pin is wrong.

    Where nothing is pinned, every readable version is read and the newest one is written. A writer that pins what it
    writes and does not subscribe reads no newer ones: nobody else writes those, and a release changes nothing for it.
    """
    readable = tuple(version.number for version in contract.readable)
    if not readable:
        known = contract.versions or terms.retired
        reason = "no version that a log still holds" if known else "no version yet"
        notes.append(f"{terms.event} has {reason}; see: contracts release {terms.event}")
        return None
    pin = next((each for each in terms.subscribers if each.service == service), None)
    owns = service in find_writers(ownership, terms)
    writes = tuple(sorted(set(terms.writes))) or readable[-1:] if owns else ()
    own = tuple(number for number in readable if number <= writes[-1]) if terms.writes and owns and not pin else ()
    reads = tuple(sorted(set(pin.reads if pin else ()))) or own or readable
    if owns and not terms.writes and len(readable) > 1:
        notes.append(_describe_default(terms, readable))
    at = pin.at if pin else terms.at
    needed = _find_needed(contract, {*reads, *writes})
    found = [
        *_find_bad_pins(contract, terms, reads, f"{service} reads", "reads", at),
        *_find_bad_pins(contract, terms, writes, f"{service} writes", "writes", terms.at),
        *_find_gaps(contract, terms, needed, at),
    ]
    flaws += found
    return None if found else Part(contract, terms, reads, writes, needed)


def _describe_default(terms: Terms, readable: Sequence[int]) -> str:
    """A build that nobody told what to write writes what yesterday's readers may not know."""
    return (
        f"{terms.event}: `writes` is not pinned, so version {readable[-1]} is written as soon as this is deployed; "
        f"pin `writes: [{readable[-2]}, {readable[-1]}]` to switch later"
    )


def _find_bad_pins(
    contract: Contract, terms: Terms, numbers: Iterable[int], who: str, key: str, at: Location
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
