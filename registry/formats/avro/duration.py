"""Avro's logical type ``duration`` (Avro 1.12, "Logical Types"), as the reference codec and the serializer read it."""

from typing import NamedTuple


class Duration(NamedTuple):
    """Three counts of 32 bits without sign; no month has a fixed number of days, and no day of milliseconds."""

    months: int
    days: int
    milliseconds: int
