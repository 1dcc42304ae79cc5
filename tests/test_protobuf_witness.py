"""Every break and every loss is shown by a value; its bytes, read again, tell the same story."""

import pytest
from protobuf_changes import CASES, E2, ED, P2, P3

from registry.formats.mismatch import Direction, Mismatch, Pair, Step
from registry.formats.protobuf import find_mismatches, parse
from registry.formats.protobuf.reference import DecodeError, decode, encode
from registry.formats.protobuf.witness import find_witness, render_value
from registry.frozen import replace
from registry.schema import Record, Schema

WITHOUT = {
    ("message that became an enum", Direction.BACKWARD): "an enum has no bytes of its own",
    ("message that became an enum", Direction.FORWARD): "an enum has no bytes of its own",
}
"""Changes that no value shows, and the words of the reason."""


def _find(before: str, after: str, direction: Direction, name: str | None = None) -> list[Mismatch]:
    old, new = (parse({"m.proto": text}, ["m.proto"], name) for text in (before, after))
    pair = (
        Pair(new, old, direction, "v2", "v1")
        if direction is Direction.BACKWARD
        else Pair(old, new, direction, "v1", "v2")
    )
    return [found for found in find_mismatches(pair) if found.step is not Step.SOURCE]


def _sentences(before: str, after: str, direction: Direction = Direction.BACKWARD) -> list[str]:
    return [find_witness(found).sentence for found in _find(before, after, direction, "M")]


def _root(schema: Schema, path: str) -> str:
    records = [name for name, type_ in schema.types.items() if isinstance(type_, Record)]
    first = path.split("/")[1]
    return first if len(schema.roots) > 1 and first in records else schema.roots[0].name  # type: ignore[union-attr]  # a Ref


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("case", CASES, ids=[title for title, *_ in CASES])
def test_every_break_and_every_loss_is_shown(case: tuple[str, tuple[str, str], str, str], direction: Direction) -> None:
    title, (before, after), _, _ = case
    for found in _find(before, after, direction):
        witness = find_witness(found)
        reason = WITHOUT.get((title, direction), "")
        assert witness.reason.startswith(reason) and bool(witness.reason) == bool(reason), witness
        if witness.reason or "stands for any" in witness.note or found.kind == "message_renamed":
            continue
        assert witness.failure or witness.note or witness.read != witness.written
        reader, root = found.pair.reader, _root(found.pair.reader, found.path)
        if witness.failure:
            with pytest.raises(DecodeError) as refused:
                decode(reader, root, witness.data)
            assert str(refused.value) == witness.failure
        else:
            assert render_value(reader, root, decode(reader, root, witness.data)) == witness.read


def _one(before: str, after: str, syntax: str = P3, rest: str = "") -> tuple[str, str]:
    return f"{syntax}{rest}message M {{ {before} }}", f"{syntax}{rest}message M {{ {after} }}"


