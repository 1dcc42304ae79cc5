"""Which names classes, attributes, members and modules get, and what happens where two of them meet."""

import pytest

from registry.codegen import render_package
from registry.errors import InvalidSchema
from tests.codegen_packages import Json, attributes_of, class_in, event, field, flaws_of, module_of, plan_of, record


def enum(name: str, *symbols: str, **rest: object) -> Json:
    return {"type": "enum", "name": name, "symbols": list(symbols), **rest}


def classes_of(*schemas: Json) -> list[str]:
    """The classes of types in a module, in its order."""
    lines = module_of(*schemas).partition("Producer(")[0].split("\n")
    return [line.removeprefix("class ").partition("(")[0].strip(":") for line in lines if line.startswith("class ")][
        :-1
    ]


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("class", "class_"),
        ("None", "None_"),
        ("self", "self"),
        ("str", "str"),
        ("upgrade", "upgrade_"),
        ("_private", "_private"),
        ("__init__", "init____"),
        ("_x_", "x__"),
    ],
)
def test_an_attribute_is_renamed_only_where_python_could_not_have_it(name: str, attribute: str) -> None:
    assert [line.partition(":")[0] for line in attributes_of(field(name, "int"))] == [attribute]


def test_members_keep_the_names_of_the_wire_as_values() -> None:
    text = module_of(event("Placed", field("f", enum("Kind", "None", "mro", "name", "_x_", "OK"))))
    assert class_in(text, "Kind(").split("\n")[1:] == [
        '    None_ = "None"',
        '    mro_ = "mro"',
        '    name_ = "name"',
        '    x__ = "_x_"',
        '    OK = "OK"',
    ]


def test_of_two_types_with_one_name_the_one_at_home_keeps_it() -> None:
    away = [record("Address", namespace=name) for name in ("acme.billing", "acme.ship_to")]
    schema = event("Placed", field("a", record("Address")), field("b", away[0]), field("c", away[1]))
    assert classes_of(schema) == ["Address", "BillingAddress", "ShipToAddress", "Placed"]


def test_namespaces_are_named_as_far_as_they_differ() -> None:
    away = [record("Address", namespace=name) for name in ("acme.billing", "umbrella.billing", "acme.ship")]
    schema = event("Placed", *(field(f"f{i}", each) for i, each in enumerate(away)))
    assert classes_of(schema) == ["AcmeBillingAddress", "UmbrellaBillingAddress", "ShipAddress", "Placed"]


def test_a_qualified_name_gives_way_to_a_type_that_is_really_called_so() -> None:
    schema = event(
        "Placed",
        field("a", record("Address")),
        field("b", record("Address", namespace="acme.billing")),
        field("c", record("BillingAddress")),
    )
    assert classes_of(schema) == ["Address", "AcmeBillingAddress", "BillingAddress", "Placed"]


def test_a_type_of_the_same_name_as_the_event_is_qualified() -> None:
    schema = event("Placed", field("a", record("Placed", field("x", "int"), namespace="acme.old")))
    assert classes_of(schema) == ["OldPlaced", "Placed"]


def test_every_class_of_an_older_version_has_its_number() -> None:
    author = record("Author", field("name", "string"))
    text = module_of(event("Placed", field("by", author)), event("Placed", field("by", author), field("n", "int")))
    assert "    by: AuthorV1\n" in class_in(text, "PlacedV1:")
    assert "    by: Author\n" in class_in(text, "Placed:")
    assert "    def upgrade(self) -> Placed:" in class_in(text, "PlacedV1:")
    assert "upgrade" not in class_in(text, "Placed:").replace("upgrade()", "")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            [field("class", "int"), field("class_", "int")],
            "the attribute class_ of shop.Placed would stand for 'class' (event.avsc:13:3) and for 'class_'",
        ),
        (
            [field("f", enum("Kind", "None", "None_"))],
            "the member None_ of shop.Kind would stand for 'None' (event.avsc:19:6) and for 'None_'",
        ),
        (
            [field("f", record("class")), field("g", record("class_"))],
            "the class class_ would stand for shop.class (event.avsc:15:12) and for shop.class_",
        ),
        (
            [field("f", record("PlacedConsumer"))],
            "the class PlacedConsumer would stand for the producer or consumer (event.avsc:1:1) "
            "and for shop.PlacedConsumer v1",
        ),
        (
            [field("f", record("PlacedAsyncProducer"))],
            "the class PlacedAsyncProducer would stand for the producer or consumer (event.avsc:1:1) "
            "and for shop.PlacedAsyncProducer v1",
        ),
        (
            [field("f", enum("Kind", "_Kind__secret"))],
            "'_Kind__secret' cannot be a member of the class Kind: Python takes it for a private name",
        ),
    ],
)
def test_two_names_that_meet_are_a_finding_with_its_line(fields: list[Json], message: str) -> None:
    (flaw,) = flaws_of(event("Placed", *fields))
    assert flaw.message == message
    assert flaw.location.line > 1
    assert flaw.help.startswith("rename ")


def test_a_type_that_is_called_as_the_class_of_an_older_version_is_a_finding() -> None:
    (flaw,) = flaws_of(
        event("Placed", field("by", record("Author"))),
        event("Placed", field("by", record("AuthorV1"))),
    )
    assert flaw.message.startswith("the class AuthorV1 would stand for shop.AuthorV1 v2 (")
    assert flaw.message.endswith(" and for shop.Author v1")


def test_two_events_with_one_module_are_a_finding() -> None:
    plans = [plan_of(event("Placed")), plan_of(event("Placed", namespace="acme"))]
    with pytest.raises(InvalidSchema, match=r"the module placed would stand for shop.Placed .* and for acme.Placed"):
        render_package("orders", plans)


def test_two_events_with_one_class_are_a_finding() -> None:
    plans = [plan_of(event("Placed"), event("Placed", field("n", "int"))), plan_of(event("PlacedV1"))]
    with pytest.raises(InvalidSchema, match=r"the class PlacedV1 would stand for shop.Placed .* and for shop.PlacedV1"):
        render_package("orders", plans)


def test_an_event_called_as_the_asynchronous_classes_of_another_is_a_finding() -> None:
    plans = [plan_of(event("Placed")), plan_of(event("PlacedAsync"))]
    with pytest.raises(InvalidSchema, match=r"the class PlacedAsyncProducer would stand for shop\.Placed ") as caught:
        render_package("orders", plans)
    assert caught.value.flaws[0].help.startswith("give each a package of its own: contracts gen --only shop.Placed")
    alone = render_package("orders", [plans[1]])
    assert "class PlacedAsyncAsyncProducer(" in alone["placed_async.py"]


def test_an_event_whose_handler_is_that_of_deletions_is_a_finding() -> None:
    (flaw,) = flaws_of(event("Tombstone"))
    assert (
        flaw.message == "the handler of shop.Tombstone would be on_tombstone, which consumers have for what was deleted"
    )
    assert flaws_of(event("Tombstone"), reads=()) == []
    assert flaws_of(event("TombstoneSet")) == []


def test_every_finding_of_every_event_is_told_at_once() -> None:
    bad = [plan_of(event(name, field("class", "int"), field("class_", "int"))) for name in ("Placed", "Paid")]
    with pytest.raises(InvalidSchema) as caught:
        render_package("orders", bad)
    assert len(caught.value.flaws) == 2
