"""Every question we ask git, and the only room that touches a repository.

Plumbing commands only: their output is a promise, the porcelain's is not. Paths are separated by NUL, commits are full
hex ids, and a name that the user gave is resolved once (:meth:`Repo.resolve`) and never handed on. Nothing is written
to the user's ``.git``, except by :meth:`Repo.deepen`.
"""

import os
import stat
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from registry.blobs import EMPTY_BLOBS, Blobs
from registry.discovery import (
    EMPTY_TREES,
    Place,
    allow_network,
    decode_path,
    encode_path,
    find_place,
    read_bytes,
    read_sentence,
    run_git,
    show_name,
    start_git,
)
from registry.errors import NoBase, UnknownRevision, Unreadable
from registry.frozen import dataclass, field

LINK: Final = "120000"
SUBMODULE: Final = "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a snapshot. ``mode`` is ``100644``, ``100755``, ``120000`` (link) or ``160000`` (submodule)."""

    path: str
    """From the top of the repository, with ``/``; bytes that are not UTF-8 are surrogates (``surrogateescape``)."""
    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one revision, the index or the work tree holds."""

    label: str
    commit: str
    """The full id; empty for the index, the work tree and the empty tree."""
    entries: Mapping[str, Entry] = field(repr=False)
    contents: Mapping[str, bytes] = field(repr=False)
    """Blob id to bytes, only for files of the work tree, which git may not hold yet."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A local or remote-tracking branch; all names are full (``refs/heads/main``)."""

    ref: str
    commit: str
    current: bool
    upstream: str
    """The ref it follows, whether that exists or not; empty if it follows none."""
    target: str
    """What it is another name for, as ``refs/remotes/origin/HEAD`` is; otherwise empty."""


def empty_snapshot(label: str) -> Snapshot:
    """A revision that holds nothing: against it, everything is new."""
    return Snapshot(label, "", {}, {})


def open_repo(start: str | os.PathLike[str]) -> "Repo":
    """The repository that ``start`` is in, in one process. Raises :class:`registry.errors.NoRepository`."""
    return Repo(*find_place(os.fspath(start)))


def _pathspecs(under: Sequence[str]) -> list[bytes]:
    """Folders and files as arguments; nothing, or the top itself, means everything."""
    paths = [path.strip("/") for path in under]
    return [b"--"] if any(path in ("", ".") for path in paths) else [b"--", *map(encode_path, paths)]


def _find_staged(listing: bytes) -> Iterator[tuple[Entry, str]]:
    """The rows of ``ls-files --stage``, each with its stage: 0, or 1 to 3 for the sides of a conflict."""
    for row in listing.split(b"\0")[:-1]:
        facts, _, raw = row.partition(b"\t")
        mode, blob, stage = facts.decode("ascii").split(" ")
        yield Entry(decode_path(raw), mode, blob), stage


