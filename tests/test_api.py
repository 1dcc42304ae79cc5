"""The door for Python callers, and `contracts compare`, which says the same for files and folders."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from registry import api
from registry.api import Comparison, CompatibilityMode, Direction, InvalidSchema, RegistryError, Step, compare
from registry.render.report_schema import COMPARISON_SCHEMA
from tests.story import run_contracts, stand_alone

MODES = tuple(CompatibilityMode.__members__)


def avro(*fields: str) -> str:
    return '{"type": "record", "name": "Cart", "fields": [\n' + ",\n".join(fields) + "\n]}"


def proto(*lines: str) -> str:
    return "\n".join(['syntax = "proto3";', "message Cart {", *lines, "}"])


ID, NOTE, NOTE_OR_EMPTY = (
    '{"name": "id", "type": "string"}',
    '{"name": "note", "type": "string"}',
    '{"name": "note", "type": "string", "default": ""}',
)


def said(comparison: Comparison) -> list[tuple[str, Step, Direction]]:
    return [(mismatch.kind, mismatch.step, mismatch.direction) for mismatch in comparison.mismatches]


def test_what_the_door_promises_is_there() -> None:
    assert all(hasattr(api, name) for name in api.__all__)
    assert sorted(api.__all__) == list(api.__all__)


FIRST = {"avro": avro(ID), "protobuf": proto("string id = 1;")}
WIDER = {"avro": avro(ID, NOTE_OR_EMPTY), "protobuf": proto("string id = 1;", "string note = 2;")}
BROKEN = {"avro": avro(ID, NOTE), "protobuf": proto("int32 id = 1;")}
KIND = {"avro": "reader_field_missing_default_value", "protobuf": "field_type_changed"}
LANGUAGES = tuple(FIRST)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_equal_schema_is_compatible_and_says_nothing(language: str) -> None:
    for mode in MODES:
        comparison = compare(FIRST[language], FIRST[language], language=language, mode=mode)
        assert comparison == Comparison(CompatibilityMode(mode), ())
        assert comparison.compatible


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_optional_field_is_compatible(language: str) -> None:
    comparison = compare(FIRST[language], WIDER[language], language=language)
    assert comparison.compatible
    assert comparison.mismatches == ()
    assert comparison.mode is CompatibilityMode.BACKWARD_TRANSITIVE


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_break_is_not_compatible(language: str) -> None:
    comparison = compare(FIRST[language], BROKEN[language], language=language)
    assert not comparison.compatible
    assert said(comparison) == [(KIND[language], Step.BREAK, Direction.BACKWARD)]


def test_an_avro_mismatch_has_both_sides() -> None:
    (mismatch,) = compare(avro(ID), avro(ID, NOTE), language="avro").mismatches
    assert (mismatch.kind, mismatch.step, mismatch.direction) == (KIND["avro"], Step.BREAK, Direction.BACKWARD)
    assert (mismatch.reader.path, mismatch.reader.line, mismatch.reader.column) == ("new.avsc", 3, 1)
    assert (mismatch.writer.path, mismatch.writer.line, mismatch.writer.column) == ("old.avsc", 1, 1)
    assert mismatch.reader.pointer == "/fields/1"
    assert mismatch.path == "/note"
    assert mismatch.message == "new cannot read what old wrote: field 'note' has no default"
    assert mismatch.consequence
    assert mismatch.help


def test_a_protobuf_mismatch_has_both_sides() -> None:
    (mismatch,) = compare(FIRST["protobuf"], BROKEN["protobuf"], language="protobuf").mismatches
    assert (mismatch.reader.path, mismatch.reader.line, mismatch.reader.column) == ("new.proto", 3, 1)
    assert (mismatch.writer.path, mismatch.writer.line, mismatch.writer.column) == ("old.proto", 3, 1)
    assert (mismatch.reader_type, mismatch.writer_type) == ("int32", "string")
    assert mismatch.message == "new cannot read what old wrote: field 'id' (1) of Cart changed from string to int32"


def test_a_forward_mismatch_has_the_old_schema_as_reader() -> None:
    (mismatch,) = compare(avro(ID, NOTE), avro(ID), language="avro", mode="FORWARD").mismatches
    assert mismatch.direction is Direction.FORWARD
    assert (mismatch.reader.path, mismatch.writer.path) == ("old.avsc", "new.avsc")
    assert mismatch.new == mismatch.writer
    assert mismatch.message == "old cannot read what new wrote: field 'note' has no default"


FIELD_ADDED = (avro(ID), avro(ID, NOTE))
FIELD_REMOVED = (avro(ID, NOTE), avro(ID))
VERDICTS = [
    # mode, a required field is added, and one is removed: the kinds of direction that are not kept
    ("NONE", [], []),
    ("BACKWARD", [Direction.BACKWARD], []),
    ("FORWARD", [], [Direction.FORWARD]),
    ("FULL", [Direction.BACKWARD], [Direction.FORWARD]),
    ("BACKWARD_TRANSITIVE", [Direction.BACKWARD], []),
    ("FORWARD_TRANSITIVE", [], [Direction.FORWARD]),
    ("FULL_TRANSITIVE", [Direction.BACKWARD], [Direction.FORWARD]),
]


@pytest.mark.parametrize(("mode", "added", "removed"), VERDICTS)
def test_a_mode_keeps_its_promise(mode: str, added: Sequence[Direction], removed: Sequence[Direction]) -> None:
    for (old, new), directions in ((FIELD_ADDED, added), (FIELD_REMOVED, removed)):
        comparison = compare(old, new, language="avro", mode=mode)
        assert [mismatch.direction for mismatch in comparison.mismatches] == directions
        assert comparison.compatible == (not directions)


def test_every_mode_has_a_verdict() -> None:
    assert {mode for mode, *_ in VERDICTS} == set(MODES)


def test_of_several_olds_a_transitive_mode_looks_at_all_and_another_at_the_last() -> None:
    olds = [avro(ID), avro(ID, NOTE_OR_EMPTY)]
    assert compare(olds, avro(ID, NOTE), language="avro", mode="BACKWARD").compatible
    comparison = compare(olds, avro(ID, NOTE), language="avro")
    assert [mismatch.message for mismatch in comparison.mismatches] == [
        "new cannot read what old 1 wrote: field 'note' has no default"
    ]
    assert comparison.mismatches[0].writer.path == "old-1.avsc"


def test_a_first_schema_has_nothing_to_break() -> None:
    assert compare([], avro(ID), language="avro").compatible


def test_lossy_is_not_compatible_and_source_is() -> None:
    lossy = compare(avro('{"name": "n", "type": "long"}'), avro('{"name": "n", "type": "double"}'), language="avro")
    assert [mismatch.step for mismatch in lossy.mismatches] == [Step.LOSSY]
    assert not lossy.compatible
    source = compare(proto("string id = 1;"), proto("string key = 1;"), language="protobuf")
    assert {mismatch.step for mismatch in source.mismatches} == {Step.SOURCE}
    assert source.compatible


def test_avro_references_are_found_by_their_full_name() -> None:
    def item(*fields: str) -> dict[str, str]:
        rows = ", ".join(fields)
        return {"Item.avsc": f'{{"type": "record", "name": "Item", "namespace": "shop", "fields": [{rows}]}}'}

    cart = avro('{"name": "item", "type": "shop.Item"}')
    assert compare(cart, cart, language="avro", old_references=item(ID), new_references=item(ID)).compatible
    comparison = compare(cart, cart, language="avro", old_references=item(ID), new_references=item(ID, NOTE))
    (mismatch,) = comparison.mismatches
    assert mismatch.path == "/item/note"
    assert mismatch.reader.path == "Item.avsc"


def test_protobuf_references_are_found_by_their_import() -> None:
    def item(type_: str) -> dict[str, str]:
        return {"shop/item.proto": f'syntax = "proto3";\npackage shop;\nmessage Item {{ {type_} sku = 1; }}\n'}

    cart = 'syntax = "proto3";\nimport "shop/item.proto";\nmessage Cart { shop.Item item = 1; }\n'
    assert compare(
        cart, cart, language="protobuf", old_references=item("string"), new_references=item("string")
    ).compatible
    comparison = compare(cart, cart, language="protobuf", old_references=item("string"), new_references=item("int32"))
    (mismatch,) = comparison.mismatches
    assert mismatch.path == "/item/sku"
    assert (mismatch.reader.path, mismatch.reader.line) == ("shop/item.proto", 3)


def test_a_profile_adds_what_a_registry_rejects() -> None:
    old = 'syntax = "proto3";\npackage a;\nmessage M { string id = 1; }\n'
    new = old + "message Other {}\n"
    assert compare(new, old, language="protobuf").compatible
    comparison = compare(new, old, language="protobuf", profile="confluent")
    assert not comparison.compatible
    assert "confluent_message_removed" in {mismatch.kind for mismatch in comparison.mismatches}


INVALID = [
    ("avro", "", "old.avsc:1:1"),
    ("avro", '{"type": "record", "name": "Cart",\n "fields": [}', "old.avsc:2:13"),
    ("avro", avro('{"name": "id", "type": "strin"}'), "old.avsc:2:24"),
    ("avro", avro(ID, ID), "old.avsc:3:"),
    ("protobuf", "", None),
    ("protobuf", 'syntax = "proto3";\nmessage Cart { strin id = 1; }\n', "old.proto:2:16"),
    ("protobuf", 'syntax = "proto3";\nimport "gone.proto";\n', "old.proto:2:1"),
    ("protobuf", proto("string id = 1;", "string key = 1;"), "old.proto:4:"),
]


@pytest.mark.parametrize(("language", "text", "place"), INVALID)
@pytest.mark.parametrize("side", ["old", "new"])
def test_an_invalid_schema_is_raised_with_its_position(language: str, text: str, place: str | None, side: str) -> None:
    good = FIRST[language]
    old, new = (text, good) if side == "old" else (good, text)
    if place is None:
        compare(old, new, language=language)
        return
    with pytest.raises(InvalidSchema) as caught:
        compare(old, new, language=language)
    assert str(caught.value.location).startswith(place.replace("old", side))
    assert caught.value.message.startswith(f"{caught.value.location}: ")
    assert caught.value.flaws


WRONG = [
    ({"language": "thrift"}, "'thrift' is no schema language", "it is one of avro, protobuf"),
    (
        {"language": "avro", "mode": "backward"},
        "'backward' is no compatibility mode",
        f"it is one of {', '.join(MODES)}",
    ),
    ({"language": "avro", "profile": "apicurio"}, "'apicurio' is no profile", "it is one of confluent, or None"),
]


@pytest.mark.parametrize(("options", "message", "help_"), WRONG)
def test_an_unknown_word_is_refused_with_those_that_are_known(options: Any, message: str, help_: str) -> None:
    with pytest.raises(RegistryError) as caught:
        compare(FIRST["avro"], FIRST["avro"], **options)
    assert (caught.value.message, caught.value.help) == (message, help_)


def compare_files(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> tuple[dict[str, Any], int]:
    stand_alone(monkeypatch, folder / "cache")
    done = run_contracts(monkeypatch, folder, ["compare", *arguments, "--format", "json"])
    assert done.stderr == ""
    document = json.loads(done.stdout)
    Draft202012Validator(COMPARISON_SCHEMA).validate(document)
    return document, done.code


def facts(comparison: Comparison) -> list[dict[str, object]]:
    return [
        {
            "kind": mismatch.kind,
            "step": mismatch.step.value,
            "direction": mismatch.direction.value,
            "path": mismatch.path,
            "message": mismatch.message,
            "help": list(mismatch.help),
            "reader": (mismatch.reader_type, mismatch.reader.line, mismatch.reader.column, mismatch.reader.pointer),
            "writer": (mismatch.writer_type, mismatch.writer.line, mismatch.writer.column, mismatch.writer.pointer),
        }
        for mismatch in comparison.mismatches
    ]


def facts_of(document: dict[str, Any]) -> list[dict[str, object]]:
    def side(mismatch: dict[str, Any], name: str) -> tuple[object, ...]:
        place = mismatch[name]["location"]
        return mismatch[name]["type"], place["line"], place["column"], place["pointer"]

    plain = ("kind", "step", "direction", "path", "message", "help")
    return [
        {**{key: each[key] for key in plain}, "reader": side(each, "reader"), "writer": side(each, "writer")}
        for each in document["mismatches"]
    ]


PAIRS = [
    ("avro", FIRST["avro"], WIDER["avro"]),
    ("avro", WIDER["avro"], FIRST["avro"]),
    ("avro", FIRST["avro"], BROKEN["avro"]),
    ("protobuf", FIRST["protobuf"], WIDER["protobuf"]),
    ("protobuf", WIDER["protobuf"], FIRST["protobuf"]),
    ("protobuf", FIRST["protobuf"], BROKEN["protobuf"]),
]


@pytest.mark.parametrize(("language", "old", "new"), PAIRS)
@pytest.mark.parametrize("mode", ["BACKWARD_TRANSITIVE", "FULL", "NONE"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_command_says_what_the_door_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, language: str, old: str, new: str, mode: str, kind: str
) -> None:
    comparison = compare(old, new, language=language, mode=mode)
    suffix = {"avro": ".avsc", "protobuf": ".proto"}[language]
    for name, text in (("old", old), ("new", new)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"cart{suffix}").write_text(text)
    paths = [f"{name}/cart{suffix}" if kind == "file" else name for name in ("old", "new")]
    document, code = compare_files(monkeypatch, tmp_path, *paths, "--mode", mode)
    assert facts_of(document) == facts(comparison)
    assert document["compatible"] is comparison.compatible
    assert document["mode"] == mode
    assert code == (0 if comparison.compatible else 1)


def test_the_command_takes_several_olds_and_names_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in (("1", avro(ID)), ("2", avro(ID, NOTE_OR_EMPTY)), ("3", avro(ID, NOTE))):
        (tmp_path / f"{name}.avsc").write_text(text)
    document, code = compare_files(monkeypatch, tmp_path, "1.avsc", "2.avsc", "3.avsc")
    assert code == 1
    assert [each["message"] for each in document["mismatches"]] == [
        "new cannot read what 1.avsc wrote: field 'note' has no default"
    ]
    assert compare_files(monkeypatch, tmp_path, "1.avsc", "2.avsc", "3.avsc", "--mode", "BACKWARD")[1] == 0


def test_the_command_reports_an_invalid_schema_with_its_position(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "old.avsc").write_text(avro(ID))
    (tmp_path / "new.avsc").write_text(avro('{"name": "id", "type": "strin"}'))
    document, code = compare_files(monkeypatch, tmp_path, "old.avsc", "new.avsc")
    assert code == 1
    assert document["compatible"] is False
    assert document["mode"] is None
    (flaw,) = document["flaws"]
    assert flaw["location"] == {"path": "new.avsc", "line": 2, "column": 24, "pointer": "/fields/0/type"}


def test_the_command_needs_two_paths_that_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_alone(monkeypatch, tmp_path / "cache")
    (tmp_path / "a.avsc").write_text(avro(ID))
    (tmp_path / "a.txt").write_text("")
    for arguments, message in (
        (["a.avsc"], "compare needs two paths"),
        (["a.avsc", "b.avsc"], "b.avsc does not exist"),
        (["a.avsc", "a.txt"], "a.txt is no schema"),
    ):
        done = run_contracts(monkeypatch, tmp_path, ["compare", *arguments])
        assert done.code == 2
        assert done.stdout == ""
        assert f"error: {message}\nhelp: " in done.stderr


def test_stubs_are_generated_as_texts() -> None:
    top = Path(__file__).parents[1]
    files = api.generate(top, "edge-cache", only=["ContentPublished"])
    assert sorted(files) == ["__init__.py", "content_published.py", "py.typed"]
    assert "class ContentPublishedConsumer(" in files["content_published.py"]
    with pytest.raises(RegistryError, match="edge-cash"):
        api.generate(top, "edge-cash")
