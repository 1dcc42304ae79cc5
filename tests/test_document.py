"""YAML by shapes: every value with its place, every misfit a flaw with place and way out, never an exception."""

from datetime import date

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from registry import yaml_syntax
from registry.document import Document, parse_document, parse_top_key, suggest
from registry.errors import Flaw
from registry.shape import (
    Day,
    Flag,
    Integer,
    Keys,
    Known,
    ListOf,
    MapOf,
    OneOf,
    Several,
    Text,
    render_json_schema,
)
from registry.yaml_syntax import decode_document
from tests.editor import as_an_editor_reads

SHAPE = Keys(
    "A pond.",
    {
        "version": Known("The version of this form."),
        "name": Text("What it is called."),
        "note": Text("Anything.", blank=True),
        "path": Text("A path.", pattern=r"[a-z]+(/[a-z]+)*", looks="a path such as a/b"),
        "depth": Integer("In metres.", minimum=1),
        "frozen": Flag("Whether it is frozen."),
        "water": Flag("A pond has water.", only=True),
        "dug": Day("The day it was dug."),
        "drained": Day("The day it was drained.", blank=True),
        "shore": OneOf("What surrounds it.", ("sand", "reed")),
        "keeper": Several(Text("The one keeper.")),
        "boats": ListOf(
            "Its boats.",
            Keys(
                "A boat.", {"name": Text("Its name."), "oars": Integer("How many.")}, required=("name",), short="name"
            ),
        ),
        "fish": MapOf("Its fish.", Text("A kind of fish."), Keys("A kind.", {"count": Integer("How many.")})),
        "ducks": MapOf("Its ducks.", Text("A duck."), Integer("Its age."), repeats=True),
        "depths": Keys(
            "Soundings.",
            {"north": Integer("In the north.")},
            others=MapOf("Elsewhere.", Text("A place.", pattern="[a-z]+", looks="a place"), Integer("There.")),
        ),
    },
    required=("version",),
)


def read(text: str) -> Document:
    return parse_document(text, "pond.yaml", SHAPE)


def tell(flaws: tuple[Flaw, ...]) -> list[str]:
    assert all(flaw.kind == "invalid" and flaw.help for flaw in flaws)
    return [f"{flaw.location} {flaw.message}" for flaw in flaws]


GOOD = [
    "version: 1",
    "{version: 1, name: no, depth: 3, frozen: true}",
    "version: 1\nname: 007\nnote: on\n",
    "version: 1\nname: true",
    "version: 1\nname: 2026-09-01",
    "version: 1\nname: 'null'",
    "version: 1\nnote:\n",
    "version: 1\nnote: ''\n",
    "version: 1\npath: a/b\n",
    "version: 1\nwater: true\nshore: reed\n",
    "version: 1\ndug: 2026-09-01\ndrained: '2026-09-02'\n",
    "version: 1\ndrained:\n",
    "version: 1\nkeeper: anna\n",
    "version: 1\nboats: [{name: Swan, oars: 2}, Heron]\n",
    "version: 1\nboats: []\nfish: {}\n",
    "version: 1\nfish: {carp: {count: 3}, no: {}}\n",
    "version: 1\nducks: {anna: 3}\ndepths: {north: 1, south: 2}\n",
    "version: 1\r\nname: x\r\n",
    "%YAML 1.2\n---\nversion: 1\n...\n",
]

