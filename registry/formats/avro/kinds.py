"""Every kind of mismatch that Avro resolution yields, with its step."""

from collections.abc import Mapping
from typing import Final

from registry.formats.mismatch import Step

KINDS: Final[Mapping[str, Step]] = {
    # Avro's own names (SchemaCompatibility.SchemaIncompatibilityType)
    "name_mismatch": Step.BREAK,
    "type_mismatch": Step.BREAK,
    "reader_field_missing_default_value": Step.BREAK,
    "missing_enum_symbols": Step.BREAK,
    "missing_union_branch": Step.BREAK,
    "fixed_size_mismatch": Step.BREAK,
    # ours, where Avro is silent
    "renamed_field_defaulted": Step.BREAK,
    "bytes_read_as_string": Step.BREAK,
    "decimal_mismatch": Step.BREAK,
    "logical_type_mismatch": Step.BREAK,
    "lossy_promotion": Step.LOSSY,
    "decimal_precision_narrowed": Step.LOSSY,
    "decimal_precision_widened": Step.SOURCE,
    "logical_type_added": Step.SOURCE,
    "logical_type_removed": Step.SOURCE,
    "namespace_changed": Step.SOURCE,
    "default_changed": Step.SOURCE,
    "schema_removed": Step.SOURCE,
}
