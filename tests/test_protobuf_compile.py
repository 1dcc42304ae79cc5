"""Bad input: a flaw with a position for whatever protoc refuses, and nothing that reaches beyond its own folder."""

import os
from pathlib import Path

import pytest

from registry.errors import Flaw, InvalidSchema, RegistryError
from registry.formats.protobuf import compile as compiling
from registry.formats.protobuf import parse

GOOD = 'syntax = "proto3"; message A {}'


def flaws_of(*texts: str, **others: str) -> list[Flaw]:
    files = {f"{name}.proto": text for name, text in zip("abcdef", texts, strict=False)} | others
    with pytest.raises(InvalidSchema) as raised:
        parse(files, [f"{name}.proto" for name in "abcdef"[: len(texts)]])
    return list(raised.value.flaws)


def told(*texts: str) -> list[tuple[str, str, str]]:
    return [(str(flaw.location), flaw.kind, flaw.message) for flaw in flaws_of(*texts)]


def test_a_syntax_error_has_its_place() -> None:
    assert told('syntax = "proto3"\nmessage A {}') == [("a.proto:2:1", "invalid", 'expected ";"')]


def test_columns_count_characters_behind_tabs_and_letters() -> None:
    assert told('syntax = "proto3";\nmessage A {\n\t/* ü */ Foo x = 1;\n}')[0][0] == "a.proto:3:10"


def test_each_error_is_told() -> None:
    text = 'syntax = "proto3";\npackage p;\nmessage A {\n  Foo x = 1;\n  Bar y = 2;\n}'
    assert told(text) == [
        ("a.proto:4:3", "invalid", "the type Foo is not defined"),
        ("a.proto:5:3", "invalid", "the type Bar is not defined"),
    ]


def test_a_missing_import_asks_whether_another_file_was_meant() -> None:
    text = 'syntax = "proto3";\nimport "comon/author.proto";\nmessage A {}'
    (flaw,) = flaws_of(text, **{"common/author.proto": GOOD})
    assert (str(flaw.location), flaw.kind) == ("a.proto:2:1", "missing-reference")
    assert flaw.message == 'imports "comon/author.proto", which is not there'
    assert flaw.help == "did you mean common/author.proto?"


def test_a_missing_import_is_told_once_and_not_each_type_that_it_would_define() -> None:
    text = 'syntax = "proto3";\nimport "money.proto";\nmessage A { Money one = 1; Money two = 2; }'
    assert told(text) == [("a.proto:2:1", "missing-reference", 'imports "money.proto", which is not there')]
    outside = text.replace("money.proto", "../../money.proto")
    assert told(outside) == [("a.proto:2:1", "missing-reference", 'imports "../../money.proto", which is not there')]


def test_imports_in_a_circle_are_shown() -> None:
    circle = 'syntax = "proto3";\nimport "{}.proto";'
    ((place, kind, message),) = told(circle.format("b"), circle.format("a"))
    assert (place, kind) == ("a.proto:2:1", "invalid")
    assert message == "the imports run in a circle: a.proto -> b.proto -> a.proto"


def test_a_symbol_twice_in_one_file_is_told() -> None:
    assert told('syntax = "proto3";\nmessage A {} message A {}') == [
        ("a.proto:2:22", "invalid", "A is already defined")
    ]


def test_a_symbol_of_two_files_is_told_although_neither_imports_the_other() -> None:
    assert told(GOOD, GOOD) == [("b.proto:1:28", "invalid", "A is already defined in a.proto")]


def test_a_type_of_a_file_that_is_not_imported_names_the_file() -> None:
    flaws = flaws_of(
        'syntax = "proto3"; import "b.proto"; message M { A a = 1; }',
        **{"b.proto": 'syntax = "proto3"; import "c.proto";', "c.proto": GOOD},
    )
    assert flaws[0].message == "A is defined in c.proto, which this file does not import"
    assert flaws[0].help == 'add import "c.proto";'


def test_a_name_that_is_not_defined_is_a_flaw() -> None:
    with pytest.raises(InvalidSchema, match=r"no message or enum p\.A is defined here") as raised:
        parse({"a.proto": GOOD}, ["a.proto"], "p.A")
    assert raised.value.help == "did you mean A?"


def test_an_edition_that_nobody_knows_is_refused() -> None:
    assert told('edition = "9999"; message A {}') == [("a.proto:1:11", "invalid", 'unknown edition "9999"')]
    ((place, kind, message),) = told('edition = "UNSTABLE"; message A {}')
    assert (place, kind) == ("a.proto:1:1", "invalid")
    assert "later than the protoc maximum supported edition" in message


