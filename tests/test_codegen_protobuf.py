"""Messages become classes by the rules of the typed view."""

from registry.codegen.classes import RecordClass, VersionClasses
from registry.codegen.code import Class, Code, Either, Generic, Known, Table, Text
from registry.codegen.plan import StubPlan, StubVersion
from registry.codegen.protobuf import find_classes, strip_sources
from registry.formats.protobuf.descriptors import decode_files
from registry.formats.protobuf.parse import parse

ENVELOPE = {"correlation_id": ("correlation_id",)}


def classes_of(text: str, event: str = "shop.Order", suffix: str = "", **envelope: tuple[str, ...]) -> VersionClasses:
    files = {"shop.proto": text}
    schema = parse(files, ["shop.proto"], event, strict=False)
    version = StubVersion(1, 7, "", "shop.proto", files, schema, envelope)
    plan = StubPlan(event, "protobuf", "orders", "orders", "", "", "", (1,), (), (version,))
    return find_classes(plan, version, suffix)


def show(code: Code | None) -> str:
    match code:
        case None:
            return ""
        case Text(text):
            return text
        case Known(name) | Class(name, ""):
            return name
        case Class(name, member):
            return f"{name}.{member}"
        case Either(parts):
            return " | ".join(map(show, parts))
        case Generic(base, arguments):
            return f"{show(base)}[{', '.join(map(show, arguments))}]"
        case Table(()):
            return "{}"
    raise AssertionError(code)


def rows(record: RecordClass) -> list[str]:
    return [
        f"{each.name}: {show(each.annotation)}" + (f" = {show(each.default)}" if each.default else "")
        for each in record.attributes
    ]


def fields_of(text: str, event: str = "shop.Order") -> list[str]:
    classes = classes_of(text, event)
    assert not classes.flaws
    return rows(next(each for each in classes.records if each.name == classes.root))


def test_presence_says_what_a_field_reads_as_where_it_is_absent() -> None:
    text = """
    syntax = "proto3"; package shop;
    message Order {
      string id = 1; int64 count = 2; double price = 3; bool paid = 4; bytes raw = 5;
      optional string note = 6; Line line = 7; repeated Line lines = 8; map<int32, Line> by_number = 9;
      Kind kind = 10; optional Kind other = 11; repeated Kind kinds = 12; map<string, Kind> named = 13;
    }
    message Line { sint32 delta = 1; }
    enum Kind { KIND_UNSPECIFIED = 0; KIND_NEW = 1; }
    """
    assert fields_of(text) == [
        'id: str = ""',
        "count: int = 0",
        "price: float = 0.0",
        "paid: bool = False",
        'raw: bytes = b""',
        "note: str | None = None",
        "line: Line | None = None",
        "lines: Sequence[Line] = ()",
        "by_number: Mapping[int, Line] = {}",
        "kind: Kind | int = Kind.KIND_UNSPECIFIED",
        "other: Kind | int | None = None",
        "kinds: Sequence[Kind | int] = ()",
        "named: Mapping[str, Kind | int] = {}",
    ]


def test_proto2_keeps_required_and_closed_enums() -> None:
    text = """
    syntax = "proto2"; package shop;
    message Order {
      required string id = 1; optional int32 count = 2 [default = 7]; required Line line = 3; optional Kind kind = 4;
      required Kind first = 5; optional group Part = 6 { optional string name = 1; } extensions 100 to 200;
    }
    extend Order { optional string extra = 100; }
    message Line {}
    enum Kind { NEW = 3; OLD = 4; }
    """
    assert fields_of(text) == [
        "id: str",
        "count: int | None = None",
        "line: Line",
        "kind: Kind | None = None",
        "first: Kind",
        "part: OrderPart | None = None",
    ]


def test_editions_say_presence_and_openness_by_features() -> None:
    text = """
    edition = "2023"; package shop; option features.field_presence = IMPLICIT;
    message Order {
      string id = 1; string note = 2 [features.field_presence = EXPLICIT];
      int32 must = 3 [features.field_presence = LEGACY_REQUIRED]; Kind kind = 4 [features.field_presence = EXPLICIT];
    }
    enum Kind { option features.enum_type = CLOSED; A = 0; }
    """
    assert fields_of(text) == ['id: str = ""', "note: str | None = None", "must: int", "kind: Kind | None = None"]


def test_well_known_types_are_values_of_python_and_the_others_classes() -> None:
    text = """
    syntax = "proto3"; package shop;
    import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto";
    import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/any.proto";
    message Order {
      google.protobuf.Timestamp at = 1; google.protobuf.Duration took = 2; google.protobuf.Int64Value count = 3;
      google.protobuf.StringValue name = 4; repeated google.protobuf.Timestamp times = 5;
      map<string, google.protobuf.BytesValue> blobs = 6; google.protobuf.Struct free = 7; google.protobuf.Any any = 8;
    }
    """
    assert fields_of(text) == [
        "at: datetime | None = None",
        "took: timedelta | None = None",
        "count: int | None = None",
        "name: str | None = None",
        "times: Sequence[datetime] = ()",
        "blobs: Mapping[str, bytes] = {}",
        "free: Struct | None = None",
        "any: Any | None = None",
    ]
    classes = classes_of(text)
    assert [each.name for each in classes.records][-1] == "Order"
    assert {"Struct", "Value", "ListValue", "Any"} < {each.name for each in classes.records}
    assert [each.name for each in classes.enums] == ["NullValue"]


