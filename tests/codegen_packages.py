"""Stubs of made-up Avro events, without a repository: planned, written, imported, checked by their users' tools."""

import importlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from registry.codegen import StubPlan, StubVersion, render_package
from registry.codegen.module import render_module
from registry.errors import Flaw, InvalidSchema
from registry.formats.avro import parse

Json = dict[str, Any]

ENVELOPE_FIELDS = ({"name": "correlation_id", "type": "string"}, {"name": "schema_version", "type": "int"})
PATHS = {role: (role,) for role in ("correlation_id", "schema_version", "event_id", "occurred_at", "causation_id")}


def field(name: str, type_: object, **rest: object) -> Json:
    """A field of a record."""
    return {"name": name, "type": type_, **rest}


def record(name: str, *fields: Json, **rest: object) -> Json:
    """A record."""
    return {"type": "record", "name": name, "fields": list(fields), **rest}


def event(name: str, *fields: Json, **rest: object) -> Json:
    """A record with the envelope, in the namespace ``shop``."""
    return record(name, *ENVELOPE_FIELDS, *fields, **{"namespace": "shop", **rest})


def plan_of(
    *schemas: Json,
    paths: Mapping[str, tuple[str, ...]] = PATHS,
    reads: tuple[int, ...] | None = None,
    writes: tuple[int, ...] | None = None,
    service: str = "orders",
    files: Mapping[str, str] = {},
    others: Mapping[int, int] = {},
) -> StubPlan:
    """Versions 1, 2, … of one event; all are read and written where nothing else is said."""
    name = f"{schemas[0]['namespace']}.{schemas[0]['name']}"
    versions = []
    for number, schema in enumerate(schemas, 1):
        texts = {**files, "event.avsc": json.dumps(schema, indent=1, ensure_ascii=False)}
        parsed = parse(texts, ["event.avsc"], name, strict=False)
        known = {each["name"] for each in schema["fields"]}
        envelope = {role: path for role, path in paths.items() if path[0] in known}
        versions.append(StubVersion(number, 1000 + number, f"guid-{number}", "event.avsc", texts, parsed, envelope))
    numbers = tuple(version.number for version in versions)
    return StubPlan(
        event=name,
        language="avro",
        service=service,
        owner="orders",
        contact="team shop, #team-shop",
        topic="shop.orders",
        key="",
        reads=numbers if reads is None else reads,
        writes=numbers if writes is None else writes,
        versions=tuple(versions),
        others=others,
    )


def module_of(*schemas: Json, **rest: Any) -> str:
    """The text of an event's module."""
    module = render_module(plan_of(*schemas, **rest))
    assert not module.flaws, [flaw.message for flaw in module.flaws]
    return module.text


def class_in(text: str, name: str) -> str:
    """The source of one class."""
    start = text.index(f"class {name}")
    return text[start:].partition("\n\n\n")[0]


def attributes_of(*fields: Json) -> list[str]:
    """The attributes that the fields of an event become, one line each."""
    lines = class_in(module_of(event("Placed", *fields)), "Placed:").split("\n")
    return [line.strip() for line in lines[lines.index("") + 1 :]] if "" in lines else []


def flaws_of(*schemas: Json, **rest: Any) -> list[Flaw]:
    """What keeps an event from having stubs."""
    try:
        render_package("orders", [plan_of(*schemas, **rest)])
    except InvalidSchema as error:
        return list(error.flaws)
    return []


def write_package(folder: Path, plans: Sequence[StubPlan], name: str = "events") -> Path:
    """The package on disk."""
    package = folder / name
    package.mkdir(parents=True)
    for path, text in render_package("orders", plans).items():
        (package / path).write_text(text, "utf-8")
    return package


@contextmanager
def imported(folder: Path, plans: Sequence[StubPlan]) -> Iterator[ModuleType]:
    """The package, imported as ``events`` and forgotten at the end."""
    write_package(folder, plans)
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        yield importlib.import_module("events")
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "events":
                del sys.modules[name]