@pytest.mark.parametrize(
    "text",
    [
        'syntax = "proto3"; option (x) = ' + "{a:" * 50_000,
        'syntax = "proto3"; option (x) = ' + "{a<" * 50_000,
        'syntax = "proto3"; option (x) = "/*\n' + "{a:" * 50_000,
        'syntax = "proto3"; ' + "message A { " * 20_000,
        'syntax = "proto2"; message A { ' + "optional group G = 1 { " * 5_000,
        "x" * (compiling.MAX_CHARACTERS + 1),
    ],
    ids=["options", "angles", "behind an open quote", "messages", "groups", "characters"],
)
def test_what_would_overrun_protoc_is_refused_before(text: str) -> None:
    (flaw,) = flaws_of(text)
    assert flaw.kind == "invalid"
    assert "deeper than 100" in flaw.message or "the limit is 1,048,576" in flaw.message


def test_a_long_chain_of_imports_is_refused_before() -> None:
    files = {f"f{i}.proto": f'syntax = "proto3"; import "f{i + 1}.proto";' for i in range(20_000)}
    files["f20000.proto"] = GOOD
    with pytest.raises(InvalidSchema, match="more than 200 files import each other in a row"):
        parse(files, ["f0.proto"])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "\0",
        "\ud800",
        'syntax = "proto4";',
        "message " + "A" * 100_000 + " {}",
        "/* no end",
        "message A { int32 a = 1",
    ],
)
def test_whatever_is_no_schema_is_a_flaw(text: str) -> None:
    assert all(flaw.location.line >= 1 and flaw.message for flaw in flaws_of(text))


def test_numbers_beyond_their_bits_are_flaws() -> None:
    for body in ("int32 a = 99999999999999999999;", "int32 a = 536870912;", "int32 a = 0;", "int32 a = 19001;"):
        assert flaws_of(f'syntax = "proto3"; message A {{ {body} }}')[0].kind == "invalid"


@pytest.mark.parametrize(
    "path",
    ["../../x.proto", "/etc/x.proto", "-I.proto", "--help", "@file", "a b ü.proto", "a\nb.proto", "a\\b.proto",
     "./a.proto", "a//b.proto", "x" * 300, '"q".proto', "every-file.proto", ""],
)  # fmt: skip
def test_a_file_may_have_any_name(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    schema = parse({path: GOOD}, [path])
    assert [root.at.path for root in schema.roots] == [path]
    assert list(tmp_path.iterdir()) == []


def test_a_file_and_a_folder_may_share_a_name() -> None:
    assert len(parse({"a": GOOD, "a/b.proto": 'syntax = "proto3"; message B {}'}, ["a", "a/b.proto"]).roots) == 2


def test_nothing_stays_behind_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    folders = [Path(place) for place in ("/dev/shm", os.environ.get("TMPDIR", "/tmp")) if Path(place).is_dir()]
    flaws_of("{")
    mine = f"contracts-{os.getpid()}-"
    assert [path for folder in folders for path in folder.iterdir() if path.name.startswith(mine)] == []
    os.write(2, b"still here")
    assert capfd.readouterr() == ("", "still here")


def test_a_closed_descriptor_2_stays_closed() -> None:
    kept = os.dup(2)
    try:
        os.close(2)
        assert flaws_of("{")
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(2)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def test_imports_may_start_in_the_folder_that_holds_all() -> None:
    text = 'syntax = "proto3"; import "common/b.proto"; message M { A a = 1; }'
    schema = parse({"contracts/x/a.proto": text, "contracts/common/b.proto": GOOD}, ["contracts/x/a.proto"], "M")
    assert schema.types["A"].at.path == "contracts/common/b.proto"


def test_the_folder_stands_before_every_path() -> None:
    assert parse({"a.proto": GOOD}, ["a.proto"], folder="contracts/").roots[0].at.path == "contracts/a.proto"
    with pytest.raises(InvalidSchema) as raised:
        parse({"a.proto": "{"}, ["a.proto"], folder="contracts/")
    assert raised.value.location.path == "contracts/a.proto"


def test_a_folder_that_cannot_be_written_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_IN_MEMORY", "/does/not/exist")
    monkeypatch.setattr("tempfile.tempdir", "/does/not/exist/either")
    with pytest.raises(RegistryError, match="cannot write a temporary folder") as raised:
        parse({"a.proto": GOOD}, ["a.proto"])
    assert "TMPDIR" in raised.value.help
