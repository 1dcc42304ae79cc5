"""A value that is not the smallest: where one value hides a mismatch, another shows it."""

from typing import Final

from registry.formats.avro.reference import Branch
from registry.formats.avro.values import Smallest, other_leaf
from registry.formats.avro.witness.steering import KEY
from registry.schema import Array, Map, Record, Type, Union

MAX_RECORDS: Final = 64
"""Records that are looked into for something that can differ."""


def find_another(smallest: Smallest, type_: Type) -> object:
    """A small value that differs from the smallest; ``None``, which is no such value, where none was found.

    Of a record the first field differs that can, at any depth; each record is entered once.
    """
    return _find(smallest, type_, set())


def _find(smallest: Smallest, type_: Type, entered: set[str]) -> object:
    found = smallest.find(type_)
    if found is None:
        return None
    plain = smallest.writer.resolve(type_)
    if isinstance(plain, Record):
        return _find_record(smallest, plain, found.value, entered)
    if isinstance(plain, Union):
        return _find_branch(smallest, plain, found.value, entered)
    if isinstance(plain, Array):
        item = smallest.find(plain.items)
        return None if item is None else [item.value]
    if isinstance(plain, Map):
        entry = smallest.find(plain.values)
        return None if entry is None else {KEY: entry.value}
    return other_leaf(plain)


def _find_record(smallest: Smallest, record: Record, first: object, entered: set[str]) -> object:
    if record.name in entered or len(entered) == MAX_RECORDS:
        return None
    entered.add(record.name)
    assert isinstance(first, dict)
    for field in record.fields:
        other = _find(smallest, field.type, entered)
        if other is not None:
            return {**first, field.name: other}
    return None


def _find_branch(smallest: Smallest, union: Union, first: object, entered: set[str]) -> object:
    assert isinstance(first, Branch)
    for i, branch in enumerate(union.branches):
        found = smallest.find(branch) if i != first.index else None
        if found is not None:
            return Branch(i, found.value)
    other = _find(smallest, union.branches[first.index], entered)
    return None if other is None else Branch(first.index, other)
