"""Which repository a folder is in, and in which environment git must be asked about it.

:mod:`registry.git` asks all further questions. Needs git 2.30 or newer.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from registry.errors import NoRepository

EMPTY_TREES: Final = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""The tree without entries, by object format; git knows these ids even where no such object is stored."""

_OFFLINE: Final = {
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone must not go to the network one blob at a time (git 2.44 and newer)
    "GIT_ALLOW_PROTOCOL": "none",  # the same for older git: it tries, and no transport is allowed
}
_SETTINGS: Final = {
    "LC_ALL": "C",  # a few answers are sentences (an ambiguous name), which git would translate
    "GIT_OPTIONAL_LOCKS": "0",  # no refreshed index is written back
    "GIT_TERMINAL_PROMPT": "0",  # a hook and a CI job have nobody who could answer
    "GIT_NO_REPLACE_OBJECTS": "1",  # an id must mean the content it was made of: what we know of a blob is kept by id
    "GIT_LITERAL_PATHSPECS": "1",  # a folder may be called ":(glob)*"
}
_POINTERS: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")
"""Variables that hold a path and make git look at one certain repository; hooks inherit them."""
_COMPANIONS: Final = ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE")
"""Variables that mean something only together with the pointers."""
_DROPPED: Final = ("GIT_PREFIX", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS")
"""Variables that would change how our own arguments are read; two of them git refuses beside literal ones."""


class Place(NamedTuple):
    """A repository, as seen from a folder."""

    top: str
    """The top of the work tree; the repository's own folder where there is none."""
    git_dir: str
    bare: bool
    """There is no work tree here: a bare repository, or a folder inside ``.git``."""
    shallow: bool
    object_format: str
    """``sha1`` or ``sha256``."""
    head: str
    """The commit that is checked out; empty if there is none yet."""


def show_name(name: str) -> str:
    """A path or ref as a message can print it: line breaks, and bytes that are no text, as escapes."""
    return f"'{name}'" if name.isprintable() else ascii(name)


def decode_path(raw: bytes) -> str:
    """A path as git prints it; bytes that are not UTF-8 become surrogates, whatever the locale."""
    return raw.decode("utf-8", "surrogateescape")


def read_bytes(path: str | bytes) -> bytes:
    """What a file holds. (``pathlib`` has this too, and loads the parser of URLs with it.)"""
    with open(path, "rb") as file:
        return file.read()


def encode_path(path: str) -> bytes:
    """The bytes of a path, as git and the file system hold it."""
    return path.encode("utf-8", "surrogateescape")


def run_git(
    arguments: Sequence[str | bytes], environment: Mapping[str, str], data: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run one git command to its end, whatever that is. Raises :class:`NoRepository` if git cannot be started."""
    with start_git(arguments, environment) as process:
        out, err = process.communicate(data)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def start_git(arguments: Sequence[str | bytes], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start one git command with pipes on all sides. Raises :class:`NoRepository` if git cannot be started."""
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(["git", *arguments], env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
    except FileNotFoundError:
        raise NoRepository("git is not installed, or not on the PATH", "install git 2.30 or newer") from None
    except OSError as error:
        raise NoRepository(f"git cannot be started: {error.strerror}") from None


def read_sentence(stderr: bytes) -> str:
    """What git says went wrong: the line that says so, without its prefix."""
    lines = [line for line in os.fsdecode(stderr).splitlines() if line.strip()]
    for prefix in ("fatal: ", "error: ", ""):
        found = next((line for line in lines if line.startswith(prefix)), "")
        if found:
            return found.removeprefix(prefix)
    return "no reason was given"


def allow_network(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for the one command that may use the network: as the user set it, and still without a prompt."""
    offline = {name: value for name, value in environment.items() if name not in _OFFLINE}
    return offline | {name: os.environ[name] for name in _OFFLINE if name in os.environ}


def find_place(start: str) -> tuple[Place, dict[str, str]]:
    """The repository that a folder is in, and the environment to ask git in.

    Inside a hook, git's variables (``GIT_INDEX_FILE`` of a partial commit, the quarantine of a push) are kept if they
    mean this repository, and dropped if they mean another. One process; two if ``GIT_WORK_TREE`` is set. Raises
    :class:`NoRepository`.
    """
    clean = {name: value for name, value in os.environ.items() if name not in (*_POINTERS, *_COMPANIONS, *_DROPPED)}
    clean |= _SETTINGS | _OFFLINE
    inherited = {name: os.environ[name] for name in (*_POINTERS, *_COMPANIONS) if os.environ.get(name)}
    kept = {**clean, **inherited}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"):
        if name in inherited:  # relative to where we were started; git is started at the top
            kept[name] = os.path.abspath(inherited[name])
    try:
        place = _locate(start, clean)
    except NoRepository:
        if "GIT_DIR" not in inherited:
            raise
        place = _locate(start, kept)
    else:
        if not inherited or not _is_meant(inherited, place, start):
            return place, clean
        if "GIT_WORK_TREE" in inherited:
            place = _locate(start, kept)
    if "GIT_INDEX_FILE" in inherited:  # git counts it from the top of the work tree, wherever it was started
        kept["GIT_INDEX_FILE"] = os.path.join(place.top, inherited["GIT_INDEX_FILE"])
    return place, kept


def _is_meant(inherited: Mapping[str, str], place: Place, start: str) -> bool:
    """Whether git's variables mean the repository that was found without them."""
    if "GIT_DIR" in inherited:
        if os.path.realpath(inherited["GIT_DIR"]) == os.path.realpath(place.git_dir):
            return True
        # A repository beside its work tree (dotfiles): it counts, unless the one found lies further in.
        tree = os.path.realpath(inherited["GIT_WORK_TREE"]) if "GIT_WORK_TREE" in inherited else ""
        inside = bool(tree) and _is_inside(os.path.realpath(start), tree)
        return inside and (place.top == tree or not _is_inside(place.top, tree))
    # `git commit` sets the index alone. It means the repository in whose folder it lies; one that lies in none of
    # them was made by hand, and means the repository we are in.
    folder = os.path.dirname(os.path.realpath(os.path.join(place.top, inherited.get("GIT_INDEX_FILE", ""))))
    while not os.path.isfile(os.path.join(folder, "HEAD")):
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return True
    return folder == os.path.realpath(place.git_dir)


def _is_inside(path: str, folder: str) -> bool:
    return os.path.commonpath((folder, path)) == folder


def _locate(start: str, environment: Mapping[str, str]) -> Place:
    """Ask once for all there is to know. ``--revs-only`` keeps silent where HEAD is no commit yet."""
    questions = ("--is-inside-work-tree", "--is-shallow-repository", "--show-object-format")
    arguments = ("rev-parse", *questions, "--show-cdup", "--absolute-git-dir", "--revs-only", "HEAD")
    done = run_git(("-C", start, *arguments), environment)
    if done.returncode:
        raise _explain(start, done.stderr)
    inside, shallow, object_format, *rest = os.fsdecode(done.stdout).removesuffix("\n").split("\n")
    if object_format not in EMPTY_TREES:
        raise NoRepository(f"this git does not know how {show_name(start)} stores objects", "use git 2.30 or newer")
    head = rest.pop() if len(rest) > 1 and set(rest[-1]) <= set("0123456789abcdef") else ""
    # Outside the work tree (in a bare repository, in .git) there is no way up that git could print.
    up = rest.pop(0) if inside == "true" else None
    git_dir = "\n".join(rest) if up is not None else rest[-1]
    top = os.path.realpath(git_dir if up is None else os.path.join(os.path.realpath(start), up))
    return Place(top, git_dir, up is None, shallow == "true", object_format, head)


def _explain(start: str, stderr: bytes) -> NoRepository:
    lines = os.fsdecode(stderr).splitlines()
    trust = next((line.strip() for line in lines if "--add safe.directory" in line), "")
    if trust:
        fact = f"git does not open the repository at {show_name(start)}, because another user owns it"
        return NoRepository(fact, f"if you trust it, run: {trust}")
    if any("not a git repository (or any" in line for line in lines):
        return NoRepository(f"{show_name(start)} is in no git repository", "go into one, or make one: git init")
    return NoRepository(f"git cannot open {show_name(start)}: {read_sentence(stderr)}")
