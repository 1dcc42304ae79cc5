"""What we write into a repository, and the network: one function a command, beside the questions of ``registry.git``.

Nothing here looks at, or changes, the work tree, the index, HEAD or FETCH_HEAD. No hook of the user's runs: hooks are
there for the code that people commit and push (``pre-push`` often runs all tests), and this branch holds none. Nothing
is signed, because nobody may be there to unlock a key. What the remote checks (its hooks, protected branches) counts.
"""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from registry.discovery import allow_network, decode_path, encode_path, read_sentence, run_git, show_name, start_git
from registry.errors import Unreadable
from registry.rollout.journal.trees import Row, parse_tree, write_tree

PATIENCE: Final = 120.0
"""Seconds that a remote may take for one answer."""
_NO_HOOKS: Final = ("-c", f"core.hooksPath={os.devnull}")
_OF_A_HOOK: Final = ("GIT_INDEX_FILE", "GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY")
"""What a hook inherits and we must not use: an index, and the quarantine of a push, where no ref may be changed."""
_FETCH: Final = (
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-prune",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
    "--no-filter",  # a partial clone too needs the texts, not only their names
    "--refmap=",  # nothing beside the one ref: in a mirror the configuration says to overwrite the local branch
)
_PUSH: Final = ("push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--no-recurse-submodules")
_RACES: Final = re.compile("fetch first|non-fast-forward|stale info|lock|old value|already exists|failed to update ref")
"""What git says of a ref that somebody else has moved, or is just moving."""


class Ref(NamedTuple):
    """Where a ref points to."""

    commit: str = ""
    """Empty where there is no such ref."""
    work_tree: str = ""
    """The work tree that has it checked out; empty for none."""


class Answer(NamedTuple):
    """What became of an offer to move a ref."""

    accepted: bool
    raced: bool = False
    """Whether somebody else moved it, or holds it just now."""
    reason: str = ""


