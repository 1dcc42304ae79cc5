"""From bytes to text, or to the flaw why not."""

import pytest

from registry.errors import InvalidSchema
from registry.text import MAX_BYTES, decode_schema, describe_entry


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'{"a": 1}\n', '{"a": 1}\n'),
        (b"{\r\n}\r\n", "{\n}\n"),
        (b"a\rb\n", "a\rb\n"),
        ("ä€😀".encode(), "ä€😀"),
        (b"x" * MAX_BYTES, "x" * MAX_BYTES),
    ],
    ids=["plain", "crlf", "cr", "characters", "largest"],
)
def test_text_is_text(data: bytes, text: str) -> None:
    assert decode_schema("a.avsc", data) == text


@pytest.mark.parametrize(
    ("data", "place", "fact", "help"),
    [
        (b"", "1:1", "is empty", "write the schema"),
        (b" \r\n\t\n", "1:1", "only blanks", "write the schema"),
        (b"\xef\xbb\xbf{}", "1:1", "byte order mark", "without a byte order mark"),
        ("{}".encode("utf-16"), "1:1", "UTF-16", "UTF-8"),
        (b"\xfe\xff\x00{\x00}", "1:1", "UTF-16", "UTF-8"),
        (b"{\n  \x00}", "2:3", "NUL", "UTF-8"),
        ('{\r\n"ä€": "'.encode() + b'caf\xe9"}', "2:11", "not UTF-8: byte 0xe9", "UTF-8"),
        (b"ok\n\xff", "2:1", "byte 0xff", "UTF-8"),
        (b"\xe2\x82", "1:1", "byte 0xe2", "UTF-8"),
        (b"x" * (MAX_BYTES + 1), "1:1", "1,048,577 bytes large", "split"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "1:1", "Git LFS", "git lfs pull"),
    ],
)
def test_what_is_no_text_is_a_flaw_with_its_place(data: bytes, place: str, fact: str, help: str) -> None:
    with pytest.raises(InvalidSchema) as caught:
        decode_schema("contracts/a.avsc", data)
    (flaw,) = caught.value.flaws
    assert str(flaw.location) == f"contracts/a.avsc:{place}"
    assert flaw.kind == "invalid" and fact in flaw.message and help in flaw.help


def test_a_link_and_a_submodule_have_no_content() -> None:
    link, module = describe_entry("a.avsc", "120000"), describe_entry("m", "160000")
    assert link is not None and "symbolic link" in link.message and str(link.location) == "a.avsc:1:1" and link.help
    assert module is not None and "submodule" in module.message and module.help


@pytest.mark.parametrize("mode", ["100644", "100755"])
def test_a_file_has_content(mode: str) -> None:
    assert describe_entry("a.avsc", mode) is None
