"""Converters that make no sense: each mistake is told where it stands in the document."""

import json

import pytest

from registry.serde.conversion import BadConversion, load_conversion

MISTAKES: dict[str, tuple[object, str, str]] = {
    "nothing": (None, "the document is empty", ""),
    "a list": ([], "[] stands where a mapping is wanted", ""),
    "no up": ({"down": "derived"}, "'up' is missing", ""),
    "an unknown part": ({"up": [], "dwon": []}, "unknown key 'dwon'", "/dwon"),
    "an unknown way back": ({"up": [], "down": "inverse"}, "'inverse' is none of derived, none", "/down"),
    "a way back that is no list": ({"up": [], "down": {}}, "`down` is derived, none or a list", "/down"),
    "an unknown operation": ({"up": [{"renam": {"a": "b"}}]}, "'renam' is none of convert, drop", "/up/0/renam"),
    "two operations in one": (
        {"up": [{"rename": {"a": "b"}, "set": {}}]},
        "rename and set stand in one operation",
        "/up/0",
    ),
    "an operation without a field": ({"up": [{"set": {"value": 1}}]}, "'field' is missing", "/up/0/set"),
    "a path that is none": (
        {"up": [{"rename": {"a b": "c"}}]},
        "'a b' is no path of fields, such as author/name or levels[]/delta",
        "/up/0/rename/a b",
    ),
    "a rename into another record": (
        {"up": [{"rename": {"a/b": "b"}}]},
        "b stands in another record than a/b",
        "/up/0/rename/a~1b",
    ),
    "a rename of items": ({"up": [{"rename": {"a[]": "b[]"}}]}, "what is moved must be a field", "/up/0/rename/a[]"),
    "a move out of an item": (
        {"up": [{"move": {"a[]/b": "b"}}]},
        "b stands in other items than a[]/b",
        "/up/0/move/a[]~1b",
    ),
    "two renames to one name": ({"up": [{"rename": {"a": "c", "b": "c"}}]}, "c stands there twice", "/up/0/rename"),
    "two symbols that become one": (
        {"up": [{"enum": {"field": "s", "map": {"A": "C", "B": "C"}}}]},
        "A and B both become C",
        "/up/0/enum/map/B",
    ),
    "a factor of zero": (
        {"up": [{"scale": {"field": "a", "by": 0}}]},
        "a factor of 0 cannot be undone",
        "/up/0/scale/by",
    ),
    "a factor below zero": (
        {"up": [{"scale": {"field": "a", "by": -1}}]},
        "'-1' is no factor above 0, such as 0.01, 1000 or 1/60",
        "/up/0/scale/by",
    ),
    "a factor over zero": ({"up": [{"scale": {"field": "a", "by": "1/0"}}]}, "'1/0' is no factor", "/up/0/scale/by"),
    "a scale of dates": (
        {"up": [{"scale": {"field": "a", "by": 2, "from": "date"}}]},
        "date or int is no number",
        "/up/0/scale",
    ),
    "a conversion without meaning": (
        {"up": [{"convert": {"field": "a", "from": "date", "as": "uuid"}}]},
        "no date can become uuid",
        "/up/0/convert",
    ),
    "an unknown kind": (
        {"up": [{"convert": {"field": "a", "from": "text", "as": "int"}}]},
        "'text' is none of bool, bytes, date",
        "/up/0/convert/from",
    ),
    "too many places": (
        {"up": [{"convert": {"field": "a", "from": "decimal", "as": "string", "places": 1.5}}]},
        "places are digits after the point, 0 to 100",
        "/up/0/convert/places",
    ),
    "a new field of some records": (
        {"up": [{"set": {"field": "a?/b?", "value": 1}}]},
        "a/b is what the other version lacks: nothing says which records have it",
        "/up/0/set/field",
    ),
    "null for null": ({"up": [{"fill": {"field": "a", "value": None}}]}, "null cannot fill in", "/up/0/fill/value"),
    "a value that is no decimal": (
        {"up": [{"set": {"field": "a", "value": "ten", "as": "decimal"}}]},
        "'ten' is no number written as text",
        "/up/0/set/value",
    ),
    "a loss without a field": ({"up": [], "loss": {"down": [{}]}}, "an empty mapping stands", "/loss/down/0"),
    "a loss of items": (
        {"up": [], "loss": {"down": [{"field": "a[]"}]}},
        "a[] is no field, but the items of one",
        "/loss/down/0/field",
    ),
    "an unknown direction": ({"up": [], "loss": {"sideways": []}}, "unknown key 'sideways'", "/loss/sideways"),
    "an unknown consequence": (
        {"up": [], "unrepresentable": {"down": [{"when": {"a": 1}, "then": "skip"}]}},
        "'skip' is none of dead-letter, hold, substitute",
        "/unrepresentable/down/0/then",
    ),
    "a substitute without a value": (
        {"up": [], "unrepresentable": {"down": [{"when": {"a": 1}, "then": "substitute"}]}},
        "'substitute' and 'with' stand together",
        "/unrepresentable/down/0",
    ),
    "a substitute of nobody knows which": (
        {"up": [], "unrepresentable": {"down": [{"when": {"a": 1}, "then": "substitute", "with": {"b[]": 1}}]}},
        "b[] is one of many, and 'when' does not say which of them",
        "/unrepresentable/down/0/with/b[]",
    ),
    "an unknown test": (
        {"up": [], "unrepresentable": {"down": [{"when": {"a": {"like": "x"}}}]}},
        "'like' is none of above, below, in, not",
        "/unrepresentable/down/0/when/a/like",
    ),
    "a limit that is no number": (
        {"up": [], "unrepresentable": {"down": [{"when": {"a": {"above": "x"}}}]}},
        "a limit is a number",
        "/unrepresentable/down/0/when/a/above",
    ),
}


@pytest.mark.parametrize(("document", "fact", "pointer"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_where_it_stands(document: object, fact: str, pointer: str) -> None:
    with pytest.raises(BadConversion) as caught:
        load_conversion(json.dumps(document))
    assert caught.value.fact.startswith(fact)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "the document is no JSON"),
        ("{", "the document is no JSON"),
        ("[" * 100_000, "the document nests too deep"),
        ('{"up": [], "up": []}', "key 'up' stands there twice"),
        ('{"up": [{"set": {"field": "a", "value": NaN}}]}', "NaN is no number of JSON"),
        ('{"up": [{"set": {"field": "a", "value": ' + "9" * 5000 + "}}]}", "the document is no JSON"),
        ('{"up": [{"set": {"field": "a", "value": ' + "[" * 200 + "]" * 200 + "}}]}", "the value nests deeper"),
        ('{"up": [{"scale": {"field": "a", "by": 1e999999999}}]}', "'1E+999999999' is no factor above 0"),
        ('{"up": [{"rename": {"' + "a/" * 40 + 'a": "b"}}]}', "the path has more than 32 steps"),
    ],
)
def test_a_text_that_is_no_document_is_refused(text: str, fact: str) -> None:
    with pytest.raises(BadConversion) as caught:
        load_conversion(text)
    assert caught.value.fact.startswith(fact)


def test_a_slip_of_the_pen_is_guessed() -> None:
    with pytest.raises(BadConversion) as caught:
        load_conversion(json.dumps({"up": [{"renmae": {"a": "b"}}]}))
    assert caught.value.help == "did you mean rename?"
