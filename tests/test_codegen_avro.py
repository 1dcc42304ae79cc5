"""What the types and defaults of Avro become."""

import pytest

from registry.codegen import render_package
from registry.codegen.quoting import with_article
from registry.frozen import replace
from tests.codegen_packages import (
    Json,
    attributes_of,
    class_in,
    event,
    field,
    flaws_of,
    module_of,
    plan_of,
    record,
)

COLOUR = {"type": "enum", "name": "Colour", "symbols": ["RED", "GREEN"]}
POINT = record("Point", field("x", "int"), field("y", "int", default=0))


def undocumented(*fields: Json) -> list[str]:
    """The attributes without what is said of them."""
    return [line for line in attributes_of(*fields) if not line.startswith('"""')]


def logical(base: str, name: str, **rest: int) -> Json:
    return {"type": base, "logicalType": name, **rest}


def fixed(name: str, size: int, **rest: object) -> Json:
    return {"type": "fixed", "name": name, "size": size, **rest}


@pytest.mark.parametrize(
    ("type_", "annotation"),
    [
        ("null", "None"),
        ("boolean", "_bool"),
        ("int", "_int"),
        ("long", "_int"),
        ("float", "_float"),
        ("double", "_float"),
        ("bytes", "_bytes"),
        ("string", "_str"),
        (logical("bytes", "decimal", precision=9, scale=2), "_Decimal"),
        (logical("string", "uuid"), "_UUID"),
        (logical("int", "date"), "_date"),
        (logical("int", "time-millis"), "_time"),
        (logical("long", "time-micros"), "_time"),
        (logical("long", "timestamp-millis"), "_datetime"),
        (logical("long", "timestamp-micros"), "_datetime"),
        (logical("long", "timestamp-nanos"), "_int"),
        (logical("long", "local-timestamp-millis"), "_datetime"),
        (logical("long", "local-timestamp-micros"), "_datetime"),
        (logical("long", "local-timestamp-nanos"), "_int"),
        (logical("string", "unheard-of"), "_str"),
        (fixed("Hash", 16), "_bytes"),
        (fixed("Id", 16, logicalType="uuid"), "_UUID"),
        (fixed("Span", 12, logicalType="duration"), "_serde.Duration"),
        (fixed("Sum", 8, logicalType="decimal", precision=9, scale=2), "_Decimal"),
        (COLOUR, "Colour"),
        (POINT, "Point"),
        ({"type": "array", "items": "int"}, "_Sequence[_int]"),
        ({"type": "map", "values": "int"}, "_Mapping[_str, _int]"),
        ({"type": "array", "items": ["null", {"type": "array", "items": POINT}]}, "_Sequence[_Sequence[Point] | None]"),
        ({"type": "map", "values": ["null", POINT, COLOUR]}, "_Mapping[_str, Point | Colour | None]"),
        (["null", "string"], "_str | None"),
        (["string", "null"], "_str | None"),
        (["int", "long", "double"], "_int | _float"),
        ([COLOUR, "string"], "Colour | _str"),
        ([logical("int", "date"), logical("long", "timestamp-micros")], "_date | _datetime"),
        (["string"], "_str"),
        ([], "_Never"),
    ],
)
def test_a_type_is_annotated_as_the_values_that_the_decoder_makes(type_: object, annotation: str) -> None:
    assert undocumented(field("f", type_)) == [f"f: {annotation}"]