SENTENCES = {
    "integer_narrowed into a closed enum": (
        _one("optional int64 a = 1;", "optional E a = 1;", P2, E2),
        'v1 wrote {"a": 4294967297}; v2 reads {"a": "B"}',
    ),
    "field_type_changed to a flag": (
        _one("int32 a = 1;", "bool a = 1;"),
        'v1 wrote {"a": 2}; v2 reads {"a": true}',
    ),
    "field_type_changed of a map's keys to flags": (
        _one("map<int32, string> a = 1;", "map<bool, string> a = 1;"),
        'v1 wrote {"a": {"1": "a", "2": "b"}}; v2 reads {"a": {"true": "a"}}',
    ),
    "repeated_last_wins beside a narrowed type": (
        _one("repeated int64 a = 1;", "optional int32 a = 1;", P2),
        'v1 wrote {"a": [1, 2]}; v2 reads {"a": 2}',
    ),
    "integer_narrowed": (
        _one("int64 a = 1;", "int32 a = 1;"),
        'v1 wrote {"a": 2147483648}; v2 reads {"a": -2147483648}',
    ),
    "integer_sign_changed": (
        _one("int32 a = 1;", "uint32 a = 1;"),
        'v1 wrote {"a": -1}; v2 reads {"a": 4294967295}',
    ),
    "field_type_changed": (
        _one("int32 a = 1;", "string a = 1;"),
        'v1 wrote {"a": 1}; v2 reads {} (\'a\' is absent, that is "")',
    ),
    "field_renumbered": (
        _one("int32 a = 1; int32 b = 2;", "int32 a = 3; int32 b = 2;"),
        "v1 wrote {\"a\": 1}; v2 reads {} ('a' is absent, that is 0)",
    ),
    "invalid_utf8_refused": (
        _one("bytes a = 1;", "string a = 1;"),
        r'v1 wrote {"a": "\xff"}; v2 fails: invalid UTF-8 at /a',
    ),
    "repeated_last_wins": (
        _one("repeated string a = 1;", "string a = 1;"),
        'v1 wrote {"a": ["a", "b"]}; v2 reads {"a": "b"}',
    ),
    "repeated_read_as_singular": (
        _one("repeated N a = 1;", "N a = 1;", rest="message N { int32 x = 1; int32 y = 2; } "),
        'v1 wrote {"a": [{"x": 1}, {"y": 1}]}; v2 reads {"a": {"x": 1, "y": 1}}',
    ),
    "required_field_missing": (
        _one("", "required int32 a = 1;", P2),
        "v1 wrote {}; v2 fails: required field is missing at /a",
    ),
    "presence_lost": (
        _one("int32 a = 1 [features.field_presence = IMPLICIT];", "int32 a = 1 [default = 5];", ED),
        "v1 wrote {\"a\": 0}; v2 reads {} ('a' is absent, and reads as 5)",
    ),
    "implicit_default_changed": (
        _one("optional int32 a = 1 [default = 5];", "optional int32 a = 1 [default = 6];", P2),
        "v1 wrote {}; v2 reads {} ('a' is absent: 5 to v1, 6 to v2)",
    ),
    "oneof_value_lost": (
        _one("int32 a = 1; int32 b = 2;", "oneof o { int32 a = 1; int32 b = 2; }"),
        'v1 wrote {"a": 1, "b": 1}; v2 reads {"b": 1} (\'a\' is absent)',
    ),
    "closed_enum_value_unknown": (
        (f"{P2}enum E {{ A = 0; B = 1; }} message M {{ optional E e = 1; }}",
         f"{P2}enum E {{ A = 0; }} message M {{ optional E e = 1; }}"),
        'v1 wrote {"e": "B"}; v2 reads {} (\'e\' is absent)',
    ),
    "enum_value_required": (
        (f"{P2}enum E {{ A = 0; B = 1; }} message M {{ required E e = 1; }}",
         f"{P2}enum E {{ A = 0; }} message M {{ required E e = 1; }}"),
        'v1 wrote {"e": "B"}; v2 fails: required field is missing at /e',
    ),
    "enum_value_renumbered": (
        (f"{P3}enum E {{ A = 0; B = 1; C = 2; }} message M {{ E e = 1; }}",
         f"{P3}enum E {{ A = 0; C = 1; B = 2; }} message M {{ E e = 1; }}"),
        'v1 wrote {"e": "B"}; v2 reads {"e": "C"}',
    ),
    "map_key_narrowed": (
        _one("map<int64, int32> a = 1;", "map<int32, int32> a = 1;"),
        'v1 wrote {"a": {"1": 1, "4294967297": 2}}; v2 reads {"a": {"1": 1}}',
    ),
    "entries_read_as_map": (
        _one("repeated E a = 1;", "map<string, int32> a = 1;", rest="message E { string key = 1; int32 value = 2; } "),
        'v1 wrote {"a": [{"key": "a", "value": 1}, {"key": "a", "value": 2}]}; v2 reads {"a": {"a": 2}}',
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SENTENCES)
def test_the_sentence_says_what_was_written_and_what_was_read(kind: str) -> None:
    (before, after), sentence = SENTENCES[kind]
    shown = {found.kind: find_witness(found).sentence for found in _find(before, after, Direction.BACKWARD, "M")}
    assert shown[kind.partition(" ")[0]] == sentence


def test_each_of_several_mismatches_is_shown_alone() -> None:
    nested = "message N { repeated int32 x = 1; map<string, N> kids = 2; } "
    before, after = _one("int32 a = 1; string b = 2; N n = 3;", "string a = 1; int32 b = 2; N n = 3;", rest=nested)
    assert _sentences(before, after.replace("repeated int32", "repeated string")) == [
        'v1 wrote {"a": 1}; v2 reads {} (\'a\' is absent, that is "")',
        'v1 wrote {"b": "a"}; v2 reads {} (\'b\' is absent, that is 0)',
        r'v1 wrote {"n": {"x": [1]}}; v2 reads {"n": {"x": ["\u0001"]}}',
    ]


def test_what_else_is_required_stands_beside_and_is_left_out_of_the_sentence() -> None:
    before, after = _one(
        "required int32 a = 1; required N n = 2;", "required int32 a = 1; required N n = 2;", P2,
        "message N { required int32 x = 1; optional int64 y = 2; } ",
    )  # fmt: skip
    found = _find(before, after.replace("int64", "int32"), Direction.BACKWARD, "M")
    witness = find_witness(found[0])
    assert witness.written == '{"a": 0, "n": {"x": 0, "y": 2147483648}}'
    assert witness.excerpt == '{"n": {"y": 2147483648, …}, …}'
    assert witness.read_excerpt == '{"n": {"y": -2147483648, …}, …}'


def test_a_field_that_is_missing_elsewhere_does_not_hide_the_mismatch() -> None:
    before, after = _one("optional int32 a = 1;", "optional string a = 1; required int32 b = 2;", P2)
    assert _sentences(before, after) == [
        "v1 wrote {\"a\": 1}; v2 reads {} ('a' is absent; /b is required and missing as well)",
        "v1 wrote {}; v2 fails: required field is missing at /b",
    ]


def test_the_way_leads_through_maps_lists_and_messages_within_themselves() -> None:
    rest = "message N {{ {} v = 1; map<string, N> kids = 2; repeated M back = 3; }} "
    before, after = (_one("repeated N n = 1;", "", rest=rest.format(type_))[0] for type_ in ("int64", "int32"))
    assert _sentences(before, after) == ['v1 wrote {"n": [{"v": 2147483648}]}; v2 reads {"n": [{"v": -2147483648}]}']


def test_the_values_of_a_map_are_shown_as_messages_of_another_name() -> None:
    rest = (
        'import "google/protobuf/timestamp.proto"; message G {} message X { int32 x = 1; } message Y { int32 y = 1; } '
    )
    before, after = _one("map<string, G> a = 1;", "map<string, google.protobuf.Timestamp> a = 1;", rest=rest)
    remark = "(google.protobuf.Timestamp has a meaning of its own)"
    assert _sentences(before, after) == [
        f'v1 wrote {{"a": {{"a": {{}}}}}}; v2 reads {{"a": {{"a": "1970-01-01T00:00:00Z"}}}} {remark}'
    ]
    rest += "enum E { A = 0; B = 1; } message O { E e = 2; } "
    before, after = _one("O a = 1;", "X a = 1;", rest=rest)
    assert _sentences(before, after) == ['v1 wrote {"a": {"e": "B"}}; v2 reads {"a": {}}']
    before, after = _one("map<string, X> a = 1;", "map<string, Y> a = 1;", rest=rest)
    assert _sentences(before, after) == ['v1 wrote {"a": {"a": {"x": 1}}}; v2 reads {"a": {"a": {"y": 1}}}']


def test_bytes_are_a_message_only_where_they_are_those_of_the_message() -> None:
    rest = "message H { bytes c = 1; } "
    before, after = _one("bytes c = 1;", "H c = 4;", rest=rest)
    assert _sentences(before, after, Direction.FORWARD) == [
        'v2 wrote {"c": {"c": "a"}}; v1 reads {} (\'c\' is absent, that is "")'
    ]
    assert _sentences(*_one("bytes c = 1;", "H c = 1;", rest=rest), Direction.FORWARD) == []


def test_extensions_are_shown_by_their_full_names() -> None:
    text = P2 + "package p; message M {{ extensions 5; }} extend M {{ optional {} e = 5; }}"
    found = _find(text.format("int64"), text.format("int32"), Direction.BACKWARD, "p.M")
    expected = 'v1 wrote {"[p.e]": 2147483648}; v2 reads {"[p.e]": -2147483648}'
    assert [find_witness(each).sentence for each in found] == [expected]


def test_extensions_of_others_are_shown_where_a_message_has_none_that_both_sides_know() -> None:
    text = P2 + "message M {{ {}extensions 100 to 119; }} extend M {{ optional M {} = {}; }}"
    before = text.format("option message_set_wire_format = true; ", "a", 100)
    after = text.format("", "b", 101)
    expected = "v1 wrote {\"[WitnessExtension]\": {}}; v2 reads {} ('WitnessExtension' is absent; it stands for any "
    assert _sentences(before, after) == [f"{expected}extension of M)"]
    before, after = _one(
        "repeated X a = 1;", "map<int32, int32> a = 1;", P2, "message X { optional int32 key = 1; extensions 5; } "
    )
    expected = 'v1 wrote {"a": [{"[WitnessExtension]": {}}]}; v2 reads {}'
    assert _sentences(before, after) == [f"{expected} ('a' is absent; it stands for any extension of X)"]


def test_what_is_required_is_shown_to_be_missing_whoever_else_has_its_name() -> None:
    before, after = _one("required fixed32 a = 2;", "repeated M a = 1;", P2)
    assert _sentences(before, after, Direction.FORWARD) == ["v2 wrote {}; v1 fails: required field is missing at /a"]
    before, after = _one("optional M a = 1; required bool b = 5;", "map<string, M> a = 1; required bool b = 5;", P2)
    missing = [each for each in _sentences(before, after, Direction.FORWARD) if "required field" in each]
    assert missing == ['v2 wrote {"a": {"": {"b": false}}, …}; v1 fails: required field is missing at /a/b']
    before, after = (P2 + "message M { required G d = 5; } message N { map<sint32, int64> d = 3; } message G {}",) * 2
    old, new = (parse({"m.proto": text}, ["m.proto"], name) for text, name in ((before, "M"), (after, "N")))
    shown = {
        each.kind: find_witness(each).sentence
        for each in find_mismatches(Pair(old, new, Direction.FORWARD, "v1", "v2"))
        if each.step is Step.BREAK
    }
    assert shown["required_field_missing"] == "v2 wrote {}; v1 fails: required field is missing at /d"


def test_a_type_of_another_name_is_shown_by_the_url_of_an_any() -> None:
    text = P3 + "package {}; message M {{ int32 a = 1; }}"
    found = _find(text.format("a"), text.format("b"), Direction.BACKWARD)
    expected = 'v1 wrote {"@type": "type.googleapis.com/a.M"}; v2 fails: an Any of type.googleapis.com/a.M is no b.M'
    assert [find_witness(each).sentence for each in found] == [expected]


def test_what_only_confluent_rejects_has_no_witness() -> None:
    before, after = _one("oneof o { int32 a = 1; int32 b = 2; }", "oneof o { int32 a = 1; }")
    old, new = (parse({"m.proto": text}, ["m.proto"], "M") for text in (before, after))
    found = [each for each in find_mismatches(Pair(new, old, profile="confluent")) if each.step is Step.BREAK]
    assert [find_witness(each).sentence for each in found] == [
        "none: the wire allows it; Confluent's registry rejects it"
    ]


def test_a_change_of_names_alone_has_no_witness() -> None:
    old, new = (parse({"m.proto": f"{P3}message M {{ int32 {name} = 1; }}"}, ["m.proto"], "M") for name in "ab")
    assert find_witness(next(iter(find_mismatches(Pair(new, old))))).reason == "the bytes are the same"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (P2 + "message M {{ required M m = 1; optional {} a = 2; }}", "message M requires itself"),
        (
            P2
            + "message M {{ required A0 x = 1; }} "
            + "".join(f"message A{n} {{{{ required A{n + 1} x = 1; required A{n + 1} y = 2; }}}} " for n in range(25))
            + "message A25 {{ optional {} a = 1; }}",
            "requires more than 10,000 others",
        ),
        (
            P3
            + "message M {{ A0 x = 1; }} "
            + "".join(f"message A{n} {{{{ A{n + 1} x = 1; }}}} " for n in range(300))
            + "message A300 {{ {} a = 1; }}",
            "deeper than 100 messages",
        ),
    ],
    ids=["requires itself", "requires too much", "lies too deep"],
)
def test_where_no_reader_could_look_the_reason_is_said(text: str, reason: str) -> None:
    found = _find(text.format("int32"), text.format("string"), Direction.BACKWARD, "M")
    assert reason in find_witness(found[0]).reason


