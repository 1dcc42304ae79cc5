"""`avro_values`: what one schema wrote and another read, byte by byte, against the reference codec and the verdict.

Three questions to each case: does the reference codec write these bytes; does it read this value, or fail; and does
the verdict allow for that: a pair whose reader fails must not be called compatible. The other way round a value that is
read proves little, since another value of the same writer may fail: such a case is listed.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import chain, islice, product
from typing import Any, Final

from conformance.pairs import INVALID, Case, find_kinds, render_verdict
from conformance.score import Outcome
from registry.api import InvalidSchema, compare
from registry.formats import load_format
from registry.formats.avro.reference import Branch, CodecError, decode, encode
from registry.schema import Record, Schema, Type, Union

TOLERANCE: Final = 1e-6
"""How far floats may be apart, relative to their size: the files hold 32-bit floats as decimal text."""
MAX_SPELLINGS: Final = 1_000
"""Choices of branches that are tried for one value."""


def find_outcomes(cases: Iterable[Case]) -> Iterator[Outcome]:
    """What became of each value, in the order of the file."""
    for case in cases:
        yield judge(case)


def judge(case: Case) -> Outcome:
    """One value."""
    disputed = "disputed" in case
    error, value = case["expect"].get("error"), case["expect"].get("value")
    said = "an error" if error is not None else f"the value {value!r}"
    try:
        writer, reader = _parse(case["writer_schema"]), _parse(case["reader_schema"])
        comparison = compare(case["writer_schema"], case["reader_schema"], language="avro", mode="BACKWARD")
    except InvalidSchema as invalid:
        return Outcome(case["id"], error is not None, said, str(invalid), frozenset({INVALID}), disputed=disputed)
    ours: list[str] = []
    kinds: set[str] = set()
    data = bytes.fromhex(case["written_hex"])
    written = write(writer, case["datum"], data)
    if written != data.hex():
        kinds.add("written")
        ours.append(f"writes {written} instead of {data.hex()}")
    try:
        read = decode(reader, writer, data)
    except CodecError as failure:
        if error is None:
            kinds.add("read")
            ours.append(f"fails: {failure}")
    else:
        if error is not None or not are_same(read, restore(value)):
            kinds.add("read")
            ours.append(f"reads {read!r}")
    if comparison.compatible != (error is None):
        kinds |= find_kinds({**case, "format": "avro"}, comparison) or {"compatible"}
        ours.append(render_verdict(comparison) or "compatible")
    unsafe = error is not None and comparison.compatible
    return Outcome(
        case["id"], not ours, said, "; ".join(ours), frozenset(kinds), excusable=not unsafe, disputed=disputed
    )


def write(schema: Schema, datum: Any, wanted: bytes) -> str:
    """What the codec writes, as hex, or its refusal.

    A datum of the files says neither in which order the entries of a map stood nor which branch of a union was meant:
    the order is that of the bytes, and the wanted bytes count if some choice of branches writes them.
    """
    try:
        like = decode(schema, schema, wanted)
    except CodecError as failure:
        return str(failure)
    value = order_as(restore(datum), like)
    answers: list[str] = []
    for spelling in islice(chain([value], find_branches(schema, schema.root, value)), MAX_SPELLINGS):
        try:
            answers.append(encode(schema, spelling).hex())
        except CodecError as refusal:
            answers.append(str(refusal))
        if answers[-1] == wanted.hex():
            return answers[-1]
    return answers[0]


def order_as(value: object, like: object) -> object:
    """The same value with the entries of its maps in the order of another one."""
    if isinstance(value, dict) and isinstance(like, dict) and value.keys() == like.keys():
        return {key: order_as(value[key], each) for key, each in like.items()}
    if isinstance(value, list) and isinstance(like, list) and len(value) == len(like):
        return list(map(order_as, value, like))
    return value


def find_branches(schema: Schema, type_: Type, value: object) -> Iterator[object]:
    """The value with each branch of its unions named in turn, be it the wrong one; inside of records only."""
    resolved = schema.resolve(type_)
    if isinstance(resolved, Union):
        for index, branch in enumerate(resolved.branches):
            yield from (Branch(index, each) for each in find_branches(schema, branch, value))
    elif isinstance(resolved, Record) and isinstance(value, dict):
        names = [field.name for field in resolved.fields]
        choices = (find_branches(schema, field.type, value.get(field.name)) for field in resolved.fields)
        yield from (dict(zip(names, each, strict=True)) for each in product(*choices))
    else:
        yield value


def restore(value: Any) -> Any:
    """A value as the codec knows it: ``{"$bytes": "…"}`` of the files is bytes."""
    if isinstance(value, dict):
        if value.keys() == {"$bytes"}:
            return value["$bytes"].encode("latin-1")
        return {key: restore(each) for key, each in value.items()}
    return [restore(each) for each in value] if isinstance(value, list) else value


def are_same(left: object, right: object) -> bool:
    """Whether two values are the same, floats nearly; ``True`` is no 1, and bytes are no text."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(are_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(are_same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        if isinstance(left, int) and isinstance(right, int):
            return left == right
        both_nan = math.isnan(left) and math.isnan(right)
        return both_nan or math.isclose(left, right, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return type(left) is type(right) and left == right


def _parse(text: str) -> Schema:
    return load_format("avro").parse({"schema.avsc": text}, ["schema.avsc"])
