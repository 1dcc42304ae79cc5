"""Avro: functions that write and read the events of one schema, made as Python source and compiled once."""

from registry.schema import Schema
from registry.serde.bundle import BundledVersion
from registry.serde.shape import PLAIN, Decoder, Encoder, Shape


def compile_encoder(schema: Schema, shape: Shape = PLAIN) -> Encoder:
    """What writes events of a schema. Cache it: compiling costs as much as some hundred events."""
    from registry.serde.avro.encoder import compile_encoder

    return compile_encoder(schema, shape)


def compile_decoder(reader: Schema, writer: Schema, shape: Shape = PLAIN, *, substitutes: bool = True) -> Decoder:
    """What reads the events of a writer as those of a reader, whose shape it is.

    Without ``substitutes``, an enum's default that would replace an unknown symbol raises instead.
    """
    from registry.serde.avro.decoder import compile_decoder

    return compile_decoder(reader, writer, shape, substitutes=substitutes)


def load(version: BundledVersion, event: str) -> Schema:
    """The schema of a version, as the stubs carry it. Raises :class:`registry.errors.InvalidSchema`."""
    from registry.formats.avro import parse

    if version.root not in version.files:  # stubs are made with care; a control record may come from anybody
        from registry.errors import Flaw, InvalidSchema
        from registry.source import Location

        fact = f"v{version.number} of {event} has no file {version.root!r}"
        raise InvalidSchema([Flaw("missing-reference", fact, Location(version.root))])
    return parse(version.files, [version.root], event, strict=False)
