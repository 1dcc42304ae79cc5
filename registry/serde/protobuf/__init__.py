"""Events in Protobuf: protoc's own message keeps the wire, and functions made for its classes carry the values."""

from registry.serde.protobuf.decoder import compile_decoder
from registry.serde.protobuf.encoder import compile_encoder
from registry.serde.protobuf.messages import Messages, load

__all__ = ["Messages", "compile_decoder", "compile_encoder", "load"]
