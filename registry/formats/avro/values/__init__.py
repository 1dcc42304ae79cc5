"""Values made from a schema alone: many that reach every edge, or the smallest there is."""

from registry.formats.avro.values.generator import MAX_VALUES, find_values
from registry.formats.avro.values.leaves import other_leaf
from registry.formats.avro.values.smallest import MAX_SIZE, Smallest

__all__ = ["MAX_SIZE", "MAX_VALUES", "Smallest", "find_values", "other_leaf"]
