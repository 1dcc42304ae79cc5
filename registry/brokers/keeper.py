"""Keeps one server for a process that may die at any moment: when standard input ends, the server and its folder go.

Run by its path, and with the standard library alone: ``python keeper.py FOLDER LOG COMMAND...``. A line on standard
input is an order, a row of :data:`ORDERS`. The exit code is the server's.
"""

import os
import shutil
import subprocess
import sys
import threading
from typing import Final

GRACE: Final = 10.0
"""Seconds between asking a server to end and ending it."""

ORDERS: Final = {"terminate": subprocess.Popen.terminate, "kill": subprocess.Popen.kill}


def keep(folder: str, log: str, command: list[str]) -> None:
    """Run the server until it ends, or until nobody is there to want it."""
    with open(log, "ab") as file:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
    orphaned = threading.Event()
    threading.Thread(target=_end_with, args=(server, orphaned), daemon=True).start()
    for order in sys.stdin:
        ORDERS[order.strip()](server)
    orphaned.set()
    server.terminate()
    try:
        server.wait(GRACE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _end_with(server: "subprocess.Popen[bytes]", orphaned: threading.Event) -> None:
    code = server.wait()
    if not orphaned.is_set():
        os._exit(code & 0xFF)  # the other thread waits for orders, and would not notice


if __name__ == "__main__":
    keep(sys.argv[1], sys.argv[2], sys.argv[3:])
