"""Text of a schema as source text. Every string of a schema goes through here: what a ``doc`` says stays a doc.

What is written is also how ruff writes it, so that a formatter has nothing to do.
"""

import re
from textwrap import dedent, wrap
from typing import Final

WIDTH: Final = 88
"""Columns of a line, ruff's default."""

_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_sounds_like_a_vowel: Final = re.compile(
    r"(?!(?i:eu|once|uni(?!n)|us[aeiu]|ut[ei]|ur[ail])|[Oo]ne(?![a-z]))[aeiouAEIOU]"
)
_beyond_ascii: Final = re.compile(r"[^ -~]")
_quotes: Final = re.compile(r'"""+|\A"+|"+\Z')


def quote(text: str) -> str:
    """A literal of ASCII alone, in the quotes that need fewer escapes."""
    mark = "'" if text.count('"') > text.count("'") else '"'
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace(mark, f"\\{mark}")
    if not (text.isascii() and text.isprintable()):
        text = _beyond_ascii.sub(lambda match: _escape(match.group()), text)
    return f"{mark}{text}{mark}"


def quote_bytes(value: bytes) -> str:
    """The same for bytes."""
    return f"b{quote(value.decode('latin-1'))}"


def quote_doc(text: str, indent: str = "") -> list[str]:
    """The lines of a docstring, wrapped; none where the text is blank.

    Printable characters of every script stay as they are; what is invisible, steers the direction of text, or would
    end the literal is escaped.
    """
    lines = _clean(text)
    if not lines:
        return []
    width = WIDTH - len(indent)
    wrapped = _wrap(lines[0], width - (6 if len(lines) == 1 else 3))
    if len(lines) == 1 and len(wrapped) == 1:
        return [f'{indent}"""{wrapped[0]}"""']
    for line in lines[1:]:
        wrapped += _wrap(line, width)
    return [f'{indent}"""{wrapped[0]}', *(indent + line if line else "" for line in wrapped[1:]), f'{indent}"""']


def with_article(name: str) -> str:
    """``an OrderPlaced``, ``a UserLoggedIn``: by the sound of English words, as near as letters tell it."""
    return f"{'an' if _sounds_like_a_vowel.match(name) else 'a'} {name}"


def quote_line(text: str) -> str:
    """A text inside a comment: one line, printable."""
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _clean(text: str) -> list[str]:
    """Its lines without the indentation they share, escaped; no blank one at either end."""
    text = text.replace("\r\n", "\n").expandtabs(4)
    first, _, rest = text.partition("\n")
    text = f"{first.strip(' ')}\n{dedent(rest)}".strip(" \n")
    if not text.isprintable() or "\\" in text:
        text = text.replace("\\", "\\\\")
        text = "".join(char if char.isprintable() or char == "\n" else _escape(char) for char in text)
    if '"' in text:
        text = _quotes.sub(lambda match: "\\x22" * len(match.group()), text)
    return [line.rstrip(" ") for line in text.split("\n")] if text else []


def _wrap(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    margin = " " * min(len(line) - len(line.lstrip(" ")), 20)
    return wrap(
        line.strip(" "),
        width,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )


def _escape(char: str) -> str:
    named = _NAMED.get(char)
    if named is not None:
        return named
    point = ord(char)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
