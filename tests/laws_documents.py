"""Random schemas with lawful converters between them, in both languages."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from registry.formats import load_format
from registry.laws import Side, Step
from registry.upgrade import parse_upgrade

EVENT = "shop.Placed"
ENVELOPE = {"correlation_id": ("correlation_id",), "schema_version": ("schema_version",)}
SYMBOLS = ("OPEN", "DONE", "HELD", "LOST")
AVRO_LEAVES = ("string", "long", "bool", "enum", "time", "opt", "uuid", "date", "double", "bytes")
PROTOBUF_LEAVES = ("string", "long", "bool", "enum", "time", "opt")
ENDINGS = {"avro": "a.avsc", "protobuf": "a.proto"}


@dataclass(frozen=True)
class Part:
    """One field: its kind, and what is in it."""

    name: str
    kind: str
    inner: tuple["Part", ...] = ()
    symbols: tuple[str, ...] = ()


@dataclass
class Model:
    """A version: its fields, and the operations that led to it."""

    language: str
    parts: list[Part]
    up: list[dict[str, Any]] = field(default_factory=list)
    losses: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    count: int = 0
    touched: set[str] = field(default_factory=set)

    def new_name(self) -> str:
        self.count += 1
        return f"n{self.count}"


def draw_parts(draw: Any, language: str, depth: int, prefix: str, first: Sequence[str] = ()) -> list[Part]:
    leaves = AVRO_LEAVES if language == "avro" else PROTOBUF_LEAVES
    kinds = [*leaves, *(("record", "records") if depth else ())]
    parts = []
    start = [draw(st.sampled_from(first))] if first else []
    more = draw(st.lists(st.sampled_from(kinds), min_size=1 - len(start), max_size=5 - len(start)))
    for index, kind in enumerate([*start, *more]):
        name = f"{prefix}{index}"
        inner = tuple(draw_parts(draw, language, depth - 1, f"{name}_")) if kind in ("record", "records") else ()
        count = draw(st.integers(2, 4)) if kind == "enum" else 0
        # Protobuf's symbols stand beside their enum, and must be of one name only.
        symbols = tuple(f"{symbol}_{name.upper()}" for symbol in SYMBOLS[:count])
        parts.append(Part(name, kind, inner, symbols))
    return parts


# Operations, each one lawful


def rename(draw: Any, model: Model, index: int) -> Part | None:
    part, name = model.parts[index], model.new_name()
    model.up.append({"rename": {part.name: name}})
    return replace(part, name=name)


def rename_inside(draw: Any, model: Model, index: int) -> Part | None:
    part = model.parts[index]
    if part.kind not in ("record", "records"):
        return part
    at = draw(st.integers(0, len(part.inner) - 1))
    before, after = part.inner[at].name, model.new_name()
    way = part.name + ("[]/" if part.kind == "records" else "/")
    model.up.append({"rename": {way + before: way + after}})
    return replace(part, inner=(*part.inner[:at], replace(part.inner[at], name=after), *part.inner[at + 1 :]))


def rename_symbols(draw: Any, model: Model, index: int) -> Part | None:
    part = model.parts[index]
    if part.kind != "enum":
        return part
    images = {symbol: f"{symbol}_{model.new_name().upper()}" for symbol in part.symbols}
    model.up.append({"enum": {"field": part.name, "map": images}})
    return replace(part, symbols=(*images.values(), *draw(st.sampled_from([(), (f"EXTRA_{part.name.upper()}",)]))))


def exchange(draw: Any, model: Model, index: int) -> Part | None:
    part, to = model.parts[index], model.new_name()
    if part.kind == "long":
        as_text = model.language == "protobuf" or draw(st.booleans())
        kinds = {"from": "int", "as": "string" if as_text else "decimal"}
        model.up.append({"scale": {"field": part.name, "to": to, "by": 0.01, **kinds, "places": 2}})
        return Part(to, "string" if as_text else "decimal")
    pairs = {"time": ("timestamp", "micros", "long"), "bool": ("bool", "string", "string")}
    pairs |= {"uuid": ("uuid", "string", "string"), "date": ("date", "string", "string")}
    if part.kind not in pairs:
        return part
    before, after, kind = pairs[part.kind]
    if model.language == "protobuf" and kind == "long":
        kind = "optlong"  # a message may be absent, and so may what it becomes
    model.up.append({"convert": {"field": part.name, "to": to, "from": before, "as": after}})
    return Part(to, kind)


def wrap(draw: Any, model: Model, index: int) -> Part | None:
    part = model.parts[index]
    if part.kind != "opt":
        return part
    if draw(st.booleans()):
        model.up.append({"wrap": {"field": part.name}})
        return Part(part.name, "texts")
    model.up.append({"fill": {"field": part.name, "value": "-"}})
    return Part(part.name, "string")


def drop(draw: Any, model: Model, index: int) -> Part | None:
    part = model.parts[index]
    values: dict[str, Any] = {"string": "x", "long": 7, "bool": True, "opt": None}
    if part.kind not in values or len(model.parts) == 1:
        return part
    lossy = draw(st.booleans())
    model.up.append({"drop": {"field": part.name, "value": values[part.kind]}})
    if lossy:
        model.losses.setdefault("up", []).append({"field": part.name})
    return None


def move(draw: Any, model: Model, index: int) -> Part | None:
    part = model.parts[index]
    if part.kind in ("record", "records"):
        return part
    holder, name = model.new_name(), model.new_name()
    model.up.append({"move": {part.name: f"{holder}/{name}"}})
    return Part(holder, "record", (replace(part, name=name),))


def add(draw: Any, model: Model) -> Part:
    name = model.new_name()
    kind, value = draw(st.sampled_from([("string", "EUR"), ("long", 3), ("bool", False), ("opt", None)]))
    model.up.append({"set": {"field": name, "value": value}})
    if draw(st.booleans()):
        model.losses.setdefault("down", []).append({"field": name})
    return Part(name, kind)


Operation = Callable[[Any, Model, int], Part | None]
OPERATIONS: tuple[Operation, ...] = (rename, rename_inside, rename_symbols, exchange, wrap, drop, move)


@dataclass(frozen=True)
class Lawful:
    """Two versions with converters that keep every law."""

    language: str
    older: str
    newer: str
    document: dict[str, Any]
    parts: tuple[Part, ...]

    def step(self, **changes: Any) -> Step:
        """The step, with other parts of the document."""
        text = json.dumps({**self.document, **changes})
        sides = (side(self.language, text, label) for text, label in ((self.older, "v1"), (self.newer, "v2")))
        return Step(parse_upgrade(text, "Placed.upgrade.yaml"), *sides, "correlation_id")


FITTING: dict[Operation, tuple[str, ...]] = {
    rename: PROTOBUF_LEAVES,
    rename_symbols: ("enum",),
    exchange: ("long",),
}
"""Kinds of fields that an operation changes surely, in both languages."""


@st.composite
def lawful(draw: Any, language: str = "avro", among: Sequence[Operation] = (), most: int = 5) -> Lawful:
    """Up to ``most`` operations on fields that are there, and one of ``among`` first where some are named."""
    surely = draw(st.sampled_from(among)) if among else None
    parts = draw_parts(draw, language, 1, "f", FITTING[surely] if surely else ())
    model = Model(language, list(parts))
    if surely:
        model.parts[0] = surely(draw, model, 0) or Part("", "gone")
    others = st.integers(int(surely is not None), len(parts) - 1)
    room = min(most, len(parts)) - int(surely is not None)
    for index in draw(st.lists(others, unique=True, min_size=int(surely is None), max_size=room)) if room else ():
        operation = draw(st.sampled_from(OPERATIONS))
        changed = operation(draw, model, index)
        model.parts[index] = changed if changed is not None else Part("", "gone")
    if not model.up or (most > 1 and draw(st.booleans())):
        model.parts.append(add(draw, model))
    newer = [part for part in model.parts if part.kind != "gone"]
    document = {"up": model.up, **({"loss": model.losses} if model.losses else {})}
    spell = {"avro": spell_avro, "protobuf": spell_protobuf}[language]
    return Lawful(language, spell(parts), spell(newer), document, tuple(newer))


# The two languages


def side(language: str, text: str, label: str) -> Side:
    name = ENDINGS[language]
    return Side(EVENT, load_format(language).parse({name: text}, [name], EVENT), label, ENVELOPE)


def spell_avro(parts: list[Part]) -> str:
    start = [{"name": "correlation_id", "type": "string"}, {"name": "schema_version", "type": "int"}]
    fields = [*start, *({"name": part.name, "type": avro_type(part)} for part in parts)]
    return json.dumps({"type": "record", "name": "Placed", "namespace": "shop", "fields": fields})


def avro_type(part: Part) -> Any:
    simple: dict[str, Any] = {
        "bool": "boolean",
        "time": {"type": "long", "logicalType": "timestamp-micros"},
        "uuid": {"type": "string", "logicalType": "uuid"},
        "date": {"type": "int", "logicalType": "date"},
        "decimal": {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2},
        "opt": ["null", "string"],
        "texts": {"type": "array", "items": "string"},
    }
    if part.kind == "enum":
        return {"type": "enum", "name": f"E_{part.name}", "symbols": list(part.symbols)}
    if part.kind in ("record", "records"):
        fields = [{"name": inner.name, "type": avro_type(inner)} for inner in part.inner]
        record = {"type": "record", "name": f"R_{part.name}", "fields": fields}
        return record if part.kind == "record" else {"type": "array", "items": record}
    return simple.get(part.kind, part.kind)


def spell_protobuf(parts: list[Part]) -> str:
    start = [Part("correlation_id", "string"), Part("schema_version", "int32")]
    lines = ['syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto";']
    return "\n".join([*lines, *protobuf_message("Placed", [*start, *parts])])


def protobuf_message(name: str, parts: list[Part]) -> Iterator[str]:
    words = {
        "long": "int64",
        "optlong": "optional int64",
        "time": "google.protobuf.Timestamp",
        "opt": "optional string",
        "texts": "repeated string",
    }
    yield f"message {name} {{"
    for number, part in enumerate(parts, 1):
        word = words.get(part.kind, part.kind)
        if part.kind == "enum":
            word = f"E_{part.name}"
            symbols = "; ".join(f"{symbol} = {index}" for index, symbol in enumerate(part.symbols))
            yield f"enum {word} {{ {symbols}; }}"
        elif part.kind in ("record", "records"):
            word = f"R_{part.name}"
            yield from protobuf_message(word, list(part.inner))
            word = word if part.kind == "record" else f"repeated {word}"
        yield f"{word} {part.name} = {number};"
    yield "}"
