"""The canonical form is frozen: these texts may never change, or every fingerprint and schema id would."""

import json

import pytest

from registry.formats import avro
from registry.schema import Schema


def parse(schema: object, **files: object) -> Schema:
    texts = {"x.avsc": json.dumps(schema), **{path: json.dumps(other) for path, other in files.items()}}
    return avro.parse(texts, ["x.avsc"])


ARTICLE = {
    "doc": "What readers see.",
    "type": "record",
    "name": "Article",
    "namespace": "play.content",
    "aliases": ["Post", "old.Entry", "Post"],
    "fields": [
        {"type": {"type": "string", "logicalType": "uuid"}, "name": "id", "doc": "Stable.", "order": "ignore"},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9}, "default": "ÿ\u0000"},
        {
            "name": "state",
            "type": {"type": "enum", "symbols": ["DRAFT", "LIVE"], "name": "State", "default": "DRAFT"},
            "default": "LIVE",
        },
        {"name": "hash", "type": {"type": "fixed", "size": 12, "name": "common.Hash", "logicalType": "duration"}},
        {"name": "parent", "type": ["null", "Article"], "default": None, "aliases": ["up", "above", "up"]},
        {"name": "tags", "type": {"type": "array", "items": {"type": "string"}}, "default": ['a"b\n', "日本"]},
        {"name": "scores", "type": {"type": "map", "values": "double"}, "default": {"b": 1.0, "a": 0.5, "c": -0.0}},
        {"name": "next", "type": "State", "default": "LIVE"},
        {"name": "bare", "type": {"type": "record", "name": "Bare", "namespace": "", "fields": []}},
        {"name": "week", "type": {"type": "long", "logicalType": "week"}, "default": 3},
    ],
}

CANONICAL = (
    '{"name":"play.content.Article","type":"record","fields":['
    '{"name":"id","type":{"type":"string","logicalType":"uuid"}},'
    '{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":0},"default":"ÿ\\u0000"},'
    '{"name":"state","type":{"name":"play.content.State","type":"enum","symbols":["DRAFT","LIVE"],"default":"DRAFT"},'
    '"default":"LIVE"},'
    '{"name":"hash","type":{"name":"common.Hash","type":"fixed","size":12,"logicalType":"duration"}},'
    '{"name":"parent","type":["null","play.content.Article"],"default":null,"aliases":["up","above"]},'
    '{"name":"tags","type":{"type":"array","items":"string"},"default":["a\\"b\\n","日本"]},'
    '{"name":"scores","type":{"type":"map","values":"double"},"default":{"a":0.5,"b":1,"c":-0.0}},'
    '{"name":"next","type":"play.content.State","default":"LIVE"},'
    '{"name":"bare","type":{"name":"Bare","type":"record","fields":[]}},'
    '{"name":"week","type":"long","default":3}],'
    '"aliases":["old.Entry","play.content.Post"]}'
)

GOLDEN: dict[str, tuple[object, str]] = {
    "a primitive": ({"type": "int"}, '"int"'),
    "a logical type": ({"type": "int", "logicalType": "date"}, '{"type":"int","logicalType":"date"}'),
    "a union": (["null", {"type": "map", "values": "long"}], '["null",{"type":"map","values":"long"}]'),
    "an empty enum": ({"type": "enum", "name": "E", "symbols": []}, '{"name":"E","type":"enum","symbols":[]}'),
    "an error": ({"type": "error", "name": "a.X", "fields": []}, '{"name":"a.X","type":"record","fields":[]}'),
    "all of it": (ARTICLE, CANONICAL),
}


