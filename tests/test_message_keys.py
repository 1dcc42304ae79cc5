"""A message key is a text that every language spells alike: the rule asks for what the producer can write."""

import json
from pathlib import Path

import pytest

from tests.command import run
from tests.repo import Repository

OWNERSHIP = """\
version: 1
teams: {sales: {}}
services: {orders: {team: sales}}
entities:
  Order: {owner: orders, key: order_id, events: {shop.Placed: {}}}
"""


def check(folder: Path, type_: object) -> str:
    fields = {"correlation_id": "string", "schema_version": "int", "order_id": type_}
    schema = {
        "type": "record",
        "name": "Placed",
        "namespace": "shop",
        "fields": [{"name": name, "type": each} for name, each in fields.items()],
    }
    repository = Repository(folder / "shop")
    files = {"ownership.yaml": OWNERSHIP, "CODEOWNERS": "* @shop/sales\n"}
    repository.commit("first", {**files, "contracts/Placed.avsc": json.dumps(schema)})
    return run(repository.path, "check", "--all").out


@pytest.mark.parametrize(
    "type_",
    ["string", "long", "bytes", {"type": "string", "logicalType": "uuid"}, {"type": "int", "logicalType": "date"}],
)
def test_a_text_a_number_an_id_and_a_date_are_keys(tmp_path: Path, type_: object) -> None:
    assert "key-missing" not in check(tmp_path, type_)


@pytest.mark.parametrize("type_", ["boolean", "double", {"type": "long", "logicalType": "timestamp-micros"}])
def test_what_has_no_one_spelling_is_no_key(tmp_path: Path, type_: object) -> None:
    assert "the key 'order_id' of Order is no simple value in shop.Placed" in check(tmp_path, type_)