@pytest.mark.parametrize(
    ("type_", "default", "line"),
    [
        ("int", -5, "_int = -5"),
        ("double", 1, "_float = 1.0"),
        ("double", 1e22, "_float = 1e22"),
        ("float", 0.1, "_float = 0.10000000149011612"),
        ("boolean", True, "_bool = True"),
        ("string", 'it\'s "x"\n', "_str = 'it\\'s \"x\"\\n'"),
        ("bytes", "\x00ÿ", '_bytes = b"\\x00\\xff"'),
        (fixed("Hash", 2), "ab", '_bytes = b"ab"'),
        (["null", "string"], None, "_str | None = None"),
        (["string", "null"], "", '_str | None = ""'),
        (["null", "long"], 7, "_int | None = 7"),
        (COLOUR, "GREEN", "Colour = Colour.GREEN"),
        ({"type": "array", "items": "int"}, [], "_Sequence[_int] = ()"),
        ({"type": "array", "items": "int"}, [1], "_Sequence[_int] = (1,)"),
        ({"type": "array", "items": COLOUR}, ["RED"], "_Sequence[Colour] = (Colour.RED,)"),
        ({"type": "map", "values": "int"}, {}, "_Mapping[_str, _int] = _field(default_factory=_dict[_str, _int])"),
        ({"type": "map", "values": "int"}, {"a": 1}, '_Mapping[_str, _int] = _field(default_factory=lambda: {"a": 1})'),
        (POINT, {"x": 1}, "Point = _field(default_factory=lambda: Point(x=1))"),
        (POINT, {"x": 1, "y": 2}, "Point = _field(default_factory=lambda: Point(x=1, y=2))"),
        (record("Empty"), {}, "Empty = _field(default_factory=Empty)"),
        (
            logical("bytes", "decimal", precision=4, scale=2),
            "\x01\x00",
            '_Decimal = _field(default_factory=lambda: _Decimal("2.56"))',
        ),
        (logical("int", "date"), 1, "_date = _field(default_factory=lambda: _date(1970, 1, 2))"),
        (logical("int", "time-millis"), 1, "_time = _field(default_factory=lambda: _time(0, 0, 0, 1000))"),
        (
            logical("long", "local-timestamp-millis"),
            0,
            "_datetime = _field(default_factory=lambda: _datetime(1970, 1, 1, 0, 0, 0))",
        ),
        (logical("long", "timestamp-nanos"), 1, "_int = 1"),
    ],
)
def test_a_default_is_typed_and_made_afresh_where_it_could_change(type_: object, default: object, line: str) -> None:
    assert undocumented(field("f", type_, default=default)) == [f"f: {line}"]


@pytest.mark.parametrize(
    ("type_", "default", "annotation"),
    [
        (logical("int", "date"), 2**31 - 1, "_date"),
        (logical("int", "time-millis"), -1, "_time"),
        (record("Point", field("day", logical("int", "date"))), {"day": 2**31 - 1}, "Point"),
    ],
)
def test_a_default_that_python_cannot_hold_must_be_given(type_: object, default: object, annotation: str) -> None:
    assert undocumented(field("f", type_, default=default)) == [f"f: {annotation}"]


def test_a_default_that_does_not_fit_its_type_must_be_given() -> None:
    assert attributes_of(field("f", "int", default="x"), field("g", POINT, default={})) == ["f: _int", "g: Point"]


def test_a_long_default_is_made_by_a_function_of_its_own() -> None:
    text = module_of(
        event("Placed", field("at", record("Place", field("street", "string")), default={"street": "x" * 70}))
    )
    assert (
        f'''def _new_Placed_at() -> "Place":
    return Place(
        street="{"x" * 70}",
    )
'''
        in text
    )
    assert class_in(text, "Placed:").endswith("at: Place = _field(default_factory=_new_Placed_at)")


def test_what_an_event_is_made_of_comes_before_it_and_circles_are_quoted() -> None:
    node = record(
        "Node", field("next", ["null", "Node"], default=None), field("leaf", record("Leaf", field("up", ["Node"])))
    )
    text = module_of(event("Placed", field("node", node)))
    assert [line for line in text.split("\n") if line.startswith("class ")][:3] == [
        "class Leaf:",
        "class Node:",
        "class Placed:",
    ]
    assert class_in(text, "Leaf:").endswith('up: "Node"')
    assert class_in(text, "Node:").endswith('next: "Node | None" = None\n    leaf: Leaf')