def leave_hook(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment that :func:`registry.discovery.find_place` gave, without what is only for the hook we run in."""
    return {name: value for name, value in environment.items() if name not in _OF_A_HOOK}


class Plumbing:
    """A repository to write to, by its top and what :func:`leave_hook` left of the environment."""

    __slots__ = ("_environment", "_top")

    def __init__(self, top: str, environment: Mapping[str, str]) -> None:
        self._top = top
        self._environment = environment

    def _git(
        self, *arguments: str | bytes, data: bytes = b"", more: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return run_git(("-C", self._top, *_NO_HOOKS, *arguments), {**self._environment, **(more or {})}, data)

    def _ask(self, *arguments: str | bytes, data: bytes = b"", more: Mapping[str, str] | None = None) -> str:
        done = self._git(*arguments, data=data, more=more)
        if done.returncode:
            name = next(word for word in arguments if isinstance(word, str) and word[0] != "-" and "=" not in word)
            fact = f"git {name} failed in {show_name(self._top)}: {read_sentence(done.stderr)}"
            raise Unreadable(fact, "git fsck stops at the same, and says more")
        return decode_path(done.stdout)

    def _ask_remote(self, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """One command that may use the network. A remote that never answers ends it."""
        with start_git(("-C", self._top, *_NO_HOOKS, *arguments), allow_network(self._environment)) as process:
            try:
                out, err = process.communicate(data, timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.terminate()  # git takes its lock files away, which it could not when killed
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=5)
                process.kill()
                out, err = b"", f"fatal: no answer within {PATIENCE:g} seconds".encode()
        return subprocess.CompletedProcess(process.args, process.returncode or 0, out, err)

    # Refs ----------------------------------------------------------------------------------------------------------

    def read_settings(self, pattern: str) -> dict[str, str]:
        """The settings whose names match, in their order, and what counts of each."""
        listed = decode_path(self._git("config", "-z", "--get-regexp", pattern).stdout).split("\0")[:-1]
        return {name: value for name, _, value in (row.partition("\n") for row in listed)}

    def read_refs(self, *refs: str) -> list[Ref]:
        """Where these refs point to."""
        listed = self._ask("for-each-ref", "--format=%(refname)%00%(objectname)%00%(worktreepath)", *refs)
        rows = [line.split("\0") for line in listed.split("\n") if line]
        found = {name: Ref(commit, work_tree) for name, commit, work_tree in rows}
        return [found.get(ref, Ref()) for ref in refs]

    def move(self, ref: str, commit: str, old: str) -> Answer:
        """Move a ref that still points to ``old``; with an empty one, make it."""
        done = self._git("update-ref", ref, commit, old)
        reason = read_sentence(done.stderr)
        return Answer(True) if not done.returncode else Answer(False, bool(_RACES.search(reason)), reason)

    def contains(self, commit: str, ancestor: str) -> bool:
        """Whether a commit is, or comes after, another one."""
        done = self._git("merge-base", "--is-ancestor", ancestor, commit)
        if done.returncode > 1:
            raise Unreadable(f"git merge-base failed in {show_name(self._top)}: {read_sentence(done.stderr)}")
        return not done.returncode

    def holds(self, commit: str) -> bool:
        """Whether the commit of this id is here."""
        return not self._git("cat-file", "-e", f"{commit}^{{commit}}").returncode

    # Remotes -------------------------------------------------------------------------------------------------------

    def read_remote(self, remote: str, ref: str) -> str:
        """Where a ref of a remote points to; empty where it has none. Raises :class:`Unreadable`."""
        done = self._ask_remote("ls-remote", "--refs", "--", remote, ref)
        if done.returncode:
            raise Unreadable(
                f"the remote {show_name(remote)} does not say where {ref} is: {_explain_remote(done.stderr)}",
                f"what the state of rollouts is only the remote knows; git fetch {remote} stops at the same",
            )
        rows = (line.split("\t") for line in decode_path(done.stdout).split("\n") if line)
        return next((commit for commit, name in rows if name == ref), "")

    def fetch(self, remote: str, ref: str, tracking: str) -> str:
        """Bring a ref of a remote; why that went wrong, or nothing. A ref that was set back is not brought."""
        done = self._ask_remote(*_FETCH, "--", remote, f"{ref}:{tracking}")
        return read_sentence(done.stderr) if done.returncode else ""

    def fetch_missing(self, remote: str, commit: str) -> None:
        """Bring the blobs of a commit that a partial clone left out; what is still missing git asks for later."""
        listed = self._ask("rev-list", "--objects", "--no-walk", "--missing=print", commit)
        missing = [line.removeprefix("?") for line in listed.split("\n") if line.startswith("?")]
        if missing:
            told = "".join(f"{blob}\n" for blob in missing).encode("ascii")
            self._ask_remote("-c", "fetch.negotiationAlgorithm=noop", *_FETCH, "--stdin", "--", remote, data=told)

    def push(self, remote: str, commit: str, ref: str) -> Answer:
        """Offer a commit to a remote, which takes it only if it comes after the one that it has."""
        mirror = ("-c", f"remote.{remote}.mirror=false")  # a mirror refuses to be told what to push
        done = self._ask_remote(*mirror, *_PUSH, "--", remote, f"{commit}:{ref}")
        if not done.returncode:
            return Answer(True)
        told = [line.removeprefix("remote: ").strip() for line in _find_lines(done.stderr, "remote: ")]
        verdicts = [line.split("\t")[-1] for line in _find_lines(done.stdout, "!\t")]
        reason = "; ".join(filter(None, [*verdicts, *told])) or _explain_remote(done.stderr)
        return Answer(False, any(_RACES.search(verdict) for verdict in verdicts), reason)

    # Objects -------------------------------------------------------------------------------------------------------

    def list_tree(self, commit: str) -> dict[str, Row]:
        """Everything that a commit holds by its path, folders too. A clone without trees may ask for them."""
        done = self._ask_remote("ls-tree", "-r", "-t", "-z", "--full-tree", commit)
        if done.returncode:
            fact = f"git ls-tree failed in {show_name(self._top)}: {read_sentence(done.stderr)}"
            raise Unreadable(fact, "git fsck stops at the same, and says more")
        return parse_tree(done.stdout)

    def write_blobs(self, contents: Sequence[bytes]) -> list[Row]:
        """Store files as they are, in one process: no filter and no line ending of this machine touches them.

        ``fast-import`` moves no ref here. It makes one pack of many, which takes a fourth of the time of a file for
        each; of few it makes files.
        """
        told = [b"feature done\n"]
        told += (b"blob\nmark :%d\ndata %d\n%b\n" % (n, len(each), each) for n, each in enumerate(contents, 1))
        told += (b"get-mark :%d\n" % number for number in range(1, len(contents) + 1))
        stored = self._ask("fast-import", "--quiet", "--done", "--cat-blob-fd=1", data=b"".join([*told, b"done\n"]))
        return [Row("100644", "blob", blob) for blob in stored.split()]

    def write_tree(self, rows: Mapping[str, Row], changed: Mapping[str, Row | None]) -> str:
        """Store the tree that differs from another in some files; ``None`` removes one."""
        command = ("-C", self._top, "mktree", "-z", "--batch", "--missing")
        return write_tree(command, self._environment, rows, changed)

    def write_commit(self, tree: str, parent: str, message: str, identity: Mapping[str, str]) -> str:
        """Store a commit; no ref points to it yet."""
        parents = ("-p", parent) if parent else ()
        command = ("-c", "i18n.commitEncoding=UTF-8", "commit-tree", "--no-gpg-sign", *parents, "-F", "-", tree)
        return self._ask(*command, data=encode_path(message), more=identity).strip()

    def read_identity(self) -> str:
        """Who writes, as git's settings say: ``Ana <ana@example.org>``; empty where they do not."""
        done = self._git("var", "GIT_COMMITTER_IDENT")
        return "" if done.returncode else decode_path(done.stdout).rsplit(" ", 2)[0]

    def read_last_change(self, path: str, after: str, until: str) -> tuple[str, str, str] | None:
        """Who changed a path last between two commits, when, and the first line of what they said."""
        span = (until, f"^{after}") if after else (until,)
        done = self._git("rev-list", "-1", "--format=%an <%ae>%n%cI%n%s", *span, "--", encode_path(path))
        lines = decode_path(done.stdout).split("\n")
        return None if done.returncode or len(lines) < 4 else (lines[1], lines[2], lines[3])


def _explain_remote(stderr: bytes) -> str:
    """What keeps a remote from answering: ssh says it before git says that there was no answer."""
    sentence = read_sentence(stderr)
    told = decode_path(stderr).strip().splitlines()
    return told[0] if sentence.startswith("Could not read from remote") else sentence


def _find_lines(output: bytes, prefix: str) -> Sequence[str]:
    return [line for line in decode_path(output).splitlines() if line.startswith(prefix)]
