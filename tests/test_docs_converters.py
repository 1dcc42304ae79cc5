"""The page docs/converters.md does what it says: its example, and what the commands print of it."""

import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from registry.serde import Unrepresentable
from registry.serde.conversion import load_conversion
from registry.upgrade import parse_upgrade
from tests.command import run
from tests.laws_orders import ONE, TWO
from tests.released import OWNERSHIP, PLACED, freeze
from tests.repo import Repository

PAGE = (Path(__file__).parents[1] / "docs" / "converters.md").read_text()


def find_block(language: str) -> str:
    """The first block of a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_converts_as_the_page_says() -> None:
    older, newer, other = (eval(line, {"Decimal": Decimal}) for line in find_block("python").splitlines())
    conversion = load_conversion(parse_upgrade(find_block("yaml"), "upgrade.yaml").text)
    assert conversion.up(older) == newer and conversion.down(newer) == older
    with pytest.raises(Unrepresentable, match="currency"):
        conversion.down(other)


def test_the_commands_print_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First as it is, then with the way down that the page shows."""
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    repository = Repository(tmp_path / "repository")
    kept = OWNERSHIP.replace("{service: billing, reads: [1, 2]}", "billing").partition("  Payment:")[0]
    ownership = kept.replace("      shop.Cancelled: {}\n", "").replace("key: order_id", "key: customer")
    repository.write({"ownership.yaml": ownership, "CODEOWNERS": "* @shop/sales\n", PLACED: ONE})
    freeze(repository, "shop.Placed")
    example, *others = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (crooked,) = (block for block in others if block.startswith("down:\n"))
    newer = TWO.replace('"precision": 30', '"precision": 18')
    repository.write({"ownership.yaml": ownership.replace("key: customer", "key: customer_id"), PLACED: newer})
    up, _, cases = example.partition("down: derived")
    cases = cases.partition("\n")[2]
    shown = re.findall(r"```console\n\$ contracts (.*?)\n(.*?)```", PAGE, re.DOTALL)
    assert len(shown) == 2
    for document, (command, expected) in zip((example, up + crooked + cases), shown, strict=True):
        repository.write({"contracts/order/Placed.upgrade.yaml": document})
        assert run(repository.path, *command.split()).out == expected
