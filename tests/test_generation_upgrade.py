"""upgrade.yaml becomes JSON that says the same, and what is no plain value is refused with its place."""

import json
from decimal import Decimal

import pytest

from registry.errors import InvalidSchema
from registry.upgrade import parse_upgrade

PATH = "contracts/versions/shop.Placed/2/upgrade.yaml"


def values(text: str) -> object:
    return json.loads(parse_upgrade(text, PATH).text, parse_float=Decimal)


def test_the_example_of_the_design_says_the_same_in_json() -> None:
    text = """\
up:                                           # o -> n
  - rename: {customer: customer_id}
  - enum:   {field: status, map: {OPEN: PENDING, DONE: COMPLETED}}
  - scale:  {field: amount_cents, to: amount, by: 0.01}
  - set:    {field: currency, value: EUR, because: "version 1 was EUR only"}
down: derived
unrepresentable: {down: [{when: {currency: {not: EUR}}, then: hold}]}
"""
    assert values(text) == {
        "up": [
            {"rename": {"customer": "customer_id"}},
            {"enum": {"field": "status", "map": {"OPEN": "PENDING", "DONE": "COMPLETED"}}},
            {"scale": {"field": "amount_cents", "to": "amount", "by": Decimal("0.01")}},
            {"set": {"field": "currency", "value": "EUR", "because": "version 1 was EUR only"}},
        ],
        "down": "derived",
        "unrepresentable": {"down": [{"when": {"currency": {"not": "EUR"}}, "then": "hold"}]},
    }


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ('"1"', "1"),
        ("0.10", Decimal("0.10")),
        ("1e3", Decimal("1e3")),
        ("01", "01"),
        (".5", ".5"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("2026-01-01", "2026-01-01"),
        ("12:30", "12:30"),
        ("~", None),
        ("null", None),
        ("", None),
        ("''", ""),
        ("[]", []),
        ("{}", {}),
        ('"]"', "]"),
        ('"\\u00e9\\n\\u202e"', "é\n\u202e"),
    ],
)
def test_a_word_is_what_json_would_make_of_it(word: str, value: object) -> None:
    found = values(f"{{a: {word}, b: [{word or '~'}]}}")
    assert found == {"a": value, "b": [value]}
    assert isinstance(found, dict)
    assert type(found["a"]) is type(value)


def test_digits_are_kept() -> None:
    assert parse_upgrade("by: 0.10", PATH).text == '{"by":0.10}'


def test_an_alias_is_written_out() -> None:
    assert values("a: &x {k: 1}\nb: *x") == {"a": {"k": 1}, "b": {"k": 1}}


def test_a_pointer_leads_back_to_its_line() -> None:
    upgrade = parse_upgrade("up:\n  - rename: {a: b}\n  - scale: {field: c,\n            by: 0}\n", PATH)
    assert str(upgrade.at("/up/1/scale/by")) == f"{PATH}:4:13"
    assert str(upgrade.at("/up/0")) == f"{PATH}:2:5"
    assert str(upgrade.at("/up/0/rename/a/deeper")) == f"{PATH}:2:14"
    assert str(upgrade.at("/down")) == f"{PATH}:1:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", f"{PATH}:3:1: the key 'a' stands here again, after line 1"),
        ("a: !!str 1", f"{PATH}:1:4: the tag tag:yaml.org,2002:str is not read here"),
        ("a: 1\n---\nb: 2", f"{PATH}:2:1: a second document begins here"),
        ("? [a]\n: 1", f"{PATH}:1:3: a list stands where a key is wanted"),
        ("a: &x [*x]", f"{PATH}:1:8: the alias *x stands for something that it is part of"),
        ("[" * 70, f"{PATH}:1:65: nested more than 64 levels deep"),
    ],
)
def test_what_is_no_plain_value_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidSchema) as refused:
        parse_upgrade(text, PATH)
    assert refused.value.message == message
    assert refused.value.help
