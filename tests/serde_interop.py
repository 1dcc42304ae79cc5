"""Confluent's own serializers beside this project's: an offline registry with released versions under their ids."""

import base64
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from confluent_kafka.schema_registry import (
    RegisteredSchema,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    record_subject_name_strategy,
)
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from registry.formats import avro
from registry.generation import Wish, read_plans, render_stubs
from registry.serde import Bundle, BundledVersion, Meta, Serde

TOP = Path(__file__).resolve().parent.parent
CONF: Mapping[str, object] = {"subject.name.strategy": record_subject_name_strategy}
WRITING: Mapping[str, object] = {**CONF, "auto.register.schemas": False}
MOST = 60
"""Values of one version."""


class OfflineRegistry(SchemaRegistryClient):
    """Schemas under the ids and GUIDs that `contracts release` gave them; it answers what the serializers ask."""

    def __init__(self) -> None:
        super().__init__({"url": "http://offline.invalid"})
        self.held: list[RegisteredSchema] = []

    def get_schema(self, schema_id: int, *_more: object, **_others: object) -> Schema:
        return next(each.schema for each in self.held if each.schema_id == schema_id)

    def get_schema_by_guid(self, guid: str, *_more: object, **_others: object) -> Schema:
        return next(each.schema for each in self.held if each.guid == guid)

    def get_version(self, subject_name: str, version: object = None, *_more: object, **_o: object) -> RegisteredSchema:
        return next(each for each in self.held if (each.subject, each.version) == (subject_name, version))

    def lookup_schema(self, subject_name: str, schema: Schema, *_more: object, **_others: object) -> RegisteredSchema:
        return next(each for each in self.held if (each.subject, each.schema) == (subject_name, schema))

    def put(self, subject: str, schema: Schema, version: int, schema_id: int = 0, guid: str = "") -> None:
        """A schema as the version of a subject; one that is only referred to has an id of no meaning."""
        number = schema_id or (1 << 31) + len(self.held)
        guid = guid or f"00000000-0000-0000-0000-{number:012}"
        self.held.append(RegisteredSchema(schema_id=number, guid=guid, schema=schema, subject=subject, version=version))

    def put_version(self, bundle: Bundle, version: BundledVersion) -> Schema:
        """A released version with all it refers to; the schema is what a serializer is given."""
        schema = _SCHEMAS[bundle.language](self, bundle.event, version)
        self.put(bundle.event, schema, version.number, version.schema_id, version.guid)
        return schema


def make_registry(bundle: Bundle) -> tuple[OfflineRegistry, dict[int, Schema]]:
    """A registry with every version of a bundle, and what each is registered as."""
    registry = OfflineRegistry()
    return registry, {version.number: registry.put_version(bundle, version) for version in bundle.versions}


def _avro_schema(registry: OfflineRegistry, event: str, version: BundledVersion) -> Schema:
    """A file refers to others by full name; each is a subject of its own, as Confluent's tools would have it."""
    outlines = {path: avro.outline(text, path) for path, text in version.files.items()}
    homes = {name: path for path, found in outlines.items() for name in found.defines}
    made: dict[str, Schema] = {}

    def make(path: str) -> Schema:
        if path not in made:
            references = []
            for name in outlines[path].refers:
                if name in homes and homes[name] != path:
                    subject = f"{event}-{version.number}-{name}"
                    registry.put(subject, make(homes[name]), 1)
                    references.append(SchemaReference(name, subject, 1))
            made[path] = Schema(version.files[path], "AVRO", references)
        return made[path]

    return make(version.root)


def _protobuf_schema(registry: OfflineRegistry, event: str, version: BundledVersion) -> Schema:
    """A file refers to others by path, and is kept as its descriptor."""
    made: dict[str, Schema] = {}
    for file in FileDescriptorSet.FromString(version.descriptors).file:
        references = [
            SchemaReference(name, f"{event}-{version.number}-{name}", 1)
            for name in file.dependency
            if not name.startswith("google/")
        ]
        made[file.name] = Schema(base64.b64encode(file.SerializeToString()).decode(), "PROTOBUF", references)
        registry.put(f"{event}-{version.number}-{file.name}", made[file.name], 1)
    return made[version.root]


_SCHEMAS: Mapping[str, Callable[[OfflineRegistry, str, BundledVersion], Schema]] = {
    "avro": _avro_schema,
    "protobuf": _protobuf_schema,
}


def context(headers: object = None) -> SerializationContext:
    """What Confluent's clients hand to a serializer: headers are a list that it adds to."""
    return SerializationContext("topic", MessageField.VALUE, [] if headers is None else headers)


def import_bundles(folder: Path, service: str) -> list[Bundle]:
    """The bundles of what a service of Playconnect owns, as `contracts gen` writes them."""
    package = f"interop_{service.replace('-', '_')}"
    for name, text in render_stubs(read_plans(TOP, Wish(service), {})).items():
        path = folder / package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    sys.path.insert(0, os.fspath(folder))
    try:
        stubs = import_module(package)
        producers = [getattr(stubs, name) for name in stubs.__all__ if name.endswith("Producer")]
        return [producer.bundle() for producer in producers]
    finally:
        sys.path.remove(os.fspath(folder))


def find_events(bundle: Bundle, version: BundledVersion) -> Iterator[tuple[Any, Meta]]:
    """Events of a version with their envelopes, as its stubs read what the reference codec wrote."""
    from tests.serde_matrix import find_values

    serde = Serde(bundle)
    for value in islice(find_values(bundle, serde, version), MOST):
        yield serde.decode(value.data, (), version.event)
