"""A generated package on disk: what is out of step with what it should be, and how it is brought in step."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from keyword import iskeyword
from pathlib import Path
from tempfile import mkdtemp
from typing import Final
from zlib import crc32

from registry.errors import Refused, Unreadable
from registry.frozen import dataclass
from registry.render.wording import one_line

_MARKER: Final = "py.typed"
"""It is empty, so it has no header to be known by."""
_LITERALS: Final = {b"files": b"the texts", b"descriptors": b"the descriptors", b"upgrade": b"the converters"}
_LITERAL: Final = re.compile(
    rb"^ +number=(?P<number>[0-9]+),\n"
    rb"|^(?P<margin> +)(?P<name>%s)=[({]\n(?:(?P=margin) .*\n)*(?P=margin)[)}],\n" % b"|".join(_LITERALS),
    re.MULTILINE,
)
"""The number of a version in a bundle, and what fills many lines below it."""
_OWN: Final = "registry"
_UNENDED: Final = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is not as it should be."""

    path: str
    """Relative to the folder of the package."""
    before: bytes | None
    """What it holds now; ``None`` where it is not there."""
    after: bytes | None
    """What it should hold; ``None`` where it should not be there."""

    @property
    def verb(self) -> str:
        """What writing it does."""
        return "add" if self.before is None else "remove" if self.after is None else "change"


class IsOurs:
    """Whether a file was made by us, for this service: its first line holds the command that made it.

    Other options of the command make another package of the same service, which may take the place of this one.
    """

    __slots__ = ("_any", "_command")

    def __init__(self, beginning: str, header: str) -> None:
        self._any = beginning.encode()
        """What the first line begins with, whoever the stubs are for."""
        self._command = _find_command(header.encode())
        """Up to the service's name."""

    def __call__(self, path: Path, content: bytes) -> bool:
        """Raises :class:`Refused` for stubs of another service: two in one package would remove each other."""
        if not content.startswith(self._any):
            return False
        made = _find_command(content)
        if made == self._command or made.startswith(self._command + b" --"):
            return True
        raise Refused(
            f"{path} belongs to the stubs of another service, made by: {made.decode('utf-8', 'replace')}",
            "give each service a folder of its own by --out or --package, or remove this one; nothing was written",
        )


def _find_command(content: bytes) -> bytes:
    """What stands between the first two backticks; the words around it may be others in another version of us."""
    line = content.partition(b"\n")[0]
    return line.partition(b"`")[2].partition(b"`")[0]


def package_folder(out: Path, package: str) -> Path:
    """Where a package lies. Raises :class:`Refused` for what no import statement could name."""
    steps = package.split(".")
    if not all(step.isidentifier() and not iskeyword(step) for step in steps):
        raise Refused(f"{package!r} is no name of a package", "name one as an import does: --package shop.events")
    if steps[0] == _OWN:
        raise Refused(f"{package!r} would hide the package {_OWN!r} that stubs import", "name another by --package")
    if out.exists() and not out.is_dir():
        raise Refused(f"{out} is no folder", "name the folder that holds the service's packages: --out src")
    return out.joinpath(*steps)


def find_differences(folder: Path, files: Mapping[str, str], is_ours: IsOurs) -> Iterator[Difference]:
    """Files that are missing, stale or edited, and modules that we wrote once and that are no longer wanted.

    ``files`` maps paths inside the package to texts. Raises :class:`Refused` where something that is not ours is in the
    way, which is never overwritten, and where nothing would be left of a package: a slip in an option looks so too.
    """
    for path, text in sorted(files.items()):
        before, after = _read(folder / path), text.encode()
        if before is not None and before.replace(b"\r\n", b"\n") == after:
            continue  # a checkout may end its lines so
        if before is not None and path.endswith(_MARKER):
            continue  # whatever it says (`partial`), the package is typed
        if before and not is_ours(folder / path, before):
            raise Refused(
                f"{folder / path} is in the way: it was not made by `contracts gen`",
                "move it away, or name another package by --package; nothing was written",
            )
        yield Difference(path, before, after)
    gone = [Difference(path, before, None) for path, before in _find_unwanted(folder, files, is_ours)]
    if gone and not files:
        names = ", ".join(each.path for each in gone)
        raise Refused(
            f"nothing would be left of {folder}, which holds {names}",
            f"remove {folder} by hand, if that is meant; nothing was written",
        )
    yield from gone


