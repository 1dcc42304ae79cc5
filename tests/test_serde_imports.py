"""What production imports: a service pays for what it uses, and Avro needs nothing but this package."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from registry import serde

ROOT = Path(__file__).parents[1]
DOOR = ROOT / "registry" / "serde" / "__init__.py"

BARE = """
import sys
sys.path.insert(0, {root!r})
sys.path.insert(0, {tests!r})
before = set(sys.modules)
{code}
print(__import__("json").dumps(sorted(set(sys.modules) - before)))
"""

ROUND_TRIP = """
import serde_orders as orders
from registry import serde
value = serde.Serde(orders.BUNDLE).encode(orders.OrderPlaced(order_id="o", state=orders.State.OPEN), orders.meta())[0]
event, meta = serde.Serde(orders.BUNDLE).decode(value)
assert event.order_id == "o", event
transport, consumer = serde.InMemory(), orders.Orders()
transport.subscribe(consumer)
orders.OrderPlacedProducer(transport, service="shop-api").publish(event, correlation_id="r")
assert transport.deliver() == 1
"""

PROTOBUF = """
from registry import serde
bundle = serde.Bundle(
    event="shop.Paid", language="protobuf", service="a", owner="a", contact="", topic="t", key="", reads=(1,),
    writes=(),
    versions=(serde.BundledVersion(number=1, schema_id=1, guid="0" * 32, root="a.proto", files={}),),
)
try:
    serde.Serde(bundle).decode(bytes([0, 0, 0, 0, 1, 0]))
except serde.SerdeError as error:
    assert error.help == "pip install 'event-contracts[protobuf]'", error.help
else:
    raise AssertionError
"""


def load_bare(code: str) -> list[str]:
    """The modules that some code loads in a Python without any installed package."""
    script = BARE.format(root=str(ROOT), tests=str(ROOT / "tests"), code=code)
    command = [sys.executable, "-I", "-S", "-B", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def foreign(modules: list[str]) -> set[str]:
    known = sys.stdlib_module_names | {"registry", "serde_orders"}
    return {name.partition(".")[0] for name in modules} - known


def test_the_door_alone_loads_next_to_nothing() -> None:
    loaded = load_bare("import registry.serde")
    assert {name for name in loaded if name.startswith("registry")} == {"registry", "registry.serde"}


def test_avro_needs_no_package_at_all() -> None:
    loaded = load_bare(ROUND_TRIP)
    assert foreign(loaded) == set()


@pytest.mark.parametrize(
    "heavy",
    ["asyncio", "concurrent", "ctypes", "email", "http", "inspect", "logging", "socket", "ssl", "subprocess", "urllib"],
)
def test_what_is_heavy_is_not_loaded_for_it(heavy: str) -> None:
    code = """
from registry import serde
from registry.serde import Bundle, Consumer, Meta, Producer, Serde, check_stub, correlation, upgrade
"""
    assert heavy not in {name.partition(".")[0] for name in load_bare(code)}


def test_the_tools_own_rooms_stay_closed() -> None:
    loaded = load_bare(ROUND_TRIP)
    rooms = {name.split(".")[1] for name in loaded if name.startswith("registry.")}
    assert rooms <= {
        "described",
        "difference",
        "errors",
        "formats",
        "frozen",
        "schema",
        "serde",
        "source",
        "spelling",
        "text",
        "pairing",
    }
    assert not any(name.startswith("registry.formats.protobuf") for name in loaded)


def test_protobuf_without_its_library_names_the_command() -> None:
    assert foreign(load_bare(PROTOBUF)) == set()


def test_every_name_of_the_door_is_there_and_typed() -> None:
    typed = {
        alias.asname
        for node in ast.walk(ast.parse(DOOR.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }
    assert typed == set(serde.__all__)
    for name in serde.__all__:
        assert getattr(serde, name) is not None
        module = importlib.import_module(serde._MODULE_OF[name])
        assert getattr(serde, name) is getattr(module, name), "a module of the same name must not hide it"
    with pytest.raises(AttributeError, match=r"registry\.serde has no nothing"):
        serde.nothing  # noqa: B018  # asking is the test
