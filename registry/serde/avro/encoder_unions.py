"""What the source of an encoder says for a union: which branch takes a value, by its class.

A class that one branch alone takes leads there at once. Where several might (two fixed, two records of which both are
dicts), or it is none of those known (an ``IntEnum``), :mod:`registry.serde.avro.explain_value` tries one after the
other.
"""

from collections.abc import Callable, Sequence
from typing import Final

from registry.frozen import replace
from registry.schema import Record, Type, Union
from registry.serde.avro.encoder_source import Body, Piece, Value, join_all
from registry.serde.avro.python_types import find_classes
from registry.serde.avro.roles import Roles
from registry.serde.avro.varints import write_long

_MOST_TESTS: Final = 6
"""Branches that are asked for one after the other; more are looked up."""
_MOST_PIECES: Final = 4
"""Pieces of a branch that are not joined at once."""

WriteType = Callable[[Body, Type, Value], list[Piece]]
_Case = tuple[int, tuple[type, ...]]
"""The index of a branch, and the classes that lead to it."""


def write_union(body: Body, union: Union, value: Value, write_type: WriteType) -> list[Piece]:
    """The lines for a value of a union, and its pieces."""
    if not value.expression:
        index = next(i for i, branch in enumerate(union.branches) if _is_envelope(body, branch, value.roles))
        return [Piece(constant=write_long(index)), *write_type(body, union.branches[index], value)]
    held = body.hold(value.expression)
    cases, are_shared = _find_cases(body, union, value.role)
    in_envelope = bool(value.roles or value.role)
    other = ""
    is_open = are_shared or sum(classes != (type(None),) for _, classes in cases) > 1
    if is_open and not in_envelope:
        union_name = body.source.bind("union", id(union), union)
        other = f"careful({union_name}, {held}, {body.depth})"
    if len(cases) > _MOST_TESTS and not in_envelope:
        return _look_up(body, union, held, cases, other)
    blocks = []
    for (index, _), header in zip(cases, _find_headers(body, held, cases, is_open=is_open), strict=True):
        is_null = header == f"if {held} is None:"
        with body.block() as lines:
            pieces = [] if is_null else write_type(body, union.branches[index], replace(value, expression=held))
            joined = body.source.join([Piece(constant=write_long(index)), *pieces])
        blocks.append((header, lines, joined if len(joined) <= _MOST_PIECES else [join_all(joined)]))
    if other and blocks:
        blocks.append(("else:", [], [other]))
    elif other:
        return [Piece(other)]
    elif is_open or not blocks:
        with body.block() as lines:
            body.add("raise Refused")
        blocks.append(("else:" if blocks else "if True:", lines, []))
    return _write_blocks(body, blocks)


def _is_envelope(body: Body, branch: Type, roles: Roles) -> bool:
    """Whether a branch is the record with the envelope's fields."""
    record = body.source.schema.resolve(branch)
    first = {path[0] for _, path in roles}
    return isinstance(record, Record) and bool(first & {field.name for field in record.fields})


def _find_cases(body: Body, union: Union, role: str) -> tuple[list[_Case], bool]:
    """The branches that some class leads to, ``null`` first; and whether there are classes that several take."""
    source = body.source
    takers: dict[type, list[int]] = {}
    for i, branch in enumerate(union.branches):
        for cls in find_classes(source.schema, source.shape, branch, role):
            takers.setdefault(cls, []).append(i)
    if int not in takers and len(takers.get(float, ())) == 1:
        takers[int] = takers[float]
    alone: dict[int, list[type]] = {}
    for cls, indices in takers.items():
        if len(indices) == 1:
            alone.setdefault(indices[0], []).append(cls)
    cases = [(index, tuple(classes)) for index, classes in alone.items()]
    cases.sort(key=lambda case: (case[1] != (type(None),), case[0]))
    return cases, any(len(indices) > 1 for indices in takers.values())


def _find_headers(body: Body, held: str, cases: Sequence[_Case], *, is_open: bool) -> list[str]:
    """What leads to each case. Besides ``null``, a single one needs no test: it refuses what it does not take."""
    tested = [classes for _, classes in (cases if is_open else cases[:-1])]
    seen = f"{held}.__class__"
    if len(tested) > 1:
        seen = body.hold(seen)
    tests = [" or ".join(_test_class(body, held, seen, cls) for cls in classes) for classes in tested]
    headers = [f"{'elif' if i else 'if'} {test}:" for i, test in enumerate(tests)]
    if len(tested) < len(cases):
        headers.append("else:" if tested else "if True:")
    return headers


def _test_class(body: Body, held: str, seen: str, cls: type) -> str:
    return f"{held} is None" if cls is type(None) else f"{seen} is {_name_class(body, cls)}"


def _name_class(body: Body, cls: type) -> str:
    return body.source.bind("Class", cls, cls)


def _write_blocks(body: Body, blocks: Sequence[tuple[str, Sequence[str], Sequence[str]]]) -> list[Piece]:
    """An ``if`` whose cases give the same number of pieces, some of them empty."""
    names = [body.fresh() for _ in range(max(len(pieces) for _, _, pieces in blocks))]
    for header, lines, pieces in blocks:
        body.insert(header, lines)
        for name, piece in zip(names, pieces, strict=False):
            body.add(f"    {name} = {piece}")
        if 0 < len(pieces) < len(names):
            body.add(f"    {' = '.join(names[len(pieces) :])} = b''")
    return [Piece(name) for name in names]


def _look_up(body: Body, union: Union, held: str, cases: Sequence[_Case], other: str) -> list[Piece]:
    """A table of classes, for many branches."""
    source = body.source
    rows = [
        f"{_name_class(body, cls)}: ({write_long(index)!r}, {source.function(union.branches[index])})"
        for index, classes in cases
        for cls in classes
    ]
    table, case = source.table(rows), body.fresh()
    body.add(f"{case} = {table}.get({held}.__class__)")
    return [Piece(f"{case}[0] + {case}[1]({held}, {body.depth}) if {case} else {other}")]
