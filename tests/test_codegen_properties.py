"""Whatever the schema: its module is Python, and a constructor leaves out what a decoder would put there."""

import json
from itertools import islice
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from registry.codegen import StubPlan, StubVersion
from registry.codegen.module import render_module
from registry.formats.avro import parse
from registry.formats.avro.reference import encode
from registry.formats.avro.values import find_values
from registry.schema import MISSING, Record, Schema
from registry.serde.avro import compile_decoder
from registry.serde.errors import DecodeError
from registry.serde.naming import attribute_name
from registry.serde.shape import Shape
from tests.avro_schemas import Model, prune, unchecked_schemas
from tests.avro_spelling import plain_json


def make_module(schema: Schema, text: str, event: str) -> dict[str, Any]:
    """The names of the generated module."""
    version = StubVersion(1, 1, "", "event.avsc", {"event.avsc": text}, schema)
    plan = StubPlan(event, "avro", "orders", "orders", "", "", "", (1,), (1,), (version,))
    module = render_module(plan)
    assume(not module.flaws)  # two fixed of one size in a union
    names: dict[str, Any] = {"__name__": __name__}
    exec(compile(module.text, "generated.py", "exec"), names)
    return names


@given(unchecked_schemas(), st.integers(0, 20))
def test_a_constructor_and_a_decoder_agree_about_defaults(model: Model, which: int) -> None:
    assume(isinstance(model.root[0], str) and model.types.get(model.root[0], {}).get("type") == "record")
    text = json.dumps(plain_json(model))
    schema = parse({"event.avsc": text}, ["event.avsc"], strict=False)
    root = schema.resolve(schema.root)
    assert isinstance(root, Record)
    names = make_module(schema, text, root.name)
    bundle = next(value for key, value in names.items() if key.startswith("_BUNDLE"))
    shape: Shape = bundle.versions[0].shape

    older_model = model.copy()
    own = older_model.types[root.name]
    own["fields"] = [each for each in own["fields"] if "default" not in each]
    prune(older_model)
    older = parse({"event.avsc": json.dumps(plain_json(older_model))}, ["event.avsc"], strict=False)
    values = list(islice(find_values(older), which + 1))
    assume(values)
    data = encode(older, values[-1])
    try:
        decoded = compile_decoder(schema, older, shape)(data, 0, None)
    except DecodeError:
        return  # a date beyond Python's, or a default that does not fit
    class_ = shape.types[root.name]
    given_ = {
        attribute_name(each.name): getattr(decoded, attribute_name(each.name))
        for each in root.fields
        if each.default is MISSING
    }
    assert repr(class_(**given_)) == repr(decoded)  # a NaN is not equal to itself
