"""What blobs hold, and what files would hold as blobs. Asked through :class:`registry.git.Repo`."""

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NoReturn

from registry.discovery import EMPTY_TREES, Place, encode_path, read_bytes, read_sentence, run_git
from registry.errors import Unreadable

EMPTY_BLOBS: Final = {
    "sha1": "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "sha256": "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
}
"""The id of a file without content, by object format."""
_CONFIG: Final = ("-c", "core.safecrlf=false", "-c", "core.looseCompression=0")
"""Line endings that would not survive a round trip are no error here, and nothing needs to be small."""
_BATCH: Final = 4096
"""Bytes of requests under way to ``cat-file``: the smallest pipe holds that many, so that neither side can block."""
_PLAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._- ")


class Blobs:
    """The blobs of one repository, read by one process that is started with the first question."""

    __slots__ = ("_environment", "_place", "_process")

    def __init__(self, place: Place, environment: Mapping[str, str]) -> None:
        self._place = place
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End the process; a later question starts another."""
        if self._process is not None:
            process, self._process = self._process, None
            with suppress(BrokenPipeError):  # it may have ended before it read everything
                process.communicate()

    def read(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """The bytes of blobs by their ids. Raises :class:`Unreadable`."""
        wanted = list(dict.fromkeys(blobs))
        found: dict[str, bytes] = {}
        size = _BATCH // (len(EMPTY_TREES[self._place.object_format]) + 1)
        for start in range(0, len(wanted), size):
            found |= self._read_batch(wanted[start : start + size])
        return found

    def _read_batch(self, blobs: Sequence[str]) -> dict[str, bytes]:
        if self._process is None:
            # Its reasons are not listened to: what it cannot give is asked for again, alone.
            self._process = subprocess.Popen(
                ("git", "-C", self._place.top, "cat-file", "--batch"),
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None and answers is not None  # both are pipes
        try:
            questions.write("".join(f"{blob}\n" for blob in blobs).encode("ascii"))
            questions.flush()
        except BrokenPipeError:
            self._explain(blobs[0])
        found: dict[str, bytes] = {}
        for blob in blobs:
            header = answers.readline().split()
            if len(header) != 3 or header[1] != b"blob":
                self._explain(blob)
            length = int(header[2])
            data = answers.read(length + 1)
            if len(data) != length + 1:
                self._explain(blob)
            found[blob] = data[:-1]
        return found

    def _explain(self, blob: str) -> NoReturn:
        """Say why a blob cannot be had; the answers still under way are given up with the process."""
        self.close()
        here = ("-C", self._place.top)
        reason = read_sentence(run_git((*here, "cat-file", "blob", blob), self._environment).stderr)
        promised = run_git((*here, "config", "--get-regexp", r"^remote\..*\.promisor$"), self._environment)
        if promised.returncode == 0:
            raise Unreadable(
                f"this partial clone does not hold the blob {blob}: {reason}",
                "git fetch --refetch --no-filter brings every blob; in CI, clone without --filter",
            )
        raise Unreadable(f"git does not hold the blob {blob}: {reason}", "git fsck says what else is missing")

    def filter_files(self, files: Mapping[str, tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        """What git would store for files of the work tree: the id and the bytes of each. Raises :class:`Unreadable`.

        ``files`` holds, by path, the id and the bytes that each has as it lies there. Most have no filter that changes
        anything, so git is first asked for the ids alone.
        """
        if not files:
            return []
        listed = self._list_paths(files)
        done = run_git(("-C", self._place.top, *_CONFIG, "hash-object", "--stdin-paths"), self._environment, listed)
        ids = _ids_of(done)
        found = {path: raw for (path, raw), blob in zip(files.items(), ids, strict=True) if raw[0] == blob}
        filtered = [path for path in files if path not in found]
        if filtered:
            answers = self.filter("--stdin-paths", data=self._list_paths(filtered))
            found |= dict(zip(filtered, answers, strict=True))
        return [found[path] for path in files]

    @staticmethod
    def _list_paths(paths: Iterable[str]) -> bytes:
        return b"".join(b'"%b"\n' % _quote(encode_path(path)) for path in paths)

    def filter(self, *arguments: str | bytes, data: bytes) -> list[tuple[str, bytes]]:
        """Let ``hash-object`` store what its arguments name, through the clean filters, in a folder that is then
        thrown away: only git knows what its filters do, and it shows their output in no other way."""
        import tempfile
        import zlib

        with tempfile.TemporaryDirectory(prefix="contracts-") as folder:
            environment = {**self._environment, "GIT_OBJECT_DIRECTORY": folder}
            environment.pop("GIT_ALTERNATE_OBJECT_DIRECTORIES", None)  # git stores nothing that an alternate holds
            command = ("-C", self._place.top, *_CONFIG, "hash-object", "-w", *arguments)
            stored: list[tuple[str, bytes]] = []
            for blob in _ids_of(run_git(command, environment, data)):
                loose = f"{folder}/{blob[:2]}/{blob[2:]}"
                if not os.path.exists(loose):  # from core.bigFileThreshold on (512 MiB) git makes a pack
                    raise Unreadable(f"a file of the work tree (blob {blob}) is too large", "add it to .gitignore")
                stored.append((blob, zlib.decompress(read_bytes(loose)).partition(b"\0")[2]))
        return stored


def _ids_of(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """The ids that ``hash-object`` printed. Raises :class:`Unreadable`."""
    if done.returncode:
        raise Unreadable(
            f"git cannot read the work tree: {read_sentence(done.stderr)}",
            "what stops git add stops us: an unreadable file, or a filter of .gitattributes that fails",
        )
    return done.stdout.decode("ascii").split()


def _quote(raw: bytes) -> bytes:
    """A path as git reads it between double quotes (C style): line breaks and quotes cannot end it."""
    return b"".join(b"%c" % byte if byte in _PLAIN else b"\\%03o" % byte for byte in raw)
