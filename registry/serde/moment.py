"""Points in time that are mostly carried and seldom looked at: kept as the number that came in."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
MICROSECONDS: Final = 1_000_000
"""How many are in a second."""
FIRST: Final = (datetime.min.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
LAST: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
"""The range of a ``datetime``, in microseconds since 1970."""


def show_moment(kind: type, name: str, per_second: int) -> None:
    """Lets an attribute of a class with slots be set to a count since 1970, and read as a ``datetime`` in UTC.

    A ``datetime`` or ``None`` that was set is read as it is, a number that no ``datetime`` can hold as ``None``. Under
    the name with a dash before it remains the slot itself, for who passes on what came in.
    """
    slot: Any = vars(kind)[name]
    find, keep = slot.__get__, slot.__set__
    unit = MICROSECONDS // per_second

    def read(instance: object) -> datetime | None:
        held = find(instance)
        if held.__class__ is int:
            try:
                return EPOCH + held * unit * _MICROSECOND
            except OverflowError:
                return None
        return held  # type: ignore[no-any-return]

    setattr(kind, f"_{name}", slot)
    setattr(kind, name, property(read, keep))
