"""What reads what was written (Avro 1.12, "Schema Resolution"): which branch, which name, which field.

This is known before a byte of the value is read.
"""

from collections.abc import Iterator, Mapping

from registry.formats.avro.names import short_name
from registry.formats.avro.scalars import PROMOTIONS
from registry.formats.avro.unions import Branches
from registry.schema import Array, Enum, Field, Fixed, Map, Named, Primitive, Record, Type, Union

Plain = Primitive | Array | Map | Named
"""A type without a reference or a union around it."""


class Chooser:
    """The branches of a reader's unions; each union is looked through once."""

    __slots__ = ("_branches", "_types")

    def __init__(self, types: Mapping[str, Named]) -> None:
        self._types = types
        self._branches: dict[int, Branches] = {}

    def choose(self, union: Union, writer: Plain) -> tuple[Type, ...]:
        """ "if reader's is a union": the branch that matches; the specification takes the first, we the best.

        None where no branch matches, several where a name cannot tell them apart.
        """
        branches = self._branches.get(id(union))
        if branches is None:
            branches = self._branches[id(union)] = Branches(union, self._types)
        return branches.choose(writer)

    def choose_one(self, union: Union, writer: Plain) -> Type | None:
        """The branch that reads, where there is just one."""
        chosen = self.choose(union, writer)
        return chosen[0] if len(chosen) == 1 else None


def are_matching(reader: Plain, writer: Plain) -> bool:
    """ "It is an error if two schemas do not match"; what they hold is another question.

    The specification compares short names; a reader's alias is a full one.
    """
    if isinstance(reader, Primitive) and isinstance(writer, Primitive):
        return reader.name == writer.name or reader.name in PROMOTIONS.get(writer.name, {})
    if type(reader) is not type(writer):
        return False
    if not isinstance(reader, Record | Enum | Fixed) or not isinstance(writer, Record | Enum | Fixed):
        return True
    if isinstance(reader, Fixed) and isinstance(writer, Fixed) and reader.size != writer.size:
        return False
    return short_name(reader.name) == short_name(writer.name) or writer.name in reader.aliases


def find_takers(reader: Record, writer: Record) -> dict[str, Field]:
    """Each field of the writer that is read, by name, with the reader's field that takes it: by name or alias."""
    written = {field.name for field in writer.fields}
    takers: dict[str, Field] = {}
    for field in reader.fields:
        source = next((name for name in (field.name, *field.aliases) if name in written), None)
        if source is not None:
            takers.setdefault(source, field)
    return takers


def find_untaken(reader: Record, takers: Mapping[str, Field]) -> Iterator[Field]:
    """The fields of a reader that take none of the writer's, and have their default."""
    taking = {field.name for field in takers.values()}
    yield from (field for field in reader.fields if field.name not in taking)