@pytest.mark.parametrize(
    ("type_", "doc", "described"),
    [
        (fixed("F", 2), "", "2 bytes."),
        (fixed("F", 1), "ISO country", "ISO country. 1 byte."),
        (fixed("F", 2), "ISO country, 2 bytes.", "ISO country, 2 bytes."),
        (logical("bytes", "decimal", precision=10, scale=2), "Price.", "Price. At most 10 digits, 2 of them decimals."),
        (["null", logical("bytes", "decimal", precision=1)], "", "At most 1 digit, none of them decimals."),
        ({"type": "array", "items": fixed("F", 4)}, "", "Each 4 bytes."),
        ({"type": "map", "values": ["null", fixed("F", 4)]}, "", "Each 4 bytes."),
        ([fixed("F", 4), {"type": "array", "items": fixed("G", 5)}], "One or more.", "One or more."),
        (fixed("F", 12, logicalType="duration"), "", ""),
        ("string", "A name.", "A name."),
    ],
)
def test_a_doc_says_what_the_type_cannot(type_: object, doc: str, described: str) -> None:
    lines = attributes_of(field("f", type_, doc=doc))
    assert [line.strip('"') for line in lines[1:]] == ([described] if described else [])


def test_a_doc_of_several_lines_keeps_them() -> None:
    text = class_in(module_of(event("Placed", field("f", fixed("F", 2), doc="Country.\n\nAs ISO has it."))), "Placed:")
    assert '    """Country.\n\n    As ISO has it.\n\n    2 bytes.\n    """' in text


def test_every_version_of_a_deprecated_event_says_so() -> None:
    plan = replace(plan_of(event("Placed"), event("Placed")), deprecated_since="2026-09-01", replaced_by="shop.Paid")
    text = render_package("orders", [plan])["placed.py"]
    sentence = "Deprecated since 2026-09-01: use shop.Paid."
    assert sentence in class_in(text, "Placed:")
    assert sentence in class_in(text, "PlacedV1:")
    assert "Deprecated since 2026-09-01." in render_package("orders", [replace(plan, replaced_by="")])["placed.py"]
    assert "Deprecated" not in module_of(event("Placed"))


@pytest.mark.parametrize(
    ("name", "article"),
    [
        ("OrderPlaced", "an"),
        ("ItemAdded", "an"),
        ("UploadDone", "an"),
        ("UninstallDone", "an"),
        ("ContentPublished", "a"),
        ("UserLoggedIn", "a"),
        ("UnitSold", "a"),
        ("URLSeen", "a"),
        ("OneTimePaid", "a"),
        ("EuroPaid", "a"),
        ("_", "a"),
    ],
)
def test_an_article_goes_by_the_sound(name: str, article: str) -> None:
    assert with_article(name) == f"{article} {name}"


def test_docs_stand_below_what_they_describe() -> None:
    colour = {**COLOUR, "doc": "Of paint."}
    text = module_of(event("Placed", field("colour", colour, doc="As mixed."), doc="An order was placed."))
    assert class_in(text, "Colour(").startswith('class Colour(_Enum):\n    """Of paint."""\n\n    RED = "RED"')
    assert (
        class_in(text, "Placed:")
        == '''class Placed:
    """An order was placed.

    Owner: orders. Topic: shop.orders.
    """

    colour: Colour
    """As mixed."""'''
    )


# The envelope

NESTED = {"correlation_id": ("metadata", "correlation_id"), "schema_version": ("metadata", "schema_version")}
METADATA = record("Metadata", field("correlation_id", "string"), field("schema_version", "int"))


def plain(*fields: Json) -> Json:
    return record("Placed", *fields, namespace="shop")


def test_fields_of_the_envelope_are_no_attributes() -> None:
    text = module_of(event("Placed", field("event_id", "string"), field("total", "int")))
    assert class_in(text, "Placed:").endswith('"""\n\n    total: _int')
    assert '"event_id": ("event_id",),' in text
    assert "occurred_at" not in text.partition("files=")[0]


def test_a_record_that_is_all_envelope_disappears() -> None:
    text = module_of(plain(field("metadata", METADATA), field("total", "int")), paths=NESTED)
    assert "class Metadata" not in text
    assert class_in(text, "Placed:").endswith('"""\n\n    total: _int')
    assert '"correlation_id": ("metadata", "correlation_id"),' in text


