"""What a file defines and imports, read without protoc."""

from registry.formats.protobuf import outline
from registry.schema import Outline


def test_names_are_full_and_nested_ones_follow_the_message_that_holds_them() -> None:
    text = """
        syntax = "proto3";
        package shop . v1;
        message Order {
          message Line { string sku = 1; }
          enum State { NEW = 0; }
          oneof payment { string card = 2; }
        }
        enum Currency { EUR = 0; }
    """
    names = ("shop.v1.Order", "shop.v1.Order.Line", "shop.v1.Order.State", "shop.v1.Currency")
    assert outline(text, "a.proto") == Outline(names)


def test_without_a_package_names_are_plain() -> None:
    assert outline("message A {} enum E { Z = 0; }", "a.proto").defines == ("A", "E")


def test_imports_are_listed_in_order_whatever_their_kind() -> None:
    text = """import "a.proto"; import public 'b.proto'; import weak "c\\056proto"; import "d" ".proto";"""
    assert outline(text, "x.proto").refers == ("a.proto", "b.proto", "c.proto", "d.proto")


def test_comments_strings_and_fields_called_message_define_nothing() -> None:
    text = """
        // message A {}  import "a.proto";
        /* enum B { */
        message C {
          string message = 1;
          optional string enum = 2 [default = "message D { \\" import 'e.proto';"];
          option (x) = { message { a: 1 } };
        }
    """
    assert outline(text, "a.proto") == Outline(("C",))


def test_groups_are_messages_and_extend_blocks_are_none() -> None:
    text = "message A { optional group G = 1 [deprecated = true] { } } extend A { repeated group H = 5 { } }"
    assert outline(text, "a.proto").defines == ("A", "A.G", "H")


def test_braces_that_do_not_pair_are_an_error_and_nothing_else_is() -> None:
    assert outline("message A { ", "a.proto").error
    assert outline("message A {} }", "a.proto").error
    assert not outline("this is no schema", "a.proto").error
    assert not outline("", "a.proto").error


def test_an_unterminated_string_ends_with_its_line() -> None:
    assert outline('option a = "/*\nmessage A {}', "a.proto").defines == ("A",)


def test_a_long_line_of_open_quotes_or_words_is_read_in_a_straight_line() -> None:
    for hostile in ("import ", '"\\', "package a ", "message ", "group a = 1 [", "/*", "import '"):
        assert outline(hostile * 50_000, "a.proto").defines == ()
