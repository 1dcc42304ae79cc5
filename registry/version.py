"""version.yaml: what a frozen version says of itself. Written by `contracts release`, read by everybody."""

import json
from collections.abc import Mapping

from registry.contract import Version
from registry.errors import Flaw
from registry.formats import format_of
from registry.source import Location, fixed_location
from registry.version_lines import split_lines

KEYS = ("event", "version", "format", "root", "schema_id", "guid", "fingerprint", "files")
HEADER = "# Written by `contracts release`. A released version is never edited: logs hold events of it.\n"


def render_version(version: Version, event: str, format_name: str) -> str:
    """The text of version.yaml, the same for the same version."""
    facts = {
        "event": event,
        "version": version.number,
        "format": format_name,
        "root": _quote(version.root),
        "schema_id": version.schema_id,
        "guid": version.guid,
        "fingerprint": version.fingerprint,
    }
    lines = [f"{key}: {value}\n" for key, value in facts.items()]
    files = [f"  - {_quote(path)}\n" for path in sorted(version.files)]
    return "".join([HEADER, *lines, "files:\n", *files])


def _quote(text: str) -> str:
    """A YAML scalar that reads back as the same text: quoted as in JSON, which YAML includes, only where it must be."""
    plain = text.replace("/", "").replace(".", "").replace("_", "").replace("-", "")
    simple = plain.isascii() and plain.isalnum() and text[0].isalpha()
    return text if simple else json.dumps(text)


def parse_version(text: str | None, path: str, event: str, number: int, files: Mapping[str, str]) -> Version:
    """The version in one folder; what is wrong with it becomes flaws. ``files`` are those that really lie there.

    The file is written by a machine, line by line, and is read the same way: three thousand of them are read by each
    check, and a YAML parser would cost more than all the rest.
    """
    at = Location(path)
    empty = Version(number, at, 0, "", "", "", files)
    if text is None:
        return _flawed(empty, at, "has no version.yaml")
    facts, listed, bad_line = split_lines(text, KEYS)
    if bad_line:
        return _flawed(empty, fixed_location(path, bad_line, 1), "is not a line that `contracts release` writes")
    missing = [key for key in KEYS if key not in facts and key != "files"]
    if missing:
        return _flawed(empty, at, f"has no {' and no '.join(missing)}")
    if facts["event"] != event or facts["version"] != str(number):
        return _flawed(empty, at, f"says it is v{facts['version']} of {facts['event']}, and lies in {event}/{number}")
    if not facts["schema_id"].isdecimal() or not 0 < int(facts["schema_id"][:11]) < 1 << 31:
        return _flawed(empty, at, f"schema_id is {facts['schema_id']!r}, not a number from 1 to 2147483647")
    if facts["format"] != format_of(facts["root"]):
        return _flawed(empty, at, f"says that its root {facts['root']!r} is of the format {facts['format']!r}")
    if odd := sorted(set(listed) ^ set(files)):
        return _flawed(empty, at, f"lists other files than lie in its folder: {', '.join(odd)}")
    schema_id, held = int(facts["schema_id"]), dict(sorted(files.items()))
    return Version(number, at, schema_id, facts["guid"], facts["fingerprint"], facts["root"], held)


def _flawed(version: Version, at: Location, message: str) -> Version:
    folder = at.path.rpartition("/")[0]
    flaw = Flaw(
        "invalid",
        message,
        at,
        f"restore {folder} from git; a new one is made by `contracts release`",
    )
    return Version(version.number, version.at, 0, "", "", "", version.files, flaws=(flaw,))
