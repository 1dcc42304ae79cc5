"""version.yaml: what is written is what is read, and each flaw is named."""

import string

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from registry.contract import Version
from registry.formats import FORMATS
from registry.frozen import replace
from registry.source import Location
from registry.version import parse_version, render_version

EVENT = "cart.ItemAdded"
FOLDER = f"contracts/versions/{EVENT}/2"
PATH = f"{FOLDER}/version.yaml"
ROOT = "cart/ItemAdded.avsc"
FILES = {ROOT: "b1", "common/Item.avsc": "b2"}
VERSION = Version(
    number=2,
    at=Location(PATH),
    schema_id=1473639976,
    guid="2c161f10-5504-b6ae-4033-923db9c6c5c8",
    fingerprint=f"sha256:{'0a' * 32}",
    root=ROOT,
    files=FILES,
)
TEXT = """\
# Written by `contracts release`. A released version is never edited: logs hold events of it.
event: cart.ItemAdded
version: 2
format: avro
root: cart/ItemAdded.avsc
schema_id: 1473639976
guid: 2c161f10-5504-b6ae-4033-923db9c6c5c8
fingerprint: sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a
files:
  - cart/ItemAdded.avsc
  - common/Item.avsc
"""


def read(text: str | None, files: dict[str, str] | None = None) -> Version:
    return parse_version(text, PATH, EVENT, 2, FILES if files is None else files)


def test_a_version_is_written_line_by_line() -> None:
    assert render_version(VERSION, EVENT, "avro") == TEXT


def test_what_is_written_is_read() -> None:
    assert read(TEXT) == VERSION


def test_the_text_does_not_depend_on_the_order_of_the_files() -> None:
    turned = replace(VERSION, files=dict(reversed(FILES.items())))
    assert render_version(turned, EVENT, "avro") == TEXT
    assert list(read(TEXT, dict(reversed(FILES.items()))).files) == sorted(FILES)


def test_line_ends_and_comments_of_others_do_no_harm() -> None:
    assert read(TEXT.replace("\n", "\r\n")) == VERSION
    assert read("\n# a licence\n\n" + TEXT + "\n\n") == VERSION


# git allows every byte but NUL in a path; what is no UTF-8 comes as a lone surrogate (PEP 383).
PARTS = st.text(st.characters(exclude_characters="/\0", exclude_categories=[]), min_size=1, max_size=8)
PATHS = st.builds("/".join, st.lists(PARTS, min_size=1, max_size=3))
ODD = "- a: 'b' #c \"d\"\n\r\t\u0085\u2028é\udcff"


@given(
    name=PATHS,
    others=st.lists(PATHS, max_size=3),
    format_name=st.sampled_from(sorted(FORMATS)),
    schema_id=st.integers(1, (1 << 31) - 1),
)
@example(name=ODD, others=[" ", "files:", "~", "null", "- x"], format_name="avro", schema_id=1)
def test_any_name_of_a_file_survives(name: str, others: list[str], format_name: str, schema_id: int) -> None:
    root = name + FORMATS[format_name]
    files = {path: f"b{number}" for number, path in enumerate(dict.fromkeys([root, *others]))}
    version = replace(VERSION, root=root, schema_id=schema_id, files=dict(sorted(files.items())))
    text = render_version(version, EVENT, format_name)
    assert parse_version(text, PATH, EVENT, 2, files) == version
    assert text.encode().decode() == text


@given(name=st.text(string.printable + "äßé€\u2028", min_size=1, max_size=12))
def test_a_yaml_parser_reads_the_same(name: str) -> None:
    version = replace(VERSION, root=f"{name}.avsc", files={f"{name}.avsc": "b"})
    document = yaml.load(render_version(version, EVENT, "avro"), yaml.BaseLoader)
    assert document["root"] == f"{name}.avsc"
    assert document["files"] == [f"{name}.avsc"]
    assert document["event"] == EVENT


def without(*keys: str) -> str:
    return "".join(line for line in TEXT.splitlines(keepends=True) if line.partition(":")[0] not in keys)


FLAWS = [
    (None, 1, "has no version.yaml"),
    ("", 1, "has no event and no version and no format and no root and no schema_id and no guid and no fingerprint"),
    (without("guid"), 1, "has no guid"),
    (without("root", "fingerprint"), 1, "has no root and no fingerprint"),
    (TEXT.replace("version: 2", "version: 3"), 1, "says it is v3 of cart.ItemAdded, and lies in cart.ItemAdded/2"),
    (TEXT.replace("Added\n", "Put\n", 1), 1, "says it is v2 of cart.ItemPut, and lies in cart.ItemAdded/2"),
    (TEXT.replace("id: 1473639976", "id: 0"), 1, "schema_id is '0', not a number from 1 to 2147483647"),
    (
        TEXT.replace("id: 1473639976", "id: 2147483648"),
        1,
        "schema_id is '2147483648', not a number from 1 to 2147483647",
    ),
    (TEXT.replace("id: 1473639976", "id: -7"), 1, "schema_id is '-7', not a number from 1 to 2147483647"),
    (TEXT.replace("id: 1473639976", "id: seven"), 1, "schema_id is 'seven', not a number from 1 to 2147483647"),
    (TEXT.replace("avro", "protobuf"), 1, "says that its root 'cart/ItemAdded.avsc' is of the format 'protobuf'"),
    (TEXT.replace("  - common/Item.avsc\n", ""), 1, "lists other files than lie in its folder: common/Item.avsc"),
    (TEXT + "  - gone.avsc\n", 1, "lists other files than lie in its folder: gone.avsc"),
    (TEXT.replace("files:\n", "files: []\n"), 9, "is not a line that `contracts release` writes"),
    (TEXT.replace("guid: ", "uuid: "), 7, "is not a line that `contracts release` writes"),
    (TEXT.replace("version: 2\n", "version: 2\nversion: 3\n"), 4, "is not a line that `contracts release` writes"),
    ("  - a.avsc\n" + TEXT, 1, "is not a line that `contracts release` writes"),
    ("<<<<<<< HEAD\n" + TEXT, 1, "is not a line that `contracts release` writes"),
    ("event:\tx\n", 1, "is not a line that `contracts release` writes"),
]


@pytest.mark.parametrize(("text", "line", "message"), FLAWS, ids=range(len(FLAWS)))
def test_each_flaw_is_named_with_its_line_and_the_way_out(text: str | None, line: int, message: str) -> None:
    version = read(text)
    (flaw,) = version.flaws
    assert (flaw.kind, flaw.message, flaw.location.path, flaw.location.line) == ("invalid", message, PATH, line)
    assert flaw.help == f"restore {FOLDER} from git; a new one is made by `contracts release`"


def test_a_flawed_version_claims_nothing() -> None:
    """No id that could collide, no fingerprint that could vouch; but its number is taken."""
    version = read(without("guid"))
    assert (version.number, version.schema_id, version.guid, version.fingerprint, version.root) == (2, 0, "", "", "")
    assert version.files == FILES


@given(st.text())
def test_no_text_is_an_exception(text: str) -> None:
    assert read(text).flaws
    assert read(TEXT.replace("cart/ItemAdded.avsc", text)).number == 2
