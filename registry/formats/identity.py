"""What a schema is called wherever it goes: fingerprint, schema id and GUID, derived from its content alone."""

from hashlib import md5, sha256
from uuid import UUID

from registry.formats import load_format
from registry.schema import Schema

LARGEST_ID = (1 << 31) - 1


def fingerprint_of(schema: Schema) -> str:
    """``sha256:`` and 64 hex digits, of the canonical form."""
    canonical = load_format(schema.format).canonical_form(schema)
    return f"sha256:{sha256(canonical.encode()).hexdigest()}"


def derive_id(fingerprint: str) -> int:
    """A schema id for Confluent's framing, from 1 to 2^31-1: branches and clusters agree on it without a counter."""
    return int(fingerprint.removeprefix("sha256:")[:8], 16) & LARGEST_ID or 1


def next_id(schema_id: int) -> int:
    """The id to try when one is taken."""
    return schema_id % LARGEST_ID + 1


def guid_of(schema: Schema) -> str:
    """MD5 over the self-contained schema, as a UUID: equal everywhere without coordination."""
    text = load_format(schema.format).self_contained(schema)
    return str(UUID(bytes=md5(text.encode(), usedforsecurity=False).digest()))
