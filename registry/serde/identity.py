"""Ids that are made here."""

import os
from typing import Final

_AT_ONCE: Final = 64
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_MADE: list[str] = []
"""Ids that nobody has yet: to ask the system for random bytes takes longer than all the rest, so many are asked for."""

if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    # Two processes with one list would give the same id to two events.
    os.register_at_fork(after_in_child=_MADE.clear)


def new_id() -> str:
    """A random UUID of version 4, as text. Python's own module would take longer to import than all of this package."""
    try:
        return _MADE.pop()
    except IndexError:
        first, *others = _make_ids()
        _MADE.extend(others)
        return first


def _make_ids() -> list[str]:
    text = os.urandom(16 * _AT_ONCE).hex()
    return [
        f"{text[i : i + 8]}-{text[i + 8 : i + 12]}-4{text[i + 13 : i + 16]}"
        f"-{_VARIANT[text[i + 16]]}{text[i + 17 : i + 20]}-{text[i + 20 : i + 32]}"
        for i in range(0, len(text), 32)
    ]
