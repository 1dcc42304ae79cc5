"""Files that refer to each other in a circle."""

from collections.abc import Iterator, Mapping

from registry.errors import Flaw
from registry.source import Location


def find_circles(references: Mapping[tuple[str, str], Location]) -> Iterator[Flaw]:
    """One flaw for each circle that a walk over the files closes; ``references`` holds the first use from file to file.

    Avro itself would not mind. But then no file can be registered, or parsed, before the other.
    """
    targets: dict[str, list[str]] = {}
    for source, target in references:
        if source != target:
            targets.setdefault(source, []).append(target)
    done: set[str] = set()
    for start in sorted(targets):
        trail, waiting = [start], [iter(sorted(targets[start]))]
        on_trail = {start}
        while trail and start not in done:
            target = next(waiting[-1], "")
            if not target:
                waiting.pop()
                on_trail.discard(trail[-1])
                done.add(trail.pop())
            elif target in on_trail:
                yield _circle(trail[trail.index(target) :], references)
            elif target not in done:
                trail.append(target)
                on_trail.add(target)
                waiting.append(iter(sorted(targets.get(target, ()))))


def _circle(files: list[str], references: Mapping[tuple[str, str], Location]) -> Flaw:
    pairs = list(zip(files, [*files[1:], files[0]], strict=True))
    steps = ", ".join(f"{references[pair]} needs {pair[1]}" for pair in pairs[:8])
    message = f"the files refer to each other in a circle: {steps}{', …' if len(pairs) > 8 else ''}"
    return Flaw("invalid", message, references[pairs[0]], "define the types that need each other in one file")
