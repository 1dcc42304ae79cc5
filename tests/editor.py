"""How an editor reads YAML before it holds it against a JSON Schema."""

from typing import Any

import yaml

BARE = {"true": True, "false": False, "": None, "~": None, "null": None}


def as_an_editor_reads(text: str) -> Any:
    """The JSON value that YAML 1.2 (core schema) makes of a text: ``no`` and ``2026-09-01`` are text there."""
    return _value(yaml.compose(text, yaml.BaseLoader))


def _value(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _value(of) for key, of in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_value(of) for of in node.value]
    if node.style:
        return node.value
    if node.value in BARE:
        return BARE[node.value]
    for number in (int, float):
        try:
            return number(node.value)
        except ValueError:
            continue
    return node.value
