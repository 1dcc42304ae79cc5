"""A Python value in a message."""

from datetime import date, time
from decimal import Decimal
from reprlib import Repr
from typing import Final
from uuid import UUID

_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def describe_python(value: object) -> str:
    """A Python value for a message: never long, however large or deep the value is."""
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, Decimal) and len(value.as_tuple().digits) > 60:
        return f"a number of {len(value.as_tuple().digits)} digits"
    try:
        return str(value) if isinstance(value, date | time | UUID | Decimal) else _SHORT.repr(value)
    except Exception:  # whatever its own methods raise; or a number inside has more digits than Python likes to print
        return f"a {type(value).__name__}"
