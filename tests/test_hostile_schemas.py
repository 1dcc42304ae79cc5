"""Schemas that somebody wrote to hang the tool, through the command: within a stated memory and time, or refused.

The command gets a gigabyte and a half of address space and half a minute of processor time from the system; what goes
beyond is killed, and the test fails by the exit code. Nothing here is timed.
"""

import json
import os
import resource
import subprocess
from pathlib import Path

import pytest

from tests.command import CONTRACTS, Outcome
from tests.repo import ENVIRONMENT

MEMORY, SECONDS = 3 << 29, 30
PROTO = 'syntax = "proto3";\n'


def compare(folder: Path, old: str, new: str, suffix: str) -> Outcome:
    """`contracts compare` both ways, with limits that the system keeps."""
    (folder / f"old.{suffix}").write_text(old, "utf-8", "surrogatepass")
    (folder / f"new.{suffix}").write_text(new, "utf-8", "surrogatepass")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    command = [CONTRACTS, "compare", "--mode", "FULL", f"old.{suffix}", f"new.{suffix}"]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, check=False, preexec_fn=limit)
    outcome = Outcome(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))
    assert "Traceback" not in outcome.err, outcome.err
    return outcome


def record(name: str, *fields: tuple[str, object], **more: object) -> dict[str, object]:
    return {"type": "record", "name": name, "fields": [{"name": key, "type": type_} for key, type_ in fields], **more}


def exponential(last: str) -> list[object]:
    """Forty levels of unions, each with both types of the next level: 2^40 ways down."""
    levels = [
        record(f"{side}{n}", ("a", [f"L{n + 1}", f"R{n + 1}"]), ("b", [f"R{n + 1}", f"L{n + 1}"]))
        for n in range(40)
        for side in "LR"
    ]
    return [*levels, record("L40", ("x", last)), record("R40", ("x", "int"))]


def doubling(last: str) -> list[object]:
    """Thirty levels of records that hold the next one twice: a value of 2^30 parts, however small they are."""
    levels = [record(f"D{n}", ("a", f"D{n + 1}"), ("b", f"D{n + 1}")) for n in range(30)]
    return [*levels, record("D30", ("x", last))]


def chain(last: str) -> list[object]:
    """Five thousand records, each in the next."""
    return [*(record(f"R{n}", ("next", f"R{n + 1}")) for n in range(5_000)), record("R5000", ("x", last))]


def endless(type_: str) -> object:
    """A record that must hold itself: no value of it ends."""
    return record("R", ("again", "R"), ("x", type_))


def wide(type_: str) -> object:
    """As many fields as a file may hold."""
    return record("R", *((f"f{n}", type_ if n % 100 == 0 else "int") for n in range(25_000)))


def fixed(size: int) -> object:
    return {"type": "fixed", "name": "F", "size": size}


def proto_wide(type_: str) -> str:
    numbers = [n for n in range(1, 32_000) if not 19_000 <= n < 20_000]
    fields = (f"{type_ if n % 100 == 0 else 'int32'} f{n} = {n};\n" for n in numbers)
    return f"{PROTO}message M {{ {''.join(fields)} }}"


def proto_doubling(type_: str) -> str:
    """Thirty levels of messages, each with the next one twice, and required."""
    levels = (f"message D{n} {{ required D{n + 1} a = 1; required D{n + 1} b = 2; }}\n" for n in range(30))
    return f'syntax = "proto2";\n{"".join(levels)}message D30 {{ required {type_} x = 1; }}'


