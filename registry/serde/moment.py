"""Points in time that are mostly carried and seldom looked at: kept as the number that came in."""

from datetime import UTC, datetime
from typing import Any


def show_moment(kind: type, name: str) -> None:
    """Lets an attribute of a class with slots be set to milliseconds since 1970, and read as a ``datetime`` in UTC.

    A ``datetime`` or ``None`` that was set is read as it is, a number that no ``datetime`` can hold as ``None``. Under
    the name with a dash before it remains the slot itself, for who passes on what came in.
    """
    slot: Any = vars(kind)[name]
    find, keep = slot.__get__, slot.__set__

    def read(instance: object) -> datetime | None:
        held = find(instance)
        if held.__class__ is int:
            try:
                return datetime.fromtimestamp(held / 1000, UTC)
            except (OverflowError, ValueError, OSError):
                return None
        return held  # type: ignore[no-any-return]  # a slot has no type

    setattr(kind, f"_{name}", slot)
    setattr(kind, name, property(read, keep))
