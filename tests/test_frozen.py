"""Our classes of facts behave as those that the standard library makes."""

import dataclasses
import pickle
from collections.abc import Callable
from copy import copy, deepcopy
from typing import Any

import pytest

from registry import frozen
from registry.serde.record import Record

MAKERS: tuple[Any, ...] = (frozen, dataclasses)


def make(maker: Any) -> Any:
    """The same class, made by one of the two."""

    @maker.dataclass(frozen=True, slots=True)
    class Order:
        number: int
        tags: tuple[str, ...] = ()
        notes: dict[str, str] = maker.field(default_factory=dict)
        find: Callable[[], int] | None = maker.field(default=None, compare=False, repr=False)

        @property
        def double(self) -> int:
            return self.number * 2

    return Order


@pytest.mark.parametrize("maker", MAKERS)
def test_defaults_equality_hash_and_text(maker: Any) -> None:
    order = make(maker)
    one = order(1)
    assert (one.number, one.tags, one.notes, one.find, one.double) == (1, (), {}, None, 2)
    assert one == order(number=1, find=lambda: 1)
    assert one not in (order(2), 1, (1, (), {}))
    assert one.notes is not order(1).notes
    assert repr(one).endswith("Order(number=1, tags=(), notes={})")
    assert hash(order(1, notes=())) == hash(order(1, notes=(), find=print))
    assert {order(1, notes=()), order(1, notes=())} == {order(1, notes=())}


@pytest.mark.parametrize("maker", MAKERS)
def test_nothing_can_be_set_or_added(maker: Any) -> None:
    one = make(maker)(1)
    for name in ("number", "other"):
        with pytest.raises((AttributeError, TypeError)):  # the latter of CPython 3.11's own, for what is no field
            setattr(one, name, 2)
    with pytest.raises(AttributeError):
        del one.number
    assert one.number == 1
    assert not hasattr(one, "__dict__")


@pytest.mark.parametrize("maker", MAKERS)
def test_wrong_arguments_are_type_errors(maker: Any) -> None:
    order = make(maker)
    with pytest.raises(TypeError, match=r"Order.__init__\(\) missing 1 required positional argument: 'number'"):
        order()
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        order(1, colour=2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        maker.replace(order(1), colour=2)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_copy_with_some_fields_changed(maker: Any) -> None:
    one = make(maker)(1, ("a",))
    other = maker.replace(one, number=2)
    assert (other.number, other.tags, one.number) == (2, ("a",), 1)
    match other:
        case object(number=2, tags=(tag,)):
            assert tag == "a"
        case _:
            pytest.fail("no match by name")


@pytest.mark.parametrize("maker", MAKERS)
def test_methods_of_the_class_stay(maker: Any) -> None:
    @maker.dataclass(frozen=True, slots=True)
    class Place:
        line: int

        def __repr__(self) -> str:
            return f"line {self.line}"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

    assert repr(Place(1)) == "line 1" and Place(1) == 3 and hash(Place(2)) == 7


@pytest.mark.parametrize("maker", MAKERS)
def test_a_class_without_fields(maker: Any) -> None:
    @maker.dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    assert Nothing() == Nothing() and hash(Nothing()) == hash(Nothing())


@pytest.mark.parametrize("maker", MAKERS)
def test_a_fact_can_be_copied(maker: Any) -> None:
    @maker.dataclass(frozen=True, slots=True)
    class Place:
        path: str
        lines: list[int] = maker.field(default_factory=list)

    place = Place("a", [1])
    assert copy(place) == place and deepcopy(place) == place and deepcopy(place).lines is not place.lines


def test_a_fact_can_be_pickled() -> None:
    record = Record("orders", b"o-1", b"", (("ce_id", b"1"),))
    assert pickle.loads(pickle.dumps(record)) == record
