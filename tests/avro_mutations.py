"""Every change that makes one valid Avro schema into another: :data:`MUTATIONS`.

Each names the places it applies to, so that one is drawn only where there is such a place. What it breaks elsewhere is
for :mod:`tests.avro_pairs` to repair.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st

from tests.avro_schemas import (
    LOGICAL,
    MAX_DEPTH,
    PRIMITIVES,
    SHORT_NAMES,
    SIZES,
    SYMBOLS,
    DrawFn,
    Json,
    Model,
    Site,
    draw_alias,
    draw_logical,
    draw_type,
    fill,
    find_fixed_logicals,
    find_sites,
    free_field_names,
    free_names,
    set_default,
)


class Mutation(NamedTuple):
    """One change: where it applies, and how it is made there."""

    find_places: Callable[[Model], Iterator[Any]]
    apply: Callable[[DrawFn, Model, Any], None]
    weight: int = 1
    """How often it is drawn: more where fewer schemas have such a place, or where there is more to get wrong."""


# Places


def _records(model: Model) -> Iterator[Json]:
    return (each for each in model.types.values() if each["type"] == "record")


def _enums(model: Model) -> Iterator[Json]:
    return (each for each in model.types.values() if each["type"] == "enum")


def _fixed(model: Model) -> Iterator[Json]:
    return (each for each in model.types.values() if each["type"] == "fixed")


def _named(model: Model) -> Iterator[Json]:
    yield from model.types.values()


def _fields(model: Model) -> Iterator[tuple[Json, int]]:
    return ((record, i) for record in _records(model) for i in range(len(record["fields"])))


def _scalars(model: Model) -> Iterator[Site]:
    """Places of primitives, with a logical type or without."""
    return (site for site in find_sites(model) if _base(site.type) in PRIMITIVES)


def _unions(model: Model) -> Iterator[Site]:
    return (site for site in find_sites(model) if isinstance(site.type, list))


def _wrapped(model: Model) -> Iterator[Site]:
    return (
        site for site in find_sites(model) if (isinstance(site.type, list) and site.type) or _base(site.type) in _PARTS
    )


def _uses(model: Model) -> Iterator[Site]:
    return (site for site in find_sites(model) if isinstance(site.type, str) and site.type in model.types)


_PARTS: Final = {"array": "items", "map": "values"}


def _base(type_: Json) -> str:
    return type_["type"] if isinstance(type_, dict) else type_ if isinstance(type_, str) else ""


# Changes


def _add_field(draw: DrawFn, model: Model, record: Json) -> None:
    free = free_field_names(record)
    if free:
        names = list(model.types)
        field = {"name": draw(st.sampled_from(free[:3])), "type": draw_type(draw, names, names)}
        if draw(st.booleans()):
            set_default(draw, model, field)
        record["fields"].insert(draw(st.integers(0, len(record["fields"]))), field)


def _remove_field(_draw: DrawFn, _model: Model, place: tuple[Json, int]) -> None:
    record, i = place
    del record["fields"][i]


def _rename_field(draw: DrawFn, _model: Model, place: tuple[Json, int]) -> None:
    record, i = place
    field = record["fields"][i]
    before, names = field["name"], free_field_names(record)
    if names:
        field["name"] = draw(st.sampled_from(names[:3]))
        if draw(st.booleans()):
            field["aliases"] = [*field.get("aliases", ()), before]


def _alias_field(draw: DrawFn, _model: Model, place: tuple[Json, int]) -> None:
    record, i = place
    if names := free_field_names(record):
        record["fields"][i].setdefault("aliases", []).append(draw(st.sampled_from(names)))


def _reorder_fields(draw: DrawFn, _model: Model, record: Json) -> None:
    record["fields"] = draw(st.permutations(record["fields"]))


def _change_default(draw: DrawFn, model: Model, place: tuple[Json, int]) -> None:
    record, i = place
    field = record["fields"][i]
    if "default" in field and draw(st.booleans()):
        del field["default"]
    else:
        set_default(draw, model, field)


def _rename_type(draw: DrawFn, model: Model, definition: Json) -> None:
    _call(draw, model, definition, free_names(model))


def _move_type(draw: DrawFn, model: Model, definition: Json) -> None:
    short = definition["name"].rpartition(".")[2]
    _call(draw, model, definition, [name for name in free_names(model, [short]) if name.rpartition(".")[2] == short])


def _call(draw: DrawFn, model: Model, definition: Json, names: list[str]) -> None:
    """Gives a type another name everywhere; an alias keeps the old one, or does not."""
    if not names:
        return
    before, name = definition["name"], draw(st.sampled_from(names))
    for site in list(_uses(model)):
        if site.type == before:
            site.holder[site.key] = name
    del model.types[before]
    definition["name"] = name
    model.types[name] = definition
    aliases = [*definition.pop("aliases", ()), *([before] if draw(st.booleans()) else [])]
    sayable = [alias for alias in aliases if "." in alias or "." not in name]
    if sayable:
        definition["aliases"] = sayable


def _alias_type(draw: DrawFn, _model: Model, definition: Json) -> None:
    definition.setdefault("aliases", []).append(draw_alias(draw, definition["name"]))


def _split_type(draw: DrawFn, model: Model, site: Site) -> None:
    """One use gets a type of its own: the same under another name, often the same short name."""
    short = site.type.rpartition(".")[2]
    names = free_names(model, [short, short, *SHORT_NAMES])
    if names:
        name = draw(st.sampled_from(names))
        copied = Model([], {name: model.types[site.type]}).copy().types[name]
        copied["name"] = name
        copied.pop("aliases", None)
        model.types[name] = copied
        if site.in_union and draw(st.booleans()):
            site.holder.append(name)
        else:
            site.holder[site.key] = name


def _change_kind(draw: DrawFn, model: Model, definition: Json) -> None:
    kinds = [kind for kind in ("record", "enum", "fixed") if kind != definition["type"]]
    name = definition["name"]
    definition.clear()
    definition.update(type=draw(st.sampled_from(kinds)), name=name)
    fill(draw, model, definition, (), list(model.types))


def _add_symbol(draw: DrawFn, _model: Model, enum: Json) -> None:
    free = [symbol for symbol in (*SYMBOLS, "N", "O") if symbol not in enum["symbols"]]
    enum["symbols"].insert(draw(st.integers(0, len(enum["symbols"]))), draw(st.sampled_from(free)))


def _remove_symbol(draw: DrawFn, _model: Model, enum: Json) -> None:
    if enum["symbols"]:
        gone = draw(st.sampled_from(enum["symbols"]))
        enum["symbols"].remove(gone)
        if enum.get("default") == gone:
            del enum["default"]


def _reorder_symbols(draw: DrawFn, _model: Model, enum: Json) -> None:
    enum["symbols"] = draw(st.permutations(enum["symbols"]))


def _change_enum_default(draw: DrawFn, _model: Model, enum: Json) -> None:
    if enum.pop("default", None) is None or draw(st.booleans()):
        symbols = [*enum["symbols"]]
        if symbols:
            enum["default"] = draw(st.sampled_from(symbols))


def _resize(draw: DrawFn, _model: Model, fixed: Json) -> None:
    fixed["size"] = draw(st.sampled_from([size for size in SIZES if size != fixed["size"]]))
    _annotate_fixed(draw, _model, fixed)


def _annotate_fixed(draw: DrawFn, _model: Model, fixed: Json) -> None:
    for key in ("logicalType", "precision", "scale"):
        fixed.pop(key, None)
    fixed.update(draw(st.sampled_from(find_fixed_logicals(fixed["size"]))))


def _promote(draw: DrawFn, _model: Model, site: Site) -> None:
    """Another primitive of the same family, in either direction, which keeps or loses its logical type."""
    base = _base(site.type)
    family = next((f for f in (("int", "long", "float", "double"), ("bytes", "string")) if base in f), PRIMITIVES)
    new = draw(st.sampled_from([name for name in family if name != base]))
    site.holder[site.key] = draw_logical(draw, new) if new in LOGICAL and draw(st.integers(0, 3)) == 0 else new


def _change_logical(draw: DrawFn, _model: Model, site: Site) -> None:
    base = _base(site.type)
    has_logical = isinstance(site.type, dict)
    is_bare = base not in LOGICAL or (has_logical and draw(st.booleans()))
    site.holder[site.key] = base if is_bare else draw_logical(draw, base)


def _retype(draw: DrawFn, model: Model, site: Site) -> None:
    names = list(model.types)
    site.holder[site.key] = draw_type(draw, names, names, 2)


def _redirect(draw: DrawFn, model: Model, site: Site) -> None:
    site.holder[site.key] = draw(st.sampled_from(list(model.types)))


def _recurse(draw: DrawFn, model: Model, site: Site) -> None:
    """A place comes to hold the type it is part of: directly, and then no value ends, or where it may be absent."""
    name = site.owner or next(iter(model.types), "null")
    forms: list[Json] = [name, ["null", name], {"type": "array", "items": name}, {"type": "map", "values": name}]
    site.holder[site.key] = draw(st.sampled_from(forms))


def _wrap(draw: DrawFn, model: Model, site: Site) -> None:
    type_, free = site.type, free_names(model)
    form = draw(st.sampled_from(("array", "map", "nullable", "nullable", "one", "or", "record")))
    if form in _PARTS:
        site.holder[site.key] = {"type": form, _PARTS[form]: type_}
    elif form == "record" and free:
        name = draw(st.sampled_from(free))
        model.types[name] = {"type": "record", "name": name, "fields": [{"name": "f", "type": type_}]}
        site.holder[site.key] = name
    else:
        others: dict[str, list[Json]] = {"nullable": ["null"], "one": []}
        other = others[form] if form in others else [draw_type(draw, list(model.types), list(model.types), MAX_DEPTH)]
        site.holder[site.key] = [*other, type_] if draw(st.booleans()) else [type_, *other]


def _unwrap(draw: DrawFn, _model: Model, site: Site) -> None:
    type_ = site.type
    site.holder[site.key] = draw(st.sampled_from(type_)) if isinstance(type_, list) else type_[_PARTS[type_["type"]]]


def _add_branch(draw: DrawFn, model: Model, site: Site) -> None:
    names = list(model.types)
    site.type.insert(draw(st.integers(0, len(site.type))), draw_type(draw, names, names, 2))


def _remove_branch(draw: DrawFn, _model: Model, site: Site) -> None:
    if site.type:
        site.type.pop(draw(st.integers(0, len(site.type) - 1)))


def _reorder_branches(draw: DrawFn, _model: Model, site: Site) -> None:
    site.type[:] = draw(st.permutations(site.type))


def _annotate(draw: DrawFn, _model: Model, definition: Json) -> None:
    """What no decoder looks at."""
    noise: dict[str, Json] = {"doc": "neu", "x-owner": {"team": ["a"]}, "order": "ignore", "logicalType": "week"}
    key = draw(st.sampled_from(tuple(noise)))
    definition[key] = noise[key]


MUTATIONS: Final[dict[str, Mutation]] = {
    "add field": Mutation(_records, _add_field),
    "remove field": Mutation(_fields, _remove_field),
    "rename field": Mutation(_fields, _rename_field, 2),
    "alias field": Mutation(_fields, _alias_field),
    "reorder fields": Mutation(_records, _reorder_fields),
    "change default": Mutation(_fields, _change_default),
    "rename type": Mutation(_named, _rename_type),
    "move type": Mutation(_named, _move_type),
    "alias type": Mutation(_named, _alias_type),
    "split type": Mutation(_uses, _split_type, 2),
    "change kind": Mutation(_named, _change_kind),
    "add symbol": Mutation(_enums, _add_symbol, 2),
    "remove symbol": Mutation(_enums, _remove_symbol, 3),
    "reorder symbols": Mutation(_enums, _reorder_symbols),
    "change enum default": Mutation(_enums, _change_enum_default, 2),
    "resize": Mutation(_fixed, _resize, 2),
    "annotate fixed": Mutation(_fixed, _annotate_fixed, 3),
    "promote": Mutation(_scalars, _promote, 4),
    "change logical type": Mutation(_scalars, _change_logical, 4),
    "retype": Mutation(find_sites, _retype),
    "redirect": Mutation(_uses, _redirect),
    "recurse": Mutation(find_sites, _recurse),
    "wrap": Mutation(find_sites, _wrap),
    "unwrap": Mutation(_wrapped, _unwrap, 2),
    "add branch": Mutation(_unions, _add_branch, 3),
    "remove branch": Mutation(_unions, _remove_branch, 2),
    "reorder branches": Mutation(_unions, _reorder_branches, 2),
    "annotate": Mutation(_named, _annotate),
}
"""Every change, by name."""

DRAWN: Final = tuple(name for name, mutation in MUTATIONS.items() for _ in range(mutation.weight))
