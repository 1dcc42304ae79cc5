"""Two schema files or folders, without a repository: `contracts compare OLD NEW`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from registry.compatibility import Comparison, compare_schemas
from registry.errors import Unreadable
from registry.formats import FORMATS, Format, format_of, load_format
from registry.formats.mismatch import Mismatch
from registry.frozen import dataclass
from registry.schema import CompatibilityMode, Schema
from registry.text import decode_schema


@dataclass(frozen=True, slots=True)
class Side:
    """What lies at a path: the schema files of a folder by relative path, and those that are to be judged."""

    label: str
    folder: str
    texts: Mapping[str, str]
    roots: Sequence[str]


def read_side(path: Path) -> Side:
    """A folder with all its schemas, or one file; what a file refers to is looked for in its own folder.

    Raises :class:`Unreadable` where nothing is there, :class:`registry.errors.InvalidSchema` for a file of no text.
    """
    if not path.exists():
        raise Unreadable(f"{path} does not exist", "name a schema file or a folder of schemas")
    if not path.is_dir() and not path.is_file():
        raise Unreadable(f"{path} is neither a file nor a folder", "name a schema file or a folder of schemas")
    folder = path if path.is_dir() else path.parent
    files = sorted(_find_schemas(folder))
    roots = files if path.is_dir() else [path.relative_to(folder).as_posix()]
    if not roots or format_of(roots[0]) is None:
        raise Unreadable(f"{path} is no schema", f"schemas end in {' or '.join(FORMATS.values())}")
    label = os.fspath(path)
    if path.is_dir():
        return Side(label, f"{label}/", {file: _read(folder, file) for file in files}, roots)
    language = load_format(format_of(roots[0]) or "avro")
    wanted = [*roots]
    texts: dict[str, str] = {}
    defined: dict[str, str] | None = None
    while wanted:
        file = wanted.pop()
        if file in texts:
            continue
        texts[file] = _read(folder, file)
        for name in language.outline(texts[file], file).refers:
            if name in files:
                wanted.append(name)
            elif format_of(file) == "avro":
                defined = _index(language, folder, files) if defined is None else defined
                wanted.extend(found for found in [defined.get(name)] if found)
    prefix = "" if folder == Path(".") else f"{folder}/"
    return Side(label, prefix, texts, roots)


def _find_schemas(folder: Path) -> Sequence[str]:
    return [
        (Path(top) / name).relative_to(folder).as_posix()
        for top, _, names in os.walk(folder)
        for name in names
        if format_of(name) is not None and (Path(top) / name).is_file() and not (Path(top) / name).is_symlink()
    ]


def _read(folder: Path, file: str) -> str:
    return decode_schema(os.fspath(folder / file), _read_bytes(folder / file))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from None


def _index(language: Format, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Where each Avro name of a folder is defined; a file that is no text defines nothing."""
    return {
        name: file
        for file in files
        if format_of(file) == "avro"
        for name in language.outline(_read_bytes(folder / file).decode("utf-8", "replace"), file).defines
    }


def compare_paths(old: Sequence[Path], new: Path, mode: CompatibilityMode, profile: str | None = None) -> Comparison:
    """Judge what lies at ``new`` against what lies at ``old``, oldest first.

    Two files are compared with each other whatever they are called; in folders Avro types are paired by full name, and
    Protobuf messages too. Raises :class:`registry.errors.InvalidSchema` and :class:`Unreadable`.
    """
    sides = [*(read_side(path) for path in old), read_side(new)]
    labels = ["old"] if len(old) == 1 else [side.label for side in sides[:-1]]
    alone = not any(path.is_dir() for path in (*old, new))
    units = [_parse(side, alone=alone) for side in sides]
    if not any(units[-1].keys() & unit.keys() for unit in units[:-1]):
        held = " and ".join(f"{side.label} holds {', '.join(unit)}" for side, unit in zip(sides, units, strict=True))
        ways = "compare files of one language, or folders that hold types of the same name"
        raise Unreadable(f"there is nothing to compare: {held}", ways)
    mismatches: list[Mismatch] = []
    for name, schema in units[-1].items():
        olds = [(label, unit[name]) for label, unit in zip(labels, units[:-1], strict=True) if name in unit]
        mismatches.extend(compare_schemas(mode, ("new", schema), olds, profile).mismatches)
    for label, unit in zip(labels, units[:-1], strict=True):
        for gone in unit.keys() - units[-1].keys():
            removed = ("new", Schema(unit[gone].format, ()))
            mismatches.extend(compare_schemas(mode, removed, [(label, unit[gone])], profile).mismatches)
    return Comparison(mode, tuple(mismatches))


def _parse(side: Side, *, alone: bool) -> dict[str, Schema]:
    """The schemas of a side, by the name they are paired under; all of Protobuf is one."""
    schemas: dict[str, Schema] = {}
    for name in FORMATS:
        roots = [root for root in side.roots if format_of(root) == name]
        texts = {path: text for path, text in side.texts.items() if format_of(path) == name}
        language = load_format(name) if roots else None
        if language is None:
            continue
        groups = [roots] if name == "protobuf" else [[root] for root in roots]
        for group in groups:
            schema = language.parse(texts, group, folder=side.folder)
            outline = language.outline(texts[group[0]], group[0])
            alias = name if alone or name == "protobuf" else next(iter(outline.defines), group[0])
            schemas[alias] = schema
    return schemas
