"""The bytes of a file as the text of a schema, or the flaw why they are none."""

from collections.abc import Callable
from functools import partial
from typing import Final

from registry.errors import Flaw, InvalidSchema
from registry.source import fixed_location

MAX_BYTES: Final = 1 << 20
"""1 MiB. A Kafka broker takes no larger message by default, so a registry that keeps its schemas in a topic could not
hold it; hand-written schemas are a hundredth of that, and what is larger is data under the wrong name."""

MAX_DOCUMENT_BYTES: Final = 8 << 20
"""8 MiB: ownership.yaml may name tens of thousands of events, and what is larger is no file that people write."""

Flawed = tuple[int, str, str]
"""An offset, the fact and the way out."""
Check = Callable[[bytes], Flawed | None]

_LFS: Final = b"version https://git-lfs.github.com/spec/"
_MARKS: Final = (
    (b"\xef\xbb\xbf", "begins with a byte order mark", "save it as UTF-8 without a byte order mark"),
    (b"\xff\xfe", "is UTF-16 or UTF-32, not UTF-8", "save it as UTF-8"),
    (b"\xfe\xff", "is UTF-16, not UTF-8", "save it as UTF-8"),
)
_NO_CONTENT: Final = {
    "120000": (
        "is a symbolic link; contracts are read from git, where a link is only a path",
        "put the file itself here; what several contracts need is referred to by name",
    ),
    "160000": (
        "is a submodule; contracts are read from one repository, which holds only the id of a commit here",
        "put the files themselves here, and remove the submodule: git rm --cached PATH",
    ),
}


def decode_schema(path: str, data: bytes) -> str:
    """The text, with each CRLF as one line feed, so that neither positions nor canonical forms depend on the checkout.

    Raises :class:`InvalidSchema` for what is not UTF-8 without a byte order mark, is blank, holds NUL, is larger than
    :data:`MAX_BYTES`, or is a pointer of Git LFS.
    """
    return _decode(path, data, _CHECKS)


def _decode(path: str, data: bytes, checks: tuple[Check, ...]) -> str:
    for find_flaw in checks:
        found = find_flaw(data)
        if found is not None:
            offset, fact, help = found
            raise InvalidSchema([Flaw("invalid", fact, fixed_location(path, *_position(data, offset)), help)])
    return data.decode("utf-8").replace("\r\n", "\n")


def decode_document(path: str, data: bytes) -> str:
    """The same for ownership.yaml and policy.yaml, which may be larger; that one is blank is for its reader to say."""
    return _decode(path, data, _DOCUMENT_CHECKS)


def describe_entry(path: str, mode: str) -> Flaw | None:
    """Why a path of this git mode has no content of its own; ``None`` for a file."""
    if mode not in _NO_CONTENT:
        return None
    fact, help = _NO_CONTENT[mode]
    return Flaw("invalid", fact, fixed_location(path, 1, 1), help)


def _position(data: bytes, offset: int) -> tuple[int, int]:
    """Line and column of a byte that has only UTF-8 before it."""
    start = data.rfind(b"\n", 0, offset) + 1
    return data.count(b"\n", 0, start) + 1, len(data[start:offset].decode("utf-8", "replace")) + 1


def _find_size(data: bytes, most: int = MAX_BYTES, what: str = "a schema") -> Flawed | None:
    if len(data) <= most:
        return None
    return 0, f"is {len(data):,} bytes large; {what} has at most {most:,}", "split it into several files"


def _find_pointer(data: bytes) -> Flawed | None:
    if not data.startswith(_LFS):
        return None
    help = "keep schemas in git itself: remove the path from .gitattributes, git lfs pull, git add --renormalize"
    return 0, "is a pointer of Git LFS, not the file itself", help


def _find_mark(data: bytes) -> Flawed | None:
    return next(((0, fact, help) for mark, fact, help in _MARKS if data.startswith(mark)), None)


def _find_nul(data: bytes) -> Flawed | None:
    offset = data.find(b"\0")
    return None if offset < 0 else (offset, "holds a NUL byte, which no text does", "save it as UTF-8 text")


def _find_other_encoding(data: bytes) -> Flawed | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start, f"is not UTF-8: byte 0x{data[error.start]:02x} here", "save it as UTF-8"
    return None


def _find_blank(data: bytes) -> Flawed | None:
    if data.strip():
        return None
    return 0, "holds only blanks" if data else "is empty", "write the schema, or delete the file"


_CHECKS: Final[tuple[Check, ...]] = (
    _find_size,
    _find_pointer,
    _find_mark,
    _find_blank,
    _find_nul,
    _find_other_encoding,
)
"""The first one that finds something speaks."""
_DOCUMENT_CHECKS: Final[tuple[Check, ...]] = (
    partial(_find_size, most=MAX_DOCUMENT_BYTES, what="a document"),
    _find_pointer,
    _find_mark,
    _find_nul,
    _find_other_encoding,
)
