"""Where the elements of a compiled file stand, found when somebody asks."""

from registry.formats.protobuf.descriptors import Node, read_spans, step
from registry.source import Position

TAB = 8
"""Columns between the tab stops of protoc's tokenizer."""


def count_characters(line: str, column: int) -> int:
    """The character, counted from 1, at a column that protoc counted in bytes with tab stops, from 0."""
    reached = 0
    for index, character in enumerate(line):
        if reached >= column:
            return index + 1
        reached += TAB - reached % TAB if character == "\t" else len(character.encode("utf-8", "surrogatepass"))
    return len(line) + 1


class Places:
    """The positions in one file, by pointer: ``/Order``, ``/Order/amount``, ``/Order/amount/type``.

    A pointer names messages, enums, fields and enum values from the outside in, without the package; below a field
    stand ``type``, ``name`` and ``number``, below an enum value ``number``. Extensions stand under their message or
    at the top, by their short name.
    """

    def __init__(self, text: str, data: bytes, file: Node) -> None:
        self._text = text
        self._data = data
        self._file = file
        self._positions: dict[str, Position] | None = None

    def find(self, pointer: str) -> Position:
        """The position of an element, or of the nearest one around it."""
        if self._positions is None:
            self._positions = self._read()
        while pointer:
            if (position := self._positions.get(pointer)) is not None:
                return position
            pointer = pointer.rpartition("/")[0]
        return Position(1, 1)

    def _read(self) -> dict[str, Position]:
        lines = self._text.removeprefix("\ufeff").split("\n")
        start, end = self._file.get("source_code_info", (0, 0))
        spans: dict[bytes, Position] = {}
        for path, line, column in read_spans(self._data, start, end):
            if path not in spans and line < len(lines):
                spans[path] = Position(line + 1, count_characters(lines[line], column))
        positions: dict[str, Position] = {}

        def put(pointer: str, path: bytes) -> None:
            if (position := spans.get(path)) is not None:
                positions[pointer] = position

        def put_fields(fields: list[Node], prefix: str, path: bytes) -> None:
            for index, field in enumerate(fields):
                pointer, here = f"{prefix}/{field['name']}", path + step(index)
                put(pointer, here)
                put(f"{pointer}/name", here + b"\x01")
                put(f"{pointer}/number", here + b"\x03")
                # 6 is type_name, 5 the type of a scalar; a group has both, and the word ``group`` comes first.
                put(f"{pointer}/type", here + (b"\x06" if here + b"\x06" in spans else b"\x05"))

        def put_enums(enums: list[Node], prefix: str, path: bytes) -> None:
            for index, enum in enumerate(enums):
                pointer, here = f"{prefix}/{enum['name']}", path + step(index)
                put(pointer, here)
                for row, value in enumerate(enum.get("value", ())):
                    put(f"{pointer}/{value['name']}", here + b"\x02" + step(row))
                    put(f"{pointer}/{value['name']}/number", here + b"\x02" + step(row) + b"\x02")

        put_enums(self._file.get("enum_type", []), "", b"\x05")
        put_fields(self._file.get("extension", []), "", b"\x07")
        messages = [("", b"\x04", self._file.get("message_type", []))]
        while messages:
            prefix, path, nodes = messages.pop()
            for index, node in enumerate(nodes):
                pointer, here = f"{prefix}/{node['name']}", path + step(index)
                put(pointer, here)
                put_fields(node.get("field", []), pointer, here + b"\x02")
                put_fields(node.get("extension", []), pointer, here + b"\x06")
                put_enums(node.get("enum_type", []), pointer, here + b"\x04")
                for row, oneof in enumerate(node.get("oneof_decl", ())):
                    put(f"{pointer}/{oneof['name']}", here + b"\x08" + step(row))
                messages.append((pointer, here + b"\x03", node.get("nested_type", [])))
        return positions
