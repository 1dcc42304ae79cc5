"""Whatever a schema says, its text is one literal, and a doc stays a doc."""

import ast
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.codegen.quoting import quote, quote_bytes, quote_doc, quote_line

DOCS = (
    "plain",
    'with "quotes" inside',
    '"',
    '""',
    '"""',
    '""""',
    'ends with "',
    '"begins',
    'a\n"',
    "it's",
    "'''",
    "back\\slash",
    "ends in \\",
    '\\"',
    '\\"""',
    "\\N{LATIN SMALL LETTER A} \\x41 \\u0041",
    '"""+__import__("os").system("x")+"""',
    '"""\nraise SystemExit\n"""',
    "{x} %s {{}}",
    "a\nb\n    indented\n\n\n  less",
    "\r\n lines of Windows \r\n",
    "an old Mac\rline",
    "tab\there",
    "\x00\x07\x08\x1a\x1b\x7f",
    "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029",
    "\u202ebidi\u202c \u2066iso\u2069 \u200f",
    "\ufeffmark \u200b \u00a0 \u00ad",
    "é — “ñ” 日本語 🙂",
    "# noqa",
    "# type: ignore",
    "# fmt: off",
    ">>> 1 / 0",
    "word " * 60,
    "word" * 60,
    "https://example.org/" + "path/" * 30,
    "a" * 82,
    "a" * 83,
    "a" * 85,
    "a " * 40 + '"',
    "- an item that is long enough to be broken " * 3 + "\n- another",
)
"""Texts that broke somebody's generator, or could."""


@given(st.text(st.characters()))
def test_a_quoted_text_is_an_ascii_literal_of_the_same_text(text: str) -> None:
    assert ast.literal_eval(quote(text)) == text
    assert quote(text).isascii()
    assert quote(text).isprintable()


@given(st.binary())
def test_quoted_bytes_are_a_literal_of_the_same_bytes(value: bytes) -> None:
    assert ast.literal_eval(quote_bytes(value)) == value


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("plain", '"plain"'),
        ("it's", '"it\'s"'),
        ('{"a": 1}', "'{\"a\": 1}'"),
        ("'\"", '"\'\\""'),
        ("\\", '"\\\\"'),
        ("é\n", '"\\xe9\\n"'),
        ("\ud800", '"\\ud800"'),
    ],
)
def test_quotes_are_those_that_need_fewer_escapes(text: str, literal: str) -> None:
    assert quote(text) == literal


def words_of(text: str) -> list[str]:
    """What is left of a doc when its lines may be broken anew; other blanks than these are characters of a word."""
    return text.replace("\n", " ").replace("\t", " ").split(" ")


@given(
    st.one_of(st.sampled_from(DOCS), st.text(st.characters(exclude_categories=["Cs"]))), st.sampled_from(["", "    "])
)
def test_a_doc_is_one_literal_that_says_the_same_words(doc: str, indent: str) -> None:
    lines = quote_doc(doc, indent)
    if not lines:
        assert not "".join(words_of(doc.replace("\r\n", "\n")))
        return
    source = "\n".join(lines)
    body = ast.parse(f"class A:\n{source}\n" if indent else f"{source}\n").body
    statement = body[0].body if isinstance(body[0], ast.ClassDef) else body
    assert len(statement) == 1
    assert isinstance(statement[0], ast.Expr)
    value = ast.literal_eval(statement[0].value)
    said = [word for word in words_of(value) if word]
    assert said == [word for word in words_of(doc.replace("\r\n", "\n")) if word]


@given(st.text())
def test_no_character_that_hides_or_steers_stands_in_a_doc(doc: str) -> None:
    for line in quote_doc(doc):
        assert line.isprintable()
        assert not any(unicodedata.bidirectional(char) in {"RLO", "LRO", "RLE", "LRE", "RLI", "LRI"} for char in line)


@pytest.mark.parametrize("blank", ["", " ", "\n", " \r\n\t\n"])
def test_a_blank_doc_is_none(blank: str) -> None:
    assert quote_doc(blank) == []


def test_a_long_doc_is_wrapped_and_keeps_its_paragraphs() -> None:
    doc = "The first line is a sentence that goes on for longer than a line of code ever should.\n\n  - an item"
    assert quote_doc(doc, "    ") == [
        '    """The first line is a sentence that goes on for longer than a line of code ever',
        "    should.",
        "",
        "    - an item",
        '    """',
    ]


@given(st.text())
def test_a_comment_is_one_line(text: str) -> None:
    assert quote_line(text).isprintable()
