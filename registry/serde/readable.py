"""Whether a service can read a version that its stubs do not read: tried, before the first record of it comes."""

from registry.errors import RegistryError
from registry.serde.bundle import BundledVersion
from registry.serde.serde import Serde


def find_obstacle(serde: Serde, writer: BundledVersion) -> str:
    """Why records of a version cannot be read as the newest that the stubs know; empty where they can.

    The plan is compiled, through the converters on the way, and kept for the first record. In Avro, whose schemas meet
    value by value, both sides of each native step are compared as well.
    """
    versions, reader = serde.versions, serde.bundle.newest
    try:
        serde.prepare_version(writer)
        if serde.bundle.language != "avro":
            return ""
        at = writer
        for older, newer in versions.find_hops(reader, writer):
            source, target = (older, newer) if at.number <= older.number else (newer, older)
            if fact := _compare(serde, source, at):
                return fact
            at = target
        return _compare(serde, reader, at)
    except RegistryError as error:
        return error.message


def _compare(serde: Serde, reader: BundledVersion, writer: BundledVersion) -> str:
    from registry.formats.avro.resolution import find_mismatches
    from registry.formats.mismatch import Pair, Step

    pair = Pair(serde.versions.schema(reader), serde.versions.schema(writer))
    facts = (found.fact for found in find_mismatches(pair) if found.step is Step.BREAK)
    fact = next(facts, "")
    return f"v{reader.number} does not read v{writer.number}: {fact}" if fact else ""
