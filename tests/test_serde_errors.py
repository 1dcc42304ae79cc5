"""An error says the way out wherever it is shown, once; and a Meta is what it is said to be."""

import copy
import os
import pickle
import subprocess
import sys
import traceback

import pytest
import serde_orders as orders

from registry import serde
from registry.serde.conversion import BadConversion
from registry.serde.identity import new_id


def test_a_traceback_shows_the_way_out_once() -> None:
    error = (
        serde.UnknownSchema("schema id 7 is none of v1", help="run `contracts gen`").of("shop.Paid").of("shop.Paid v1")
    )
    assert str(error) == "shop.Paid: schema id 7 is none of v1"
    assert traceback.format_exception_only(error) == [
        "registry.serde.errors.UnknownSchema: shop.Paid: schema id 7 is none of v1\n",
        "help: run `contracts gen`\n",
    ]


@pytest.mark.parametrize(
    "error",
    [
        serde.SerdeError("fact", "way out"),
        serde.DecodeError("fact", "/path", "way out", "subject"),
        serde.Inconvertible("fact", "/path", "way out", "subject", "dead-letter"),
        BadConversion("fact", "/up/0", "way out"),
    ],
)
def test_each_error_has_its_way_out_as_a_note(error: serde.SerdeError) -> None:
    assert error.__notes__ == ["help: way out"]


def test_an_error_without_a_way_out_has_no_note() -> None:
    assert not hasattr(serde.EncodeError("fact"), "__notes__")


def test_a_new_meta_has_all_its_attributes_and_no_other_can_be_set() -> None:
    meta = serde.Meta()
    assert {name: getattr(meta, name) for name in serde.Meta.__slots__} == {
        **dict.fromkeys(("correlation_id", "event_id", "contract", "topic"), ""),
        **dict.fromkeys(("schema_version", "version", "read_as"), 0),
        **dict.fromkeys(("occurred_at", "causation_id", "key", "timestamp", "message")),
        "partition": -1,
        "offset": -1,
        "headers": (),
        "trace": (),
    }
    assert repr(meta) == "Meta()"
    with pytest.raises(AttributeError):
        meta.corelation_id = "c"  # type: ignore[attr-defined]  # that is the point
    with pytest.raises(AttributeError, match="corelation_id"):
        _ = meta.corelation_id  # type: ignore[attr-defined]  # that is the point


def test_a_meta_of_a_payload_alone_reads_as_any_other() -> None:
    value, _ = serde.Serde(orders.BUNDLE, active=3).encode(
        orders.OrderPlaced(order_id="o-1", state=orders.State.OPEN), stamped()
    )
    _, meta = serde.Serde(orders.BUNDLE).decode(value)
    expected = stamped()
    expected.contract, expected.version, expected.schema_version = "shop.OrderPlaced", 3, 3
    for read in (meta, copy.copy(meta), pickle.loads(pickle.dumps(meta))):
        assert isinstance(read, serde.Meta)
        assert {name: getattr(read, name) for name in serde.Meta.__slots__} == {
            name: getattr(expected, name) for name in serde.Meta.__slots__
        }
        assert read._timestamp is None
    assert repr(meta) == repr(expected)
    with pytest.raises(AttributeError, match="Meta has no corelation_id"):
        _ = meta.corelation_id  # type: ignore[attr-defined]  # that is the point


def stamped() -> serde.Meta:
    meta = serde.Meta()
    meta.correlation_id, meta.event_id = "request-1", "event-1"
    meta._occurred_at = 1_767_312_000_123_000
    return meta


def test_a_meta_is_copied_and_pickled_without_the_message_of_protobuf() -> None:
    meta = serde.Meta()
    meta.correlation_id, meta.offset = "c-1", 7
    meta.message = lambda: None  # as little can it be pickled
    assert repr(meta).startswith("Meta(correlation_id='c-1', offset=7, message=")
    for again in (copy.copy(meta), copy.deepcopy(meta), pickle.loads(pickle.dumps(meta))):
        assert repr(again) == "Meta(correlation_id='c-1', offset=7)"


def test_ids_are_uuids_of_version_4_and_all_different() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    for each in ids:
        assert [len(part) for part in each.split("-")] == [8, 4, 4, 4, 12]
        assert int(each.replace("-", ""), 16) >= 0
        assert each[14] == "4"
    assert {each[19] for each in ids} == set("89ab")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_forked_makes_other_ids() -> None:
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True)
    ids = done.stdout.split()
    assert len(ids) == len(set(ids)) == 201


FORKING = """
import os
from registry.serde.identity import new_id

first, child = new_id(), os.fork()
if child:
    os.waitpid(child, 0)
    print(first)
print("\\n".join(new_id() for _ in range(100)), flush=True)
"""
