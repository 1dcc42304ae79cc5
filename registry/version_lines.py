"""The lines of a version.yaml: written by a machine, one fact a line, and read the same way.

The command line reads thousands of them in one check, and a service reads a few without any YAML library.
"""

import json
from collections.abc import Collection


def split_lines(text: str, known: Collection[str] | None = None) -> tuple[dict[str, str], list[str], int]:
    """Facts, listed files, and the number of the first line that is neither (0: none).

    ``known`` are the keys that there may be; ``None`` takes any, as a reader does that may be older than the writer.
    """
    facts: dict[str, str] = {}
    files: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.rstrip()
        key, colon, value = line.partition(": ")
        if not line or line.startswith("#"):
            continue
        if line == "files:":
            facts["files"] = ""
        elif line.startswith("  - ") and "files" in facts:
            files.append(_unquote(line[4:]))
        elif colon and key not in facts and key != "files" and (key in known if known else key.isidentifier()):
            facts[key] = _unquote(value)
        else:
            return facts, files, number
    return facts, files, 0


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text