@pytest.mark.parametrize("title", GOLDEN)
def test_the_canonical_form_is_frozen(title: str) -> None:
    schema, canonical = GOLDEN[title]
    assert avro.canonical_form(parse(schema)) == canonical


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("1.0", "1"),
        ("1e2", "100"),
        ("-0.0", "-0.0"),
        ("0.1", "0.1"),
        ("1e16", "1e+16"),
        ("12345678901234567", "12345678901234567"),
    ],
)
def test_numbers_in_defaults_are_written_in_one_way(number: str, written: str) -> None:
    text = f'{{"type":"record","name":"R","fields":[{{"name":"a","type":"double","default":{number}}}]}}'
    assert avro.canonical_form(avro.parse({"x": text}, ["x"])) == text.replace(number, written).replace(
        '{"type":"record","name":"R",', '{"name":"R","type":"record",'
    )


def test_spelling_order_of_keys_and_files_change_nothing() -> None:
    one = {"type": "record", "name": "a.R", "fields": [{"name": "s", "type": "a.S"}, {"name": "t", "type": "S"}]}
    two = {
        "fields": [{"type": {"type": "S"}, "name": "s"}, {"type": "a.S", "name": "t"}],
        "namespace": "a",
        "name": "R",
        "type": "record",
    }
    inner = {"type": "record", "name": "a.S", "fields": []}
    inlined = {**one, "fields": [{"name": "s", "type": inner}, {"name": "t", "type": "S"}]}
    forms = {
        avro.canonical_form(parse(one, **{"s.avsc": inner})),
        avro.canonical_form(parse(two, **{"0.avsc": inner})),
        avro.canonical_form(parse(inlined)),
    }
    assert len(forms) == 1


def test_a_default_an_alias_and_a_logical_type_make_another_form_and_the_same_parsing_form() -> None:
    plain: dict[str, object] = {"name": "a", "type": "long"}
    fields: list[dict[str, object]] = [
        plain,
        {**plain, "default": 1},
        {**plain, "aliases": ["b"]},
        {**plain, "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {**plain, "type": {"type": "long", "logicalType": "timestamp-micros"}},
    ]
    schemas = [parse({"type": "record", "name": "R", "fields": [field]}) for field in fields]
    assert len({avro.canonical_form(schema) for schema in schemas}) == len(fields)
    assert len({avro.parsing_canonical_form(schema) for schema in schemas}) == 1


@pytest.mark.parametrize("title", GOLDEN)
def test_the_self_contained_form_reads_back(title: str) -> None:
    schema = parse(GOLDEN[title][0])
    text = avro.self_contained(schema)
    again = avro.parse({"y.avsc": text}, ["y.avsc"])
    assert avro.canonical_form(again) == avro.canonical_form(schema)
    assert avro.self_contained(again) == text


def test_the_self_contained_form_keeps_docs() -> None:
    assert '"doc":"What readers see."' in avro.self_contained(parse(ARTICLE))
    assert '"name":"Bare","namespace":""' in avro.self_contained(parse(ARTICLE))


# The fingerprints that the Avro project publishes for primitives; it prints them signed.
PUBLISHED = {
    "null": 7195948357588979594,
    "boolean": -6970731678124411036,
    "int": 8247732601305521295,
    "long": -3434872931120570953,
    "float": 5583340709985441680,
    "double": -8181574048448539266,
    "bytes": 5746618253357095269,
    "string": -8142146995180207161,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_fingerprint_of_a_primitive_is_the_published_one(name: str) -> None:
    assert avro.crc64(avro.parsing_canonical_form(parse(name))) == PUBLISHED[name] % 2**64


@pytest.mark.parametrize("title", GOLDEN)
def test_the_parsing_canonical_form_and_its_fingerprint_are_those_of_fastavro(title: str) -> None:
    fastavro_schema = pytest.importorskip("fastavro.schema")
    schema = GOLDEN[title][0]
    if title == "an error":
        pytest.skip("Java's canonical form says record")
    form = avro.parsing_canonical_form(parse(schema))
    assert form == fastavro_schema.to_parsing_canonical_form(schema)
    assert avro.crc64(form).to_bytes(8, "little").hex() == fastavro_schema.fingerprint(form, "CRC-64-AVRO")
