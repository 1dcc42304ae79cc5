"""The message key of each version: the same field under its name there, if converters leave its value alone."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from registry.laws.document import Declared, find_operations
from registry.rollout.readings import Parsed, describe_key

_RENAMES: Final = frozenset({"rename", "move"})
Steps = tuple[str, ...]
Read = Callable[[int], Parsed]


def explain_key(key: str, number: int, numbers: Sequence[int], read: Read) -> str:
    """The type of a version's message key, and the operations of converters that change its value on the way there.

    ``key`` is the path that ownership.yaml names, in whichever version has it: converters may give the field another
    name in the others. Two versions have the same key where this says the same of both. Empty where a version has none.
    """
    if not key:
        return ""
    for there in sorted(numbers, key=lambda each: (abs(each - number), -each)):
        if describe_key(read(there).schema, key):
            steps = _follow(tuple(key.split(".")), there, number, numbers, read)
            kind = describe_key(read(number).schema, ".".join(steps))
            changes = [*_find_changes(steps, number, numbers, read)] if kind else []
            return ", ".join([kind, *changes])
    return ""


def _follow(steps: Steps, there: int, number: int, numbers: Sequence[int], read: Read) -> Steps:
    """The path in one version of a field whose path in another is known."""
    if there < number:
        for newer in (each for each in numbers if there < each <= number):
            steps = _move(steps, _find_moves(newer, read))
    else:
        for newer in (each for each in reversed(numbers) if number < each <= there):
            steps = _move(steps, [(after, before) for before, after in _find_moves(newer, read)])
    return steps


def _find_changes(steps: Steps, number: int, numbers: Sequence[int], read: Read) -> Iterator[str]:
    """What converters do to the value, from the first version on: ``changed by scale in v2``."""
    for newer in (each for each in reversed(numbers) if each <= number):
        for operation in _find_operations(newer, read):
            if operation.name not in _RENAMES and any(path.steps == steps for path in operation.after):
                yield f"changed by {operation.name} in v{newer}"
        steps = _move(steps, [(after, before) for before, after in _find_moves(newer, read)])


def _find_operations(newer: int, read: Read) -> list[Declared]:
    upgrade = read(newer).upgrade
    return find_operations(upgrade.text, "up") if upgrade else []


def _find_moves(newer: int, read: Read) -> list[tuple[Steps, Steps]]:
    """Every path of the version before that has another name in this one."""
    return [
        (before.steps, after.steps)
        for operation in _find_operations(newer, read)
        for before, after in zip(operation.before, operation.after, strict=False)  # set and drop name but one
        if before.steps != after.steps
    ]


def _move(steps: Steps, moves: Sequence[tuple[Steps, Steps]]) -> Steps:
    """The path after a field, or a record that it is in, was given another name."""
    for source, target in moves:
        if steps[: len(source)] == source:
            return (*target, *steps[len(source) :])
    return steps
