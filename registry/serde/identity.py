"""Ids that are made here."""

from os import urandom


def new_id() -> str:
    """A random UUID of version 4, as text. Python's own module would take longer to import than all of this package."""
    text = urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"
