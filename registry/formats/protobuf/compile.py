"""Files to descriptors, by protoc in this process.

protoc reads real files only, so those given are written to a folder of our own, in memory where the system has such a
place, and removed again. Nothing else is visible to it but the well-known types that it comes with.
"""

import os
import re
from _thread import allocate_lock
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from registry.errors import Flaw, InvalidSchema, RegistryError
from registry.formats.protobuf.faults import Names, find_flaws
from registry.formats.protobuf.outline import outline, strip_literals
from registry.source import Location, fixed_location

MAX_CHARACTERS: Final = 1 << 20
"""Of one file, as everywhere; some checks of protoc take the square of what they check."""
MAX_NESTING: Final = 100
"""Braces and brackets within each other; protoc reads options by recursion and overruns its stack far beyond."""
MAX_IMPORT_CHAIN: Final = 200
"""Files that import each other in a row; protoc reads imports by recursion, too."""

_OPENING: Final = frozenset("{[<(")
_IMPORTED: Final = re.compile(r'\bimport\s+(?:(?:public|weak|option)\s+)?"([^"\n]+)"')
"""Roughly: an import in a comment does no harm where it is used."""
_IN_MEMORY: Final = "/dev/shm"
# One at a time: the silence on descriptor 2 belongs to the process.
_LOCK = allocate_lock()


def compile_files(files: Mapping[str, str], paths: Sequence[str], folder: str = "") -> tuple[bytes, dict[str, str]]:
    """A serialized FileDescriptorSet of the files at ``paths`` and all they import, with source positions; and for each
    name in it the path in ``files`` (well-known types have none).

    Paths may be relative to the folder that imports start from, or all lie under it: the folder is then found by what
    is imported. ``folder`` stands before each path in the locations of flaws.

    Raises :class:`InvalidSchema` with a flaw for each error, and :class:`RegistryError` where grpcio-tools is missing
    or no temporary folder can be written.
    """
    _refuse_hostile(files, folder)
    names = _import_names(files)
    root = "every-file.proto"
    while root in names.values():
        root = f"_{root}"
    contents = {names[path]: _encode(path, text, folder) for path, text in files.items()}
    asked = [names[path] for path in dict.fromkeys(paths)]
    imports = "".join(f"import {_quote(name)};\n" for name in asked)
    contents[root] = f'syntax = "proto3";\n{imports}'.encode()
    with _LOCK, _temporary_folder(contents) as place:
        failed, said = _run_protoc(place, asked)
        by_name = {name: path for path, name in names.items()}
        if failed:
            names_ = Names(files, by_name, paths, root, folder)
            raise InvalidSchema(find_flaws(_read_errors(place, root), names_, said))
        with open(f"{place}/descriptors", "rb") as written:
            return written.read(), by_name


