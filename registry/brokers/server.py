"""A server of ours: a process that ends with this one, however this one ends, and that can be stopped and started."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from registry.brokers import keeper
from registry.brokers.broker import BrokerError

TAIL: Final = 12
"""Lines of a log that are worth showing."""


class Server:
    """A command that runs below a keeper; its output goes to ``log``. ``folder`` goes if this process is killed."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, log: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-I", keeper.__file__, str(folder), str(log), *command]
        self._log = log
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the command, if it does not run."""
        if self._keeper is None:
            # A session of its own: Ctrl-C is for us, and we end the server in our own time.
            self._keeper = subprocess.Popen(self._command, stdin=subprocess.PIPE, bufsize=0, start_new_session=True)

    def stop(self, *, kill: bool = False) -> None:
        """Ask the server to end, and end it where that takes too long; with ``kill`` at once."""
        if self._keeper is None:
            return
        self._order("kill" if kill else "terminate")
        try:
            self._keeper.wait(keeper.GRACE)
        except subprocess.TimeoutExpired:
            self._order("kill")
            self._keeper.wait()
        assert self._keeper.stdin
        self._keeper.stdin.close()
        self._keeper = None

    def check(self) -> None:
        """Raise :class:`BrokerError`, with the end of its log, if it was started and is gone."""
        if self._keeper is not None and (code := self._keeper.poll()) is not None:
            raise BrokerError(f"{self.name} ended with {code}; its last words:\n{self.tail()}")

    def tail(self) -> str:
        """The end of its log."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join(f"  {line}" for line in lines[-TAIL:]) or "  (nothing)"

    def _order(self, order: str) -> None:
        assert self._keeper and self._keeper.stdin
        with suppress(BrokenPipeError):  # it ended by itself in the meantime
            self._keeper.stdin.write(f"{order}\n".encode())
