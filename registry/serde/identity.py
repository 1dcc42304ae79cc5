"""Ids that are made here."""

import os
from struct import Struct
from typing import Final

_AT_ONCE: Final = 256
MADE: Final[list[str]] = []
"""Ids that nobody has yet: to ask the system for random bytes takes longer than all the rest, so many are asked for.
One is taken by ``pop()``, where that is quicker than :func:`new_id`, which makes more."""
_FORM: Final = b"00000000-0000-4000-0000-000000000000"
_PLACES: Final = tuple(at for at, byte in enumerate(_FORM) if byte == ord("0"))
"""Where random digits stand: all but the dashes and the version."""
_cut: Final = Struct("36s" * _AT_ONCE).unpack
_VARIANT: Final = bytes.maketrans(b"0123456789abcdef", b"89ab" * 4)

if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    # Two processes with one list would give the same id to two events.
    os.register_at_fork(after_in_child=MADE.clear)


def new_id() -> str:
    """A random UUID of version 4, as text. Python's own module would take longer to import than all of this package."""
    try:
        return MADE.pop()
    except IndexError:
        first, *others = _make_ids()
        MADE.extend(others)
        return first


def _make_ids() -> list[str]:
    """Each digit goes into all texts at once: a step for a digit is a step for every id."""
    digits = os.urandom(16 * _AT_ONCE).hex().encode()
    texts = bytearray(_FORM * _AT_ONCE)
    for of, at in enumerate(_PLACES):
        texts[at::36] = digits[of::32]
    texts[19::36] = texts[19::36].translate(_VARIANT)
    return [text.decode() for text in _cut(texts)]
