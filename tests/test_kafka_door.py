"""The door `registry.kafka`: what it names is there, and costs nothing before it is asked for."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import registry.kafka

TOP = Path(__file__).resolve().parent.parent
LIBRARIES = ("confluent_kafka", "psycopg", "redis", "opentelemetry", "prometheus_client", "sqlite3", "asyncio")


def test_the_table_of_the_door_is_what_a_type_checker_sees() -> None:
    text = Path(registry.kafka.__file__).read_text("utf-8")
    seen = re.findall(r"^    from (registry\.kafka\.\S+) import (\w+) as (\w+)$", text, re.MULTILINE)
    assert [(module, name) for module, name, again in seen if name == again] == [
        (module, name) for module, names in registry.kafka._MODULES.items() for name in names
    ]


@pytest.mark.parametrize("name", registry.kafka.__all__)
def test_each_name_is_where_the_door_says(name: str) -> None:
    found = getattr(registry.kafka, name)
    assert found is getattr(import_module(registry.kafka._MODULE_OF[name]), name)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"registry\.kafka has no Topic"):
        _ = registry.kafka.Topic


def test_the_door_and_what_needs_no_library_load_none() -> None:
    used = "Subscription, Retry, MemoryInbox, Relay, Reject, KafkaTransport, Metrics, Tracing, redrive"
    code = f"import sys; from registry.kafka import {used}; print(*[n for n in {LIBRARIES!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_the_classes_that_the_page_names_are_in_the_door_or_in_its_neighbours() -> None:
    import registry.serde

    page = (TOP / "docs" / "kafka.md").read_text("utf-8")
    named = {
        name for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) for name in re.findall(r"\b[A-Z]\w+", code)
    }
    own = {name for name in named if not re.match(r"Content|Cache|Inventory|Pages|SIG|UPDATE|SET|WHERE", name)}
    assert own - {*registry.kafka.__all__, *registry.serde.__all__, "None", "True"} == set()
    assert len(own) > 10
