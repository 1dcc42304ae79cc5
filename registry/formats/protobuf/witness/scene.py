"""What is looked at while a mismatch is shown: the place, a value to try, and what became of it."""

from collections.abc import Mapping
from typing import NamedTuple

from registry.formats.mismatch import Mismatch
from registry.formats.protobuf.reference import Value
from registry.formats.protobuf.smallest import Smallest
from registry.formats.protobuf.witness.meaning import Halves
from registry.formats.protobuf.witness.steering import Course

Leaf = Mapping[str, object]
"""Some fields of the writer's message; what is ``MISSING`` shall be absent."""


class Scene(NamedTuple):
    """A mismatch, and the way to where it shows."""

    mismatch: Mismatch
    halves: Halves
    course: Course
    smallest: Smallest


class Attempt(NamedTuple):
    """What became of one value."""

    value: Value
    data: bytes
    read: Value | None = None
    failure: str = ""
    missing: tuple[str, ...] = ()
    """Required fields elsewhere that the reader misses as well."""