def _find_unwanted(folder: Path, files: Mapping[str, str], is_ours: IsOurs) -> Iterator[tuple[str, bytes]]:
    for path in sorted(_find_modules(folder)):
        if path not in files:
            before = _read(folder / path)
            if before is not None and is_ours(folder / path, before):
                yield path, before


def write_differences(folder: Path, differences: list[Difference]) -> None:
    """Bring the files in step, all or none: each is written beside its place first, and renamed into it at the end.

    Raises :class:`Refused`; the package is then as it was.
    """
    above: list[Path] = []
    done: list[Difference] = []
    temporary: Path | None = None
    try:
        above = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(prefix=".new-", dir=folder))
        for number, each in enumerate(differences):
            if each.after is not None:
                (temporary / str(number)).write_bytes(each.after)
        for number, each in enumerate(differences):
            if each.after is None:
                (folder / each.path).unlink()
            else:
                os.replace(temporary / str(number), folder / each.path)
            done.append(each)
    except OSError as error:
        for each in reversed(done):
            _restore(folder, each)
        _clear(temporary)
        for made in above:  # the innermost first
            with suppress(OSError):
                made.rmdir()
        raise Refused(
            f"cannot write the stubs to {folder}: {error.strerror or error}",
            "nothing was written; free the way and run it again",
        ) from error
    _clear(temporary)


def _restore(folder: Path, difference: Difference) -> None:
    with suppress(OSError):
        if difference.before is None:
            (folder / difference.path).unlink(missing_ok=True)
        else:
            (folder / difference.path).write_bytes(difference.before)


def _clear(temporary: Path | None) -> None:
    if temporary is not None:
        with suppress(OSError):
            for left in temporary.iterdir():
                left.unlink()
            temporary.rmdir()


def _find_modules(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.endswith(".py")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Unreadable(f"{folder} cannot be read: {error.strerror}", "name another folder by --out") from None


def _read(path: Path) -> bytes | None:
    """The content of a file of the package; ``None`` where there is none. A link could lead anywhere."""
    if path.is_symlink():
        raise Refused(f"{path} is a symbolic link; nothing was written", "put a real file in its place, or remove it")
    try:
        with path.open("rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}", "free the way and run it again") from None


def render_differences(folder: Path, differences: list[Difference]) -> str:
    """A unified diff from what lies there to what should: what `contracts gen` would do.

    It is for people, so it leaves out the texts that a bundle holds, and says only which of them differ.
    """
    from difflib import unified_diff

    lines: list[str] = []
    for each in differences:
        name = (folder / each.path).as_posix()
        before = "/dev/null" if each.before is None else f"a/{name}"
        after = "/dev/null" if each.after is None else f"b/{name}"
        old, new = (_split(_elide(content)) for content in (each.before, each.after))
        # An empty file that comes or goes has no lines to differ in.
        lines += unified_diff(old, new, before, after) if old != new else (f"--- {before}\n", f"+++ {after}\n")
    return "".join(line if line.endswith("\n") else f"{line}\n{_UNENDED}\n" for line in lines)


def _elide(content: bytes | None) -> bytes:
    """A module without the literals of its bundle: a line that tells different ones apart stands for each."""
    number = b""

    def describe(match: re.Match[bytes]) -> bytes:
        nonlocal number
        if match["number"] is not None:
            number = match["number"]
            return match.group()
        what = _LITERALS[match["name"]]
        return b"%s# \xe2\x80\xa6 %s of version %s (%08x)\n" % (match["margin"], what, number, crc32(match.group()))

    return _LITERAL.sub(describe, content or b"")


def _split(content: bytes | None) -> list[str]:
    """Lines that end where those of a diff do; any other sign that could break or forge one is spelled out."""
    text = (content or b"").decode("utf-8", "replace")
    lines = [one_line(line) for line in text.split("\n")]
    return [f"{line}\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]