@pytest.mark.parametrize("type_", ["Metadata", ["null", "Metadata"]])
def test_a_record_that_is_not_all_envelope_keeps_the_rest(type_: object) -> None:
    metadata = {**METADATA, "fields": [*METADATA["fields"], field("tenant", "string")]}
    holder = [metadata if each == "Metadata" else each for each in type_] if isinstance(type_, list) else metadata
    text = module_of(plain(field("metadata", holder)), paths=NESTED)
    assert class_in(text, "Metadata:").endswith('"""\n\n    tenant: _str')
    assert "metadata: Metadata" in class_in(text, "Placed:")


def test_a_record_of_the_envelope_that_is_used_twice_is_a_finding() -> None:
    flaws = flaws_of(plain(field("metadata", METADATA), field("of_parent", "Metadata")), paths=NESTED)
    assert [flaw.message for flaw in flaws] == [
        "shop.Metadata holds fields of the envelope, and is used again by field 'of_parent'"
    ]
    assert flaws[0].location.pointer == "/fields/1"
    assert flaws[0].help


def test_an_event_that_holds_itself_is_a_finding() -> None:
    flaws = flaws_of(event("Placed", field("replaces", ["null", "Placed"])))
    assert [flaw.message for flaw in flaws] == [
        "shop.Placed holds fields of the envelope, and is used again by field 'replaces'"
    ]


# Unions and depth


@pytest.mark.parametrize(
    "branches",
    [
        [POINT, record("Vector", *POINT["fields"])],
        [COLOUR, {**COLOUR, "name": "Paint"}, "string"],
        [fixed("Short", 4), fixed("Long", 8)],
        [fixed("Hash", 4), "bytes"],
        [fixed("Id", 16, logicalType="uuid"), fixed("Hash", 16)],
        ["bytes", logical("string", "uuid")],
    ],
)
def test_branches_that_a_class_or_a_type_tells_apart_are_fine(branches: list[object]) -> None:
    assert flaws_of(event("Placed", field("f", branches))) == []


@pytest.mark.parametrize(
    ("branches", "fact"),
    [
        ([fixed("A", 4), fixed("B", 4)], "fixed shop.B of 4 bytes comes after fixed shop.A of 4 bytes"),
        (["bytes", fixed("B", 4)], "fixed shop.B of 4 bytes comes after bytes"),
        (
            [logical("string", "uuid"), "null", fixed("B", 16, logicalType="uuid")],
            "fixed shop.B of 16 bytes (uuid) comes after string (uuid)",
        ),
    ],
)
def test_a_fixed_that_no_python_value_tells_apart_is_a_finding(branches: list[object], fact: str) -> None:
    (flaw,) = flaws_of(event("Placed", field("f", {"type": "array", "items": branches})))
    assert flaw.message == f"{fact}, and no Python value tells them apart"
    assert flaw.location.pointer == f"/fields/2/type/items/{len(branches) - 1}"
    assert flaw.location.line > 1


def test_what_nests_too_deep_for_an_annotation_is_a_finding() -> None:
    type_: object = "int"
    for _ in range(33):
        type_ = {"type": "array", "items": type_}
    assert [flaw.message for flaw in flaws_of(event("Placed", field("f", type_)))] == [
        "field 'f' nests deeper than 32 levels"
    ]
    assert flaws_of(event("Placed", field("f", {"type": "array", "items": "int"}))) == []


def test_a_chain_of_a_thousand_records_and_a_wide_union_have_stubs() -> None:
    chain = record("R0", field("x", "int"))
    records: list[Json] = [record(f"B{i}", field("x", "int")) for i in range(300)]
    for i in range(1, 40):
        chain = record(f"R{i}", field("inner", chain))
    text = module_of(event("Placed", field("chain", chain), field("one", records)))
    assert "class R39:" in text
    compile(text, "placed.py", "exec")
