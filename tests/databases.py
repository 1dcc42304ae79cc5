"""A PostgreSQL and a Redis of this test process, from the system's packages: started when first asked for.

``from tests.databases import postgres, redis`` in a test module gives the fixtures; ``FIXTURES = (postgres, redis)``
below it says that they are used. Each test gets a database of its own and an empty Redis. Both servers listen on a Unix
socket in a folder of their own, so that no port is shared and nothing is reached from outside; they stop with the
process that started them, even when it is killed.
"""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest

_PATIENCE = 60.0
"""Seconds until a server must answer."""
_NUMBERS = count(1)


class Server:
    """A process in a folder of its own. ``stop`` and ``start`` are for tests of a server that is gone for a while."""

    def __init__(self, folder: Path, command: list[str], alive: Callable[[], object]) -> None:
        self.folder = folder
        self._command = command
        self._alive = alive
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and returns when it answers. Fails with what it logged."""
        log = self.folder / "log"
        with log.open("ab") as sink:
            self._process = subprocess.Popen(self._command, stdout=sink, stderr=sink, cwd=self.folder)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self._alive()
                return
            except Exception as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"{self._command[0]} does not answer ({error}):\n{log.read_text()[-2000:]}")
                time.sleep(0.02)

    def stop(self) -> None:
        """Ends it: clients' connections break."""
        if self._process:
            self._process.send_signal(signal.SIGINT)  # to PostgreSQL: without waiting for its clients
            try:
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(_PATIENCE)
            self._process = None

    def remove(self) -> None:
        """Ends it for good."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres:
    """A database that is empty."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.conninfo = f"host={server.folder} user=postgres dbname={name}"
        """For psycopg.connect."""

    def connect(self, **settings: Any) -> Any:
        """A new connection of psycopg."""
        import psycopg

        return psycopg.connect(self.conninfo, **settings)

    def disconnect(self) -> int:
        """Breaks all connections to this database from the server's side, as a failover does; tells how many."""
        with psycopg_admin(self.server) as admin:
            row = admin.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = %s", (self.name,)
            ).fetchone()
            return int(row[0])


class Redis:
    """A Redis that is empty."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = f"unix://{server.folder}/redis.sock?db=0"
        """For redis.Redis.from_url."""

    def connect(self) -> Any:
        """A new client."""
        import redis

        return redis.Redis.from_url(self.url)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A database of this test alone, on the PostgreSQL of this process."""
    server = _postgres_server()
    name = f"test_{next(_NUMBERS)}"
    with psycopg_admin(server) as admin:
        admin.execute(f"create database {name}")
    yield Postgres(server, name)
    with psycopg_admin(server) as admin:
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def redis() -> Redis:
    """The Redis of this process, emptied."""
    found = Redis(_redis_server())
    with found.connect() as client:
        client.flushall()
    return found


def psycopg_admin(server: Server) -> Any:
    """A connection to the database of that name, outside of a transaction."""
    import psycopg

    return psycopg.connect(f"host={server.folder} user=postgres dbname=postgres", autocommit=True)


@cache
def _postgres_server() -> Server:
    pytest.importorskip("psycopg", reason="pip install 'event-contracts[postgres]'")
    initdb, postgres = (_find_program(name, "postgresql") for name in ("initdb", "postgres"))
    user = _find_user()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path has at most 107 bytes
    as_user: list[str] = []
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    data = folder / "data"
    subprocess.run(
        [*as_user, initdb, "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        timeout=_PATIENCE,
    )
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "off",  # these tests kill clients, not machines
        "max_connections": "60",
        "shared_buffers": "16MB",
        "timezone": "UTC",
    }
    command = [*as_user, *_tied(), postgres, "-D", str(data)]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    server = Server(folder, command, lambda: psycopg_admin(server).close())
    atexit.register(server.remove)
    server.start()
    return server


@cache
def _redis_server() -> Server:
    library = pytest.importorskip("redis", reason="pip install 'event-contracts[redis]'")
    program = _find_program("redis-server", "redis-server")
    folder = Path(tempfile.mkdtemp(prefix="redis-", dir="/tmp"))
    socket = folder / "redis.sock"
    options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--daemonize", "no"]
    server = Server(folder, [*_tied(), program, *options], lambda: library.Redis(unix_socket_path=str(socket)).ping())
    atexit.register(server.remove)
    server.start()
    return server


def _find_user() -> pwd.struct_passwd | None:
    """Whom to run PostgreSQL as, which refuses to be run by root; ``None`` for who we are."""
    if os.geteuid():
        return None
    _find_program("setpriv", "util-linux")
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("root runs these tests, and there is no user postgres: apt-get install postgresql")


def _find_program(name: str, package: str) -> str:
    """In PATH, or where Debian keeps the servers of PostgreSQL; the newest of several."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = shutil.which(name) or (str(places[-1]) if places else None)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return found


def _tied() -> list[str]:
    """So that a server ends with the tests, however they end."""
    return ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
