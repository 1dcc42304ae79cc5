"""Comments of .proto files, which become docstrings."""

from collections.abc import Iterator, Mapping
from typing import Final

from registry.formats.protobuf.descriptors import Node, decode_files, step
from registry.formats.protobuf.reference.chunks import make_chunk, make_field, split_fields

_PATH, _LEADING, _TRAILING = 1, 3, 4
"""Fields of SourceCodeInfo.Location (google/protobuf/descriptor.proto)."""
_SOURCE: Final = 9
"""The field of a file that holds positions and comments: most of its bytes, and of no use in production."""


def strip_sources(descriptors: bytes) -> bytes:
    """The same FileDescriptorSet without positions and comments."""
    return b"".join(
        make_chunk(1, b"".join(make_field(*each) for each in split_fields(file) if each[0] != _SOURCE))
        for _, _, file in split_fields(descriptors)
    )


def find_comments(descriptors: bytes) -> Mapping[str, str]:
    """Full name -> comment, of messages, fields, oneofs, enums and their values (``pkg.Enum.VALUE``).

    What stands before an element counts; where nothing does, what stands behind it on its line. Comments of the
    well-known types are none of the user's.
    """
    found: dict[str, str] = {}
    for file in decode_files(descriptors):
        if "source_code_info" not in file or file["name"].startswith("google/protobuf/"):
            continue
        start, end = file["source_code_info"]
        comments = _read_comments(descriptors[start:end])
        if comments:
            found |= {name: comments[path] for name, path in _find_paths(file) if path in comments}
    return found


def _read_comments(sources: bytes) -> dict[bytes, str]:
    comments: dict[bytes, str] = {}
    for _, _, location in split_fields(sources):
        parts = {number: data for number, _, data in split_fields(location)}
        if text := _clean(parts.get(_LEADING, b"")) or _clean(parts.get(_TRAILING, b"")):
            comments[parts.get(_PATH, b"")] = text
    return comments


def _clean(comment: bytes) -> str:
    """Without the space that follows the slashes; what is indented further stays so."""
    if not comment:
        return ""
    lines = [line.removeprefix(" ").rstrip() for line in comment.decode("utf-8", "replace").strip("\n").splitlines()]
    return "\n".join(lines).strip()


def _find_paths(file: Node) -> Iterator[tuple[str, bytes]]:
    """Each element with its path in the source info: numbers of fields in descriptor.proto, and positions."""
    prefix = f"{file['package']}." if file.get("package") else ""
    yield from _find_enum_paths(file, prefix, b"\x05")
    waiting = [
        (f"{prefix}{node['name']}", b"\x04" + step(index), node)
        for index, node in enumerate(file.get("message_type", ()))
    ]
    while waiting:
        name, path, node = waiting.pop()
        yield name, path
        for key, number in (("field", b"\x02"), ("oneof_decl", b"\x08")):
            for index, each in enumerate(node.get(key, ())):
                yield f"{name}.{each['name']}", path + number + step(index)
        yield from _find_enum_paths(node, f"{name}.", path + b"\x04")
        for index, each in enumerate(node.get("nested_type", ())):
            waiting.append((f"{name}.{each['name']}", path + b"\x03" + step(index), each))


def _find_enum_paths(node: Node, prefix: str, path: bytes) -> Iterator[tuple[str, bytes]]:
    for index, enum in enumerate(node.get("enum_type", ())):
        here = path + step(index)
        yield f"{prefix}{enum['name']}", here
        for position, value in enumerate(enum["value"]):
            yield f"{prefix}{enum['name']}.{value['name']}", here + b"\x02" + step(position)