def _encode(path: str, text: str, folder: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        at = fixed_location(folder + path, text.count("\n", 0, error.start) + 1, 1)
        raise InvalidSchema([Flaw("invalid", "the file is not UTF-8", at, "save it as UTF-8")]) from error


def _refuse_hostile(files: Mapping[str, str], folder: str) -> None:
    """Refuse what would overrun protoc's stack, or our patience, before it is given to it."""
    flaws: list[Flaw] = []
    for path, text in files.items():
        if len(text) > MAX_CHARACTERS:
            message = f"the file has {len(text):,} characters; the limit is {MAX_CHARACTERS:,}"
            flaws.append(Flaw("invalid", message, Location(folder + path), "split it into several files"))
        elif sum(map(text.count, "{[<")) > MAX_NESTING and (deep := _find_depth(text)):
            message = f"braces and brackets are nested deeper than {MAX_NESTING}"
            flaws.append(
                Flaw("invalid", message, fixed_location(folder + path, deep, 1), "flatten the messages or options")
            )
    if flaws:
        raise InvalidSchema(flaws)
    if len(files) > MAX_IMPORT_CHAIN and (far := _find_chain(files)):
        message = f"more than {MAX_IMPORT_CHAIN} files import each other in a row, from here on"
        raise InvalidSchema(
            [Flaw("invalid", message, Location(folder + far), "import the files that are used directly")]
        )


def _find_depth(text: str) -> int:
    """A line near which the nesting goes beyond the limit, or 0."""
    depth = 0
    for number, line in enumerate(strip_literals(text)[0].split("\n"), 1):
        for character in line:
            if character in _OPENING:
                depth += 1
                if depth > MAX_NESTING:
                    return number
            elif character in "}]>)":
                depth = max(0, depth - 1)
    return 0


def _find_chain(files: Mapping[str, str]) -> str:
    """A file from which imports run on further than the limit, or nothing. A circle is left to protoc."""
    imports = {path: [name for name in outline(text, path).refers if name in files] for path, text in files.items()}
    lengths: dict[str, int] = {}
    for start in files:
        stack = [(start, iter(imports[start]))]
        open_ = {start}
        while stack:
            path, rest = stack[-1]
            following = next((name for name in rest if name not in lengths and name not in open_), None)
            if following is not None:
                stack.append((following, iter(imports[following])))
                open_.add(following)
                continue
            stack.pop()
            open_.discard(path)
            lengths[path] = 1 + max((lengths.get(name, 0) for name in imports[path]), default=0)
            if lengths[path] > MAX_IMPORT_CHAIN:
                return path
    return ""


def _import_names(files: Mapping[str, str]) -> dict[str, str]:
    """Each path with the name that protoc shall know it by: relative to the folder from which imports resolve.

    A path that protoc would refuse or read as something else (absolute, with ``..`` or control characters) gets a plain
    name; nothing can import it anyway.
    """
    prefix = _find_import_root(files)
    folders = {path[: index + 1] for path in files for index, letter in enumerate(path) if letter == "/"}
    names: dict[str, str] = {}
    taken: set[str] = set()
    for path in files:
        name = path[len(prefix) :]
        if not _is_plain(name) or f"{path}/" in folders or name in taken:
            name = f"file-{len(names)}.proto"
            while f"{prefix}{name}" in files or name in taken:
                name = f"_{name}"
        taken.add(name)
        names[path] = name
    return names


def _is_plain(name: str) -> bool:
    steps = name.split("/")
    return (
        all(step not in ("", ".", "..") and len(step.encode("utf-8", "replace")) < 250 for step in steps)
        and len(name) < 2000
        and "\\" not in name
        and name.isprintable()
        and not any("\ud800" <= letter <= "\udfff" for letter in name)
    )


def _find_import_root(files: Mapping[str, str]) -> str:
    """The folder, with its slash, under which most imports resolve; the outermost of equals."""
    imported = {name for text in files.values() for name in _IMPORTED.findall(text)}
    imported -= {name for name in imported if name.startswith("google/protobuf/") and name not in files}
    if all(name in files for name in imported) and not any(path.startswith("/") for path in files):
        return ""
    first, last = min(files), max(files)  # what these two share, all share
    shared = next(
        (index for index, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    roots = ["", *(first[: index + 1] for index, letter in enumerate(first[:shared]) if letter == "/")]
    return max(roots, key=lambda root: sum(f"{root}{name}" in files for name in imported))


def _quote(name: str) -> str:
    """A name as a string of the Protobuf language, safe for any byte."""
    plain = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in name.encode()) + '"'


@contextmanager
def _temporary_folder(files: Mapping[str, bytes]) -> Iterator[str]:
    """A folder of our own with the files in its folder ``in``; gone afterwards."""
    places = [_IN_MEMORY] if os.access(_IN_MEMORY, os.W_OK | os.X_OK) else []
    for place in [*places, ""]:
        base = place
        if not base:
            from tempfile import gettempdir

            base = gettempdir()
        folder = f"{base}/contracts-{os.getpid()}-{os.urandom(8).hex()}"
        try:
            os.mkdir(folder, 0o700)
            try:
                _write_all(f"{folder}/in", files)
            except OSError:
                _remove(folder)
                raise
        except OSError as error:
            # A container's /dev/shm may hold 64 MB only: the ordinary folder has the next try.
            if place == _IN_MEMORY:
                continue
            fact = f"cannot write a temporary folder for protoc in {base}: {error.strerror}"
            raise RegistryError(fact, "set TMPDIR to a folder that can be written") from error
        break
    try:
        yield folder
    finally:
        _remove(folder)


def _write_all(folder: str, files: Mapping[str, bytes]) -> None:
    os.mkdir(folder)
    made: set[str] = {""}
    for name, content in files.items():
        parent = name.rpartition("/")[0]
        if parent not in made:
            os.makedirs(os.fsencode(f"{folder}/{parent}"), exist_ok=True)
            made.add(parent)
        with open(os.fsencode(f"{folder}/{name}"), "wb") as file:
            file.write(content)


def _remove(folder: str) -> None:
    for path, folders, names in os.walk(os.fsencode(folder), topdown=False):
        for name in names:
            os.unlink(os.path.join(path, name))
        for name in folders:
            os.rmdir(os.path.join(path, name))
    os.rmdir(folder)


def _include_folders(folder: str) -> list[bytes]:
    try:
        import grpc_tools
    except ImportError as error:
        fact = "Protobuf schemas need grpcio-tools, which is not installed"
        raise RegistryError(fact, "pip install 'event-contracts[tool]'") from error
    # grpc_tools.protoc finds this folder by importlib.resources, which costs more than the whole compilation.
    return [os.fsencode(f"{folder}/in"), os.fsencode(f"{os.path.dirname(grpc_tools.__file__)}/_proto")]


def _run_protoc(folder: str, names: Sequence[str]) -> tuple[bool, str]:
    """Whether protoc failed, and what it said on descriptor 2."""
    includes = _include_folders(folder)
    from grpc_tools import _protoc_compiler

    output = os.fsencode(f"{folder}/descriptors")
    options = [b"--include_imports", b"--include_source_info", b"--descriptor_set_out=" + output]
    options += [b"-I" + include for include in includes]
    # Whole paths, because a name may begin like an option.
    inputs = [os.fsencode(f"{folder}/in/{name}") for name in names]
    said = f"{folder}/said"
    with _quiet(said):
        code = _protoc_compiler.run_main([b"protoc", *options, *inputs])
    if not code:
        return False, ""
    with open(said, encoding="utf-8", errors="replace") as file:
        return True, file.read().replace(f"{folder}/in/", "")


def _read_errors(folder: str, root: str) -> list[tuple[str, int, int, str]]:
    """Name, line and column (from 0; the line is -1 where there is none) and text of each error."""
    import warnings

    from grpc_tools import _protoc_compiler

    try:
        with _quiet(f"{folder}/said-again"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _protoc_compiler.get_protos(root.encode(), _include_folders(folder))
    except _protoc_compiler.ProtocErrors as errors:
        return [
            (
                error.filename.decode("utf-8", "replace"),
                error.line,
                error.column,
                error.message.decode("utf-8", "replace"),
            )
            for error in errors.errors()
        ]
    return []


@contextmanager
def _quiet(path: str) -> Iterator[None]:
    """Descriptor 2 goes to a file for a while: protoc writes there, whatever Python thinks of ``sys.stderr``."""
    try:
        kept = os.dup(2)
    except OSError:  # a daemon may have closed it
        kept = -1
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    if target != 2:
        os.dup2(target, 2)
        os.close(target)
    try:
        yield
    finally:
        if kept >= 0:
            os.dup2(kept, 2)
            os.close(kept)
        else:
            os.close(2)
