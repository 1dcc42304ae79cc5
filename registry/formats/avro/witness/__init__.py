"""The witness of a mismatch: one value, really written and really read, that shows it."""

from registry.formats.avro.witness.excerpt import render_value
from registry.formats.avro.witness.search import find_witness

__all__ = ["find_witness", "render_value"]
