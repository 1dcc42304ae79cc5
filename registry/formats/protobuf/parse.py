"""Files to the neutral tree, by way of protoc."""

from collections.abc import Iterator, Mapping, Sequence

from registry.errors import Flaw, InvalidSchema
from registry.formats.protobuf.compile import compile_files
from registry.formats.protobuf.descriptors import decode_files
from registry.formats.protobuf.elements import label, wire_of
from registry.formats.protobuf.tree import Tree, explain_unknown, find_reachable
from registry.schema import (
    Named,
    Record,
    Ref,
    Schema,
)
from registry.source import Location


def parse(
    files: Mapping[str, str],
    paths: Sequence[str],
    name: str | None = None,
    *,
    strict: bool = True,
    folder: str = "",
) -> Schema:
    """The schema of the message or enum ``name``, or of every one that the files at ``paths`` define, nested ones too.

    ``types`` holds what is reachable, each extension as a field of the message it extends if protoc saw it. Pointers
    are names without the package: ``/Order/amount``, and ``/Order/amount/type`` for its type. ``folder`` stands before
    each path in locations. protoc accepts no schema that a released version could not have; ``strict`` notes what no
    new one should have: a field that is required.

    Raises :class:`InvalidSchema` with a flaw for each error of protoc, or where ``name`` is not defined.
    """
    absent = [path for path in paths if path not in files]
    if absent or not paths:
        message = f"there is no file {absent[0]}" if absent else "no file was named"
        raise InvalidSchema([Flaw("missing-reference", message, Location(folder + absent[0] if absent else folder))])
    data, by_name = compile_files(files, paths, folder)
    tree = Tree(data)
    asked = set(paths)
    for node in decode_files(data):
        path = by_name.get(node["name"])
        if path is not None or node["name"].startswith("google/protobuf/"):  # and not the file that imports all
            tree.add_file(
                node, node["name"] if path is None else folder + path, files.get(path or "", ""), path in asked
            )
    tree.add_extensions()
    roots = tree.roots if name is None else [name]
    if name is not None and name not in tree.types:
        raise InvalidSchema([explain_unknown(name, folder + paths[0], tree.types)])
    types = find_reachable(roots, tree.types)
    notes = tuple(_find_required(types)) if strict else ()
    return Schema("protobuf", tuple(Ref(root, tree.types[root].at) for root in roots), types, notes, data)


def _find_required(types: Mapping[str, Named]) -> Iterator[Flaw]:
    for type_ in types.values():
        if not isinstance(type_, Record) or type_.name.startswith("google.protobuf."):
            continue
        for field in type_.fields:
            if wire_of(field).presence == "required":
                message = f"{label(field, type_)} is required, which can never be removed safely"
                yield Flaw("note", message, field.at, "make it optional, and let the code insist on it")
