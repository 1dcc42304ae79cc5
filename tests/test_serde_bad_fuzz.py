"""Bytes that nobody wrote, in great number and size: an error that says where, and no crash, no hang, no flood."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from itertools import product
from pathlib import Path
from random import Random
from string import ascii_letters
from typing import Any, Final, get_args

import pytest

from registry.serde import CodecError, Framing, InMemory, Record, Serde
from tests.examples_settings import EXAMPLES
from tests.serde_bad_contracts import Party, import_stubs

Parties = dict[str, dict[str, Party]]
TOP: Final = Path(__file__).resolve().parent.parent
MULTIPLE: Final = 64
"""Bytes of memory for each byte of a record, at most; lists of empty messages are the dearest."""
SLACK: Final = 20_000_000
"""Bytes that the first record takes for its plan, and the first error for what explains it."""
LARGE: Final = 600_000
"""Bytes of a large record."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shops")


@pytest.fixture(scope="module")
def parties(folder: Path) -> Iterator[Parties]:
    with import_stubs(folder) as made:
        yield made


@pytest.fixture(params=["avro", "protobuf"])
def owner(parties: Parties, request: pytest.FixtureRequest) -> Party:
    return parties["shop"][request.param]


# Random ---------------------------------------------------------------------------------------------------------------


def damage(dice: Random, record: Record) -> tuple[bytes, list[tuple[str, bytes | None]]]:
    """The record, cut, overwritten, spliced, replaced from some place on, or with a damaged header."""
    value, headers = bytearray(record.value or b""), list(record.headers)
    at = dice.randrange(len(value))
    way = dice.randrange(6)
    if way == 0:
        del value[at:]
    elif way == 1:
        for _ in range(dice.randrange(1, 4)):
            value[dice.randrange(len(value))] = dice.choice((0, 1, 2, 127, 128, 255, dice.randrange(256)))
    elif way == 2:
        value[at : at + dice.randrange(4)] = dice.randbytes(dice.randrange(8))
    elif way == 3:
        value[dice.choice((5, 7, 10)) :] = dice.randbytes(dice.randrange(60))
    elif way == 4:
        value = bytearray(dice.randbytes(dice.randrange(60)))
    else:
        number = dice.randrange(len(headers))
        name, held = headers[number]
        changed = bytearray(held or b"")
        if changed and dice.random() < 0.7:
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        else:
            del changed[dice.randrange(len(changed) + 1) :]
        headers[number] = (name, bytes(changed))
    return bytes(value), headers if dice.random() < 0.7 else [each for each in headers if each[0].startswith("__")]


def test_damaged_records_are_refused_or_are_events_that_can_be_written_again(owner: Party) -> None:
    dice = Random(4)
    framings: Sequence[Framing] = [each for each in get_args(Framing) if owner.language == "avro" or "-o" not in each]
    refused = read = 0
    for framing in framings:
        record = owner.produce(InMemory(), framing=framing).encode(owner.fill(), correlation_id="c-1", causation_id="e")
        serde = Serde(owner.bundle, active=2, framing=framing)
        for _ in range(5 * EXAMPLES):
            value, headers = damage(dice, record)
            try:
                event, meta = serde.decode(value, headers, dice.choice((None, 1, 2)))
            except CodecError as error:
                refused += 1
                assert error.subject.startswith(owner.event), error  # noqa: PT017  # of one outcome
                assert error.fact, error  # noqa: PT017  # of one outcome
                assert len(str(error)) < 1000, error  # noqa: PT017  # of one outcome
                continue
            read += 1
            assert meta.correlation_id
            assert meta.schema_version
            # As version 2, whatever it was read as; that one comes back byte by byte.
            written, frame = serde.encode(event, copy(meta))
            again, told = serde.decode(written, frame)
            assert serde.encode(again, told)[0] == written
    assert refused > read > 0


# Large and greedy -----------------------------------------------------------------------------------------------------


def write_number(number: int, *, zigzag: bool) -> bytes:
    number = number << 1 if zigzag else number
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])


def find_greedy(owner: Party) -> Iterator[bytes]:
    """Records of a few bytes that announce much, and records that nest deep."""
    mark = "QQQQ"
    event = owner.make(tags=[mark], prices={mark: 1}, lines=[owner.stubs.Line(sku=mark)], note=mark)
    value = owner.produce(InMemory()).encode(event, correlation_id="c-1").value or b""
    held = mark.encode()
    at = [place for place in range(len(value)) if value.startswith(held, place)]
    assert len(at) == 4
    zigzag = owner.language == "avro"
    for number in (2**20, 2**31 - 1, 2**31, 2**40, 2**62):
        size = write_number(number, zigzag=zigzag)
        for place in at:
            yield value[: place - 1] + size + value[place:]  # the length of a text
            if zigzag:
                yield value[: place - 2] + size + value[place - 1 :]  # the count of a block
    if zigzag:
        lines = value.index(b"\x02\x08QQQQ\0\0\0")
        deep = b"\0\0\x02" * 100_000
        yield value[:lines] + b"\x02" + deep
        yield value[:lines] + b"\x02" + deep + b"\0\0\0\0" + value[lines + 9 :]
        yield value[:lines] + b"\x01" + b"\x02" * 50_000  # a block of -1 items, and so on
    else:
        message = b""
        for _ in range(400):
            message = b"\x1a" + write_number(len(message), zigzag=False) + message
        yield value + b"\x92\x01" + write_number(len(message), zigzag=False) + message
        yield value + b"\x93\x01" * 100_000  # groups that never end
        yield value + b"\x92\x01\xff\xff\xff\xff\x07"


def find_large(owner: Party) -> Iterator[bytes]:
    """Large events that are what they seem, of the smallest parts there are."""
    line = owner.stubs.Line(sku="")
    keys = ["".join(letters) for letters in product(ascii_letters, repeat=3)]
    large: dict[str, object] = {
        "tags": [""] * LARGE,
        "raw": bytes(4 * LARGE),
        "prices": dict.fromkeys(keys, 1),
        "lines": [line] * (LARGE // 3),
    }
    for name, value in large.items():
        yield owner.produce(InMemory()).encode(owner.make(**{name: value}), correlation_id="c-1").value or b""


def read_apart(folder: Path, owner: Party, values: Sequence[bytes]) -> list[dict[str, Any]]:
    """What a process with limits makes of the records."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.serde_bad_process", owner.stubs.__name__, f"{owner.name}Consumer"],
        input=b"".join(len(value).to_bytes(4, "big") + value for value in values),
        env={**os.environ, "PYTHONPATH": os.pathsep.join((os.fspath(TOP), os.fspath(folder)))},
        capture_output=True,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, len(told)) == (0, len(values)), done.stderr.decode(errors="replace")[-2000:]
    return told


FINDERS: Final[dict[str, Callable[[Party], Iterator[bytes]]]] = {"greedy": find_greedy, "large": find_large}


@pytest.mark.parametrize("kind", FINDERS)
def test_memory_and_time_are_a_multiple_of_the_bytes(folder: Path, owner: Party, kind: str) -> None:
    outcomes = read_apart(folder, owner, list(FINDERS[kind](owner)))
    for told in outcomes:
        assert told["memory"] < MULTIPLE * told["size"] + SLACK, told
        if told["error"]:
            assert told["error"] == "DecodeError", told
            assert told["subject"] == f"{owner.event} v2", told
            assert told["fact"], told
            assert len(told["fact"]) < 300, told
    taken = sum(not told["error"] for told in outcomes)
    assert taken == (len(outcomes) if kind == "large" else 0)
