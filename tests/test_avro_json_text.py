"""JSON as a schema file may hold it: what is refused, and where it stands."""

import pytest

from registry.errors import InvalidSchema
from registry.formats.avro.json_text import MAX_DEPTH, JsonPositions, parse_json
from registry.source import Position


@pytest.mark.parametrize(
    "text", ["{}", '{"a": {"a": 1}}', '"x"', '"\\ud83d\\ude00"', '[1e400, "NaN"]', "[" * 256 + "]" * 256]
)
def test_json_is_accepted(text: str) -> None:
    parse_json(text, "x.avsc")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "x.avsc:1:1: the file is empty"),
        ("\ufeff{}", "x.avsc:1:1: starts with a byte order mark"),
        ('{"a": 1,\n "b" 2}', "x.avsc:2:6: no JSON: expecting ':' delimiter"),
        ('{"a": 1,\n "a": 2}', 'x.avsc:2:2: the key "a" stands twice in one object'),
        ('{"a": 1, "\\u0061": 2}', 'x.avsc:1:10: the key "a" stands twice in one object'),
        ('["NaN",\n NaN]', "x.avsc:2:2: NaN is no JSON number"),
        ('{"a": -Infinity}', "x.avsc:1:7: -Infinity is no JSON number"),
        ("[1,\n" + "9" * 5000 + "]", "x.avsc:2:1: a number with too many digits"),
        ('{"a": "\\uD83D"}', "x.avsc:1:7: half a surrogate pair: no character, and not to be encoded"),
        ('{"\\ude00": 1}', "x.avsc:1:2: half a surrogate pair: no character, and not to be encoded"),
        ("[" * 257 + "]" * 257, f"x.avsc:1:257: nests deeper than {MAX_DEPTH} levels of JSON"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, f"x.avsc:1:1281: nests deeper than {MAX_DEPTH} levels of JSON"),
    ],
)
def test_json_is_refused_with_its_position(text: str, message: str) -> None:
    with pytest.raises(InvalidSchema) as caught:
        parse_json(text, "x.avsc")
    assert caught.value.message == message


TEXT = """{
  "fields": [
    {"name": "ä \\" ]}", "type": "int"}, {}
  ],
  "a/b~": {"": [[], 5]}
}"""


@pytest.mark.parametrize(
    ("pointer", "line", "column"),
    [
        ("", 1, 1),
        ("/fields", 2, 13),
        ("/fields/0", 3, 5),
        ("/fields/0/type", 3, 33),
        ("/fields/1", 3, 41),
        ("/a~1b~0//1", 5, 21),
        ("/fields/7/type", 2, 13),
        ("/nothing/at/all", 1, 1),
    ],
)
def test_a_pointer_leads_to_the_start_of_its_value_or_of_the_nearest_above(
    pointer: str, line: int, column: int
) -> None:
    assert JsonPositions(TEXT)(pointer) == Position(line, column)


def test_long_keys_that_nest_cost_no_more_than_the_text() -> None:
    text = "".join(f'{{"{"k" * 1000}{i}": ' for i in range(200)) + "1" + "}" * 200
    pointer = "".join(f"/{'k' * 1000}{i}" for i in range(200))
    assert JsonPositions(text)(pointer) == Position(1, text.index(": 1}") + 3)
