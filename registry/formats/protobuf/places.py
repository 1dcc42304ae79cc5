"""Where the elements of a compiled file stand, found when somebody asks."""

from bisect import bisect_left
from collections.abc import Sequence

from registry.formats.protobuf.descriptors import Node, read_spans, step
from registry.source import Location, Position

ENUM_TYPE = "/features.enum_type"
"""Below an enum, the option that makes it open or closed; no value can have a name with a dot."""

TAB = 8
"""Columns between the tab stops of protoc's tokenizer."""


def count_characters(line: str, column: int) -> int:
    """The character, counted from 1, at a column that protoc counted in bytes with tab stops, from 0."""
    return bisect_left(_measure(line), column) + 1


def _measure(line: str) -> Sequence[int]:
    """The column, as protoc counts them, at which each character begins."""
    if line.isascii() and "\t" not in line:
        return range(len(line))
    columns = []
    reached = 0
    for character in line:
        columns.append(reached)
        reached += TAB - reached % TAB if character == "\t" else len(character.encode("utf-8", "surrogatepass"))
    return columns


def has_edition(at: Location) -> bool:
    """Whether the file of a place names an edition, in which reserved names are written without quotes."""
    places = getattr(at.find, "__self__", None)
    return isinstance(places, Places) and places.has_edition


class Places:
    """The positions in one file, by pointer: ``/Order``, ``/Order/amount``, ``/Order/amount/type``.

    A pointer names messages, enums, fields and enum values from the outside in, without the package; below a field
    stand ``type``, ``name`` and ``number``, below an enum value ``number``. Extensions stand under their message or
    at the top, by their short name. The empty pointer is the line of the package.
    """

    def __init__(self, text: str, data: bytes, file: Node) -> None:
        self._text = text
        self._data = data
        self._file = file
        self._positions: dict[str, Position] | None = None

    @property
    def has_edition(self) -> bool:
        """Whether the file names an edition."""
        return "edition" in self._file

    def find(self, pointer: str) -> Position:
        """The position of an element, or of the nearest one around it."""
        positions = self._known()
        if not pointer:
            return positions.get("", Position(1, 1))
        while pointer:
            if (position := positions.get(pointer)) is not None:
                return position
            pointer = pointer.rpartition("/")[0]
        return Position(1, 1)

    def _known(self) -> dict[str, Position]:
        if self._positions is None:
            self._positions = self._read()
        return self._positions

    def _read(self) -> dict[str, Position]:
        lines = self._text.removeprefix("\ufeff").split("\n")
        start, end = self._file.get("source_code_info", (0, 0))
        spans: dict[bytes, Position] = {}
        measured: dict[int, Sequence[int]] = {}  # a line may hold a whole file
        for path, line, column in read_spans(self._data, start, end):
            if path not in spans and line < len(lines):
                columns = measured[line] if line in measured else measured.setdefault(line, _measure(lines[line]))
                spans[path] = Position(line + 1, bisect_left(columns, column) + 1)
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
                put(pointer + ENUM_TYPE, here + b"\x03\x07\x02")
                for row, value in enumerate(enum.get("value", ())):
                    put(f"{pointer}/{value['name']}", here + b"\x02" + step(row))
                    put(f"{pointer}/{value['name']}/number", here + b"\x02" + step(row) + b"\x02")

        put("", b"\x02")
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
