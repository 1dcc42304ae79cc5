"""A value that shows a mismatch: what the writer wrote, and what became of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest

from registry.formats import avro
from registry.formats.avro.reference import DecodeError, Duration, decode
from registry.formats.avro.witness import find_witness
from registry.formats.avro.witness.excerpt import render_excerpt, render_value
from registry.formats.mismatch import Direction, Mismatch, Pair, Step
from registry.formats.witness import Witness
from registry.schema import Schema
from tests.test_avro_resolution import AB, ROWS, A, compare, decimal, field, fixed, logical, record

Json = object


def find_witnesses(writer: Json, reader: Json) -> list[tuple[Mismatch, Witness]]:
    mismatches = [mismatch for mismatch in compare(writer, reader) if mismatch.step is not Step.SOURCE]
    return [(mismatch, find_witness(mismatch)) for mismatch in mismatches]


def sentences(writer: Json, reader: Json) -> list[str]:
    return [witness.sentence for _, witness in find_witnesses(writer, reader)]


def reasons(writer: Json, reader: Json) -> list[str]:
    return [witness.reason for _, witness in find_witnesses(writer, reader)]


def shows(mismatch: Mismatch, witness: Witness) -> bool:
    """Whether the bytes of a witness, decoded once more, say what the witness says, and not the value written."""
    pair = mismatch.pair
    written = decode(pair.writer, pair.writer, witness.data)
    assert render_value(written) == witness.written
    try:
        read = decode(pair.reader, pair.writer, witness.data)
    except DecodeError as error:
        return (error.path, str(error)) == (mismatch.path, witness.failure) and not witness.read
    assert render_value(read) == witness.read
    return not witness.failure and (witness.read != witness.written or bool(witness.note))


def wrap_in_record(schema: Json) -> Json:
    return record(field("id", "long"), field("f", ["null", schema]), field("n", "string"), name="w.W")


def wrap_in_lists(schema: Json) -> Json:
    return {"type": "array", "items": {"type": "map", "values": schema}}


def find_judged_rows() -> Iterator[tuple[str, Json, Json]]:
    for title, (before, after, backward, forward) in ROWS.items():
        for writer, reader, kinds in ((before, after, backward), (after, before, forward)):
            if set(kinds) - {"namespace_changed", "default_changed"}:
                yield f"{title}, {'backward' if kinds is backward else 'forward'}", writer, reader


JUDGED = {title: (writer, reader) for title, writer, reader in find_judged_rows()}


@pytest.mark.parametrize("title", JUDGED)
def test_every_break_and_loss_of_the_table_has_a_small_witness_that_shows_it(title: str) -> None:
    for mismatch, witness in find_witnesses(*JUDGED[title]):
        assert not witness.reason
        assert shows(mismatch, witness)
        assert len(witness.data) <= 37  # the text of a UUID; most have one byte


@pytest.mark.parametrize("title", JUDGED)
def test_a_witness_leads_through_arrays_and_maps(title: str) -> None:
    writer, reader = JUDGED[title]
    for mismatch, witness in find_witnesses(wrap_in_lists(writer), wrap_in_lists(reader)):
        assert mismatch.path.startswith("[]{}")
        assert not witness.reason
        assert shows(mismatch, witness)


@pytest.mark.parametrize("title", [title for title in JUDGED if "union" not in title and "branch" not in title])
def test_a_witness_leads_through_records_and_unions(title: str) -> None:
    writer, reader = JUDGED[title]
    if isinstance(writer, list) or isinstance(reader, list):
        return  # a union has no union for a branch
    for mismatch, witness in find_witnesses(wrap_in_record(writer), wrap_in_record(reader)):
        assert mismatch.path.startswith("/f")
        assert not witness.reason
        assert shows(mismatch, witness)


STATUS = {"type": "enum", "name": "Status", "symbols": ["DRAFT", "LIVE"]}
ARCHIVED = {**STATUS, "symbols": ["DRAFT", "LIVE", "ARCHIVED"]}


def order(price: Json) -> Json:
    item = record(field("sku", "string"), field("price", price), name="Item")
    inner = record(field("items", {"type": "array", "items": item}), field("note", "string"), name="Order")
    return record(field("order", inner))


SENTENCES: dict[str, tuple[Json, Json, list[str]]] = {
    # what it is about: the writer, the reader, what is said
    "a symbol": (
        record(field("id", "long"), field("status", ARCHIVED)),
        record(field("id", "long"), field("status", STATUS)),
        ["""v1 wrote {"status": "ARCHIVED", …}; v2 fails: unknown symbol 'ARCHIVED' at /status"""],
    ),
    "a number inside": (
        order("int"),
        order("float"),
        [
            'v1 wrote {"order": {"items": [{"price": 16777217, …}], …}}; '
            'v2 reads {"order": {"items": [{"price": 16777216.0, …}], …}}'
        ],
    ),
    "a null": (
        record(field("a", ["null", "string"])),
        record(field("a", "string")),
        ['v1 wrote {"a": null}; v2 fails: null cannot be read as string at /a'],
    ),
    "a branch in a map": (
        {"type": "map", "values": ["null", "int", "string"]},
        {"type": "map", "values": ["null", "int"]},
        ['v1 wrote {"k": ""}; v2 fails: string cannot be read as union of null, int at {"k"}'],
    ),
    "a field without a default": (
        record(field("id", "long"), field("name", "string")),
        record(field("id", "long"), field("name", "string"), field("age", "int")),
        ["""v1 wrote {"id": 0, "name": ""}; v2 fails: field 'age' was not written and has no default at /age"""],
    ),
    "a field renamed for the writer alone": (
        record(field("full_name", "string", aliases=["name"])),
        record(field("name", "string", default="")),
        ['v1 wrote {"full_name": "a"}; v2 reads {"name": ""} (the default of /name)'],
    ),
    "a moment": (
        record(field("at", logical("long", "timestamp-millis")), field("id", "int")),
        record(field("at", logical("long", "timestamp-micros")), field("id", "int")),
        ['v1 wrote {"at": "1970-01-01T00:00:00.001Z", …}; v2 reads {"at": "1970-01-01T00:00:00.000001Z", …}'],
    ),
    "nanoseconds, which Python has no type for": (
        logical("long", "timestamp-nanos"),
        logical("long", "local-timestamp-nanos"),
        ["v1 wrote 1; v2 reads 1 (long (timestamp-nanos) read as long (local-timestamp-nanos))"],
    ),
    "an amount": (decimal("bytes", 9, 2), decimal("bytes", 9, 3), ['v1 wrote "0.01"; v2 reads "0.001"']),
    "an amount of too many digits": (
        record(field("amount", decimal("bytes", 9, 2))),
        record(field("amount", decimal("bytes", 4, 2))),
        ['v1 wrote {"amount": "100.00"}; v2 reads {"amount": "100.00"} (5 digits where decimal(4, 2) allows 4)'],
    ),
    "bytes that are no text": (
        "bytes",
        "string",
        [r'v1 wrote "\u00ff"; v2 fails: bytes are no UTF-8'],
    ),
    "a text that is no UUID": (
        record(field("id", "string")),
        record(field("id", logical("string", "uuid"))),
        ["""v1 wrote {"id": "a"}; v2 fails: 'a' is no UUID at /id"""],
    ),
    "another name": (
        record(name="a.R"),
        record(name="a.S"),
        ["v1 wrote {}; v2 fails: record a.R cannot be read as record a.S"],
    ),
}


@pytest.mark.parametrize("title", SENTENCES)
def test_a_witness_in_words(title: str) -> None:
    writer, reader, expected = SENTENCES[title]
    assert sentences(writer, reader) == expected


# which value is steered for


def test_each_branch_that_fails_has_its_own_witness() -> None:
    assert sentences(["null", "long", "string"], ["null", "int"]) == [
        "v1 wrote 0; v2 fails: long cannot be read as union of null, int",
        'v1 wrote ""; v2 fails: string cannot be read as union of null, int',
    ]


def test_the_branch_that_leads_to_the_mismatch_is_written() -> None:
    first, second = record(field("x", "int"), name="P"), record(field("x", "long"), name="Q")
    reader = record(field("x", "int"), name="Z", aliases=["P", "Q"])
    ((mismatch, witness),) = find_witnesses([first, second], reader)
    assert mismatch.path == "/x"
    assert witness.data == b"\x02\x00"
    assert witness.failure == "long cannot be read as int at /x"


def test_each_record_of_a_union_that_lacks_a_field_has_its_own_witness() -> None:
    """Two places without a type of the writer are two places all the same."""
    writer = [record(field("x", "int"), name="a.R"), record(field("x", "int"), name="b.R")]
    found = find_witnesses(writer, record(field("f", "int"), name="a.R"))
    assert [(mismatch.path, witness.data) for mismatch, witness in found] == [("/f", b"\0\0"), ("/f", b"\2\0")]
    assert all(shows(mismatch, witness) for mismatch, witness in found)


def test_aliases_are_followed_to_the_names_that_the_writer_has() -> None:
    writer = record(field("old", record(field("p", "long"), name="a.I")))
    reader = record(
        field("new", record(field("q", "double", aliases=["p"]), name="a.J", aliases=["I"]), aliases=["old"])
    )
    assert sentences(writer, reader) == [
        'v1 wrote {"old": {"p": 9007199254740993}}; v2 reads {"new": {"q": 9007199254740992.0}}'
    ]


def test_a_recursive_record_ends_where_it_can() -> None:
    def tree(value: Json) -> Json:
        return record(
            field("next", ["null", "a.R"]), field("all", {"type": "array", "items": "a.R"}), field("v", value)
        )

    ((_, witness),) = find_witnesses(tree("long"), tree("int"))
    assert witness.written == '{"next": null, "all": [], "v": 0}'


def test_a_mismatch_below_a_recursive_field_is_reached_through_it() -> None:
    def holder(leaf: Json) -> Json:
        node = record(field("next", ["null", "a.N"]), field("leaf", leaf), name="a.N")
        return record(field("node", ["null", node]), name="a.H")

    assert sentences(holder(["null", "int"]), holder("int")) == [
        'v1 wrote {"node": {"leaf": null, …}}; v2 fails: null cannot be read as int at /node/leaf'
    ]


def test_a_witness_lies_as_deep_as_a_path_is_long() -> None:
    def chain(count: int, leaf: str) -> Schema:
        files = {
            f"{i}.avsc": json.dumps(record(field("n", f"a.R{i - 1}" if i else leaf), name=f"a.R{i}"))
            for i in range(count)
        }
        return avro.parse(files, [f"{count - 1}.avsc"])

    def find_only(count: int) -> Witness:
        (mismatch,) = avro.find_mismatches(Pair(chain(count, "string"), chain(count, "int")))
        return find_witness(mismatch)

    assert find_only(200).failure == f"int cannot be read as string at {'/n' * 200}"
    assert find_only(3000).reason == "it lies deeper than a path can say"


def test_a_value_that_nests_deeper_than_the_codec_goes_is_none() -> None:
    files = {
        f"{i}.avsc": json.dumps(record(field("n", f"a.R{i - 1}" if i else "int"), name=f"a.R{i}")) for i in range(3000)
    }
    pair = Pair(avro.parse({"x.avsc": '"int"'}, ["x.avsc"]), avro.parse(files, ["2999.avsc"]))
    (mismatch,) = avro.find_mismatches(pair)
    assert find_witness(mismatch).reason.startswith("nests deeper than")


# what stands beside the path


def test_beside_the_path_stands_what_the_reader_reads() -> None:
    """Other mismatches are stepped around: by another branch, another symbol, an empty array."""
    writer = record(
        field("a", ["null", "int"]),
        field("b", AB),
        field("c", {"type": "array", "items": "long"}),
        field("d", "string"),
        field("e", "double"),
    )
    reader = record(
        field("a", "int"),
        field("b", {**A, "symbols": ["B"]}),
        field("c", {"type": "array", "items": "int"}),
        field("d", logical("string", "uuid")),
        field("e", "double"),
    )
    witnesses = {mismatch.path: witness for mismatch, witness in find_witnesses(writer, reader)}
    nil = '"00000000-0000-0000-0000-000000000000"'
    assert {path: witness.written for path, witness in witnesses.items()} == {
        "/a": f'{{"a": null, "b": "B", "c": [], "d": {nil}, "e": 0.0}}',
        "/b": f'{{"a": 0, "b": "A", "c": [], "d": {nil}, "e": 0.0}}',
        "/c[]": f'{{"a": 0, "b": "B", "c": [0], "d": {nil}, "e": 0.0}}',
        "/d": '{"a": 0, "b": "B", "c": [], "d": "a", "e": 0.0}',
    }
    assert not any(witness.note for witness in witnesses.values())


def test_what_fails_in_any_case_is_left_out_by_the_reader_and_said() -> None:
    writer = record(field("id", "long"), field("s", "string"))
    reader = record(field("id", "double"), field("s", "int"), field("a", "int"), field("b", "int"))
    witnesses = {mismatch.path: witness for mismatch, witness in find_witnesses(writer, reader)}
    assert list(witnesses) == ["/a", "/b", "/id", "/s"]
    assert not witnesses["/a"].note
    assert witnesses["/b"].failure == "field 'b' was not written and has no default at /b"
    assert witnesses["/b"].note == "/a is left out, because v2 fails there as well"
    assert witnesses["/s"].failure == "string cannot be read as int at /s"
    assert witnesses["/id"].sentence == (
        'v1 wrote {"id": 9007199254740993, …}; v2 reads {"id": 9007199254740992.0} '
        "(/a is left out, because v2 fails there as well)"
    )
    for mismatch, witness in find_witnesses(writer, reader):
        writer_schema = mismatch.pair.writer
        assert render_value(decode(writer_schema, writer_schema, witness.data)) == witness.written


def test_what_is_left_out_at_one_place_is_read_at_the_others() -> None:
    """One record of the reader's stands at two places of the way, and only the fields on the way are kept in each."""
    outer = record(field("inner", record(field("x", "long"), name="a.I")), field("y", "long"), name="a.O")
    node = record(
        field("inner", ["null", "a.N"], default=None), field("x", "int", default=0), field("y", "int"), name="a.N"
    )
    reader = {**node, "aliases": ["O", "I"]}
    found = {mismatch.path: witness for mismatch, witness in find_witnesses(outer, reader)}
    assert found["/inner/x"].failure == "long cannot be read as int at /inner/x"
    assert found["/inner/y"].failure == "field 'y' was not written and has no default at /inner/y"
    assert found["/y"].failure == "long cannot be read as int at /y"