def test_the_same_mismatch_has_the_same_witness_each_time() -> None:
    for found in _find(*_one("map<string, int64> a = 1;", "map<string, int32> a = 1;"), Direction.BACKWARD, "M"):
        assert find_witness(found) == find_witness(replace(found))


def test_bytes_of_the_witness_are_those_of_the_writer() -> None:
    found = _find(*_one("int64 a = 1;", "int32 a = 1;"), Direction.BACKWARD, "M")[0]
    assert find_witness(found).data == encode(found.pair.writer, "M", {"a": 1 << 31})


@pytest.mark.parametrize(("syntax", "label"), [(P2, "optional "), (P3, ""), (P3, "optional "), (P3, "repeated ")])
def test_a_message_of_thousands_of_fields_has_witnesses_as_well(syntax: str, label: str) -> None:
    many = " ".join(f"{label}string f{number} = {number};" for number in range(1, 6001))
    few = "oneof o {{ int32 a = 7001; int32 b = 7002; }} map<string, {}> c = 7003;"
    text = f"{syntax}message M {{{{ {many} {few} repeated N n = 7004; }}}} message N {{{{ {many} }}}}"
    before, after = text.format("int64"), text.format("int32").replace("string f5000 ", "bytes f5000 ")
    before = before.replace("int32 b = 7002; }", f"}} {'optional ' if syntax == P2 else ''}int32 b = 7002;")
    assert _sentences(before, after)[-1] == ('v1 wrote {"a": 1, "b": 1}; v2 reads {"b": 1} (\'a\' is absent)')
    sentences = _sentences(before, after)
    assert 'v1 wrote {"c": {"a": 2147483648}}; v2 reads {"c": {"a": -2147483648}}' in sentences
    held, at = (r'["\xff"]', "[0]") if label == "repeated " else (r'"\xff"', "")
    shown = {found.path: find_witness(found) for found in _find(before, after, Direction.FORWARD, "M")}
    assert shown["/n[]/f5000"].written == f'{{"n": [{{"f5000": {held}}}]}}'
    if syntax == P3:
        assert shown["/n[]/f5000"].failure == f"invalid UTF-8 at /n[0]/f5000{at}"


def test_a_renumbered_field_is_what_was_written_under_its_number_even_where_there_is_one_value_only() -> None:
    enum = "enum E { A = 0; } "
    before = f"{P2}{enum}message M {{ required E b = 2; }}"
    after = f"{P2}{enum}message M {{ required E c = 2; required E b = 3; }}"
    assert _sentences(before, after, Direction.FORWARD) == [
        """v2 wrote {"b": "A", …}; v1 reads {"b": "A"} ('b' is what was written as 'c')"""
    ]
