"""Events to Kafka and back, beside confluent's own serializers and raw bytes in one run: a part of `make bench`.

`python bench/kafka.py [mock|apache] [number of events] [rounds] [--cpu]`
"""

import gc
import platform
import sys
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

import confluent_kafka
from kafka_events import EVENTS
from kafka_loops import (
    Loop,
    Times,
    run_confluent,
    run_confluent_bare,
    run_confluent_checked,
    run_ours,
    run_raw,
    run_raw_headed,
)

from registry.brokers import Broker, kind_of

RAW, RAW_HEADED = "raw bytes, no headers", "raw bytes, the headers"
BARE, HEADED = "confluent's serializers, no headers", "confluent's serializers, the headers"
CHECKED, OURS = "confluent's serializers, headers checked", "ours, headers checked"
LOOPS: Mapping[str, Loop] = {
    RAW: run_raw,
    RAW_HEADED: run_raw_headed,
    BARE: run_confluent_bare,
    HEADED: run_confluent,
    CHECKED: run_confluent_checked,
    OURS: run_ours,
}
ASKED = 3.0
"""How many times as quick as confluent's loop."""
SIZES = {"mock": (10_000, 5), "apache": (100_000, 4)}
"""Events and rounds by kind of broker; the mock holds 5 MB a partition."""
PARTITIONS = 4

Found = dict[tuple[str, str], list[Times]]
"""By loop and event, seconds for one event in each round."""


def measure(broker: Broker, many: int, rounds: int, tell: Callable[[str], object]) -> Found:
    """All loops in turns; each round begins with another one."""
    found: Found = {(name, event): [] for event in EVENTS for name in LOOPS}
    names = list(LOOPS)
    for round_ in range(rounds):
        shift = round_ % len(names)
        for event in EVENTS:
            for name in names[shift:] + names[:shift]:
                topic = f"bench-{event}-{names.index(name)}-{round_}"
                broker.create_topics({topic: PARTITIONS})
                gc.collect()
                gc.freeze()  # a loop is not to go through what others left
                sent, read = LOOPS[name](broker.address, topic, event, many)
                gc.unfreeze()
                found[name, event].append((sent / many, read / many))
        tell(f"round {round_ + 1} of {rounds}")
    return found


def print_table(found: Found) -> None:
    """Microseconds for one event: the best of each half, and the best and the median of both together."""
    print(
        f"{'':42}"
        + "".join(f"{event + ': send':>15}{'read':>8}{'both':>8}{'(median)':>10}{'a second':>11}" for event in EVENTS)
    )
    for name in LOOPS:
        cells = (_cell(found[name, event]) for event in EVENTS)
        print(f"{name:42}" + "".join(cells))


def _cell(rounds: list[Times]) -> str:
    sent, read = (min(each) * 1e6 for each in zip(*rounds, strict=True))
    both = [sum(each) * 1e6 for each in rounds]
    return f"{sent:15.2f}{read:8.2f}{min(both):8.2f}{f'({median(both):.2f})':>10}{1e6 / min(both):11,.0f}"


def print_ratios(found: Found) -> bool:
    """How many times as quick ours is; whether that is as asked beside confluent's loops with the same headers."""
    print("\ntimes as quick as the peer, sent and read: best beside best, and the median of rounds")
    good = True
    for event in EVENTS:
        for peer in (CHECKED, HEADED, BARE, RAW_HEADED, RAW):
            theirs, ours = ([sum(each) for each in found[name, event]] for name in (peer, OURS))
            best = min(theirs) / min(ours)
            middle = median(one / other for one, other in zip(theirs, ours, strict=True))
            verdict = ""
            if peer in (CHECKED, HEADED):
                good &= best >= ASKED
                verdict = f"   asked {ASKED}   {'OK' if best >= ASKED else 'short'}"
            print(f"  {event:10}beside {peer:42}{best:7.2f} ({middle:.2f}){verdict}")
    return good


def main() -> None:
    """Print it all, for the brokers that can be started here."""
    start = perf_counter()
    given = [each for each in sys.argv[1:] if not each.startswith("-")]
    kinds = given[:1] or list(SIZES)
    for name in kinds:
        kind = kind_of(name)
        if missing := kind.find_missing():
            print(f"skipped: {name} ({missing})")
            continue
        many, rounds = map(int, given[1:]) if given[1:] else SIZES[name]
        print(
            f"\nevents on Kafka ({kind.TITLE}), {many:,} in {rounds} rounds in turns, "
            f"Python {platform.python_version()}, librdkafka {confluent_kafka.libversion()[0]}: µs for one event",
            flush=True,
        )
        broker = kind.start()
        try:
            found = measure(broker, many, rounds, lambda text: print(text, file=sys.stderr, flush=True))
        finally:
            broker.close()
        print_table(found)
        print_ratios(found)
    print(f"\n{perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
