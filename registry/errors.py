"""What stops us from looking, as one sentence with the way out.

What was found in a schema or in ownership.yaml is a value (:mod:`registry.finding`); what kept us from finding anything
is one of these. The command line prints them as they are and exits with 2.
"""

from collections.abc import Sequence
from typing import NamedTuple

from registry.frozen import dataclass
from registry.source import Location


class RegistryError(Exception):
    """We could not look: ``message`` is the fact, ``help`` the way out."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class NoRepository(RegistryError):
    """The folder is in no git repository, or in one that git will not open."""


class UnknownRevision(RegistryError):
    """A name that the user gave means no commit, or more than one."""


class NoBase(RegistryError):
    """There is nothing to compare with, and guessing would let a change pass unseen."""


class Unreadable(RegistryError):
    """A file that must be there cannot be read."""


class Refused(RegistryError):
    """What was asked would break a promise; nothing was written."""


class Fix(NamedTuple):
    """A way out that needs no thought: an edit of the file, which `contracts check --fix` makes."""

    edit: str
    """A row of ``EDITS`` in ``registry.formats.<language>.repair``."""
    words: tuple[str, ...]
    """What the edit writes, and of what: names, members, statements."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one file by itself, before it is compared with anything."""

    kind: str
    """``invalid``, ``missing-reference`` or ``ambiguous-reference``; ``note`` where the schema is accepted;
    ``converters`` of those beside it; of a tree ``unreadable`` (a link, a submodule) and ``stray`` (among the
    versions)."""
    message: str
    location: Location
    help: str = ""
    fix: Fix | None = None


class InvalidSchema(RegistryError):
    """A schema that is none, with each flaw and its position."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        first = flaws[0]
        super().__init__(f"{first.location}: {first.message}", first.help)
        self.flaws = tuple(flaws)

    @property
    def location(self) -> Location:
        """Where the first flaw stands."""
        return self.flaws[0].location
