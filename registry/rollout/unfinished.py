"""A scan that was interrupted, as a file: whoever reads a large topic once more goes on where the last one stopped."""

import json
import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from time import monotonic
from typing import Any, Final

from registry.frozen import dataclass
from registry.rollout.broker import Progress
from registry.rollout.evidence import PartitionScan, Seen

FORMAT: Final = 1
"""Raised when what is stored changes its meaning; older files are then begun anew."""
PERIOD: Final = 2.0
"""Seconds between two writings."""
LASTS: Final = 86_400.0
"""Seconds after which nobody goes on with it: too much of the topic may be another."""


def render_progress(progress: Progress) -> str:
    """What was seen so far, as JSON; where it had to end is left out, since it will be further by then."""
    found = {
        str(number): {
            "start": scan.start,
            "end": scan.end,
            "stable": scan.stable,
            "tombstones": scan.tombstones,
            "last_data": scan.last_data,
            "last_committed_data": scan.last_committed_data,
            "versions": {str(version): _list_seen(seen) for version, seen in scan.versions.items()},
        }
        for number, scan in progress.found.items()
    }
    return json.dumps({"format": FORMAT, "found": found})


def parse_progress(text: str) -> Progress | None:
    """What was seen, without ends: they are asked for anew. ``None`` for what is no such text, or of another format."""
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            return None
        found = {int(number): _read_scan(scan) for number, scan in document["found"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Progress({number: scan.end for number, scan in found.items()}, {}, found)


_COUNTS: Final = ("count", "committed", "first", "last", "first_committed", "last_committed")


def _list_seen(seen: Seen) -> dict[str, Any]:
    return {**{name: getattr(seen, name) for name in _COUNTS}, "keys": list(seen.keys)}


def _read_seen(facts: dict[str, Any]) -> Seen:
    counts: dict[str, Any] = {name: int(facts[name]) for name in _COUNTS}
    return Seen(**counts, keys=tuple(map(str, facts["keys"])))


def _read_scan(scan: dict[str, Any]) -> PartitionScan:
    versions = {int(number): _read_seen(facts) for number, facts in scan["versions"].items()}
    names = ("start", "end", "stable", "tombstones", "last_data", "last_committed_data")
    return PartitionScan(versions=versions, **{name: int(scan[name]) for name in names})


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Where one scan is remembered until it is done. Nothing depends on it: a file that cannot be kept is forgotten."""

    path: Path
    written: list[float]
    """When it was last written, by a clock that only counts; empty before the first time."""

    def read(self, now: float) -> Progress | None:
        """What an earlier run saw; ``now`` in seconds since 1970."""
        try:
            if now - self.path.stat().st_mtime > LASTS:
                return None
            return parse_progress(self.path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            return None

    def note(self, progress: Progress) -> None:
        """Remember how far it is; forget it where it is done."""
        if all(progress.done.get(number, -1) >= end for number, end in progress.ends.items()):
            with suppress(OSError):
                self.path.unlink()
        elif not self.written or monotonic() - self.written[0] >= PERIOD:
            self.written[:] = [monotonic()]
            self._write(render_progress(progress))

    def _write(self, text: str) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = mkstemp(dir=self.path.parent, prefix=self.path.name)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, self.path)
        except OSError:
            return
