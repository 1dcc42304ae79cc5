"""The full check, with ownership, on a registry of 1,000 contracts of which 3 changed; and where its time goes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from time import perf_counter

SERVICES, PER_ENTITY = 50, 5
ENVELOPE = (
    '    {"name": "event_id", "type": {"type": "string", "logicalType": "uuid"}},\n'
    '    {"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},\n'
    '    {"name": "correlation_id", "type": "string"},\n'
    '    {"name": "schema_version", "type": "int"},\n'
)
AUTHOR = """{
  "type": "record",
  "name": "Author",
  "namespace": "bench.common",
  "fields": [{"name": "name", "type": "string"}]
}
"""
PROTO_ENVELOPE = "  string correlation_id = 1;\n  int32 schema_version = 2;\n  string key_id = 3;\n"


def avro(name: str) -> str:
    """An event of a dozen fields that refers to a shared type."""
    fields = "".join(f'    {{"name": "field_{number}", "type": "string"}},\n' for number in range(7))
    author = '    {"name": "author", "type": "bench.common.Author"}\n'
    head = f'{{\n  "type": "record",\n  "name": "{name}",\n  "namespace": "bench.events",\n  "fields": [\n'
    return f'{head}    {{"name": "key_id", "type": "string"}},\n{ENVELOPE}{fields}{author}  ]\n}}\n'


def proto(name: str) -> str:
    """The same in Protobuf."""
    fields = "".join(f"  string field_{number} = {number + 4};\n" for number in range(9))
    return f'syntax = "proto3";\npackage bench.events;\n\nmessage {name} {{\n{PROTO_ENVELOPE}{fields}}}\n'


def make_registry(folder: Path, contracts: int) -> list[Path]:
    """A registry on disk, three of four contracts in Avro; gives back the files of its events."""
    events = folder / "contracts" / "events"
    events.mkdir(parents=True)
    (folder / "contracts" / "common").mkdir()
    (folder / "contracts" / "common" / "Author.avsc").write_text(AUTHOR)
    (folder / "CODEOWNERS").write_text("/ownership.yaml @bench/architecture\n")
    lines = ["version: 1\n", "teams:\n"]
    lines += [f'  team-{number}: {{github: "@bench/team-{number}"}}\n' for number in range(10)]
    lines += ["services:\n", *(f"  service-{n}: {{team: team-{n % 10}}}\n" for n in range(SERVICES)), "entities:\n"]
    files = []
    for number in range(contracts):
        if number % PER_ENTITY == 0:
            entity, owner = number // PER_ENTITY, number // PER_ENTITY % SERVICES
            lines.append(f"  Entity{entity}:\n    owner: service-{owner}\n    topic: entity-{entity}\n")
            lines.append("    key: key_id\n    events:\n")
        readers = [(owner + 1) % SERVICES, (owner + 7) % SERVICES]
        subscribers = ", ".join(f"{{service: service-{reader}}}" for reader in readers)
        lines.append(f"      bench.events.Event{number}: {{subscribers: [{subscribers}]}}\n")
        is_proto = number % 4 == 3
        file = events / f"Event{number}.{'proto' if is_proto else 'avsc'}"
        file.write_text((proto if is_proto else avro)(f"Event{number}"))
        files.append(file)
    (folder / "ownership.yaml").write_text("".join(lines))
    return files


def change(file: Path) -> None:
    """An optional field more."""
    text = file.read_text()
    if file.suffix == ".proto":
        file.write_text(text.replace("}\n", "  string added = 90;\n}\n"))
    else:
        added = '    {"name": "added", "type": ["null", "string"], "default": null},\n'
        file.write_text(text.replace('    {"name": "author"', f'{added}    {{"name": "author"'))


@contextmanager
def timed(label: str, rows: list[tuple[str, float]]) -> Iterator[None]:
    """Note how long a part takes."""
    start = perf_counter()
    yield
    rows.append((label, perf_counter() - start))


def main(folder: Path) -> None:
    """Run one check part by part, and print what each part took."""
    rows: list[tuple[str, float]] = []
    with timed("imports", rows):
        from registry.catalog import Shelf, layout_of, read_catalog
        from registry.change import Reader, find_changes
        from registry.check import Options, judge, read_snapshots
        from registry.git import open_repo
        from registry.render import render
    options = Options(against="main")
    with timed("find the repository, list both revisions", rows):
        repo = open_repo(folder)
        base, head = read_snapshots(repo, layout_of("contracts"), options, os.environ)
    with timed("read what was learned in earlier runs", rows):
        shelf = Shelf(repo, os.environ)
    with timed("catalog of the base (ownership.yaml, names, versions)", rows):
        before = read_catalog(shelf, base, layout_of("contracts"))
    with timed("catalog of the head", rows):
        after = read_catalog(shelf, head, layout_of("contracts"))
    reader = Reader(shelf)
    with timed("parse what changed", rows):
        find_changes(reader, before, after)
    with timed("judge it", rows):
        report = judge(reader, before, after, options, date.today())
    with timed("render", rows):
        render(report, "text")
    repo.close()
    for label, seconds in rows:
        print(f"  {seconds * 1000:6.1f} ms  {label}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
