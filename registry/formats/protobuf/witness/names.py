"""What tells messages of two names apart: the URL that an ``Any`` carries. Their own bytes are the same."""

from collections.abc import Iterator

from registry.formats.mismatch import Mismatch
from registry.formats.protobuf.elements import package_of
from registry.formats.protobuf.reference import encode, make_chunk
from registry.formats.protobuf.smallest import Smallest
from registry.formats.protobuf.witness.shown import render_value
from registry.formats.witness import Witness
from registry.schema import Record, Ref, Schema

_HOST = "type.googleapis.com"


def show_name(mismatch: Mismatch) -> Witness:
    """An ``Any`` of the writer's message, which no reader unpacks into a message of another name."""
    pair = mismatch.pair
    for theirs, mine in _find_renamed(mismatch):
        value = Smallest(pair.writer, pair.reader).message(theirs, mine)
        url, held = f"{_HOST}/{theirs.name}", encode(pair.writer, theirs.name, value)
        data = make_chunk(1, url.encode()) + (make_chunk(2, held) if held else b"")  # google/protobuf/any.proto
        body = render_value(pair.writer, theirs.name, value)[1:-1]
        written = ", ".join(filter(None, (f'"@type": "{url}"', body)))
        failure = f"an Any of {url} is no {mine.name}"
        return Witness(pair.writer_label, pair.reader_label, data, f"{{{written}}}", failure=failure)
    reason = "the bytes are the same; the names of topics and types differ"
    return Witness(pair.writer_label, pair.reader_label, reason=reason)


def _find_renamed(mismatch: Mismatch) -> Iterator[tuple[Record, Record]]:
    """The messages (writer, reader) that a mismatch says were renamed: one, or those of a package."""
    pair = mismatch.pair
    mine, theirs = (_find_roots(schema) for schema in (pair.reader, pair.writer))
    if len(pair.reader.roots) == len(pair.writer.roots) == 1:
        yield from zip(theirs, mine, strict=False)
        return
    packages = [
        {package_of(type_) for type_ in schema.types.values() if type_.at.path == at.path}
        for schema, at in ((pair.writer, mismatch.writer), (pair.reader, mismatch.reader))
    ]
    for before in theirs:
        for after in mine:
            if before.at.pointer != after.at.pointer or before.name == after.name:
                continue
            if mismatch.writer.pointer not in ("", before.at.pointer):
                continue
            if package_of(before) in packages[0] and package_of(after) in packages[1]:
                yield before, after


def _find_roots(schema: Schema) -> list[Record]:
    found = (schema.types[root.name] for root in schema.roots if isinstance(root, Ref))
    return [type_ for type_ in found if isinstance(type_, Record)]
