"""The promise of a verdict, checked on one value: what is compatible survives, what is not has a witness."""

import re
from itertools import islice
from typing import Final

import pytest
from hypothesis import currently_in_test_context, event

from registry.formats.avro.reference import DecodeError, decode, encode
from registry.formats.avro.values import find_values
from registry.formats.avro.witness import find_witness
from registry.formats.mismatch import Mismatch
from registry.schema import Schema
from tests.avro_expect import expect, same
from tests.avro_logical import read_tagged

MAX_VALUES: Final = 200
"""Values of one schema that are tried."""

NO_VALUE: Final = re.compile(
    ".* has no finite value|its only value is also the default|the smallest value.* is larger than .*"
    "|.*nests deeper than .*"
)
"""Why there may be no witness; and then no value may show the mismatch."""


def survives(reader: Schema, writer: Schema, value: object) -> bool:
    """Whether a value reads as it was written; the codec must do with it what is expected, whatever that is."""
    expected = expect(reader, writer, value)
    data = encode(writer, value)
    if expected.fails:
        with pytest.raises(DecodeError) as failure:
            decode(reader, writer, data)
        assert failure.value.path in [change.path for change in expected.changes if change.fails], expected
        return False
    read = decode(reader, writer, data)
    assert same(read, expected.value), (read, expected)
    return not expected.changes


def check_witness(mismatch: Mismatch) -> None:
    """The bytes of a witness say of themselves what it says, and at the place of the mismatch."""
    witness = find_witness(mismatch)
    if currently_in_test_context():
        event(f"{mismatch.kind}{', no witness' if witness.reason else ''}")
    reader, writer = mismatch.pair.reader, mismatch.pair.writer
    if witness.reason:
        # A renamed field of a type with one value, which is also the default, is hidden by nothing: an empty record.
        may_be_alone = mismatch.kind == "renamed_field_defaulted"
        assert may_be_alone or NO_VALUE.fullmatch(witness.reason), witness.reason
        for value in islice(find_values(writer), MAX_VALUES):
            assert mismatch.path not in [change.path for change in expect(reader, writer, value).changes]
        return
    value = read_tagged(writer, witness.data)
    changes = expect(reader, writer, value).changes
    assert mismatch.path in [change.path for change in changes], (witness.sentence, changes)
    assert witness.written and (witness.read or witness.failure), witness
    if "is left out, because" not in witness.note:  # else a reader that is cut to the path was needed to show it
        assert bool(witness.failure) == any(change.fails for change in changes), (witness.sentence, changes)
        assert not survives(reader, writer, value)
