"""The same obedience without Kafka's control topic: from a file that is read again, or an environment variable."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from registry.kafka.errors import SettingsError
from registry.kafka.observing import LOG
from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.documents import CONTROL_FORMAT
from registry.kafka.rollout.known import find_records

CONTROL_VARIABLE: Final = "CONTRACTS_CONTROL"
"""Environment variable with the path of a file that holds control records; it is read again when it changes."""
ACTIVE_VARIABLE: Final = "CONTRACTS_ACTIVE"
"""Environment variable with the version to write of each contract, for those who switch by deploying anew:
``playconnect.content.ContentPublished=2,playconnect.content.ContentUpdated=1``."""

_Stamp = tuple[int, int, int]


class DeclaredFile:
    """A file with control records: one as JSON, or several in ``{"records": [...]}``."""

    def __init__(self, path: Path, environment: str) -> None:
        self._path = path
        self._environment = environment
        self._stamp: _Stamp | None = None
        self._missed = False

    def read_changes(self) -> Iterator[ControlRecord]:
        """The records of this environment, where the file is another than at the last look. What is none is logged."""
        stamp = self._read_stamp()
        if stamp is None or stamp == self._stamp:
            return
        try:
            text = self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            LOG.warning("%s cannot be read, and what was known stays: %s", self._path, error)
            return
        finally:
            self._stamp = stamp
        defaults = {"format": CONTROL_FORMAT, "environment": self._environment}
        for record in find_records(text, str(self._path), defaults):
            if record.environment == self._environment:
                yield record

    def _read_stamp(self) -> _Stamp | None:
        try:
            found = os.stat(self._path)
        except OSError as error:
            if not self._missed:
                LOG.warning("%s (%s) is not there: %s", self._path, CONTROL_VARIABLE, error.strerror)
            self._missed = True
            return None
        self._missed = False
        return found.st_mtime_ns, found.st_size, found.st_ino


def parse_active(text: str) -> Mapping[str, int]:
    """The versions of :data:`ACTIVE_VARIABLE` by contract. Raises :class:`SettingsError`."""
    found: dict[str, int] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        contract, equals, number = (each.strip() for each in part.partition("="))
        if not (contract and equals and number.isascii() and number.isdecimal() and int(number)):
            raise SettingsError(
                f"{ACTIVE_VARIABLE} has {part!r}, which names no contract and version",
                help="write playconnect.content.ContentPublished=2, several with commas between",
            )
        if found.setdefault(contract, int(number)) != int(number):
            raise SettingsError(f"{ACTIVE_VARIABLE} names two versions of {contract}", help="name one")
    return found


def declare(contract: str, environment: str, active: int, writes: tuple[int, ...]) -> ControlRecord:
    """What the variable says of a contract, as a record that gives way to every one that a rollout publishes."""
    return ControlRecord(contract, environment, epoch=0, active=active, writable=tuple({*writes, active}))