PAIRS: dict[str, tuple[object, object]] = {
    "unions that branch at every level": (exponential("long"), exponential("string")),
    "records that double at every level": (doubling("long"), doubling("string")),
    "a long chain of records": (chain("long"), chain("string")),
    "a record that must hold itself": (endless("long"), endless("string")),
    "twenty-five thousand fields": (wide("long"), wide("string")),
    "fixed of two gigabytes": (fixed(2**31 - 1), fixed(2**31 - 2)),
    "names of ten thousand letters": (
        record("R" * 10_000, ("f" * 10_000, "long")),
        record("R" * 10_000, ("f" * 10_000, "string")),
    ),
    "aliases in a circle": (
        [record("A", ("x", "long"), aliases=["B"]), record("B", ("x", "long"), aliases=["A"])],
        [record("A", ("x", "string"), aliases=["B"]), record("B", ("x", "long"), aliases=["A"])],
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_hostile_avro_pair_is_judged_or_refused_within_its_limits(name: str, tmp_path: Path) -> None:
    old, new = (json.dumps(schema) for schema in PAIRS[name])
    outcome = compare(tmp_path, old, new, "avsc")
    assert outcome.code == 1
    assert "witness" in outcome.out
    assert len(outcome.out) < 600_000


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ('{"type":"array","items":' * 1000 + '"int"' + "}" * 1000, "nests deeper than 256 levels"),
        (json.dumps(record("R", ("x", "int"))).replace('"int"', '"int","default":' + "[" * 1000 + "]" * 1000), "nest"),
        ('{"type":"fixed","name":"F","size":' + "9" * 4000 + "}", "no number from 0"),
        ('{"type":"enum","name":"E","symbols":["\\ud800"]}', "half a surrogate pair"),
        ('{"type":"record","name":"R","fields":[],"doc":"\ud800"}', "UTF-8"),
        (json.dumps(record("R", *((f"f{n}", "int") for n in range(100_000)))), "at most 1,048,576"),
    ],
    ids=["types", "a default", "a number", "a lone surrogate", "a lone surrogate as it is", "100,000 fields"],
)
def test_a_hostile_avro_schema_is_refused_with_its_place(text: str, fact: str, tmp_path: Path) -> None:
    outcome = compare(tmp_path, '"int"', text, "avsc")
    assert outcome.code in {1, 2}
    assert fact in outcome.out + outcome.err
    assert "new.avsc:" in outcome.out + outcome.err


PROTO_PAIRS: dict[str, tuple[str, str]] = {
    "as many fields as protoc takes": (proto_wide("int64"), proto_wide("string")),
    "required messages that double at every level": (proto_doubling("int64"), proto_doubling("string")),
    "groups": (
        'syntax = "proto2"; message M { repeated group G = 1 { optional int64 x = 1; } }',
        'syntax = "proto2"; message M { repeated group G = 1 { optional string x = 1; } }',
    ),
    "extensions": (
        'syntax = "proto2"; message M { extensions 1 to max; } extend M { optional int64 x = 536870911; }',
        'syntax = "proto2"; message M { extensions 1 to max; } extend M { optional string x = 536870911; }',
    ),
    "a message that holds itself": (
        f"{PROTO}message M {{ M again = 1; repeated M all = 2; map<string, M> named = 3; int64 x = 4; }}",
        f"{PROTO}message M {{ M again = 1; repeated M all = 2; map<string, M> named = 3; string x = 4; }}",
    ),
    "a message that must hold itself": (
        'syntax = "proto2"; message M { required M again = 1; optional int64 x = 4; }',
        'syntax = "proto2"; message M { required M again = 1; optional string x = 4; }',
    ),
}


@pytest.mark.parametrize("name", PROTO_PAIRS)
def test_a_hostile_protobuf_pair_is_judged_or_refused_within_its_limits(name: str, tmp_path: Path) -> None:
    outcome = compare(tmp_path, *PROTO_PAIRS[name], "proto")
    assert outcome.code == 1
    assert "witness" in outcome.out
    assert len(outcome.out) < 600_000


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ('import "new.proto"; message M {}', "circle"),
        ('import "gone.proto"; message M { Gone g = 1; }', 'imports "gone.proto", which is not there'),
        ("message M {} message M {}", "already defined"),
        ("message M { int32 a = 1; int32 b = 1; }", "already been used"),
        ("message M { extensions 4 to 2; }", "end"),
        ("message M { int32 a = 99999999999999999999; }", "out of range"),
        ("message M { repeated group G = 1 {} }", "group"),
        ("message M { " + "message M { " * 200 + "}" * 200 + "}", "deeper than 100"),
        ("message M { " + "int32 a = 1; " * 100_000 + "}", "at most 1,048,576"),
    ],
    ids=["circle", "gone", "twice", "number twice", "extension range", "number", "group", "deep", "100,000 fields"],
)
def test_a_hostile_protobuf_schema_is_refused_with_its_place(text: str, fact: str, tmp_path: Path) -> None:
    outcome = compare(tmp_path, f"{PROTO}message M {{}}", PROTO + text, "proto")
    assert outcome.code in {1, 2}
    assert fact.lower() in (outcome.out + outcome.err).lower()
    assert "new.proto:" in outcome.out + outcome.err
