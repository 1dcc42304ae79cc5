"""A lock between processes of one machine, which ends with the process that holds it."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """A lock on a file (flock). The file stays: to remove it would let two processes hold two files of one name.

    Not for network file systems; a child that is forked while the lock is held holds it too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1

    def take(self) -> bool:
        """Takes the lock, or tells that another one holds it."""
        if self._file >= 0:
            return True
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if isinstance(error, BlockingIOError):
                return False
            raise
        self._file = file
        if not self.is_held():  # the file was removed between the two steps
            self.give_back()
            return False
        return True

    def is_held(self) -> bool:
        """Whether the lock is ours, and is the one that others would ask for."""
        if self._file < 0:
            return False
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def give_back(self) -> None:
        """Lets others have it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
