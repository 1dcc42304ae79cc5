"""Which logical types stand on which types (Avro 1.12, "Logical Types"), and what their numbers may be."""

from collections.abc import Mapping
from typing import Final

from registry.schema import Logical

BASES: Final[Mapping[str, frozenset[str]]] = {
    "decimal": frozenset({"bytes", "fixed"}),
    "uuid": frozenset({"string", "fixed"}),
    "date": frozenset({"int"}),
    "time-millis": frozenset({"int"}),
    "time-micros": frozenset({"long"}),
    "timestamp-millis": frozenset({"long"}),
    "timestamp-micros": frozenset({"long"}),
    "timestamp-nanos": frozenset({"long"}),
    "local-timestamp-millis": frozenset({"long"}),
    "local-timestamp-micros": frozenset({"long"}),
    "local-timestamp-nanos": frozenset({"long"}),
    "duration": frozenset({"fixed"}),
}
"""Each logical type with what it may annotate."""

FIXED_SIZES: Final[Mapping[str, int]] = {"uuid": 16, "duration": 12}
"""Bytes that a logical type asks of a fixed."""

_LOG10_OF_2: Final = 301_029_995_663_981_195  # times 10**18: integers do not overflow as floats do


def parse_logical(value: Mapping[str, object], base: str, size: int = 0) -> Logical | str | None:
    """The logical type of a schema object; a text says why the one that is named has no effect (the specification
    asks to ignore it then)."""
    name = value.get("logicalType")
    if name is None:
        return None
    if not isinstance(name, str) or name not in BASES:
        return "is not known"
    if base not in BASES[name]:
        return f"does not apply to {base}, only to {' and '.join(sorted(BASES[name]))}"
    if base == "fixed" and size != FIXED_SIZES.get(name, size):
        return f"needs {FIXED_SIZES[name]} bytes, not {size}"
    return _parse_decimal(value, base, size) if name == "decimal" else Logical(name)


def _parse_decimal(value: Mapping[str, object], base: str, size: int) -> Logical | str:
    precision, scale = value.get("precision"), value.get("scale", 0)
    if type(precision) is not int or precision < 1:
        return "needs a precision above 0"
    if type(scale) is not int or not 0 <= scale <= precision:
        return f"needs a scale between 0 and its precision {precision}"
    if base == "fixed" and precision > (most := (8 * size - 1) * _LOG10_OF_2 // 10**18):
        return f"has a precision of {precision}, and {size} bytes hold {max(most, 0)} digits"
    return Logical("decimal", precision, scale)
