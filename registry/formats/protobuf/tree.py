"""Descriptors to the neutral tree. Nothing here asks protoc: services read the descriptors of their stubs."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from registry.errors import Flaw, InvalidSchema
from registry.formats.protobuf.descriptors import Node, decode_files, read_comments, step
from registry.formats.protobuf.features import (
    CLOSED,
    DELIMITED,
    EXPLICIT,
    IMPLICIT,
    LEGACY_REQUIRED,
    PACKED,
    VERIFY,
    Features,
    file_features,
    inherit,
)
from registry.formats.protobuf.places import Places
from registry.formats.protobuf.scalars import LENGTH, SCALARS, TYPE_ENUM, TYPE_GROUP, TYPE_MESSAGE, TYPE_NAMES
from registry.schema import (
    MISSING,
    Array,
    Enum,
    Field,
    Map,
    Named,
    Primitive,
    Record,
    Ref,
    Reserved,
    Schema,
    Symbol,
    Wire,
)
from registry.schema import Type as SchemaType
from registry.source import Location

_REPEATED, _REQUIRED = 3, 2
_PRESENCE: Final = {EXPLICIT: "explicit", IMPLICIT: "implicit", LEGACY_REQUIRED: "required"}


def parse_descriptors(data: bytes, name: str) -> Schema:
    """The schema of a message from a FileDescriptorSet, as stubs carry it: protoc is not asked.

    Raises :class:`InvalidSchema` where it is not defined there, or where its edition is newer than this tool.
    """
    tree = Tree(data)
    for node in decode_files(data):
        tree.add_file(node, node["name"], "", False)
    tree.add_extensions()
    if name not in tree.types:
        raise InvalidSchema([explain_unknown(name, "", tree.types)])
    root = Ref(name, tree.types[name].at)
    return Schema("protobuf", (root,), find_reachable([name], tree.types), (), data)


def explain_unknown(name: str, path: str, types: Mapping[str, Named]) -> Flaw:
    """The flaw of a root that no file defines, with the name that was probably meant."""
    import difflib

    last = name.rpartition(".")[2]
    near = [known for known in types if known.rpartition(".")[2] == last]
    near = near or difflib.get_close_matches(name[:200], list(types)[:1000], 1)
    help_ = f"did you mean {near[0]}?" if near else "define it, or correct the name"
    return Flaw("missing-reference", f"no message or enum {name} is defined here", Location(path), help_)


def find_reachable(roots: Sequence[str], types: Mapping[str, Named]) -> Mapping[str, Named]:
    """The types that the roots need, by name, themselves among them."""
    found: dict[str, Named] = {}
    waiting = list(reversed(roots))
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        type_ = found[name] = types[name]
        if isinstance(type_, Record):
            waiting.extend(ref.name for ref in _find_refs(type_) if ref.name not in found)
    return MappingProxyType(found)


def _find_refs(record: Record) -> Iterator[Ref]:
    for field in record.fields:
        type_ = field.type
        if isinstance(type_, Array):
            type_ = type_.items
        elif isinstance(type_, Map):
            type_ = type_.values
        if isinstance(type_, Ref):
            yield type_


class Tree:
    """The types of all files so far. Map entries and extensions are set aside, because others may stand before them."""

    def __init__(self, data: bytes) -> None:
        self.types: dict[str, Named] = {}
        self.roots: list[str] = []
        self._data = data
        self._entries: dict[str, tuple[Node, Features]] = {}
        self._extensions: dict[str, list[tuple[str, Field]]] = {}

    def add_file(self, file: Node, path: str, text: str, rooted: bool) -> None:
        """Take every message and enum of a file; as roots, if it was asked for."""
        places = Places(text, self._data, file)
        top = Location(path, "", places.find)
        comments = read_comments(self._data, *file.get("source_code_info", (0, 0)))
        package = file.get("package", "")
        features = file_features(file)
        if features is None:
            message = "the edition of the file is newer than this tool; the newest it knows is 2024"
            raise InvalidSchema([Flaw("invalid", message, top, 'write edition = "2024"; or update the tool')])
        reader = _FileReader(self, comments, rooted)
        prefix = f"{package}." if package else ""
        reader.add_extensions(file.get("extension", ()), prefix, top, b"\x07", features)
        # An explicit stack, although protoc refuses deep nesting itself.
        waiting = [
            (node, prefix, top, b"\x04" + step(index), features)
            for index, node in reversed(list(enumerate(file.get("message_type", ()))))
        ]
        while waiting:
            waiting.extend(reader.add_message(*waiting.pop()))
        for index, node in enumerate(file.get("enum_type", ())):
            reader.add_enum(node, prefix, top, b"\x05" + step(index), features)

    def take_extension(self, extendee: str, full_name: str, field: Field) -> None:
        """Keep a field for the message that it extends."""
        self._extensions.setdefault(extendee, []).append((full_name, field))

    def take_entry(self, name: str, node: Node, features: Features) -> None:
        """Keep the message that protoc makes for a map."""
        self._entries[name] = (node, features)

    def entry(self, name: str) -> tuple[Node, Features] | None:
        """The two fields of a map, if ``name`` is the message that protoc makes for one."""
        return self._entries.get(name)

    def add_extensions(self) -> None:
        """Give each extension to the message it extends."""
        for extendee, extensions in self._extensions.items():
            record = self.types.get(extendee)
            if isinstance(record, Record):
                fields = sorted(
                    (field for _, field in extensions), key=lambda field: field.wire.number if field.wire else 0
                )
                self.types[extendee] = Record(
                    record.name,
                    record.fields + tuple(fields),
                    record.at,
                    doc=record.doc,
                    reserved=record.reserved,
                    extension_ranges=record.extension_ranges,
                    message_set=record.message_set,
                )


class _FileReader:
    """Makes the types of one file."""

    def __init__(self, tree: Tree, comments: Mapping[bytes, str], rooted: bool) -> None:
        self._tree = tree
        self._comments = comments
        self._rooted = rooted

    def _doc(self, path: bytes) -> str:
        comment = self._comments.get(path)
        return "\n".join(line.strip() for line in comment.strip().splitlines()) if comment else ""

    def _add(self, type_: Named) -> None:
        self._tree.types[type_.name] = type_
        if self._rooted:
            self._tree.roots.append(type_.name)

    def add_enum(self, node: Node, prefix: str, around: Location, path: bytes, outer: Features) -> None:
        """Take an enum."""
        at = _below(around, node["name"])
        symbols = tuple(
            Symbol(value["name"], value.get("number", 0), _below(at, value["name"])) for value in node["value"]
        )
        ranges = tuple((each.get("start", 0), each.get("end", 0)) for each in node.get("reserved_range", ()))
        self._add(
            Enum(
                prefix + node["name"],
                symbols,
                at,
                doc=self._doc(path),
                closed=inherit(outer, node).enum_type == CLOSED,
                reserved=Reserved(ranges, frozenset(node.get("reserved_name", ()))),
            )
        )

    def add_message(
        self, node: Node, prefix: str, around: Location, path: bytes, outer: Features
    ) -> list[tuple[Node, str, Location, bytes, Features]]:
        """Take a message with its enums and extensions; its nested messages are given back, last one first."""
        features = inherit(outer, node)
        name, at = prefix + node["name"], _below(around, node["name"])
        scope = f"{name}."
        nested = []
        for index, child in enumerate(node.get("nested_type", ())):
            if child.get("options", {}).get("map_entry"):
                self._tree.take_entry(scope + child["name"], child, features)
            else:
                nested.append((child, scope, at, path + b"\x03" + step(index), features))
        oneofs = node.get("oneof_decl", [])
        fields = tuple(
            self._field(field, at, path + b"\x02" + step(index), features, oneofs=oneofs)
            for index, field in enumerate(node.get("field", ()))
        )
        self._add(
            Record(
                name,
                fields,
                at,
                doc=self._doc(path),
                reserved=Reserved(_ranges(node, "reserved_range"), frozenset(node.get("reserved_name", ()))),
                extension_ranges=_ranges(node, "extension_range"),
                message_set=bool(node.get("options", {}).get("message_set_wire_format")),
            )
        )
        for index, enum in enumerate(node.get("enum_type", ())):
            self.add_enum(enum, scope, at, path + b"\x04" + step(index), features)
        self.add_extensions(node.get("extension", ()), scope, at, path + b"\x06", features)
        return nested[::-1]

    def add_extensions(
        self, nodes: Sequence[Node], prefix: str, around: Location, path: bytes, outer: Features
    ) -> None:
        """Take the fields that ``extend`` blocks declare; their name is the full one."""
        for index, node in enumerate(nodes):
            field = self._field(node, around, path + step(index), outer, extends=prefix)
            self._tree.take_extension(node["extendee"].removeprefix("."), prefix + node["name"], field)

    def _field(
        self,
        node: Node,
        around: Location,
        path: bytes,
        outer: Features,
        *,
        oneofs: Sequence[Node] = (),
        extends: str | None = None,
    ) -> Field:
        at = _below(around, node["name"])
        index = node.get("oneof_index")
        if index is not None:
            outer = inherit(outer, oneofs[index])
        options = node.get("options", {})
        features = inherit(outer, node)
        kind = node["type"]
        repeated = node.get("label") == _REPEATED
        delimited = kind == TYPE_GROUP or (kind == TYPE_MESSAGE and features.message_encoding == DELIMITED)
        single = self._type(node, _below(at, "type"))
        type_: SchemaType = single
        entry = self._tree.entry(single.name) if isinstance(single, Ref) and repeated else None
        verifies = kind == 9 and features.utf8_validation == VERIFY
        packed = False
        if entry is not None:
            type_, verifies = self._map(entry, single.at)
            delimited = False
        elif repeated:
            packed = kind == TYPE_ENUM or (kind in TYPE_NAMES and SCALARS[TYPE_NAMES[kind]].wire != LENGTH)
            packed = packed and bool(options.get("packed", features.repeated_field_encoding == PACKED))
            type_ = Array(single, single.at)
        presence = _PRESENCE[features.field_presence]
        if node.get("label") == _REQUIRED:
            presence = "required"
        elif presence == "implicit" and (
            index is not None or extends is not None or kind in (TYPE_MESSAGE, TYPE_GROUP) or "proto3_optional" in node
        ):
            presence = "explicit"
        wire = Wire(
            node["number"],
            "repeated" if repeated else presence,
            packed,
            delimited,
            verifies,
            None if index is None or node.get("proto3_optional") else oneofs[index]["name"],
            node.get("json_name", ""),
            extends is not None,
            bool(options.get("deprecated")),
        )
        default = node.get("default_value", MISSING)
        return Field((extends or "") + node["name"], type_, at, default, doc=self._doc(path), wire=wire)

    def _type(self, node: Node, at: Location) -> Primitive | Ref:
        kind = node["type"]
        return Primitive(TYPE_NAMES[kind], at) if kind in TYPE_NAMES else Ref(node["type_name"].removeprefix("."), at)

    def _map(self, entry: tuple[Node, Features], at: Location) -> tuple[Map, bool]:
        key, value = sorted(entry[0]["field"], key=lambda field: int(field["number"]))
        keys = Primitive(TYPE_NAMES[key["type"]], at)
        verifies = any(
            field["type"] == 9 and inherit(inherit(entry[1], entry[0]), field).utf8_validation == VERIFY
            for field in (key, value)
        )
        values: SchemaType = self._type(value, at)
        return Map(values, at, keys), verifies


def _below(around: Location, name: str) -> Location:
    return Location(around.path, f"{around.pointer}/{name}", around.find)


def _ranges(node: Node, key: str) -> tuple[tuple[int, int], ...]:
    """Ranges with both ends; the descriptors of messages leave the last number out."""
    return tuple((each.get("start", 0), each.get("end", 0) - 1) for each in node.get(key, ()))
