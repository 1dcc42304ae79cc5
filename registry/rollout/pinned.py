"""What a build of a service reads and writes: the pins of ownership.yaml, as its stubs were made by them."""

from collections.abc import Mapping

from registry.errors import Flaw, InvalidSchema, Refused
from registry.rollout.revision import Revision
from registry.rules.parties import nearest
from registry.rules.pins import find_part, find_writers

Versions = Mapping[str, tuple[int, ...]]
"""Contract to versions."""


def find_pins(revision: Revision, service: str) -> tuple[Versions, Versions]:
    """What it reads and what it writes, of every event, as `contracts gen` would pin it at this commit.

    Raises :class:`Refused` for a service that is not known or has nothing to pin, and :class:`InvalidSchema` for a pin
    of what was never released.
    """
    ownership = revision.ownership
    if service not in ownership.services:
        help_ = nearest(service, ownership.services, f"add it: `services: {{{service}: {{team: …}}}}`")
        raise Refused(f"{service!r} is no service of ownership.yaml", help_)
    reads: dict[str, tuple[int, ...]] = {}
    writes: dict[str, tuple[int, ...]] = {}
    flaws: list[Flaw] = []
    for event, terms in sorted(ownership.terms.items()):
        named = {*find_writers(ownership, terms), *(each.service for each in terms.subscribers)}
        if service not in named:
            continue
        part = find_part(ownership, revision.contracts[event], terms, service, [], flaws)
        if part is not None:
            reads[event] = part.reads
            writes |= {event: part.writes} if part.writes else {}
    if flaws:
        raise InvalidSchema(flaws)
    if not reads and not writes:
        help_ = "name it as owner or subscriber of an event whose versions are released"
        raise Refused(f"{service} neither writes nor reads any released event", help_)
    return reads, writes
