"""Every pair of versions of every contract, written as the one and read as the other by the stubs: what came out.

Values are made from the writer's schema and written by the reference codec of its language; the owner's stubs read them
as each version, and write them as each version that may be active. :func:`render_matrix` makes a table of what was
seen, which docs/serde.md holds; ``python -m tests.serde_matrix`` writes it there.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from registry.formats import load_format
from registry.generation import Wish, read_plans, render_stubs
from registry.schema import Schema
from registry.serde import Bundle, BundledVersion, Serde
from registry.serde.errors import DecodeError, Unrepresentable
from tests.repo import Repository
from tests.serde_contracts import PINNED, STEPS

TOP: Final = Path(__file__).resolve().parent.parent
PAGE: Final = TOP / "docs" / "serde.md"
BEGIN: Final = "<!-- what came out: `python -m tests.serde_matrix` writes this -->\n"
END: Final = "<!-- what came out: end -->\n"
IDS: Final[Mapping[str, str]] = {
    "correlation_id": "6f1c0f0e-53d4-4b8e-9f56-0d5a5d7c9a01",
    "event_id": "b2c7d7a0-1d5e-4e0c-8f31-5f0f4d2b7c02",
}
BEYOND: Final = ("date", "time", "Timestamp")
"""Words of what is refused because Python has no date for it."""
MOST: Final = 300
"""Values of one version."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of one version: its bytes in a frame, and what the stubs read as that version."""

    data: bytes
    event: Any


@dataclass(slots=True)
class Outcome:
    """What became of the values of one version."""

    event: str
    path: str
    """``1, read as 2`` or ``2, published as 1``."""
    values: int = 0
    refused: int = 0
    notes: dict[str, None] = field(default_factory=dict)
    """Every difference that was seen, once."""

    @property
    def is_plain(self) -> bool:
        """Whether there is but one version in it."""
        first, *_, last = self.path.replace(",", "").split()
        return first == last

    def __str__(self) -> str:
        said = "; ".join(self.notes) or "the same"
        return f"{said} ({self.refused} of them)" if self.refused else said


def find_bundles(folder: Path) -> Iterator[Bundle]:
    """The bundles of every event of Playconnect, and of some made-up ones, as their owners' stubs carry them."""
    sys.path.insert(0, os.fspath(folder))
    try:
        for repository in (TOP, make_repository(folder / "made-up")):
            for service in find_owners(repository):
                package = f"stubs_of_{service.replace('-', '_')}"
                write_stubs(repository, service, folder / package)
                stubs = import_module(package)
                for name in sorted(each for each in stubs.__all__ if re.search(r"(?<!Async)Producer$", each)):
                    yield getattr(stubs, name).bundle()
    finally:
        sys.path.remove(os.fspath(folder))


def find_owners(repository: Path) -> list[str]:
    """The services that own something."""
    entities = yaml.safe_load((repository / "ownership.yaml").read_text("utf-8"))["entities"]
    return sorted({entity["owner"] for entity in entities.values()})


def make_repository(path: Path) -> Path:
    """The made-up contracts, released version by version."""
    repository = Repository(path)
    for files in STEPS:
        repository.write(dict(files))
        run_contracts(path, "release")
        repository.commit()
    repository.commit(files={"ownership.yaml": PINNED})
    return path


def write_stubs(repository: Path, service: str, folder: Path) -> None:
    """What `contracts gen` writes."""
    for name, text in render_stubs(read_plans(repository, Wish(service), {})).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def run_contracts(folder: Path, *arguments: str) -> None:
    """The command line, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.fspath(TOP), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "registry.cli", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"


def find_outcomes(bundle: Bundle) -> Iterator[Outcome]:
    """Each version read as each, then each object that is newer than the active version."""
    serde = Serde(bundle)
    known = {version.number: version for version in bundle.versions if version.event is not None}
    values = {number: list(find_values(bundle, serde, version)) for number, version in known.items()}
    for written in sorted(set(known) & {*bundle.reads, *bundle.writes}):
        for read in sorted(set(known) & set(bundle.reads)):
            yield _read(bundle, serde, known[read], values[written], written)
    for active in sorted(bundle.writes):
        writer = Serde(bundle, active=active)
        for number in sorted(set(known) & set(bundle.writes)):
            yield _publish(bundle, writer, known[active], values[number], number)


def find_values(bundle: Bundle, serde: Serde, version: BundledVersion) -> Iterator[Value]:
    """Values of a version, but for dates that Python has none for: those the stubs refuse to read."""
    schema = load_format(bundle.language).parse(version.files, [version.root], bundle.event, strict=False)
    for body in islice(_BODIES[bundle.language](schema, bundle.event, version), MOST):
        data = b"\0" + version.schema_id.to_bytes(4, "big") + body
        try:
            event, meta = serde.decode(data, (), version.event)
        except DecodeError as error:
            if not any(word in error.fact for word in BEYOND):
                raise
            continue
        assert (meta.correlation_id, meta.event_id) == (IDS["correlation_id"], IDS["event_id"])
        assert (meta.version, meta.schema_version) == (version.number, version.number)
        yield Value(data, event)


def _find_avro(schema: Schema, event: str, version: BundledVersion) -> Iterator[bytes]:
    from registry.formats.avro.reference import encode
    from registry.formats.avro.values import find_values as find

    for value in find(schema):
        assert isinstance(value, dict)
        yield encode(schema, {**value, **IDS, "schema_version": version.number})


def _find_protobuf(schema: Schema, event: str, version: BundledVersion) -> Iterator[bytes]:
    from registry.formats.protobuf.reference import encode
    from registry.formats.protobuf.values import find_values as find

    frame = bytes(_indexes(schema, event))
    for value in find(schema, event):
        yield frame + encode(schema, event, {**value, **IDS, "schema_version": version.number})


def _indexes(schema: Schema, event: str) -> Sequence[int]:
    """The message indexes of the frame; a message of a file's top level has one, and the first is a single zero."""
    index = _position(schema, event)
    return (0,) if index == 0 else (2, index * 2)


