"""A mode makes pairs, and only the steps of their mismatches make a verdict."""

import pytest

from registry.compatibility import Comparison, compare_schemas, find_pairs
from registry.formats.avro import parse
from registry.formats.mismatch import Direction, Mismatch, Pair, Step
from registry.frozen import replace
from registry.schema import CompatibilityMode, Primitive, Schema
from registry.source import Location

MODES = [
    # mode, promises: backward, forward, transitive
    ("NONE", False, False, False),
    ("BACKWARD", True, False, False),
    ("FORWARD", False, True, False),
    ("FULL", True, True, False),
    ("BACKWARD_TRANSITIVE", True, False, True),
    ("FORWARD_TRANSITIVE", False, True, True),
    ("FULL_TRANSITIVE", True, True, True),
]

PAIRS = {
    # "reader < writer", in the order in which they are judged: the newest first
    "NONE": [],
    "BACKWARD": ["v4 < v3"],
    "FORWARD": ["v3 < v4"],
    "FULL": ["v4 < v3", "v3 < v4"],
    "BACKWARD_TRANSITIVE": ["v4 < v3", "v4 < v2", "v4 < v1"],
    "FORWARD_TRANSITIVE": ["v3 < v4", "v2 < v4", "v1 < v4"],
    "FULL_TRANSITIVE": ["v4 < v3", "v3 < v4", "v4 < v2", "v2 < v4", "v4 < v1", "v1 < v4"],
}


def schema() -> Schema:
    return Schema("avro", (Primitive("string", Location("a.avsc")),))


NEW = ("v4", schema())
OLDS = [("v1", schema()), ("v2", schema()), ("v3", schema())]


def render(pair: Pair) -> str:
    return f"{pair.reader_label} < {pair.writer_label}"


@pytest.mark.parametrize(("name", "backward", "forward", "transitive"), MODES)
def test_a_mode_is_what_its_name_says(name: str, backward: bool, forward: bool, transitive: bool) -> None:
    mode = CompatibilityMode(name)
    assert (mode.backward, mode.forward, mode.transitive) == (backward, forward, transitive)


def test_every_mode_stands_in_the_tables() -> None:
    assert [name for name, *_ in MODES] == list(PAIRS) == list(CompatibilityMode.__members__)


@pytest.mark.parametrize(("name", "expected"), PAIRS.items())
def test_a_mode_makes_its_pairs(name: str, expected: list[str]) -> None:
    assert [render(pair) for pair in find_pairs(CompatibilityMode(name), NEW, OLDS)] == expected


@pytest.mark.parametrize("mode", CompatibilityMode)
def test_the_direction_says_which_side_is_new(mode: CompatibilityMode) -> None:
    for pair in find_pairs(mode, NEW, OLDS, "confluent"):
        new = pair.reader if pair.direction is Direction.BACKWARD else pair.writer
        assert new is NEW[1]
        assert pair.profile == "confluent"


@pytest.mark.parametrize("mode", CompatibilityMode)
def test_a_first_version_makes_no_pair(mode: CompatibilityMode) -> None:
    assert list(find_pairs(mode, NEW, [])) == []


def test_a_schema_is_no_pair_with_itself() -> None:
    """The head that is the version it was released as."""
    olds = [*OLDS, ("v4", NEW[1])]
    pairs = find_pairs(CompatibilityMode.BACKWARD_TRANSITIVE, NEW, olds)
    assert [render(pair) for pair in pairs] == ["v4 < v3", "v4 < v2", "v4 < v1"]
    assert list(find_pairs(CompatibilityMode.BACKWARD, NEW, olds)) == []


def mismatch(step: Step) -> Mismatch:
    at = Location("a.avsc")
    return Mismatch("type_mismatch", step, Pair(NEW[1], OLDS[0][1]), at, at, "", "")


VERDICTS = [
    ((), True),
    ((Step.SOURCE,), True),
    ((Step.SOURCE, Step.SOURCE), True),
    ((Step.LOSSY,), False),
    ((Step.BREAK,), False),
    ((Step.SOURCE, Step.LOSSY), False),
    ((Step.SOURCE, Step.BREAK), False),
]


@pytest.mark.parametrize(("steps", "compatible"), VERDICTS)
def test_compatible_means_no_break_and_no_loss(steps: tuple[Step, ...], compatible: bool) -> None:
    assert Comparison(CompatibilityMode.FULL, tuple(map(mismatch, steps))).compatible is compatible


def test_the_mismatches_come_in_the_order_of_the_pairs() -> None:
    def named(label: str, type_: str) -> tuple[str, Schema]:
        return label, parse({"a.avsc": f'"{type_}"'}, ["a.avsc"])

    comparison = compare_schemas(
        CompatibilityMode.FULL_TRANSITIVE, named("v3", "string"), [named("v1", "int"), named("v2", "boolean")]
    )
    assert [render(mismatch.pair) for mismatch in comparison.mismatches] == ["v3 < v2", "v2 < v3", "v3 < v1", "v1 < v3"]
    assert not comparison.compatible


@pytest.mark.parametrize("step", Step)
def test_the_message_says_how_bad_it_is(step: Step) -> None:
    pair = Pair(NEW[1], OLDS[0][1], Direction.BACKWARD, "v4", "v1")
    found = replace(mismatch(step), pair=pair, fact="the fact")
    assert (
        found.message
        == {
            Step.BREAK: "v4 cannot read what v1 wrote: the fact",
            Step.LOSSY: "v4 does not always read what v1 wrote: the fact",
            Step.SOURCE: "the fact; the bytes are fine, code or JSON changes",
        }[step]
    )
