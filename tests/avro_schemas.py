"""Hypothesis strategies for Avro schemas.

A :class:`Model` holds every definition once, under its full name, and every use of one is that name. So a change is
made in one place, and how the schema is spelled (what stands inside what, which namespace is written where) is a
question for later: :mod:`tests.avro_spelling`.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

Json = Any
"""A piece of a schema or a default, as the json module gives it."""

DrawFn = st.DrawFn

NAMESPACES: Final = ("a", "b", "a.c")
SHORT_NAMES: Final = ("R", "S", "T", "U", "V")
FIELD_NAMES: Final = ("f", "g", "h", "i", "j", "k")
SYMBOLS: Final = ("X", "Y", "Z", "W", "Q")
PRIMITIVES: Final = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
LOGICAL: Final[dict[str, tuple[str, ...]]] = {
    "int": ("date", "time-millis"),
    "long": (
        "time-micros",
        "timestamp-millis",
        "timestamp-micros",
        "timestamp-nanos",
        "local-timestamp-millis",
        "local-timestamp-micros",
        "local-timestamp-nanos",
    ),
    "string": ("uuid",),
    "bytes": ("decimal",),
}
SCALARS: Final[tuple[Json, ...]] = (
    *PRIMITIVES,
    *({"type": base, "logicalType": name} for base, names in LOGICAL.items() for name in names if name != "decimal"),
    *(
        {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
        for precision, scale in ((4, 0), (4, 2), (9, 2))
    ),
)
"""Every primitive, alone and with each logical type."""
SIZES: Final = (0, 1, 2, 8, 12, 16)
MAX_DEPTH: Final = 3
"""Arrays, maps and unions inside each other, in one place."""


class Model(NamedTuple):
    """A schema before it is spelled."""

    root: list[Json]
    """One item: the type that is judged. A list, so that a change can replace it as it replaces any other place."""
    types: dict[str, Json]
    """Every definition by its full name, which is also its ``name``; aliases are full names too."""

    def copy(self) -> "Model":
        """The same, to be changed."""
        return deepcopy(self)


class Site(NamedTuple):
    """A place where a type stands: ``holder[key]``."""

    holder: Any
    key: Any
    owner: str
    """The named type whose definition it is part of; empty at the root."""
    in_union: bool = False

    @property
    def type(self) -> Json:
        """What stands there."""
        return self.holder[self.key]


class NoValueError(Exception):
    """The type has no finite value, or none that is small."""


def find_sites(model: Model) -> Iterator[Site]:
    """Every place of a type, the outer ones first; those in unions are marked."""
    for owner, holder, key in _find_tops(model):
        yield from _inner_sites(Site(holder, key, owner))


def _find_tops(model: Model) -> Iterator[tuple[str, Any, Any]]:
    yield "", model.root, 0
    for name, definition in model.types.items():
        for field in definition.get("fields", ()):
            yield name, field, "type"


def _inner_sites(site: Site) -> Iterator[Site]:
    yield site
    type_ = site.type
    if isinstance(type_, list):
        for i in range(len(type_)):
            yield from _inner_sites(Site(type_, i, site.owner, True))
    elif isinstance(type_, dict) and type_["type"] in ("array", "map"):
        yield from _inner_sites(Site(type_, "items" if type_["type"] == "array" else "values", site.owner))


def find_reachable(model: Model) -> list[str]:
    """The names that the root needs, in the order of their first use."""
    uses: dict[str, list[str]] = {}
    for site in find_sites(model):
        if isinstance(site.type, str) and site.type in model.types:
            uses.setdefault(site.owner, []).append(site.type)
    seen: dict[str, None] = {}
    stack = uses.get("", [])[::-1]
    while stack:
        name = stack.pop()
        if name not in seen:
            seen[name] = None
            stack += uses.get(name, [])[::-1]
    return list(seen)


def branch_key(type_: Json) -> str:
    """What tells the branches of a union apart."""
    return type_ if isinstance(type_, str) else str(type_["type"])


def free_names(model: Model, short_names: Sequence[str] = SHORT_NAMES) -> list[str]:
    """Full names that nobody has.

    A name of the null namespace is free only while no namespace has the same short name: where both are defined,
    nothing that is written inside the namespace means the outer one.
    """
    taken = {name.rpartition(".")[2] for name in model.types}
    outer = {name for name in model.types if "." not in name}
    dotted = [f"{ns}.{short}" for ns in NAMESPACES for short in short_names if short not in outer]
    bare = [short for short in short_names if short not in taken]
    return [name for name in (*dotted, *bare) if name not in model.types]


_KINDS: Final = (
    ("enum", "fixed", "record", "record"),
    ("enum", "record", "record"),
    ("fixed", "record", "record"),
    ("record", "enum", "record"),
    ("record", "fixed", "record", "record"),
    ("enum", "enum", "record"),
    ("record", "record", "record"),
    ("record",),
    ("enum", "fixed"),
    (),
)
"""The named types of a schema; the last one is mostly the root."""

# Hypothesis prefers the ends of a range of integers; these are drawn as often as they stand here.
_MOSTLY: Final = st.sampled_from((True,) * 9 + (False,))
_RARELY: Final = st.sampled_from((False,) * 5 + (True,))
_FIELD_COUNTS: Final = st.sampled_from((2, 3, 1, 4, 3, 2, 3, 4, 0))


@st.composite
def unchecked_schemas(draw: DrawFn) -> Model:
    """A schema that is valid but for a default, now and then; every type in it has a finite value, recursive ones too.

    A default that was drawn for one branch of a union may fit another one first, and never end there.
    """
    model = Model([], {})
    for kind in draw(st.sampled_from(_KINDS)):
        name = draw(st.sampled_from(free_names(model)))
        model.types[name] = {"type": kind, "name": name}
    everywhere = list(model.types)
    for i, name in enumerate(everywhere):
        fill(draw, model, model.types[name], everywhere[:i], everywhere)
    if everywhere and draw(_MOSTLY):
        model.root.append(everywhere[-1])
    else:
        model.root.append(draw_type(draw, everywhere, everywhere))
    for definition in model.types.values():
        for field in definition.get("fields", ()):
            if draw(st.booleans()):
                set_default(draw, model, field)
    prune(model)
    return model


def prune(model: Model) -> None:
    """Forgets what the root does not need."""
    reachable = find_reachable(model)
    for name in [name for name in model.types if name not in reachable]:
        del model.types[name]


def fill(draw: DrawFn, model: Model, definition: Json, earlier: Sequence[str], everywhere: Sequence[str]) -> None:
    """What a definition of its kind has besides its name; ``earlier`` types may be used directly, others may not."""
    name, kind = definition["name"], definition["type"]
    if kind == "record":
        names = draw(st.permutations(FIELD_NAMES))[: draw(_FIELD_COUNTS)]
        definition["fields"] = [{"name": field, "type": draw_type(draw, earlier, everywhere)} for field in names]
        for field in definition["fields"]:
            if draw(_RARELY) and (free := free_field_names(definition)):
                field["aliases"] = draw(st.lists(st.sampled_from(free), min_size=1, max_size=2, unique=True))
    elif kind == "enum":
        definition["symbols"] = draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=4, unique=True))
        if draw(st.booleans()):
            definition["default"] = draw(st.sampled_from(definition["symbols"]))
    else:
        definition["size"] = draw(st.sampled_from(SIZES))
        if logical := draw(st.sampled_from(find_fixed_logicals(definition["size"]))):
            definition.update(logical)
    if draw(_RARELY):
        definition["aliases"] = [draw_alias(draw, name)]
    if draw(_RARELY):
        definition["doc"] = "Was steht hier? ✓"


def free_field_names(record: Json, besides: str = "") -> list[str]:
    """Names that no field of the record has, and no alias of one."""
    taken = {name for field in record["fields"] for name in (field["name"], *field.get("aliases", ()))} - {besides}
    return [name for name in (*FIELD_NAMES, "l", "m", "n") if name not in taken]


def draw_alias(draw: DrawFn, name: str) -> str:
    """A full name that can be written as an alias of ``name``: inside a namespace none of the null namespace can."""
    short = draw(st.sampled_from(SHORT_NAMES))
    namespace = draw(st.sampled_from(NAMESPACES if "." in name else ("", *NAMESPACES)))
    return f"{namespace}.{short}" if namespace else short


def find_fixed_logicals(size: int) -> list[Json]:
    """What a fixed of this size may be annotated with, nothing first."""
    found: list[Json] = [{}]
    found += [{"logicalType": "duration"}] * (size == 12) + [{"logicalType": "uuid"}] * (size == 16)
    digits = {1: 2, 2: 4, 8: 18, 12: 28, 16: 38}.get(size)
    if digits:
        for precision, scale in ((digits, 0), (digits, 2), (2, 1), (1, 0)):
            found.append({"logicalType": "decimal", "precision": precision, "scale": scale})
    return found


def draw_type(draw: DrawFn, earlier: Sequence[str], everywhere: Sequence[str], depth: int = 0) -> Json:
    """A type; names of ``everywhere`` only where a value may do without them, in arrays, maps and after a null."""
    kinds = ["primitive", "primitive", "logical"]
    kinds += ["name"] * (4 * bool(earlier)) + ["array", "map", "union", "union"] * (depth < MAX_DEPTH)
    kind = draw(st.sampled_from(kinds))
    if kind == "primitive":
        return draw(st.sampled_from(PRIMITIVES))
    if kind == "logical":
        return draw_logical(draw, draw(st.sampled_from(tuple(LOGICAL))))
    if kind == "name":
        return draw(st.sampled_from(earlier))
    if kind == "array":
        return {"type": "array", "items": draw_type(draw, everywhere, everywhere, depth + 1)}
    if kind == "map":
        return {"type": "map", "values": draw_type(draw, everywhere, everywhere, depth + 1)}
    has_null = draw(st.booleans())
    branches: dict[str, Json] = {"null": "null"} if has_null else {}
    for _ in range(draw(st.integers(1, 3))):
        names = everywhere if has_null else earlier
        branch = draw_type(draw, names, everywhere, MAX_DEPTH)  # of no depth: containers in unions come by mutation
        branches.setdefault(branch if isinstance(branch, str) else branch["type"], branch)
    return list(branches.values())


def draw_logical(draw: DrawFn, base: str) -> Json:
    """A primitive with a logical type."""
    name = draw(st.sampled_from(LOGICAL[base]))
    if name != "decimal":
        return {"type": base, "logicalType": name}
    precision = draw(st.sampled_from((1, 2, 4, 9, 30)))
    return {"type": base, "logicalType": name, "precision": precision, "scale": draw(st.integers(0, min(precision, 3)))}


def set_default(draw: DrawFn, model: Model, field: Json) -> None:
    """Gives a field a default of its type, or none where the type has no small value."""
    field.pop("default", None)
    try:
        field["default"] = draw_default(draw, model, field["type"])
    except NoValueError:
        return


_SCALARS: Final[dict[str, st.SearchStrategy[Json]]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.sampled_from((0, 1, -1, 2**31 - 1, -(2**31), 16777217)),
    "long": st.sampled_from((0, 1, -1, 2**63 - 1, -(2**63), 9007199254740993)),
    "float": st.sampled_from((0, 1, 0.1, -0.0, -1.5, 3.4028234663852886e38)),
    "double": st.sampled_from((0, 1, 0.1, -0.0, 1e300, 5e-324)),
    "bytes": st.sampled_from(("", "a", "\x00ÿ", "\x01\x02")),
    "string": st.sampled_from(("", "a", "日本", "\U0001f600", 'q"\\\n')),
    "uuid": st.just("6f1e2a52-0000-4000-8000-0123456789ab"),
    "decimal": st.sampled_from(("\x00", "\x01", "ÿ")),
}


def draw_default(draw: DrawFn, model: Model, type_: Json, depth: int = 0) -> Json:
    """A default of the type: of a union mostly by the first branch, and sometimes by another, as 1.12 allows."""
    if isinstance(type_, list):
        if not type_ or depth > 4:
            raise NoValueError
        later = len(type_) > 1 and draw(_RARELY)
        return draw_default(draw, model, draw(st.sampled_from(type_[1:])) if later else type_[0], depth + 1)
    if isinstance(type_, dict) and type_["type"] in ("array", "map"):
        inner = type_["items"] if type_["type"] == "array" else type_["values"]
        count = draw(st.integers(0, 2)) if depth < 2 else 0
        values = [draw_default(draw, model, inner, depth + 1) for _ in range(count)]
        return values if type_["type"] == "array" else dict(zip(("", "ключ"), values, strict=False))
    if isinstance(type_, str) and type_ in model.types:
        return _draw_named_default(draw, model, model.types[type_], depth)
    base = type_ if isinstance(type_, str) else type_["type"]
    logical = "" if isinstance(type_, str) else type_.get("logicalType", "")
    return draw(_SCALARS[logical if logical in _SCALARS else base])


def _draw_named_default(draw: DrawFn, model: Model, definition: Json, depth: int) -> Json:
    if definition["type"] == "enum":
        if not definition["symbols"]:
            raise NoValueError
        return draw(st.sampled_from(definition["symbols"]))
    if definition["type"] == "fixed":
        return draw(st.sampled_from(("\x00", "\x01"))) * definition["size"]
    if depth > 4:
        raise NoValueError
    fields = definition["fields"]
    return {
        field["name"]: draw_default(draw, model, field["type"], depth + 1)
        for field in fields
        if "default" not in field or draw(st.booleans())
    }