# none


def test_a_type_without_a_finite_value_has_no_witness() -> None:
    endless = record(field("x", "a.R"), field("y", "int"))
    assert reasons(endless, record(field("x", "a.R"), field("y", "string"))) == ["record a.R has no finite value"]
    no_symbols = {"type": "enum", "name": "E", "symbols": []}
    assert reasons(no_symbols, "int") == ["enum E has no finite value"]
    renamed = record(field("b", [], aliases=["a"])), record(field("a", "int", default=0))
    assert reasons(*renamed) == ["union of nothing has no finite value"]


@pytest.mark.parametrize(("type_", "default"), [("null", None), (A, "A"), (fixed(0), "")])
def test_a_renamed_field_of_one_value_loses_nothing(type_: Json, default: Json) -> None:
    writer, reader = record(field("b", type_, aliases=["a"])), record(field("a", type_, default=default))
    assert reasons(writer, reader) == []


def test_a_renamed_record_differs_in_the_first_field_that_can() -> None:
    inner = record(field("z", "null"), field("k", "int"), name="a.K")
    writer = record(field("b", inner, aliases=["a"]))
    reader = record(field("a", inner, default={"z": None, "k": 0}))
    assert sentences(writer, reader) == [
        'v1 wrote {"b": {"z": null, "k": 1}}; v2 reads {"a": {"z": null, "k": 0}} (the default of /a)'
    ]