def test_members_of_a_oneof_may_each_be_absent_and_say_so() -> None:
    text = """
    syntax = "proto3"; package shop;
    message Order {
      // How it is paid.
      oneof payment {
        // By card.
        string card = 1;
        int32 cash = 2 [deprecated = true];
      }
    }
    """
    record = classes_of(text).records[0]
    assert rows(record) == ["card: str | None = None", "cash: int | None = None"]
    assert [each.doc for each in record.attributes] == [
        "By card.\n\nHow it is paid.\n\nOneof payment: at most one of card, cash.",
        "Oneof payment: at most one of card, cash.\n\nDeprecated.",
    ]


def test_nested_types_are_named_with_those_around_them() -> None:
    text = """
    syntax = "proto3"; package shop;
    message Order { Line line = 1; message Line { State state = 1; enum State { A = 0; } } Line.State state = 2; }
    """
    classes = classes_of(text, suffix="V1")
    assert [each.name for each in classes.records] == ["OrderLineV1", "OrderV1"]
    assert classes.types == {
        "shop.Order": "OrderV1",
        "shop.Order.Line": "OrderLineV1",
        "shop.Order.Line.State": "OrderLineStateV1",
    }


def test_the_envelope_is_no_attribute_nor_is_a_message_that_holds_nothing_else() -> None:
    text = """
    syntax = "proto3"; package shop;
    message Order { Meta metadata = 1; int32 schema_version = 2; string id = 3; }
    message Meta { string correlation_id = 1; }
    """
    classes = classes_of(text, correlation_id=("metadata", "correlation_id"), schema_version=("schema_version",))
    assert [(each.name, rows(each)) for each in classes.records] == [("Order", ['id: str = ""'])]


def test_messages_that_hold_each_other_are_classes_once() -> None:
    text = """
    syntax = "proto3"; package shop;
    message Order { Tree tree = 1; }
    message Tree { Leaf leaf = 1; repeated Tree trees = 2; }
    message Leaf { Tree tree = 1; Order order = 2; }
    """
    assert sorted(each.name for each in classes_of(text).records) == ["Leaf", "Order", "Tree"]


def test_comments_are_docs_before_or_behind() -> None:
    text = '''
    syntax = "proto3"; package shop;
    // What was ordered.
    //   - indented
    message Order {
      string id = 1; // The id.
      /* Two
       * lines. """ + __import__("os").system("x") + """ \\ */
      Kind kind = 2;
    }
    // The kind.
    enum Kind {
      // None.
      UNSPECIFIED = 0;
      NEW = 1; // A new one.
    }
    '''
    classes = classes_of(text)
    assert classes.records[0].doc == "What was ordered.\n  - indented"
    assert [each.doc for each in classes.records[0].attributes] == [
        "The id.",
        'Two\nlines. """ + __import__("os").system("x") + """ \\',
    ]
    assert classes.enums[0].doc == "The kind."
    assert [each.doc for each in classes.enums[0].members] == ["None.", "A new one."]


def test_two_names_that_are_one_in_python_are_flaws_with_their_place() -> None:
    text = """
    syntax = "proto2"; package shop;
    message Order { optional string class = 1;
      optional string class_ = 2; optional OrderLine a = 3; optional Line b = 4; message Line {} optional Kind c = 5; }
    message OrderLine {}
    enum Kind { option allow_alias = true; None = 0; None_ = 0; _Kind__x = 2; }
    """
    flaws = classes_of(text).flaws
    assert sorted(flaw.message for flaw in flaws) == [
        "'_Kind__x' cannot be a member of the class Kind",
        "the attribute class_ of shop.Order would stand for 'class' (shop.proto:3:21) and for 'class_'",
        "the class OrderLine would stand for shop.OrderLine (shop.proto:5:5) and for shop.Order.Line",
        "the member None_ of shop.Kind would stand for 'None' (shop.proto:6:44) and for 'None_'",
    ]
    assert str(next(flaw for flaw in flaws if "class_" in flaw.message).location) == "shop.proto:4:7"
    assert all("rename it" in flaw.help for flaw in flaws)


def test_numbers_with_two_names_are_one_member_with_an_alias() -> None:
    text = """
    syntax = "proto3"; package shop;
    message Order { Kind kind = 1; }
    enum Kind { option allow_alias = true; A = 0; B = 0; C = -1; }
    """
    enum = classes_of(text).enums[0]
    assert [(each.name, each.value) for each in enum.members] == [("A", 0), ("B", 0), ("C", -1)]


def test_positions_and_comments_do_not_go_into_production() -> None:
    text = 'syntax = "proto3"; package shop; // secret\nmessage Order { string id = 1; }'
    schema = parse({"shop.proto": text}, ["shop.proto"], "shop.Order")
    stripped = strip_sources(schema.descriptors)
    assert b"secret" in schema.descriptors
    assert b"secret" not in stripped
    plain = [
        {key: value for key, value in file.items() if key != "source_code_info"}
        for file in decode_files(schema.descriptors)
    ]
    assert decode_files(stripped) == plain
    assert strip_sources(stripped) == stripped
