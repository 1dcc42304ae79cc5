"""The reference codec: Avro's binary encoding and schema resolution by the book, plain and slow.

What it makes of a value decides what a witness shows; nothing that has to be quick imports it.
"""

from registry.formats.avro.duration import Duration
from registry.formats.avro.matching import Chooser, Plain, are_matching, find_takers, find_untaken
from registry.formats.avro.reference.binary import CodecError, DecodeError, EncodeError, round_to_float
from registry.formats.avro.reference.codec import Branch, decode, encode
from registry.formats.avro.reference.logical_values import read_logical

__all__ = [
    "Branch",
    "Chooser",
    "CodecError",
    "DecodeError",
    "Duration",
    "EncodeError",
    "Plain",
    "are_matching",
    "decode",
    "encode",
    "find_takers",
    "find_untaken",
    "read_logical",
    "round_to_float",
]
