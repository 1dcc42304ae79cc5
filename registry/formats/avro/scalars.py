"""What becomes of a written primitive or fixed when it is read as another: one kind of mismatch, or none.

Rows of the Avro table: promotions (Avro 1.12, "Schema Resolution") and logical types; our reader applies its own.
"""

from collections.abc import Mapping
from typing import Final

from registry.schema import Fixed, Logical, Primitive

LOSSLESS: Final = ""
"""The promotion changes nothing."""

PROMOTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "int": {"long": LOSSLESS, "double": LOSSLESS, "float": "lossy_promotion"},
    "long": {"double": "lossy_promotion", "float": "lossy_promotion"},
    "float": {"double": LOSSLESS},
    "string": {"bytes": LOSSLESS},
    "bytes": {"string": "bytes_read_as_string"},
}
"""Written type -> what it may be read as, the nearest first -> the kind of mismatch."""


def judge_scalars(reader: Primitive | Fixed, writer: Primitive | Fixed) -> str:
    """The kind of mismatch; empty if every value survives as it is. Names and sizes of fixed are the caller's."""
    read, written = _base(reader), _base(writer)
    new, old = reader.logical, writer.logical
    if new is not None and old is not None and new.name == old.name == "decimal":
        return _judge_decimals(new, old) if read == written else "decimal_mismatch"
    promotion = LOSSLESS if read == written else PROMOTIONS.get(written, {}).get(read)
    if promotion is None:
        return "type_mismatch"
    if new == old:
        return promotion
    if read != written and "decimal" in (new and new.name, old and old.name):
        return "decimal_mismatch"
    if promotion == "bytes_read_as_string":
        return promotion
    if new is not None and old is not None:
        return "logical_type_mismatch"
    if new is not None:
        # Few strings are a UUID, and bytes read as a number mean something else; sixteen bytes are always a UUID.
        return "logical_type_mismatch" if new.name == "decimal" or read == "string" else "logical_type_added"
    # A date read as a long is still its number of days; as a double it is another thing.
    return "logical_type_mismatch" if read in ("float", "double") else "logical_type_removed"


def _base(scalar: Primitive | Fixed) -> str:
    return scalar.name if isinstance(scalar, Primitive) else "fixed"


def _judge_decimals(reader: Logical, writer: Logical) -> str:
    if reader.scale != writer.scale:
        return "decimal_mismatch"
    if reader.precision == writer.precision:
        return ""
    return "decimal_precision_widened" if reader.precision > writer.precision else "decimal_precision_narrowed"
