"""The decoder: a function for one writer, one reader and its classes, made as source and compiled once."""

from registry.schema import Record, Schema
from registry.serde.avro.default_values import make_renewer
from registry.serde.avro.pieces import NAMES
from registry.serde.avro.reading import render_reader
from registry.serde.avro.resolver import make_plan
from registry.serde.meta import Meta
from registry.serde.naming import attribute_name
from registry.serde.shape import PLAIN, Decoder, Shape


def compile_decoder(reader: Schema, writer: Schema, shape: Shape = PLAIN, *, substitutes: bool = True) -> Decoder:
    """What reads the events of a writer as those of a reader, whose shape it is.

    Without ``substitutes``, an enum's default that would replace an unknown symbol is an error. The decoder wants
    ``bytes``; it raises :class:`registry.serde.errors.DecodeError` with the path. Raises
    :class:`registry.serde.errors.UnfitStub` for classes of another schema.
    """
    plan = make_plan(reader, writer, shape, substitutes)
    records = {
        cls: tuple(attribute_name(field.name) for field in record.fields)
        for name, cls in shape.types.items()
        if isinstance(record := reader.types.get(name), Record)
    }
    renew = make_renewer(records)

    def careful(data: bytes, start: int, meta: Meta | None) -> object:
        from registry.serde.avro.careful import read_carefully

        return read_carefully(plan, renew, data, start, meta)

    source, constants = render_reader(plan, frozenset(records))
    names: dict[str, object] = {**NAMES, **constants, "careful": careful, "renew": renew}
    exec(compile(source, "<avro reader>", "exec"), names)
    decoder: Decoder = names["decode"]  # type: ignore[assignment]  # what exec() made has no type
    return decoder


def render_decoder(reader: Schema, writer: Schema, shape: Shape = PLAIN) -> str:
    """The source of a decoder, for a look at it."""
    return render_reader(make_plan(reader, writer, shape, True), frozenset(shape.types.values()))[0]
