"""A folder of released versions as fallback: ``contracts/versions`` of a checkout, or a copy beside the service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from registry.serde.bundle import BundledVersion
from registry.serde.errors import SerdeError, UnknownSchema
from registry.version_lines import split_lines

_UPGRADE: Final = "upgrade.yaml"


class Folder:
    """Versions as ``contracts release`` lays them down: ``<event>/<number>/version.yaml`` and the files it lists.

    The folder is read again for each schema that is not known yet, so that new versions may arrive while a service
    runs. Avro only: Protobuf needs what protoc made of the texts, which no folder holds. Raises :class:`SerdeError` for
    a folder that is not there.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._check_path()

    def find(self, event: str, writer: int | str) -> BundledVersion | None:
        """The version of an event with this schema id or GUID, or ``None``.

        Raises :class:`SerdeError` for a folder that is gone, and for a version that does not hold together;
        :class:`UnknownSchema` for one in Protobuf.
        """
        self._check_path()
        for folder in self._find_folders(event):
            facts, files = _read_facts(folder / "version.yaml")
            if writer in (_number(facts, "schema_id"), facts["guid"].lower()):
                return self._read_version(folder, event, facts, files)
        return None

    def find_number(self, event: str, number: int) -> BundledVersion | None:
        """The version of an event with this number, or ``None``. Raises as :meth:`find` does."""
        for folder in self._find_folders(event):
            if folder.name == str(number):
                return self._read_version(folder, event, *_read_facts(folder / "version.yaml"))
        return None

    def _check_path(self) -> None:
        if not self._path.is_dir():
            raise SerdeError(f"{self._path}: no such folder of versions", help="the path is that of contracts/versions")

    def _find_folders(self, event: str) -> Iterator[Path]:
        if "/" in event or "\\" in event or event.startswith("."):
            return
        found = [each for each in (self._path / event).glob("*/version.yaml") if each.parent.name.isdecimal()]
        yield from sorted((each.parent for each in found), key=lambda folder: int(folder.name))

    def _read_version(self, folder: Path, event: str, facts: dict[str, str], files: list[str]) -> BundledVersion:
        at = folder / "version.yaml"
        if facts["event"] != event or facts["version"] != folder.name:
            raise SerdeError(f"{at}: says it is v{facts['version']} of {facts['event']}")
        if facts["format"] != "avro":
            raise UnknownSchema(
                f"v{folder.name} is in {facts['format']}, which cannot be read from a folder",
                help="run `contracts gen`: its stubs carry what is needed",
                subject=event,
            )
        return BundledVersion(
            number=int(folder.name),
            schema_id=_number(facts, "schema_id"),
            guid=facts["guid"],
            root=facts["root"],
            files={path: _read_text(folder, path) for path in files if path != _UPGRADE},
            # YAML is not read in production: where a record needs these converters, it is not read at all.
            upgrade=_read_text(folder, _UPGRADE) if (folder / _UPGRADE).exists() else "",
        )


def _read_facts(path: Path) -> tuple[dict[str, str], list[str]]:
    """What version.yaml says, and the files it lists; it is written line by line by a machine, and read that way."""
    facts, files, bad_line = split_lines(_read_text(path.parent, path.name))
    if bad_line:
        raise SerdeError(f"{path}:{bad_line}: is not a line that `contracts release` writes")
    missing = [key for key in ("event", "version", "format", "root", "schema_id", "guid", "files") if key not in facts]
    if missing:
        raise SerdeError(f"{path}: has no {' and no '.join(missing)}")
    if not _number(facts, "schema_id"):
        raise SerdeError(f"{path}: schema_id is {facts['schema_id']!r}, not a number from 1 to 2147483647")
    return facts, files


def _read_text(folder: Path, name: str) -> str:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SerdeError(f"{folder}: lists {name}, which lies outside")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SerdeError(f"{path}: cannot be read: {error}") from None


def _number(facts: dict[str, str], key: str) -> int:
    text = facts[key]
    number = int(text) if text.isdecimal() and text.isascii() and len(text) < 11 else 0
    return number if number < 1 << 31 else 0
