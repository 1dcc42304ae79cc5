"""`python -m conformance FOLDER [--ids]`: one row per file of cases, below them where we differ and why.

Exit code 1 if anything is wrong: a difference that is not listed, a listed one that is none, an id that no file has.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from conformance import pairs, values, wire
from conformance.buf import score_buf
from conformance.buf_groups import find_groups
from conformance.disagreements import GROUPS, read_list
from conformance.score import Group, Score, count, score
from registry.api import RegistryError

PAIRS: Final = ("avro_java", "avro_karapace", "avro_py", "apicurio", "proto_karapace")
"""The files whose cases are pairs with a verdict."""

WIDTH: Final = 118
INDENT: Final = " " * 7
HEADER: Final = ("", "cases", "agreed", "on purpose", "out of scope", "wrong", "disputed")
NOTE: Final = """\
A case is a pair of schemas that agrees if every mode does (of avro_java every kind and place too), a value of
avro_values, a finding of buf_breaking, a measured direction of `wire`. disputed: how many of the cases the engines
dispute among themselves; the judgement beside the case is what counts then, and they are in the other columns too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; the exit code."""
    parser = ArgumentParser(prog="python -m conformance", description="Our verdicts beside those of others.")
    parser.add_argument("folder", type=Path, help="the folder that holds the files of cases")
    parser.add_argument("--ids", action="store_true", help="name each case in which we differ")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"skipped: there is no folder {options.folder}, which would hold the cases")
        return 0
    try:
        listed = read_list()
        scores = list(find_scores(options.folder, listed))
    except RegistryError as error:
        print(f"error: {error.message}\nhelp: {error.help}", file=sys.stderr)
        return 2
    wrong = [*(sentence for each in scores for sentence in each.wrong), *find_unknown(listed, scores)]
    print("\n".join(render(scores, with_ids=options.ids)))
    if wrong:
        print("", *(f"wrong: {sentence}" for sentence in wrong), sep="\n")
    return 1 if wrong else 0


def find_scores(folder: Path, listed: Mapping[str, Group]) -> Iterator[Score]:
    """One score for each row of the table; ``listed`` is :func:`~conformance.disagreements.read_list`."""
    for name in PAIRS:
        yield score(name, pairs.find_outcomes(read_cases(folder, name)), listed)
    yield score_buf(read_cases(folder, "buf_breaking"), read_cases(folder, "buf_rules"))
    yield score("avro_values", values.find_outcomes(read_cases(folder, "avro_values")), listed)
    measured = (outcome for name in PAIRS for outcome in wire.find_outcomes(read_cases(folder, name)))
    yield score("wire", measured, listed)


def read_cases(folder: Path, name: str) -> Any:
    """What one file holds. Raises :class:`RegistryError`."""
    path = folder / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RegistryError(f"{path} cannot be read: {error}", "name the folder that holds all files") from error


def find_unknown(listed: Mapping[str, Group], scores: Iterable[Score]) -> Iterator[str]:
    """What is listed, and is no case at all."""
    known: set[str] = set()
    for each in scores:
        known.update(sentence.partition(": ")[0] for sentence in each.wrong)
        known.update(id_ for groups in (each.on_purpose, each.out_of_scope) for ids in groups.values() for id_ in ids)
    for id_, group in listed.items():
        if id_ not in known:
            yield f"{id_}: is listed under {group.id}, and no file has it"


def render(scores: Sequence[Score], *, with_ids: bool = False) -> Iterator[str]:
    """The table, and the groups with their reasons."""
    rows = [HEADER, *(_cells(each) for each in scores)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        numbers = (f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        yield f"{row[0]:<{widths[0]}}{''.join(numbers)}"
    yield f"\n{NOTE}"
    for title, of_scope in (("Disagreed on purpose", True), ("Out of scope", False)):
        yield f"\n{title}"
        for group in (*GROUPS, *find_groups()):
            sides = (each.on_purpose if of_scope else each.out_of_scope for each in scores)
            ids = [id_ for groups in sides for id_ in groups.get(group.id, ())]
            if ids:
                yield fill(f"{len(ids):>5}  {group.id}: {group.title}", WIDTH, subsequent_indent=INDENT)
                yield fill(f"we say: {group.ours}. {group.why}", WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
                yield from (f"{INDENT}{INDENT}{id_}" for id_ in ids if with_ids)


def _cells(each: Score) -> tuple[str, ...]:
    numbers = each.cases, each.agreed, count(each.on_purpose), count(each.out_of_scope), len(each.wrong), each.disputed
    return each.name, *map(str, numbers)


if __name__ == "__main__":
    sys.exit(main())
