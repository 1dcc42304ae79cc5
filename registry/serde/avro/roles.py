"""Which fields of the payload are the envelope's, on the reading side.

A path is a position: a record on it is another one than the same record elsewhere, which has all its fields.
"""

from collections.abc import Mapping
from typing import Final

from registry.schema import Field, Logical, Record, Schema, Type, Union

Roles = tuple[tuple[str, tuple[str, ...]], ...]
"""Roles, each with its path from here on."""

IDS: Final = frozenset({"correlation_id", "event_id", "causation_id"})
"""Roles that are text, also where the schema has a UUID or its sixteen bytes."""

MOMENTS: Final[Mapping[str, int]] = {"timestamp-millis": 1000, "timestamp-micros": 1}
"""Logical types that may hold ``occurred_at``, with their microseconds."""


def find_moment(role: str, logical: Logical | None) -> int:
    """How many microseconds one unit of ``occurred_at`` has; 0 for any other field."""
    return MOMENTS.get(logical.name, 0) if role == "occurred_at" and logical is not None else 0


def find_role(field: Field, roles: Roles) -> str:
    """The role of a field; empty for none."""
    return next((role for role, path in roles if path == (field.name,)), "")


def find_deeper(field: Field, roles: Roles) -> Roles:
    """The roles of what lies below a field."""
    return tuple((role, path[1:]) for role, path in roles if len(path) > 1 and path[0] == field.name)


def find_key(schema: Schema, field: Field, roles: Roles) -> str:
    """The field's name, if its record has it: not if it is the envelope's, or holds nothing else."""
    if not roles:
        return field.name
    deeper = find_deeper(field, roles)
    return "" if find_role(field, roles) or (deeper and _is_envelope(schema, field.type, deeper)) else field.name


def _is_envelope(schema: Schema, type_: Type, roles: Roles) -> bool:
    """Whether the record on the path has no fields but those of the envelope."""
    plain = schema.resolve(type_)
    first = {path[0] for _, path in roles}
    for branch in plain.branches if isinstance(plain, Union) else (type_,):
        record = schema.resolve(branch)
        if isinstance(record, Record) and first & {field.name for field in record.fields}:
            return not any(find_key(schema, field, roles) for field in record.fields)
    return False