def _position(schema: Schema, event: str) -> int:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    for file in FileDescriptorSet.FromString(schema.descriptors).file:
        names = [f"{file.package}.{message.name}" for message in file.message_type]
        if event in names:
            return names.index(event)
    raise AssertionError(event)


_BODIES: Final[Mapping[str, Callable[[Schema, str, BundledVersion], Iterator[bytes]]]] = {
    "avro": _find_avro,
    "protobuf": _find_protobuf,
}


def _read(bundle: Bundle, serde: Serde, reader: BundledVersion, values: Sequence[Value], written: int) -> Outcome:
    outcome = Outcome(bundle.event, f"{written}, read as {reader.number}", len(values))
    for value in values:
        try:
            event, meta = serde.decode(value.data, (), reader.event)
        except (DecodeError, Unrepresentable) as error:
            outcome.refused += 1
            outcome.notes[f"refused: {error.fact} at `{error.path}`"] = None
            continue
        assert type(event) is reader.event
        assert (meta.version, meta.schema_version) == (written, written)
        outcome.notes |= dict.fromkeys(find_differences(value.event, event))
    return outcome


def _publish(bundle: Bundle, serde: Serde, active: BundledVersion, values: Sequence[Value], number: int) -> Outcome:
    """Objects of a version, published while another one is active, or the same."""
    outcome = Outcome(bundle.event, f"{number}, published as {active.number}", len(values))
    for value in values:
        _, meta = serde.decode(value.data, (), type(value.event))
        try:
            data, _ = serde.encode(value.event, meta)
        except Unrepresentable as error:
            outcome.refused += 1
            outcome.notes["refused: " + (f"{error.fact} at `{error.path}`" if error.path else error.fact)] = None
            continue
        event, read = serde.decode(data, (), active.event)
        assert (read.version, read.schema_version) == (active.number, active.number)
        if number == active.number and bundle.language == "avro":
            assert data == value.data  # the bytes of the reference codec; protobuf's maps may come in any order
        outcome.notes |= dict.fromkeys(find_differences(value.event, event))
    return outcome


def find_differences(before: object, after: object, path: str = "") -> Iterator[str]:
    """What one of two objects has and the other has not, in words; items of arrays and maps have one path."""
    if is_dataclass(before) and is_dataclass(after):
        had, has = ({each.name: getattr(both, each.name) for each in fields(both)} for both in (before, after))
        gone, come = ({name: one[name] for name in one if name not in other} for one, other in ((had, has), (has, had)))
        moved = {new: old for new in come for old in gone if come[new] == gone[old]}
        yield from (f"without `{path}/{name}`" for name in gone if name not in moved.values())
        yield from (f"`{path}/{old}` is at `{path}/{new}`" for new, old in moved.items())
        yield from (f"`{path}/{name}` is {_show(come[name])}" for name in come if name not in moved)
        for name in (name for name in has if name in had):
            yield from find_differences(had[name], has[name], f"{path}/{name}")
    elif isinstance(before, list | tuple) and isinstance(after, list | tuple) and len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            yield from find_differences(one, other, f"{path}[]")
    elif isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for key, value in before.items():
            yield from find_differences(value, after[key], f"{path}{{}}")
    elif _show(before) != _show(after):  # as text: a number that is none is not equal to itself
        yield f"`{path}` {_show(before)} is {_show(after)}"


def _show(value: object) -> str:
    return value.name if isinstance(value, Enum) else repr(value)


def render_matrix(outcomes: Sequence[Outcome]) -> str:
    """The table; that a version is published as itself goes without saying."""
    rows = ["| event | version | values | what came out |", "|---|---|--:|---|"]
    seen = ""
    for outcome in outcomes:
        if outcome.is_plain and "published" in outcome.path:
            continue
        name = "" if outcome.event == seen else f"`{outcome.event}`"
        rows.append(f"| {name} | {outcome.path} | {outcome.values} | {str(outcome).replace('|', chr(92) + '|')} |")
        seen = outcome.event
    return "\n".join(rows) + "\n"


def render_page(page: str, table: str) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"docs/serde.md has no place for the table: {BEGIN}"
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def find_all(folder: Path) -> list[Outcome]:
    """What came out of every pair of every contract."""
    return [outcome for bundle in find_bundles(folder) for outcome in find_outcomes(bundle)]


def main() -> None:
    """Write the table into docs/serde.md."""
    with TemporaryDirectory() as folder:
        table = render_matrix(find_all(Path(folder)))
    PAGE.write_text(render_page(PAGE.read_text("utf-8"), table), "utf-8")


if __name__ == "__main__":
    main()