BAD = [
    ("{}", "1:1 the key 'version' is missing"),
    ("version: 1\nnmae: x", "2:1 the key 'nmae' is not known here"),
    ("version: 1\nname: [x]", "2:7 'name' must be text; here is a list"),
    ("version: 1\nname: {a: b}", "2:7 'name' must be text; here is a mapping of keys"),
    ("version: 1\nname:", "2:6 'name' must be text; here is nothing"),
    ("version: 1\nname: ~", "2:7 'name' must be text; here is nothing"),
    ("version: 1\nname: ' '", "2:7 'name' must be text that says something; here is the text ' '"),
    ("version: 1\npath: a//b", "2:7 'path' must be a path such as a/b; here is a//b"),
    ("version: 1\ndepth: '3'", "2:8 'depth' must be a whole number, 1 to 2147483647; here is the text '3'"),
    ("version: 1\ndepth: 0", "2:8 'depth' must be a whole number, 1 to 2147483647; here is 0"),
    ("version: 1\ndepth: 1.5", "2:8 'depth' must be a whole number, 1 to 2147483647; here is 1.5"),
    ("version: 1\ndepth: 99999999999", "2:8 'depth' must be a whole number, 1 to 2147483647; here is 99999999999"),
    ("version: 1\ndepth: yes", "2:8 'depth' must be a whole number, 1 to 2147483647; here is yes"),
    ("version: 1\nfrozen: yes", "2:9 'frozen' must be true or false; here is yes"),
    ("version: 1\nfrozen: 'true'", "2:9 'frozen' must be true or false; here is the text 'true'"),
    ("version: 1\nwater: false", "2:8 'water' must be true; here is false"),
    ("version: 1\ndug: 2026-02-30", "2:6 'dug' must be a day of the calendar; here is 2026-02-30"),
    ("version: 1\ndug: 20260901", "2:6 'dug' must be a day of the calendar; here is 20260901"),
    ("version: 1\nshore: rede", "2:8 'shore' must be one of sand, reed; here is rede"),
    ("version: 1\nboats: Swan", "2:8 'boats' must be a list; here is Swan"),
    ("version: 1\nboats: [Swan, {oars: 2}]", "2:15 the key 'name' is missing"),
    ("version: 1\nboats: [Swan, ~]", "2:15 item 2 must be text; here is nothing"),
    ("version: 1\nfish: [carp]", "2:7 'fish' must be a mapping by name; here is a list"),
    ("version: 1\nfish: {carp: 3}", "2:14 'carp' must be a mapping of keys; here is 3"),
    ("version: 1\nfish: {' ': {}}", "2:8 the key ' ' must be a name"),
    ("version: 1\ndepths: {South: 1}", "2:10 the key 'South' must be a place"),
    ("version: '1'", "1:10 'version' must be 1; here is the text '1'"),
    ("version: 2", "1:10 version 2 is not known: this tool reads 1"),
    ("[version]", "1:1 the file must be a mapping of keys; here is a list"),
    ("version", "1:1 the file must be a mapping of keys; here is version"),
]


@pytest.mark.parametrize("text", GOOD)
def test_what_fits_the_shape_is_read_in_silence_and_the_json_schema_agrees(text: str) -> None:
    assert read(text).flaws == ()
    validate(text)


@pytest.mark.parametrize(("text", "told"), BAD)
def test_what_does_not_fit_is_told_with_its_place_and_the_json_schema_agrees(text: str, told: str) -> None:
    assert tell(read(text).flaws) == [f"pond.yaml:{told}"]
    with pytest.raises(jsonschema.ValidationError):
        validate(text)


def validate(text: str) -> None:
    schema = render_json_schema(SHAPE, "Pond")
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(as_an_editor_reads(text))


def test_the_json_schema_is_one_and_describes_every_key() -> None:
    schema = render_json_schema(SHAPE, "Pond")
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"] == "Pond"
    assert schema["additionalProperties"] is False
    assert schema["properties"]["depth"] == {
        "description": "In metres.",
        "type": "integer",
        "minimum": 1,
        "maximum": 2147483647,
    }
    assert all(of["description"] for of in schema["properties"].values())


def test_values_are_plain_and_read_as_the_shape_wants_them() -> None:
    table = read("version: 1\nname: no\ndepth: 3\nfrozen: false\ndug: 2026-09-01\nboats: [Swan]\ndrained:").table
    assert table == {
        "version": 1,
        "name": "no",
        "depth": 3,
        "frozen": False,
        "dug": date(2026, 9, 1),
        "boats": ({"name": "Swan"},),
        "drained": None,
    }


def test_every_key_and_value_has_its_place() -> None:
    table = read("version: 1\nfish:\n  carp:\n    count: 3\n  a/b: {}\n").table
    assert str(table.at_key("fish")) == "pond.yaml:2:1"
    assert str(table["fish"]["carp"].at) == "pond.yaml:3:3"
    assert table["fish"]["a/b"].at.pointer == "/fish/a~1b"
    assert str(table["fish"]["carp"].at_value("count")) == "pond.yaml:4:12"
    assert table["fish"]["carp"].at_value("count").pointer == "/fish/carp/count"


def test_a_place_further_down_is_the_nearest_mapping_that_is_known() -> None:
    table = read("version: 1\nfish:\n  carp: {count: 3}\n").table
    assert str(table.at.at("fish", "carp", "count")) == "pond.yaml:3:3"


def test_columns_count_characters() -> None:
    assert tell(read('version: 1\nfish: {"🐟ü": {size: 3}}').flaws) == [
        "pond.yaml:2:15 the key 'size' is not known here"
    ]


