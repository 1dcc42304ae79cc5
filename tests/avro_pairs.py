"""Hypothesis strategies for valid Avro schemas, and for pairs of them: one, and what one to three changes made of it.

What a change breaks elsewhere (a default of the wrong type, a branch that stands twice) is repaired, so that both sides
are valid and none is thrown away.
"""

from collections.abc import Iterator
from typing import NamedTuple

from hypothesis import strategies as st

from registry.formats import avro
from registry.schema import MISSING, Record
from tests.avro_expect import find_endless, find_fault
from tests.avro_mutations import DRAWN, MUTATIONS
from tests.avro_schemas import (
    FIELD_NAMES,
    SCALARS,
    DrawFn,
    Json,
    Model,
    branch_key,
    find_sites,
    free_field_names,
    prune,
    set_default,
    unchecked_schemas,
)
from tests.avro_spelling import ROOT, spell


class SchemaPair(NamedTuple):
    """Two versions of a schema, and the names of the changes between them."""

    before: Model
    after: Model
    changes: tuple[str, ...]


@st.composite
def schemas(draw: DrawFn) -> Model:
    """A valid schema."""
    model = draw(unchecked_schemas())
    repair(draw, model)
    return model


@st.composite
def pairs(draw: DrawFn, most: int = 3) -> SchemaPair:
    """A schema and the same after one to ``most`` changes."""
    before = draw(schemas())
    after = before.copy()
    changes = tuple(_mutate(draw, after) for _ in range(draw(st.integers(1, most))))
    repair(draw, after)
    return SchemaPair(before, after, changes)


@st.composite
def versions(draw: DrawFn, count: int = 3) -> list[Model]:
    """Several versions of a schema, each one change after the other."""
    made = [draw(schemas())]
    for _ in range(count - 1):
        after = made[-1].copy()
        _mutate(draw, after)
        repair(draw, after)
        made.append(after)
    return made


@st.composite
def union_pairs(draw: DrawFn) -> SchemaPair:
    """Two unions of scalars, where a single branch is no union: every way to choose a branch, and to choose wrongly."""
    sides = []
    for _ in range(2):
        branches = draw(st.lists(st.sampled_from(SCALARS), min_size=1, max_size=4, unique_by=branch_key))
        is_union = len(branches) > 1 or draw(st.booleans())
        sides.append(Model([[*branches] if is_union else branches[0]], {}))
    return SchemaPair(sides[0], sides[1], ("another union",))


@st.composite
def name_pairs(draw: DrawFn) -> SchemaPair:
    """Two unions of few names, with aliases from the same few. What is read tells which branch was taken."""
    sides = []
    for _ in range(2):
        names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
        types: dict[str, Json] = {}
        for name in names:
            tag = {"name": "tag", "type": "string", "default": name}
            aliases = draw(st.lists(_NAMES, max_size=2, unique=True))
            types[name] = {"type": "record", "name": name, "aliases": aliases, "fields": [*draw(_BODY), tag]}
        sides.append(Model([names if len(names) > 1 or draw(st.booleans()) else names[0]], types))
    for field in (field for definition in sides[0].types.values() for field in definition["fields"]):
        if field["name"] == "tag":  # only the reader's names are to be seen
            field["name"] = "unread"
    return SchemaPair(sides[0], sides[1], ("other names",))


_NAMES = st.sampled_from(("a.R", "b.R", "a.c.R", "a.S", "b.S"))
_BODY: st.SearchStrategy[list[Json]] = st.sampled_from(
    ([], [], [{"name": "f", "type": "int"}], [{"name": "f", "type": "int", "default": 1}])
)


@st.composite
def field_pairs(draw: DrawFn) -> SchemaPair:
    """Two records of few field names, with aliases from the same few."""
    sides = []
    for _ in range(2):
        record: Json = {"type": "record", "name": "R", "fields": []}
        for name in draw(st.permutations(FIELD_NAMES[:4]))[: draw(st.integers(1, 3))]:
            if name in free_field_names(record):
                field: Json = {"name": name, "type": draw(st.sampled_from(("int", "int", "long")))}
                if draw(st.booleans()):
                    field["default"] = draw(st.integers(-1, 1))
                record["fields"].append(field)
                for _ in range(draw(st.sampled_from((0, 1, 2, 3)))):
                    free = [other for other in FIELD_NAMES[:4] if other in free_field_names(record)]
                    if free:
                        field.setdefault("aliases", []).append(draw(st.sampled_from(free)))
        sides.append(Model(["R"], {"R": record}))
    return SchemaPair(sides[0], sides[1], ("other fields",))


def _mutate(draw: DrawFn, model: Model) -> str:
    name, places = "retype", list(MUTATIONS["retype"].find_places(model))  # applies anywhere
    for _ in range(4):
        other = draw(st.sampled_from(DRAWN))
        if found := list(MUTATIONS[other].find_places(model)):
            name, places = other, found
            break
    MUTATIONS[name].apply(draw, model, draw(st.sampled_from(places)))
    _tidy(model)
    return name


# Repair


def _tidy(model: Model) -> None:
    """Unions whose branches can be told apart, none of them a union; only what is reachable."""
    for site in list(find_sites(model)):
        if isinstance(site.type, list) and not site.in_union:
            site.holder[site.key] = _flat(site.type)
    prune(model)


def _flat(union: list[Json]) -> list[Json]:
    branches: dict[str, Json] = {}
    stack = union[::-1]
    while stack:
        branch = stack.pop()
        if isinstance(branch, list):
            stack += branch[::-1]
        else:
            branches.setdefault(branch_key(branch), branch)
    return list(branches.values())


def repair(draw: DrawFn, model: Model) -> None:
    """Draws anew each default that no longer fits, or never ends; where that helps nobody, removes it."""
    for redraw in (True, *[False] * 20):
        bad = list(_find_bad_defaults(model))
        for field in bad:
            if redraw:
                set_default(draw, model, field)
            else:
                del field["default"]
        if not bad:
            return


def _find_bad_defaults(model: Model) -> Iterator[Json]:
    schema = avro.parse(spell(model), [ROOT], strict=False)
    endless = find_endless(schema)
    for name, definition in model.types.items():
        record = schema.types[name]
        if isinstance(record, Record):
            for field, written in zip(record.fields, definition["fields"], strict=True):
                fits = field.default is MISSING or find_fault(schema, field.type, field.default) is None
                if not fits or (name, field.name) in endless:
                    yield written
