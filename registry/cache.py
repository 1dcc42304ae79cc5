"""What a blob says, remembered by its id in the user's cache folder: a blob never changes, so an entry is never wrong.

Nothing depends on it: a cache that cannot be read is empty, one that cannot be written is forgotten.
"""

import json
import os
from collections.abc import Iterable, Mapping
from zlib import crc32

FORMAT = 1
"""Raised whenever what is stored changes its meaning; older files are then ignored and replaced."""


def cache_folder(environment: Mapping[str, str]) -> str:
    """The folder of this tool below ``XDG_CACHE_HOME`` (XDG Base Directory Specification), or ``~/.cache``."""
    home = environment.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(home):  # the specification has a relative path ignored: it would lie in somebody's work tree
        home = os.path.join(environment.get("HOME") or "~", ".cache")
    return os.path.join(os.path.expanduser(home), "event-contracts")


class BlobCache:
    """Facts about the blobs of one repository: ``facts[blob]`` is JSON data."""

    def __init__(self, folder: str, repository: str) -> None:
        # Two repositories that share a file do no harm: a blob id means the same everywhere. hashlib would cost more.
        name = f"{crc32(os.fsencode(repository)):08x}"
        self._path = os.path.join(folder, f"blobs-{FORMAT}-{name}.json")
        self._new: dict[str, object] = {}
        self._facts: dict[str, object] = {}
        try:
            with open(self._path, "rb") as file:
                stored = json.load(file)
        except (OSError, ValueError, RecursionError):
            return
        if isinstance(stored, dict):
            self._facts = stored

    def find(self, key: str) -> object | None:
        """What is known of a key; ``None`` where nothing is."""
        return self._facts.get(key)

    def remember(self, key: str, fact: object) -> None:
        """Keep a fact for the next run."""
        self._facts[key] = self._new[key] = fact

    def write(self, used: Iterable[str]) -> None:
        """Store what is new. Keys that this run did not use are dropped once they outnumber those that it did."""
        if not self._new:
            return
        live = {key: self._facts[key] for key in used if key in self._facts}
        facts = live if len(self._facts) > 4 * len(live) + 1000 else self._facts
        from tempfile import mkstemp  # most runs have nothing new

        try:
            folder, name = os.path.split(self._path)
            os.makedirs(folder, exist_ok=True)
            handle, temporary = mkstemp(dir=folder, prefix=name)
            with os.fdopen(handle, "w") as file:
                json.dump(facts, file, separators=(",", ":"))
            os.replace(temporary, self._path)
        except OSError:
            return
