"""What the tests of the Avro encoder share: to write, to be refused, and values that are hard to tell from others."""

from datetime import UTC, datetime
from enum import Enum, IntEnum

import pytest

from registry.serde.avro import compile_encoder
from registry.serde.errors import EncodeError
from registry.serde.meta import Meta
from registry.serde.shape import PLAIN, Shape
from tests.avro_shorthand import parse

TYPED = Shape(types={"not.in.the.Schema": object})
"""Typed mode, with classes for nothing."""
MOMENT = datetime(2024, 2, 29, 12, 30, 15, 123000, UTC)


class Hue(IntEnum):
    RED = 7


class Moment(datetime):
    """As other libraries have them."""


class Word(str, Enum):  # noqa: UP042 (what people had before StrEnum)
    A = "hidden"


def write(schema: object, value: object, shape: Shape = PLAIN, meta: Meta | None = None) -> bytes:
    return compile_encoder(parse(schema, strict=False), shape)(value, b"", meta)


def refuse(schema: object, value: object, shape: Shape = TYPED, meta: Meta | None = None) -> EncodeError:
    with pytest.raises(EncodeError) as caught:
        write(schema, value, shape, meta)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value
