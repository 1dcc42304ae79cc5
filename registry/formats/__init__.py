"""The schema languages. A language is a package of pure modules behind the names of :class:`Format`, and one row here.

They lie below the runtime, because the checker and the serializer must resolve a pair of schemas by the same code.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from registry.formats.mismatch import Mismatch, Pair
from registry.schema import Outline, Schema


class Format(Protocol):
    """What a schema language must answer."""

    def outline(self, text: str, path: str) -> Outline:
        """Names that a file defines and refers to; cheap, and never an error."""

    def parse(
        self,
        files: Mapping[str, str],
        paths: Sequence[str],
        name: str | None = None,
        *,
        strict: bool = True,
        folder: str = "",
    ) -> Schema:
        """The schema of ``name``, or of all that the files at ``paths`` define; ``files`` holds all they refer to.

        Paths are as the files know each other (what Protobuf imports); ``folder``, with its slash, stands before them
        in every location.

        With ``strict`` off, what the language forbids but every released schema may contain (a default of the wrong
        type) becomes a note. Raises :class:`registry.errors.InvalidSchema`.
        """

    def find_mismatches(self, pair: Pair) -> Iterator[Mismatch]:
        """Why the reader of the pair cannot read what its writer writes, in a fixed order; each reason once."""

    def canonical_form(self, schema: Schema) -> str:
        """The text the fingerprint is taken of: two schemas that mean the same have the same."""

    def self_contained(self, schema: Schema) -> str:
        """The schema as one text, references inlined: what the GUID is taken of."""


FORMATS: dict[str, str] = {
    "avro": ".avsc",
    "protobuf": ".proto",
}
"""Each language, by name, with the suffix of its files. The package of the same name holds the code."""


_BY_SUFFIX = {suffix: name for name, suffix in FORMATS.items()}


def load_format(name: str) -> Format:
    """The modules of a language, imported on first use: a repository without Protobuf never loads protoc."""
    return cast(Format, import_module(f"registry.formats.{name}"))


def format_of(path: str) -> str | None:
    """The language of a file, by its suffix."""
    return _BY_SUFFIX.get(path[path.rfind(".") :])