def test_an_unknown_key_is_asked_back() -> None:
    assert read("version: 1\nnmae: x").flaws[0].help == "did you mean 'name'?"
    assert read("version: 1\nzzzz: x").flaws[0].help.startswith("known here: version, name")


def test_a_word_is_suggested_whatever_its_case() -> None:
    assert suggest("sande", ["SAND", "reed"]) == "did you mean 'SAND'?"
    assert suggest("zzzz", ["SAND", "reed"]) == ""


def test_a_key_that_stands_there_twice_names_both_places_and_the_first_is_kept() -> None:
    document = read("version: 1\nname: a\nname: b\n")
    assert tell(document.flaws) == ["pond.yaml:3:1 the key 'name' stands here again; the first is in line 2, column 1"]
    assert document.table["name"] == "a"


def test_a_repeated_key_is_a_flaw_even_where_the_first_one_is_flawed() -> None:
    assert len(read("version: 1\nname: []\nname: b\n").flaws) == 2


def test_several_keeps_each_value_with_its_place() -> None:
    found = read("version: 1\nkeeper: anna\nkeeper: [ben, clara]\n")
    assert found.flaws == ()
    assert [(name, str(at)) for name, at in found.table["keeper"]] == [
        ("anna", "pond.yaml:2:9"),
        ("ben", "pond.yaml:3:10"),
        ("clara", "pond.yaml:3:15"),
    ]


def test_a_map_that_allows_it_keeps_each_occurrence() -> None:
    assert read("version: 1\nducks: {anna: 3, ben: 1, anna: 4}").table["ducks"] == {"anna": [3, 4], "ben": [1]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1 the file is empty"),
        ("# nothing\n", "1:1 the file is empty"),
        ("---\n...\n", "1:1 the file is empty"),
        ("version: 1\n---\nversion: 1\n", "2:1 a second document begins"),
        ("version: 1\nfish:\n\tcarp: {}\n", "3:1 a tab stands where YAML takes only spaces"),
        ("version: 1\nname: a\n\tb: c\n", "3:1 a tab stands where YAML takes only spaces"),
        ("version: 1\nname: a: b\n", "2:8 a ':' stands where no key can stand"),
        ("version: 1\nname: @a\n", "2:7 '@' cannot begin a value"),
        ("version: 1\nname: 'a\n", "3:1 the quoted text that begins in line 2 is not closed"),
        ("version: 1\nboats: [a\n", "3:1 the list that begins in line 2 is not closed"),
        ("version: 1\nfish: {a: {}\n", "3:1 the mapping that begins in line 2 is not closed"),
        ("version: 1\nfish:\n  a: {}\n b: {}\n", "4:2 the line does not fit the indentation above it"),
        ('version: 1\nname: "\\q"\n', "2:8 a backslash in double quotes begins an escape, and this is none"),
        ("version: 1\nname: a\x01", "2:8 the character U+0001 cannot stand in YAML"),
        ("version: 1\nname: \ud800", "2:7 the character U+D800 cannot stand in YAML"),
        ("%YAML 3.0\n---\nversion: 1", "1:1 this is not YAML: found incompatible YAML document"),
        ("version: 1\nname: *a\n", "2:7 the alias *a stands for nothing"),
        ("version: 1\nfish: &a {carp: *a}\n", "2:17 the alias *a stands for something that it is part of"),
    ],
)
def test_what_is_no_yaml_is_one_flaw_with_its_place(text: str, told: str) -> None:
    document = read(text)
    assert tell(document.flaws) == [f"pond.yaml:{told}"]
    assert document.flaws[0].help
    assert document.table == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "version: 1\nname: !!python/object:os.system x",
            "2:7 the tag tag:yaml.org,2002:python/object:os.system is not read",
        ),
        ("version: 1\nname: !own x", "2:7 the tag !own is not read"),
        ("version: 1\n!!str name: x", "2:1 the tag tag:yaml.org,2002:str is not read"),
        ("version: 1\n<<: {name: x}", "2:1 merge keys (<<) are not read"),
        ("version: 1\n[a, b]: x", "2:1 a key must be text; here is a list"),
        ("version: 1\n? {a: {b: c}}\n: [d]\n", "2:3 a key must be text; here is a mapping of keys"),
    ],
)
def test_what_yaml_has_and_no_shape_needs_is_refused(text: str, told: str) -> None:
    assert tell(read(text).flaws) == [f"pond.yaml:{told}"]


