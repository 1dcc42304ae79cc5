"""From one version to another, around the functions that write and read: what is written as another, and counted."""

from collections.abc import Callable
from typing import Any

from registry.serde.errors import CodecError, EncodeError, Unrepresentable
from registry.serde.meta import Meta
from registry.serde.shape import Decoder, Encoder


def project(encode: Encoder, convert: Decoder, write: Encoder, way: tuple[int, int], subject: str) -> Encoder:
    """Writes events of one version as another: through the bytes of their own, as any reader would see them."""
    number, active = way

    def write_projected(event: Any, prefix: bytes, meta: Meta | None) -> bytes:
        assert meta is not None
        meta.schema_version = number
        try:
            body = encode(event, b"", meta)
        except EncodeError as error:
            raise error.of(subject) from None
        meta.schema_version = active
        scratch = Meta()
        try:
            return write(convert(body, 0, scratch), prefix, meta)
        except Unrepresentable:
            raise
        except CodecError as error:
            raise Unrepresentable(
                f"v{active} cannot express it: {error.fact}",
                error.path,
                f"publish what v{active} has, or wait until v{number} is active",
            ) from None

    return write_projected


def counted(decode: Decoder, note: Callable[[], object]) -> Decoder:
    """Counts what is read as another version than it was written with; nothing else pays for that."""

    def count(data: bytes, start: int, meta: Meta | None) -> Any:
        event = decode(data, start, meta)
        note()
        return event

    return count
