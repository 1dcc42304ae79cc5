"""The reference codec: values to bytes and back, by protobuf's own messages; what really happens to an event.

The messages are made from the descriptors that a schema was compiled to, in a pool of their own, so that two revisions
of one type never meet. Nothing that has to be quick imports it.
"""

from registry.formats.protobuf.reference.chunks import make_chunk, make_number, split_fields
from registry.formats.protobuf.reference.codec import decode, default_of, encode, find_missing
from registry.formats.protobuf.reference.errors import CodecError, DecodeError, EncodeError, UnusableDescriptors
from registry.formats.protobuf.reference.pool import MAX_DEPTH, Value, key_of

__all__ = [
    "MAX_DEPTH",
    "CodecError",
    "DecodeError",
    "EncodeError",
    "UnusableDescriptors",
    "Value",
    "decode",
    "default_of",
    "encode",
    "find_missing",
    "key_of",
    "make_chunk",
    "make_number",
    "split_fields",
]
