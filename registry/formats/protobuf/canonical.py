"""The canonical form: the text that the fingerprint is taken of."""

from collections.abc import Iterable

from registry.formats.protobuf.elements import wire_of, words_of
from registry.schema import MISSING, Enum, Field, Record, Ref, Schema

WELL_KNOWN = "google.protobuf."


def canonical_form(schema: Schema) -> str:
    """Everything that has a meaning on the wire or in JSON, as JSON without spaces.

    FROZEN: released fingerprints are taken of it.

    ``{"format":"protobuf/1","roots":[...],"types":{...}}`` with sorted keys, ASCII only. ``types`` holds each reachable
    message and enum by full name:

    - a message: ``fields`` sorted by number, ``reserved`` (ranges joined and sorted), ``reserved_names`` (sorted),
      ``extensions`` (ranges), ``message_set``; what is empty or false has no key;
    - a field: ``number``, ``name``, ``type`` with full names, ``presence`` with the features of editions resolved,
      ``json``, and where they apply ``packed``, ``delimited``, ``utf8`` (verified), ``oneof``, ``default``,
      ``extension``;
    - an enum: ``values`` as ``[number, name, ...]`` sorted by number, aliases in their order; ``default``, the
      number of the first value declared; ``closed``; reserved ranges and names.

    Comments, file names, the order of declarations, syntax and edition have no part in it, nor have options beyond the
    above. Well-known types stand by their name only, so that a newer protoc does not change a fingerprint.
    """
    import json

    roots = sorted(root.name for root in schema.roots if isinstance(root, Ref))
    types = {
        name: _message(type_) if isinstance(type_, Record) else _enum(type_)
        for name, type_ in schema.types.items()
        if isinstance(type_, Record | Enum) and (not name.startswith(WELL_KNOWN) or name in roots)
    }
    form = {"format": "protobuf/1", "roots": roots, "types": types}
    return json.dumps(form, sort_keys=True, separators=(",", ":"))


def self_contained(schema: Schema) -> str:
    """The schema as one text: its canonical form, which already holds every type that the schema can reach."""
    return canonical_form(schema)


def _message(record: Record) -> dict[str, object]:
    fields = sorted(record.fields, key=lambda field: wire_of(field).number)
    node: dict[str, object] = {
        "fields": [_field(field) for field in fields],
        "reserved": _join(record.reserved.ranges),
        "reserved_names": sorted(record.reserved.names),
        "extensions": _join(record.extension_ranges),
        "message_set": record.message_set,
    }
    return _dense(node)


def _field(field: Field) -> dict[str, object]:
    wire = wire_of(field)
    node: dict[str, object] = {
        "number": wire.number,
        "name": field.name,
        "type": words_of(field.type),
        "presence": wire.presence,
        "json": wire.json_name,
        "packed": wire.packed,
        "delimited": wire.delimited,
        "utf8": wire.verifies_utf8,
        "oneof": wire.oneof or "",
        "extension": wire.extension,
    }
    node = _dense(node)
    if field.default is not MISSING:
        node["default"] = field.default
    return node


def _enum(enum: Enum) -> dict[str, object]:
    values: dict[int, list[str]] = {}
    for symbol in enum.symbols:
        values.setdefault(symbol.number, []).append(symbol.name)
    node: dict[str, object] = {
        "values": [[number, *names] for number, names in sorted(values.items())],
        "closed": enum.closed,
        "reserved": _join(enum.reserved.ranges),
        "reserved_names": sorted(enum.reserved.names),
    }
    return {**_dense(node), "default": enum.symbols[0].number}


def _dense(node: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in node.items() if value not in (False, "", [])}


def _join(ranges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Ranges sorted, and neighbours made one: ``1, 2`` reserves the same as ``1 to 2``."""
    joined: list[list[int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], high)
        else:
            joined.append([low, high])
    return joined
