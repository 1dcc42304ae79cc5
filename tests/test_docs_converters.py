"""The example of docs/converters.md does what the page says."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from registry.serde import Unrepresentable
from registry.serde.conversion import load_conversion
from registry.upgrade import parse_upgrade

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
