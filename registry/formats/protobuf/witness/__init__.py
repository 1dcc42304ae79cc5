"""The witness of a mismatch: one value, really written and really read, that shows it."""

from registry.formats.protobuf.witness.search import find_witness
from registry.formats.protobuf.witness.shown import render_value

__all__ = ["find_witness", "render_value"]
