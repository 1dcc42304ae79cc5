"""Whether a service can read a version that its stubs do not read: tried, before the first record of it comes."""

from collections.abc import Callable, Mapping
from typing import Final

from registry.errors import RegistryError
from registry.schema import Schema
from registry.serde.bundle import BundledVersion
from registry.serde.serde import Serde


def find_obstacle(serde: Serde, writer: BundledVersion) -> str:
    """Why records of a version cannot be read as the newest that the stubs know; empty where they can.

    The plan is compiled, through the converters on the way, and kept for the first record. Both sides of each native
    step are compared as well, by the rules of their language: a plan can be made for a pair that does not fit.
    """
    versions, reader = serde.versions, serde.bundle.newest
    try:
        serde.prepare_version(writer)
        at = writer
        for older, newer in versions.find_hops(reader, writer):
            source, target = (older, newer) if at.number <= older.number else (newer, older)
            if target is older and not _leads_back(newer):
                return f"v{newer.number} declares no way back to v{older.number} (`down: none`)"
            if fact := _compare(serde, source, at):
                return fact
            at = target
        return _compare(serde, reader, at)
    except RegistryError as error:
        return error.message
    except Exception as error:  # texts that are none: whoever published them, this service goes on
        return f"v{writer.number} cannot be made use of: {type(error).__name__}: {error}"


def _leads_back(version: BundledVersion) -> bool:
    """Whether its converters make an event of the version before it; a plan is compiled also where they never do."""
    from registry.serde.conversion import load_conversion

    return load_conversion(version.upgrade).falling.edits is not None


def _compare(serde: Serde, reader: BundledVersion, writer: BundledVersion) -> str:
    if (reader.schema_id, reader.guid) == (writer.schema_id, writer.guid):
        return ""
    from registry.formats import load_format
    from registry.formats.mismatch import Direction, Pair, Step

    language = serde.bundle.language
    rising = writer.number < reader.number
    load = _SCHEMAS[language]
    pair = Pair(load(serde, reader), load(serde, writer), Direction.BACKWARD if rising else Direction.FORWARD)
    facts = (found.fact for found in load_format(language).find_mismatches(pair) if found.step is Step.BREAK)
    fact = next(facts, "")
    return f"v{reader.number} does not read v{writer.number}: {fact}" if fact else ""


def _find_avro(serde: Serde, version: BundledVersion) -> Schema:
    schema: Schema = serde.versions.schema(version)
    return schema


def _find_protobuf(serde: Serde, version: BundledVersion) -> Schema:
    from registry.formats.protobuf.tree import parse_descriptors

    return parse_descriptors(version.descriptors, serde.bundle.event)


_SCHEMAS: Final[Mapping[str, Callable[[Serde, BundledVersion], Schema]]] = {
    "avro": _find_avro,
    "protobuf": _find_protobuf,
}
"""What a language's versions are compared as: Avro's serializer works with the same trees, Protobuf's with its own."""
