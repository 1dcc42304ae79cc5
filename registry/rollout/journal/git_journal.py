"""The journal on the branch ``contracts-state``: a commit is an entry, and moving the branch is the compare-and-swap.

With a remote, the remote's branch is the journal: it is fetched before each reading, and an entry is there when the
remote has taken the push. Without one, the local branch is.
"""

import getpass
import os
import random
import re
import socket
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from registry.blobs import Blobs
from registry.discovery import Place, allow_network, find_place
from registry.rollout.journal.branch import Branch
from registry.rollout.journal.journal import (
    TRIES,
    Author,
    Book,
    Entry,
    explain_loss,
    find_conflict,
    give_up,
    insist_on_paths,
)
from registry.rollout.journal.plumbing import Plumbing, leave_hook
from registry.rollout.journal.trees import Row

DOCUMENTS: Final = ("rollouts/", "deployments/")
PAUSE = 0.05
"""Seconds, times the number of the try: how long one waits at most before an entry is offered again."""
README: Final = b"""# What rollouts have decided

`contracts rollout` and `contracts deployed` write this branch, a commit for each decision. It shares no history with
the code, and is never merged, rebased or pushed with force: it is the lock that two operators meet at.

- `rollouts/<contract>/<old>-<new>/<environment>.json`: where each step stands
- `deployments/<environment>/<service>.json`: what was recorded as deployed
- `events/`: one line for each decision, append-only

Look at it with `contracts rollout status`, or with `git log -p contracts-state`.
"""


def open_journal(start: str | os.PathLike[str], remote: str | None = None) -> "GitJournal":
    """The journal of the repository that ``start`` is in. Raises :class:`registry.errors.NoRepository`.

    ``remote`` names the one that the branch is shared by; empty: it is not shared; ``None``: as git's settings say.
    """
    return GitJournal(*find_place(os.fspath(start)), remote)


class GitJournal:
    """A :class:`registry.rollout.journal.journal.Journal`; close it, or use it as a context manager.

    Never touches the work tree, the index, HEAD or FETCH_HEAD, and runs no hook of this clone.
    """

    __slots__ = ("_blobs", "_branch", "_identity", "_kept", "_plumbing", "_rows")

    def __init__(self, place: Place, environment: Mapping[str, str], remote: str | None = None) -> None:
        outside = leave_hook(environment)
        self._plumbing = Plumbing(place.top, outside)
        # A partial clone may lack texts: the few that are still missing then it may ask the remote for.
        self._blobs = Blobs(place, allow_network(outside))
        self._branch = Branch(self._plumbing, remote)
        self._identity: Mapping[str, str] | None = None
        self._kept: dict[str, bytes] = {}
        self._rows: tuple[str, dict[str, Row]] = ("", {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process that reads blobs; a later question starts another."""
        self._blobs.close()

    @property
    def remote(self) -> str:
        """The remote that the branch is shared by; empty where it is not. Raises :class:`Unreadable`."""
        return self._branch.remote

    @property
    def author(self) -> str:
        """Who writes here: the e-mail address of git's settings, or ``user@host`` where they have none."""
        return self._read_identity()["GIT_COMMITTER_EMAIL"]

    # Reading -------------------------------------------------------------------------------------------------------

    def read(self) -> Book:
        """The newest book: the remote's, where there is one. Raises :class:`Unreadable`."""
        commit = self._branch.find_tip()
        rows = {path: row for path, row in self._list(commit).items() if path.startswith(DOCUMENTS)}
        blobs = {path: row.id for path, row in rows.items() if row.kind == "blob"}
        self._kept = {blob: self._kept[blob] for blob in blobs.values() if blob in self._kept}
        unread = [blob for blob in blobs.values() if blob not in self._kept]
        if unread and not self._kept:
            self._branch.complete(commit)
        self._kept |= self._blobs.read(unread)
        return Book(commit, {path: self._kept[blob] for path, blob in blobs.items()})

    def read_lines(self, path: str) -> str:
        """The events of one file in the newest book."""
        return self._read_lines(self._branch.find_tip(), path).decode("utf-8", "replace")

    def _read_lines(self, commit: str, path: str) -> bytes:
        row = self._list(commit).get(path)
        return self._blobs.read([row.id])[row.id] if row else b""

    def _list(self, commit: str) -> dict[str, Row]:
        if self._rows[0] != commit:
            self._rows = (commit, self._plumbing.list_tree(commit) if commit else {})
        return self._rows[1]

    # Writing -------------------------------------------------------------------------------------------------------

    def write(self, book: Book, entry: Entry) -> Book:
        """Add an entry, as :meth:`registry.rollout.journal.journal.Journal.write` says.

        Raises :class:`Refused` where the remote's own rules refuse the push, and :class:`Unreadable`.
        """
        insist_on_paths(entry)
        self._branch.insist_on_free()
        base = book
        for number in range(TRIES):
            if number:
                time.sleep(random.uniform(0, PAUSE * number))
            commit = self._commit(base, entry)
            answer = self._branch.offer(base.commit, commit)
            if answer.accepted:
                return _apply(base, entry, commit)
            tip = self.read()
            if tip.commit and self._plumbing.contains(tip.commit, commit):  # it was taken, and the answer lost
                return tip
            if tip.commit == base.commit and not (answer.raced and number < TRIES - 1):
                raise self._branch.explain_refusal(answer.reason)
            if path := find_conflict(book, tip, entry):
                found = self._plumbing.read_last_change(path, book.commit, tip.commit)
                raise explain_loss(path, Author(*found) if found else None)
            base = tip
        raise give_up(TRIES)

    def _commit(self, base: Book, entry: Entry) -> str:
        """Store the entry on top of a book. No ref points to it yet; if none ever does, git drops it one day."""
        plumbing = self._plumbing
        texts = {path: text for path, text in entry.changes.items() if text is not None}
        for path, lines in entry.lines.items():
            texts[path] = self._read_lines(base.commit, path) + lines.rstrip("\n").encode("utf-8") + b"\n"
        if not base.commit:
            texts["README.md"] = README
        stored = dict(zip(texts, plumbing.write_blobs(list(texts.values())), strict=True))
        tree = plumbing.write_tree(self._list(base.commit), {**dict.fromkeys(entry.changes), **stored})
        # Two operators who decide the same at the same moment must not make the same commit: git would tell both of
        # them that it is there, and both would have won.
        message = f"{entry.message.strip()}\n\nAttempt: {uuid4().hex[:16]}\n"
        return plumbing.write_commit(tree, base.commit, message, self._read_identity())

    def _read_identity(self) -> Mapping[str, str]:
        """The identity of commits, as variables; made of the user and the host where git has none."""
        if self._identity is None:
            found = re.fullmatch("(.*) <(.*)>", self._plumbing.read_identity())
            name, mail = found.groups() if found else _find_user()
            self._identity = {
                f"GIT_{role}_{fact}": value
                for role in ("AUTHOR", "COMMITTER")
                for fact, value in (("NAME", name), ("EMAIL", mail))
            }
        return self._identity


def _find_user() -> tuple[str, str]:
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container that runs as a user that it does not know
        name = "contracts"
    return name, f"{name}@{socket.gethostname() or 'localhost'}"


def _apply(book: Book, entry: Entry, commit: str) -> Book:
    changed = {**book.contents, **entry.changes}
    return Book(commit, {path: text for path, text in changed.items() if text is not None})
