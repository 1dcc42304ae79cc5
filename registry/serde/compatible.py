"""Newer Protobuf records, read without their schema: an explicit choice, since a schema can mean something else."""

from registry.serde.bundle import BundledVersion
from registry.serde.fallback import Fallback


class Compatible:
    """Reads a record of an unknown Protobuf schema with the newest one that the stubs know, as protobuf's parsers do.

    A reader that is older than its writer then goes on, without the fields that it does not know. It is safe as long as
    each newer version is compatible with these stubs: one that declares converters means something else by the same
    numbers, and would be misread. So it holds only for a record whose header ``ce_type`` names the event, and whose
    ``ce_schemaversion``, where there is one, is newer than the stubs. Its :attr:`registry.serde.meta.Meta.version`
    is 0, since no schema was found.

    ``otherwise`` is asked first, and for events in Avro, which cannot be read without their schema.
    """

    def __init__(self, otherwise: Fallback | None = None) -> None:
        self._otherwise = otherwise

    def find(self, event: str, writer: int | str) -> BundledVersion | None:
        """What the other fallback says, if there is one."""
        return self._otherwise.find(event, writer) if self._otherwise else None

    def find_number(self, event: str, number: int) -> BundledVersion | None:
        """What the other fallback says, if there is one."""
        return self._otherwise.find_number(event, number) if self._otherwise else None
