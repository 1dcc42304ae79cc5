"""Hypothesis strategies for pairs of Protobuf schemas: a valid one, and what one to three changes made of it."""

from typing import NamedTuple

from hypothesis import strategies as st

from tests.protobuf_mutations import MUTATIONS
from tests.protobuf_schemas import DrawFn, Model, repair, schemas

_MORE = st.sampled_from((0, 0, 0, 1, 2))


class SchemaPair(NamedTuple):
    """Two versions of a schema, and the names of the changes between them."""

    before: Model
    after: Model
    changes: tuple[str, ...]


@st.composite
def pairs(draw: DrawFn, change: str = "") -> SchemaPair:
    """A schema and the same after one to three changes: first ``change``, if it is named and has a place."""
    before = draw(schemas())
    for _ in range(3):
        if not change or any(True for _ in MUTATIONS[change].find_places(before)):
            break
        before = draw(schemas())
    after = before.copy()
    changes = [_mutate(draw, after, change)]
    changes += [_mutate(draw, after) for _ in range(draw(_MORE))]
    return SchemaPair(before, after, tuple(changes))


@st.composite
def versions(draw: DrawFn, count: int = 3) -> list[Model]:
    """Several versions of a schema, each one change after the other."""
    made = [draw(schemas())]
    for _ in range(count - 1):
        after = made[-1].copy()
        _mutate(draw, after)
        made.append(after)
    return made


def _mutate(draw: DrawFn, model: Model, change: str = "") -> str:
    """Make one change that applies; what it breaks is repaired at once, so that the next one finds a valid schema."""
    name, places = "add a field", list(MUTATIONS["add a field"].find_places(model))  # applies anywhere
    for _ in range(4):
        other = change or draw(st.sampled_from(tuple(MUTATIONS)))
        if found := list(MUTATIONS[other].find_places(model)):
            name, places = other, found
            break
    MUTATIONS[name].apply(draw, model, draw(st.sampled_from(places)))
    repair(model)
    return name