def test_values_that_are_too_large_are_not_built() -> None:
    assert reasons(fixed(2**31 - 1), fixed(4)) == [
        "the smallest value of fixed F of 2147483647 bytes is larger than 200000 parts"
    ]
    assert reasons(decimal("bytes", 10**9, 2), decimal("bytes", 10**8, 2)) == [
        "a decimal of more than 4000 digits is not built"
    ]

    def bomb(leaf: Json) -> Json:
        inner = record(field("a", "int"), field("b", "int"), name="R0")
        for i in range(1, 60):
            inner = record(field("a", inner), field("b", f"R{i - 1}"), name=f"R{i}")
        return record(field("x", inner), field("y", leaf), name="Bomb")

    assert reasons(bomb("int"), bomb("string")) == ["the smallest value of record R59 is larger than 200000 parts"]


def test_a_schema_that_is_gone_has_no_witness() -> None:
    here = avro.parse({"x.avsc": '"int"'}, ["x.avsc"])
    (mismatch,) = avro.find_mismatches(Pair(Schema("avro", ()), here, Direction.BACKWARD))
    assert find_witness(mismatch).reason == "one of the two schemas is gone"


def test_neither_the_command_line_nor_a_verdict_loads_the_codec() -> None:
    code = "import sys, registry.cli, registry.formats.avro; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "registry.formats.avro.resolution" in loaded
    rooms = ("reference", "values", "witness")
    assert not [name for name in loaded if name.startswith(tuple(f"registry.formats.avro.{room}" for room in rooms))]


