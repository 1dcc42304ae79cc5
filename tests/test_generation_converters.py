"""A breaking change with converters: released, generated, and read by the stubs as the new version."""

import importlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from registry.generation import Wish, read_plans, render_stubs
from registry.serde import Meta, Serde, Unrepresentable
from tests.released import OWNERSHIP, PLACED, freeze
from tests.repo import Repository

ENVELOPE = '{"name": "correlation_id", "type": "string"}, {"name": "schema_version", "type": "int"}'
DECIMAL = '{"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}'


def schema(*fields: str) -> str:
    return (
        f'{{"type": "record", "name": "Placed", "namespace": "shop", "fields": [{", ".join((ENVELOPE, *fields))}]}}\n'
    )


ONE = schema('{"name": "order_id", "type": "string"}', '{"name": "amount_cents", "type": "long"}')
TWO = schema(
    '{"name": "order_id", "type": "string"}',
    f'{{"name": "amount", "type": {DECIMAL}}}',
    '{"name": "currency", "type": "string"}',
)
UPGRADE = """\
up:
  - scale: {field: amount_cents, to: amount, by: 0.01}
  - set: {field: currency, value: EUR, because: version 1 was EUR only}
down: derived
unrepresentable: {down: [{when: {currency: {not: EUR}}, then: hold}]}
"""


@pytest.fixture
def stubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The owner's module, of both versions."""
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    repository = Repository(tmp_path / "repository")
    unpinned = OWNERSHIP.replace("{service: billing, reads: [1, 2]}", "billing")
    repository.commit("one", {"ownership.yaml": unpinned, PLACED: ONE})
    freeze(repository, "shop.Placed")
    repository.write({PLACED: TWO, "contracts/order/Placed.upgrade.yaml": UPGRADE})
    freeze(repository, "shop.Placed")
    repository.write({"ownership.yaml": unpinned.replace("shop.Placed: {", "shop.Placed: {writes: [1, 2], ")})
    folder = tmp_path / "src" / "converted"
    folder.mkdir(parents=True)
    for path, text in render_stubs(read_plans(repository.path, Wish("orders"), os.environ)).items():
        (folder / path).write_text(text)
    monkeypatch.syspath_prepend(folder.parent)
    yield importlib.import_module("converted.placed")
    for name in [name for name in sys.modules if name.partition(".")[0] == "converted"]:
        del sys.modules[name]


def filled() -> Meta:
    meta = Meta()
    meta.correlation_id, meta.event_id, meta.occurred_at = "request-1", "event-1", datetime(2026, 11, 23, tzinfo=UTC)
    return meta


def test_what_was_written_before_is_read_as_the_new_version(stubs: Any) -> None:
    old = Serde(stubs.PlacedProducer.bundle(), active=1)
    value, headers = old.encode(stubs.PlacedV1(order_id="o", amount_cents=1999), filled())
    event, meta = old.decode(value, headers)
    assert event == stubs.Placed(order_id="o", amount=Decimal("19.99"), currency="EUR")
    assert (meta.schema_version, meta.version, meta.correlation_id) == (1, 1, "request-1")
    assert old.decode(value, headers, read_as=stubs.PlacedV1)[0].upgrade() == event


def test_the_new_version_is_written_as_the_old_one_while_that_is_active(stubs: Any) -> None:
    old = Serde(stubs.PlacedProducer.bundle(), active=1)
    value, headers = old.encode(stubs.Placed(order_id="o", amount=Decimal("0.05"), currency="EUR"), filled())
    assert old.decode(value, headers, read_as=stubs.PlacedV1)[0] == stubs.PlacedV1(order_id="o", amount_cents=5)
    with pytest.raises(Unrepresentable):
        old.encode(stubs.Placed(order_id="o", amount=Decimal("0.05"), currency="USD"), filled())
