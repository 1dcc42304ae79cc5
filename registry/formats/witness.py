"""A value that shows a mismatch: written by the writer, read by the reader, and not the same."""

from typing import Final

from registry.frozen import dataclass

LONGEST: Final = 160
"""Characters of a value in a sentence; the whole stands beside it."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What really became of one value, or the reason why no value can show it."""

    writer: str
    """The label of the schema that wrote it."""
    reader: str
    """The label of the schema that read it."""
    data: bytes = b""
    """The value as it was encoded, without any framing."""
    written: str = ""
    """The value as JSON, bytes as in Avro's JSON encoding; what JSON has no name for is its text."""
    read: str = ""
    """What the reader made of it, as JSON; empty where it failed."""
    failure: str = ""
    """Why the reader failed, with the path: ``unknown symbol 'ARCHIVED' at /status``."""
    note: str = ""
    """What else is to be known of it: ``12345.67 has 7 digits where decimal(4, 2) allows 4``."""
    excerpt: str = ""
    """The written value without what stands beside the path, if that is shorter: ``{"status": "ARCHIVED", …}``."""
    read_excerpt: str = ""
    """The same of what was read."""
    reason: str = ""
    """Why there is no such value; everything else is empty then."""

    @property
    def sentence(self) -> str:
        """``v1 wrote {"status": "ARCHIVED"}; v2 fails: unknown symbol 'ARCHIVED' at /status``."""
        if self.reason:
            return f"none: {self.reason}"
        wrote = f"{self.writer} wrote {_cut(self.excerpt or self.written)}"
        found = f"fails: {self.failure}" if self.failure else f"reads {_cut(self.read_excerpt or self.read)}"
        return f"{wrote}; {self.reader} {found}{f' ({self.note})' if self.note else ''}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
