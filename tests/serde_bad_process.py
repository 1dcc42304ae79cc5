"""A process of its own that reads records of any bytes under the limits that a container would set.

``python -m tests.serde_bad_process MODULE CLASS`` reads records from its input, each behind its length of four bytes;
it prints a line of JSON for each: what it was taken for, and what memory it took at most.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from resource import RLIMIT_AS, RLIMIT_CPU, RUSAGE_SELF, getrusage, setrlimit
from typing import Any, Final

MEMORY: Final = 1 << 30
"""Bytes of addresses: asking for more ends the process."""
SECONDS: Final = 60
"""Of the processor, for all records together."""


def main(module: str, name: str) -> None:
    """Read until there is no more."""
    setrlimit(RLIMIT_AS, (MEMORY, MEMORY))
    setrlimit(RLIMIT_CPU, (SECONDS, SECONDS))
    from registry.serde import CodecError, Serde

    serde = Serde(getattr(import_module(module), name).bundle())
    while size := sys.stdin.buffer.read(4):
        value = sys.stdin.buffer.read(int.from_bytes(size, "big"))
        before = peak()
        told: dict[str, Any] = {"error": "", "subject": "", "fact": "", "path": ""}
        try:
            kept: object = serde.decode(value)
        except CodecError as error:
            kept = None
            told = {"error": type(error).__name__, "subject": error.subject, "fact": error.fact, "path": error.path}
        print(json.dumps({**told, "size": len(value), "memory": peak() - before}), flush=True)
        del kept


def peak() -> int:
    """The most bytes that the process has held so far; a record is measured where it takes more than all before it."""
    try:
        # What getrusage tells begins with the parent's most.
        status = Path("/proc/self/status").read_text("ascii")
    except FileNotFoundError:
        return getrusage(RUSAGE_SELF).ru_maxrss  # bytes on a Mac
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