def test_a_byte_order_mark_is_told_and_the_rest_is_read() -> None:
    document = read("\ufeffversion: 1\nname: x")
    assert tell(document.flaws) == ["pond.yaml:1:1 the file begins with a byte order mark"]
    assert document.table["name"] == "x"


def test_bytes_that_are_not_utf8_are_told_with_their_place() -> None:
    flaw = decode_document("version: 1\nname: ü".encode("latin-1"), "pond.yaml")
    assert isinstance(flaw, Flaw)
    assert tell((flaw,)) == ["pond.yaml:2:7 byte 0xfc is not UTF-8"]
    assert decode_document("name: ü".encode(), "pond.yaml") == "name: ü"


@pytest.mark.parametrize("text", ["- " * 200_000, "[" * 200_000, "? " * 200_000, "{a: " * 500])
def test_deep_nesting_is_told_and_does_not_end_the_process(text: str) -> None:
    assert [flaw.message for flaw in read("version: 1\nname:\n  " + text).flaws] == ["nested more than 64 levels deep"]


def test_an_alias_stands_for_its_anchor_and_a_flaw_in_it_is_told_once() -> None:
    document = read("version: 1\nfish:\n  carp: &a {count: 3}\n  pike: *a\n")
    assert document.flaws == ()
    assert document.table["fish"]["pike"] == {"count": 3}
    assert len(read("version: 1\nfish:\n  carp: &a {size: 3}\n  pike: *a\n").flaws) == 1


def test_aliases_of_aliases_stand_for_all_they_hold() -> None:
    document = read("version: 1\nboats: [&a Swan, &b {name: *a}, *b]\n")
    assert document.flaws == ()
    assert [boat["name"] for boat in document.table["boats"]] == ["Swan"] * 3


def test_a_billion_laughs_are_refused_after_the_first_ones() -> None:
    lines = ["a0: &a0 [ha, ha]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert [flaw.message for flaw in read("\n".join(lines)).flaws] == ["aliases stand for more than 200,000 values"]


def test_a_long_value_is_cut_in_the_message() -> None:
    flaw = read("version: 1\ndepth: " + "9" * 10_000).flaws[0]
    assert len(flaw.message) < 120


def test_the_parser_in_python_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_libyaml = [read(text) for text in [*GOOD, *(text for text, _ in BAD)]]
    monkeypatch.setattr(yaml_syntax, "LOADER", yaml.BaseLoader)
    assert [read(text) for text in [*GOOD, *(text for text, _ in BAD)]] == with_libyaml


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 1\nfish:\n\tcarp: {}\n", "a tab stands where YAML takes only spaces"),
        ("version: 1\nboats: [a\n", "the list that begins in line 2 is not closed"),
        ("version: 1\nfish: {a: {}\n", "the mapping that begins in line 2 is not closed"),
        ("version: 1\nfish:\n  a: {}\n b: {}\n", "the line does not fit the indentation above it"),
        ("version: 1\nname: a\x01", "the character U+0001 cannot stand in YAML"),
        ("name: " + "[" * 300, "nested more than 64 levels deep"),
    ],
)
def test_errors_of_the_parser_in_python_are_told_the_same(
    text: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_syntax, "LOADER", yaml.BaseLoader)
    assert [flaw.message for flaw in read(text).flaws] == [told]


def test_one_key_is_found_without_the_rest() -> None:
    names = ListOf("Names.", Text("A name."))
    assert parse_top_key("a: {names: [x]}\nnames: [y, no]\n", "f.yaml", "names", names) == ["y", "no"]


@pytest.mark.parametrize("text", ["", "a: 1", "names: x", "- names", "names: [x", "\tnames: [x]", "a: [names"])
def test_a_key_that_is_not_there_or_in_a_broken_file_is_an_empty_list(text: str) -> None:
    assert parse_top_key(text, "f.yaml", "names", ListOf("Names.", Text("A name."))) == []


WORDS = ("version", "name", "boats", "fish", "&a", "*a", "!!int", "---", "...", "<<", "1", "~", "é", "\x00", "\ud800")
SIGNS = tuple(":-[]{},'\"|?#%\\ \t\n\r")


@given(st.lists(st.sampled_from(WORDS + SIGNS), max_size=40).map("".join) | st.text(max_size=40))
def test_no_text_raises_and_none_without_a_version_passes_in_silence(text: str) -> None:
    document = read(text)
    assert document.flaws or document.table["version"] == 1
    assert all(flaw.message and flaw.location.line >= 1 and flaw.location.column >= 1 for flaw in document.flaws)
