"""The schema languages of the serializer: one package each, and one row in the table."""

from importlib import import_module
from typing import Any, Final, Protocol, cast

from registry.serde.bundle import BundledVersion
from registry.serde.shape import PLAIN, Decoder, Encoder, Shape


class Codec(Protocol):
    """What a language must answer; a native core would answer the same. Schemas are what its own ``load`` makes."""

    def load(self, version: BundledVersion, event: str) -> Any:
        """The schema of ``event`` (full name) from the texts of one version."""

    def compile_encoder(self, schema: Any, shape: Shape = PLAIN) -> Encoder:
        """A function that writes values of the schema, given as the classes of ``shape``."""

    def compile_decoder(self, reader: Any, writer: Any, shape: Shape = PLAIN, *, substitutes: bool = True) -> Decoder:
        """A function that reads what ``writer`` wrote as ``reader`` says, into the classes of ``shape``.

        Without ``substitutes``, a default that would stand for a symbol unknown to the reader is an error instead.
        """


CODECS: Final = {
    "avro": "registry.serde.avro",
    "protobuf": "registry.serde.protobuf",
}
"""Language, as :attr:`registry.serde.bundle.Bundle.language` names it, to the package that implements it."""


def codec_of(language: str) -> Codec:
    """The package of a language, imported on first use: a service without Protobuf never loads protobuf."""
    return cast(Codec, import_module(CODECS[language]))