# how a value looks


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (float("nan"), '"NaN"'),
        (float("-inf"), '"-Infinity"'),
        (-0.0, "-0.0"),
        (b"a\x00\xff", r'"a\u0000\u00ff"'),
        ("ä日\u202e\n", r'"ä日\u202e\n"'),
        (Decimal("-1E+3"), '"-1000"'),
        (Decimal("1E-4000"), '"1E-4000"'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        (date(2024, 2, 29), '"2024-02-29"'),
        (time(1, 2, 3, 4000), '"01:02:03.004"'),
        (datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC), '"2024-02-29T01:02:03Z"'),
        (datetime(2024, 2, 29, 1, 2, 3, 4), '"2024-02-29T01:02:03.000004"'),
        (Duration(1, 2, 3004), '"P1M2DT3.004S"'),
        ({"a": [None, {}]}, '{"a": [null, {}]}'),
    ],
)
def test_a_value_as_json(value: object, text: str) -> None:
    assert render_value(value) == text
    json.loads(text)


def test_an_excerpt_keeps_what_is_on_the_path_and_the_first_fields_at_its_end() -> None:
    value = {"a": {"m": {"k": [{"x": 1, "y": 2}], "l": []}}, "b": 0}
    assert render_excerpt(value, ["a", "m", "{}", "[]", "y"]) == '{"a": {"m": {"k": [{"y": 2, …}], …}}, …}'
    wide = {f"field{i}": "x" * 10 for i in range(9)}
    assert render_excerpt(wide, []) == '{"field0": "xxxxxxxxxx", "field1": "xxxxxxxxxx", …}'
