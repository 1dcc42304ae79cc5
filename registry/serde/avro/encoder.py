"""From a schema and the classes of its stubs to the function that writes an event.

The function is Python source, made of the schema and compiled once. Names of the schema come into it as attributes,
spelled by :mod:`registry.serde.naming`, or quoted. An event with an id, an optional note and tags is written by ::

    def encode(event, prefix, meta):
        try:
            value = event
            if value.__class__ is not Class0 and not isinstance(value, Class0):
                raise Refused
            v1 = value.note
            if v1 is None:
                v3 = b'\\x00'
                v4 = v5 = b''
            else:
                v2 = v1.encode()
                v3 = b'\\x02'
                v4 = SIZES[len(v2)]
                v5 = v2
            v6 = value.tags
            if v6.__class__ is not tuple and v6.__class__ is not list:
                v6 = to_list(v6)
            return b''.join((prefix, b'H', leaf1(value.id), v3, v4, v5, ...))
        except Exception as error:
            failure = error.__class__
        return rescue(event, prefix, meta, failure)

Every line refuses what it does not take exactly, by whatever exception comes first. Then the event is written once
more, by :mod:`registry.serde.avro.explain_value`, which knows all that is allowed, and says what is wrong and where.
"""

from typing import Any, Final

from registry.schema import Schema, Union
from registry.serde.avro import encoder_leaves, varints
from registry.serde.avro.encoder_source import Body, Source, Value, join_all
from registry.serde.avro.encoder_types import write_type
from registry.serde.avro.uuid_text import FORM, HEX
from registry.serde.meta import Meta
from registry.serde.shape import PLAIN, Encoder, Shape

MAX_NESTING: Final = 256
"""Records, arrays and maps inside each other; readers take no more (as in the reference codec)."""


def compile_encoder(schema: Schema, shape: Shape = PLAIN) -> Encoder:
    """What writes events of a schema, as plain values or as objects of the classes of a shape."""
    names: dict[str, Any] = {
        "ENDING": varints.ENDING,
        "FORM": FORM,
        "HEX": HEX,
        "LINKED": varints.LINKED,
        "Refused": varints.Refused,
        "SIZES": varints.SIZES,
        "TEXTS": encoder_leaves.TEXTS,
        "to_dict": encoder_leaves.to_dict,
        "to_double": encoder_leaves.to_double,
        "to_float": encoder_leaves.to_float,
        "to_list": encoder_leaves.to_list,
        "write_int": varints.write_int,
        "write_long": varints.write_long,
        "write_texts": encoder_leaves.write_texts,
    }

    def rescue(event: object, prefix: bytes, meta: Meta | None, failure: type[Exception]) -> bytes:
        """Writes what the quick way did not take."""
        if failure is IndexError and names["SIZES"] is varints.SIZES:  # something is long, and may be so again
            names["SIZES"] = varints.any_size()
            return encode(event, prefix, meta)
        from registry.serde.avro.explain_value import encode_carefully

        return prefix + encode_carefully(schema, shape, event, meta)

    def careful(union: Union, value: object, depth: int) -> bytes:
        """Writes a value of a union whose branches are not told apart by class alone."""
        from registry.serde.avro.explain_value import encode_part

        return encode_part(schema, shape, union, value, depth)

    names["rescue"], names["careful"] = rescue, careful
    root = schema.root
    exec(
        compile(_render(Source(schema, shape, names)), f"<encoder of {getattr(root, 'name', 'a type')}>", "exec"), names
    )
    encode: Encoder = names["encode"]
    return encode


def render_encoder(schema: Schema, shape: Shape = PLAIN) -> str:
    """The source of an encoder, to be looked at."""
    return _render(Source(schema, shape, {}))


def _render(source: Source) -> str:
    body = Body(source, 2, "1")
    event = Value("value", tuple(source.shape.envelope.items()))
    pieces = source.join(write_type(body, source.schema.root, event))
    lines = [
        "def encode(event, prefix, meta):",
        "    try:",
        "        value = event",
        *body.lines,
        f"        return {join_all(['prefix', *pieces])}",
        "    except Exception as error:",
        "        failure = error.__class__",
        "    return rescue(event, prefix, meta, failure)",
    ]
    for name, type_ in source.find_waiting():
        body = Body(source, 1, "depth")
        pieces = source.join(write_type(body, type_, Value("value")))
        # The careful way counts the levels one by one; here none is begun that might lead too deep.
        lines += [
            "",
            f"def {name}(value, depth):",
            f"    if depth > {MAX_NESTING - body.deepest}:",
            "        raise Refused",
            *body.lines,
            f"    return {join_all(pieces or [repr(b'')])}",
        ]
    return "\n".join([*lines, *source.tables, ""])
