"""docs/compatibility.md: the tables, real output and the disagreements, written anew from the cases by `make docs`."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from conformance import apache_avro
from conformance.buf_rules import render_buf_markdown
from conformance.disagreements import render_disagreements
from conformance.rows import Case, read_rows
from conformance.rows_table import render_cases, render_table
from registry.formats import FORMATS

DOCS: Final = Path(__file__).parent.parent / "docs"
SHOWN: Final = (
    ("avro", "12-symbols", 0),
    ("avro", "16-promotions", 4),
    ("avro", "18-decimal-scale", 0),
    ("protobuf", "05-number-reused", 0),
    ("protobuf", "26-out-of-oneof", 0),
)
"""Rows with the one of their cases that is shown as a terminal shows it."""

HEAD: Final = """\
<!-- Written by `make docs` from the cases below conformance/: change those. -->
# When is a change safe?

The law is what happens to a value: the writer encodes it, the reader decodes it, and either gets the same meaning, or
does not. Every verdict below is that of `contracts check` and `contracts compare` on the case shown, and every break or
loss was seen: a value was really written and really read.

The words *break*, *lossy* and *source*, and what the modes promise, are in
[concepts.md](concepts.md#when-a-change-is-safe). In the tables **BACKWARD** means that the new schema reads what the
old one wrote, **FORWARD** that the old one reads what the new one writes; FULL is both, and `*_TRANSITIVE` is the same
against every readable version.

- [Witnesses](#witnesses): what the tool prints
- [Avro](#avro) and [Protobuf](#protobuf): the tables; the cases behind them are
  [here](cases-avro.md) and [here](cases-protobuf.md)
- [Where others say something else](#where-others-say-something-else), and who is right
- [Limits](#limits): what is refused, so that a schema cannot hang the check

## Witnesses

For each break or loss the tool builds the smallest value that shows it, encodes it with the writer, decodes it with the
reader, and prints what became of it. `contracts compare OLD NEW --witness FILE` writes the bytes to a file; with
`--format json` they are in the report, beside the whole value. Avro's values go through our own codec, written to be
read beside the specification; Protobuf's through protoc's messages, with the check that nothing required is missing.
Few mismatches have no witness, and these say why: a record that must contain itself has no finite value, and what
only Confluent's registry rejects breaks nothing.
"""

LIMITS: Final = """\
## Limits

A schema is somebody's pull request. What would cost more time or memory than any real schema is refused, with its
place, or left out and said so:

| what | limit |
|---|---|
| a schema file | 1 MiB |
| nesting of JSON in an Avro file; of its default values | 256 levels; 64 levels |
| pairs of named Avro types that one comparison meets | 200,000 |
| braces and brackets within each other in a Protobuf file; files that import each other in a row | 100; 200 |
| values that are built to show a mismatch, in one report | 100, of schemas with 100,000 fields in all |
| the nesting of a value that is encoded or decoded to show one | 256 levels in Avro, 100 in Protobuf |
| parts of such a value | 200,000 in Avro, 10,000 in Protobuf |
"""


def render_page() -> str:
    """The page, as it should be."""
    parts = [HEAD, *(_render_output(language, row, case) for language, row, case in SHOWN)]
    parts.append(f"## Avro\n\n{render_table(read_rows('avro'))}")
    parts.append(f"## Protobuf\n\n{render_table(read_rows('protobuf'))}")
    parts += [
        _DISAGREEMENTS,
        render_disagreements(),
        _APACHE,
        apache_avro.render(),
        _BUF,
        render_buf_markdown(),
        LIMITS,
    ]
    return "\n".join(f"{part.strip()}\n" for part in parts)


_DISAGREEMENTS: Final = """\
## Where others say something else

`make conformance` holds our verdicts beside those of other projects' own test suites: Apache Avro (Java and Python),
Karapace, Apicurio, buf and fastavro. Where a verdict differs, it differs for one of the reasons below; everything else
agrees, or the run fails. The ids are those of the cases.
"""
_APACHE: Final = """\
## Beside Apache's `avro` package

Pairs of schemas that are made at random are judged by us and by the checker of Apache's Python package. Where the
verdicts differ, the bytes decide; these are the reasons that there are.
"""
_BUF: Final = """\
## Beside buf's rules

What answers each of buf's breaking rules, and which are out of scope.
"""


def render_case_page(language: str) -> str:
    """Every case of a language with its schemas, its verdicts and its witnesses."""
    title = {"avro": "Avro", "protobuf": "Protobuf"}[language]
    head = f"<!-- Written by `make docs` from conformance/rows/{language}: change those. -->\n# {title}: the cases\n"
    return f"{head}\nThe cases behind the [table](compatibility.md#{language}).\n\n{render_cases(read_rows(language))}"


def _render_output(language: str, name: str, number: int) -> str:
    """What `contracts compare` prints of a case of a row."""
    row = next(row for row in read_rows(language) if Path(row.path).stem == name)
    case, suffix = row.cases[number], FORMATS[language]
    old, new = (_text_of(case, label) for label in ("old", "new"))
    with TemporaryDirectory() as folder:
        for label, text in (("old", old), ("new", new)):
            Path(folder, label + suffix).write_text(text, "utf-8")
        command = ["compare", "--mode", "FULL", f"old{suffix}", f"new{suffix}"]
        environment = {**os.environ, "PYTHONPATH": str(DOCS.parent), "PYTHONUTF8": "1"}
        printed = subprocess.run(
            [sys.executable, "-m", "registry.cli", *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
    fence = {"avro": "json", "protobuf": "proto"}[language]
    schemas = f"```{fence}\n{old.strip()}\n\n{new.strip()}\n```"
    output = f"```console\n$ contracts {' '.join(command)}\n{printed.stdout.strip()}\n```"
    return f"### {row.title}\n\n{schemas}\n\n{output}\n"


def _text_of(case: Case, label: str) -> str:
    return next(iter(case.versions[label].values()))


def render_pages() -> dict[str, str]:
    """Every page that is written from the cases, by its name below docs/."""
    cases = {f"cases-{language}.md": render_case_page(language) for language in FORMATS}
    return {"compatibility.md": render_page(), **cases}


def main() -> None:
    """Write the pages, once all of them are made."""
    for name, text in render_pages().items():
        (DOCS / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
