"""Events to bytes and back, beside the installed peers in one run: a part of `make bench`.

Times are nanoseconds for one event, the best of rounds in which all rows take turns. The table is followed by the
ratios that are asked, by what resolution costs, the memory of a million events, stubs and imports.
"""

import platform
import sys
from collections.abc import Iterator, Mapping
from time import perf_counter

from serde_costs import print_imports, print_memory
from serde_events import EVENTS
from serde_ours import core_row, resolved_row, serde_row, service_row
from serde_peers import ASDICT, BARE, BY_HAND, peer_rows
from serde_rows import Key, measure
from serde_stubs import print_generation

ROUNDS, SLICE = 100, 0.003
"""Short slices: on a machine that others use too, some of them are undisturbed."""
OURS, CORE = "ours, Avro", "ours, Avro: the core and its frame, no Meta"
RESOLVED = "ours, Avro: the same, written one version before"
SERVICE = "ours, Avro: with envelope and headers"
OURS_PROTO, CORE_PROTO = "ours, Protobuf", "ours, Protobuf: the core and its frame, no Meta"
ASKED: tuple[tuple[str, str, tuple[str, ...], float], ...] = (
    (BY_HAND, "encode", ("content", "small"), 3.0),
    (BY_HAND, "decode", ("content", "small"), 5.0),
    (ASDICT, "encode", ("content", "small"), 10.0),
    (BARE, "encode", ("content", "small"), 1.8),
    (BARE, "decode", ("content", "small"), 1.8),
    (BY_HAND, "encode", ("large",), 3.0),
    (BY_HAND, "decode", ("large",), 1.5),
    (BARE, "encode", ("large",), 2.5),
    (BARE, "decode", ("large",), 1.2),
)
"""Beside whom, doing what, with which events, how many times as quick at least."""


def print_table(times: Mapping[Key, float], names: list[str]) -> None:
    """Encode and decode of each event."""
    print(f"{'ns per event':50}" + "".join(f"{f'{event} enc':>13}{'dec':>10}" for event in EVENTS))
    for name in names:
        cells = (_cell(times.get((name, event, way)), way) for event in EVENTS for way in ("encode", "decode"))
        print(f"{name:50}" + "".join(cells))


def print_markdown(times: Mapping[Key, float], names: list[str]) -> None:
    """The same table, as docs/serde.md has it."""
    print("| | " + " | ".join(f"{event} enc / dec" for event in EVENTS) + " |\n|---|--:|--:|--:|")
    for name in names:
        pairs = (
            [_cell(times.get((name, event, way)), way).strip() for way in ("encode", "decode")] for event in EVENTS
        )
        print(f"| {name} | " + " | ".join(" / ".join(pair) for pair in pairs) + " |")


def _cell(time: float | None, way: str) -> str:
    shown = "–" if time is None else f"{time:,.0f}"
    return f"{shown:>13}" if way == "encode" else f"{shown:>10}"


def find_ratios(times: Mapping[Key, float]) -> Iterator[tuple[str, float, float, float]]:
    """What was asked, our ratio, that of the core with its frame, and the one asked for."""
    for peer, way, events, least in ASKED:
        for event in events:
            theirs = times[peer, event, way]
            yield (
                f"{event} {way}, beside {peer}",
                theirs / times[OURS, event, way],
                theirs / times[CORE, event, way],
                least,
            )


def print_ratios(times: Mapping[Key, float]) -> bool:
    """Each ratio with what is asked of it; whether all are there."""
    print("\ntimes as quick as the peer, frame and Meta included; in brackets the core with its frame, without Meta")
    good = True
    for what, ratio, core, least in find_ratios(times):
        good &= core >= least
        verdict = "OK" if ratio >= least else "OK without Meta" if core >= least else "short"
        print(f"  {what:62}{ratio:>7.2f} ({core:.2f})   asked {least:>5.1f}   {verdict}")
    return good


def print_resolution(times: Mapping[Key, float]) -> bool:
    """What the version before wrote, beside plain decoding."""
    print("\ntime to read what another version wrote, beside one's own (the core with its frame)")
    good = True
    for event in EVENTS:
        ratio = times[RESOLVED, event, "decode"] / times[CORE, event, "decode"]
        good &= ratio <= 1.05
        print(f"  {event:62}{ratio:>7.2f}   at most {1.05}   {'OK' if ratio <= 1.05 else 'short'}")
    return good


def main() -> None:
    """Print it all."""
    start = perf_counter()
    rows = {
        **peer_rows(),
        OURS: serde_row("avro"),
        CORE: core_row("avro"),
        RESOLVED: resolved_row(),
        SERVICE: service_row(),
        OURS_PROTO: serde_row("protobuf"),
        CORE_PROTO: core_row("protobuf"),
    }
    print(f"typed events to bytes and back, Python {platform.python_version()}, best of {ROUNDS} rounds in turns")
    times = measure(rows, ROUNDS, SLICE)
    if "--markdown" in sys.argv:
        print_markdown(times, list(rows))
        return
    print_table(times, list(rows))
    print_ratios(times)
    print_resolution(times)
    print_generation()
    print_imports()
    print_memory()
    print(f"\n{perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
