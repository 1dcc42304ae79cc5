"""What speed must not cost: memory that grows, imports that linger."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter
from typing import Any

from serde_ours import ASKED, compile_proto, make_bundle, write_older

from registry.serde import Meta

MANY, WARM = 1_000_000, 20_000
IMPORTS = (
    ("nothing", "pass"),
    ("import registry.serde", "import registry.serde"),
    ("what the stubs take from it", "from registry.serde import Bundle, Consumer, Meta, Producer, Serde, Shape"),
    ("from the start to a first event in Avro", "import serde_first; serde_first.run('avro')"),
    (
        "from the start to a first event in Protobuf",
        "import serde_first; serde_first.run('protobuf', bytes.fromhex('DESCRIPTORS'))",
    ),
    ("import fastavro", "import fastavro"),
    ("import confluent_kafka's Avro serializer", "import confluent_kafka.schema_registry.avro"),
    ("import google.protobuf's messages", "import google.protobuf.message_factory"),
)


STATM = Path("/proc/self/statm")


def read_resident() -> float:
    """Megabytes that this process holds."""
    with STATM.open(encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def print_memory() -> None:
    """Resident memory before and after a million events; in Avro every other one is of the version before."""
    from registry.serde import Serde

    if not STATM.exists():
        print(f"skipped: memory of {MANY:,} events ({STATM} is absent)")
        return
    print(f"\nresident memory around {MANY:,} events, *content*, after a first {WARM:,}")
    for language in ("avro", "protobuf"):
        serde = Serde(make_bundle(language, "content"))
        event = ASKED[language]["content"]
        data = [serde.encode(event, Meta())[0], *([write_older("content")] if language == "avro" else [])]
        _print_growth(f"{language} decode", serde.decode, data)
        _print_growth(f"{language} encode", partial(serde.encode, meta=Meta()), [event])


def _print_growth(what: str, call: Callable[[Any], object], inputs: Sequence[object]) -> None:
    for each in islice(cycle(inputs), WARM):
        call(each)
    before = read_resident()
    for each in islice(cycle(inputs), MANY):
        call(each)
    after = read_resident()
    print(f"  {what:20}{before:9.1f} MB before {after:9.1f} MB after {after - before:+9.1f} MB", flush=True)


def print_imports(rounds: int = 7) -> None:
    """Milliseconds of fresh processes beyond those of an empty one; the quickest of some rounds in turns."""
    print(
        f"\nmilliseconds to import, in a fresh process, without the interpreter's own; best of {rounds} rounds in turns"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    descriptors = compile_proto().hex()
    best = dict.fromkeys(dict(IMPORTS), float("inf"))
    for _ in range(rounds + 1):  # the first one writes bytecode
        for name, code in IMPORTS:
            start = perf_counter()
            subprocess.run(
                [sys.executable, "-c", code.replace("DESCRIPTORS", descriptors)],
                check=True,
                env=environment,
                cwd=Path(__file__).parent,
            )
            best[name] = min(best[name], perf_counter() - start)
    for name, seconds in list(best.items())[1:]:
        print(f"  {name:62}{(seconds - best['nothing']) * 1000:9.1f} ms")
