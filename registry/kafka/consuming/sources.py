"""Whether the service that owns an event wrote a record, as far as its headers say."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from registry.kafka.consuming.policy import Foreign
from registry.kafka.errors import ForeignWriter, SettingsError
from registry.serde.bundle import Bundle
from registry.serde.delivery import place
from registry.serde.envelope import SOURCE_HEADER
from registry.serde.record import Record

_INDEX: Final = 2
"""Where the producers of this library put it."""

Sources = Mapping[str, tuple[tuple[str, bytes], frozenset[bytes]]]
"""By topic: the header that its owner writes, and everybody who may have written."""


def find_sources(bundles: Iterable[Bundle], former: Collection[str], foreign: Foreign) -> Sources:
    """Who writes the topics of these contracts: one owner each, and ``former`` are services that once were.

    Empty where the records of others are handled too. Raises :class:`SettingsError` for a single text, which would
    count as a service for each of its letters.
    """
    if isinstance(former, str):
        raise SettingsError(f"former_owners={former!r} is one text", help=f"list the services: [{former!r}]")
    if foreign == "handle":
        return {}
    return {
        bundle.topic: (
            (SOURCE_HEADER, bundle.owner.encode()),
            frozenset(name.encode() for name in (bundle.owner, *former)),
        )
        for bundle in bundles
    }


def check_source(record: Record, sources: Sources) -> None:
    """Raises :class:`ForeignWriter` where a record says that another service wrote it. One that says nothing passes."""
    known = sources.get(record.topic)
    headers = record.headers
    if known is None or (len(headers) > _INDEX and headers[_INDEX] == known[0]):
        return
    for name, held in headers:
        if name == SOURCE_HEADER and held not in known[1]:
            owner = known[0][1].decode()
            said = "nobody" if held is None else repr(held.decode(errors="replace"))
            raise ForeignWriter(
                f"{place(record)} was written by {said}, and {record.topic} is {owner}'s to write",
                help=f"if {said} owned it once, name it in former_owners; else stop it, best by an ACL",
            )