class Repo:
    """A repository that was found; close it, or use it as a context manager.

    Names and listings may be asked by two threads at once, contents by one.
    """

    __slots__ = ("_blobs", "_environment", "bare", "git_dir", "head", "object_format", "shallow", "top")

    def __init__(self, place: Place, environment: Mapping[str, str]) -> None:
        self.top = place.top
        """The top of the work tree; of a bare repository its own folder."""
        self.git_dir = place.git_dir
        self.bare = place.bare
        """There is no work tree here: a bare repository, or we stand inside ``.git``."""
        self.shallow = place.shallow
        self.object_format = place.object_format
        self.head = place.head
        """The commit that is checked out; empty if there is none yet."""
        self._environment = environment
        self._blobs = Blobs(place, environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process that reads blobs; a later question starts another."""
        self._blobs.close()

    def _git(self, *arguments: str | bytes, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return run_git(("-C", self.top, *arguments), self._environment, data)

    def _ask(self, *arguments: str | bytes, data: bytes = b"") -> bytes:
        """The answer to a question that must have one. Raises :class:`Unreadable` with git's own sentence."""
        return self._insist(arguments, self._git(*arguments, data=data))

    def _insist(self, arguments: Sequence[str | bytes], done: subprocess.CompletedProcess[bytes]) -> bytes:
        if done.returncode:
            name = next(word for word in arguments if isinstance(word, str) and word[0] != "-" and "=" not in word)
            fact = f"git {name} failed in {show_name(self.top)}: {read_sentence(done.stderr)}"
            raise Unreadable(fact, "git status and git fsck stop at the same, and say more")
        return done.stdout

    def _ask_together(self, *questions: Sequence[str | bytes]) -> list[bytes]:
        """The answers to questions that do not wait for each other: together they take as long as the longest."""
        with ExitStack() as stack:
            started = [stack.enter_context(start_git(("-C", self.top, *each), self._environment)) for each in questions]
            said = [process.communicate() for process in started]
        done = [
            subprocess.CompletedProcess(process.args, process.returncode, out, err)
            for process, (out, err) in zip(started, said, strict=True)
        ]
        return [self._insist(question, answer) for question, answer in zip(questions, done, strict=True)]

    # Names ---------------------------------------------------------------------------------------------------------

    def resolve(self, ref: str) -> str:
        """The full id of the commit that a name means. Raises :class:`UnknownRevision`."""
        if not ref or ref.startswith("-") or "\0" in ref:
            raise UnknownRevision(f"{show_name(ref)} cannot be a revision", "name a branch, a tag or a commit id")
        ambiguity = ("-c", "core.warnAmbiguousRefs=true")  # otherwise git takes the tag and says nothing
        done = self._git(*ambiguity, "rev-parse", "--verify", "--end-of-options", encode_path(ref) + b"^{commit}")
        commit = done.stdout.decode("ascii", "replace").strip()
        name = decode_path(done.stderr.partition(b"refname '")[2].partition(b"' is ambiguous")[0])
        if name and name != commit:  # a full id means itself, even if a branch is called so
            raise self._explain_ambiguous(ref, name)
        if b"is ambiguous" in done.stderr and not commit:
            raise UnknownRevision(f"{show_name(ref)} is ambiguous: several ids begin so", "write more of its digits")
        if done.returncode or not commit.isalnum():  # "^main" is answered by "^1a2b..."
            raise self._explain_unknown(ref)
        return commit

    def _explain_ambiguous(self, ref: str, name: str) -> UnknownRevision:
        places = [f"refs/{name}", f"refs/tags/{name}", f"refs/heads/{name}", f"refs/remotes/{name}"]
        listed = self._ask("for-each-ref", "--format=%(refname)", *map(encode_path, places))
        found = [full for full in decode_path(listed).split("\n") if full in places]
        meanings = " and ".join(found) if len(found) > 1 else f"{''.join(found)} and the id of a commit"
        return UnknownRevision(f"{show_name(ref)} is ambiguous: it means {meanings}", "write the one you mean in full")

    def _explain_unknown(self, ref: str) -> UnknownRevision:
        import difflib

        if not self.head and ref == "HEAD":
            return UnknownRevision("HEAD means no commit: the repository has none yet", "make the first commit")
        listed = self._ask("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes", "refs/tags")
        names = [full.split("/", 2)[2] for full in decode_path(listed).split("\n") if full]
        near = [name for name in names if name.endswith(f"/{ref}")] or difflib.get_close_matches(ref, names, 3)
        ways = [f"did you mean {' or '.join(show_name(name) for name in dict.fromkeys(near))}?"] if near else []
        if self.shallow:
            ways.append("this clone is shallow: git fetch --unshallow --tags brings the rest")
        elif not near:
            ways.append("git fetch --tags brings what others have pushed; git branch -a and git tag list what is here")
        return UnknownRevision(f"{show_name(ref)} names no commit of this repository", "; ".join(ways))

    def read_branches(self) -> dict[str, Branch]:
        """Local and remote-tracking branches by their full name; dead ones are left out."""
        atoms = "%(refname) %(objectname) %(HEAD) %(upstream) %(symref)"
        lines = decode_path(
            self._ask("for-each-ref", f"--format={atoms.replace(' ', '%00')}", "refs/heads", "refs/remotes")
        )
        rows = (line.split("\0") for line in lines.split("\n") if line)
        return {row[0]: Branch(row[0], row[1], row[2] == "*", row[3], row[4]) for row in rows}

    def ref_exists(self, ref: str) -> bool:
        """Whether there is a ref of this full name (``refs/heads/main``)."""
        return (
            ref.startswith("refs/")
            and not self._git("show-ref", "--verify", "--quiet", "--", encode_path(ref)).returncode
        )

    def count_behind(self, under: Sequence[str]) -> tuple[int, str]:
        """How many commits that touch these paths the followed branch has and HEAD lacks, and what it is called.

        As far as is known here, without asking anybody; none where HEAD is on no branch, or on one that follows none.
        """
        counted = self._git("rev-list", "--count", "HEAD..@{upstream}", "--", *_pathspecs(under)).stdout.strip()
        if not counted.isdigit() or counted == b"0":
            return 0, ""
        return int(counted), decode_path(self._git("rev-parse", "--abbrev-ref", "@{upstream}").stdout).strip()

    # Commits -------------------------------------------------------------------------------------------------------

    def holds(self, commit: str) -> bool:
        """Whether the commit of this full id is here; in a shallow clone, the parents of the last ones are not."""
        return commit.isalnum() and not self._git("cat-file", "-e", f"{commit}^{{commit}}").returncode

    def parents(self, commit: str) -> tuple[str, ...]:
        """The parents as the commit itself names them, also where a shallow clone does not hold them."""
        header = decode_path(self._ask("cat-file", "commit", commit)).partition("\n\n")[0]
        return tuple(line.removeprefix("parent ") for line in header.split("\n") if line.startswith("parent "))

    def merge_base(self, a: str, b: str) -> str | None:
        """The best common ancestor of two commits; ``None`` if there is none, or none that a shallow clone knows."""
        done = self._git("merge-base", a, b)
        if done.returncode > 1:
            raise Unreadable(f"git merge-base failed in {show_name(self.top)}: {read_sentence(done.stderr)}")
        return decode_path(done.stdout).strip() or None

    def deepen(self, remote: str, ref: str, by: int | None = None) -> None:
        """Fetch more history of ``ref`` (a refspec): ``by`` commits more, or all of it.

        In a full clone this is an ordinary fetch: ``--depth`` would cut its history. Raises :class:`NoBase`.
        """
        depth = () if not self.shallow else ("--unshallow",) if by is None else (f"--deepen={by}",)
        # Nothing but history: no tags, no FETCH_HEAD, no submodules, no housekeeping.
        quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance")
        command = ("-C", self.top, "fetch", *quiet, *depth, "--", remote, ref)
        done = run_git(command, allow_network(self._environment))
        if done.returncode:
            raise NoBase(
                f"git cannot fetch {show_name(ref)} from {show_name(remote)}: {read_sentence(done.stderr)}",
                "fetch it by hand, or name another revision with --against",
            )
        self.shallow = self._ask("rev-parse", "--is-shallow-repository") == b"true\n"

    # Snapshots -----------------------------------------------------------------------------------------------------

    def read_revision(self, commit: str, label: str, under: Sequence[str]) -> Snapshot:
        """What a commit holds at and below the paths ``under`` (none: everything), counted from the top."""
        listed = self._ask("ls-tree", "-r", "-z", "--full-tree", commit, *_pathspecs(under))
        entries: dict[str, Entry] = {}
        for row in listed.split(b"\0")[:-1]:
            facts, _, raw = row.partition(b"\t")
            mode, _, blob = facts.decode("ascii").split(" ")
            path = decode_path(raw)
            entries[path] = Entry(path, mode, blob)
        return Snapshot(label, commit, entries, {})

    def read_index(self, under: Sequence[str]) -> Snapshot:
        """What the next commit would hold: the index that ``GIT_INDEX_FILE`` names inside a hook.

        Paths that were only announced (``git add --intent-to-add``) are not in it. Raises :class:`Unreadable` for a
        conflict that is not resolved, and where there is no index.
        """
        self._insist_on_work_tree()
        entries: dict[str, Entry] = {}
        for entry, stage in _find_staged(self._ask("ls-files", "-z", "--stage", *_pathspecs(under))):
            if stage != "0":
                raise Unreadable(
                    f"{show_name(entry.path)} has a conflict that is not resolved",
                    f"resolve it, then: git add -- {show_name(entry.path)}",
                )
            entries[entry.path] = entry
        # A path that was only announced stands in the index as an empty file: these few are asked for again.
        empty = {path for path, entry in entries.items() if entry.blob == EMPTY_BLOBS[self.object_format]}
        if empty:
            tree = EMPTY_TREES[self.object_format]
            asked = ("diff-index", "--cached", "--name-only", "-z", "--ita-invisible-in-index", tree)
            real = {decode_path(raw) for raw in self._ask(*asked, *_pathspecs(under)).split(b"\0")}
            entries = {path: entry for path, entry in entries.items() if path not in empty or path in real}
        return Snapshot("the index", "", entries, {})

    def index_equals_head(self) -> bool:
        """Whether nothing is staged at all, anywhere in the repository."""
        tree = self.head or EMPTY_TREES[self.object_format]
        asked = ("diff-index", "--cached", "--quiet", "--ita-invisible-in-index", "--ignore-submodules=none", tree)
        return not self._git(*asked, "--").returncode

    def read_work_tree(self, under: Sequence[str], wanted: Callable[[str], bool] = lambda _path: True) -> Snapshot:
        """What ``git add --all`` and a commit would hold: the files on disk as git's filters would store them.

        Only what differs from the index, and what is neither tracked nor ignored, is read, and of that only the paths
        that are ``wanted``: beside schemas may lie gigabytes of something else. Files that git was told not
        to look at (sparse checkout, ``assume-unchanged``) count as the index has them. Raises :class:`Unreadable`.
        """
        self._insist_on_work_tree()
        # No submodule is looked into (that runs git once for each), and no file system monitor is started for us.
        quietly, specs = ("-c", "core.fsmonitor="), _pathspecs(under)
        staged, changes, others = self._ask_together(
            ["ls-files", "-z", "--stage", *specs],
            [*quietly, "diff-files", "--raw", "-z", "--no-renames", "--ignore-submodules=all", *specs],
            [*quietly, "ls-files", "-z", "--others", "--exclude-standard", *specs],
        )
        entries = {entry.path: entry for entry, _ in _find_staged(staged)}
        changed: dict[str, Entry] = {}
        rows = iter(changes.split(b"\0")[:-1])
        for facts, raw in zip(rows, rows, strict=True):
            _, mode, blob, _, status = facts.decode("ascii").split(" ")
            path = decode_path(raw)
            entries.pop(path, None)
            if status != "D":
                changed[path] = Entry(path, "" if status == "U" else mode, blob)
        for raw in others.split(b"\0")[:-1]:
            nested = raw.endswith(b"/")  # a repository inside this one, which git would store as a submodule
            path = decode_path(raw.rstrip(b"/"))
            changed[path] = Entry(path, SUBMODULE if nested else "", "")
        contents: dict[str, bytes] = {}
        for entry, data in self._read_files(
            entry for path, entry in changed.items() if entry.mode == SUBMODULE or wanted(path)
        ):
            entries[entry.path] = entry
            if data is not None:
                contents[entry.blob] = data
        return Snapshot("the work tree", "", entries, contents)

    def _insist_on_work_tree(self) -> None:
        if self.bare:
            fact = f"{show_name(self.top)} has no work tree and no index"
            raise Unreadable(fact, "it is a bare repository, or the inside of .git: name the revision to look at")

    def _read_files(self, changed: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | None]]:
        """What git would store for each file, and its bytes. ``mode`` and ``blob`` may be empty: git did not say."""
        from hashlib import new

        def name_blob(data: bytes) -> str:
            return new(self.object_format, b"blob %d\0" % len(data) + data).hexdigest()

        to_filter: list[tuple[Entry, bytes]] = []
        for entry in changed:
            path = os.path.join(os.fsencode(self.top), encode_path(entry.path))
            try:
                found = os.lstat(path).st_mode
                if stat.S_ISLNK(found):
                    target = os.fsencode(os.readlink(path))
                    yield Entry(entry.path, LINK, name_blob(target)), target
                elif stat.S_ISDIR(found) and entry.mode == SUBMODULE:
                    yield entry, None
                elif stat.S_ISREG(found):
                    mode = entry.mode or ("100755" if found & stat.S_IXUSR else "100644")
                    data = read_bytes(path)
                    if mode == LINK:  # a system without links keeps the target in a plain file
                        yield Entry(entry.path, LINK, name_blob(data)), data
                    elif entry.blob and name_blob(data) == entry.blob:  # touched only, whatever a filter would do now
                        yield Entry(entry.path, mode, entry.blob), None
                    else:
                        to_filter.append((Entry(entry.path, mode, name_blob(data)), data))
            except FileNotFoundError:  # gone since git looked
                continue
            except OSError as error:
                raise Unreadable(f"{show_name(entry.path)} cannot be read: {error.strerror}") from None
        stored = self._blobs.filter_files({entry.path: (entry.blob, data) for entry, data in to_filter})
        for (entry, _), (blob, data) in zip(to_filter, stored, strict=True):
            yield Entry(entry.path, entry.mode, blob), data

    # Contents ------------------------------------------------------------------------------------------------------

    def read_blobs(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """The bytes of blobs by their ids; one process for the life of this object. Raises :class:`Unreadable`."""
        return self._blobs.read(blobs)
